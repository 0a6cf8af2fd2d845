"""Changes, the resources that they add up to, and their configuration versions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from reign.core.errors import NotFound, did_you_mean
from reign.core.plan import Task
from reign.core.resource import Change, Observation
from reign.store import audit
from reign.store.claims import Claim
from reign.store.database import Transaction, upsert
from reign.store.jsontext import dump, load
from reign.store.tables import attempts, changes, points, resources, runs, tasks


@dataclass(frozen=True, slots=True)
class ResourceRecord:
    """What is recorded of a resource, and the task that made it what it is."""

    environment: str
    address: str
    observation: Observation
    change_id: int
    run_id: int
    task_id: int
    run: str
    task: str
    uses: str
    updated_at: float


@dataclass(frozen=True, slots=True)
class TaskHistory:
    """A task that started to change something: what it was given, and what was there before and after.

    Of ``attempts`` only those with an intent, oldest first.
    """

    id: int
    run: str
    run_id: int
    run_kind: str
    workdir: str
    name: str
    uses: str
    state: str
    spec: Task
    attempts: tuple[dict[str, Any], ...]

    @property
    def inputs(self) -> dict[str, Any]:
        """As resolved for its last attempt, secrets by reference."""
        found: dict[str, Any] = self.attempts[-1]["inputs"]
        return found

    @property
    def addresses(self) -> list[str]:
        """The resources that it was seen to touch."""
        return [item["resource"] for item in self.attempts[-1]["after"] or self.attempts[-1]["before"] or ()]

    def before(self, attempt: int | None = None) -> list[Observation]:
        """What was there before its first change, or before that attempt."""
        which = next((a for a in self.attempts if attempt is None or a["number"] == attempt), self.attempts[0])
        return [Observation.model_validate(item) for item in which["before"] or ()]


def add(tx: Transaction, claim: Claim, environment: str, made: Sequence[Change], now: float) -> None:
    """Record what a task changed, and what its resources look like now."""
    for change in made:
        values = {
            "exists": change.after.exists,
            "observation": dump(change.after.model_dump(mode="json")),
            "change_id": add_change(tx, claim.run_id, claim.task_id, claim.attempt, environment, change, now),
            "run_id": claim.run_id,
            "task_id": claim.task_id,
            "updated_at": now,
        }
        tx.execute(
            upsert(tx, resources)
            .values(environment=environment, address=change.resource, **values)
            .on_conflict_do_update(index_elements=["environment", "address"], set_=values)
        )


def add_change(
    tx: Transaction,
    run_id: int,
    task_id: int,
    attempt: int,
    environment: str,
    change: Change,
    now: float,
    kind: str | None = None,
) -> int:
    """One row of what happened, and its entry in the audit; returns its id."""
    kind = kind or change.kind
    before, after = (dump(seen.model_dump(mode="json")) or "" for seen in (change.before, change.after))
    row = tx.execute(
        changes.insert()
        .values(
            run_id=run_id,
            task_id=task_id,
            attempt=attempt,
            environment=environment,
            resource=change.resource,
            kind=kind,
            before=before,
            after=after,
            at=now,
        )
        .returning(changes.c.id)
    )
    change_id = int(row.scalar_one())
    said = audit.change_digest(change.resource, kind, before, after)
    audit.note(
        tx,
        "change",
        actor=audit.ITSELF,
        environment=environment,
        run_id=run_id,
        subject=change.resource,
        data={"change": change_id, "kind": kind, "task_id": task_id, "attempt": attempt, "digest": said},
        at=now,
    )
    return change_id


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


def recorded_before(tx: Transaction, environment: str, address: str, task_id: int) -> Observation | None:
    """What was recorded of a resource when that task began to change it, or None; not what the task itself found."""
    of = (changes.c.environment == environment, changes.c.resource == address)
    own = sa.select(sa.func.min(changes.c.id)).where(*of, changes.c.task_id == task_id).scalar_subquery()
    found = tx.execute(
        sa.select(changes.c.after)
        .where(*of, changes.c.task_id != task_id, sa.or_(own.is_(None), changes.c.id < own))
        .order_by(changes.c.id.desc())
        .limit(1)
    ).scalar_one_or_none()
    return None if found is None else Observation.model_validate(load(found))


def listing(
    tx: Transaction,
    environment: str | None = None,
    addresses: Sequence[str] | None = None,
    *,
    removed: bool = False,
) -> list[ResourceRecord]:
    """The recorded resources by address; ``removed``: also those that were taken away again."""
    query = (
        sa.select(resources, runs.c.name.label("run"), tasks.c.name.label("task"), tasks.c.uses)
        .join(runs, runs.c.id == resources.c.run_id)
        .join(tasks, tasks.c.id == resources.c.task_id)
        .order_by(resources.c.environment, resources.c.address)
    )
    if environment is not None:
        query = query.where(resources.c.environment == environment)
    if addresses is not None:
        query = query.where(resources.c.address.in_(list(addresses)))
    if not removed:
        query = query.where(resources.c.exists)
    return [
        ResourceRecord(
            environment=row.environment,
            address=row.address,
            observation=Observation.model_validate(load(row.observation)),
            change_id=row.change_id,
            run_id=row.run_id,
            task_id=row.task_id,
            run=row.run,
            task=row.task,
            uses=row.uses,
            updated_at=row.updated_at,
        )
        for row in tx.execute(query)
    ]


def find(tx: Transaction, address: str, environment: str | None = None) -> ResourceRecord:
    """The recorded resource of that address, removed or not. Raises NotFound with the nearest right address."""
    found = listing(tx, environment, [address], removed=True)
    if not found:
        known = sa.select(resources.c.address)
        if environment is not None:
            known = known.where(resources.c.environment == environment)
        names = list(tx.execute(known.distinct()).scalars())
        named = [name for name in names if name.endswith((f"/{address}", f":{address}"))]
        if len(named) == 1:  # `web` for docker:container/web
            return find(tx, named[0], environment)
        where = f" in {environment}" if environment else ""
        hint = f"say which: {', '.join(sorted(named)[:5])}" if named else did_you_mean(address, names)
        raise NotFound(f"no resource {address!r} is recorded{where}", hint=hint or "see `reign resources`")
    if len(found) > 1:
        hint = "say which with --env: " + ", ".join(item.environment for item in found)
        raise NotFound(f"{address} is recorded in {len(found)} environments", hint=hint)
    return found[0]


def versions(tx: Transaction, environment: str, address: str) -> list[dict[str, Any]]:
    """Every configuration of a resource, oldest first:
    ``{version, kind, run, task, uses, by, at, inputs, before, after}`` with Observations as JSON. ``inputs``: those of
    the task, secrets by reference; None where it was not asked for by a plan: an undo, a repair, what was accepted."""
    rows = tx.execute(
        sa.select(
            changes, runs.c.name.label("run"), runs.c.requested_by, runs.c.kind.label("run_kind"),
            tasks.c.name.label("task"), tasks.c.uses, attempts.c.inputs,
        )
        .join(runs, runs.c.id == changes.c.run_id)
        .join(tasks, tasks.c.id == changes.c.task_id)
        .outerjoin(attempts, sa.and_(attempts.c.task_id == changes.c.task_id, attempts.c.number == changes.c.attempt))
        .where(changes.c.environment == environment, changes.c.resource == address)
        .order_by(changes.c.id)
    )  # fmt: skip
    return [
        {
            "version": number,
            "kind": row.kind,
            "run": row.run,
            "task": row.task,
            "uses": row.uses,
            "by": row.requested_by,
            "at": row.at,
            "inputs": load(row.inputs) if row.run_kind == "apply" and row.kind != "accepted" else None,
            "before": load(row.before),
            "after": load(row.after),
        }
        for number, row in enumerate(rows, 1)
    ]


def with_intent(
    tx: Transaction, where: sa.ColumnElement[bool], *, since: sa.ColumnElement[bool] | None = None
) -> list[TaskHistory]:
    """Tasks that started to change something, in the order of their first such attempt.

    ``where`` selects them by columns of ``runs`` and ``tasks``, ``since`` their attempts.
    """
    query = (
        sa.select(
            tasks.c.id, tasks.c.name, tasks.c.uses, tasks.c.state, tasks.c.spec,
            runs.c.id.label("run_id"), runs.c.name.label("run"), runs.c.kind, runs.c.workdir,
            attempts.c.number, attempts.c.outcome, attempts.c.inputs, attempts.c.before, attempts.c.after,
            attempts.c.started_at, attempts.c.ended_at,
        )
        .join(tasks, tasks.c.id == attempts.c.task_id)
        .join(runs, runs.c.id == tasks.c.run_id)
        .where(attempts.c.intent, where)
        .order_by(tasks.c.id, attempts.c.number)
    )  # fmt: skip
    if since is not None:
        query = query.where(since)
    of_task: dict[int, list[Any]] = {}
    for row in tx.execute(query):
        of_task.setdefault(row.id, []).append(row)
    found = [_task_history(rows) for rows in of_task.values()]
    return sorted(found, key=lambda item: (item.attempts[0]["started_at"], item.id))


def _task_history(rows: Sequence[Any]) -> TaskHistory:
    first = rows[0]
    return TaskHistory(
        id=first.id,
        run=first.run,
        run_id=first.run_id,
        run_kind=first.kind,
        workdir=first.workdir,
        name=first.name,
        uses=first.uses,
        state=first.state,
        spec=Task.model_validate(load(first.spec)),
        attempts=tuple(
            {
                "number": row.number,
                "outcome": row.outcome,
                "inputs": load(row.inputs),
                "before": load(row.before),
                "after": load(row.after),
                "started_at": row.started_at,
                "ended_at": row.ended_at,
            }
            for row in rows
        ),
    )


def of_task(tx: Transaction, run: str, task: str) -> TaskHistory | None:
    """What a task of that run changed; None if it never started to, or is not there."""
    found = with_intent(tx, sa.and_(runs.c.name == run, tasks.c.name == task))
    return found[0] if found else None


def first(tx: Transaction, found: TaskHistory) -> TaskHistory:
    """Back through undos and repairs to the task that they are about; its work folder is where paths start."""
    while (about := found.spec.original) is not None:
        earlier = of_task(tx, about.run, about.task)
        if earlier is None:
            break
        found = earlier
    return found


def of_run(tx: Transaction, run_id: int) -> list[TaskHistory]:
    """The tasks of a run that started to change something."""
    return with_intent(tx, runs.c.id == run_id)


def undoing(tx: Transaction, environment: str, after: int) -> list[TaskHistory]:
    """What rollbacks and rehearsals with a later id than ``after`` changed in the environment."""
    kinds = runs.c.kind.in_(["rollback", "rehearsal"])
    return with_intent(tx, sa.and_(runs.c.id > after, runs.c.environment == environment, kinds))


def change_ids(tx: Transaction) -> set[int]:
    """All recorded changes."""
    return set(tx.execute(sa.select(changes.c.id)).scalars())


def specs(tx: Transaction, task_ids: Iterable[int]) -> dict[int, dict[str, Any]]:
    """The tasks of these ids as their plans have them."""
    wanted = list(task_ids)
    found: dict[int, dict[str, Any]] = {}
    for start in range(0, len(wanted), 500):
        query = sa.select(tasks.c.id, tasks.c.spec).where(tasks.c.id.in_(wanted[start : start + 500]))
        found |= {row.id: load(row.spec) for row in tx.execute(query)}
    return found


def forget(tx: Transaction, run_ids: Sequence[int]) -> None:
    """Record no more of the resources that these runs were the last to change; their history stays."""
    tx.execute(resources.delete().where(resources.c.run_id.in_(list(run_ids))))
