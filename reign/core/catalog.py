"""What operations there are: their names, typed inputs and results, and what each promises. Filled from the agents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic.fields import FieldInfo

from reign.core.errors import InvalidInput, NotFound, did_you_mean
from reign.core.plan import Retry
from reign.core.resource import Undo


class OperationInputs(BaseModel):
    """Base of the typed inputs of an operation; unknown names are refused."""

    # Built when first used: a command or a worker needs few of the some hundred models that are installed.
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, defer_build=True)

    @model_validator(mode="before")
    @classmethod
    def _nothing_is_not_given(cls, data: Any) -> Any:
        """A name with nothing behind it (``ports:`` in YAML) was left out, unless nothing is a value of it."""
        if not isinstance(data, Mapping) or all(value is not None for value in data.values()):
            return data
        named = {field.alias or name: field for name, field in cls.model_fields.items()} | cls.model_fields
        return {
            key: value for key, value in data.items() if value is not None or key not in named or _nullable(named[key])
        }


def _nullable(field: FieldInfo) -> bool:
    return field.annotation is Any or type(None) in get_args(field.annotation)


class OperationResult(BaseModel):
    """Base of the typed result of an operation; what later tasks refer to as ``tasks.ID.result.NAME``."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, defer_build=True)


class Effect(StrEnum):
    """What an operation does to the world; risk is computed from it, never taken from a planner."""

    READ = "read"  # changes nothing
    CHANGE = "change"
    DESTROY = "destroy"  # what it takes away may be more than what the run made: asks for approval


@dataclass(frozen=True)
class OperationSpec:
    """The public face of one operation."""

    name: str
    summary: str
    inputs: type[OperationInputs]
    result: type[OperationResult]
    undo: Undo
    effect: Effect
    timeout: float = 600.0  # seconds
    retry: Retry = field(default_factory=Retry)
    undo_note: str = ""  # one sentence: what a rollback restores, or why it cannot
    reruns: bool = False  # a `retry` in the plan makes any failed attempt again, whatever it did
    phrases: tuple[Any, ...] = ()  # how people ask for it (reign.planner.lexicon.Phrase)

    @property
    def agent(self) -> str:
        return self.name.partition(".")[0]

    @property
    def required(self) -> list[str]:
        return [field.alias or name for name, field in self.inputs.model_fields.items() if field.is_required()]

    def describe(self) -> dict[str, Any]:
        """``{name, agent, summary, undo, undo_note, effect, timeout, inputs, result}`` with JSON Schemas."""
        return {
            "name": self.name,
            "agent": self.agent,
            "summary": self.summary,
            "undo": self.undo.value,
            "undo_note": self.undo_note,
            "effect": self.effect.value,
            "timeout": self.timeout,
            "inputs": self.inputs.model_json_schema(),
            "result": self.result.model_json_schema(),
        }


class Catalog(Mapping[str, OperationSpec]):
    """All installed operations by name."""

    def __init__(self, specs: Iterable[OperationSpec]) -> None:
        self._specs = {spec.name: spec for spec in sorted(specs, key=lambda spec: spec.name)}

    def __getitem__(self, name: str) -> OperationSpec:
        return self._specs[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._specs)

    def __len__(self) -> int:
        return len(self._specs)

    @property
    def agents(self) -> list[str]:
        return sorted({spec.agent for spec in self._specs.values()})

    def find(self, name: str) -> OperationSpec:
        """The operation of that name. Raises NotFound with the nearest right name."""
        spec = self._specs.get(name)
        if spec is None:
            raise NotFound(f"there is no operation {name!r}", hint=self.hint(name))
        return spec

    def hint(self, name: str) -> str:
        """What might have been meant by an unknown operation name."""
        agent, _, verb = name.partition(".")
        if agent in self.agents:
            own = {n.partition(".")[2]: n for n in self._specs if n.startswith(agent + ".")}
            close = did_you_mean(verb, own)
            if close and close.startswith("did"):
                return f"did you mean {own[close.split(chr(39))[1]]!r}?"
        return did_you_mean(name, self._specs) or "see `reign operations`"

    def parse(self, uses: str, inputs: Mapping[str, Any]) -> OperationInputs:
        """Typed inputs out of resolved values. Raises InvalidInput naming the first wrong input."""
        from reign.core.check import input_problems

        spec = self.find(uses)
        problems = input_problems(spec, inputs)
        if problems:
            first = problems[0]
            raise InvalidInput(f"{uses}: {first.message}", hint=first.hint)
        return spec.inputs.model_validate(dict(inputs))
