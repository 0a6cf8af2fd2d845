"""What follows when tasks end: edges are marked, successors released or skipped, the run finished. All in the caller's
transaction, so that a task's end and everything that follows from it are one commit."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from reign.core.states import RUN_ENDED, TASK_MOVING, TASK_WAITING, RunState, TaskState, outcome
from reign.store import audit, events
from reign.store.database import Transaction
from reign.store.hot import Hot
from reign.store.jsontext import dump, load
from reign.store.tables import edges, lock_waits, locks, outbox, runs, tasks

OK, NOT_OK = 1, 2
_BATCH = 500  # ids in one IN list; SQLite and PostgreSQL take many more, plans stay readable


@dataclass(frozen=True, slots=True)
class Ready:
    """A task that may be claimed now."""

    task_id: int
    task: str
    uses: str
    agent: str
    rest: str | None
    attempt: int  # how often it has been claimed before


_MARKING = (
    sa.update(edges)
    .where(edges.c.needs_id == sa.bindparam("ended"), edges.c.satisfied == 0)
    .values(satisfied=sa.bindparam("how"))
    .returning(edges.c.task_id)
)
_MARK = Hot(_MARKING)
_SUCCESSORS = sa.select(edges.c.task_id).where(edges.c.needs_id == sa.bindparam("ended"))
# PostgreSQL plans ``IN (SELECT ...)`` by statistics, which a table that has just grown does not have yet: it would read
# all tasks. An array it looks up by the key, whatever it believes of the tables.
_AMONG_SUCCESSORS = {
    "sqlite": tasks.c.id.in_(_SUCCESSORS),
    "postgresql": tasks.c.id == sa.func.any(sa.func.array(_SUCCESSORS.scalar_subquery())),
}
_MARKED = _MARKING.cte("marked")
_MARK_AND_LOCK = Hot(
    sa.select(tasks.c.id)
    .where(tasks.c.id == sa.func.any(sa.func.array(sa.select(_MARKED.c.task_id).scalar_subquery())))
    .order_by(tasks.c.id)
    .with_for_update(of=tasks)
)


def _unsatisfied(*values: int) -> sa.Exists:
    return sa.exists().where(edges.c.task_id == tasks.c.id, edges.c.satisfied.in_(values))


_NOW = sa.bindparam("now", type_=sa.Float)  # in a CASE PostgreSQL would take it for a text
_RELEASING = (
    sa.update(tasks)
    .where(tasks.c.state.in_([TaskState.PENDING.value, TaskState.EXPANDED.value]), ~_unsatisfied(0))
    .values(
        state=sa.case(
            (
                sa.and_(
                    tasks.c.state == TaskState.PENDING.value,
                    ~tasks.c.asks_status,
                    _unsatisfied(NOT_OK),
                ),
                TaskState.SKIPPED.value,
            ),
            (tasks.c.approval == "required", TaskState.AWAITING_APPROVAL.value),
            else_=TaskState.READY.value,
        ),
        ready_at=_NOW,
        ended_at=sa.case(
            (
                sa.and_(tasks.c.state == TaskState.PENDING.value, ~tasks.c.asks_status, _unsatisfied(NOT_OK)),
                _NOW,
            ),
            else_=None,
        ),
    )
    .returning(
        tasks.c.id,
        tasks.c.run_id,
        tasks.c.name,
        tasks.c.uses,
        tasks.c.agent,
        tasks.c.rest,
        tasks.c.state,
        tasks.c.attempt,
    )
)
_RELEASE = {name: Hot(_RELEASING.where(among)) for name, among in _AMONG_SUCCESSORS.items()}


def after(tx: Transaction, task_id: int, how: int, now: float) -> list[Ready]:
    """Mark the edges that leave ``task_id`` and release what needs nothing else any more.

    A successor of a task that did not succeed is skipped, and so is what needs it, unless its ``if`` asks for the
    status. Two predecessors that end together cannot miss each other: the successors' rows are first locked, by id.
    """
    ready: list[Ready] = []
    rows = []
    frontier = [(task_id, how)]
    while frontier:
        ended, mark = frontier.pop()
        if tx.dialect.name != "sqlite":
            _MARK_AND_LOCK.later(tx, {"ended": ended, "how": mark})
        elif not _MARK.all(tx, {"ended": ended, "how": mark}):
            continue
        for row in _RELEASE[tx.dialect.name].all(tx, {"ended": ended, "now": now}):
            rows.append(events.row(row.run_id, row.id, f"task.{row.state}", now))
            if row.state == TaskState.READY.value:
                ready.append(Ready(row.id, row.name, row.uses, row.agent, row.rest, row.attempt))
            elif row.state == TaskState.SKIPPED.value:
                frontier.append((row.id, NOT_OK))
    events.add(tx, rows)
    return ready


#: Seconds that whoever released a task has to send its message before the relay does.
GRACE = 2.0


def _postings(insert: Any) -> Hot:
    """Rows of the outbox; one that is there already gets its new time."""
    statement = insert(outbox).values({name: sa.bindparam(name) for name in ("task_id", "attempt", "due")})
    changed = statement.on_conflict_do_update(
        index_elements=["task_id", "attempt"], set_={"due": statement.excluded.due}
    )
    return Hot(changed, ("task_id", "attempt", "due"))


_POST = {"sqlite": _postings(sqlite.insert), "postgresql": _postings(postgresql.insert)}


def put(tx: Transaction, items: Iterable[tuple[int, int]], due: float) -> None:
    """Outbox rows for ``(task id, attempt)``."""
    rows = [{"task_id": task_id, "attempt": attempt, "due": due} for task_id, attempt in items]
    if rows:
        _POST[tx.dialect.name].many(tx, rows)


def post(tx: Transaction, ready: Iterable[Ready], now: float, *, due: float | None = None) -> None:
    """Outbox rows for tasks that became ready; their messages are sent after the commit (or when they are due)."""
    put(tx, [(item.task_id, item.attempt) for item in ready], now + GRACE if due is None else due)


def stop(tx: Transaction, run_id: int, reason: str, now: float, *, cancel: bool = False) -> list[Ready]:
    """Nothing new starts in this run: what waits is skipped (or cancelled), except what asks for the status of others
    (``if: failure()``, ``if: always()``), which is released as soon as what it needs has ended. Returns what is."""
    tx.execute(sa.select(runs.c.id).where(runs.c.id == run_id).with_for_update())
    state = TaskState.CANCELLED if cancel else TaskState.SKIPPED
    # When cancelled, a for_each task need not gather its items' results any more.
    waiting = [s.value for s in TASK_WAITING] + ([TaskState.EXPANDED.value] if cancel else [])
    which = [tasks.c.run_id == run_id, tasks.c.state.in_(waiting)]
    if not cancel:
        which.append(~tasks.c.asks_status)
    ended = (
        sa.update(tasks)
        .where(*which)
        .values(state=state.value, ended_at=now, error=dump({"message": reason, "kind": "cancelled"}))
        .returning(tasks.c.id)
    )
    ids = [row.id for row in tx.execute(ended)]
    values = {"stopping": True} | ({"cancel_requested": True} if cancel else {})
    tx.execute(sa.update(runs).where(runs.c.id == run_id).values(**values))
    events.add(tx, [events.row(run_id, task_id, f"task.{state}", now, {"reason": reason}) for task_id in ids])
    ready: list[Ready] = []
    for start in range(0, len(ids), _BATCH):
        tx.execute(lock_waits.delete().where(lock_waits.c.task_id.in_(ids[start : start + _BATCH])))
    if not cancel:
        for task_id in ids:
            ready += after(tx, task_id, NOT_OK, now)
    return ready


_MOVING_TASK = Hot(
    sa.select(tasks.c.id)
    .where(tasks.c.run_id == sa.bindparam("run"), tasks.c.state.in_([s.value for s in TASK_MOVING]))
    .limit(sa.literal_column("1"))
)


_END_OF_RUN = Hot(
    sa.select(runs.c.state, runs.c.cancel_requested, runs.c.environment)
    .where(runs.c.id == sa.bindparam("run"))
    .with_for_update()
)
_STATES = Hot(sa.select(tasks.c.state).where(tasks.c.run_id == sa.bindparam("run")).distinct())
_FINISH = Hot(
    sa.update(runs)
    .where(runs.c.id == sa.bindparam("run"))
    .values(state=sa.bindparam("to"), ended_at=sa.bindparam("ended"), cause=sa.bindparam("why"))
)


def finish_run(tx: Transaction, run_id: int, now: float) -> RunState | None:
    """Give the run its final state if none of its tasks can move any more; returns that state, or None."""
    this = {"run": run_id}
    if _MOVING_TASK.one(tx, this):
        return None
    locked = _END_OF_RUN.ask(tx, this)  # of the last two tasks that end, one sees the other's end
    found = {TaskState(row.state) for row in _STATES.all(tx, this)}
    run = locked()
    if RunState(run.state) in RUN_ENDED or found & TASK_MOVING:
        return None
    state = outcome(found, cancelled=bool(run.cancel_requested))
    if state is None or state == run.state:
        return None
    ended_at = now if state in RUN_ENDED else None
    _FINISH.later(tx, {**this, "to": state.value, "ended": ended_at, "why": _cause(tx, run_id, state)})
    events.add(tx, [events.row(run_id, None, f"run.{state.value}", now)])
    audit.note(
        tx,
        "run.end" if ended_at else "run.attention",
        actor=audit.ITSELF,
        environment=run.environment,
        run_id=run_id,
        data={"state": state.value},
        at=now,
    )
    return state


def _cause(tx: Transaction, run_id: int, state: RunState) -> str | None:
    if state is RunState.SUCCEEDED:
        return None
    wanted = {RunState.FAILED: TaskState.FAILED, RunState.NEEDS_ATTENTION: TaskState.NEEDS_ATTENTION}.get(state)
    if wanted is None:
        return "cancelled"
    row = tx.execute(
        sa.select(tasks.c.name, tasks.c.error)
        .where(tasks.c.run_id == run_id, tasks.c.state == wanted.value)
        .order_by(tasks.c.ended_at)
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    message = (load(row.error) or {}).get("message", wanted.value)
    return f"{row.name}: {message}"


def unlock(tx: Transaction, task_id: int, now: float) -> list[Ready]:
    """Give back the task's locks and let the next in each line try. Returns what may be claimed."""
    held = [
        row.resource for row in tx.execute(locks.delete().where(locks.c.task_id == task_id).returning(locks.c.resource))
    ]
    return wake(tx, held, now) if held else []


def wake(tx: Transaction, resources: Collection[str], now: float) -> list[Ready]:
    """The first in the line for each of ``resources`` may try to take it."""
    heads = (
        sa.select(sa.func.min(lock_waits.c.id))
        .where(lock_waits.c.resource.in_(list(resources)))
        .group_by(lock_waits.c.resource)
    )
    waiting = sa.select(lock_waits.c.task_id).where(lock_waits.c.id.in_(heads))
    freed = (
        sa.update(tasks)
        .where(tasks.c.id.in_(waiting), tasks.c.state == TaskState.BLOCKED.value)
        .values(state=TaskState.READY.value, ready_at=now)
        .returning(tasks.c.id, tasks.c.run_id, tasks.c.name, tasks.c.uses, tasks.c.agent, tasks.c.rest, tasks.c.attempt)
    )
    ready = []
    rows = []
    for row in tx.execute(freed):
        ready.append(Ready(row.id, row.name, row.uses, row.agent, row.rest, row.attempt))
        rows.append(events.row(row.run_id, row.id, "task.ready", now))
    events.add(tx, rows)
    return ready
