"""Inputs of a task at the moment it runs: expressions filled from what is known of the run, then secrets resolved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reign.core import expressions
from reign.core.plan import Task
from reign.core.states import TaskState
from reign.security.masking import MASK
from reign.store import runs
from reign.store.claims import Claim
from reign.store.database import Database
from reign.store.runs import RunInfo


def scope_of(database: Database, claim: Claim, task: Task, run: RunInfo) -> dict[str, Any]:
    """What the task's expressions may read. Results are fetched only for the tasks that it refers to."""
    scope: dict[str, Any] = {
        "params": run.params,
        "environment": run.environment,
        "run": {"name": run.name, "id": run.id},
    }
    if ("run", "plan") in {tuple(path[:2]) for path in task.references()}:
        with database.read() as tx:
            scope["run"]["plan"] = _without_secrets(runs.plan_of(tx, run.id))
    if claim.has_item:
        scope |= {"item": claim.item["item"], "index": claim.item["index"]}
    wanted = {path[1] for path in task.references() if path[0] == "tasks" and len(path) > 1}
    if task.asks_status():
        wanted |= set(task.needs)
    if wanted:
        with database.read() as tx:
            scope["tasks"] = runs.results(tx, run.id, sorted(wanted))
    if task.asks_status():
        ended = [scope.get("tasks", {}).get(name, {}).get("state") for name in task.needs]
        scope["failure()"] = any(state == TaskState.FAILED for state in ended)
        scope["success()"] = all(state == TaskState.SUCCEEDED for state in ended)
    return scope


def _without_secrets(value: Any) -> Any:
    """The plan as data: a reference in it is not to be resolved for who reads it."""
    if isinstance(value, Mapping):
        return {key: _without_secrets(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_secrets(item) for item in value]
    return MASK if isinstance(value, str) and ("secret://" in value or "kept://" in value) else value


def wanted(task: Task, scope: Mapping[str, Any]) -> bool:
    """Whether the task's ``if`` lets it run. Raises ExpressionError."""
    return task.condition is None or expressions.truthy(expressions.evaluate(task.condition, scope))


def items(task: Task, scope: Mapping[str, Any]) -> list[Any]:
    """What ``for_each`` goes over: a list as it is, an object as ``{key, value}`` pairs. Raises ExpressionError."""
    found = expressions.fill(task.for_each, scope)
    if isinstance(found, Mapping):
        return [{"key": key, "value": value} for key, value in found.items()]
    if not isinstance(found, list):
        raise expressions.ExpressionError(f"for_each needs a list, not {str(found)[:60]!r}")
    return found
