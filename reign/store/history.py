"""Changes, the resources that they add up to, and the points that one can go back to."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from reign.core.resource import Change, Observation
from reign.store.claims import Claim
from reign.store.database import Transaction, upsert
from reign.store.jsontext import dump, load
from reign.store.tables import changes, points, resources


def add(tx: Transaction, claim: Claim, environment: str, made: Sequence[Change], now: float) -> None:
    """Record what a task changed, and what its resources look like now."""
    for change in made:
        change_id = tx.execute(
            changes.insert()
            .values(
                run_id=claim.run_id,
                task_id=claim.task_id,
                attempt=claim.attempt,
                environment=environment,
                resource=change.resource,
                kind=change.kind,
                before=dump(change.before.model_dump(mode="json")),
                after=dump(change.after.model_dump(mode="json")),
                at=now,
            )
            .returning(changes.c.id)
        ).scalar_one()
        values = {
            "exists": change.after.exists,
            "observation": dump(change.after.model_dump(mode="json")),
            "change_id": change_id,
            "run_id": claim.run_id,
            "task_id": claim.task_id,
            "updated_at": now,
        }
        tx.execute(
            upsert(tx, resources)
            .values(environment=environment, address=change.resource, **values)
            .on_conflict_do_update(index_elements=["environment", "address"], set_=values)
        )


def make_point(tx: Transaction, environment: str, name: str, run_id: int | None, now: float) -> None:
    """A rollback point of that name before all that follows; the second call for the same name does nothing."""
    last = sa.select(sa.func.coalesce(sa.func.max(changes.c.id), 0)).where(changes.c.environment == environment)
    tx.execute(
        upsert(tx, points)
        .values(environment=environment, name=name, run_id=run_id, change_id=last.scalar_subquery(), at=now)
        .on_conflict_do_nothing(index_elements=["environment", "name"])
    )


def recorded(tx: Transaction, environment: str, address: str) -> Observation | None:
    """What was last recorded of a resource, or None."""
    found = tx.execute(
        sa.select(resources.c.observation).where(resources.c.environment == environment, resources.c.address == address)
    ).scalar_one_or_none()
    return None if found is None else Observation.model_validate(load(found))
