"""Retention: what an old run leaves in the state, and what is taken out of it.

Events and logs go: they are most of what a run writes, and only people read them. The run, its tasks, attempts and
changes stay, because rolling back to any point reads them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from reign.core.states import RUN_ENDED
from reign.store import events as event_log
from reign.store import runs as run_store
from reign.store.database import Transaction
from reign.store.runs import RunRecord
from reign.store.tables import archives, events, logs, runs

_BATCH = 5_000  # rows deleted in one transaction: a larger one would keep claims waiting


@dataclass(frozen=True, slots=True)
class Archived:
    """A run whose events and logs were taken out. ``file``: below the archive folder, None if none was written."""

    run_id: int
    file: str | None
    events: int
    logs: int
    at: float


def old(tx: Transaction, before: float, limit: int) -> list[RunRecord]:
    """Finished runs that ended before that moment and have not been archived, oldest first."""
    archived = sa.exists().where(archives.c.run_id == runs.c.id)
    query = (
        sa.select(runs.c.id)
        .where(runs.c.state.in_([state.value for state in RUN_ENDED]), runs.c.ended_at < before, ~archived)
        .order_by(runs.c.id)
        .limit(limit)
    )
    return [run_store.by_id(tx, run_id) for run_id in tx.execute(query).scalars()]


def lines(tx: Transaction, run: RunRecord) -> Iterator[dict[str, Any]]:
    """What an archive holds: the run and its plan, then each task, event and log line, told apart by ``kind``."""
    said = {name: getattr(run, name) for name in run.__slots__}
    yield {**said, "of_kind": run.kind, "kind": "run", "plan": run_store.plan_of(tx, run.id)}
    for task in run_store.tasks_of(tx, run.id):
        yield {"kind": "task", **{name: getattr(task, name) for name in task.__slots__}}
    last = 0
    while page := event_log.of_run(tx, run.id, last):
        for event in page:
            yield {**event.as_dict(), "kind": "event", "what": event.kind}
        last = page[-1].id
    last = 0
    while found := run_store.log_lines(tx, run.id, None, last):
        for line in found:
            yield {"kind": "log", **line}
        last = found[-1]["id"]


def note(tx: Transaction, made: Archived) -> None:
    """The run counts as archived; its rows may be pruned."""
    tx.execute(
        archives.insert().values(run_id=made.run_id, file=made.file, events=made.events, logs=made.logs, at=made.at)
    )


def unpruned(tx: Transaction, limit: int) -> list[int]:
    """Archived runs of which rows are left."""
    return list(tx.execute(sa.select(archives.c.run_id).where(~archives.c.pruned).limit(limit)).scalars())


def prune(tx: Transaction, run_id: int) -> bool:
    """Remove some of an archived run's events and logs. True when none are left."""
    for table in (events, logs):
        some = sa.select(table.c.id).where(table.c.run_id == run_id).limit(_BATCH).scalar_subquery()
        if tx.execute(table.delete().where(table.c.id.in_(some))).rowcount:
            return False
    tx.execute(sa.update(archives).where(archives.c.run_id == run_id).values(pruned=True))
    return True


def of_run(tx: Transaction, run_id: int) -> Archived | None:
    row = tx.execute(
        sa.select(archives.c.run_id, archives.c.file, archives.c.events, archives.c.logs, archives.c.at).where(
            archives.c.run_id == run_id
        )
    ).one_or_none()
    return Archived(*row) if row else None
