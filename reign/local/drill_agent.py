"""The agent of the drill: appends lines to a ledger, and can look whether a line is there.

It is loaded only by the processes that a drill starts (``REIGN_EXTRA_AGENTS``).
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from reign.core.catalog import OperationInputs, OperationResult
from reign.core.resource import Observation, Undo
from reign.executor import Agent, Context, Operation

LOADED_AS = "reign.local.drill_agent:AGENT"


class Line(OperationResult):
    line: str


class LineInputs(OperationInputs):
    ledger: str
    line: str
    seconds: float = 0.0  # between the look and the append: time in which a kill hurts


class Append(Operation[LineInputs, Line]):
    """One line in a ledger: doing it twice shows."""

    name = "drill.append"
    summary = "Append a line to the ledger of a drill"
    undo = Undo.COMPENSATING
    Inputs = LineInputs
    Result = Line

    def touches(self, ctx: Context, inputs: LineInputs) -> Sequence[str]:
        return [f"drill:line/{inputs.line}"]

    def inspect(self, ctx: Context, inputs: LineInputs) -> Sequence[Observation]:
        path = ctx.path(inputs.ledger)
        there = path.exists() and inputs.line in path.read_text().splitlines()
        return [Observation(resource=f"drill:line/{inputs.line}", exists=there)]

    def done(self, ctx: Context, inputs: LineInputs, seen: Sequence[Observation]) -> Line | None:
        return Line(line=inputs.line) if seen[0].exists else None

    def apply(self, ctx: Context, inputs: LineInputs, seen: Sequence[Observation]) -> Line:
        if inputs.seconds:
            ctx.wait(inputs.seconds)
        # One write of a whole line to a file opened for appending: a kill leaves it there or not, never half.
        descriptor = os.open(ctx.path(inputs.ledger), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, f"{inputs.line}\n".encode())
        finally:
            os.close(descriptor)
        return Line(line=inputs.line)


AGENT = Agent("drill", "Lines in a ledger, for kill drills", operations=(Append,))
