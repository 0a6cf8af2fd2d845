"""The claim: one guarded UPDATE. Whoever changes the row has the task; a second copy of a message changes nothing."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from reign.core.states import RunState, TaskState
from reign.store import events
from reign.store.database import Transaction
from reign.store.hot import Hot
from reign.store.jsontext import load
from reign.store.tables import runs, tasks

#: A run in one of these lets its tasks start.
OPEN = (RunState.QUEUED.value, RunState.RUNNING.value)
#: The condition of the partial index on open tasks, word for word: SQLite uses it only for a query that repeats it, and
#: else reads every task of every run that ever was.
IN_HAND = sa.text("tasks.state IN ('ready', 'running', 'blocked')")


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to carry out one attempt. Every later write of the attempt is guarded by ``fence``."""

    task_id: int
    run_id: int
    task: str
    uses: str
    agent: str
    spec: dict[str, Any]
    attempt: int
    tries: int
    lost: int
    fence: int
    worker: str
    rest: list[Any]
    item: Any
    has_item: bool
    approval: str | None
    started_at: float
    sink: bool


class StaleClaim(Exception):
    """The claim is not valid any more: another worker has the task, or a person settled it."""


_open_run = sa.exists().where(runs.c.id == tasks.c.run_id, runs.c.state.in_(OPEN))
_CLAIM = Hot(
    sa.update(tasks)
    .where(
        tasks.c.id == sa.bindparam("task"),
        tasks.c.state == TaskState.READY.value,
        sa.or_(tasks.c.not_before.is_(None), tasks.c.not_before <= sa.bindparam("now")),
        _open_run,
    )
    .values(
        state=TaskState.RUNNING.value,
        attempt=tasks.c.attempt + 1,
        fence=tasks.c.fence + 1,
        worker=sa.bindparam("by"),
        started_at=sa.bindparam("now"),
        not_before=None,
    )
    .returning(
        tasks.c.id, tasks.c.run_id, tasks.c.name, tasks.c.uses, tasks.c.agent, tasks.c.spec, tasks.c.attempt,
        tasks.c.tries,
        tasks.c.lost, tasks.c.fence, tasks.c.rest, tasks.c.item, tasks.c.approval, tasks.c.sink,
    )
)  # fmt: skip
_STARTED = Hot(
    sa.update(runs)
    .where(runs.c.id == sa.bindparam("run"), runs.c.state == RunState.QUEUED.value)
    .values(state=RunState.RUNNING.value, started_at=sa.bindparam("now"))
    .returning(runs.c.id)
)


def _claim_of(row: Any, worker: str, started_at: float) -> Claim:
    return Claim(
        task_id=row.id,
        run_id=row.run_id,
        task=row.name,
        uses=row.uses,
        agent=row.agent,
        spec=load(row.spec),
        attempt=row.attempt,
        tries=row.tries,
        lost=row.lost,
        fence=row.fence,
        worker=worker,
        rest=load(row.rest) or [],
        item=load(row.item),
        has_item=row.item is not None,
        approval=row.approval,
        started_at=started_at,
        sink=row.sink,
    )


def claim(tx: Transaction, task_id: int, worker: str, now: float, *, run_started: bool = False) -> Claim | None:
    """Claim a task that is ready. None if it is not (any more), or not yet, or if its run is paused or over.

    ``run_started`` says that the caller knows the run to be past QUEUED, which saves a statement.
    """
    row = _CLAIM.one(tx, {"task": task_id, "by": worker, "now": now})
    if row is None:
        return None
    found = _claim_of(row, worker, now)
    rows = [events.row(row.run_id, row.id, "task.running", now, {"attempt": row.attempt, "worker": worker})]
    if not run_started and _STARTED.one(tx, {"run": row.run_id, "now": now}):
        rows.insert(0, events.row(row.run_id, None, "run.running", now))
    events.add(tx, rows)
    return found


_HOLDS = Hot(
    sa.select(tasks.c.id).where(
        tasks.c.id == sa.bindparam("task"),
        tasks.c.fence == sa.bindparam("fence"),
        tasks.c.state == TaskState.RUNNING.value,
    )
)


def still_holds(tx: Transaction, claim: Claim) -> bool:
    return _HOLDS.one(tx, {"task": claim.task_id, "fence": claim.fence}) is not None


def of_workers(tx: Transaction, worker_ids: Collection[str]) -> list[Claim]:
    """The claims that these workers hold."""
    query = sa.select(tasks).where(
        IN_HAND, tasks.c.state == TaskState.RUNNING.value, tasks.c.worker.in_(list(worker_ids))
    )
    return [_claim_of(row, row.worker, row.started_at) for row in tx.execute(query)]


def holders(tx: Transaction) -> set[str]:
    """The workers that hold a claim, registered or not."""
    query = sa.select(tasks.c.worker).where(IN_HAND, tasks.c.state == TaskState.RUNNING.value).distinct()
    return set(tx.execute(query).scalars())
