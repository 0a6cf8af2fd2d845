"""The scheduler on a real state: each due time is acted on once, whoever looks at the clock and whatever dies."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from reign.core.errors import Conflict, InvalidInput, NotFound, Refused, Unavailable
from reign.core.states import RunState
from reign.engine.runtime import Runtime
from reign.engine.schedules import MOST_WAITING, Call, Scheduler
from reign.store import audit
from reign.store import runs as run_store
from reign.store import schedules as store
from reign.store.runs import NewRun
from reign.store.schedules import NewSchedule, Schedule


@dataclass
class Recorder:
    """An action that makes a run in the state, at most one for a key, as a submission does."""

    runtime: Runtime
    calls: list[str] = field(default_factory=list)
    fails: list[Exception] = field(default_factory=list)

    def __call__(self, body: Mapping[str, Any], call: Call) -> str:
        self.calls.append(call.key)
        with self.runtime.database.write() as tx:
            known = run_store.by_idempotency_key(tx, call.key)
            if known is None:
                name = f"run-{len(self.calls)}"
                new = NewRun(name, {}, "p", "d", "dev", "/", "file", call.by, "stop", idempotency_key=call.key)
                run_store.insert(tx, new, [Row()], time.time())
            else:
                name = known.name
        if self.fails:
            raise self.fails.pop()
        return name

    def end(self, name: str) -> None:
        from reign.store.tables import runs

        with self.runtime.database.write() as tx:
            tx.execute(runs.update().where(runs.c.name == name).values(state=RunState.SUCCEEDED.value))


@dataclass
class Row:
    ordinal: int = 0
    name: str = "a"
    uses: str = "probe.noop"
    agent: str = "probe"
    spec: dict[str, Any] = field(default_factory=dict)
    needs: tuple[int, ...] = ()
    rest: tuple[int, ...] = ()
    sink: bool = True
    asks_status: bool = False
    approval: str | None = None


@pytest.fixture
def recorder(runtime: Runtime) -> Recorder:
    return Recorder(runtime)


@pytest.fixture
def scheduler(runtime: Runtime, recorder: Recorder) -> Scheduler:
    return Scheduler(runtime, {"run": recorder})


def new(name: str = "nightly", spec: str = "every 10m", **more: str) -> NewSchedule:
    given = {"timezone": "UTC", "action": "run", "misfire": "once", "overlap": "skip", "created_by": "me", **more}
    return NewSchedule(name=name, spec=spec, body={"environment": "dev"}, **given)


def make_due(runtime: Runtime, schedule: Schedule, ago: float) -> None:
    """As if the schedule had been due ``ago`` seconds ago and at every interval since."""
    from reign.store.tables import schedules

    with runtime.database.write() as tx:
        tx.execute(
            schedules.update()
            .where(schedules.c.id == schedule.id)
            .values(created_at=time.time() - ago - 600, next_due=time.time() - ago)
        )


def states(scheduler: Scheduler, name: str = "nightly") -> list[str]:
    return [firing.state for firing in scheduler.show(name)[1]]


def test_what_is_due_runs_once_and_the_next_time_is_set(
    runtime: Runtime, scheduler: Scheduler, recorder: Recorder
) -> None:
    made = scheduler.add(new())
    assert made.next_due is not None
    assert scheduler.tick() == []
    make_due(runtime, made, 1.0)
    assert scheduler.tick() == ["run-1"]
    assert scheduler.tick() == []
    found, firings = scheduler.show("nightly")
    assert found.next_due is not None
    assert found.next_due > time.time()
    assert [(firing.state, firing.run) for firing in firings] == [("submitted", "run-1")]


def test_several_services_act_once(runtime: Runtime, scheduler: Scheduler, recorder: Recorder) -> None:
    made = scheduler.add(new())
    make_due(runtime, made, 1.0)
    with runtime.database.read() as tx:
        seen = store.due(tx, time.time())
    others = [Scheduler(runtime, {"run": recorder}) for _ in range(3)]
    for one in others:  # all have read the same due time before any of them acts
        one._notice(seen[0], time.time())
    assert [run for one in others for run in one.tick()] == ["run-1"]
    assert states(scheduler) == ["submitted"]


def test_a_service_that_dies_between_the_run_and_its_note_makes_no_second_run(
    runtime: Runtime, scheduler: Scheduler, recorder: Recorder
) -> None:
    make_due(runtime, scheduler.add(new()), 1.0)
    recorder.fails = [Unavailable("gone")]
    with pytest.raises(Unavailable):
        scheduler.tick()
    assert states(scheduler) == ["due"]
    assert scheduler.tick() == ["run-1"]
    assert len(recorder.calls) == 2
    assert len(set(recorder.calls)) == 1
    with runtime.database.read() as tx:
        assert len(run_store.listing(tx)) == 1


def test_missed_times_run_once_or_are_skipped(runtime: Runtime, scheduler: Scheduler) -> None:
    make_due(runtime, scheduler.add(new("once")), 3 * 600 + 300)
    make_due(runtime, scheduler.add(new("never", misfire="skip")), 3 * 600 + 300)
    assert scheduler.tick() == ["run-1"]
    assert states(scheduler, "once") == ["submitted"]
    (skipped,) = scheduler.show("never")[1]
    assert skipped.state == "skipped"
    assert "missed" in (skipped.note or "")


def test_overlap_is_skipped_or_waits(runtime: Runtime, scheduler: Scheduler, recorder: Recorder) -> None:
    skips, queues = scheduler.add(new("skips")), scheduler.add(new("queues", overlap="queue"))
    make_due(runtime, skips, 2.0)
    make_due(runtime, queues, 1.0)
    assert scheduler.tick() == ["run-1", "run-2"]
    make_due(runtime, skips, 0.5)
    make_due(runtime, queues, 0.5)
    assert scheduler.tick() == []
    assert states(scheduler, "skips") == ["skipped", "submitted"]
    assert states(scheduler, "queues") == ["due", "submitted"]
    recorder.end("run-2")
    assert scheduler.tick() == ["run-3"]
    for ago in range(MOST_WAITING + 3):
        make_due(runtime, queues, 0.4 - ago / 100)
        scheduler.tick()
    assert states(scheduler, "queues").count("due") == MOST_WAITING


def test_what_cannot_be_submitted_is_told(runtime: Runtime, scheduler: Scheduler, recorder: Recorder) -> None:
    make_due(runtime, scheduler.add(new()), 1.0)
    recorder.fails = [Refused("not in prod")]
    assert scheduler.tick() == []
    (firing,) = scheduler.show("nightly")[1]
    assert (firing.state, firing.note) == ("failed", "not in prod")
    recorder.fails = [Refused("not in prod")]
    with pytest.raises(Refused):
        scheduler.run_now("nightly", "me")
    assert states(scheduler) == ["failed", "failed"]


def test_pause_resume_run_now_remove(runtime: Runtime, scheduler: Scheduler) -> None:
    scheduler.add(new())
    assert scheduler.pause("nightly", "me").next_due is None
    with pytest.raises(Conflict):
        scheduler.pause("nightly", "me")
    assert scheduler.tick() == []
    assert (scheduler.resume("nightly", "me").next_due or 0) > time.time()
    with pytest.raises(Conflict):
        scheduler.resume("nightly", "me")
    assert scheduler.run_now("nightly", "me").run == "run-1"
    assert [found.name for found in scheduler.listing()] == ["nightly"]
    scheduler.remove("nightly", "me")
    with pytest.raises(NotFound):
        scheduler.show("nightly")
    with runtime.database.read() as tx:
        assert len(run_store.listing(tx)) == 1, "runs stay"
        kinds = [entry.kind for entry in audit.listing(tx)]
    assert {"schedule.add", "schedule.pause", "schedule.resume", "schedule.run", "schedule.remove"} <= set(kinds)


@pytest.mark.parametrize(
    "wrong",
    [{"name": ""}, {"name": "a/b"}, {"misfire": "twice"}, {"overlap": "both"}, {"action": "fly"}, {"timezone": "X"}],
)
def test_what_is_wrong_is_refused(scheduler: Scheduler, wrong: dict[str, str]) -> None:
    with pytest.raises(InvalidInput):
        scheduler.add(new(**wrong))


def test_a_name_is_taken_once_and_an_unknown_action_fails(runtime: Runtime, scheduler: Scheduler) -> None:
    made = scheduler.add(new())
    with pytest.raises(Conflict):
        scheduler.add(new())
    make_due(runtime, made, 1.0)
    other = Scheduler(runtime, {})
    assert other.tick() == []
    assert states(scheduler) == ["failed"]
