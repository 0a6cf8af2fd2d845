"""What the leading service does by the clock, on both databases: schedules make runs, old runs are archived."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from reign.core.states import RunState, TaskState
from reign.engine.retention import Retention
from reign.engine.schedules import Scheduler, actions
from reign.store import claims, events, locks, retention, runs, schema
from reign.store.schedules import NewSchedule
from reign.store.tables import runs as run_table
from tests.engines.installation import Installation, until

PLAN = {"name": "tick", "tasks": {"a": {"uses": "probe.noop"}}}


def nightly(body: dict[str, Any], **more: str) -> NewSchedule:
    given = {"spec": "every 1s", "timezone": "UTC", "action": "run", "misfire": "once", "overlap": "skip", **more}
    return NewSchedule(name="nightly", body=body, created_by="me", **given)


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_a_schedule_makes_a_run_for_each_due_time_with_two_services(installation: Installation, tmp_path: Path) -> None:
    installation.start_general()
    installation.start_general()
    installation.start_worker("probe")
    scheduler = Scheduler(installation.runtime, actions(installation.runtime, installation.general))
    scheduler.add(nightly({"plan": PLAN, "workdir": str(tmp_path), "approve": None}, overlap="queue"))

    def three() -> bool:
        return sum(firing.state == "submitted" for firing in scheduler.show("nightly")[1]) >= 3

    until(three)
    scheduler.pause("nightly", "me")
    firings = [firing for firing in scheduler.show("nightly")[1] if firing.state == "submitted"]
    assert len({firing.run for firing in firings}) == len({firing.due_at for firing in firings}) == len(firings)
    with installation.runtime.database.read() as tx:
        found = runs.listing(tx)
    assert {run.name for run in found} == {firing.run for firing in firings}, "no run that no due time asked for"
    assert {run.requested_by for run in found} == {"schedule nightly"}
    assert installation.wait(found[0]).state is RunState.SUCCEEDED


@pytest.fixture
def state(database_url: str, tmp_path: Path) -> Installation:
    """A state without any process."""
    made = Installation(tmp_path, database_url=database_url, retain=1000.0)
    schema.upgrade(made.runtime.database)
    return made


def test_old_runs_are_archived_on_both_databases(state: Installation, tmp_path: Path) -> None:
    run = state.submit(PLAN)
    database = state.runtime.database
    with database.write() as tx:
        old = {"state": RunState.SUCCEEDED.value, "ended_at": time.time() - 2000}
        tx.execute(run_table.update().where(run_table.c.id == run.id).values(**old))
    assert Retention(state.runtime).tick() == 1
    with database.read() as tx:
        found = retention.of_run(tx, run.id)
        assert found is not None
        assert found.events > 0
        assert events.of_run(tx, run.id) == []
    assert (tmp_path / "data" / "archive" / str(found.file)).is_file()
    state.close()


def test_locks_are_told_with_who_holds_and_who_waits(state: Installation) -> None:
    plan = {"name": "l", "tasks": {"a": {"uses": "probe.append", "with": {"ledger": "l", "line": "x"}}}}
    first, second = state.submit(plan), state.submit(plan)
    now = time.time()
    with state.runtime.database.write() as tx:
        for run, worker in ((first, "w1"), (second, "w2")):
            claim = claims.claim(tx, runs.task(tx, run, "a").id, worker, now)
            assert claim is not None
            locks.acquire(tx, claim, ["probe:line/x"], now)
    with state.runtime.database.read() as tx:
        (held,) = locks.listing(tx)
        assert runs.task(tx, second, "a").state is TaskState.BLOCKED
    assert (held.resource, held.run, held.uses, held.alive) == ("probe:line/x", first.name, "probe.append", True)
    assert held.waiting == (f"{second.name}/a",)
    state.close()
