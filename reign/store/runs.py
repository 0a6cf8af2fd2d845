"""Runs: recorded with all their tasks and edges in one transaction, found again by name."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import sqlalchemy as sa

from reign.core.errors import NotFound, did_you_mean
from reign.core.states import RUN_ENDED, RunState, TaskState
from reign.store import events
from reign.store.database import Transaction
from reign.store.hot import Hot, Rows
from reign.store.jsontext import dump, load
from reign.store.release import Ready
from reign.store.tables import attempts, changes, edges, logs, runs, task_key, tasks

LATEST = "@latest"


class TaskRow(Protocol):
    """What is inserted of a task; ``engine.compile.CompiledTask`` is one. Ordinals count from 0 within the run."""

    @property
    def ordinal(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def uses(self) -> str: ...
    @property
    def agent(self) -> str: ...
    @property
    def spec(self) -> dict[str, Any]: ...
    @property
    def needs(self) -> tuple[int, ...]: ...
    @property
    def rest(self) -> tuple[int, ...]: ...
    @property
    def sink(self) -> bool: ...
    @property
    def asks_status(self) -> bool: ...
    @property
    def approval(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class NewRun:
    """What is known of a run when it is submitted."""

    name: str
    plan: dict[str, Any]
    plan_name: str
    digest: str
    environment: str
    workdir: str
    source: str
    requested_by: str
    on_failure: str
    request: str | None = None
    kind: str = "apply"
    concurrency: int | None = None
    idempotency_key: str | None = None
    of_run: int | None = None
    template: dict[str, Any] | None = None  # {plan, params} before they were bound, if binding changed anything


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run as it stands."""

    id: int
    name: str
    kind: str
    state: RunState
    plan_name: str
    digest: str
    environment: str
    request: str | None
    source: str
    workdir: str
    requested_by: str
    on_failure: str
    concurrency: int | None
    task_count: int
    of_run: int | None
    created_at: float
    stopping: bool = False
    cancel_requested: bool = False
    cause: str | None = None
    rolled_back_by: str | None = None
    started_at: float | None = None
    ended_at: float | None = None

    @property
    def ended(self) -> bool:
        return self.state in RUN_ENDED


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """A task as it stands."""

    id: int
    name: str
    uses: str
    state: TaskState
    spec: dict[str, Any]
    needs: tuple[str, ...]
    attempt: int
    worker: str | None
    approval: str | None
    result: Any
    error: Any
    not_before: float | None
    started_at: float | None
    ended_at: float | None


_INSERT_RUN = Hot(
    runs.insert().returning(runs.c.id),
    (
        "name", "kind", "state", "plan", "template", "plan_name", "digest", "environment", "request", "source",
        "workdir", "requested_by", "idempotency_key", "on_failure", "concurrency", "task_count", "of_run", "created_at",
    ),
)  # fmt: skip
_TASKS = Rows(
    tasks,
    (
        "id", "run_id", "name", "uses", "agent", "spec", "state", "rest", "sink", "asks_status", "approval", "ready_at",
    ),
)  # fmt: skip
_EDGES = Rows(edges, ("task_id", "needs_id", "satisfied"))


def insert(tx: Transaction, new: NewRun, rows: Sequence[TaskRow], now: float) -> tuple[RunRecord, list[Ready]]:
    """Record a run with its tasks. Returns it and those tasks that need nothing, for the caller to post."""
    about: dict[str, Any] = {
        "name": new.name,
        "kind": new.kind,
        "plan_name": new.plan_name,
        "digest": new.digest,
        "environment": new.environment,
        "request": new.request,
        "source": new.source,
        "workdir": new.workdir,
        "requested_by": new.requested_by,
        "on_failure": new.on_failure,
        "concurrency": new.concurrency,
        "task_count": len(rows),
        "of_run": new.of_run,
        "created_at": now,
    }
    kept = {"plan": dump(new.plan), "template": dump(new.template), "idempotency_key": new.idempotency_key}
    run_id = _INSERT_RUN.one(tx, {**about, **kept, "state": RunState.QUEUED.value}).id
    records = [_task_row(run_id, row, rows, now) for row in rows]
    _TASKS.add(tx, records)
    pairs = [
        {"task_id": task_key(run_id, row.ordinal), "needs_id": task_key(run_id, other), "satisfied": 0}
        for row in rows
        for other in row.needs
    ]
    _EDGES.add(tx, pairs)
    started = [r for r in records if r["state"] != TaskState.PENDING.value]
    beginnings = [events.row(run_id, r["id"], f"task.{r['state']}", now) for r in started]
    events.add(tx, [events.row(run_id, None, "run.queued", now), *beginnings])
    ready = [
        Ready(r["id"], r["name"], r["uses"], r["agent"], r["rest"], 0)
        for r in started
        if r["state"] == TaskState.READY.value
    ]
    return RunRecord(id=run_id, state=RunState.QUEUED, **about), ready


def _task_row(run_id: int, row: TaskRow, rows: Sequence[TaskRow], now: float) -> dict[str, Any]:
    state = TaskState.PENDING
    if not row.needs:
        state = TaskState.AWAITING_APPROVAL if row.approval == "required" else TaskState.READY
    rest = [[task_key(run_id, other), rows[other].uses, rows[other].name] for other in row.rest]
    return {
        "id": task_key(run_id, row.ordinal),
        "run_id": run_id,
        "name": row.name,
        "uses": row.uses,
        "agent": row.agent,
        "spec": dump(row.spec),
        "state": state.value,
        "rest": dump(rest) if rest else None,
        "sink": row.sink,
        "asks_status": row.asks_status,
        "approval": row.approval,
        "ready_at": now if state is TaskState.READY else None,
    }


_RUN = sa.select(
    *(column for column in runs.c if column.name not in ("plan", "template", "idempotency_key")),
)


def _record(row: Any) -> RunRecord:
    return RunRecord(**{**row._mapping, "state": RunState(row.state)})


def find(tx: Transaction, name: str) -> RunRecord:
    """The run of that name (``@latest``: the newest). Raises NotFound with the nearest right name."""
    query = _RUN.order_by(runs.c.id.desc()).limit(1) if name == LATEST else _RUN.where(runs.c.name == name)
    row = tx.execute(query).one_or_none()
    if row is None:
        if name == LATEST:
            raise NotFound("there is no run yet", hint="start one with `reign run`")
        recent = tx.execute(sa.select(runs.c.name).order_by(runs.c.id.desc()).limit(200)).scalars()
        raise NotFound(f"there is no run {name!r}", hint=did_you_mean(name, recent) or "see `reign runs`")
    return _record(row)


def of_names(tx: Transaction, names: Sequence[str]) -> list[RunRecord]:
    """The runs of these names, in their order. Raises NotFound for the first that is not there."""
    found = {row.name: _record(row) for row in tx.execute(_RUN.where(runs.c.name.in_(names)))}
    return [found[name] if name in found else find(tx, name) for name in names]


def moving(tx: Transaction, run_ids: Collection[int]) -> set[int]:
    """Those of these runs that go on by themselves."""
    still = [state.value for state in RunState if state not in RUN_ENDED and state is not RunState.NEEDS_ATTENTION]
    found = sa.select(runs.c.id).where(runs.c.id.in_(list(run_ids)), runs.c.state.in_(still))
    return set(tx.execute(found).scalars()) if run_ids else set()


def by_id(tx: Transaction, run_id: int) -> RunRecord:
    return _record(tx.execute(_RUN.where(runs.c.id == run_id)).one())


@dataclass(frozen=True, slots=True)
class RunInfo:
    """What never changes of a run; read once by each process."""

    id: int
    name: str
    environment: str
    workdir: str
    on_failure: str
    params: Mapping[str, Any]
    concurrency: int | None = None


_INFO = Hot(
    sa.select(
        runs.c.id, runs.c.name, runs.c.environment, runs.c.workdir, runs.c.on_failure, runs.c.plan, runs.c.concurrency
    ).where(runs.c.id == sa.bindparam("run"))
)


def info(tx: Transaction, run_id: int) -> RunInfo | None:
    """That of a run, if this database has it."""
    row = _INFO.one(tx, {"run": run_id})
    if row is None:
        return None
    params = load(row.plan).get("params", {})
    return RunInfo(row.id, row.name, row.environment, row.workdir, row.on_failure, params, row.concurrency)


_OF_KEY = Hot(sa.select(runs.c.id).where(runs.c.idempotency_key == sa.bindparam("key")))


def by_idempotency_key(tx: Transaction, key: str) -> RunRecord | None:
    row = _OF_KEY.one(tx, {"key": key})
    return by_id(tx, row.id) if row else None


def by_idempotency_keys(tx: Transaction, keys: Iterable[str]) -> dict[str, RunRecord]:
    """The runs that were started with these keys, by key."""
    keys = list(keys)
    if not keys:
        return {}
    if len(keys) == 1:
        known = by_idempotency_key(tx, keys[0])
        return {keys[0]: known} if known else {}
    query = sa.select(runs.c.idempotency_key, runs.c.id).where(runs.c.idempotency_key.in_(keys))
    return {row.idempotency_key: by_id(tx, row.id) for row in tx.execute(query).all()}


def listing(
    tx: Transaction,
    *,
    environment: str | None = None,
    states: Iterable[RunState] | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[RunRecord]:
    """Runs, newest first; ``before`` is the id to go on from."""
    query = _RUN.order_by(runs.c.id.desc()).limit(limit)
    if environment:
        query = query.where(runs.c.environment == environment)
    if states is not None:
        query = query.where(runs.c.state.in_([s.value for s in states]))
    if before is not None:
        query = query.where(runs.c.id < before)
    return [_record(row) for row in tx.execute(query)]


def plan_of(tx: Transaction, run_id: int) -> dict[str, Any]:
    """The plan that the run carries out, as a plan file has it."""
    found: dict[str, Any] = load(tx.execute(sa.select(runs.c.plan).where(runs.c.id == run_id)).scalar_one())
    return found


def template_of(tx: Transaction, run_id: int) -> dict[str, Any]:
    """``{plan, params}`` that the run's plan was bound from: the plan as it was asked for, and the values given."""
    row = tx.execute(sa.select(runs.c.plan, runs.c.template).where(runs.c.id == run_id)).one()
    found: dict[str, Any] = load(row.template) or {"plan": load(row.plan), "params": {}}
    return found


def tasks_of(tx: Transaction, run_id: int) -> list[TaskRecord]:
    """The tasks of a run, in plan order; those made by ``for_each`` at the end."""
    needs: dict[int, list[str]] = {}
    before = sa.alias(tasks)
    for row in tx.execute(
        sa.select(edges.c.task_id, before.c.name)
        .join(before, before.c.id == edges.c.needs_id)
        .where(before.c.run_id == run_id, before.c.parent_id.is_(None))
        .order_by(edges.c.needs_id)
    ):
        needs.setdefault(row.task_id, []).append(row.name)
    return [
        TaskRecord(
            id=row.id,
            name=row.name,
            uses=row.uses,
            state=TaskState(row.state),
            spec=load(row.spec),
            needs=tuple(needs.get(row.id, ())),
            attempt=row.attempt,
            worker=row.worker,
            approval=row.approval,
            result=load(row.result),
            error=load(row.error),
            not_before=row.not_before,
            started_at=row.started_at,
            ended_at=row.ended_at,
        )
        for row in tx.execute(sa.select(tasks).where(tasks.c.run_id == run_id).order_by(tasks.c.id))
    ]


def task(tx: Transaction, run: RunRecord, name: str) -> TaskRecord:
    """One task of a run. Raises NotFound with the nearest right name."""
    found = tasks_of(tx, run.id)
    for record in found:
        if record.name == name:
            return record
    raise NotFound(f"run {run.name} has no task {name!r}", hint=did_you_mean(name, [t.name for t in found]))


def counts(tx: Transaction, run_ids: Sequence[int]) -> dict[int, dict[str, int]]:
    """How many tasks of each run are in each state."""
    found: dict[int, dict[str, int]] = {run_id: {} for run_id in run_ids}
    query = (
        sa.select(tasks.c.run_id, tasks.c.state, sa.func.count())
        .where(tasks.c.run_id.in_(list(run_ids)))
        .group_by(tasks.c.run_id, tasks.c.state)
    )
    for run_id, state, count in tx.execute(query):
        found[run_id][state] = count
    return found


def results(tx: Transaction, run_id: int, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """``{task: {result, state, attempts}}`` of the named tasks: what expressions may read."""
    query = sa.select(tasks.c.name, tasks.c.state, tasks.c.result, tasks.c.attempt).where(
        tasks.c.run_id == run_id, tasks.c.name.in_(list(names))
    )
    return {
        row.name: {"result": load(row.result), "state": row.state, "attempts": row.attempt} for row in tx.execute(query)
    }


def log_lines(
    tx: Transaction, run_id: int, task_id: int | None = None, after: int = 0, limit: int = 2000
) -> list[dict[str, Any]]:
    """``{id, task, attempt, at, stream, text}`` with an id above ``after``, in order."""
    query = (
        sa.select(logs.c.id, tasks.c.name.label("task"), logs.c.attempt, logs.c.at, logs.c.stream, logs.c.text)
        .join(tasks, tasks.c.id == logs.c.task_id)
        .where(logs.c.run_id == run_id, logs.c.id > after)
        .order_by(logs.c.id)
        .limit(limit)
    )
    if task_id is not None:
        query = query.where(logs.c.task_id == task_id)
    return [dict(row._mapping) for row in tx.execute(query)]


def attempts_of(tx: Transaction, task_id: int) -> list[dict[str, Any]]:
    """The attempts of a task, oldest first, with what was seen before and after."""
    rows = tx.execute(sa.select(attempts).where(attempts.c.task_id == task_id).order_by(attempts.c.number))
    return [
        {
            **row._mapping,
            "inputs": load(row.inputs),
            "before": load(row.before),
            "after": load(row.after),
            "error": load(row.error),
        }
        for row in rows
    ]


def changes_of(tx: Transaction, run_id: int) -> list[dict[str, Any]]:
    """What a run changed, in order."""
    rows = tx.execute(
        sa.select(changes, tasks.c.name.label("task"))
        .join(tasks, tasks.c.id == changes.c.task_id)
        .where(changes.c.run_id == run_id)
        .order_by(changes.c.id)
    )
    return [{**row._mapping, "before": load(row.before), "after": load(row.after)} for row in rows]
