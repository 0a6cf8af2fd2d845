"""What an undo brings back, what it leaves to others, and how an undo is itself taken back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reign.executor import TaskFailed
from tests.integration.github.hands import OPERATIONS, Hands


def undo_the_undo(hands: Hands, verb: str, world: Any) -> None:
    """Roll back, roll the rollback back, and expect ``world`` again."""
    operation, (inputs, _) = OPERATIONS[f"github.{verb}"], hands.before[verb]
    first = hands.context(run="calm-fox-11", task="undo-task", undoes=("brave-otter-17", "task"))
    made = list(operation.inspect(first, inputs))
    hands.undo(verb, task="undo-task")
    second = hands.context(run="wise-owl-12", task="undo-undo-task", undoes=("calm-fox-11", "undo-task"))
    for _ in range(2):
        operation.restore(second, inputs, made, list(operation.inspect(second, inputs)))
        assert hands.place.world() == world


@pytest.mark.parametrize(
    ("verb", "inputs"),
    [
        ("put_file", {"branch": "main", "path": "README.md", "content": "new"}),
        ("put_files", {"branch": "main", "files": {"a/b": "new", "run.sh": None}}),
        ("create_branch", {"branch": "feature"}),
        ("create_issue", {"title": "t"}),
    ],
)
def test_an_undo_can_be_undone(hands: Hands, verb: str, inputs: dict[str, Any]) -> None:
    hands.run(verb, **inputs)
    undo_the_undo(hands, verb, hands.place.world())


def test_so_can_that_of_a_comment_and_of_a_closed_issue(hands: Hands) -> None:
    number = hands.place.issue()
    hands.run("comment_issue", number=number, body="hi")
    undo_the_undo(hands, "comment_issue", hands.place.world())


def test_a_pull_request_is_closed_and_reopened(hands: Hands) -> None:
    place = hands.place
    branch = place.branch("feature")
    place.commit(branch, {"new": "x"})
    hands.run("open_pull_request", head=branch, base=place.base, title="t")
    undo_the_undo(hands, "open_pull_request", place.world())


def test_labels_and_reviewers_added_to_a_pull_request_that_was_there(hands: Hands) -> None:
    place = hands.place
    server = place.fake
    server.add_user("hubot")
    repository = server.world.repository(place.repo)
    assert repository is not None
    repository.collaborators["hubot"] = "push"
    branch = place.branch("feature")
    place.commit(branch, {"new": "x"})
    number = place.pull(branch)
    world = place.world()
    inputs: dict[str, Any] = {
        "head": branch,
        "base": "main",
        "title": "other",
        "labels": ["bug", "two words"],
        "reviewers": "@hubot",
    }
    assert hands.run("open_pull_request", **inputs).number == number
    assert place.world()["reviewers"] == [(number, ["hubot"])]
    requests = server.requests.count("POST")
    hands.run("open_pull_request", **inputs)
    assert server.requests.count("POST") == requests
    hands.before["open_pull_request"] = (hands.before["open_pull_request"][0], _before(hands, number))
    hands.undo("open_pull_request")
    assert place.world() == world


def _before(hands: Hands, number: int) -> list[Any]:
    """What the pull request was before labels and reviewers came."""
    inputs = hands.before["open_pull_request"][0]
    [seen] = OPERATIONS["github.open_pull_request"].inspect(hands.context(), inputs)
    return [seen.model_copy(update={"state": {"number": number, "labels": [], "reviewers": []}})]


def test_a_file_that_others_changed_since_stays(hands: Hands) -> None:
    hands.run("put_file", branch="main", path="README.md", content="ours\n")
    hands.place.commit("main", {"README.md": "theirs\n"})
    with pytest.raises(TaskFailed, match=r"README\.md was changed after this run"):
        hands.undo("put_file")
    assert hands.place.text("main", "README.md") == "theirs\n"


def test_the_mode_of_a_file_comes_back(hands: Hands) -> None:
    place = hands.place
    tree = place.tree("main")
    hands.run("delete_file", branch="main", path="run.sh")
    hands.run("put_file", branch="main", path="README.md", content="x", executable=True)
    assert place.tree("main")["README.md"][0] == "100755"
    assert hands.run("put_file", branch="main", path="run2.sh", content="x").commit_sha
    hands.undo("put_file")
    assert "run2.sh" not in place.tree("main")
    hands.undo("delete_file")
    assert place.tree("main")["run.sh"] == tree["run.sh"]


def test_files_of_a_branch_that_is_gone(hands: Hands) -> None:
    branch = hands.place.branch("feature")
    hands.run("put_file", branch=branch, path="new", content="x")
    hands.run("delete_file", branch=branch, path="README.md")
    hands.place.of_repo("DELETE", f"/git/refs/heads/{branch}")
    hands.undo("put_file")
    with pytest.raises(TaskFailed, match="the branch is gone"):
        hands.undo("delete_file")


def test_a_folder_that_is_gone_when_its_files_are_taken_back(hands: Hands, tmp_path: Path) -> None:
    folder = tmp_path / "site"
    (folder / "css").mkdir(parents=True)
    (folder / "index.html").write_text("<p>")
    (folder / "css" / "a.css").write_text("p {}")
    (folder / ".gitignore").write_text("*.log\n")
    (folder / "x.log").write_text("not this")
    (folder / "run").write_bytes(b"\x7fELF\0")
    (folder / "run").chmod(0o755)
    (folder / "link").symlink_to("/etc/passwd")
    world = hands.place.world()
    hands.run("put_files", branch="main", directory="site", into="docs", files={"big.txt": "y" * 200_000})
    tree = hands.place.tree("main")
    assert {path: mode for path, (mode, _) in tree.items() if path.startswith("docs")} == {
        "docs/.gitignore": "100644", "docs/css/a.css": "100644", "docs/index.html": "100644", "docs/run": "100755",
    }  # fmt: skip
    (folder / "index.html").unlink()
    folder.rename(tmp_path / "gone")
    hands.undo("put_files")
    assert hands.place.world() == world


def test_a_branch_with_commits_of_others_stays(hands: Hands) -> None:
    hands.run("create_branch", branch="feature", from_="main")
    hands.place.commit("feature", {"theirs": "x"})
    with pytest.raises(TaskFailed, match="the branch feature of mona/shop stays: it has commits of others"):
        hands.undo("create_branch")


def test_a_branch_with_commits_of_the_run_goes_even_if_its_start_is_gone(hands: Hands) -> None:
    start = hands.place.branch("start")
    hands.run("create_branch", branch="feature", from_=start)
    hands.run("put_file", branch="feature", path="new", content="x")
    hands.place.of_repo("DELETE", f"/git/refs/heads/{start}")
    hands.undo("create_branch")
    hands.undo("create_branch")
    assert set(hands.place.world()["branches"]) == {"main"}


def test_a_deleted_branch_that_was_made_anew_is_left_alone(hands: Hands) -> None:
    branch = hands.place.branch("old")
    hands.run("delete_branch", branch=branch)
    hands.place.branch("old")
    hands.undo("delete_branch")
    hands.place.commit(branch, {"theirs": "x"})
    with pytest.raises(TaskFailed, match="mona/shop has another branch old by now"):
        hands.undo("delete_branch")


def test_a_branch_that_moves_before_it_is_deleted_stays(hands: Hands) -> None:
    branch = hands.place.branch("old")
    operation, ctx = OPERATIONS["github.delete_branch"], hands.context()
    inputs = hands.inputs("github.delete_branch", branch=branch)
    seen = operation.inspect(ctx, inputs)
    hands.place.commit(branch, {"theirs": "x"})
    with pytest.raises(TaskFailed, match="it moved meanwhile"):
        operation.apply(ctx, inputs, seen)


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
def test_a_merge_is_reverted_by_a_pull_request(hands: Hands, method: str) -> None:
    place = hands.place
    branch = place.branch("feature")
    place.commit(branch, {"new.txt": "x", "run.sh": None}, "first")
    place.commit(branch, {"README.md": "better\n"}, "second")
    number = place.pull(branch, "Better")
    place.commit("main", {"other.txt": "before the merge"})
    tree = place.tree("main")
    hands.run("merge_pull_request", number=number, method=method, title="T" if method == "merge" else None)
    assert place.text("main", "README.md") == "better\n"
    place.commit("main", {"later.txt": "after the merge"})
    hands.undo("merge_pull_request")
    hands.undo("merge_pull_request")
    [pull] = place.of_repo("GET", "/pulls")
    assert (pull["title"], pull["base"]["ref"]) == ('Revert "Better"', "main")
    later = {"later.txt": place.tree("main")["later.txt"]}
    assert place.tree(pull["head"]["ref"]) == tree | later


def test_a_merge_whose_files_were_changed_again_is_left_to_a_person(hands: Hands) -> None:
    place = hands.place
    branch = place.branch("feature")
    place.commit(branch, {"README.md": "better\n"})
    hands.run("merge_pull_request", number=place.pull(branch))
    place.commit("main", {"README.md": "best\n"})
    with pytest.raises(TaskFailed, match=r"README\.md was changed again since"):
        hands.undo("merge_pull_request")
    place.commit("main", {"README.md": "# shop\n"})
    hands.undo("merge_pull_request")
    assert place.of_repo("GET", "/pulls") == []


def test_a_repository_that_an_undo_deleted_is_gone(hands: Hands) -> None:
    hands.run("create_repository", name="pay")
    inputs, _ = hands.before["create_repository"]
    operation, ctx = OPERATIONS["github.create_repository"], hands.context()
    made = list(operation.inspect(ctx, inputs))
    hands.undo("create_repository")
    with pytest.raises(TaskFailed, match="the repository mona/pay was deleted"):
        operation.restore(ctx, inputs, made, list(operation.inspect(ctx, inputs)))


@pytest.mark.parametrize("what", ["issue", "release"])
def test_a_repository_in_which_others_did_something_stays(hands: Hands, what: str) -> None:
    place = hands.place
    hands.run("create_repository", name="pay")
    place.repo = "mona/pay"
    if what == "issue":
        place.issue("trouble")
    else:
        place.of_repo("POST", "/releases", {"tag_name": "v1"})
    with pytest.raises(TaskFailed, match="mona/pay stays: it holds"):
        hands.undo("create_repository")


def test_the_issue_is_found_by_its_recorded_number(hands: Hands) -> None:
    made = hands.run("create_issue", title="t")
    inputs, before = hands.before["create_issue"]
    operation = OPERATIONS["github.create_issue"]
    [recorded] = operation.inspect(hands.context(), inputs)
    requests = hands.place.fake.requests
    listed = requests.count("GET", "/issues$")
    ctx = hands.context(run="calm-fox-11", undoes=("brave-otter-17", "task"), recorded=lambda _: recorded)
    operation.restore(ctx, inputs, before, list(operation.inspect(ctx, inputs)))
    assert hands.place.of_repo("GET", f"/issues/{made.number}")["state"] == "closed"
    assert requests.count("GET", "/issues$") == listed
