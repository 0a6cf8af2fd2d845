"""Whether a plan is what a case expects."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from benchmarks.planner_eval.cases import Case, Expected
from reign.core.errors import NotUnderstood
from reign.core.plan import Plan
from reign.planner import Planner, PlanRequest


@dataclass(frozen=True)
class Verdict:
    """What was right of one case. A refusal that was due is exact; a wrong one has nothing right."""

    case: Case
    operations: bool = False  # the same operations, each as often
    inputs: bool = False  # and every expected input
    order: bool = False  # and every expected order
    refused: bool = False
    why: str = ""

    @property
    def exact(self) -> bool:
        return self.refused if self.case.refuse else self.operations and self.inputs and self.order

    @property
    def wrongly_refused(self) -> bool:
        return self.refused and not self.case.refuse

    @property
    def wrongly_accepted(self) -> bool:
        return self.case.refuse and not self.refused


def judge(planner: Planner, case: Case) -> Verdict:
    """Plans the request and compares."""
    try:
        plan = planner.plan(PlanRequest(case.text)).plan
    except NotUnderstood as error:
        return Verdict(case, refused=True, why=str(error))
    shown = "; ".join(f"{task.uses} {task.with_}" for task in plan.tasks.values())
    if case.refuse:
        return Verdict(case, why=shown)
    operations = Counter(task.uses for task in plan.tasks.values()) == Counter(task.uses for task in case.tasks)
    found = _pair(plan, case)
    inputs = operations and all(name is not None for name in found)
    above = _above(plan)
    order = inputs and all(found[first] in above[found[second] or ""] for first, second in case.order)
    return Verdict(case, operations, inputs, order, why=shown)


def _pair(plan: Plan, case: Case) -> list[str | None]:
    """For each expected task the one that stands for it; none stands for two."""
    found: list[str | None] = []
    for wanted in case.tasks:
        fitting = (n for n, task in plan.tasks.items() if task.uses == wanted.uses and _has(task.with_, wanted))
        found.append(next((name for name in fitting if name not in found), None))
    return found


def _has(given: dict[str, Any], wanted: Expected) -> bool:
    return all(name in given and same(value, given[name]) for name, value in wanted.inputs.items())


def same(one: Any, other: Any) -> bool:
    """Equal, where a number and its text are."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return str(one) == str(other)


def _above(plan: Plan) -> dict[str, set[str]]:
    """Each task to all that come before it."""
    above: dict[str, set[str]] = {}

    def collect(name: str) -> set[str]:
        if name not in above:
            above[name] = set()
            for need in plan.tasks[name].needs:
                above[name] |= {need} | collect(need)
        return above[name]

    for name in plan.tasks:
        collect(name)
    return above
