"""Worker processes: who is there, for which agents, and which of them have gone silent.

A worker shows that it lives by counting up its ``beat``; the observer measures on its own clock how long the count has
stood still, so that no worker's clock (or a jump of it) decides anything.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa

from reign.core.states import RunState, TaskState
from reign.store.database import Transaction, upsert
from reign.store.tables import runs, tasks, workers


@dataclass(frozen=True, slots=True)
class Worker:
    id: str
    host: str
    pid: int
    born: str
    agents: tuple[str, ...]
    beat: int
    started_at: float
    seen_at: float


def register(tx: Transaction, worker: Worker) -> None:
    values = {
        "host": worker.host,
        "pid": worker.pid,
        "born": worker.born,
        "agents": ",".join(worker.agents),
        "beat": worker.beat,
        "started_at": worker.started_at,
        "seen_at": worker.seen_at,
    }
    tx.execute(
        upsert(tx, workers).values(id=worker.id, **values).on_conflict_do_update(index_elements=["id"], set_=values)
    )


def beat(tx: Transaction, worker_id: str, now: float) -> bool:
    """Count up. False if the worker has been struck off: what it claimed is not its own any more."""
    done = tx.execute(sa.update(workers).where(workers.c.id == worker_id).values(beat=workers.c.beat + 1, seen_at=now))
    return bool(done.rowcount)


def strike_off(tx: Transaction, worker_ids: Collection[str]) -> None:
    tx.execute(workers.delete().where(workers.c.id.in_(list(worker_ids))))


def listing(tx: Transaction) -> list[Worker]:
    return [
        Worker(r.id, r.host, r.pid, r.born, tuple(r.agents.split(",")), r.beat, r.started_at, r.seen_at)
        for r in tx.execute(sa.select(workers).order_by(workers.c.id))
    ]


def live_agents(tx: Transaction, since: float) -> set[str]:
    """Agents for which some worker has been seen since then."""
    found = tx.execute(sa.select(workers.c.agents).where(workers.c.seen_at >= since).distinct()).scalars()
    return {agent for agents in found for agent in agents.split(",")}


@dataclass(frozen=True, slots=True)
class ClaimState:
    """What a worker must know of a task that it is running."""

    held: bool  # the fence is still valid
    cancel: bool


def look(tx: Transaction, task_id: int, fence: int) -> ClaimState:
    row = tx.execute(
        sa.select(tasks.c.fence, tasks.c.state, runs.c.cancel_requested, runs.c.state.label("run_state"))
        .join(runs, runs.c.id == tasks.c.run_id)
        .where(tasks.c.id == task_id)
    ).one_or_none()
    if row is None:
        return ClaimState(False, False)
    held = row.fence == fence and row.state == TaskState.RUNNING.value
    return ClaimState(held, row.cancel_requested or row.run_state == RunState.CANCELLING.value)
