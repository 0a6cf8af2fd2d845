"""An answer is lost after GitHub did what was asked: the next attempt finds it, and nothing is made twice."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from reign.executor import Cancelled, FailureKind, TaskFailed
from tests.engines.github import FILES
from tests.integration.github.hands import OPERATIONS, Hands

WORKFLOW = "on: workflow_dispatch\njobs:\n  test:\n    runs-on: ubuntu-latest\n    steps: [{run: make test}]\n"
Inputs = dict[str, Any]


def _feature(hands: Hands) -> str:
    branch = hands.place.branch("feature")
    hands.place.commit(branch, {"feature.txt": "new\n"})
    return branch


def _pull(hands: Hands) -> Inputs:
    return {"head": _feature(hands), "base": "main", "title": "t", "labels": ["bug"]}


def _merge(hands: Hands) -> Inputs:
    return {"number": hands.place.pull(_feature(hands))}


def _number(hands: Hands) -> Inputs:
    return {"number": hands.place.issue()}


#: operation, how its inputs come about, the write that is lost, and how many such writes there may be in all
WRITES: list[tuple[str, Callable[[Hands], Inputs], str, str, int]] = [
    ("create_repository", lambda h: {"name": "pay"}, "POST", "/user/repos$", 1),
    ("create_branch", lambda h: {"branch": "b"}, "POST", "/git/refs$", 1),
    ("put_file", lambda h: {"branch": "main", "path": "a", "content": "x"}, "PATCH", "/git/refs/heads/main$", 1),
    ("put_files", lambda h: {"branch": "main", "files": {"a": "x"}}, "POST", "/git/trees$", 2),
    ("delete_file", lambda h: {"branch": "main", "path": "README.md"}, "PATCH", "/git/refs/heads/main$", 1),
    ("open_pull_request", _pull, "POST", "/pulls$", 1),
    ("open_pull_request", _pull, "POST", "/issues/1/labels$", 1),
    ("merge_pull_request", _merge, "PUT", "/merge$", 1),
    ("create_issue", lambda h: {"title": "t"}, "POST", "/issues$", 1),
    ("comment_issue", lambda h: {**_number(h), "body": "hi"}, "POST", "/comments$", 1),
    ("close_issue", lambda h: {**_number(h), "body": "bye"}, "POST", "/comments$", 1),
    ("create_release", lambda h: {"tag": "v1", "assets": [__file__]}, "POST", "/releases$", 1),
    ("create_release", lambda h: {"tag": "v1", "assets": [__file__]}, "POST", "/assets$", 1),
    ("create_release", lambda h: {"tag": "v1"}, "PATCH", r"/releases/\d+$", 1),
]


@pytest.mark.parametrize("how", ["drop", "fail"])
@pytest.mark.parametrize(
    ("verb", "arrange", "method", "path", "most"), WRITES, ids=lambda value: value if isinstance(value, str) else ""
)
def test_the_next_attempt_finds_what_was_made(
    hands: Hands, verb: str, arrange: Callable[[Hands], Inputs], method: str, path: str, most: int, how: str
) -> None:
    server, inputs = hands.place.fake, arrange(hands)
    already = server.requests.count(method, path)
    if how == "drop":
        server.drop_next(method, path, after_applying=True)
    else:
        server.fail_next(method, path, 502, after_applying=True)
    with pytest.raises(TaskFailed) as raised:
        hands.run(verb, hands.context(), **inputs)
    assert raised.value.kind is FailureKind.TRANSIENT
    assert raised.value.retryable
    assert "next attempt looks first" in (raised.value.hint or "")
    hands.run(verb, hands.context(attempt=2), **inputs)
    hands.run(verb, hands.context(attempt=3), **inputs)
    assert server.requests.count(method, path) - already <= most


def test_a_write_that_did_not_arrive_is_made_by_the_next_attempt(hands: Hands) -> None:
    hands.place.fake.drop_next("POST", "/issues$")
    with pytest.raises(TaskFailed, match="gave no answer"):
        hands.run("create_issue", title="t")
    hands.run("create_issue", title="t")
    assert [one["title"] for one in hands.place.of_repo("GET", "/issues")] == ["t"]


@pytest.mark.parametrize(
    ("verb", "inputs", "method", "path"),
    [
        ("create_issue", {"title": "t"}, "POST", "/issues$"),
        ("put_file", {"branch": "main", "path": "a", "content": "x"}, "POST", "/git/trees$"),
        ("create_branch", {"branch": "b"}, "GET", "/git/ref/heads/b$"),
    ],
)
def test_a_cancel_is_heard_while_github_is_silent(
    hands: Hands, verb: str, inputs: Inputs, method: str, path: str
) -> None:
    gate = hands.place.fake.hold_next(method, path)
    ctx = hands.context()

    def cancel() -> None:
        gate.reached.wait(10)
        ctx.cancelled.set()

    threading.Thread(target=cancel, daemon=True).start()
    started = time.monotonic()
    with pytest.raises(Cancelled):
        hands.run(verb, ctx, **inputs)
    assert time.monotonic() - started < 5
    gate.open()


def test_a_dispatch_whose_answer_is_lost_is_found_by_looking(hands: Hands) -> None:
    hands.place.commit("main", {".github/workflows/ci.yml": WORKFLOW})
    server = hands.place.fake
    server.actions.hidden_polls = 2
    server.drop_next("POST", "/dispatches$", after_applying=True)
    made = hands.run("dispatch_workflow", workflow="ci.yml", ref="main")
    assert server.requests.count("POST", "/dispatches$") == 1
    found = server.world.repository(hands.place.repo)
    assert found is not None
    assert [run.id for run in found.runs] == [made.run_id]


def test_a_dispatch_of_which_nobody_can_tell_is_not_made_again(hands: Hands) -> None:
    hands.place.commit("main", {".github/workflows/ci.yml": WORKFLOW})
    hands.place.fake.drop_next("POST", "/dispatches$")
    with pytest.raises(TaskFailed, match=r"cannot tell whether ci\.yml was started") as raised:
        hands.run("dispatch_workflow", workflow="ci.yml", ref="main")
    assert not raised.value.retryable
    assert hands.place.fake.requests.count("POST", "/dispatches$") == 1


def test_the_branch_moves_while_the_commit_is_made(hands: Hands) -> None:
    server = hands.place.fake
    gate = server.hold_next("POST", "/git/commits$")

    def push() -> None:
        gate.reached.wait(10)
        repository = server.world.repository(hands.place.repo)
        assert repository is not None
        server.push(repository, "main", {"theirs.txt": "theirs\n"})
        gate.open()

    pushing = threading.Thread(target=push)
    pushing.start()
    hands.run("put_file", branch="main", path="ours.txt", content="ours\n")
    pushing.join()
    assert set(hands.place.tree("main")) == {*FILES, "ours.txt", "theirs.txt"}


def test_a_file_that_somebody_else_changes_meanwhile_is_not_written_over(hands: Hands) -> None:
    operation_inputs = {"branch": "main", "path": "README.md", "content": "ours\n"}
    operation, ctx = OPERATIONS["github.put_file"], hands.context()
    inputs = hands.inputs("github.put_file", **operation_inputs)
    seen = operation.inspect(ctx, inputs)
    hands.place.commit("main", {"README.md": "theirs\n"})
    with pytest.raises(TaskFailed, match=r"README\.md was changed meanwhile") as raised:
        operation.apply(ctx, inputs, seen)
    assert raised.value.kind is FailureKind.CONFLICT
    assert hands.place.text("main", "README.md") == "theirs\n"
