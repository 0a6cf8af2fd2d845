"""The outbox: which tasks still need a message. A row stands from the commit that released a task until its message has
been published; publishing twice is harmless, so rows are removed late and in batches."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from reign.core.states import TaskState
from reign.store.claims import IN_HAND, OPEN
from reign.store.database import Transaction
from reign.store.hot import Hot
from reign.store.release import Ready
from reign.store.tables import outbox, runs, tasks

_OVERTAKEN_BY = 5.0  # seconds


@dataclass(frozen=True, slots=True)
class Posting:
    """A released task with what its message needs."""

    run: str
    ready: Ready


_POSTING = (
    runs.c.name.label("run"),
    tasks.c.id,
    tasks.c.name,
    tasks.c.uses,
    tasks.c.agent,
    tasks.c.rest,
    tasks.c.attempt,
)


def _posting(row: Any) -> Posting:
    return Posting(row.run, Ready(row.id, row.name, row.uses, row.agent, row.rest, row.attempt))


def due(tx: Transaction, now: float, limit: int = 500) -> list[Posting]:
    """Released tasks whose rows' time has come, oldest first. Rows that were overtaken are removed on the way."""
    current = sa.exists().where(
        tasks.c.id == outbox.c.task_id,
        tasks.c.attempt == outbox.c.attempt,
        tasks.c.state == TaskState.READY.value,
    )
    tx.execute(outbox.delete().where(outbox.c.due <= now, ~current))
    query = (
        sa.select(*_POSTING)
        .select_from(outbox)
        .join(tasks, tasks.c.id == outbox.c.task_id)
        .join(runs, runs.c.id == tasks.c.run_id)
        .where(outbox.c.due <= now, runs.c.state.in_(OPEN))
        .order_by(outbox.c.due)
        .limit(limit)
    )
    return [_posting(row) for row in tx.execute(query)]


_REMOVE = Hot(
    outbox.delete().where(outbox.c.task_id == sa.bindparam("task"), outbox.c.attempt == sa.bindparam("claimed"))
)


def remove(tx: Transaction, sent: Collection[tuple[int, int]]) -> None:
    """Take out the rows of ``(task id, attempt)`` whose messages have been published."""
    if sent:
        _REMOVE.many(tx, [{"task": task_id, "claimed": attempt} for task_id, attempt in sent])


def waiting(tx: Transaction, agent: str, before: float, limit: int) -> list[Posting]:
    """Tasks of a pool that have been ready since ``before`` or longer, have no outbox row and are not claimed: their
    messages may have been lost. Oldest first."""
    query = (
        sa.select(*_POSTING)
        .join(runs, runs.c.id == tasks.c.run_id)
        .where(
            tasks.c.state == TaskState.READY.value,
            tasks.c.agent == agent,
            tasks.c.ready_at <= before,
            sa.or_(tasks.c.not_before.is_(None), tasks.c.not_before <= before),
            runs.c.state.in_(OPEN),
            ~sa.exists().where(outbox.c.task_id == tasks.c.id),
        )
        .order_by(tasks.c.ready_at)
        .limit(limit)
    )
    return [_posting(row) for row in tx.execute(query)]


def overtaken(tx: Transaction, agent: str, before: float, limit: int) -> list[Posting]:
    """Those of :func:`waiting` that have been overtaken: queues are first in, first out, so when a task that became
    ready some seconds later has already been claimed, the message of the earlier one is not in the queue any more."""
    latest = tx.execute(
        sa.select(sa.func.max(tasks.c.ready_at)).where(
            IN_HAND, tasks.c.state == TaskState.RUNNING.value, tasks.c.agent == agent
        )
    ).scalar_one_or_none()
    return waiting(tx, agent, min(before, latest - _OVERTAKEN_BY), limit) if latest else []


def touch(tx: Transaction, task_ids: Collection[int], now: float) -> None:
    """Note that messages have been sent again just now, so that they get their time to arrive."""
    tx.execute(
        sa.update(tasks)
        .where(tasks.c.id.in_(list(task_ids)), tasks.c.state == TaskState.READY.value)
        .values(ready_at=now)
    )
