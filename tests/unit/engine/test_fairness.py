"""Windows of two processes on one state: what one leaves, the other finds, whatever it saw just before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from reign.config import Settings
from reign.core.plan import Plan, Task
from reign.engine.compile import compile_plan
from reign.engine.fairness import Turnstile, Window
from reign.store import claims, holding, release, runs, schema, workers
from reign.store.claims import Claim
from reign.store.database import Database, Transaction
from reign.store.outbox import Posting
from reign.store.release import Ready
from reign.store.runs import NewRun, RunInfo
from reign.store.workers import Worker


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


def claimed(tx: Transaction, item: Ready) -> Claim:
    found = claims.claim(tx, item.task_id, "w", 1.0)
    assert found is not None
    return found


def names(found: Sequence[Ready | Posting]) -> list[str]:
    return [item.ready.task if isinstance(item, Posting) else item.task for item in found]


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
        goes_on = claimed(tx, ready[0])
        assert window.ended(tx, run_id, "probe", 1.0, goes_on) == []
        holding.hold(tx, ready[1:], 1.0)  # by another process
        assert window.ended(tx, run_id, "probe", 1.0, goes_on) == [], "asked just now"
        assert names(window.ended(tx, run_id, "probe", 1.0, None)) == ["t1"]
        assert window.ended(tx, run_id, "probe", 1.0, None) == [], "a message for each that was taken"


def test_what_is_short_is_held_for_oneself_and_what_is_not_is_shared(database: Database) -> None:
    run_id, ready = six_ready(database)
    window = Window(Settings.load(dispatch_window=4))
    with database.write() as tx:
        workers.register(tx, Worker("w", "boot", 1, "born", ("probe",), 0, 1.0, 1.0))
        goes_on = claimed(tx, ready[0])
        assert names(window.released(tx, run_id, ready[1:2], None, 1.0, goes_on=goes_on)) == ["t1"], "nothing is known"
        for _ in range(20):
            window.took("probe.noop", 0.0005)
        assert window.released(tx, run_id, ready[2:4], None, 1.0, goes_on=goes_on) == [], "done here before a message"
        assert window.ended(tx, run_id, "probe", 1.0, goes_on) == []
        window.took("probe.noop", 0.2)
        assert names(window.ended(tx, run_id, "probe", 1.0, goes_on)) == ["t2"], "one place beside the message of t1"
        assert window.released(tx, run_id, ready[4:], None, 1.0, goes_on=goes_on) == [], "the queue has enough"
        found = [window.next(tx, run_id, "probe") for _ in range(1)]
    assert [item.task for item in found if item] == ["t3"]


def test_who_stops_leaves_a_message_for_what_it_held_for_itself(database: Database) -> None:
    """Also in a pool other than that of the task that ended last: one process may serve several."""
    run_id, ready = six_ready(database)
    window = Window(Settings.load(dispatch_window=4), agents=["other", "probe"])
    window.took("probe.noop", 0.0001)
    for _ in range(20):
        window.took("probe.noop", 0.0001)
    with database.write() as tx:
        assert window.released(tx, run_id, ready[1:3], None, 1.0, goes_on=claimed(tx, ready[0])) == []
        assert names(window.ended(tx, run_id, "other", 1.0, None)) == ["t1"]
        found = window.next(tx, run_id, "other")
    assert found is not None
    assert found.task == "t2"


def test_a_limit_of_another_pool_costs_nothing_here() -> None:
    run = RunInfo(1, "r", "dev", "/", "stop", {}, None)
    limited = Settings.load(pool_limits={"docker": 1})
    assert Turnstile(limited, ["docker", "bash"]).may_limit(run)
    assert not Turnstile(limited, ["bash"]).may_limit(run)
    assert Turnstile(Settings.load(environment_limits={"dev": 1}), ["bash"]).may_limit(run)
    assert Turnstile(limited, ["bash"]).may_limit(replace(run, concurrency=2))
