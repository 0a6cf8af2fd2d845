"""The way back: an ordinary plan whose tasks undo what earlier tasks changed, in reverse dependency and time order."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from reign.core import dag
from reign.core.errors import Conflict, InvalidInput
from reign.core.plan import OnFailure, Plan, Task, UndoOf
from reign.core.resource import Observation, Undo
from reign.engine.standing import Key, key_of, needed, still_standing
from reign.executor import registry
from reign.executor.assessing import partial_inputs
from reign.store import history, points, runs
from reign.store.database import Transaction
from reign.store.history import TaskHistory
from reign.store.points import Point
from reign.store.runs import RunRecord, TaskRecord

#: Edges between the tasks of two runs before one task is put in the middle: all wait for it, and it for all.
_MANY = 64


@dataclass
class Rollback:
    """The plan that goes back (None: nothing to take back), what it cannot take back (task to the reason), and what a
    person should know before saying yes. ``runs`` are the ids of those that it takes back."""

    plan: Plan | None = None
    impossible: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    runs: list[int] = field(default_factory=list)


def rollback_plan(tx: Transaction, run: RunRecord) -> Rollback:
    """Undo tasks for every task of ``run`` that started a change, unknown outcomes included, as far as what it changed
    still stands: what an earlier rollback took back is not taken back again.

    Raises Conflict while the run, or a rollback of it, still moves.
    """
    _still(run)
    own = history.of_run(tx, run.id)
    followed = _followed(tx, run, own)
    for other in {task.run for task in followed}:
        _still(runs.find(tx, other))
    standing = {key_of(task) for task in still_standing([*own, *followed])}
    left = [task for task in own if key_of(task) in standing]
    found = _undone(tx, left, name=f"undo {run.name}", environment=run.environment)
    found.runs = [run.id]
    found.notes += _since(tx, run, left)
    return found


def _still(run: RunRecord) -> None:
    if not run.ended and run.state.value != "needs_attention":
        raise Conflict(f"run {run.name} is {run.state}", hint=f"wait, or `reign cancel {run.name}` first")


def _followed(tx: Transaction, run: RunRecord, own: Sequence[TaskHistory]) -> list[TaskHistory]:
    """The undos of these tasks in later runs, and the undos of those."""
    known = {key_of(task) for task in own}
    found = []
    for task in history.undoing(tx, run.environment, run.id) if own else ():
        about = task.spec.undo_of
        if about is not None and (about.run, about.task) in known:
            known.add(key_of(task))
            found.append(task)
    return found


def _since(tx: Transaction, run: RunRecord, left: Sequence[TaskHistory]) -> list[str]:
    """What others have changed since: it is lost by going back."""
    addresses = sorted({address for task in left for address in task.addresses})
    recorded = history.listing(tx, run.environment, addresses, removed=True)
    ours = {task.run_id for task in left}
    return [
        f"{item.address} was changed since by run {item.run}; going back loses that"
        for item in recorded
        if item.run_id > run.id and item.run_id not in ours
    ][:20]


def rollback_to(tx: Transaction, point: Point) -> Rollback:
    """Undo tasks for all that was changed in the environment since the point, by whichever run.

    Raises Conflict while a run of the environment still moves.
    """
    for run in runs.listing(tx, environment=point.environment, limit=500):
        if run.kind != "drift":
            _still(run)
    # What was repaired is what it was at the point; what the repair found in its place is nothing to go back to.
    since = [task for task in points.members(tx, point) if task.spec.restore_of is None]
    standing = still_standing(since)
    undo = {key_of(task): undo_of(task)[0] for task in standing}
    wanted = [task for task in standing if undo[key_of(task)] is not Undo.UNNEEDED]
    chosen, spared = needed(wanted, undo, _settled(tx, point, since, wanted))
    found = _undone(tx, chosen, name=f"back to {point.name}", environment=point.environment)
    cancelled = len(since) - len(standing)
    if cancelled:
        found.notes.append(f"{cancelled} changes since then cancel each other out and are left alone")
    if spared:
        found.notes.append(f"{spared} more touched only what is as it was then already")
    if accepted := points.accepted_since(tx, point):
        found.notes.append(
            f"{', '.join(accepted[:5])}{' and others' if len(accepted) > 5 else ''}: accepted since then as others "
            "left it, which no run did and no way back undoes"
        )
    found.runs = [run.id for run in points.runs_since(tx, point)]
    return found


def _settled(
    tx: Transaction, point: Point, since: Sequence[TaskHistory], standing: Sequence[TaskHistory]
) -> Callable[[str], bool]:
    """Whether what is recorded of a resource is what it was at the point, and no outcome about it is unknown."""
    doubtful = {address for task in since if task.state != "succeeded" for address in task.addresses}
    addresses = sorted({address for task in standing for address in task.addresses})
    now = {item.address: item.observation for item in history.listing(tx, point.environment, addresses, removed=True)}
    then: dict[str, Observation] = {}
    for task in standing:
        for seen in task.before(task.attempts[0]["number"]):
            then.setdefault(seen.resource, seen)
    then |= points.recorded_at(tx, point, addresses)

    def settled(address: str) -> bool:
        if address in doubtful or address not in now or address not in then:
            return False
        return now[address].same_as(then[address])

    return settled


def undo_of(task: TaskHistory) -> tuple[Undo, str]:
    """What can be taken back of a task, and what that means."""
    operation = registry.operation(task.uses)
    inputs = task.inputs or {}
    try:
        given = registry.catalog().parse(task.uses, inputs)
    except InvalidInput:  # of an older release
        given = partial_inputs(operation.Inputs, inputs)
    assessment = operation.assess(given)
    damaged = any(seen.is_damaged for seen in task.before(task.attempts[0]["number"]))
    if damaged and task.spec.undo_of is None:  # of a rollback: what was recorded before the damage is gone back to
        return Undo.NONE, "what it repaired was damaged: there is nothing to go back to"
    return assessment.undo, assessment.note or f"{task.uses} cannot be taken back"


def _undone(tx: Transaction, tasks: Sequence[TaskHistory], *, name: str, environment: str) -> Rollback:
    """The plan that undoes ``tasks``; the later ones first, and within a run in reverse dependency order."""
    result = Rollback()
    several = len({task.run for task in tasks}) > 1
    wanted: dict[Key, TaskHistory] = {}
    for task in tasks:
        undo, note = undo_of(task)
        if undo is Undo.NONE:
            result.impossible[f"{task.run}/{task.name}" if several else task.name] = note
        elif undo is not Undo.UNNEEDED:
            wanted[key_of(task)] = task
    if not wanted:
        return result
    after = _after(tx, wanted)
    order = _latest_first(wanted, after)
    needs = _with_barriers(order, after)
    ids = _ids(order)
    result.plan = Plan(
        name=name[:100],
        environment=environment,
        on_failure=OnFailure.CONTINUE,
        tasks={ids[key]: _undo_task(wanted[key], [ids[other] for other in needs[key]], several) for key in order},
    )
    return result


def _undo_task(task: TaskHistory, needs: Iterable[str], several: bool) -> Task:
    number = task.attempts[0]["number"]
    return Task(
        uses=task.uses,
        needs=tuple(sorted(needs)),
        undo_of=UndoOf(run=task.run, task=task.name, attempt=number if number > 1 else None),
        name=f"undo {task.run}/{task.name}"[:200] if several else f"undo {task.name}",
    )


def _ids(keys: Iterable[Key]) -> dict[Key, str]:
    """Task ids for the undos; a long name is cut and numbered to stay within what an id may be."""
    found: dict[Key, str] = {}
    taken: set[str] = set()
    for number, key in enumerate(keys):
        plain = "undo-" + key[1].removeprefix("undo-").replace("[", "-").replace("]", "")
        named = plain if len(plain) <= 60 and plain not in taken else f"{plain[:50]}-{number}"
        taken.add(named)
        found[key] = named
    return found


def _after(tx: Transaction, wanted: Mapping[Key, TaskHistory]) -> dict[Key, set[Key]]:
    """For each wanted task the wanted ones of its run that came after it, directly or through others."""
    result: dict[Key, set[Key]] = {}
    for run, run_id in dict.fromkeys((task.run, task.run_id) for task in wanted.values()):
        names = {name for of, name in wanted if of == run}
        for name, later in following(runs.tasks_of(tx, run_id), names).items():
            if name in names:
                result[run, name] = {(run, other) for other in later}
    return result


def following(found: list[TaskRecord], wanted: set[str]) -> dict[str, set[str]]:
    """For each task of a run the wanted ones that came after it, directly or through others that are not wanted."""
    after: dict[str, set[str]] = {record.name: set() for record in found}
    for record in found:
        for other in record.needs:
            after[other].add(record.name)
        if "[" in record.name:  # an item of a for_each: what needs the whole needs the item
            parent = record.name.partition("[")[0]
            after[record.name] |= {r.name for r in found if parent in r.needs}
    memo: dict[str, set[str]] = {}
    for record in reversed(_ordered(found)):
        memo[record.name] = set()
        for other in after[record.name]:
            memo[record.name] |= {other} if other in wanted else memo.get(other, set())
    return memo


def _ordered(found: list[TaskRecord]) -> list[TaskRecord]:
    """Tasks so that each comes after what it needs."""
    by_name = {record.name: record for record in found}
    return [by_name[name] for name in dag.order({record.name: record.needs for record in found})]


def _latest_first(wanted: Mapping[Key, TaskHistory], after: Mapping[Key, set[Key]]) -> list[Key]:
    """Latest first; what depends on another always before that other, whatever the workers' clocks say."""
    open_ = {key: len(after[key]) for key in wanted}
    earlier: dict[Key, list[Key]] = {key: [] for key in wanted}
    for key, later in after.items():
        for other in later:
            earlier[other].append(key)
    heap = [(-wanted[key].attempts[0]["started_at"], -wanted[key].id, key) for key, count in open_.items() if not count]
    heapq.heapify(heap)
    order = []
    while heap:
        _, _, key = heapq.heappop(heap)
        order.append(key)
        for other in earlier[key]:
            open_[other] -= 1
            if not open_[other]:
                heapq.heappush(heap, (-wanted[other].attempts[0]["started_at"], -wanted[other].id, other))
    return order


def _with_barriers(order: Sequence[Key], after: Mapping[Key, set[Key]]) -> dict[Key, set[Key]]:
    """The needs of each undo: within its run as ``after`` says, and the whole stretch of another run before its own."""
    needs = {key: set(after[key]) for key in order}
    stretches: list[list[Key]] = []
    for key in order:
        if stretches and stretches[-1][0][0] == key[0]:
            stretches[-1].append(key)
        else:
            stretches.append([key])
    for before, now in pairwise(stretches):
        needed_inside = {other for key in before for other in needs[key]}
        exits = [key for key in before if key not in needed_inside]
        inside = set(now)
        entries = [key for key in now if not needs[key] & inside]
        if len(exits) * len(entries) > _MANY:
            for key in entries[1:]:
                needs[key].add(entries[0])
            entries = entries[:1]
        for key in entries:
            needs[key] |= set(exits)
    return needs
