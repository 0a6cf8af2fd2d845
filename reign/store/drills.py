"""What a drill asks of the state: which runs are under way, what a process held, and when work went on."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import sqlalchemy as sa

from reign.core.states import RUN_ENDED, RunState, TaskState
from reign.store.claims import IN_HAND
from reign.store.database import Transaction
from reign.store.jsontext import load
from reign.store.tables import events, runs, tasks, workers

_OVER = [*(state.value for state in RUN_ENDED), RunState.NEEDS_ATTENTION.value]


def open_of(tx: Transaction, run_ids: Collection[int]) -> int:
    """How many of these runs still go on."""
    query = sa.select(sa.func.count()).where(runs.c.id.in_(list(run_ids)), runs.c.state.not_in(_OVER))
    return int(tx.execute(query).scalar_one())


def foreign(tx: Transaction) -> int:
    """Runs under way that no drill has made."""
    query = sa.select(sa.func.count()).where(runs.c.state.not_in(_OVER), runs.c.requested_by != "drill")
    return int(tx.execute(query).scalar_one())


def claims_of(tx: Transaction, pids: Collection[int]) -> dict[int, int]:
    """Task id to attempt of what processes of this machine hold."""
    query = (
        sa.select(tasks.c.id, tasks.c.attempt)
        .join(workers, workers.c.id == tasks.c.worker)
        .where(IN_HAND, tasks.c.state == TaskState.RUNNING.value, workers.c.pid.in_(list(pids)))
    )
    return {row.id: row.attempt for row in tx.execute(query)}


def recovery(tx: Transaction, at: float, claims: Mapping[int, int]) -> float | None:
    """Seconds from a kill until all that the killed held was claimed again or had ended; if it held nothing, until any
    task started or ended. None if that never came."""
    if not claims:
        query = sa.select(sa.func.min(events.c.at)).where(
            events.c.at > at, events.c.kind.in_(["task.running", "task.succeeded"])
        )
        found = tx.execute(query).scalar_one_or_none()
        return None if found is None else float(found) - at
    worst = 0.0
    for task_id, attempt in claims.items():
        query = (
            sa.select(events.c.kind, events.c.data, events.c.at)
            .where(events.c.task_id == task_id, events.c.kind.in_(["task.running", "task.succeeded"]))
            .order_by(events.c.id)
        )
        went_on = [
            row.at
            for row in tx.execute(query)
            if row.kind == "task.succeeded" or (load(row.data) or {}).get("attempt", 0) > attempt
        ]
        if not went_on:
            return None
        worst = max(worst, float(went_on[0]) - at)  # below zero: its end was on its way into the state already
    return worst
