"""What the reconciler does to the state: frees the claims of dead workers, finishes runs that nobody finished."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from reign.core import outcome
from reign.core.plan import OnFailure
from reign.core.states import TASK_MOVING, RunState
from reign.store import claims, recording, release, workers
from reign.store.claims import Claim
from reign.store.database import Transaction
from reign.store.release import Ready
from reign.store.tables import attempts, leaders, runs, tasks


def free(tx: Transaction, worker_ids: Collection[str], max_lost: int, now: float) -> dict[str, list[Ready]]:
    """Strike dead workers off and give their tasks back. Returns, for each run, what may be claimed again.

    The lost attempt stays on record; whoever claims the task next settles it by inspecting. A task that has taken
    ``max_lost`` workers with it is not tried again.
    """
    ready: dict[str, list[Ready]] = {}
    for claim in claims.of_workers(tx, worker_ids):
        run = tx.execute(sa.select(runs).where(runs.c.id == claim.run_id)).one()
        tx.execute(sa.update(tasks).where(tasks.c.id == claim.task_id).values(lost=tasks.c.lost + 1))
        intended = _intended(tx, claim)
        done = recording.record(
            tx,
            claim,
            _outcome(claim, intended, max_lost),
            now,
            on_failure=OnFailure(claim.spec.get("on_failure") or run.on_failure),
            environment=run.environment,
            locked=claim.lost + 1 >= max_lost,  # else it keeps its locks: its change may be half done
            intended=intended,
            label="lost",
        )
        release.post(tx, done.ready, now)
        ready.setdefault(run.name, []).extend(done.ready)
    workers.strike_off(tx, worker_ids)
    return ready


def _outcome(claim: Claim, intended: bool, max_lost: int) -> outcome.Outcome:
    if claim.lost + 1 < max_lost:
        return outcome.Back(f"its worker {claim.worker} died")
    error = {
        "message": f"{claim.lost + 1} workers died while they ran it",
        "kind": "unknown",
        "hint": "the workers' logs say why",
    }
    return outcome.Unknown(error) if intended else outcome.Failed(error)


def _intended(tx: Transaction, claim: Claim) -> bool:
    query = sa.select(attempts.c.intent).where(attempts.c.task_id == claim.task_id, attempts.c.number == claim.attempt)
    return tx.execute(query).one_or_none() is not None


def finish_stuck(tx: Transaction, now: float) -> list[int]:
    """Finish the runs of which no task moves any more: on PostgreSQL the last two may have missed each other."""
    moving = sa.exists().where(tasks.c.run_id == runs.c.id, tasks.c.state.in_([state.value for state in TASK_MOVING]))
    open_states = [RunState.QUEUED.value, RunState.RUNNING.value, RunState.CANCELLING.value, RunState.PAUSED.value]
    found = tx.execute(sa.select(runs.c.id).where(runs.c.state.in_(open_states), ~moving)).scalars().all()
    return [run_id for run_id in found if release.finish_run(tx, run_id, now) is not None]


def lead(tx: Transaction, role: str, me: str, rival: tuple[str, int] | None) -> tuple[str, int]:
    """Take, keep or respect the lead of a role; returns ``(holder, beat)`` as it stands afterwards.

    ``rival``: a holder and beat that have stood still for longer than a lease on the caller's own clock; it is replaced
    only if it has not moved since.
    """
    row = tx.execute(sa.select(leaders).where(leaders.c.role == role).with_for_update()).one_or_none()
    if row is None:
        tx.execute(leaders.insert().values(role=role, holder=me, beat=1))
        return me, 1
    if row.holder == me or (row.holder, row.beat) == rival:
        tx.execute(sa.update(leaders).where(leaders.c.role == role).values(holder=me, beat=row.beat + 1))
        return me, row.beat + 1
    return row.holder, row.beat


def resign(tx: Transaction, role: str, me: str) -> None:
    """Give the lead up, so that another takes it at once."""
    tx.execute(leaders.delete().where(leaders.c.role == role, leaders.c.holder == me))


def beats(tx: Transaction) -> dict[str, int]:
    """The leaders' beats as they stand, by role; one that grows is alive."""
    return {row.role: row.beat for row in tx.execute(sa.select(leaders.c.role, leaders.c.beat))}
