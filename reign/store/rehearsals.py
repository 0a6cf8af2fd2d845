"""Rehearsals and their proofs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from reign.core.errors import NotFound
from reign.store.database import Transaction
from reign.store.jsontext import dump, load
from reign.store.runs import RunRecord
from reign.store.tables import rehearsals, runs


def add(tx: Transaction, run_id: int, plan_digest: str, now: float) -> None:
    """A rehearsal that goes on."""
    tx.execute(rehearsals.insert().values(run_id=run_id, plan_digest=plan_digest, at=now))


def open_runs(tx: Transaction) -> list[int]:
    """Ids of the runs whose rehearsal has no proof yet."""
    return list(tx.execute(sa.select(rehearsals.c.run_id).where(rehearsals.c.came_back.is_(None))).scalars())


def prove(tx: Transaction, run_id: int, proof: Mapping[str, Any], *, came_back: bool, now: float) -> None:
    """Keep the proof of a rehearsal that is over."""
    tx.execute(
        sa.update(rehearsals)
        .where(rehearsals.c.run_id == run_id)
        .values(proof=dump(dict(proof)), came_back=came_back, at=now)
    )


def of_run(tx: Transaction, run: RunRecord) -> dict[str, Any]:
    """``{plan_digest, came_back, proof, at}``; came_back is None while it goes on. Raises NotFound."""
    row = tx.execute(sa.select(rehearsals).where(rehearsals.c.run_id == run.id)).one_or_none()
    if row is None:
        raise NotFound(f"run {run.name} is no rehearsal", hint="`reign rehearse FILE` makes one")
    return {
        "plan_digest": row.plan_digest,
        "came_back": row.came_back,
        "proof": load(row.proof) if row.proof else None,
        "at": row.at,
    }


def proven(tx: Transaction, plan_digest: str) -> str | None:
    """The name of the newest rehearsal of that plan which succeeded and came back; None if there is none."""
    query = (
        sa.select(runs.c.name)
        .join(rehearsals, rehearsals.c.run_id == runs.c.id)
        .where(rehearsals.c.plan_digest == plan_digest, rehearsals.c.came_back, runs.c.state == "succeeded")
        .order_by(runs.c.id.desc())
        .limit(1)
    )
    return tx.execute(query).scalar_one_or_none()
