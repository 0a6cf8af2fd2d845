"""Workflows started and watched, checks awaited."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from reign.executor import FailureKind, PutBack, TaskFailed, TimedOut
from tests.fakes.github import Outcome
from tests.fakes.github.repository import Repository
from tests.integration.github.hands import OPERATIONS, Hands

WORKFLOW = """
name: CI
on: {pull_request: {}, workflow_dispatch: {inputs: {level: {required: true}, verbose: {default: "no"}, mark: {}}}}
jobs:
  build:
    runs-on: ubuntu-latest
    steps: [{name: Compile, run: make}]
  test:
    needs: build
    runs-on: ubuntu-latest
    steps: [{name: Prepare, run: make prepare}, {name: Unit tests, run: make test}]
"""


@pytest.fixture
def repository(hands: Hands) -> Repository:
    """With the workflow on main; its runs make a step each time they are looked at."""
    hands.place.commit("main", {".github/workflows/ci.yml": WORKFLOW})
    hands.place.fake.actions.advance_on_poll = True
    found = hands.place.fake.world.repository(hands.place.repo)
    assert found is not None
    return found


@pytest.fixture
def finishing(repository: Repository) -> Iterator[None]:
    """Something that brings runs to their end while a test waits."""
    over = threading.Event()

    def work() -> None:
        while not over.wait(0.05):
            for run in list(repository.runs):
                run.advance()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    yield
    over.set()
    thread.join()


def test_started_with_inputs_and_watched_to_its_end(hands: Hands, repository: Repository) -> None:
    started = hands.run("dispatch_workflow", workflow="ci.yml", ref="main", inputs={"level": 3, "verbose": True})
    [run] = repository.runs
    assert run.id == started.run_id
    assert run.inputs == {"level": "3", "verbose": "true", "mark": None}
    ctx = hands.context()
    ended = hands.run("watch_workflow", ctx, run_id=started.run_id)
    assert ended.conclusion == "success"
    assert [(job.name, job.conclusion) for job in ended.jobs] == [("build", "success"), ("test", "success")]
    told = [line for _, line in ctx.lines]
    assert "test: Unit tests (3 of 4)" in told
    assert told.index("build: success") < told.index("test: Unit tests (3 of 4)")
    assert ctx.reports[-1]["done"] == ctx.reports[-1]["total"] == 7


def test_a_failing_step_s_log(hands: Hands, repository: Repository) -> None:
    log = "2 passed\nassert 1 == 2\nProcess completed with exit code 1."
    hands.place.fake.actions.outcomes["ci.yml"] = Outcome("failure", "Unit tests", "test", log)
    started = hands.run("dispatch_workflow", workflow=".github/workflows/ci.yml", ref="main", inputs={"level": "1"})
    ctx = hands.context()
    with pytest.raises(TaskFailed, match=r"ended as failure \(test: Unit tests\)") as raised:
        hands.run("watch_workflow", ctx, run_id=started.run_id)
    assert raised.value.kind is FailureKind.CHECK_FAILED
    assert raised.value.details["logs"] == {"test": "2 passed\nassert 1 == 2\nProcess completed with exit code 1."}
    assert ("log", "assert 1 == 2") in ctx.lines
    told = hands.run("watch_workflow", run_id=started.run_id, expect_success=False)
    assert told.conclusion == "failure"
    assert told.jobs[1].failed_step == "Unit tests"


def test_the_token_does_not_go_to_the_host_of_the_logs(hands: Hands, repository: Repository) -> None:
    hands.place.fake.actions.outcomes["ci.yml"] = Outcome("failure")
    started = hands.run("dispatch_workflow", workflow="ci.yml", ref="main", inputs={"level": "1"})
    with pytest.raises(TaskFailed):
        hands.run("watch_workflow", run_id=started.run_id)
    fetched = [one for one in hands.place.fake.requests if one.request.path.startswith("/logs/")]
    assert fetched
    assert not any("authorization" in one.request.headers for one in fetched)


def test_a_github_that_does_not_tell_the_run(hands: Hands, repository: Repository) -> None:
    """GitHub Enterprise Servers answer 204, or do not know the question."""
    server = hands.place.fake
    hands.run("dispatch_workflow", workflow="ci.yml", ref="main", inputs={"level": "1"})
    server.actions.hidden_polls = 3
    server.fail_next("POST", "/dispatches$", 422, message='"return_run_details" is not a permitted key.')
    second = hands.run("dispatch_workflow", workflow="ci.yml", ref="main", inputs={"level": "2"})
    assert [run.inputs["level"] for run in repository.runs] == ["1", "2"]
    assert second.run_id == repository.runs[1].id


def test_a_run_that_shows_its_mark_is_found_by_it(hands: Hands, repository: Repository) -> None:
    inputs: dict[str, Any] = {"workflow": "ci.yml", "ref": "main", "inputs": {"level": "1"}, "marker_input": "mark"}
    first = hands.run("dispatch_workflow", **inputs)
    [run] = repository.runs
    assert run.inputs["mark"] == "reign:brave-otter-17/task"
    run.title = f"Deploy {run.inputs['mark']}"  # as its run-name would say
    again = hands.run("dispatch_workflow", hands.context(attempt=2), **inputs)
    assert again.run_id == first.run_id
    assert len(repository.runs) == 1


def test_a_workflow_that_is_not_there(hands: Hands, repository: Repository) -> None:
    with pytest.raises(TaskFailed, match=r"mona/shop has no workflow 'cd\.yml'") as raised:
        hands.run("dispatch_workflow", workflow="cd.yml", ref="main")
    assert "ci.yml" in (raised.value.hint or "")
    with pytest.raises(TaskFailed, match="Required input 'level' not provided"):
        hands.run("dispatch_workflow", workflow="ci.yml", ref="main")


def test_a_dispatch_is_not_taken_back_and_asks_first(hands: Hands, repository: Repository) -> None:
    operation = OPERATIONS["github.dispatch_workflow"]
    given = hands.inputs("github.dispatch_workflow", workflow="ci.yml", ref="main")
    assert operation.assess(given).asks
    with pytest.raises(TaskFailed, match="cannot be undone"):
        operation.restore(hands.context(), given, [], [])


def test_a_watch_ends_in_time(hands: Hands, repository: Repository) -> None:
    hands.place.fake.actions.advance_on_poll = False
    hands.run("dispatch_workflow", workflow="ci.yml", ref="main", inputs={"level": "1"})
    with pytest.raises(TimedOut):
        hands.run("watch_workflow", workflow="ci.yml", ref="main", timeout="200ms")


def test_a_limit_while_watching_frees_the_worker(hands: Hands, repository: Repository) -> None:
    hands.run("dispatch_workflow", workflow="ci.yml", ref="main", inputs={"level": "1"})
    hands.place.fake.limit_next("GET", "/jobs$", retry_after=20)
    with pytest.raises(PutBack):
        hands.run("watch_workflow", workflow="ci.yml")


@pytest.mark.usefixtures("finishing")
def test_checks_of_a_pull_request_are_awaited(hands: Hands, repository: Repository) -> None:
    place = hands.place
    branch = place.branch("feature")
    place.commit(branch, {"new": "x"})
    number = place.pull(branch)
    place.of_repo("POST", f"/statuses/{place.of_repo('GET', '/commits/' + branch)['sha']}", {
        "state": "success", "context": "lint"
    })  # fmt: skip
    ended = hands.run("wait_for_checks", number=number)
    assert ended.conclusion == "success"
    assert ended.checks == {"build": "success", "test": "success", "lint": "success"}
    assert hands.run("wait_for_checks", ref=branch, names="lint").checks == {"lint": "success"}


@pytest.mark.usefixtures("finishing")
def test_a_check_that_fails_with_its_log(hands: Hands, repository: Repository) -> None:
    place = hands.place
    place.fake.actions.outcomes["ci.yml"] = Outcome("failure", "Unit tests", "test", "assert 1 == 2")
    branch = place.branch("feature")
    place.commit(branch, {"new": "x"})
    number = place.pull(branch)
    with pytest.raises(TaskFailed, match=r"1 of 2 checks .* did not pass: test \(failure\)") as raised:
        hands.run("wait_for_checks", number=number)
    assert raised.value.details["logs"] == {"test": "assert 1 == 2"}
    assert hands.run("wait_for_checks", number=number, expect_success=False).conclusion == "failure"


def test_checks_that_do_not_appear(hands: Hands) -> None:
    assert hands.run("wait_for_checks", ref="main", appear_within="50ms").conclusion == "none"
    with pytest.raises(TaskFailed, match="lint did not appear within 50ms"):
        hands.run("wait_for_checks", ref="main", names=["lint"], appear_within="50ms")
