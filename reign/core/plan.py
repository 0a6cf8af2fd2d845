"""Plan and Task: an immutable, validated DAG of typed operations. What may stand in a plan file is what stands here."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from reign.core import expressions
from reign.core.duration import Duration
from reign.core.findings import Threshold
from reign.core.resource import digest

MAX_TASKS = 10_000

TaskId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_-]{0,62}$")]
PlanName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,99}$")]
EnvironmentName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
OperationName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$")]


class OnFailure(StrEnum):
    STOP = "stop"  # nothing new starts; what runs is let end
    CONTINUE = "continue"  # only what needs the failed task is skipped
    ROLLBACK = "rollback"  # stop, then take back what the run changed


class Retry(BaseModel):
    """How often a task that may be tried again is tried, and how long it waits before each further attempt."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    attempts: int = Field(default=1, ge=1, le=100, description="tries in all; 1 means no second try")
    delay: Duration = Field(default=1.0, description="wait before the second try")
    backoff: float = Field(default=2.0, ge=1, le=10, description="each further wait is this many times longer")
    max_delay: Duration = Field(default=300.0, description="no wait is longer than this")
    jitter: float = Field(default=0.1, ge=0, le=1, description="share of the wait that is random, to spread load")

    def wait(self, attempt: int, random: float) -> float:
        """Seconds to wait after failed attempt number ``attempt`` (1 is the first); ``random`` is in [0, 1)."""
        grown = self.delay * self.backoff ** min(attempt - 1, 100)
        return float(min(grown, self.max_delay) * (1 + self.jitter * (2 * random - 1)))


class UndoOf(BaseModel):
    """Makes a task the undo of an earlier one: it brings back the state that was recorded before that one's change."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: str
    task: str
    attempt: int | None = Field(default=None, description="the attempt that is taken back; by default the first")


class ObserveOf(BaseModel):
    """Makes a task a look at the resources of an earlier one: what they are now beside what is recorded of them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: str
    task: str


class RestoreOf(BaseModel):
    """Makes a task the repair of an earlier one's resources: it brings back what is recorded of them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: str
    task: str


class Task(BaseModel):
    """A node of a Plan. ``needs`` holds the tasks named there and those that its expressions refer to."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    uses: OperationName = Field(description="the operation: agent.verb_object")
    with_: dict[str, Any] = Field(default_factory=dict, alias="with", description="its inputs")
    needs: tuple[TaskId, ...] = Field(default=(), description="tasks that must succeed first")
    if_: str | bool | None = Field(default=None, alias="if", description="run only if this expression is true")
    for_each: list[Any] | str | None = Field(
        default=None, description="run once for each item of this list (or of what this expression gives)"
    )
    retry: Retry | None = Field(default=None, description="by default as the operation says")
    timeout: Duration | None = Field(default=None, gt=0, description="by default as the operation says")
    on_failure: OnFailure | None = Field(default=None, description="by default as the plan says")
    approval: Literal["required"] | None = Field(default=None, description="wait for a person's yes")
    locks: tuple[str, ...] = Field(default=(), description="further locks, beside what the operation touches")
    name: str | None = Field(default=None, max_length=200, description="a title for people")
    undo_of: UndoOf | None = Field(default=None, description="set in rollback plans only")
    observe_of: ObserveOf | None = Field(default=None, description="set in plans that look for drift only")
    restore_of: RestoreOf | None = Field(default=None, description="set in plans that repair drift only")

    @model_validator(mode="before")
    @classmethod
    def _one_need_may_stand_alone(cls, value: Any) -> Any:
        if isinstance(value, Mapping) and isinstance(value.get("needs"), str):
            return {**value, "needs": [value["needs"]]}
        return value

    @property
    def agent(self) -> str:
        return self.uses.partition(".")[0]

    @property
    def original(self) -> UndoOf | ObserveOf | RestoreOf | None:
        """The earlier task that this one is about; its inputs are those of that one."""
        return self.undo_of or self.observe_of or self.restore_of

    @cached_property
    def condition(self) -> expressions.Node | None:
        """The parsed ``if``, with or without ``${{ }}`` around it. Raises ExpressionError."""
        if self.if_ is None:
            return None
        if isinstance(self.if_, bool):
            return expressions.Literal(self.if_)
        pieces = expressions.split(self.if_.strip())
        if len(pieces) == 1 and not isinstance(pieces[0], str):
            return pieces[0]
        return expressions.parse(self.if_)

    def nodes(self) -> list[expressions.Node]:
        """All that the task holds. Raises ExpressionError."""
        nodes = [*expressions.expressions(self.with_), *expressions.expressions(self.for_each)]
        nodes += expressions.expressions(list(self.locks))
        return nodes if self.condition is None else [*nodes, self.condition]

    def references(self) -> list[tuple[str, ...]]:
        """The dotted paths that the task's expressions read. Raises ExpressionError."""
        return [path for node in self.nodes() for path in expressions.paths(node)]

    def asks_status(self) -> bool:
        """Whether ``if`` asks how the needed tasks ended, so that their failure does not skip this one."""
        return self.condition is not None and any(
            isinstance(node, expressions.Call) and node.function in expressions.STATUS_FUNCTIONS
            for node in expressions.walk(self.condition)
        )


class Plan(BaseModel):
    """A named DAG of tasks for one environment. Made by a planner or from a file; checked by ``core.check``."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    name: PlanName
    description: str | None = Field(default=None, max_length=2000)
    environment: EnvironmentName = "dev"
    params: dict[str, Any] = Field(
        default_factory=dict, description="named values with their defaults; null makes one required"
    )
    on_failure: OnFailure = OnFailure.STOP
    fail_on: Threshold | None = Field(
        default=None, description="findings from this severity on fail the plan's checks that say nothing themselves"
    )
    concurrency: int | None = Field(default=None, ge=1, le=10_000, description="tasks of a run at the same time")
    tasks: dict[TaskId, Task] = Field(min_length=1, max_length=MAX_TASKS)

    @property
    def needs(self) -> dict[str, tuple[str, ...]]:
        return {task_id: task.needs for task_id, task in self.tasks.items()}

    @cached_property
    def digest(self) -> str:
        """SHA-256 of what the plan says; two plans with the same digest do the same."""
        return digest(self.as_file())

    def as_file(self) -> dict[str, Any]:
        """The plan as a plan file has it, without what is default."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude_none=True) | {
            "name": self.name,
            "tasks": {
                task_id: task.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude_none=True)
                for task_id, task in self.tasks.items()
            },
        }

    def bind(self, params: Mapping[str, Any] | None = None, environment: str | None = None) -> Self:
        """The plan with parameters set, expressions that read only ``params`` and ``environment`` evaluated, and the
        tasks that an expression refers to added to ``needs``.

        Raises ExpressionError or InvalidInput; call ``core.check.checked`` to have all problems at once.
        """
        given = {name: _like(self.params.get(name), value) for name, value in (params or {}).items()}
        values = {**self.params, **given}
        scope = {"params": values, "environment": environment or self.environment}
        tasks = {task_id: _bound(task, scope) for task_id, task in self.tasks.items()}
        return self.model_copy(update={"params": values, "environment": scope["environment"], "tasks": tasks})


_BOUND_ROOTS = frozenset({"params", "environment"})


def _like(default: Any, value: Any) -> Any:
    """A parameter's value as its default is: ``version=2`` is text where the plan says ``version: "1.9"``, and a number
    that was given as text is one where the plan has a number."""
    if isinstance(default, str) and isinstance(value, bool | int | float):
        return json.dumps(value)
    if isinstance(default, int | float) and not isinstance(default, bool) and isinstance(value, str):
        try:
            number = float(value)
        except ValueError:
            return value
        if math.isfinite(number):
            return int(number) if value.strip().lstrip("+-").isdecimal() else number
    return value


def _bound(task: Task, scope: Mapping[str, Any]) -> Task:
    update: dict[str, Any] = {}
    if expressions.has_expression(task.with_):
        update["with_"] = expressions.fill(task.with_, scope, _BOUND_ROOTS)
    if task.for_each is not None and expressions.has_expression(task.for_each):
        found = expressions.fill(task.for_each, scope, _BOUND_ROOTS)
        is_object = isinstance(found, Mapping)
        update["for_each"] = [{"key": key, "value": value} for key, value in found.items()] if is_object else found
    if task.locks and expressions.has_expression(task.locks):
        update["locks"] = tuple(str(lock) for lock in expressions.fill(list(task.locks), scope, _BOUND_ROOTS))
    known = task.condition is not None and {p[0] for p in expressions.paths(task.condition)} <= _BOUND_ROOTS
    if task.condition is not None and known and not task.asks_status():
        update["if_"] = expressions.truthy(expressions.evaluate(task.condition, scope))
    implied = [path[1] for path in task.references() if path[0] == "tasks" and len(path) > 1]
    update["needs"] = tuple(dict.fromkeys([*task.needs, *implied]))
    return task.model_copy(update=update)


_SLUG = re.compile(r"[^a-z0-9]+")


def slug(text: str, limit: int = 40) -> str:
    """A name for plans and tasks out of free text: lower case words joined by hyphens, at most ``limit`` long."""
    words = _SLUG.sub("-", text.lower()).strip("-")[:limit].strip("-")
    return words or "plan"
