"""Recording how an attempt ended: one transaction for the task, its attempt, its changes, and all that follows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from reign.core import outcome as o
from reign.core.plan import OnFailure
from reign.core.resource import Change, Observation
from reign.core.states import RunState, TaskState
from reign.store import events, expansion, history, release
from reign.store.claims import Claim, StaleClaim
from reign.store.database import Transaction
from reign.store.hot import Hot
from reign.store.jsontext import dump
from reign.store.release import NOT_OK, OK, Ready
from reign.store.tables import attempts, runs, tasks


@dataclass(slots=True)
class Recorded:
    """What a recorded outcome set free: ``ready`` may be claimed (those with an outbox row are in ``posted``)."""

    ready: list[Ready] = field(default_factory=list)
    run_state: RunState | None = None


_STATE: dict[type[o.Outcome], TaskState] = {
    o.Succeeded: TaskState.SUCCEEDED,
    o.Failed: TaskState.FAILED,
    o.TryAgain: TaskState.READY,
    o.Back: TaskState.READY,
    o.Asks: TaskState.AWAITING_APPROVAL,
    o.Skipped: TaskState.SKIPPED,
    o.Cancelled: TaskState.CANCELLED,
    o.Expanded: TaskState.EXPANDED,
    o.Unknown: TaskState.NEEDS_ATTENTION,
}
_ENDS = frozenset({TaskState.SUCCEEDED, TaskState.FAILED, TaskState.SKIPPED, TaskState.CANCELLED})

_stopping = sa.select(runs.c.stopping).where(runs.c.id == tasks.c.run_id).scalar_subquery()
_END = Hot(
    sa.update(tasks)
    .where(
        tasks.c.id == sa.bindparam("task"),
        tasks.c.fence == sa.bindparam("held_fence"),
        tasks.c.state == TaskState.RUNNING.value,
    )
    .values(
        state=sa.bindparam("to"),
        result=sa.bindparam("result"),
        error=sa.bindparam("error"),
        ended_at=sa.bindparam("ended"),
        not_before=sa.bindparam("not_before"),
        ready_at=sa.func.coalesce(sa.bindparam("ready"), tasks.c.ready_at),
        tries=tasks.c.tries + sa.bindparam("tried"),
        worker=None,
    )
    .returning(_stopping.label("stopping"))
)
_ATTEMPT = Hot(attempts.insert(), [column.name for column in attempts.c])
_ATTEMPT_END = Hot(
    sa.update(attempts)
    .where(attempts.c.task_id == sa.bindparam("task"), attempts.c.number == sa.bindparam("which"))
    .values(
        outcome=sa.bindparam("how"),
        after=sa.bindparam("seen_after"),
        error=sa.bindparam("failure"),
        ended_at=sa.bindparam("ended"),
    )
)


def intend(
    tx: Transaction, claim: Claim, inputs: Any, before: Sequence[Observation], environment: str, run: str, now: float
) -> None:
    """Commit the before-state and the intent to change it; makes the run's rollback point if this is its first change.

    Raises StaleClaim if the claim was lost meanwhile: then nothing may be changed outside.
    """
    guard = sa.update(tasks).where(
        tasks.c.id == claim.task_id, tasks.c.fence == claim.fence, tasks.c.state == TaskState.RUNNING.value
    )
    if not tx.execute(guard.values(worker=claim.worker)).rowcount:
        raise StaleClaim
    _ATTEMPT.later(
        tx,
        {
            **_no_attempt(claim),
            "intent": True,
            "inputs": dump(inputs),
            "before": dump([item.model_dump(mode="json") for item in before]),
        },
    )
    history.make_point(tx, environment, run, claim.run_id, now)


def record(
    tx: Transaction,
    claim: Claim,
    outcome: o.Outcome,
    now: float,
    *,
    on_failure: OnFailure,
    environment: str,
    locked: bool = False,
    intended: bool = False,
    after: Sequence[Observation] = (),
    label: str | None = None,
) -> Recorded:
    """Write how the attempt ended and release what that sets free. Raises StaleClaim if the claim was lost meanwhile.

    ``locked``: the task holds locks. ``intended``: an attempt row with the intent stands already.
    ``label``: what the attempt's own record says, if not the task's new state.
    """
    outcome = _if_stopping(tx, claim, outcome)
    state = _STATE[type(outcome)]
    error = getattr(outcome, "error", None)
    reason = getattr(outcome, "reason", None)
    if error is None and reason is not None and state is not TaskState.READY:
        error = {"message": reason, "kind": state.value}
    seconds = getattr(outcome, "seconds", 0.0)
    back = state is TaskState.READY
    ended = _END.ask(
        tx,
        {
            "task": claim.task_id,
            "held_fence": claim.fence,
            "to": state.value,
            "result": dump(outcome.result) if isinstance(outcome, o.Succeeded) else None,
            "error": dump(error),
            "ended": now if state in _ENDS else None,
            "not_before": now + seconds if back and seconds else None,
            "ready": now if back else None,
            "tried": 1 if isinstance(outcome, o.TryAgain) else 0,
        },
    )
    changes: tuple[Change, ...] = getattr(outcome, "changes", ())
    # The common end need not wait for the answer: should the claim be stale, what follows is rolled back with it.
    if (changes or not isinstance(outcome, o.Succeeded)) and ended() is None:
        raise StaleClaim
    data = {"attempt": claim.attempt} | _event_data(outcome, error, reason, seconds)
    events.add(tx, [events.row(claim.run_id, claim.task_id, f"task.{state.value}", now, data)])
    if changes:
        history.add(tx, claim, environment, changes, now)

    done = Recorded()
    if isinstance(outcome, o.Expanded):
        done.ready = expansion.expand(tx, claim, outcome.items, now)
    elif back:
        again = Ready(claim.task_id, claim.task, claim.uses, claim.agent, dump(claim.rest), claim.attempt)
        if seconds:
            release.post(tx, [again], now, due=now + seconds)
        else:
            done.ready = [again]
    elif state in _ENDS:
        done.ready = _follow(tx, claim, state, on_failure, now)
    row = ended()
    if row is None:
        raise StaleClaim
    _end_attempt(tx, claim, label or state.value, error, after, intended, now)
    if locked:
        done.ready += release.unlock(tx, claim.task_id, now)
    last = claim.sink or row.stopping or state is TaskState.FAILED
    if state is TaskState.NEEDS_ATTENTION or (state in _ENDS and last):
        done.run_state = release.finish_run(tx, claim.run_id, now)
    return done


def _if_stopping(tx: Transaction, claim: Claim, outcome: o.Outcome) -> o.Outcome:
    """In a run that stops, what would wait, go back or be tried again ends instead: nobody would claim it any more."""
    if not isinstance(outcome, o.TryAgain | o.Back | o.Asks | o.Expanded):
        return outcome
    run = tx.execute(sa.select(runs.c.stopping, runs.c.cancel_requested).where(runs.c.id == claim.run_id)).one()
    if run.cancel_requested:
        return o.Cancelled("the run was cancelled")
    if run.stopping and isinstance(outcome, o.TryAgain):
        return o.Failed(outcome.error)
    return outcome


def _follow(tx: Transaction, claim: Claim, state: TaskState, on_failure: OnFailure, now: float) -> list[Ready]:
    if state is TaskState.SUCCEEDED:
        return release.after(tx, claim.task_id, OK, now)
    ready: list[Ready] = []
    if state is TaskState.FAILED and on_failure is not OnFailure.CONTINUE:
        ready = release.stop(tx, claim.run_id, f"{claim.task} failed", now)
    return ready + release.after(tx, claim.task_id, NOT_OK, now)


def _end_attempt(
    tx: Transaction,
    claim: Claim,
    how: str,
    error: Any,
    after: Sequence[Observation],
    intended: bool,
    now: float,
) -> None:
    seen = dump([item.model_dump(mode="json") for item in after]) if after else None
    if intended:
        _ATTEMPT_END.later(
            tx,
            {
                "task": claim.task_id,
                "which": claim.attempt,
                "how": how,
                "seen_after": seen,
                "failure": dump(error),
                "ended": now,
            },
        )
        return
    _ATTEMPT.later(tx, {**_no_attempt(claim), "outcome": how, "error": dump(error), "after": seen, "ended_at": now})


def _no_attempt(claim: Claim) -> dict[str, Any]:
    """The row of an attempt of which nothing is known but that it began."""
    return {
        "task_id": claim.task_id,
        "number": claim.attempt,
        "fence": claim.fence,
        "worker": claim.worker,
        "outcome": None,
        "intent": False,
        "inputs": None,
        "before": None,
        "after": None,
        "error": None,
        "started_at": claim.started_at,
        "ended_at": None,
    }


def _event_data(outcome: o.Outcome, error: Any, reason: str | None, seconds: float) -> dict[str, Any]:
    data: dict[str, Any] = {}
    if error:
        data["error"] = error
    if reason:
        data["reason"] = reason
    if seconds:
        data["again_in"] = round(seconds, 3)
    if isinstance(outcome, o.Succeeded) and outcome.unchanged:
        data["unchanged"] = True
    return data
