"""Amending a failed run: new tasks, changed tasks and new edges in one transaction with the reset of what remains.

The run stays the same run, so results, locks and the way back stay in one place; an event tells what was changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from reign.core.errors import Conflict
from reign.core.resource import Observation, same
from reign.core.states import RunState, TaskState
from reign.store import control, events
from reign.store import runs as run_store
from reign.store.database import Transaction
from reign.store.jsontext import dump, load
from reign.store.release import Ready
from reign.store.runs import RunRecord
from reign.store.tables import MAX_ORDINAL, attempts, changes, edges, runs, task_key, tasks
from reign.store.tables import events as event_table

REPAIRED = "run.repaired"


@dataclass(frozen=True, slots=True)
class TaskChange:
    """A task of the amended plan: a new one, or one that has not succeeded and is different now."""

    name: str
    uses: str
    agent: str
    spec: dict[str, Any]
    needs: tuple[str, ...]
    asks_status: bool
    approval: str | None


def amend(
    tx: Transaction,
    run: RunRecord,
    plan: Mapping[str, Any],
    digest: str,
    added: Sequence[TaskChange],
    changed: Sequence[TaskChange],
    about: Mapping[str, Any],
    now: float,
) -> list[Ready]:
    """Change the run's plan and start what remains of it. Returns what may be claimed.

    Raises Conflict if the run is not a failed one, was taken back, or a task has succeeded meanwhile.
    """
    current = tx.execute(
        sa.select(runs.c.state, runs.c.rolled_back_by, runs.c.task_count).where(runs.c.id == run.id).with_for_update()
    ).one()
    if current.state != RunState.FAILED.value:
        raise Conflict(f"run {run.name} is {current.state}; only a failed run is repaired")
    if current.rolled_back_by not in (None, "-"):
        raise Conflict(f"run {run.name} was taken back by {current.rolled_back_by}", hint="submit it anew")
    if current.task_count + len(added) > MAX_ORDINAL:
        raise Conflict(f"run {run.name} has too many tasks to add more")
    states = {
        row.name: (row.id, TaskState(row.state))
        for row in tx.execute(sa.select(tasks.c.id, tasks.c.name, tasks.c.state).where(tasks.c.run_id == run.id))
    }
    for change in changed:
        if states[change.name][1] is TaskState.SUCCEEDED:
            raise Conflict(f"{run.name}/{change.name} has succeeded meanwhile; look again")
    ids = {name: task_id for name, (task_id, _) in states.items()}
    ids |= {task.name: task_key(run.id, current.task_count + place) for place, task in enumerate(added)}
    if added:
        # Skipped like all that the failure kept from running, so that one reset starts the old and the new alike.
        tx.execute(tasks.insert(), [_row(run.id, ids[task.name], task) for task in added])
    for change in changed:
        _change(tx, ids[change.name], change)
    _connect(tx, ids, states, [*added, *changed])
    # A message carries the rest of its segment with its agents' queues; both may be different now. The fence tells
    # workers that what they remember of the run is old.
    open_tasks = sa.and_(tasks.c.run_id == run.id, tasks.c.state != TaskState.SUCCEEDED.value)
    tx.execute(sa.update(tasks).where(open_tasks).values(rest=None, fence=tasks.c.fence + 1))
    tx.execute(
        sa.update(runs)
        .where(runs.c.id == run.id)
        .values(plan=dump(plan), digest=digest, task_count=current.task_count + len(added))
    )
    events.add(tx, [events.row(run.id, None, REPAIRED, now, dict(about))])
    return control.retry(tx, run, now)


def _row(run_id: int, task_id: int, task: TaskChange) -> dict[str, Any]:
    return {
        "id": task_id,
        "run_id": run_id,
        "name": task.name,
        "uses": task.uses,
        "agent": task.agent,
        "spec": dump(task.spec),
        "state": TaskState.SKIPPED.value,
        "asks_status": task.asks_status,
        "approval": task.approval,
        "sink": False,
    }


def _change(tx: Transaction, task_id: int, task: TaskChange) -> None:
    tx.execute(
        sa.update(tasks)
        .where(tasks.c.id == task_id)
        .values(uses=task.uses, agent=task.agent, spec=dump(task.spec), approval=task.approval)
    )
    if untouched(tx, task_id):
        # What it tried before left no trace: the next attempt looks anew at what its inputs now concern.
        tx.execute(sa.update(attempts).where(attempts.c.task_id == task_id).values(intent=False))


def untouched(tx: Transaction, task_id: int) -> bool:
    """Whether all that the task tried is known to have left its resources as they were."""
    if tx.execute(sa.select(changes.c.id).where(changes.c.task_id == task_id).limit(1)).one_or_none():
        return False
    for row in tx.execute(sa.select(attempts).where(attempts.c.task_id == task_id, attempts.c.intent)):
        before, after = load(row.before) or [], load(row.after)
        if after is None or not same(_seen(before), _seen(after)):
            return False
    return True


def _seen(found: Sequence[Any]) -> list[Observation]:
    return [Observation.model_validate(item) for item in found]


def _connect(
    tx: Transaction,
    ids: Mapping[str, int],
    states: Mapping[str, tuple[int, TaskState]],
    amended: Sequence[TaskChange],
) -> None:
    """Edges for every need that has none yet; one to a task that has succeeded is satisfied."""
    known = {
        (row.task_id, row.needs_id)
        for row in tx.execute(sa.select(edges).where(edges.c.task_id.in_([ids[task.name] for task in amended])))
    }
    rows = [
        {
            "task_id": ids[task.name],
            "needs_id": ids[need],
            "satisfied": 1 if need in states and states[need][1] is TaskState.SUCCEEDED else 0,
        }
        for task in amended
        for need in task.needs
        if (ids[task.name], ids[need]) not in known
    ]
    if rows:
        tx.execute(edges.insert(), rows)


def repairs_of(tx: Transaction, run_id: int) -> list[dict[str, Any]]:
    """What was changed by the repairs of a run, oldest first."""
    query = (
        sa.select(event_table.c.data, event_table.c.at)
        .where(event_table.c.run_id == run_id, event_table.c.kind == REPAIRED)
        .order_by(event_table.c.id)
    )
    return [{**(load(row.data) or {}), "at": row.at} for row in tx.execute(query)]


def save_proposal(tx: Transaction, run: RunRecord, name: str, proposal: Mapping[str, Any]) -> None:
    """Keep a proposal beside the failure that it is for, so that what was shown is what is applied."""
    record = run_store.task(tx, run, name)
    if record.state is not TaskState.FAILED:
        raise Conflict(f"{run.name}/{name} is {record.state}; a repair is for a failed task")
    error = {**(record.error or {}), "repair": dict(proposal)}
    tx.execute(sa.update(tasks).where(tasks.c.id == record.id).values(error=dump(error)))


def failed_lately(tx: Transaction, since: float, limit: int = 50) -> list[RunRecord]:
    """Runs that failed after ``since`` and that nobody has taken back, oldest first."""
    query = (
        sa.select(runs.c.name)
        .where(
            runs.c.state == RunState.FAILED.value,
            runs.c.kind == "apply",
            runs.c.ended_at >= since,
            runs.c.rolled_back_by.is_(None),
        )
        .order_by(runs.c.id)
        .limit(limit)
    )
    return [run_store.find(tx, name) for name in tx.execute(query).scalars().all()]
