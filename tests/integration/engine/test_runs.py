"""Whole runs on a real broker, a real database and real worker processes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reign.core.errors import Conflict, NotFound
from reign.core.states import RunState, TaskState
from reign.store import events, runs
from tests.engines.installation import Installation, until


def plan(name: str = "test", **tasks: Any) -> dict[str, Any]:
    return {"name": name, "tasks": tasks}


def noop(*needs: str, **more: Any) -> dict[str, Any]:
    return {"uses": "probe.noop", "needs": list(needs), **more}


def started(installation: Installation) -> Installation:
    installation.start_worker("probe", concurrency=1)
    installation.start_general()
    return installation


def test_a_diamond_runs_in_order_and_every_change_of_state_is_an_event(installation: Installation) -> None:
    run = started(installation).submit(plan(a=noop(), b=noop("a"), c=noop("a"), d=noop("b", "c")))
    assert installation.wait(run).state is RunState.SUCCEEDED
    with installation.runtime.database.read() as tx:
        found = events.of_run(tx, run.id)
    kinds = [(event.kind, event.task) for event in found]
    assert kinds[0] == ("run.queued", None)
    assert kinds[-1] == ("run.succeeded", None)
    for task in "abcd":
        mine = [kind for kind, name in kinds if name == task]
        assert mine[-3:] == ["task.ready", "task.running", "task.succeeded"]
    ended = {name: i for i, (kind, name) in enumerate(kinds) if kind == "task.succeeded"}
    began = {name: i for i, (kind, name) in enumerate(kinds) if kind == "task.running"}
    for after, before in (("b", "a"), ("c", "a"), ("d", "b"), ("d", "c")):
        assert began[after] > ended[before]


def test_results_conditions_and_for_each_flow(installation: Installation) -> None:
    run = started(installation).submit(
        plan(
            numbers=noop(**{"with": {"value": [1, 2, 3]}}),
            each=noop(for_each="${{ tasks.numbers.result.value }}", **{"with": {"value": "n${{ item }}-${{ index }}"}}),
            total=noop(**{"with": {"value": "${{ join(tasks.each.result, '') }}"}}),
            skipped=noop(**{"if": "length(tasks.numbers.result.value) > 5"}),
            below=noop("skipped"),
            other=noop(**{"with": {"value": "${{ tasks.numbers.result.nothing ?? 'else' }}"}}),
        )
    )
    assert installation.wait(run).state is RunState.SUCCEEDED
    tasks = installation.tasks(run)
    assert [item["value"] for item in tasks["each"].result] == ["n1-0", "n2-1", "n3-2"]
    assert tasks["each[1]"].state is TaskState.SUCCEEDED
    assert tasks["total"].result["value"].count("n2-1") == 1
    assert tasks["skipped"].state is TaskState.SKIPPED
    assert tasks["below"].state is TaskState.SKIPPED
    assert tasks["other"].result["value"] == "else"


def test_a_failure_stops_the_run_and_what_asks_for_failure_still_runs(installation: Installation) -> None:
    run = started(installation).submit(
        plan(
            bad={"uses": "probe.fail"},
            after=noop("bad"),
            cleanup=noop("bad", **{"if": "always()"}),
            alarm=noop("bad", **{"if": "failure()"}),
        )
    )
    ended = installation.wait(run)
    assert ended.state is RunState.FAILED
    assert ended.cause == "bad: failed on purpose (1)"
    states = {name: task.state for name, task in installation.tasks(run).items()}
    assert states == {"bad": "failed", "after": "skipped", "cleanup": "succeeded", "alarm": "succeeded"}


def test_continue_lets_other_branches_go_on(installation: Installation) -> None:
    run = started(installation).submit(
        plan(bad={"uses": "probe.fail"}, after=noop("bad"), other=noop(), more=noop("other"))
        | {"on_failure": "continue"}
    )
    assert installation.wait(run).state is RunState.FAILED
    states = {name: task.state for name, task in installation.tasks(run).items()}
    assert states == {"bad": "failed", "after": "skipped", "other": "succeeded", "more": "succeeded"}


def test_retries_with_backoff_then_succeeds(installation: Installation, tmp_path: Path) -> None:
    task = {
        "uses": "probe.fail",
        "with": {"times": 2, "counter": "count"},
        "retry": {"attempts": 3, "delay": 0.05, "jitter": 0},
    }
    run = started(installation).submit(plan(flaky=task))
    assert installation.wait(run).state is RunState.SUCCEEDED
    assert installation.tasks(run)["flaky"].attempt == 3
    assert len((tmp_path / "count").read_text().splitlines()) == 3


def test_what_may_not_be_tried_again_is_not(installation: Installation, tmp_path: Path) -> None:
    task = {
        "uses": "probe.fail",
        "with": {"retryable": False, "counter": "count"},
        "retry": {"attempts": 5, "delay": 0.05},
    }
    run = started(installation).submit(plan(bad=task))
    assert installation.wait(run).state is RunState.FAILED
    assert len((tmp_path / "count").read_text().splitlines()) == 1


def test_cancel_ends_a_running_task_within_two_seconds(installation: Installation) -> None:
    run = started(installation).submit(plan(slow={"uses": "probe.sleep", "with": {"seconds": 60}}, after=noop("slow")))
    until(lambda: installation.tasks(run)["slow"].state is TaskState.RUNNING)
    installation.general.cancel(run.name)
    assert installation.wait(run, seconds=5).state is RunState.CANCELLED
    states = {name: task.state for name, task in installation.tasks(run).items()}
    assert states == {"slow": "cancelled", "after": "cancelled"}
    with pytest.raises(Conflict):
        installation.general.cancel(run.name)


def test_pause_lets_running_tasks_end_and_resume_goes_on(installation: Installation, tmp_path: Path) -> None:
    run = started(installation).submit(plan(a={"uses": "probe.sleep", "with": {"gate": "go"}}, b=noop("a")))
    until(lambda: installation.tasks(run)["a"].state is TaskState.RUNNING)
    installation.general.pause(run.name)
    (tmp_path / "go").touch()
    until(lambda: installation.tasks(run)["a"].state is TaskState.SUCCEEDED)
    assert installation.tasks(run)["b"].state is TaskState.READY
    assert installation.look(run).state is RunState.PAUSED
    installation.general.resume(run.name)
    assert installation.wait(run).state is RunState.SUCCEEDED


def test_approval_waits_without_a_worker_and_no_means_no(installation: Installation) -> None:
    started(installation)
    wanted = plan(a=noop(), b=noop("a", approval="required"), c=noop("b"))
    run = installation.submit(wanted)
    until(lambda: installation.tasks(run)["b"].state is TaskState.AWAITING_APPROVAL)
    assert installation.tasks(run)["b"].worker is None
    with pytest.raises(Conflict):
        installation.general.approve(run.name, "a", by="me")
    installation.general.approve(run.name, "b", by="me")
    assert installation.wait(run).state is RunState.SUCCEEDED
    refused = installation.submit(wanted)
    until(lambda: installation.tasks(refused)["b"].state is TaskState.AWAITING_APPROVAL)
    installation.general.approve(refused.name, "b", by="me", yes=False, note="not today")
    ended = installation.wait(refused)
    assert ended.state is RunState.FAILED
    assert ended.cause == "b: me said no: not today"


def test_an_irreversible_task_asks_unless_it_was_approved(installation: Installation, tmp_path: Path) -> None:
    started(installation)
    task = {"uses": "probe.irreversible", "with": {"ledger": "ledger", "line": "x"}}
    run = installation.submit(plan(a=task), approve=())
    until(lambda: installation.tasks(run)["a"].state is TaskState.AWAITING_APPROVAL)
    assert not (tmp_path / "ledger").exists()
    approved = installation.submit(plan(a=task), approve=["a"])
    assert installation.wait(approved).state is RunState.SUCCEEDED


def test_retry_runs_only_what_did_not_succeed(installation: Installation, tmp_path: Path) -> None:
    flaky = {"uses": "probe.fail", "with": {"times": 1, "counter": "count"}, "needs": ["a"]}
    run = started(installation).submit(plan(a=noop(), b=flaky, c=noop("b")))
    assert installation.wait(run).state is RunState.FAILED
    installation.general.retry(run.name)
    assert installation.wait(run).state is RunState.SUCCEEDED
    tasks = installation.tasks(run)
    assert (tasks["a"].attempt, tasks["b"].attempt, tasks["c"].attempt) == (1, 2, 1)


def test_rollback_takes_back_in_reverse_and_can_itself_be_taken_back(
    installation: Installation, tmp_path: Path
) -> None:
    started(installation)

    def line(text: str, *needs: str) -> dict[str, Any]:
        return {"uses": "probe.append", "needs": list(needs), "with": {"ledger": "ledger", "line": text}}

    run = installation.submit(plan(a=line("one"), x=noop("a"), b=line("two", "x")))
    assert installation.wait(run).state is RunState.SUCCEEDED
    assert (tmp_path / "ledger").read_text() == "one\ntwo\n"
    shown, found = installation.general.rollback_preview(run.name)
    assert found.impossible == {}
    assert shown is not None
    assert shown.plan.tasks["undo-a"].needs == ("undo-b",)
    back = installation.general.rollback(run.name)
    assert installation.wait(back).state is RunState.SUCCEEDED
    assert (tmp_path / "ledger").read_text() == ""
    assert installation.look(run).rolled_back_by == back.name
    again = installation.general.rollback(back.name)
    assert installation.wait(again).state is RunState.SUCCEEDED


def test_on_failure_rollback_does_it_by_itself(installation: Installation, tmp_path: Path) -> None:
    run = started(installation).submit(
        plan(
            a={"uses": "probe.append", "with": {"ledger": "ledger", "line": "one"}},
            b={"uses": "probe.fail", "needs": ["a"]},
        )
        | {"on_failure": "rollback"}
    )
    assert installation.wait(run).state is RunState.FAILED
    until(lambda: installation.look(run).rolled_back_by)
    until(lambda: (tmp_path / "ledger").read_text() == "")


def test_two_runs_never_change_one_resource_at_the_same_time(installation: Installation, tmp_path: Path) -> None:
    installation.start_worker("probe")
    installation.start_worker("probe")
    installation.start_general()
    task = {"uses": "probe.append", "with": {"ledger": "ledger", "line": "one", "seconds": 0.5}}
    runs_made = [installation.submit(plan(a=task)) for _ in range(4)]
    for run in runs_made:
        assert installation.wait(run).state is RunState.SUCCEEDED
    assert (tmp_path / "ledger").read_text() == "one\n", "the later ones saw what the first had done"


def test_the_same_idempotency_key_gives_the_same_run(installation: Installation) -> None:
    first = installation.submit(plan(a=noop()), idempotency_key="k")
    second = installation.submit(plan(a=noop()), idempotency_key="k")
    other = installation.submit(plan(a=noop()), idempotency_key="l")
    assert first.name == second.name != other.name


def test_a_run_without_a_pool_waits_and_runs_when_the_pool_comes(installation: Installation) -> None:
    run = installation.submit(plan(a=noop()))
    assert installation.look(run).state is RunState.QUEUED
    started(installation)
    assert installation.wait(run).state is RunState.SUCCEEDED


def test_unknown_names_are_answered_with_the_nearest(installation: Installation) -> None:
    run = installation.submit(plan(a=noop()))
    with installation.runtime.database.read() as tx, pytest.raises(NotFound) as error:
        runs.find(tx, run.name[:-1])
    assert run.name in str(error.value)
