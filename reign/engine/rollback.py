"""Taking a run back: an ordinary plan whose tasks undo what the run's tasks changed, in reverse dependency order."""

from __future__ import annotations

from dataclasses import dataclass, field

from reign.core import dag
from reign.core.errors import Conflict
from reign.core.plan import OnFailure, Plan, Task, UndoOf
from reign.core.resource import Undo
from reign.executor import registry
from reign.executor.assessing import partial_inputs
from reign.store import runs
from reign.store.database import Transaction
from reign.store.runs import RunRecord, TaskRecord


@dataclass
class Rollback:
    """The plan that takes a run back (None: nothing to take back), and what it cannot: task id to the reason."""

    plan: Plan | None
    impossible: dict[str, str] = field(default_factory=dict)


def rollback_plan(tx: Transaction, run: RunRecord) -> Rollback:
    """Undo tasks for every task of ``run`` that started a change, unknown outcomes included.

    Raises Conflict while the run still moves.
    """
    if not run.ended and run.state.value != "needs_attention":
        raise Conflict(f"run {run.name} is {run.state}", hint=f"wait, or `reign cancel {run.name}` first")
    found = runs.tasks_of(tx, run.id)
    started = {record.name: record for record in found if _changed(tx, record)}
    result = Rollback(None)
    undone: dict[str, str] = {}
    for name, record in started.items():
        undo, note = _undo_of(record)
        if undo is Undo.NONE:
            result.impossible[name] = note
        elif undo is not Undo.UNNEEDED:
            undone[name] = _undo_id(name, len(undone))
    if undone:
        after = _after(found, set(undone))
        tasks = {
            undone[name]: Task(
                uses=record.uses,
                needs=tuple(undone[other] for other in sorted(after[name])),
                undo_of=UndoOf(run=run.name, task=name),
                name=f"undo {name}",
            )
            for name, record in reversed(started.items())
            if name in undone
        }
        result.plan = Plan(
            name=f"undo {run.name}", environment=run.environment, on_failure=OnFailure.CONTINUE, tasks=tasks
        )
    return result


def _undo_id(name: str, number: int) -> str:
    """A task id for the undo of ``name``; a long name is cut and numbered to stay within what an id may be."""
    plain = "undo-" + name.replace("[", "-").replace("]", "")
    return plain if len(plain) <= 60 else f"{plain[:55]}-{number}"


def _changed(tx: Transaction, record: TaskRecord) -> bool:
    return any(attempt["intent"] for attempt in runs.attempts_of(tx, record.id))


def _undo_of(record: TaskRecord) -> tuple[Undo, str]:
    """What can be taken back of a task, and what that means."""
    operation = registry.operation(record.uses)
    assessment = operation.assess(partial_inputs(operation.Inputs, record.spec.get("with", {})))
    return assessment.undo, assessment.note or f"{record.uses} cannot be taken back"


def _after(found: list[TaskRecord], wanted: set[str]) -> dict[str, set[str]]:
    """For each wanted task the wanted ones that came after it, directly or through others that are not wanted."""
    following: dict[str, set[str]] = {record.name: set() for record in found}
    for record in found:
        for other in record.needs:
            following[other].add(record.name)
        if "[" in record.name:  # an item of a for_each: what needs the whole needs the item
            parent = record.name.partition("[")[0]
            following[record.name] |= {r.name for r in found if parent in r.needs}
    memo: dict[str, set[str]] = {}
    for record in reversed(_ordered(found)):
        memo[record.name] = set()
        for other in following[record.name]:
            memo[record.name] |= {other} if other in wanted else memo.get(other, set())
    return memo


def _ordered(found: list[TaskRecord]) -> list[TaskRecord]:
    """Tasks so that each comes after what it needs."""
    by_name = {record.name: record for record in found}
    return [by_name[name] for name in dag.order({record.name: record.needs for record in found})]
