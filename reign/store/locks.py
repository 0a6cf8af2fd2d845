"""Locks on resources: taken all or none, in name order; who comes second waits in line and holds no worker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from reign.core.states import TaskState
from reign.store import events
from reign.store.claims import Claim
from reign.store.database import Transaction
from reign.store.tables import lock_waits, locks, runs, tasks


@dataclass(frozen=True, slots=True)
class Held:
    """A lock for people: who holds it since when, and who waits."""

    resource: str
    run: str
    task: str
    fence: int
    since: float
    waiting: tuple[str, ...]
    uses: str = ""
    alive: bool = True  # False: its worker died, and the lock stays until the change is settled


def acquire(tx: Transaction, claim: Claim, resources: Sequence[str], now: float) -> str | None:
    """Take all of ``resources`` for the claimed task, or none: then it goes to the end of the line of the first one
    that it cannot have, its claim is given up (BLOCKED), and that resource is returned.

    A newcomer does not overtake those who already wait. What the task held from before is kept (``fence`` renewed).
    """
    wanted = sorted(set(resources))
    if not wanted:
        return None
    if tx.dialect.name != "sqlite":  # serialises takers of the same names; SQLite's write lock does it by itself
        for resource in wanted:
            tx.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(resource, 0))))
    held_by = {
        row.resource: row.task_id
        for row in tx.execute(sa.select(locks.c.resource, locks.c.task_id).where(locks.c.resource.in_(wanted)))
    }
    first_in_line: dict[str, int] = {}
    for row in tx.execute(
        sa.select(lock_waits.c.resource, lock_waits.c.task_id)
        .where(lock_waits.c.resource.in_(wanted))
        .order_by(lock_waits.c.id)
    ):
        first_in_line.setdefault(row.resource, row.task_id)
    for resource in wanted:
        if held_by.get(resource, claim.task_id) != claim.task_id or (
            resource not in held_by and first_in_line.get(resource, claim.task_id) != claim.task_id
        ):
            _wait(tx, claim, resource, now)
            return resource
    tx.execute(lock_waits.delete().where(lock_waits.c.task_id == claim.task_id))
    tx.execute(locks.delete().where(locks.c.task_id == claim.task_id, locks.c.resource.in_(wanted)))
    tx.execute(
        locks.insert(),
        [{"resource": r, "task_id": claim.task_id, "fence": claim.fence, "since": now} for r in wanted],
    )
    return None


def _wait(tx: Transaction, claim: Claim, resource: str, now: float) -> None:
    waits = sa.select(lock_waits.c.id).where(lock_waits.c.resource == resource, lock_waits.c.task_id == claim.task_id)
    if tx.execute(waits).one_or_none() is None:
        tx.execute(lock_waits.insert().values(resource=resource, task_id=claim.task_id, since=now))
    tx.execute(
        sa.update(tasks)
        .where(tasks.c.id == claim.task_id, tasks.c.fence == claim.fence)
        .values(state=TaskState.BLOCKED.value, worker=None)
    )
    events.add(tx, [events.row(claim.run_id, claim.task_id, "task.blocked", now, {"resource": resource})])


def listing(tx: Transaction) -> list[Held]:
    """All locks that are held, oldest first, with those who wait for each in the order of the line."""
    waiting: dict[str, list[str]] = {}
    for row in tx.execute(
        sa.select(lock_waits.c.resource, runs.c.name.label("run"), tasks.c.name)
        .join(tasks, tasks.c.id == lock_waits.c.task_id)
        .join(runs, runs.c.id == tasks.c.run_id)
        .order_by(lock_waits.c.id)
    ):
        waiting.setdefault(row.resource, []).append(f"{row.run}/{row.name}")
    query = (
        sa.select(
            locks.c.resource,
            runs.c.name.label("run"),
            tasks.c.name,
            locks.c.fence,
            locks.c.since,
            tasks.c.uses,
            tasks.c.state,
        )
        .join(tasks, tasks.c.id == locks.c.task_id)
        .join(runs, runs.c.id == tasks.c.run_id)
        .order_by(locks.c.since)
    )
    return [
        Held(
            row.resource,
            row.run,
            row.name,
            row.fence,
            row.since,
            tuple(waiting.get(row.resource, ())),
            row.uses,
            row.state == TaskState.RUNNING.value,
        )
        for row in tx.execute(query)
    ]
