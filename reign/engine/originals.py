"""The earlier task that an undo, a look or a repair is about, and the state that is to be brought back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reign.core.plan import Task
from reign.core.resource import Observation
from reign.executor import TaskFailed, registry
from reign.store import history
from reign.store.database import Transaction


@dataclass(frozen=True)
class Original:
    """``run`` and ``task`` name the task that acted first: an undo of an undo is about the same one."""

    run: str
    task: str
    workdir: str
    inputs: dict[str, Any]
    before: list[Observation]  # what is brought back
    repairs: bool = False  # to what is recorded now, not to what was before

    @property
    def restored(self) -> dict[str, Any]:
        """The result of the task that brings it back."""
        return {"restored": [item.resource for item in self.before]}

    def wanted(self, seen: Sequence[Observation]) -> list[Observation]:
        """What is brought back, given what is there. A repair leaves alone what is recorded as gone: whoever made one
        of that name since wants it."""
        if not self.repairs:
            return self.before
        now = {item.resource: item for item in seen}
        return [item if item.exists else now.get(item.resource, item) for item in self.before]


def find(tx: Transaction, task: Task, environment: str) -> Original:
    """What an internal task is about. Raises TaskFailed if that changed nothing, or cannot be gone back to."""
    about = task.original
    assert about is not None
    found = history.of_task(tx, about.run, about.task)
    if found is None:
        raise TaskFailed(f"{about.run}/{about.task} changed nothing that could be taken back")
    if task.undo_of is not None:
        before = found.before(task.undo_of.attempt)
        if found.spec.undo_of is not None:
            # A rollback that met a damaged state mended it first: the way back from it leads to what stood before the
            # damage, which is recorded.
            before = [_sound(tx, item, environment, found.id) for item in before]
    else:
        last = [Observation.absent(address) for address in found.addresses]
        before = [history.recorded(tx, environment, item.resource) or item for item in last]
    if lost := next((item for item in before if item.is_damaged), None):
        raise TaskFailed(
            f"{lost.resource} was damaged before {about.run}/{about.task}: there is nothing to go back to",
            hint="the state before the damage is in `reign history`",
        )
    first = history.first(tx, found)
    inputs = found.inputs
    if task.undo_of is not None and found.spec.undo_of is not None:
        inputs = registry.operation(found.uses).redone(inputs)
    return Original(first.run, first.name, first.workdir, inputs, before, task.restore_of is not None)


def _sound(tx: Transaction, seen: Observation, environment: str, task_id: int) -> Observation:
    """``seen``; of a damaged one what was recorded of it before that task, if anything was."""
    return seen if not seen.is_damaged else history.recorded_before(tx, environment, seen.resource, task_id) or seen
