"""``for_each``: the items of a task become tasks of their own, made while the run goes on."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from reign.core.errors import InvalidInput
from reign.core.states import TaskState
from reign.store import events
from reign.store.claims import Claim
from reign.store.database import Transaction
from reign.store.jsontext import dump, load
from reign.store.release import Ready
from reign.store.tables import MAX_ORDINAL, edges, runs, task_key, tasks

MAX_ITEMS = 10_000


def expand(tx: Transaction, claim: Claim, items: list[Any], now: float) -> list[Ready]:
    """Insert one task for each item; the for_each task is released again when all of them have ended."""
    last = tx.execute(
        sa.update(runs)
        .where(runs.c.id == claim.run_id)
        .values(task_count=runs.c.task_count + len(items))
        .returning(runs.c.task_count)
    ).scalar_one()
    if len(items) > MAX_ITEMS or last > MAX_ORDINAL:
        raise InvalidInput(f"{claim.task}: for_each over {len(items)} items; at most {MAX_ITEMS} are run")
    first = last - len(items)
    spec = dump({key: value for key, value in claim.spec.items() if key not in ("for_each", "needs", "approval", "if")})
    rows: list[dict[str, Any]] = [
        {
            "id": task_key(claim.run_id, first + i),
            "run_id": claim.run_id,
            "name": f"{claim.task}[{i}]",
            "uses": claim.uses,
            "agent": claim.agent,
            "spec": spec,
            "state": TaskState.READY.value,
            "parent_id": claim.task_id,
            "item": dump({"item": item, "index": i}),
            "asks_status": False,
            "sink": False,
            "ready_at": now,
        }
        for i, item in enumerate(items)
    ]
    tx.execute(tasks.insert(), rows)
    tx.execute(edges.insert(), [{"task_id": claim.task_id, "needs_id": row["id"], "satisfied": 0} for row in rows])
    events.add(tx, [events.row(claim.run_id, row["id"], "task.ready", now) for row in rows])
    return [Ready(row["id"], row["name"], claim.uses, claim.agent, None, 0) for row in rows]


def gathered(tx: Transaction, task_id: int) -> tuple[list[Any], list[str]] | None:
    """``(results in item order, names of the items that did not succeed)``, or None if it has not been expanded."""
    rows = tx.execute(
        sa.select(tasks.c.name, tasks.c.state, tasks.c.result).where(tasks.c.parent_id == task_id).order_by(tasks.c.id)
    ).all()
    if not rows:
        return None
    failed = [row.name for row in rows if row.state != TaskState.SUCCEEDED.value]
    return [load(row.result) for row in rows], failed
