"""Which tasks' changes still stand, after rollbacks and rollbacks of rollbacks; and what is enough to undo them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from reign.core.resource import Undo
from reign.store.history import TaskHistory

Key = tuple[str, str]  # run, task


def key_of(task: TaskHistory) -> Key:
    return task.run, task.name


@dataclass
class _Effect:
    """What an undo did to the set of standing tasks."""

    removed: set[Key]
    added: set[Key]


def still_standing(tasks: Sequence[TaskHistory]) -> list[TaskHistory]:
    """Those of ``tasks`` (in the order in which they acted) whose changes stand.

    An undo that succeeded cancels out with the task that it took back, and with what came between the two and touched
    nothing else: it brought back the state from before all of them. An undo of an undo makes them stand again.
    An undo of a task from before the first of ``tasks`` is a change like any other.
    """
    by_key = {key_of(task): task for task in tasks}
    order = {key: place for place, key in enumerate(by_key)}
    standing: dict[Key, None] = {}
    effects: dict[Key, _Effect] = {}
    for task in tasks:
        key, about = key_of(task), task.spec.undo_of
        target = (about.run, about.task) if about else None
        if target is None or target not in by_key or order[target] > order[key] or task.state != "succeeded":
            standing[key] = None
            continue
        touched = set(by_key[target].addresses)
        between = {
            other
            for other in standing
            if order[other] > order[target] and touched and set(by_key[other].addresses) <= touched
        } | {other for other in standing if _undoes(by_key[other]) == target}
        earlier = effects.get(target)
        effect = _Effect(between, set())
        if earlier is None:
            effect.removed.add(target)
        else:
            effect.removed |= earlier.added
            effect.added |= earlier.removed
        for other in effect.removed:
            standing.pop(other, None)
        standing |= dict.fromkeys(effect.added)
        effects[key] = effect
    return [task for task in tasks if key_of(task) in standing]


def _undoes(task: TaskHistory) -> Key | None:
    about = task.spec.undo_of
    return (about.run, about.task) if about else None


def needed(
    tasks: Sequence[TaskHistory], undo: Mapping[Key, Undo], settled: Callable[[str], bool]
) -> tuple[list[TaskHistory], int]:
    """Of standing tasks, in order, those whose undo is enough to bring every resource back; and how many are not needed
    since what they touched is as it was already.

    Where every task that touched a resource can be undone exactly, the undo of the first one brings back the state from
    before all of them, and the others need none. ``settled`` says of a resource that it is as it shall be.
    """
    plain = _plain(tasks, undo)
    owner: dict[str, TaskHistory] = {}
    for task in tasks:
        if key_of(task) not in plain:
            for address in task.addresses:
                owner.setdefault(address, task)
    chosen: set[Key] = set(plain)
    open_ = [address for address in owner if not settled(address)]
    while open_:
        task = owner[open_.pop()]
        if key_of(task) in chosen:
            continue
        chosen.add(key_of(task))
        # Its undo sets its other resources to an earlier state too: those must then go all the way back.
        open_ += [address for address in task.addresses if owner[address] is not task]
    found = [task for task in tasks if key_of(task) in chosen]
    untouched = {address for address in owner if settled(address)}
    spared = sum(1 for task in tasks if key_of(task) not in chosen and set(task.addresses) <= untouched)
    return found, spared


def _plain(tasks: Iterable[TaskHistory], undo: Mapping[Key, Undo]) -> set[Key]:
    """The tasks that must be undone one by one: inexact ones, and all that share a resource with them."""
    waiting = list(tasks)
    found: set[Key] = set()
    shared: set[str] = set()
    moved = True
    while moved:
        moved = False
        for task in list(waiting):
            inexact = undo[key_of(task)] is not Undo.EXACT or not task.addresses
            if inexact or shared & set(task.addresses):
                found.add(key_of(task))
                shared |= set(task.addresses)
                waiting.remove(task)
                moved = True
    return found
