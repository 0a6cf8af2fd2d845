"""What a person does to a run: cancel, pause, resume, approve, resolve, retry. Each in one transaction."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from reign.core.errors import Conflict
from reign.core.states import RUN_ENDED, RunState, TaskState
from reign.store import events, release, runs
from reign.store.database import Transaction
from reign.store.hot import Hot
from reign.store.jsontext import dump
from reign.store.release import NOT_OK, OK, Ready
from reign.store.runs import RunRecord, TaskRecord
from reign.store.tables import attempts, edges
from reign.store.tables import runs as run_table
from reign.store.tables import tasks as task_table

_READY = (
    task_table.c.id, task_table.c.name, task_table.c.uses, task_table.c.agent, task_table.c.rest, task_table.c.attempt,
)  # fmt: skip


_NAMED = Hot(sa.select(run_table.c.id).where(run_table.c.name == sa.bindparam("run")))


def names_taken(tx: Transaction, names: Collection[str]) -> set[str]:
    """Those of these names that a run has."""
    if len(names) == 1:
        return {name for name in names if _NAMED.one(tx, {"run": name})}
    return set(tx.execute(sa.select(run_table.c.name).where(run_table.c.name.in_(list(names)))).scalars())


def _locked(tx: Transaction, run: RunRecord) -> RunState:
    query = sa.select(run_table.c.state).where(run_table.c.id == run.id).with_for_update()
    return RunState(tx.execute(query).scalar_one())


def _set(tx: Transaction, run: RunRecord, state: RunState, now: float, **values: Any) -> None:
    tx.execute(sa.update(run_table).where(run_table.c.id == run.id).values(state=state.value, **values))
    events.add(tx, [events.row(run.id, None, f"run.{state.value}", now)])


def cancel(tx: Transaction, run: RunRecord, now: float) -> list[Ready]:
    state = _locked(tx, run)
    if state in RUN_ENDED:
        raise Conflict(f"run {run.name} is over: {state}", hint=f"`reign rollback {run.name}` takes it back")
    if state is RunState.CANCELLING:
        return []
    _set(tx, run, RunState.CANCELLING, now)
    release.stop(tx, run.id, "the run was cancelled", now, cancel=True)
    attention = task_table.c.state == TaskState.NEEDS_ATTENTION.value
    tx.execute(
        sa.update(task_table)
        .where(task_table.c.run_id == run.id, attention)
        .values(state=TaskState.CANCELLED.value, ended_at=now)
    )
    release.finish_run(tx, run.id, now)
    return []


def pause(tx: Transaction, run: RunRecord, now: float) -> list[Ready]:
    state = _locked(tx, run)
    if state not in (RunState.QUEUED, RunState.RUNNING):
        raise Conflict(f"run {run.name} is {state} and cannot be paused")
    _set(tx, run, RunState.PAUSED, now)
    return []


def resume(tx: Transaction, run: RunRecord, now: float) -> list[Ready]:
    state = _locked(tx, run)
    if state is not RunState.PAUSED:
        raise Conflict(f"run {run.name} is {state}, not paused")
    _set(tx, run, RunState.RUNNING, now)
    return _ready(tx, run.id)


def _ready(tx: Transaction, run_id: int) -> list[Ready]:
    """Every task of a run that may be claimed: their messages may have been dropped while it was closed."""
    query = sa.select(*_READY).where(
        task_table.c.run_id == run_id, task_table.c.state == TaskState.READY.value, task_table.c.not_before.is_(None)
    )
    return [Ready(*row) for row in tx.execute(query)]


def approve(
    tx: Transaction, run: RunRecord, name: str, by: str, yes: bool, note: str | None, now: float
) -> list[Ready]:
    record = runs.task(tx, run, name)
    if record.state is not TaskState.AWAITING_APPROVAL:
        raise Conflict(f"{run.name}/{name} is {record.state} and waits for nobody's approval")
    said = {"by": by, "note": note}
    if yes:
        _move(tx, run, record, TaskState.READY, now, said, approval="granted", ready_at=now)
        return [_as_ready(tx, record.id)]
    message = f"{by} said no" + (f": {note}" if note else "")
    error = {"message": message, "kind": "permission", "hint": None}
    _move(tx, run, record, TaskState.FAILED, now, {"error": error, **said}, approval="denied", error=dump(error))
    ready = release.stop(tx, run.id, f"{name} was not approved", now) + release.after(tx, record.id, NOT_OK, now)
    release.finish_run(tx, run.id, now)
    return ready


def resolve(tx: Transaction, run: RunRecord, name: str, verdict: str, by: str, result: Any, now: float) -> list[Ready]:
    record = runs.task(tx, run, name)
    if record.state is not TaskState.NEEDS_ATTENTION:
        raise Conflict(f"{run.name}/{name} is {record.state} and needs no attention")
    if _locked(tx, run) is RunState.NEEDS_ATTENTION:
        _set(tx, run, RunState.RUNNING, now)
    tx.execute(
        sa.update(attempts)
        .where(attempts.c.task_id == record.id, attempts.c.outcome.is_(None) | (attempts.c.outcome == "lost"))
        .values(outcome=f"resolved:{verdict}", ended_at=now)
    )
    said = {"by": by, "verdict": verdict}
    if verdict == "retry":
        _move(tx, run, record, TaskState.READY, now, said, error=None, ready_at=now)
        return [_as_ready(tx, record.id)]
    if verdict == "done":
        _move(tx, run, record, TaskState.SUCCEEDED, now, said, result=dump(result or {}), error=None)
        ready = release.after(tx, record.id, OK, now)
    else:
        error = {"message": f"{by} settled it as failed", "kind": "unknown", "hint": None}
        _move(tx, run, record, TaskState.FAILED, now, {"error": error, **said}, error=dump(error))
        ready = release.stop(tx, run.id, f"{name} failed", now) + release.after(tx, record.id, NOT_OK, now)
    release.finish_run(tx, run.id, now)
    return ready


def retry(tx: Transaction, run: RunRecord, now: float) -> list[Ready]:
    """Tasks that did not succeed go back to where the run had not reached them; what succeeded keeps its result."""
    state = _locked(tx, run)
    if state not in (RunState.FAILED, RunState.CANCELLED):
        raise Conflict(f"run {run.name} is {state}; only a failed or cancelled run is tried again")
    again = (TaskState.FAILED, TaskState.SKIPPED, TaskState.CANCELLED)
    ids = sa.select(task_table.c.id).where(
        task_table.c.run_id == run.id, task_table.c.state.in_([s.value for s in again])
    )
    tx.execute(sa.update(edges).where(edges.c.needs_id.in_(ids)).values(satisfied=0))
    open_edge = sa.exists().where(edges.c.task_id == task_table.c.id, edges.c.satisfied == 0)
    expanded = sa.alias(task_table)
    has_items = sa.exists().where(expanded.c.parent_id == task_table.c.id)
    waits_for_approval = sa.and_(task_table.c.approval.in_(["required", "denied"]), ~open_edge)
    moved = (
        sa.update(task_table)
        .where(task_table.c.run_id == run.id, task_table.c.state.in_([s.value for s in again]))
        .values(
            state=sa.case(
                (sa.and_(has_items, open_edge), TaskState.EXPANDED.value),
                (open_edge, TaskState.PENDING.value),
                (waits_for_approval, TaskState.AWAITING_APPROVAL.value),
                else_=TaskState.READY.value,
            ),
            approval=sa.case((task_table.c.approval == "denied", "required"), else_=task_table.c.approval),
            tries=0,
            lost=0,
            error=None,
            ended_at=None,
            not_before=None,
            ready_at=now,
        )
        .returning(*_READY, task_table.c.state)
    )
    rows = tx.execute(moved).all()
    if not rows:
        raise Conflict(f"run {run.name} has no task to try again")
    events.add(tx, [events.row(run.id, row.id, f"task.{row.state}", now, {"retry": True}) for row in rows])
    _set(tx, run, RunState.RUNNING, now, stopping=False, cancel_requested=False, cause=None, ended_at=None)
    return [Ready(*row[:6]) for row in rows if row.state == TaskState.READY.value]


def _move(
    tx: Transaction, run: RunRecord, record: TaskRecord, state: TaskState, now: float, data: Any, **values: Any
) -> None:
    ended = now if state in (TaskState.SUCCEEDED, TaskState.FAILED) else None
    moved = tx.execute(
        sa.update(task_table)
        .where(task_table.c.id == record.id, task_table.c.state == record.state.value)
        .values(state=state.value, ended_at=ended, **values)
    )
    if not moved.rowcount:
        raise Conflict(f"{run.name}/{record.name} has just changed; look again")
    events.add(tx, [events.row(run.id, record.id, f"task.{state.value}", now, data)])


def _as_ready(tx: Transaction, task_id: int) -> Ready:
    return Ready(*tx.execute(sa.select(*_READY).where(task_table.c.id == task_id)).one())


def note_rollback(tx: Transaction, run_id: int, by: str) -> None:
    """Note which run takes a run back. What that run had taken back itself, if it was a rollback, stands again."""
    name = sa.select(run_table.c.name).where(run_table.c.id == run_id).scalar_subquery()
    tx.execute(sa.update(run_table).where(run_table.c.rolled_back_by == name).values(rolled_back_by="-"))
    tx.execute(sa.update(run_table).where(run_table.c.id == run_id).values(rolled_back_by=by))


def wanting_rollback(tx: Transaction) -> list[str]:
    """Failed runs that nobody has taken back yet, whose plan says ``on_failure: rollback``, or that task of it which
    failed."""
    failed = sa.exists().where(
        task_table.c.run_id == run_table.c.id,
        task_table.c.state == TaskState.FAILED.value,
        task_table.c.spec.contains('"on_failure":"rollback"', autoescape=True),
    )
    query = sa.select(run_table.c.name).where(
        run_table.c.state == RunState.FAILED.value,
        run_table.c.rolled_back_by.is_(None),
        run_table.c.kind == "apply",
        sa.or_(run_table.c.on_failure == "rollback", failed),
    )
    return list(tx.execute(query).scalars())
