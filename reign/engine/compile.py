"""Compiling: a plan's DAG as the rows that the state keeps and the segments that become Celery chains.

Linear in tasks plus edges. What is compiled does not depend on the broker: canvases are made from it as
tasks become ready.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reign.core import dag
from reign.core.plan import Plan


@dataclass(frozen=True, slots=True)
class CompiledTask:
    """A task with its place in the canvas. ``rest`` are the ordinals of the tasks that follow it in its segment."""

    ordinal: int
    name: str
    uses: str
    agent: str
    spec: dict[str, Any]
    needs: tuple[int, ...]
    rest: tuple[int, ...]
    sink: bool
    asks_status: bool
    approval: str | None  # "required": a person must say yes; "granted": one has, when the run was submitted


def compile_plan(plan: Plan, *, segment_limit: int, approvals: Mapping[str, str] | None = None) -> list[CompiledTask]:
    """The tasks of a checked plan in plan order. ``approvals``: task id to "required" or "granted"."""
    approvals = approvals or {}
    needs = plan.needs
    ordinal = {name: i for i, name in enumerate(needs)}
    after = dag.successors(needs)
    rest: dict[str, tuple[int, ...]] = {}
    for segment in dag.segments(needs, segment_limit):
        for place, name in enumerate(segment):
            rest[name] = tuple(ordinal[other] for other in segment[place + 1 :])
    return [
        CompiledTask(
            ordinal=ordinal[name],
            name=name,
            uses=task.uses,
            agent=task.agent,
            spec=task.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude_none=True),
            needs=tuple(ordinal[other] for other in needs[name]),
            rest=rest[name],
            sink=not after[name],
            asks_status=task.asks_status(),
            approval=approvals.get(name, task.approval),
        )
        for name, task in plan.tasks.items()
    ]
