"""What a task of a plan means before it runs, asked of its operation; inputs may still be expressions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reign.core import expressions
from reign.core.catalog import Catalog, Effect
from reign.core.plan import Task
from reign.core.resource import Undo
from reign.executor import registry
from reign.executor.contract import Assessment


def assess(task: Task, catalog: Catalog, workdir: Path | None = None) -> Assessment:
    """Effect, undo, dangers and approval of a task of a checked plan. What depends on a result is judged as far as
    it is known; with the plan's folder its files count, too. Raises NotFound or Unavailable if there is no such
    operation here."""
    operation = registry.operation(task.uses)
    if task.observe_of is not None:
        return Assessment(Effect.READ, Undo.UNNEEDED, note=f"looks at what {_named(task)} made")
    if task.original is not None:
        verb = "takes back" if task.undo_of is not None else "brings back what is recorded of"
        undo = operation.undo
        if undo is Undo.NONE and task.undo_of is not None:  # there is one with these inputs, or this task were not
            undo = Undo.COMPENSATING
        return Assessment(Effect.CHANGE, undo, note=f"{verb} {_named(task)}")
    model = catalog[task.uses].inputs
    partial = expressions.has_expression(task.with_)
    inputs = partial_inputs(model, task.with_) if partial else model.model_validate(task.with_)
    return operation.assess(inputs) if workdir is None else operation.assess_in(inputs, workdir)


def _named(task: Task) -> str:
    about = task.original
    return f"{about.run}/{about.task}" if about else ""


def partial_inputs(model: Any, values: Mapping[str, Any]) -> Any:
    """Inputs of which some are still expressions: those that are known stand as they were given, unvalidated."""
    fields: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        key = field.alias or name
        if key in values or name in values:
            fields[name] = values.get(key, values.get(name))
        else:
            fields[name] = field.get_default(call_default_factory=True) if not field.is_required() else None
    return model.model_construct(**fields)
