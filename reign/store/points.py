"""Rollback points: places in an environment's history, and what was changed since each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from reign.core.errors import Conflict, InvalidInput, NotFound, did_you_mean
from reign.core.resource import Observation
from reign.store import history, runs
from reign.store.database import Transaction
from reign.store.history import TaskHistory
from reign.store.jsontext import load
from reign.store.runs import RunRecord
from reign.store.tables import attempts, changes
from reign.store.tables import points as table
from reign.store.tables import runs as run_table

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class Point:
    """A place that one can go back to. ``change_id``: the last change that came before it."""

    id: int
    environment: str
    name: str
    run_id: int | None
    change_id: int
    at: float


def make(tx: Transaction, environment: str, name: str, now: float) -> Point:
    """A point made by hand. Raises InvalidInput for what cannot be a name, Conflict for one that is taken."""
    if not _NAME.fullmatch(name):
        raise InvalidInput(f"{name!r} cannot name a point", hint="letters, digits, '.', '_' and '-', at most 64")
    key = (table.c.environment == environment, table.c.name == name)
    if tx.execute(sa.select(table.c.id).where(*key)).one_or_none() is not None:
        raise Conflict(f"{environment} has a point {name!r} already", hint="choose another name; see `reign points`")
    history.make_point(tx, environment, name, None, now)
    return find(tx, name, environment)


def find(tx: Transaction, name: str, environment: str) -> Point:
    """The point of that name, or of the run of that name. Raises NotFound with the nearest right name."""
    row = tx.execute(sa.select(table).where(table.c.environment == environment, table.c.name == name)).one_or_none()
    if row is not None:
        return Point(**row._mapping)
    elsewhere = tx.execute(sa.select(table.c.environment).where(table.c.name == name).limit(5)).scalars().all()
    if elsewhere:
        hint = f"{' and '.join(sorted(elsewhere))} has one: --env {sorted(elsewhere)[0]}"
        raise NotFound(f"{environment} has no point {name!r}", hint=hint)
    names = tx.execute(
        sa.select(table.c.name).where(table.c.environment == environment).order_by(table.c.id.desc()).limit(500)
    ).scalars()
    raise NotFound(f"{environment} has no point {name!r}", hint=did_you_mean(name, names) or "see `reign points`")


def listing(tx: Transaction, environment: str | None = None, limit: int = 100) -> list[dict[str, Any]]:
    """Points, newest first: ``{environment, name, run, plan, kind, at, changes}``, the last one counting what was
    recorded since. The points that rehearsals make are left out: they leave nothing."""
    since = (
        sa.select(sa.func.count())
        .where(changes.c.environment == table.c.environment, changes.c.id > table.c.change_id)
        .correlate(table)
        .scalar_subquery()
    )
    query = (
        sa.select(table, run_table.c.name.label("run"), run_table.c.plan_name, run_table.c.kind, since.label("since"))
        .outerjoin(run_table, run_table.c.id == table.c.run_id)
        .where(sa.or_(run_table.c.kind.is_(None), run_table.c.kind != "rehearsal"))
        .order_by(table.c.id.desc())
        .limit(limit)
    )
    if environment is not None:
        query = query.where(table.c.environment == environment)
    return [
        {
            "environment": row.environment,
            "name": row.name,
            "run": row.run,
            "plan": row.plan_name,
            "kind": row.kind or "checkpoint",
            "at": row.at,
            "changes": row.since,
        }
        for row in tx.execute(query)
    ]


def members(tx: Transaction, point: Point) -> list[TaskHistory]:
    """Every task of the environment that changed something since the point, or may have: by a recorded change, or by an
    intent whose outcome came later or never. Of a task's attempts only those since."""
    recorded = sa.exists().where(
        changes.c.task_id == attempts.c.task_id,
        changes.c.attempt == attempts.c.number,
        changes.c.kind != "accepted",
    )
    since = recorded.where(sa.or_(changes.c.id > point.change_id, changes.c.at > point.at))
    later = sa.or_(attempts.c.ended_at.is_(None), attempts.c.ended_at > point.at)
    return history.with_intent(
        tx, run_table.c.environment == point.environment, since=sa.or_(since, sa.and_(~recorded, later))
    )


def recorded_at(tx: Transaction, point: Point, addresses: Sequence[str]) -> dict[str, Observation]:
    """What was recorded of resources at the point; those of which nothing was are left out."""
    last = (
        sa.select(sa.func.max(changes.c.id))
        .where(
            changes.c.environment == point.environment,
            changes.c.id <= point.change_id,
            changes.c.at <= point.at,
            changes.c.resource.in_(list(addresses)),
        )
        .group_by(changes.c.resource)
    )
    rows = tx.execute(sa.select(changes.c.resource, changes.c.after).where(changes.c.id.in_(last)))
    return {row.resource: Observation.model_validate(load(row.after)) for row in rows}


def accepted_since(tx: Transaction, point: Point) -> list[str]:
    """Addresses of what was accepted since the point as somebody else had left it."""
    query = sa.select(changes.c.resource).where(
        changes.c.environment == point.environment, changes.c.id > point.change_id, changes.c.kind == "accepted"
    )
    return sorted(set(tx.execute(query).scalars()))


def runs_since(tx: Transaction, point: Point) -> list[RunRecord]:
    """The runs whose first change came after the point, newest first: going back takes them back as a whole."""
    query = sa.select(table.c.run_id).where(
        table.c.environment == point.environment,
        table.c.run_id.is_not(None),
        table.c.change_id >= point.change_id,
        table.c.at >= point.at,
    )
    return [runs.by_id(tx, run_id) for run_id in tx.execute(query.order_by(table.c.id.desc())).scalars()]
