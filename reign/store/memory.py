"""Memory in the state: bounded tables of attempts, requests and repairs, filled from the runs that have ended.

Bounds: of one requester's day at most ``PER_PATTERN`` attempts of an operation with such inputs and ``PER_OPERATION``
of the operation are kept, and at most ``PER_RUN`` of a run; texts are cut. Statistics are made of the newest ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa

from reign.memory.episodes import IMPORTED, Episode
from reign.memory.recipes import Applied
from reign.memory.requests import PastRequest
from reign.store.database import Transaction, upsert
from reign.store.jsontext import dump, load
from reign.store.tables import attempts, events, runs, tasks
from reign.store.tables import memory_cursor as cursor_table
from reign.store.tables import memory_episodes as episode_table
from reign.store.tables import memory_repairs as repair_table
from reign.store.tables import memory_requests as request_table

PER_RUN = 500
PER_PATTERN = 20
PER_OPERATION = 100
READ = 300  # attempts that one look is made of
NUMBERED = 5_000  # newest attempts that they are chosen from
_REQUESTS = 2000
_NAME = 100  # characters
_PEOPLE = 100  # requesters that one query names
_ENDED = ("run.succeeded", "run.failed", "run.cancelled")


@dataclass(frozen=True, slots=True)
class FinishedAttempt:
    """What is read of one attempt of a run that has ended."""

    task: str
    uses: str
    spec: dict[str, Any]
    number: int
    outcome: str
    intent: bool
    error: Any
    started_at: float
    ended_at: float


# --- reading what has happened ----------------------------------------------------------------------------------------


def ended_since(tx: Transaction, after: int, before: float, limit: int) -> tuple[list[int], int]:
    """``(runs that ended, where to go on)`` among the events with an id above ``after`` and older than ``before``.

    The age lets transactions that took their ids earlier commit first; what is missed all the same is a little history.
    """
    rows = tx.execute(
        sa.select(events.c.id, events.c.run_id)
        .where(events.c.id > after, events.c.kind.in_(_ENDED), events.c.at < before)
        .order_by(events.c.id)
        .limit(limit)
    ).all()
    if len(rows) == limit:
        return list(dict.fromkeys(row.run_id for row in rows)), rows[-1].id
    newest = tx.execute(sa.select(sa.func.max(events.c.id)).where(events.c.id > after, events.c.at < before)).scalar()
    return list(dict.fromkeys(row.run_id for row in rows)), newest or after


def cursor(tx: Transaction) -> int:
    found = tx.execute(sa.select(cursor_table.c.value).where(cursor_table.c.name == "events")).scalar()
    return int(found or 0)


def move_cursor(tx: Transaction, to: int) -> None:
    statement = upsert(tx, cursor_table).values(name="events", value=to)
    tx.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"value": to}))


def finished_attempts(tx: Transaction, run_id: int) -> list[FinishedAttempt]:
    """The ended attempts of a run, in the order in which they began; the newest ``PER_RUN`` of a large one."""
    query = (
        sa.select(
            tasks.c.name, tasks.c.uses, tasks.c.spec, attempts.c.number, attempts.c.outcome, attempts.c.intent,
            attempts.c.error, attempts.c.started_at, attempts.c.ended_at,
        )
        .join(tasks, tasks.c.id == attempts.c.task_id)
        .where(tasks.c.run_id == run_id, attempts.c.ended_at.is_not(None))
        .order_by(attempts.c.started_at.desc())
        .limit(PER_RUN)
    )  # fmt: skip
    found = [
        FinishedAttempt(
            row.name, row.uses, load(row.spec), row.number, row.outcome, row.intent, load(row.error),
            row.started_at, row.ended_at,
        )
        for row in tx.execute(query)
    ]  # fmt: skip
    return found[::-1]


# --- writing ----------------------------------------------------------------------------------------------------------


def add(tx: Transaction, episodes: Iterable[tuple[Episode, int]]) -> int:
    """Keep attempts (each with its number in its task), as far as their requester's day has room. Known ones change
    nothing. Returns how many were offered to the table."""
    offered = list(episodes)
    of_operation, of_pattern = _counts(tx, [episode for episode, _ in offered])
    rows = []
    for episode, number in offered:
        day = int(episode.at // 86_400)
        wide = (episode.by[:_NAME], day, episode.operation)
        narrow = (*wide, episode.pattern)
        if of_operation[wide] >= PER_OPERATION or of_pattern[narrow] >= PER_PATTERN:
            continue
        of_operation[wide] += 1
        of_pattern[narrow] += 1
        body = asdict(episode)
        body["requester"] = body.pop("by")
        rows.append(
            {
                **body,
                "run": episode.run[:_NAME],
                "task": episode.task[:_NAME],
                "requester": episode.by[:_NAME],
                "attempt": number,
                "day": day,
            }
        )
    if rows:
        tx.execute(
            upsert(tx, episode_table).on_conflict_do_nothing(index_elements=["run", "task", "attempt"]), rows
        )  # fmt: skip
    return len(rows)


_Wide = tuple[str, int, str]
_Narrow = tuple[str, int, str, str]


def _counts(tx: Transaction, offered: Sequence[Episode]) -> tuple[Counter[_Wide], Counter[_Narrow]]:
    """How many are kept of each requester, day and operation (and pattern) that is offered: one look for all of them,
    for an import may be of many requesters and days."""
    of_operation: Counter[_Wide] = Counter()
    of_pattern: Counter[_Narrow] = Counter()
    if not offered:
        return of_operation, of_pattern
    table = episode_table.c
    columns = (table.requester, table.day, table.operation, table.pattern)
    first, last = (int(edge(episode.at for episode in offered) // 86_400) for edge in (min, max))
    query = sa.select(*columns, sa.func.count()).where(table.at >= first * 86_400.0, table.at < (last + 1) * 86_400.0)
    people = {episode.by[:_NAME] for episode in offered}
    if len(people) <= _PEOPLE:
        query = query.where(table.requester.in_(people))
    for by, day, operation, pattern, count in tx.execute(query.group_by(*columns)):
        of_operation[by, day, operation] += count
        of_pattern[by, day, operation, pattern] += count
    return of_operation, of_pattern


def add_request(tx: Transaction, request: PastRequest) -> None:
    """Keep how a request ended; the same run again changes how."""
    values = {
        "run": request.run[:_NAME],
        "text": request.text,
        "plan": request.plan[:_NAME],
        "operations": dump(list(request.operations)[:50]),
        "ok": request.ok,
        "at": request.at,
    }
    statement = upsert(tx, request_table).values(**values)
    tx.execute(statement.on_conflict_do_update(index_elements=["run"], set_={"ok": request.ok, "at": request.at}))


def add_repair(tx: Transaction, repair: Applied) -> None:
    """Keep a repair that was applied; known ones change nothing."""
    body = asdict(repair)
    body["requester"] = body.pop("by")[:_NAME]
    body["recipe"] = dump(repair.recipe)
    statement = upsert(tx, repair_table).values(**body)
    tx.execute(statement.on_conflict_do_nothing(index_elements=["run", "round", "task"]))


# --- looking ----------------------------------------------------------------------------------------------------------


def episodes(tx: Transaction, operation: str, pattern: str | None = None) -> list[Episode]:
    """The newest attempts of an operation (with inputs of that shape), of each requester's day a few; those that were
    imported come after those from here."""
    of_day = (
        sa.func.row_number()
        .over(partition_by=(episode_table.c.requester, episode_table.c.day), order_by=episode_table.c.at.desc())
        .label("of_day")
    )
    wanted = episode_table.c.operation == operation
    if pattern is not None:
        wanted &= episode_table.c.pattern == pattern
    # Only the newest are numbered: sorting a huge history whole would make each plan wait.
    of_time = sa.select(episode_table.c.at).where(wanted).order_by(episode_table.c.at.desc())
    since = sa.func.coalesce(of_time.offset(NUMBERED).limit(1).scalar_subquery(), 0.0)
    found = sa.select(episode_table, of_day).where(wanted, episode_table.c.at >= since).subquery()
    from_here = sa.case((found.c.requester.startswith(IMPORTED, autoescape=True), 1), else_=0)
    query = sa.select(found).where(found.c.of_day <= PER_PATTERN).order_by(from_here, found.c.at.desc()).limit(READ)
    return [_episode(row) for row in tx.execute(query)]


def _episode(row: Any) -> Episode:
    return Episode(
        operation=row.operation, pattern=row.pattern, same=row.same, environment=row.environment, ok=row.ok,
        sort=row.sort, signature=row.signature, message=row.message, seconds=row.seconds, worked=row.worked,
        recovered=row.recovered, run=row.run, task=row.task, by=row.requester, at=row.at,
    )  # fmt: skip


def operations(tx: Transaction) -> dict[str, int]:
    """The operations that something is known of, with how many attempts."""
    query = (
        sa.select(episode_table.c.operation, sa.func.count())
        .group_by(episode_table.c.operation)
        .order_by(episode_table.c.operation)
    )
    return {row[0]: row[1] for row in tx.execute(query)}


def requests(tx: Transaction) -> list[PastRequest]:
    """The newest requests."""
    query = sa.select(request_table).order_by(request_table.c.at.desc()).limit(_REQUESTS)
    return [
        PastRequest(row.text, row.plan, tuple(load(row.operations) or ()), row.ok, row.run, row.at)
        for row in tx.execute(query)
    ]


def repairs(tx: Transaction, operation: str, signature: str | None = None, limit: int = 200) -> list[Applied]:
    """The newest repairs of failures of an operation (of that signature)."""
    query = sa.select(repair_table).where(repair_table.c.operation == operation)
    if signature is not None:
        query = query.where(repair_table.c.signature == signature)
    return [_applied(row) for row in tx.execute(query.order_by(repair_table.c.at.desc()).limit(limit))]


def _applied(row: Any) -> Applied:
    return Applied(
        operation=row.operation, signature=row.signature, sort=row.sort, reason=row.reason, source=row.source,
        recipe=load(row.recipe), worked=row.worked, run=row.run, round=row.round, task=row.task, by=row.requester,
        at=row.at,
    )  # fmt: skip


# --- cleaning up, moving ----------------------------------------------------------------------------------------------


def prune(tx: Transaction, older_than: float, most: int) -> int:
    """Forget what is older, and the oldest attempts beyond ``most``. Returns how many rows went."""
    gone = 0
    for table in (episode_table, request_table, repair_table):
        gone += tx.execute(table.delete().where(table.c.at < older_than)).rowcount
        kept = sa.select(table.c.id).order_by(table.c.at.desc(), table.c.id.desc()).offset(most).limit(1)
        last = tx.execute(sa.select(table.c.at).where(table.c.id == kept.scalar_subquery())).scalar()
        if last is not None:
            gone += tx.execute(table.delete().where(table.c.at <= last)).rowcount
    return gone


def forget(tx: Transaction, *, operation: str | None = None, run: str | None = None, by: str | None = None) -> int:
    """Forget what is known of an operation, from a run, or from a requester; all of it if none is given."""
    gone = 0
    for table in (episode_table, repair_table, request_table):
        which = []
        if run is not None:
            which.append(table.c.run == run)
        if operation is not None and table is not request_table:
            which.append(table.c.operation == operation)
        if by is not None and table is not request_table:
            which.append(table.c.requester == by)
        if (operation or by) and table is request_table:
            continue
        gone += tx.execute(table.delete().where(*which)).rowcount
    return gone


def every_episode(tx: Transaction) -> Iterable[tuple[Episode, int]]:
    """All attempts with their numbers, oldest first."""
    for row in tx.execute(sa.select(episode_table).order_by(episode_table.c.at, episode_table.c.id)):
        yield _episode(row), row.attempt


def every_repair(tx: Transaction) -> Sequence[Applied]:
    """All repairs, oldest first."""
    return [_applied(row) for row in tx.execute(sa.select(repair_table).order_by(repair_table.c.at))]


def run_of(tx: Transaction, run_id: int) -> Any:
    """What memory needs of a run, or None if it is gone."""
    query = sa.select(
        runs.c.id, runs.c.name, runs.c.kind, runs.c.state, runs.c.environment, runs.c.request, runs.c.plan_name,
        runs.c.requested_by, runs.c.ended_at,
    )  # fmt: skip
    return tx.execute(query.where(runs.c.id == run_id)).one_or_none()
