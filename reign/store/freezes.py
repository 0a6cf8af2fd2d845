"""Frozen environments: nothing new is started in one until somebody thaws it."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from reign.core.errors import Conflict, did_you_mean
from reign.store import audit
from reign.store.database import Transaction, upsert
from reign.store.hot import Hot
from reign.store.tables import freezes, resources, runs


@dataclass(frozen=True, slots=True)
class Freeze:
    """Who froze an environment, when and why."""

    environment: str
    why: str
    by: str
    at: float


def freeze(tx: Transaction, environment: str, why: str, by: str, now: float) -> None:
    """Freeze, or say anew why."""
    values = {"why": why, "by": by, "at": now}
    tx.execute(
        upsert(tx, freezes)
        .values(environment=environment, **values)
        .on_conflict_do_update(index_elements=["environment"], set_=values)
    )
    audit.note(tx, "environment.freeze", actor=by, environment=environment, data={"why": why}, at=now)


def thaw(tx: Transaction, environment: str, by: str, now: float) -> None:
    """Raises Conflict if it is not frozen."""
    if not tx.execute(freezes.delete().where(freezes.c.environment == environment)).rowcount:
        frozen = tx.execute(sa.select(freezes.c.environment)).scalars().all()
        raise Conflict(f"{environment} is not frozen", hint=did_you_mean(environment, frozen))
    audit.note(tx, "environment.thaw", actor=by, environment=environment, at=now)


def listing(tx: Transaction) -> dict[str, Freeze]:
    """All freezes by environment."""
    return {row.environment: Freeze(**row._mapping) for row in tx.execute(sa.select(freezes))}


_OF_ENVIRONMENT = Hot(sa.select(freezes.c.by, freezes.c.why).where(freezes.c.environment == sa.bindparam("of")))


def refuse(tx: Transaction, environment: str) -> None:
    """Raises Conflict if the environment is frozen; in the transaction that would start something."""
    row = _OF_ENVIRONMENT.one(tx, {"of": environment})
    if row is not None:
        raise Conflict(
            f"{environment} is frozen by {row.by}: {row.why}", hint=f"`reign environments thaw {environment}` ends that"
        )


def used(tx: Transaction) -> dict[str, dict[str, int]]:
    """Environments that something has been done in: how many runs, and how many resources that are there."""
    found: dict[str, dict[str, int]] = {}
    for table, name, where in ((runs, "runs", sa.true()), (resources, "resources", resources.c.exists)):
        query = sa.select(table.c.environment, sa.func.count()).where(where).group_by(table.c.environment)
        for environment, count in tx.execute(query):
            found.setdefault(environment, {"runs": 0, "resources": 0})[name] = count
    return found
