"""Tasks that went back to their queue until a time: after a failed attempt, or because an engine said "not now"."""

from __future__ import annotations

from dataclasses import dataclass, replace

import sqlalchemy as sa

from reign.core.states import TaskState
from reign.store.database import Transaction
from reign.store.tables import runs, tasks


@dataclass(frozen=True, slots=True)
class Pause:
    """The first of an agent's ``tasks`` waiting tasks that goes on, at ``until`` (epoch seconds)."""

    run_id: int
    run: str
    task_id: int
    task: str
    until: float
    tasks: int


def of_agents(tx: Transaction, now: float) -> dict[str, Pause]:
    """For each agent that has such tasks."""
    query = (
        sa.select(tasks.c.agent, runs.c.id, runs.c.name, tasks.c.id, tasks.c.name, tasks.c.not_before)
        .join(runs, runs.c.id == tasks.c.run_id)
        .where(tasks.c.state == TaskState.READY.value, tasks.c.not_before > now)
        .order_by(tasks.c.not_before)
    )
    found: dict[str, Pause] = {}
    for agent, run_id, run, task_id, task, until in tx.execute(query):
        first = found.get(agent) or Pause(run_id, run, task_id, task, until, 0)
        found[agent] = replace(first, tasks=first.tasks + 1)
    return found
