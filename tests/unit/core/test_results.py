"""What expressions read of results: what can never be there is told; what may be there is left alone."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, Field, computed_field

from reign.core.catalog import Catalog, Effect, OperationInputs, OperationResult, OperationSpec
from reign.core.check import InvalidPlan, checked, parse_plan
from reign.core.resource import Undo


class Part(BaseModel):
    name: str
    size: int | None = None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def label(self) -> str:
        return self.name.upper()


class Loose(BaseModel):
    model_config = ConfigDict(extra="allow")


class Result(OperationResult):
    image: str
    ready: bool
    part: Part | None
    parts: list[Part]
    either: Part | str
    outputs: dict[str, Any]
    loose: Loose
    renamed: int = Field(alias="asWritten")


def spec(name: str, result: type[OperationResult]) -> OperationSpec:
    return OperationSpec(name, "", type("In", (OperationInputs,), {"__annotations__": {"x": Any}, "x": None}), result,
                         Undo.UNNEEDED, Effect.READ)  # fmt: skip


CATALOG = Catalog([spec("a.make", Result), spec("a.say", OperationResult)])


def read(text: str, **more: Any) -> list[tuple[str, str, str | None]]:
    tasks = {
        "made": {"uses": "a.make"},
        "many": {"uses": "a.make", "for_each": [1, 2]},
        "silent": {"uses": "a.say"},
        "reads": {"uses": "a.make", "with": {"x": "${{ " + text + " }}"}, **more},
    }
    try:
        checked(parse_plan({"name": "x", "tasks": tasks}), CATALOG)
    except InvalidPlan as error:
        return [(problem.place, problem.message, problem.hint) for problem in error.problems]
    return []


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("tasks.made.result.imag", "tasks.made.result has no 'imag'", "did you mean 'image'?"),
        ("tasks.made.result['zzz']", "tasks.made.result has no 'zzz'", "known: asWritten, either"),
        ("tasks.made.result.renamed", "tasks.made.result has no 'renamed'", "did you mean"),
        ("tasks.made.result.image.tag", "tasks.made.result.image is a text and has no 'tag'", "write tasks.made."),
        ("tasks.made.result.ready.x", "tasks.made.result.ready is true or false", "write tasks.made."),
        ("tasks.made.result.part.nam", "tasks.made.result.part has no 'nam'", "did you mean 'name'?"),
        ("tasks.made.result.parts.name", "parts is a list and has no 'name'", "write tasks.made.result.parts[0].name"),
        ("tasks.made.result.parts[0].nam", "tasks.made.result.parts[0] has no 'nam'", "did you mean 'name'?"),
        ("tasks.many.result.image", "tasks.many.result is a list", "write tasks.many.result[0].image"),
        ("default('x', tasks.made.result.imag)", "has no 'imag'", "did you mean 'image'?"),
        ("tasks.made.result.image ?? tasks.made.result.imag", "has no 'imag'", "did you mean 'image'?"),
        ("length(tasks.made.result.imag) > 1 && true", "has no 'imag'", "did you mean 'image'?"),
        ("tasks.made.result.outputs[tasks.made.result.imag]", "has no 'imag'", "did you mean 'image'?"),
    ],
)
def test_what_can_never_be_there(text: str, message: str, hint: str) -> None:
    [(place, said, way_out)] = read(text)
    assert place == "tasks.reads.with.x"
    assert message in said
    assert (way_out or "").startswith(hint)


@pytest.mark.parametrize(
    "text",
    [
        "tasks.made.result.image",
        "tasks.made.result",
        "tasks.made.state",
        "tasks.made.result.asWritten",
        "tasks.made.result.part.label.x",
        "tasks.made.result.parts[-1].size",
        "tasks.made.result.parts[params.n].anything",
        "tasks.made.result.either.whatever",
        "tasks.made.result.outputs.any.thing",
        "tasks.made.result.loose.any.thing",
        "tasks.silent.result.said",
        "tasks.many.result[0].image",
        "tasks.made.result.imag ?? 1",
        "default(tasks.made.result.imag, 1)",
        "fromJSON(tasks.made.result.image).key",
    ],
)
def test_what_may_be_there(text: str) -> None:
    assert read(text.replace("params.n", "index"), for_each=[0]) == []


def test_a_condition_has_its_own_place() -> None:
    assert [place for place, _, _ in read("1", **{"if": "tasks.made.result.imag == 'a'"})] == ["tasks.reads.if"]
