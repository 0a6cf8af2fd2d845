"""Any DAG, on the real functions of the state: workers that interleave, fail, die, come back too late, and messages
that are lost or delivered twice. What was executed is held against the dependencies and a model of the outcome."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reign.config import Settings
from reign.core import outcome as o
from reign.core.plan import OnFailure, Plan, Task
from reign.core.states import RunState, TaskState
from reign.engine.compile import compile_plan
from reign.engine.fairness import Turnstile, Window
from reign.store import claims, events, outbox, recording, recovery, release, runs, schema
from reign.store.claims import Claim, StaleClaim
from reign.store.database import Database
from reign.store.holding import groups, let_go, next_of_run
from reign.store.release import Ready
from reign.store.runs import NewRun, RunInfo
from reign.store.tables import task_key

ERROR = {"message": "on purpose", "kind": "unknown", "hint": None}


@dataclass(frozen=True)
class Dag:
    """``needs[i]``: earlier tasks that task i needs. ``fails``: tasks that end in failure."""

    needs: tuple[tuple[int, ...], ...]
    fails: frozenset[int]
    concurrency: int | None
    window: int
    seed: int

    def expected(self) -> list[TaskState]:
        found: list[TaskState] = []
        for i, needs in enumerate(self.needs):
            if any(found[other] is not TaskState.SUCCEEDED for other in needs):
                found.append(TaskState.SKIPPED)
            else:
                found.append(TaskState.FAILED if i in self.fails else TaskState.SUCCEEDED)
        return found


@st.composite
def dags(draw: st.DrawFn) -> Dag:
    size = draw(st.integers(1, 14))
    needs = tuple(
        tuple(sorted(draw(st.sets(st.integers(0, i - 1), max_size=min(i, 3))))) if i else () for i in range(size)
    )
    fails = draw(st.frozensets(st.integers(0, size - 1), max_size=1))
    return Dag(
        needs,
        fails,
        draw(st.sampled_from([None, None, 1, 2])),
        draw(st.sampled_from([1, 2, 100])),
        draw(st.integers(0, 2**32)),
    )


@dataclass
class World:
    """Workers, a queue that forgets and repeats, and a clock, around one run in a real state."""

    database: Database
    dag: Dag
    run: RunInfo
    clock: float = 1000.0
    queue: list[int] = field(default_factory=list)
    sent: list[int] = field(default_factory=list)
    running: dict[str, Claim] = field(default_factory=dict)
    stale: list[Claim] = field(default_factory=list)
    started: list[tuple[int, frozenset[int]]] = field(default_factory=list)
    ended: set[int] = field(default_factory=set)
    most: int = 0
    workers: int = 0

    def __post_init__(self) -> None:
        self.random = random.Random(self.dag.seed)
        chosen = Settings.load(dispatch_window=self.dag.window)
        self.turnstile = Turnstile(chosen, ["probe"])
        self.windows = [Window(chosen, lambda _: self.random.choice([0, 1000])) for _ in range(3)]

    @property
    def window(self) -> Window:
        return self.random.choice(self.windows)

    def publish(self, ready: Sequence[Ready]) -> None:
        """Most messages arrive; some are lost, with the outbox row or (published) without it."""
        for item in ready:
            fate = self.random.random()
            if fate < 0.1:
                continue  # died before the publish: the row stands
            with self.database.write() as tx:
                outbox.remove(tx, [(item.task_id, item.attempt)])
            if fate > 0.2:
                self.queue.append(item.task_id)
            self.sent.append(item.task_id)

    def deliver(self) -> None:
        if not self.queue:
            return
        task_id = self.queue.pop(self.random.randrange(len(self.queue)))
        self.workers += 1
        worker = f"w{self.workers}"
        with self.database.write() as tx:
            if not self.turnstile.admits(tx, self.run, task_id, self.clock):
                return
            claim = claims.claim(tx, task_id, worker, self.clock)
        if claim:
            self._run(claim)

    def _run(self, claim: Claim) -> None:
        self.running[claim.worker] = claim
        self.started.append((claim.task_id - task_key(self.run.id, 0), frozenset(self.ended)))
        self.most = max(self.most, len(self.running))

    def end(self) -> None:
        """A running task succeeds, fails as the model says, or is tried again; sometimes it hands over."""
        if not self.running:
            return
        claim = self.running.pop(self.random.choice(sorted(self.running)))
        ordinal = claim.task_id - task_key(self.run.id, 0)
        chance = self.random.random()
        how: o.Outcome = o.Failed(ERROR) if ordinal in self.dag.fails else o.Succeeded({"n": ordinal})
        if chance < 0.15:
            how = o.TryAgain(ERROR, 0.0 if chance < 0.1 else 3.0)
        elif chance < 0.2:
            how = o.Back("a rate limit", 0.0)
        handed = None
        with self.database.write() as tx:
            found = recording.record(tx, claim, how, self.clock, on_failure=OnFailure.CONTINUE, environment="dev").ready
            if found and chance > 0.7:
                handed = claims.claim(tx, found[0].task_id, claim.worker, self.clock, run_started=True)
                found = found[1:] if handed else found
            window = self.window
            if handed is None:
                window.taken(self.run.id, "probe")
            limited = self.turnstile.may_limit(self.run)
            goes_on = None if limited else handed
            window.look("probe")
            ready = window.released(tx, self.run.id, found, self.run.concurrency, self.clock, goes_on=goes_on)
            follow = (
                ([] if handed else self.turnstile.left(tx, self.run, "probe", self.clock))
                if limited
                else window.ended(tx, self.run.id, "probe", self.clock, handed)
            )
            release.post(tx, ready, self.clock)
        if isinstance(how, o.Succeeded | o.Failed):
            self.ended.add(ordinal)
        self.stale.append(claim)
        if handed:
            self._run(handed)
        self.publish([*ready, *(posting.ready for posting in follow)])

    def kill(self) -> None:
        if self.running and self.random.random() < 0.5:
            worker = self.random.choice(sorted(self.running))
            self.stale.append(self.running.pop(worker))
            with self.database.write() as tx:
                freed = recovery.free(tx, [worker], 1000, self.clock)
            for ready in freed.values():
                self.publish(ready)

    def too_late(self) -> None:
        """A worker that lost its claim, or has recorded already, changes nothing."""
        if self.stale:
            claim = self.random.choice(self.stale)
            with pytest.raises(StaleClaim), self.database.write() as tx:
                recording.record(
                    tx, claim, o.Succeeded({}), self.clock, on_failure=OnFailure.CONTINUE, environment="dev"
                )

    def repeat(self) -> None:
        if self.sent:
            self.queue.append(self.random.choice(self.sent))

    def reconcile(self) -> None:
        """What the leading service does: relay, find lost messages, top up what is held, finish."""
        self.clock += 5
        with self.database.write() as tx:
            found = [posting.ready for posting in outbox.due(tx, self.clock)]
        self.publish(found)
        with self.database.read() as tx:
            lost = [posting.ready for posting in outbox.waiting(tx, "probe", self.clock, 100)]
        self.publish(lost)
        with self.database.write() as tx:
            held = [p for g in groups(tx) if g.run_id == self.run.id for p in next_of_run(tx, g.run_id, g.agent, 2)]
            let_go(tx, held, self.clock)
            recovery.finish_stuck(tx, self.clock)
        self.publish([posting.ready for posting in held])

    def live(self) -> None:
        actions = [self.deliver] * 6 + [self.end] * 6 + [self.kill, self.too_late, self.repeat, self.reconcile]
        for _ in range(3000):
            self.random.choice(actions)()
            if not self.running and not self.queue:
                self.reconcile()
                with self.database.read() as tx:
                    if runs.by_id(tx, self.run.id).ended:
                        return
        raise AssertionError("the run does not end")


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path_factory.mktemp('dag')}/state.db")
    schema.upgrade(made)
    yield made
    made.close()


def submitted(database: Database, dag: Dag) -> World:
    tasks = {
        f"t{i}": Task(uses="probe.noop", needs=tuple(f"t{other}" for other in needs))
        for i, needs in enumerate(dag.needs)
    }
    plan = Plan(name="any", tasks=tasks, on_failure=OnFailure.CONTINUE)
    name = f"r{uuid4().hex}"
    new = NewRun(name, {}, "any", "d", "dev", "/", "file", "me", "continue", concurrency=dag.concurrency)
    with database.write() as tx:
        record, ready = runs.insert(tx, new, compile_plan(plan, segment_limit=4), 1000.0)
        world = World(database, dag, RunInfo(record.id, name, "dev", "/", "continue", {}, dag.concurrency))
        ready = world.window.released(tx, record.id, ready, dag.concurrency, 1000.0)
        release.post(tx, ready, 1000.0)
    world.publish(ready)
    return world


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(dag=dags())
def test_any_dag_runs_in_order_and_each_task_is_recorded_once(database: Database, dag: Dag) -> None:
    world = submitted(database, dag)
    world.live()
    with database.read() as tx:
        run = runs.by_id(tx, world.run.id)
        found = runs.tasks_of(tx, run.id)
        history = events.of_run(tx, run.id, limit=10_000)
    expected = dag.expected()
    assert [task.state for task in found] == expected
    assert run.state is (RunState.FAILED if TaskState.FAILED in expected else RunState.SUCCEEDED)
    for ordinal, ended_before in world.started:
        assert set(dag.needs[ordinal]) <= ended_before, f"t{ordinal} started before what it needs had ended"
    ends = Counter(event.task for event in history if event.kind in ("task.succeeded", "task.failed", "task.skipped"))
    assert ends == {f"t{i}": 1 for i in range(len(dag.needs))}, "each task is recorded once"
    assert dag.concurrency is None or world.most <= dag.concurrency
