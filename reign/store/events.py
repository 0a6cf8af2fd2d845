"""The event log: one row for every change of state, written in the transaction that makes the change."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from reign.store.database import Transaction
from reign.store.hot import Rows
from reign.store.jsontext import dump, load
from reign.store.tables import events, tasks

_ROWS = Rows(events, ("run_id", "task_id", "kind", "data", "at"))


@dataclass(frozen=True, slots=True)
class Event:
    """``kind`` is ``run.STATE`` or ``task.STATE`` (or task.progress); ``task`` is the task's id in the plan."""

    id: int
    run_id: int
    task: str | None
    kind: str
    data: Any
    at: float

    def as_dict(self) -> dict[str, Any]:
        return {"id": self.id, "task": self.task, "kind": self.kind, "data": self.data, "at": self.at}


def row(run_id: int, task_id: int | None, kind: str, at: float, data: Any = None) -> dict[str, Any]:
    return {"run_id": run_id, "task_id": task_id, "kind": kind, "data": dump(data), "at": at}


def add(tx: Transaction, rows: Sequence[dict[str, Any]]) -> None:
    _ROWS.gather(tx, rows)


def of_run(tx: Transaction, run_id: int, after: int = 0, limit: int = 1000) -> list[Event]:
    """Events of a run with an id above ``after``, in order."""
    query = (
        sa.select(events.c.id, events.c.run_id, tasks.c.name, events.c.kind, events.c.data, events.c.at)
        .select_from(events.outerjoin(tasks, tasks.c.id == events.c.task_id))
        .where(events.c.run_id == run_id, events.c.id > after)
        .order_by(events.c.id)
        .limit(limit)
    )
    return [Event(r.id, r.run_id, r.name, r.kind, load(r.data), r.at) for r in tx.execute(query)]


def put_back(tx: Transaction, run_id: int, task_ids: Sequence[int]) -> dict[int, Any]:
    """What was told of each of these tasks when it last became ready."""
    query = (
        sa.select(events.c.task_id, events.c.data)
        .where(events.c.run_id == run_id, events.c.kind == "task.ready", events.c.task_id.in_(task_ids))
        .order_by(events.c.id)
    )
    return {row.task_id: load(row.data) for row in tx.execute(query)}


def unseen(found: Iterable[Event], seen: set[int]) -> list[Event]:
    """Those of ``found`` not in ``seen``, which learns them. Ids are given before the commit, so on PostgreSQL a
    lower one may become visible after a higher one; a follower therefore looks back a little and drops what it had."""
    new = [event for event in found if event.id not in seen]
    seen.update(event.id for event in new)
    return new
