"""Held tasks: ready, with an outbox row, and without a message until it is their turn.

A row's ``due`` lies ``HELD`` in the future, so the relay and the search for lost messages pass it by; among held rows
it keeps the order in which they came. Whoever ends a task of the same scope takes the next ones out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from reign.core.states import TaskState
from reign.store.claims import IN_HAND, OPEN
from reign.store.database import Transaction
from reign.store.hot import Hot
from reign.store.outbox import Posting
from reign.store.release import GRACE, Ready, put
from reign.store.tables import outbox, runs, task_key, tasks

#: Seconds; no clock comes near it, and adding the time of day to it loses less than a millisecond.
HELD = 1e11

_held = outbox.c.due >= HELD


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``most`` tasks at the same time in one run (``key``: its id), environment or pool (``key``: its name)."""

    kind: str
    key: int | str
    most: int

    @property
    def shown(self) -> str:
        place = "this run" if self.kind == "run" else f"{self.kind} {self.key}"
        return f"{self.most} at a time in {place}"


def _within(limit: Limit) -> sa.ColumnElement[bool]:
    if limit.kind == "run":
        return tasks.c.run_id == limit.key
    if limit.kind == "pool":
        return tasks.c.agent == limit.key
    return tasks.c.run_id.in_(sa.select(runs.c.id).where(runs.c.environment == limit.key, runs.c.state.in_(OPEN)))


def serialise(tx: Transaction, limits: Sequence[Limit]) -> None:
    """One at a time looks at these limits until the end of the transaction; SQLite's write lock does it by itself."""
    if tx.dialect.name != "sqlite":
        for name in sorted(f"limit:{limit.kind}/{limit.key}" for limit in limits):
            tx.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(name, 0))))


def room(tx: Transaction, limit: Limit) -> int:
    """How many more tasks may run under this limit."""
    running = sa.select(sa.func.count()).where(IN_HAND, tasks.c.state == TaskState.RUNNING.value, _within(limit))
    return limit.most - int(tx.execute(running).scalar_one())


def agent_of(tx: Transaction, task_id: int) -> str | None:
    return tx.execute(sa.select(tasks.c.agent).where(tasks.c.id == task_id)).scalar_one_or_none()


def hold_one(tx: Transaction, task_id: int, now: float) -> None:
    """The message of a task came while there was no room for it: it waits for its turn. Nothing if it is not ready."""
    row = tx.execute(
        sa.select(tasks.c.attempt).where(tasks.c.id == task_id, tasks.c.state == TaskState.READY.value)
    ).one_or_none()
    if row is not None:
        put(tx, [(task_id, row.attempt)], HELD + now)


def hold(tx: Transaction, ready: Iterable[Ready], now: float) -> None:
    """Outbox rows for released tasks that get their message later."""
    put(tx, [(item.task_id, item.attempt) for item in ready], HELD + now)


_ANY = Hot(
    sa.select(tasks.c.id)
    .select_from(outbox.join(tasks, tasks.c.id == outbox.c.task_id))
    .where(
        outbox.c.task_id.between(sa.bindparam("first"), sa.bindparam("last")),
        _held,
        tasks.c.agent == sa.bindparam("agent"),
    )
    .limit(sa.literal_column("1"))
)
_UNDER_WAY = Hot(
    sa.select(tasks.c.id)
    .where(
        tasks.c.run_id == sa.bindparam("run"),
        tasks.c.state == TaskState.READY.value,
        tasks.c.agent == sa.bindparam("agent"),
    )
    .limit(sa.bindparam("most"))
)


def places(tx: Transaction, run_id: int, agent: str, window: int, own: int) -> int:
    """How many messages a run may still put into a pool's queue, ``own`` of its ready tasks not counted."""
    span = {"first": task_key(run_id, 0), "last": task_key(run_id + 1, 0) - 1}
    if _ANY.one(tx, {**span, "agent": agent}):
        return 0
    found = _UNDER_WAY.all(tx, {"run": run_id, "agent": agent, "most": window + own})
    return max(0, window - max(0, len(found) - own))


_POSTING = sa.select(
    runs.c.name.label("run"), tasks.c.id, tasks.c.name, tasks.c.uses, tasks.c.agent, tasks.c.rest, tasks.c.attempt
).select_from(
    outbox.join(
        tasks,
        sa.and_(
            tasks.c.id == outbox.c.task_id,
            tasks.c.attempt == outbox.c.attempt,
            tasks.c.state == TaskState.READY.value,
        ),
    ).join(runs, sa.and_(runs.c.id == tasks.c.run_id, runs.c.state.in_(OPEN)))
)
# Two looks and no join: SQLite would begin such a join with all ready tasks of the run, for each of them. To PostgreSQL
# each look is a trip, and its plans go by the keys (store.pending).
_PAGE = 64
_HELD_OF_RUN = Hot(
    sa.select(outbox.c.task_id, outbox.c.attempt)
    .where(outbox.c.task_id.between(sa.bindparam("first"), sa.bindparam("last")), _held)
    .order_by(outbox.c.task_id)
    .limit(sa.bindparam("most"))
    .with_for_update(skip_locked=True)  # two processes that look at the same time find different ones
)
_OF_FIRST = (
    sa.select(outbox.c.task_id, outbox.c.attempt)
    .where(outbox.c.task_id.between(sa.bindparam("first"), sa.bindparam("last")), _held)
    .order_by(outbox.c.task_id)
    .limit(sa.literal_column("1"))
    .with_for_update(skip_locked=True)
    .subquery("held")
)
_FIRST_HELD = Hot(
    sa.select(
        runs.c.name.label("run"), tasks.c.id, tasks.c.name, tasks.c.uses, tasks.c.agent, tasks.c.rest, tasks.c.attempt
    )
    .select_from(_OF_FIRST)
    .outerjoin(
        tasks.join(runs, sa.and_(runs.c.id == tasks.c.run_id, runs.c.state.in_(OPEN))),
        sa.and_(
            tasks.c.id == _OF_FIRST.c.task_id,
            tasks.c.attempt == _OF_FIRST.c.attempt,
            tasks.c.state == TaskState.READY.value,
            tasks.c.agent == sa.bindparam("agent"),
        ),
    )
)
_OPEN_RUN = Hot(sa.select(runs.c.name).where(runs.c.id == sa.bindparam("run"), runs.c.state.in_(OPEN)))
_READY = Hot(
    sa.select(tasks.c.id, tasks.c.name, tasks.c.uses, tasks.c.agent, tasks.c.rest, tasks.c.attempt).where(
        tasks.c.id == sa.bindparam("task"),
        tasks.c.attempt == sa.bindparam("claimed"),
        tasks.c.state == TaskState.READY.value,
        tasks.c.agent == sa.bindparam("agent"),
    )
)


def _postings(rows: Iterable[Any]) -> list[Posting]:
    return [Posting(row.run, Ready(row.id, row.name, row.uses, row.agent, row.rest, row.attempt)) for row in rows]


def next_of_run(tx: Transaction, run_id: int, agent: str, most: int) -> list[Posting]:
    """The next held tasks of a run for a pool, in plan order; none if the run is paused or over."""
    found: list[Posting] = []
    run = None
    first, last = task_key(run_id, 0), task_key(run_id + 1, 0) - 1
    if most == 1 and tx.dialect.name != "sqlite":
        row = _FIRST_HELD.one(tx, {"first": first, "last": last, "agent": agent})
        if row is None or row.id is not None:
            return [] if row is None else _postings([row])
    while page := _HELD_OF_RUN.all(tx, {"first": first, "last": last, "most": _PAGE if most > 1 else 1}):
        run = run or _OPEN_RUN.one(tx, {"run": run_id})
        if run is None:
            return []
        for held in page:
            row = _READY.one(tx, {"task": held.task_id, "claimed": held.attempt, "agent": agent})
            if row is not None:
                ready = Ready(row.id, row.name, row.uses, row.agent, row.rest, row.attempt)
                found.append(Posting(run.name, ready))
                if len(found) == most:
                    return found
        first = page[-1].task_id + 1
    return found


def next_under(tx: Transaction, limits: Sequence[Limit], after_run: int) -> list[Posting]:
    """The next held task under any of ``limits``. Runs take turns: the one after ``after_run`` is asked first."""
    scope = sa.or_(*(_within(limit) for limit in limits))
    for later in (outbox.c.task_id >= task_key(after_run + 1, 0), sa.true()):
        query = _POSTING.where(_held, later, scope).order_by(outbox.c.task_id).limit(1)
        if found := _postings(tx.execute(query)):
            return found
    return []


def let_go(tx: Transaction, postings: Sequence[Posting], now: float) -> None:
    """Held tasks get their message now: their rows are due like any other, and their place in the queue is fresh."""
    ids = [posting.ready.task_id for posting in postings]
    if ids:
        tx.execute(sa.update(outbox).where(outbox.c.task_id.in_(ids), _held).values(due=now + GRACE))
        tx.execute(sa.update(tasks).where(tasks.c.id.in_(ids)).values(ready_at=now))


@dataclass(frozen=True, slots=True)
class Group:
    """Held tasks of one run for one pool."""

    run_id: int
    agent: str
    environment: str
    concurrency: int | None
    count: int


def groups(tx: Transaction) -> list[Group]:
    """What is held, by run and pool, of runs that are open."""
    query = (
        sa.select(runs.c.id, tasks.c.agent, runs.c.environment, runs.c.concurrency, sa.func.count())
        .select_from(
            outbox.join(tasks, tasks.c.id == outbox.c.task_id).join(
                runs, sa.and_(runs.c.id == tasks.c.run_id, runs.c.state.in_(OPEN))
            )
        )
        .where(_held)
        .group_by(runs.c.id, tasks.c.agent, runs.c.environment, runs.c.concurrency)
        .order_by(runs.c.id)
    )
    return [Group(*row) for row in tx.execute(query)]


def idle(tx: Transaction, run_id: int, agent: str) -> bool:
    """Whether no task of the run is running in the pool or has a message on the way there: nothing would let the held
    ones go."""
    mine = (tasks.c.run_id == run_id, tasks.c.agent == agent)
    running = sa.select(sa.literal(1)).where(*mine, tasks.c.state == TaskState.RUNNING.value).limit(1)
    if tx.execute(running).one_or_none():
        return False
    behind = sa.exists().where(outbox.c.task_id == tasks.c.id, _held)
    coming = sa.select(sa.literal(1)).where(*mine, tasks.c.state == TaskState.READY.value, ~behind).limit(1)
    return tx.execute(coming).one_or_none() is None


def count_of_run(tx: Transaction, run_id: int) -> int:
    """How many tasks of a run are held."""
    span = outbox.c.task_id.between(task_key(run_id, 0), task_key(run_id + 1, 0) - 1)
    return int(tx.execute(sa.select(sa.func.count()).select_from(outbox).where(span, _held)).scalar_one())


def sweep(tx: Transaction) -> None:
    """Remove the rows of held tasks that are not ready any more: their run was cancelled, or they have run."""
    current = sa.exists().where(
        tasks.c.id == outbox.c.task_id,
        tasks.c.attempt == outbox.c.attempt,
        tasks.c.state == TaskState.READY.value,
    )
    tx.execute(outbox.delete().where(_held, ~current))
