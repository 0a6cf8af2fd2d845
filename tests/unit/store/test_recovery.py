"""What becomes of the claims of dead workers, and what a drill asks of the state."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from reign.core.outcome import Succeeded
from reign.core.plan import OnFailure, Plan, Task
from reign.core.states import RunState, TaskState
from reign.engine.compile import compile_plan
from reign.store import claims, drills, recording, recovery, runs, schema, workers
from reign.store.claims import Claim
from reign.store.database import Database
from reign.store.runs import NewRun
from reign.store.workers import Worker


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path}/state.db")
    schema.upgrade(made)
    yield made
    made.close()


def claimed(database: Database, *, by: str = "me") -> Claim:
    plan = Plan(name="p", tasks={"a": Task(uses="probe.noop")})
    with database.write() as tx:
        new = NewRun(f"r-{time.time_ns()}", {}, "p", "d", "dev", "/", "file", by, "stop")
        _, ready = runs.insert(tx, new, compile_plan(plan, segment_limit=8), time.time())
        claim = claims.claim(tx, ready[0].task_id, "w1", time.time())
    assert claim is not None
    return claim


@pytest.mark.parametrize("intended", [False, True])
def test_a_task_that_takes_every_worker_with_it_is_given_up(database: Database, intended: bool) -> None:
    claim = claimed(database)
    if intended:
        with database.write() as tx:
            recording.intend(tx, claim, {}, [], "dev", "r", time.time())
    for _ in range(2):
        with database.write() as tx:
            assert recovery.free(tx, ["w1"], 3, time.time())
            again = claims.claim(tx, claim.task_id, "w1", time.time())
            assert again is not None
            if intended:
                recording.intend(tx, again, {}, [], "dev", "r", time.time())
    with database.write() as tx:
        recovery.free(tx, ["w1"], 3, time.time())
    with database.read() as tx:
        run = runs.by_id(tx, claim.run_id)
        (task,) = runs.tasks_of(tx, run.id)
    assert task.state is (TaskState.NEEDS_ATTENTION if intended else TaskState.FAILED)
    assert run.state is (RunState.NEEDS_ATTENTION if intended else RunState.FAILED)
    assert "3 workers died" in task.error["message"]


def test_what_a_drill_asks(database: Database) -> None:
    claim = claimed(database)
    now = time.time()
    with database.write() as tx:
        workers.register(tx, Worker("w1", "h", os.getpid(), "b", ("probe",), 0, now, now))
    with database.read() as tx:
        assert drills.open_of(tx, [claim.run_id]) == drills.foreign(tx) == 1
        assert drills.claims_of(tx, {os.getpid()}) == {claim.task_id: 1}
        assert drills.claims_of(tx, {1}) == {}
        assert drills.recovery(tx, now, {claim.task_id: 1}) is None, "nobody has taken it up again"
        assert drills.recovery(tx, now + 1, {}) is None
    with database.write() as tx:
        recording.record(tx, claim, Succeeded({}), now + 2, on_failure=OnFailure.STOP, environment="dev")
    with database.read() as tx:
        assert drills.recovery(tx, now, {claim.task_id: 1}) == pytest.approx(2)
        assert drills.recovery(tx, now, {}) == pytest.approx(2)
        assert drills.open_of(tx, [claim.run_id]) == drills.foreign(tx) == 0
    claimed(database, by="drill")
    with database.read() as tx:
        assert drills.foreign(tx) == 0
