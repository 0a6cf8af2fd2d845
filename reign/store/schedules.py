"""Schedules and their firings. A firing is one due time of a schedule: its row is unique, so it is acted on once,
however many services look at the clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from reign.core.errors import Conflict, NotFound, did_you_mean
from reign.core.states import RUN_ENDED
from reign.store.database import Transaction, upsert
from reign.store.jsontext import dump, load
from reign.store.tables import firings, runs, schedules

#: States of a firing: noticed and not yet submitted; submitted; not run, with the reason in its note.
DUE, SUBMITTED, SKIPPED, FAILED = "due", "submitted", "skipped", "failed"


@dataclass(frozen=True, slots=True)
class NewSchedule:
    """What is known of a schedule when it is made. ``action`` says what ``body`` is for: "run" is a submission."""

    name: str
    spec: str
    timezone: str
    action: str
    body: Mapping[str, Any]
    misfire: str
    overlap: str
    created_by: str


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule as it stands."""

    id: int
    name: str
    spec: str
    timezone: str
    action: str
    body: Any
    misfire: str
    overlap: str
    paused: bool
    next_due: float | None
    created_by: str
    created_at: float


@dataclass(frozen=True, slots=True)
class Firing:
    """One due time of a schedule, and what became of it."""

    schedule_id: int
    due_at: float
    state: str
    run: str | None
    note: str | None
    at: float


def _schedule(row: Any) -> Schedule:
    return Schedule(**{**row._mapping, "body": load(row.body)})


def add(tx: Transaction, new: NewSchedule, next_due: float | None, now: float) -> Schedule:
    """Raises Conflict if the name is taken."""
    values = {
        "name": new.name,
        "spec": new.spec,
        "timezone": new.timezone,
        "action": new.action,
        "body": dump(dict(new.body)),
        "misfire": new.misfire,
        "overlap": new.overlap,
        "next_due": next_due,
        "created_by": new.created_by,
        "created_at": now,
    }
    made = tx.execute(
        upsert(tx, schedules).values(**values).on_conflict_do_nothing(index_elements=["name"]).returning(schedules.c.id)
    ).one_or_none()
    if made is None:
        raise Conflict(f"there is a schedule {new.name!r} already", hint=f"`reign schedule remove {new.name}` first")
    return find(tx, new.name)


def find(tx: Transaction, name: str) -> Schedule:
    """Raises NotFound with the nearest right name."""
    row = tx.execute(sa.select(schedules).where(schedules.c.name == name)).one_or_none()
    if row is None:
        known = tx.execute(sa.select(schedules.c.name)).scalars()
        raise NotFound(f"there is no schedule {name!r}", hint=did_you_mean(name, known) or "see `reign schedule list`")
    return _schedule(row)


def by_id(tx: Transaction, schedule_id: int) -> Schedule | None:
    row = tx.execute(sa.select(schedules).where(schedules.c.id == schedule_id)).one_or_none()
    return _schedule(row) if row else None


def listing(tx: Transaction) -> list[Schedule]:
    return [_schedule(row) for row in tx.execute(sa.select(schedules).order_by(schedules.c.name))]


def remove(tx: Transaction, schedule: Schedule) -> None:
    """With its firings; the runs stay."""
    tx.execute(firings.delete().where(firings.c.schedule_id == schedule.id))
    tx.execute(schedules.delete().where(schedules.c.id == schedule.id))


def pause(tx: Transaction, schedule: Schedule) -> None:
    tx.execute(sa.update(schedules).where(schedules.c.id == schedule.id).values(paused=True, next_due=None))


def resume(tx: Transaction, schedule: Schedule, next_due: float | None) -> None:
    tx.execute(sa.update(schedules).where(schedules.c.id == schedule.id).values(paused=False, next_due=next_due))


def due(tx: Transaction, now: float) -> list[Schedule]:
    """Schedules whose time has come."""
    query = sa.select(schedules).where(schedules.c.next_due <= now).order_by(schedules.c.next_due)
    return [_schedule(row) for row in tx.execute(query)]


def advance(tx: Transaction, schedule: Schedule, next_due: float | None) -> bool:
    """Set the next due time. False if another service has done so already: then it acts on this one."""
    done = tx.execute(
        sa.update(schedules)
        .where(schedules.c.id == schedule.id, schedules.c.next_due == schedule.next_due)
        .values(next_due=next_due)
    )
    return bool(done.rowcount)


def fire(tx: Transaction, schedule_id: int, due_at: float, state: str, note: str | None, now: float) -> bool:
    """Note that a due time has come. False if it had been noted before."""
    made = tx.execute(
        upsert(tx, firings)
        .values(schedule_id=schedule_id, due_at=due_at, state=state, note=note, at=now)
        .on_conflict_do_nothing(index_elements=["schedule_id", "due_at"])
    )
    return bool(made.rowcount)


def settle(tx: Transaction, firing: Firing, state: str, run: str | None, note: str | None, now: float) -> None:
    """Say what became of a firing that was due."""
    tx.execute(
        sa.update(firings)
        .where(firings.c.schedule_id == firing.schedule_id, firings.c.due_at == firing.due_at, firings.c.state == DUE)
        .values(state=state, run=run, note=note, at=now)
    )


def waiting(tx: Transaction) -> list[Firing]:
    """Firings that are due and not acted on, oldest first."""
    query = sa.select(firings).where(firings.c.state == DUE).order_by(firings.c.due_at)
    return [Firing(*row) for row in tx.execute(query)]


def firings_of(tx: Transaction, schedule_id: int, limit: int = 20) -> list[Firing]:
    """The newest firings of a schedule, newest first."""
    query = (
        sa.select(firings).where(firings.c.schedule_id == schedule_id).order_by(firings.c.due_at.desc()).limit(limit)
    )
    return [Firing(*row) for row in tx.execute(query)]


def under_way(tx: Transaction, schedule_id: int) -> str | None:
    """The newest run of a schedule that has not ended, or None."""
    return tx.execute(
        sa.select(runs.c.name)
        .join(firings, firings.c.run == runs.c.name)
        .where(firings.c.schedule_id == schedule_id, runs.c.state.not_in([state.value for state in RUN_ENDED]))
        .order_by(firings.c.due_at.desc())
        .limit(1)
    ).scalar_one_or_none()
