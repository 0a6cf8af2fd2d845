"""The operations of the benchmarks: they do nothing, through the whole spine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import Field

from reign.core.catalog import Effect, OperationInputs, OperationResult
from reign.core.resource import Observation, Undo
from reign.executor import Agent, Context, Operation


class Nothing(OperationResult):
    pass


class Noop(Operation[Any, Nothing]):
    """Nothing."""

    name = "bench.noop"
    summary = "Do nothing"
    effect = Effect.READ
    undo = Undo.UNNEEDED

    class Inputs(OperationInputs):
        pass

    Result = Nothing

    def apply(self, ctx: Context, inputs: Any, seen: Sequence[Observation]) -> Nothing:
        return Nothing()


class Sleep(Operation[Any, Nothing]):
    """Wait."""

    name = "bench.sleep"
    summary = "Wait for some seconds"
    effect = Effect.READ
    undo = Undo.UNNEEDED

    class Inputs(OperationInputs):
        seconds: float = Field(ge=0)

    Result = Nothing

    def apply(self, ctx: Context, inputs: Any, seen: Sequence[Observation]) -> Nothing:
        ctx.wait(inputs.seconds)
        return Nothing()


AGENT = Agent("bench", "Operations for benchmarks", operations=(Noop, Sleep))
