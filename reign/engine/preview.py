"""What a plan means before it runs: for each task its effect, what can be taken back, and who must say yes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from reign.core import dag
from reign.core.catalog import Catalog
from reign.core.errors import Refused
from reign.core.findings import Finding
from reign.core.plan import Plan, Task
from reign.core.resource import Undo
from reign.executor.assessing import assess
from reign.executor.contract import Assessment
from reign.policy import Decision


@dataclass(frozen=True)
class TaskPreview:
    """One task as it is shown."""

    id: str
    task: Task
    assessment: Assessment
    decision: Decision | None = None  # what the policy says
    by_name: bool = False  # a yes to the whole plan is not enough
    allowed: bool = False  # a written rule says so, whatever the operation would ask
    rehearsal: Rehearsal | None = None
    pins: Mapping[str, Any] = field(default_factory=dict)  # inputs that tie it to what was shown

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
            **({"policy": self._policy()} if self.decision else {}),
            **({"preview": self.rehearsal.as_dict()} if self.rehearsal else {}),
            **({"pins": dict(self.pins)} if self.pins else {}),
        }

    def _policy(self) -> dict[str, Any]:
        assert self.decision is not None
        said = self.decision.model_dump(mode="json", exclude={"task", "uses"})
        return {**said, "by_name": self.by_name}


@dataclass(frozen=True)
class Rehearsal:
    """What the engine says that a task would change: a diff ("" for nothing), or why it was not asked."""

    diff: str | None = None
    why_not: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """``{diff, not_previewed}``, one of them null."""
        return {"diff": self.diff, "not_previewed": self.why_not}


@dataclass(frozen=True)
class Preview:
    """A checked plan with the assessment of each task.

    ``gated``: the plan with the ``gates`` that are put before its risky tasks; None if there are none.
    """

    plan: Plan
    tasks: tuple[TaskPreview, ...]
    gated: Plan | None = None
    gates: tuple[TaskPreview, ...] = ()

    @property
    def full(self) -> Plan:
        """What is submitted."""
        return self.gated or self.plan

    proposed: frozenset[str] = frozenset()  # tasks that only a model proposed, not the words by themselves

    def as_dict(self) -> dict[str, Any]:
        """What ``reign plan -o json`` prints."""
        return {
            "name": self.plan.name,
            "description": self.plan.description,
            "environment": self.plan.environment,
            "params": self.plan.params,
            "on_failure": self.plan.on_failure.value,
            "digest": self.plan.digest,
            "tasks": [
                task.as_dict() | ({"proposed_by": "model"} if task.id in self.proposed else {}) for task in self.tasks
            ],
            "levels": dag.levels(self.plan.needs),
            "undo": self.undo,
            "gates": [{**gate.as_dict(), "before": self._after(gate.id)} for gate in self.gates],
            "findings": plan_findings(self.tasks),
        }

    def _after(self, gate: str) -> list[str]:
        return [name for name, task in self.full.tasks.items() if gate in task.needs]

    @property
    def undo(self) -> dict[str, Any]:
        """``{exact: [...], compensating: [...], none: [...], unneeded: [...], summary}`` by task id."""
        groups: dict[str, list[str]] = {kind.value: [] for kind in Undo}
        for task in self.tasks:
            groups[task.assessment.undo.value].append(task.id)
        return {**groups, "summary": _sentence(groups)}

    def refusals(self) -> None:
        """Raises Refused if a task must not run at all."""
        for task in (*self.tasks, *self.gates):
            if task.assessment.refuses:
                raise Refused(f"task {task.id} ({task.task.uses}): {task.assessment.refuses}")

    def approvals(self, granted: frozenset[str] | None) -> dict[str, str]:
        """Task id to "required" or "granted". ``granted`` None: everything that code asks for has been seen and
        approved; what the plan's author marked with ``approval: required``, what a written rule asks for and what only
        a model proposed still waits unless named."""
        found: dict[str, str] = {}
        for task in (*self.tasks, *self.gates):
            explicit = task.task.approval == "required" or task.by_name
            if task.id in (granted or ()) or (granted is None and not explicit):
                found[task.id] = "granted"
            elif explicit or task.assessment.asks:
                found[task.id] = "required"
            elif task.allowed:
                found[task.id] = "granted"
        return found


def preview(plan: Plan, catalog: Catalog, full: Plan | None = None, workdir: str | None = None) -> Preview:
    """Assess every task of a checked plan, and the gates that ``full`` adds to it; ``workdir``: the plan's folder.

    What still depends on a result is assessed again when it runs.
    """
    full = full or plan
    folder = Path(workdir) if workdir else None
    seen = {name: TaskPreview(name, task, assess(task, catalog, folder)) for name, task in full.tasks.items()}
    tasks = tuple(replace(seen[name], task=task) for name, task in plan.tasks.items())
    return Preview(plan, tasks, full, tuple(task for name, task in seen.items() if name not in plan.tasks))


def plan_findings(tasks: Sequence[TaskPreview]) -> list[dict[str, Any]]:
    """``{task, id, rule, severity, place, message, remedy, waived}`` of what is dangerous, the worst first."""
    found = [(task.id, finding) for task in tasks for finding in task.assessment.findings]
    return [finding_of(task, finding) for task, finding in sorted(found, key=lambda item: -item[1].severity.rank)]


def finding_of(task: str, finding: Finding) -> dict[str, Any]:
    """One finding as plans and runs show it."""
    return {
        "task": task,
        "id": finding.fingerprint,
        "rule": finding.rule,
        "severity": finding.severity.value,
        "place": finding.place or f"task {task}",
        "message": finding.message,
        "remedy": finding.remedy,
        "waived": finding.waived.model_dump(mode="json") if finding.waived else None,
    }


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
