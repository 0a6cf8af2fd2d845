"""A planner on the installed operations, and plans in a form that is short to compare."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from reign.core.errors import NotUnderstood
from reign.core.plan import Plan
from reign.executor import registry
from reign.planner import PlanRequest, Proposal
from reign.planner.keyword import KeywordPlanner


@cache
def planner() -> KeywordPlanner:
    return KeywordPlanner(registry.catalog())


def propose(text: str, **given: Any) -> Proposal:
    return planner().plan(PlanRequest(text, **given))


def plan(text: str) -> Plan:
    return propose(text).plan


def tasks(text: str) -> list[tuple[str, dict[str, Any]]]:
    """Operation and inputs of each task, in plan order."""
    return [(task.uses, task.with_) for task in plan(text).tasks.values()]


def only(text: str) -> tuple[str, dict[str, Any]]:
    """Operation and inputs of a plan's one task."""
    [task] = tasks(text)
    return task


def edges(text: str) -> set[tuple[str, str]]:
    """Pairs of operations (with the main name where it tells them apart): the second waits for the first."""
    tasks = plan(text).tasks
    return {(need, name) for name, task in tasks.items() for need in task.needs}


def refusal(text: str) -> NotUnderstood:
    with pytest.raises(NotUnderstood) as caught:
        plan(text)
    return caught.value
