"""The outbox: which tasks still need a message. A row stands from the commit that released a task until its message has
been published; publishing twice is harmless, so rows are removed late and in batches."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa

from reign.core.states import TaskState
from reign.store.claims import OPEN
from reign.store.database import Transaction
from reign.store.release import Ready
from reign.store.tables import outbox, runs, tasks


@dataclass(frozen=True, slots=True)
class Posting:
    """An outbox row with what its message needs."""

    id: int
    run: str
    ready: Ready


def due(tx: Transaction, now: float, limit: int = 500) -> list[Posting]:
    """Rows whose time has come, oldest first. Those of tasks that are not ready any more are removed on the way."""
    gone = sa.select(outbox.c.id).where(
        outbox.c.due <= now,
        ~sa.exists().where(tasks.c.id == outbox.c.task_id, tasks.c.state == TaskState.READY.value),
    )
    tx.execute(outbox.delete().where(outbox.c.id.in_(gone.limit(limit).scalar_subquery())))
    query = (
        sa.select(
            outbox.c.id, runs.c.name.label("run"), tasks.c.id.label("task_id"), tasks.c.name, tasks.c.uses,
            tasks.c.agent, tasks.c.rest,
        )
        .join(tasks, tasks.c.id == outbox.c.task_id)
        .join(runs, runs.c.id == tasks.c.run_id)
        .where(outbox.c.due <= now, runs.c.state.in_(OPEN))
        .order_by(outbox.c.id)
        .limit(limit)
    )  # fmt: skip
    return [
        Posting(row.id, row.run, Ready(row.task_id, row.name, row.uses, row.agent, row.rest))
        for row in tx.execute(query)
    ]


def remove(tx: Transaction, task_ids: Collection[int], now: float) -> None:
    """Take out the rows of tasks whose messages have been published; rows for a later time stay."""
    if task_ids:
        tx.execute(outbox.delete().where(outbox.c.task_id.in_(list(task_ids)), outbox.c.due <= now))


def waiting(tx: Transaction, agent: str, before: float, limit: int) -> list[Posting]:
    """Tasks of a pool that have been ready since ``before`` or longer, have no outbox row and are not claimed: their
    messages may have been lost. Oldest first."""
    posted = sa.exists().where(outbox.c.task_id == tasks.c.id)
    query = (
        sa.select(runs.c.name.label("run"), tasks.c.id, tasks.c.name, tasks.c.uses, tasks.c.agent, tasks.c.rest)
        .join(runs, runs.c.id == tasks.c.run_id)
        .where(
            tasks.c.state == TaskState.READY.value,
            tasks.c.agent == agent,
            tasks.c.ready_at <= before,
            runs.c.state.in_(OPEN),
            ~posted,
        )
        .order_by(tasks.c.ready_at)
        .limit(limit)
    )
    return [Posting(0, row.run, Ready(row.id, row.name, row.uses, row.agent, row.rest)) for row in tx.execute(query)]
