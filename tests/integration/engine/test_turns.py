"""Turns: a large run does not starve a small one, and limits hold while many workers claim at once."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from reign.core.outcome import Succeeded
from reign.core.plan import OnFailure, Plan, Task
from reign.core.states import RunState, TaskState
from reign.engine.compile import compile_plan
from reign.engine.fairness import TopUp, Turnstile
from reign.store import claims, holding, recording, release, runs, schema
from reign.store.database import Database
from reign.store.runs import NewRun, RunInfo, TaskRecord
from reign.store.tables import task_key, tasks
from tests.engines.installation import Installation, until

LIMITS = {"narrow": 1}


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Two workers, a service, and an environment in which one task may run at a time."""
    made = Installation(tmp_path_factory.mktemp("busy"), environment_limits=LIMITS)
    made.prepare()
    narrow = {"REIGN_ENVIRONMENT_LIMITS": '{"narrow": 1}'}
    made.start_general(**narrow)
    made.start_worker("probe", **narrow)
    made.start_worker("probe", **narrow)
    yield made
    made.close()


def many(count: int, seconds: float, **more: Any) -> dict[str, Any]:
    tasks = {f"t{i}": {"uses": "probe.sleep", "with": {"seconds": seconds}} for i in range(count)}
    return {"name": "many", "tasks": tasks, **more}


def most_at_once(tasks: Sequence[TaskRecord]) -> int:
    """The largest number of tasks whose times overlap."""
    moments = sorted(
        [(t.started_at, 1) for t in tasks if t.started_at] + [(t.ended_at, -1) for t in tasks if t.ended_at]
    )
    here = most = 0
    for _, change in moments:
        here += change
        most = max(most, here)
    return most


def test_a_large_run_does_not_starve_a_small_one(busy: Installation) -> None:
    large = busy.submit(many(2000, 0.02))
    until(lambda: busy.look(large).state is RunState.RUNNING)
    small = busy.submit(many(3, 0.0))
    assert busy.wait(small).state is RunState.SUCCEEDED
    ended = sum(task.state is TaskState.SUCCEEDED for task in busy.tasks(large).values())
    assert ended < 300, "the small one took its turn among the first"
    busy.general.cancel(large.name)
    assert busy.wait(large).state is RunState.CANCELLED


def test_a_run_has_its_own_limit(busy: Installation) -> None:
    free = busy.submit(many(40, 0.02))
    one = busy.submit(many(8, 0.02, concurrency=1))
    assert busy.wait(one).state is RunState.SUCCEEDED
    assert busy.wait(free).state is RunState.SUCCEEDED
    assert most_at_once(list(busy.tasks(one).values())) == 1
    assert most_at_once(list(busy.tasks(free).values())) == 2


def test_an_environment_has_a_limit_and_its_runs_take_turns(busy: Installation) -> None:
    first = busy.submit(many(12, 0.02, environment="narrow"))
    second = busy.submit(many(3, 0.02, environment="narrow"))
    assert busy.wait(second).state is RunState.SUCCEEDED
    assert busy.wait(first).state is RunState.SUCCEEDED
    tasks = [*busy.tasks(first).values(), *busy.tasks(second).values()]
    assert most_at_once(tasks) == 1
    assert busy.look(second).ended_at < busy.look(first).ended_at  # type: ignore[operator]


def test_what_is_held_without_anybody_to_let_it_go_is_topped_up(installation: Installation) -> None:
    """As after the workers that had taken the messages died: no pool is here at all."""
    run = installation.submit(many(100, 0.0))
    redis = installation.runtime.redis
    assert redis.lengths(["probe"]) == {"probe": 4}
    top_up = TopUp(installation.runtime)
    assert top_up.tick() == 0, "the queue is full enough"
    redis.client.delete("reign.probe")
    assert top_up.tick() == 4
    assert redis.lengths(["probe"]) == {"probe": 4}
    with installation.runtime.database.write() as tx:
        assert holding.count_of_run(tx, run.id) == 92
        assert not holding.idle(tx, run.id, "probe")
        sent = tasks.c.id < task_key(run.id, 8)  # as if all that had a message waited for a lock
        tx.execute(tasks.update().where(sent).values(state=TaskState.BLOCKED.value))
        assert holding.idle(tx, run.id, "probe")
    assert redis.lengths(["probe"]) == {"probe": 4}
    assert top_up.tick() == 4, "although the queue is full"
    installation.general.cancel(run.name)
    with installation.runtime.database.write() as tx:
        holding.sweep(tx)
        assert holding.count_of_run(tx, run.id) == 0


def test_workers_leave_nothing_held_that_only_the_service_would_let_go(tmp_path: Path, database_url: str) -> None:
    """No service runs here, so nobody tops up: of two workers that go on with held tasks and stop, one must always
    look once more. The DAG is such that both hold tasks and run dry, again and again. By the recorded times, too, no
    task begins before all that it needs has ended."""
    made = Installation(tmp_path, database_url=database_url)
    made.prepare()
    for _ in range(2):
        made.start_worker("probe")
    pick = random.Random(7)
    layers = [[f"l{layer}_{number}" for number in range(30)] for layer in range(12)]
    noops = {
        name: {"uses": "probe.noop", "needs": pick.sample(layers[depth - 1], 3) if depth else []}
        for depth, layer in enumerate(layers)
        for name in layer
    }
    run = made.submit({"name": "layers", "tasks": noops})
    assert made.wait(run).state is RunState.SUCCEEDED
    found = made.tasks(run)
    made.close()
    for name, noop in noops.items():
        began = found[name].started_at
        assert began is not None
        assert all(began >= (found[need].ended_at or began + 1) for need in noop["needs"]), name


@pytest.mark.parametrize("kind", ["run", "environment", "pool"])
def test_a_limit_holds_while_many_claim_at_once(database_url: str, tmp_path: Path, kind: str) -> None:
    """Threads for workers, each with its own connection: never more than two tasks run, and none is forgotten."""
    given: dict[str, Any] = {"environment": {"environment_limits": {"dev": 2}}, "pool": {"pool_limits": {"probe": 2}}}
    made = Installation(tmp_path, database_url=database_url, **given.get(kind, {}))
    database = Database(made.settings.database, pool_size=8)
    schema.upgrade(database)
    concurrency = 2 if kind == "run" else None
    plan = Plan(name="many", tasks={f"t{i}": Task(uses="probe.noop") for i in range(24)})
    with database.write() as tx:
        new = NewRun("many", {}, "many", "d", "dev", "/", "file", "me", "stop", concurrency=concurrency)
        record, ready = runs.insert(tx, new, compile_plan(plan, segment_limit=8), 1.0)
        run_id = record.id
        release.post(tx, ready, 1.0)
    info = RunInfo(run_id, "many", "dev", "/", "stop", {}, concurrency)
    turnstile = Turnstile(made.settings, ["probe"])
    guard = threading.Lock()
    running: list[int] = [0, 0]
    todo = [item.task_id for item in ready]

    def work(worker: str) -> None:
        while True:
            with guard:
                if not todo:
                    return
                task_id = todo.pop()
            with database.write() as tx:
                claim = claims.claim(tx, task_id, worker, 1.0) if turnstile.admits(tx, info, task_id, 1.0) else None
            if claim is None:
                continue
            with guard:
                running[0] += 1
                running[1] = max(running)
            with guard:
                running[0] -= 1
            with database.write() as tx:
                recording.record(tx, claim, Succeeded({}), 2.0, on_failure=OnFailure.STOP, environment="dev")
                follow = turnstile.left(tx, info, "probe", 2.0)
            with guard:
                todo.extend(posting.ready.task_id for posting in follow)

    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(work, f"w{i}") for i in range(8)]:
            done.result()
    with database.read() as tx:
        states = {task.state for task in runs.tasks_of(tx, run_id)}
    database.close()
    made.close()
    assert states == {TaskState.SUCCEEDED}
    assert running[1] <= 2


def test_a_timeout_ends_the_attempt_and_counts_as_a_failure_that_may_be_tried_again(busy: Installation) -> None:
    slow = {"uses": "probe.sleep", "with": {"seconds": 60}, "timeout": 0.4, "retry": {"attempts": 2, "delay": 0.05}}
    run = busy.submit({"name": "late", "tasks": {"a": slow}})
    ended = busy.wait(run)
    assert ended.state is RunState.FAILED
    task = busy.tasks(run)["a"]
    assert task.error["kind"] == "timed_out"
    assert task.attempt == 2
