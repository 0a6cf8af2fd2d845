"""Commits: into empty repositories, onto branches that do not hold still, previewed, and none where nothing changes."""

from __future__ import annotations

import base64

import pytest

from reign.executor import TaskFailed
from tests.integration.github.hands import OPERATIONS, Hands

WORKFLOW = "on: push\njobs:\n  test:\n    runs-on: ubuntu-latest\n    steps: [{run: make}]\n"


def test_the_first_commit_of_an_empty_repository(hands: Hands) -> None:
    made = hands.run("create_repository", name="pay", initialize=False)
    hands.place.repo = made.full_name
    assert hands.run("put_file", branch="main", path="a b.txt", content="first").commit_sha
    assert hands.place.text("main", "a%20b.txt") == "first"
    assert hands.place.messages("main") == ["Write a b.txt\n\nReign-Task: brave-otter-17/task"]


def test_many_files_into_an_empty_repository(hands: Hands) -> None:
    hands.place.repo = hands.run("create_repository", name="pay", initialize=False).full_name
    hands.run("put_files", branch="main", files={"a": "1", "b/c": "2", "d": {"content": "x", "executable": True}})
    assert {path: mode for path, (mode, _) in hands.place.tree("main").items()} == {
        "a": "100644", "b/c": "100644", "d": "100755",
    }  # fmt: skip
    hands.undo("create_repository")


def test_nothing_to_delete_in_an_empty_repository(hands: Hands) -> None:
    hands.place.repo = hands.run("create_repository", name="pay", initialize=False).full_name
    with pytest.raises(TaskFailed, match="has no branch 'main'"):
        hands.run("delete_file", branch="main", path="a")


def test_what_is_so_already_makes_no_commit(hands: Hands) -> None:
    place = hands.place
    newest = place.of_repo("GET", "/commits", sha=place.base)[0]["sha"]
    assert hands.run("put_file", branch=place.base, path="README.md", content="# shop\n").commit_sha
    assert hands.run("delete_file", branch=place.base, path="none").commit_sha == newest
    assert hands.run("put_files", branch=place.base, files={"run.sh": "#!/bin/sh\n", "x": None}).commit_sha == newest
    assert place.of_repo("GET", "/commits", sha=place.base)[0]["sha"] == newest


def test_many_files_are_one_commit(hands: Hands) -> None:
    place, binary = hands.place, bytes(range(256))
    before = len(place.messages(place.base))
    files = {"big.txt": "y" * 150_000, "run.sh": "#!/bin/sh\ntrue\n", "src/app.py": None}
    (hands.folder / "logo.png").write_bytes(binary)
    hands.run("put_files", branch=place.base, files=files | {"logo.png": {"source": "logo.png"}}, message="All")
    assert len(place.messages(place.base)) == before + 1
    tree = place.tree(place.base)
    assert "src/app.py" not in tree
    assert tree["run.sh"][0] == "100755", "the mode stays"
    blob = place.of_repo("GET", f"/git/blobs/{tree['logo.png'][1]}")
    assert base64.b64decode(blob["content"]) == binary


def test_a_branch_that_never_holds_still(hands: Hands) -> None:
    hands.place.fake.fail_next("PATCH", "/git/refs/heads/main$", 422, message="Update is not a fast forward", times=9)
    with pytest.raises(TaskFailed, match="main of mona/shop keeps moving") as raised:
        hands.run("put_file", branch="main", path="a", content="x")
    assert raised.value.retryable


def test_previews(hands: Hands) -> None:
    place = hands.place

    def preview(verb: str, **inputs: object) -> str | None:
        operation = OPERATIONS[f"github.{verb}"]
        return operation.preview(hands.context(), hands.inputs(operation.name, branch=place.base, **inputs))

    world = place.world()
    assert preview("put_file", path="README.md", content="# new\n") == (
        "--- a/README.md\n+++ b/README.md\n@@ -1 +1 @@\n-# shop\n+# new"
    )
    assert preview("put_file", path="README.md", content="# shop\n") == ""
    assert preview("put_file", path="new", content="") == "--- /dev/null\n+++ b/new"
    assert preview("delete_file", path="src/app.py") == ("--- a/src/app.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-print('hi')")
    assert preview("put_files", files={"b": {"content": "/w==", "encoding": "base64"}}) == "b: 0 bytes -> 1 bytes"
    chmod = preview("put_files", files={"README.md": {"content": "# shop\n", "executable": True}})
    assert chmod == "new mode 100755 README.md\n--- a/README.md\n+++ b/README.md"
    long = preview("put_file", path="long", content="x\n" * 500)
    assert long is not None
    assert long.endswith("... 303 lines more")
    assert "+on: push" in (preview("put_workflow", name="ci", content=WORKFLOW) or "")
    with pytest.raises(TaskFailed, match=r"the workflow ci\.yml is not valid"):
        preview("put_workflow", name="ci", content="on: push")
    operation = OPERATIONS["github.put_file"]
    inputs = hands.inputs("github.put_file", branch=f"{place.prefix}none", path="a", content="x")
    assert operation.preview(hands.context(), inputs) is None
    assert place.world() == world


def test_a_faulty_workflow_is_not_sent(hands: Hands) -> None:
    world = hands.place.world()
    with pytest.raises(TaskFailed, match="there is no job 'build'"):
        hands.run("put_workflow", branch=hands.place.base, name="ci", content=WORKFLOW + "    needs: build\n")
    assert hands.place.world() == world
