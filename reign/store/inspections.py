"""What the last look for drift found of each resource, and the record that follows when it is accepted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from reign.core.drift import Standing
from reign.core.errors import Conflict
from reign.core.resource import Change, Observation
from reign.store import history
from reign.store.database import Transaction, upsert
from reign.store.jsontext import dump, load
from reign.store.tables import inspections, locks, resources, runs


@dataclass(frozen=True, slots=True)
class Inspection:
    """``live`` is None where the resource could not be looked at; ``detail`` says why. ``change_id`` is the recorded
    change that it was compared with: if the record has moved on since, the inspection says nothing any more."""

    environment: str
    address: str
    standing: Standing
    detail: str | None
    live: Observation | None
    change_id: int
    run_id: int
    run: str
    task_id: int
    at: float


def note(
    tx: Transaction,
    recorded: history.ResourceRecord,
    standing: Standing,
    live: Observation | None,
    detail: str | None,
    *,
    run_id: int,
    task_id: int,
    now: float,
) -> None:
    """Keep what was found of a resource, in place of what was found before."""
    values = {
        "status": standing.value,
        "detail": detail,
        "live": dump(live.model_dump(mode="json")) if live else None,
        "change_id": recorded.change_id,
        "run_id": run_id,
        "task_id": task_id,
        "at": now,
    }
    tx.execute(
        upsert(tx, inspections)
        .values(environment=recorded.environment, address=recorded.address, **values)
        .on_conflict_do_update(index_elements=["environment", "address"], set_=values)
    )


def listing(tx: Transaction, environment: str | None = None, *, run_id: int | None = None) -> list[Inspection]:
    """The last inspections, or those that one run made."""
    query = (
        sa.select(inspections, runs.c.name.label("run"))
        .join(runs, runs.c.id == inspections.c.run_id)
        .order_by(inspections.c.environment, inspections.c.address)
    )
    if environment is not None:
        query = query.where(inspections.c.environment == environment)
    if run_id is not None:
        query = query.where(inspections.c.run_id == run_id)
    return [
        Inspection(
            environment=row.environment,
            address=row.address,
            standing=Standing(row.status),
            detail=row.detail,
            live=Observation.model_validate(load(row.live)) if row.live else None,
            change_id=row.change_id,
            run_id=row.run_id,
            run=row.run,
            task_id=row.task_id,
            at=row.at,
        )
        for row in tx.execute(query)
    ]


def busy(tx: Transaction, addresses: Sequence[str]) -> set[str]:
    """Those of the resources that a task holds the lock of."""
    query = sa.select(locks.c.resource).where(locks.c.resource.in_(list(addresses)))
    return set(tx.execute(query).scalars())


def accept(tx: Transaction, found: Inspection, now: float) -> None:
    """Let what was seen be what is recorded from now on. Raises Conflict if the record has changed since the look."""
    assert found.live is not None
    record = history.find(tx, found.address, found.environment)
    if record.change_id != found.change_id:
        raise Conflict(
            f"{found.address} has been changed by run {record.run} since it was looked at", hint="look again"
        )
    change = Change(resource=found.address, before=record.observation, after=found.live)
    change_id = history.add_change(tx, found.run_id, found.task_id, 1, found.environment, change, now, kind="accepted")
    key: Mapping[Any, Any] = {"environment": found.environment, "address": found.address}
    tx.execute(
        sa.update(resources)
        .where(*(resources.c[name] == value for name, value in key.items()))
        .values(
            exists=found.live.exists,
            observation=dump(found.live.model_dump(mode="json")),
            change_id=change_id,
            updated_at=now,
        )
    )
    tx.execute(
        sa.update(inspections)
        .where(*(inspections.c[name] == value for name, value in key.items()))
        .values(status=Standing.SAME.value, change_id=change_id)
    )
