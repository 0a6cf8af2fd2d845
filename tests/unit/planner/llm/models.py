"""Models made of a function, and planners that ask them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from pydantic_ai.messages import ModelMessage
from pydantic_ai.models import Model
from pydantic_ai.models.function import AgentInfo, DeltaToolCall, FunctionModel

from reign.core.catalog import Catalog
from reign.executor import registry
from reign.planner.llm.operations import Listing
from reign.planner.llm.planner import LlmPlanner
from reign.planner.llm.ports import BareDesk, Estimate, Options, Taken, Told
from reign.planner.llm.vendors import Spec
from reign.planner.protocol import PlanRequest

MODEL = "anthropic:claude-sonnet-5-5"
OTHER = "openai:gpt-6.1-terra"

Call = tuple[str, Any] | Exception


@cache
def catalog() -> Catalog:
    return registry.catalog()


def proposed(**tasks: Any) -> Call:
    """A call of propose_plan with these tasks; an underscore in a name stands for a hyphen."""
    return "propose_plan", {"tasks": {name.replace("_", "-"): task for name, task in tasks.items()}}


def task(uses: str, because: str = "", **inputs: Any) -> dict[str, Any]:
    return {"uses": uses, "with": inputs, "because": because}


@cache
def listing() -> Listing:
    return Listing(catalog())


@dataclass
class Scripted:
    """Gives one call after another, the last one again and again; remembers what it was sent."""

    calls: list[Call]
    sent: list[str] = field(default_factory=list)

    def model(self) -> Model:
        async def stream(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[dict[int, DeltaToolCall]]:
            self.sent.append(f"{info.instructions}\n{messages}")
            call = self.calls[min(len(self.sent), len(self.calls)) - 1]
            if isinstance(call, Exception):
                raise call
            name, arguments = call
            text = arguments if isinstance(arguments, str) else json.dumps(arguments)
            yield {0: DeltaToolCall(name=name, json_args=text[:20], tool_call_id="1")}
            yield {0: DeltaToolCall(json_args=text[20:])}

        return FunctionModel(stream_function=stream, model_name="scripted")


@dataclass
class Ledger(BareDesk):
    """A desk that remembers."""

    kept: dict[str, Any] = field(default_factory=dict)
    reserved: list[Estimate] = field(default_factory=list)
    settled: list[Taken] = field(default_factory=list)

    def answer(self, key: str) -> Any:
        return self.kept.get(key)

    def keep(self, key: str, model: str, answer: Any) -> None:
        self.kept[key] = answer

    def reserve(self, estimate: Estimate) -> int:
        self.reserved.append(estimate)
        return len(self.reserved)

    def settle(self, number: int, taken: Taken) -> None:
        assert number == len(self.reserved)
        self.settled.append(taken)


@dataclass
class Asked:
    """A planner with the models behind it."""

    planner: LlmPlanner
    models: dict[str, Scripted]
    desk: Ledger
    told: list[Told]

    def plan(self, text: str, **more: Any) -> Any:
        return self.planner.plan(PlanRequest(text, **more))

    @property
    def sent(self) -> list[str]:
        return self.models[MODEL].sent


def asking(calls: Iterable[Call], other: Iterable[Call] = (), **options: Any) -> Asked:
    """A planner whose model gives these calls, and whose fallback gives those."""
    models = {MODEL: Scripted(list(calls)), OTHER: Scripted(list(other))}
    desk, told = Ledger(), list[Told]()
    rules: Callable[[], Any] = options.pop("rules", tuple)
    chosen = Options(MODEL, fallback=OTHER if models[OTHER].calls else None, **options)

    def connect(spec: Spec, base_url: str | None) -> Model:
        return models[str(spec)].model()

    planner = LlmPlanner(
        catalog(),
        chosen,
        desk=desk,
        rules=rules,
        progress=told.append,
        connecting=connect,
        environ={"HOME": "/root"},
        listing=listing(),
    )
    return Asked(planner, models, desk, told)
