"""Releases: published whole, found again, taken back with the tag that they made."""

from __future__ import annotations

from typing import Any

import pytest

from reign.executor import TaskFailed
from tests.integration.github.hands import OPERATIONS, Hands


@pytest.fixture(autouse=True)
def built(hands: Hands) -> None:
    (hands.folder / "a.whl").write_bytes(b"wheel")
    (hands.folder / "b.txt").write_text("notes")


def test_published_when_all_assets_are_there(hands: Hands) -> None:
    server = hands.place.fake
    server.fail_next("POST", "/assets$", 500)
    inputs: dict[str, Any] = {"tag": "v1", "body": "First", "assets": ["a.whl", "b.txt"]}
    with pytest.raises(TaskFailed):
        hands.run("create_release", hands.context(), **inputs)
    [draft] = hands.place.of_repo("GET", "/releases")
    assert draft["draft"]
    assert hands.place.world()["tags"] == []
    made = hands.run("create_release", hands.context(attempt=2), **inputs)
    assert set(made.assets) == {"a.whl", "b.txt"}
    assert hands.place.world()["releases"] == [("v1", "v1", False, ["a.whl", "b.txt"])]
    posts = server.requests.count("POST")
    hands.run("create_release", hands.context(run="later-run-18"), **inputs)
    assert server.requests.count("POST") == posts, "it says the same"


def test_an_asset_that_changed_is_sent_again(hands: Hands) -> None:
    hands.run("create_release", hands.context(), tag="v1", assets=["a.whl"])
    (hands.folder / "a.whl").write_bytes(b"newer")
    hands.run("create_release", hands.context(), tag="v1", assets=["a.whl"])
    [release] = hands.place.of_repo("GET", "/releases")
    assert [asset["size"] for asset in release["assets"]] == [5]
    assert hands.place.fake.requests.count("POST", "/assets$") == 2


def test_another_s_release_of_that_tag_is_a_conflict(hands: Hands) -> None:
    hands.place.of_repo("POST", "/releases", {"tag_name": "v1", "name": "Theirs"})
    with pytest.raises(TaskFailed, match="there is a release v1 with other words"):
        hands.run("create_release", tag="v1")


def test_assets_added_to_a_release_that_was_there(hands: Hands) -> None:
    hands.place.of_repo("POST", "/releases", {"tag_name": "v1", "name": "v1", "body": "First"})
    world = hands.place.world()
    hands.run("create_release", tag="v1", body="First", assets={"wheel": "a.whl"})
    assert hands.place.world() != world
    hands.undo("create_release")
    assert hands.place.world() == world


def test_a_tag_that_was_there_stays(hands: Hands) -> None:
    sha = hands.place.of_repo("GET", "/commits/main")["sha"]
    hands.place.of_repo("POST", "/git/refs", {"ref": "refs/tags/v1", "sha": sha})
    hands.run("create_release", tag="v1", prerelease=True, name="One")
    assert hands.place.of_repo("GET", "/releases/tags/v1")["prerelease"]
    hands.undo("create_release")
    assert (hands.place.world()["releases"], hands.place.world()["tags"]) == ([], ["v1"])


def test_what_others_made_of_it_stays(hands: Hands) -> None:
    made = hands.run("create_release", tag="v1")
    hands.place.of_repo("PATCH", f"/releases/{made.release_id}", {"body": "rewritten"})
    with pytest.raises(TaskFailed, match="somebody else wrote it"):
        hands.undo("create_release")


@pytest.mark.parametrize("cut_off", [False, True])
def test_the_undo_of_the_undo_publishes_it_again(hands: Hands, cut_off: bool) -> None:
    (hands.folder / "app.zip").write_bytes(b"zipped")
    hands.run("create_release", tag="v1", body="first", assets=["app.zip"])
    world = hands.place.world()
    inputs, _ = hands.before["create_release"]
    operation, ctx = OPERATIONS["github.create_release"], hands.context(undoes=("brave-otter-17", "task"))
    there = operation.inspect(ctx, inputs)
    hands.undo("create_release")
    if cut_off:
        hands.place.fake.drop_next("PATCH", r"/releases/\d+$")
        with pytest.raises(TaskFailed):
            operation.restore(ctx, inputs, there, operation.inspect(ctx, inputs))
    operation.restore(ctx, inputs, there, operation.inspect(ctx, inputs))
    assert hands.place.world() == world
    assert operation.inspect(ctx, inputs)[0].same_as(there[0])
    hands.undo("create_release")
    assert hands.place.world()["releases"] == []


def test_a_release_whose_files_are_gone_does_not_come_back(hands: Hands) -> None:
    (hands.folder / "app.zip").write_bytes(b"zipped")
    hands.run("create_release", tag="v1", assets=["app.zip"])
    inputs, _ = hands.before["create_release"]
    operation, ctx = OPERATIONS["github.create_release"], hands.context(undoes=("brave-otter-17", "task"))
    there = operation.inspect(ctx, inputs)
    hands.undo("create_release")
    (hands.folder / "app.zip").unlink()
    with pytest.raises(TaskFailed, match=r"was deleted with its assets, and app\.zip is gone"):
        operation.restore(ctx, inputs, there, operation.inspect(ctx, inputs))


def test_an_asset_that_is_no_file(hands: Hands) -> None:
    with pytest.raises(TaskFailed, match=r"there is no file .* for the asset none\.zip"):
        hands.run("create_release", tag="v1", assets=["none.zip"])
