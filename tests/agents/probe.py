"""An agent for tests and benchmarks: operations whose only effects are lines and files that can be counted.

Loaded by ``REIGN_EXTRA_AGENTS=tests.agents.probe:AGENT``.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from reign.core.catalog import Effect, OperationInputs, OperationResult
from reign.core.plan import Retry
from reign.core.resource import Observation, Undo
from reign.executor import Agent, Context, FailureKind, Operation, PortMoved, Proposal, Step, TaskFailed


class Anything(OperationResult):
    value: Any = None


def hold(ctx: Context, seconds: float, gate: str | None) -> None:
    """Wait that long, and until the file ``gate`` is there: so a test need not hit a moment. ``gate.waits`` says that
    somebody waits for it."""
    ctx.wait(seconds)
    if gate is not None:
        ctx.path(f"{gate}.waits").touch()
        while not ctx.path(gate).exists():
            ctx.wait(0.02)


class Noop(Operation[Any, Any]):
    """Nothing, through the whole spine."""

    name = "probe.noop"
    summary = "Do nothing"
    effect = Effect.READ
    undo = Undo.UNNEEDED

    class Inputs(OperationInputs):
        value: Any = None

    Result = Anything

    def apply(self, ctx: Context, inputs: Any, seen: Sequence[Observation]) -> Anything:
        return Anything(value=inputs.value)


class Sleep(Operation[Any, Any]):
    """Wait, so that something can happen meanwhile."""

    name = "probe.sleep"
    summary = "Wait for some seconds"
    effect = Effect.READ
    undo = Undo.UNNEEDED

    class Inputs(OperationInputs):
        seconds: float = Field(default=0.0, ge=0)
        gate: str | None = None

    Result = Anything

    def apply(self, ctx: Context, inputs: Any, seen: Sequence[Observation]) -> Anything:
        hold(ctx, inputs.seconds, inputs.gate)
        return Anything(value=inputs.seconds)


class Fail(Operation[Any, Any]):
    """Fail until a counter file has so many lines."""

    name = "probe.fail"
    summary = "Fail the first times"
    effect = Effect.CHANGE
    undo = Undo.UNNEEDED
    retry = Retry(attempts=1, delay=0.05, jitter=0)

    class Inputs(OperationInputs):
        times: int = 1_000_000
        counter: str | None = None
        retryable: bool = True

    Result = Anything

    def apply(self, ctx: Context, inputs: Any, seen: Sequence[Observation]) -> Anything:
        before = 0
        if inputs.counter:
            path = ctx.path(inputs.counter)
            before = len(path.read_text().splitlines()) if path.exists() else 0
            with path.open("a") as file:
                file.write("x\n")
        if before < inputs.times:
            raise TaskFailed(f"failed on purpose ({before + 1})", kind=FailureKind.UNKNOWN, retryable=inputs.retryable)
        return Anything(value=before)


class Append(Operation[Any, Any]):
    """One line in a ledger that all tasks share: doing it twice shows."""

    name = "probe.append"
    summary = "Append a line to a ledger"
    undo = Undo.EXACT

    class Inputs(OperationInputs):
        ledger: str
        line: str
        seconds: float = 0.0  # between the look and the append
        gate: str | None = None

    Result = Anything

    def touches(self, ctx: Context, inputs: Any) -> Sequence[str]:
        return [f"probe:line/{inputs.line}"]

    def inspect(self, ctx: Context, inputs: Any) -> Sequence[Observation]:
        (ctx.scratch / "looked").touch()  # what a killed attempt leaves
        path = ctx.path(inputs.ledger)
        there = path.exists() and inputs.line in path.read_text().splitlines()
        address = f"probe:line/{inputs.line}"
        return [Observation(resource=address, exists=there)]

    def done(self, ctx: Context, inputs: Any, seen: Sequence[Observation]) -> Anything | None:
        return Anything(value=inputs.line) if seen[0].exists else None

    def apply(self, ctx: Context, inputs: Any, seen: Sequence[Observation]) -> Anything:
        hold(ctx, inputs.seconds, inputs.gate)
        descriptor = os.open(ctx.path(inputs.ledger), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        try:
            os.write(descriptor, f"{inputs.line}\n".encode())
        finally:
            os.close(descriptor)
        return Anything(value=inputs.line)

    def restore(self, ctx: Context, inputs: Any, before: Sequence[Observation], now: Sequence[Observation]) -> None:
        path = ctx.path(inputs.ledger)
        if not before[0].exists and path.exists():
            path.write_text("".join(f"{x}\n" for x in path.read_text().splitlines() if x != inputs.line))


class Blind(Operation[Any, Any]):
    """Appends without a way to look: an attempt that is cut off cannot be settled."""

    name = "probe.blind"
    summary = "Append a line that nobody can inspect"
    undo = Undo.COMPENSATING

    class Inputs(OperationInputs):
        ledger: str
        line: str

    Result = Anything

    def apply(self, ctx: Context, inputs: Any, seen: Sequence[Observation]) -> Anything:
        with Path(ctx.path(inputs.ledger)).open("a") as file:
            file.write(inputs.line + "\n")
        return Anything(value=inputs.line)


class Irreversible(Blind):
    """Asks before it does what cannot be taken back."""

    name = "probe.irreversible"
    undo = Undo.NONE


class Need(Operation[Any, Any]):
    """Works once a ledger is there, and knows how to make one."""

    name = "probe.need"
    summary = "Need a ledger"
    undo = Undo.UNNEEDED

    class Inputs(OperationInputs):
        ledger: str

    Result = Anything

    def apply(self, ctx: Context, inputs: Any, seen: Sequence[Observation]) -> Anything:
        if not ctx.path(inputs.ledger).exists():
            raise TaskFailed(f"there is no ledger {inputs.ledger!r}", kind=FailureKind.MISSING_PREREQUISITE)
        return Anything(value=inputs.ledger)

    def repair(self, ctx: Context, inputs: Any, failure: TaskFailed) -> Proposal | None:
        if failure.kind is not FailureKind.MISSING_PREREQUISITE:
            return None
        with_ = {"ledger": inputs.ledger, "line": "made"}
        step = Step.model_validate({"id": "make", "uses": "probe.append", "with": with_})
        return Proposal(reason=f"there is no ledger {inputs.ledger!r}; it is made first", before=(step,), sure=True)


class Port(Operation[Any, Any]):
    """Takes a port, a line in a ledger of ports; one that is taken is told, and the next one is proposed."""

    name = "probe.port"
    summary = "Take a port"
    undo = Undo.EXACT

    class Inputs(OperationInputs):
        ledger: str
        port: int
        litter: bool = False  # a failure leaves something

    Result = Anything

    def touches(self, ctx: Context, inputs: Any) -> Sequence[str]:
        return [f"probe:port/{inputs.port}"]

    def inspect(self, ctx: Context, inputs: Any) -> Sequence[Observation]:
        taken = _lines(ctx.path(inputs.ledger)).count(f"{inputs.port} by {ctx.origin[0]}")
        state = {"lines": taken} if taken else {}
        return [Observation(resource=f"probe:port/{inputs.port}", exists=bool(taken), state=state)]

    def apply(self, ctx: Context, inputs: Any, seen: Sequence[Observation]) -> Anything:
        path = ctx.path(inputs.ledger)
        if f"{inputs.port} by others" in _lines(path):
            if inputs.litter:
                self._take(ctx, inputs)
            raise TaskFailed(f"port {inputs.port} is taken", kind=FailureKind.CONFLICT)
        self._take(ctx, inputs)
        return Anything(value=inputs.port)

    def _take(self, ctx: Context, inputs: Any) -> None:
        with ctx.path(inputs.ledger).open("a") as file:
            file.write(f"{inputs.port} by {ctx.origin[0]}\n")

    def restore(self, ctx: Context, inputs: Any, before: Sequence[Observation], now: Sequence[Observation]) -> None:
        path, own = ctx.path(inputs.ledger), f"{inputs.port} by {ctx.origin[0]}"
        path.write_text("".join(f"{line}\n" for line in _lines(path) if line != own))

    def repair(self, ctx: Context, inputs: Any, failure: TaskFailed) -> Proposal | None:
        now = inputs.port + 1
        moved = PortMoved(was=inputs.port, now=now)
        return Proposal(reason=f"{now} is free", inputs={"port": now}, moved=moved, sure=True)


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


AGENT = Agent("probe", "Operations for tests", operations=(Noop, Sleep, Fail, Append, Blind, Irreversible, Need, Port))
