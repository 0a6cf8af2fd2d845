"""What a model may answer: a plan in the plan language, or a question. Nothing of it is believed unchecked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from reign.core.plan import Plan, slug
from reign.planner.protocol import Note

MAX_STEPS = 500


class Step(BaseModel):
    """One task."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    uses: str = Field(description="an operation of the list, agent.verb_object")
    with_: dict[str, Any] = Field(default_factory=dict, alias="with", description="its inputs, named as in the list")
    needs: list[str] = Field(default_factory=list, description="ids of tasks that must succeed first")
    if_: str | None = Field(default=None, alias="if", description="an expression; run only if it is true")
    for_each: list[Any] | str | None = Field(default=None, description="run once for each item; read it as item")
    retry: dict[str, Any] | None = Field(default=None, description='e.g. {"attempts": 3, "delay": "2s", "backoff": 2}')
    timeout: str | float | None = Field(default=None, description="e.g. 30s")
    on_failure: Literal["stop", "continue", "rollback"] | None = None
    approval: Literal["required"] | None = Field(default=None, description="where the request wants a person asked")
    because: str = Field(default="", max_length=300, description="the words of the request that ask for it, verbatim")


class ProposedPlan(BaseModel):
    """The plan that does what the request asks for, and no more."""

    model_config = ConfigDict(extra="forbid")

    tasks: dict[str, Step] = Field(min_length=1, max_length=MAX_STEPS, description="task id -> task")
    on_failure: Literal["stop", "continue", "rollback"] = "stop"
    concurrency: int | None = Field(default=None, description="tasks at the same time, if the request limits them")


class Question(BaseModel):
    """Something that is needed and that neither the request nor the recorded resources say."""

    model_config = ConfigDict(extra="forbid")

    question: str = Field(min_length=3, max_length=300)
    choices: list[str] = Field(default_factory=list, max_length=8, description="whole requests that would answer it")


def plan_content(answer: ProposedPlan, *, name: str | None, text: str, environment: str) -> dict[str, Any]:
    """The plan as a plan file has it; its name, description and environment are not the model's to choose."""
    tasks: dict[str, Any] = {}
    for task_id, step in answer.tasks.items():
        said = step.model_dump(by_alias=True, exclude={"because"}, exclude_defaults=True, exclude_none=True)
        tasks[task_id] = said | {"uses": step.uses}
    content: dict[str, Any] = {
        "name": name or slug(text, 60),
        "description": text.strip()[:2000],
        "environment": environment,
        "on_failure": answer.on_failure,
        "tasks": tasks,
    }
    if answer.concurrency is not None:
        content["concurrency"] = answer.concurrency
    return content


def notes(answer: ProposedPlan, plan: Plan, text: str) -> tuple[Note, ...]:
    """Which words led to what, as far as the words that the model names are in the request."""
    return tuple(sorted(_notes(answer.tasks, plan, text)))


def _notes(steps: Mapping[str, Step], plan: Plan, text: str) -> Iterator[Note]:
    folded = text.casefold()
    if len(folded) != len(text):  # casefold may lengthen a text, and its places would be others
        folded = text
    for task_id, step in steps.items():
        words = step.because.strip()
        start = folded.find(words.casefold()) if words else -1
        if start >= 0 and task_id in plan.tasks:
            end = start + len(words)
            yield Note(start, end, text[start:end], f"{step.uses} ({task_id})")
