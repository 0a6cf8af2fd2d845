"""What a task means before it runs, with inputs that are known and inputs that are not yet."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from reign.core.catalog import Effect, OperationInputs
from reign.core.plan import Task
from reign.core.resource import Undo
from reign.executor.assessing import assess, partial_inputs
from reign.executor.registry import catalog


class Inputs(OperationInputs):
    name: str
    from_: str = Field(default="main", alias="from")
    tags: list[str] = Field(default_factory=list)
    size: int | None = None


def task(**given: Any) -> Task:
    return Task.model_validate({"uses": "validation.tcp", "with": {"host": "web", "port": 80}, **given})


def test_a_check_changes_nothing() -> None:
    found = assess(task(), catalog())
    assert (found.effect, found.undo, found.asks) == (Effect.READ, Undo.UNNEEDED, None)


def test_inputs_may_still_be_expressions() -> None:
    found = assess(task(**{"with": {"host": "web", "port": "${{ tasks.run.result.port }}"}}), catalog())
    assert found.effect is Effect.READ


def test_an_undo_says_what_it_takes_back() -> None:
    found = assess(task(undo_of={"run": "calm-river", "task": "build"}), catalog())
    assert found.effect is Effect.CHANGE
    assert found.note == "takes back calm-river/build"


def test_partial_inputs_have_what_is_given_and_the_defaults() -> None:
    made = partial_inputs(Inputs, {"size": "${{ params.size }}", "from": "dev"})
    assert (made.name, made.from_, made.tags, made.size) == (None, "dev", [], "${{ params.size }}")
    assert partial_inputs(Inputs, {"name": "n", "from_": "x"}).from_ == "x"
