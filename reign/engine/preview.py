"""What a plan means before it runs: for each task its effect, what can be taken back, and who must say yes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reign.core import dag
from reign.core.catalog import Catalog
from reign.core.errors import Refused
from reign.core.plan import Plan, Task
from reign.core.resource import Undo
from reign.executor.assessing import assess
from reign.executor.contract import Assessment


@dataclass(frozen=True)
class TaskPreview:
    """One task as it is shown."""

    id: str
    task: Task
    assessment: Assessment

    def as_dict(self) -> dict[str, Any]:
        """``{id, uses, with, needs, effect, undo, undo_note, approval, ...}``; absent keys have their defaults."""
        shown = self.task.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude_none=True)
        return {
            "id": self.id,
            "uses": self.task.uses,
            "with": shown.pop("with", {}),
            "needs": list(self.task.needs),
            **{key: value for key, value in shown.items() if key not in ("uses", "needs")},
            "effect": self.assessment.effect.value,
            "undo": self.assessment.undo.value,
            "undo_note": self.assessment.note,
            "asks": self.assessment.asks,
            "refuses": self.assessment.refuses,
        }


@dataclass(frozen=True)
class Preview:
    """A checked plan with the assessment of each task."""

    plan: Plan
    tasks: tuple[TaskPreview, ...]

    def as_dict(self) -> dict[str, Any]:
        """What ``reign plan -o json`` prints."""
        return {
            "name": self.plan.name,
            "description": self.plan.description,
            "environment": self.plan.environment,
            "params": self.plan.params,
            "on_failure": self.plan.on_failure.value,
            "digest": self.plan.digest,
            "tasks": [task.as_dict() for task in self.tasks],
            "levels": dag.levels(self.plan.needs),
            "undo": self.undo,
        }

    @property
    def undo(self) -> dict[str, Any]:
        """``{exact: [...], compensating: [...], none: [...], unneeded: [...], summary}`` by task id."""
        groups: dict[str, list[str]] = {kind.value: [] for kind in Undo}
        for task in self.tasks:
            groups[task.assessment.undo.value].append(task.id)
        return {**groups, "summary": _sentence(groups)}

    def refusals(self) -> None:
        """Raises Refused if a task must not run at all."""
        for task in self.tasks:
            if task.assessment.refuses:
                raise Refused(f"task {task.id} ({task.task.uses}): {task.assessment.refuses}")

    def approvals(self, granted: frozenset[str] | None) -> dict[str, str]:
        """Task id to "required" or "granted". ``granted`` None: everything that code asks for has been seen and
        approved; what the plan's author marked with ``approval: required`` still waits unless named."""
        found: dict[str, str] = {}
        for task in self.tasks:
            explicit = task.task.approval == "required"
            if task.id in (granted or ()) or (granted is None and not explicit):
                found[task.id] = "granted"
            elif explicit or task.assessment.asks:
                found[task.id] = "required"
        return found


def preview(plan: Plan, catalog: Catalog) -> Preview:
    """Assess every task of a checked plan. What still depends on a result is assessed again when it runs."""
    return Preview(plan, tuple(TaskPreview(name, task, assess(task, catalog)) for name, task in plan.tasks.items()))


def _sentence(groups: Mapping[str, list[str]]) -> str:
    counts = Counter({kind: len(tasks) for kind, tasks in groups.items()})
    changing = counts[Undo.EXACT] + counts[Undo.COMPENSATING] + counts[Undo.NONE]
    if not changing:
        return "Nothing is changed."
    parts = []
    if counts[Undo.EXACT]:
        parts.append(f"{counts[Undo.EXACT]} of {changing} changes can be taken back exactly")
    if counts[Undo.COMPENSATING]:
        parts.append(f"{counts[Undo.COMPENSATING]} only as a best effort ({', '.join(groups[Undo.COMPENSATING])})")
    if counts[Undo.NONE]:
        parts.append(f"{counts[Undo.NONE]} cannot be taken back ({', '.join(groups[Undo.NONE])})")
    if not counts[Undo.COMPENSATING] and not counts[Undo.NONE]:
        return "All of it can be taken back exactly."
    return "; ".join(parts) + "."
