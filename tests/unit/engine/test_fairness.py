"""Windows of two processes on one state: what one leaves, the other finds, whatever it saw just before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reign.config import Settings
from reign.core.plan import Plan, Task
from reign.engine.compile import compile_plan
from reign.engine.fairness import Window
from reign.store import holding, release, runs, schema
from reign.store.database import Database
from reign.store.release import Ready
from reign.store.runs import NewRun


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path}/state.db")
    schema.upgrade(made)
    yield made
    made.close()


def six_ready(database: Database) -> tuple[int, list[Ready]]:
    """A run of six tasks, none of them with a message yet."""
    plan = Plan(name="six", tasks={f"t{i}": Task(uses="probe.noop") for i in range(6)})
    new = NewRun("six", {}, "six", "d", "dev", "/", "file", "me", "stop")
    with database.write() as tx:
        record, ready = runs.insert(tx, new, compile_plan(plan, segment_limit=4), 1.0)
    return record.id, ready


def test_a_process_that_saw_none_held_finds_what_another_held_right_after(database: Database) -> None:
    run_id, ready = six_ready(database)
    one, other = Window(Settings.load(dispatch_window=4)), Window(Settings.load(dispatch_window=4))
    with database.write() as tx:
        assert one.next(tx, run_id, "probe") is None
        sent = other.released(tx, run_id, ready, None, 1.0)
        release.post(tx, sent, 1.0)
        assert [item.task for item in sent] == ["t0", "t1", "t2", "t3"], "a window of four"
        found = one.next(tx, run_id, "probe")
    assert found is not None
    assert found.task == "t4"


def test_who_stops_lets_held_tasks_go_although_it_saw_none_just_before(database: Database) -> None:
    run_id, ready = six_ready(database)
    window = Window(Settings.load(dispatch_window=4))
    with database.write() as tx:
        window.taken(run_id, "probe")
        assert window.ended(tx, run_id, "probe", 1.0, goes_on=True) == []
        holding.hold(tx, ready, 1.0)  # by another process
        assert window.ended(tx, run_id, "probe", 1.0, goes_on=True) == [], "asked just now"
        assert [posting.ready.task for posting in window.ended(tx, run_id, "probe", 1.0, goes_on=False)] == ["t0"]
        assert window.ended(tx, run_id, "probe", 1.0, goes_on=False) == [], "a message for each that was taken"


def test_who_goes_on_knows_of_what_it_has_held_itself(database: Database) -> None:
    run_id, ready = six_ready(database)
    window = Window(Settings.load(dispatch_window=4), lambda _: 1000)
    window.look("probe")
    with database.write() as tx:
        window.taken(run_id, "probe")
        window.taken(run_id, "probe")
        assert window.ended(tx, run_id, "probe", 1.0, goes_on=True) == [], "it has looked now"
        assert window.released(tx, run_id, ready, None, 1.0, goes_on=True) == [], "the queue is crowded"
        follow = window.ended(tx, run_id, "probe", 1.0, goes_on=True)
    assert [posting.ready.task for posting in follow] == ["t0", "t1"]
