"""validation.tcp: does something accept connections on a port, and say what is expected, within a time?"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import Field

from reign.core.duration import Duration, readable
from reign.core.findings import Finding, Severity
from reign.executor import Context
from reign.executor.contract import Observations
from reign.executor.scope import Scope
from workers.validation import patience, rehearsing
from workers.validation.checking import Check, CheckInputs, CheckResult, conclude, kept

_MAX_READ = 64 * 1024  # bytes of what the server says


@dataclass(frozen=True)
class _Answer:
    open: bool
    latency: float  # seconds until the connection stood
    problem: str = ""


class Tcp(Check["Tcp.Inputs", "Tcp.Result"]):
    """Tries again until a connection stands (and the expected text came) or ``within`` is over."""

    name: ClassVar[str] = "validation.tcp"
    summary: ClassVar[str] = "Check that a port accepts connections"

    class Inputs(CheckInputs):
        host: str = Field(min_length=1, description="name or address")
        port: int = Field(ge=1, le=65535)
        within: Duration = Field(default=15.0, description="try again until this time is over")
        every: Duration = Field(default=0.5, gt=0, description="wait between tries")
        connect_timeout: Duration = Field(default=5.0, gt=0, description="longest time for one try")
        send: str | None = Field(default=None, description="text to send once connected")
        expect_body: str | None = Field(default=None, description="text that the server must say, first or in answer")
        max_latency: Duration | None = Field(default=None, description="slowest acceptable time to the connection")

    class Result(CheckResult):
        status: str = Field(description="open, or closed if that is let pass")
        latency: float = Field(description="seconds until the connection stood")
        attempts: int = Field(description="tries that it took")

    def rehearsed(self, inputs: Mapping[str, Any], scope: Scope) -> dict[str, Any] | None:
        return rehearsing.ports(inputs, scope)

    def apply(self, ctx: Context, inputs: Tcp.Inputs, seen: Observations) -> Tcp.Result:
        address = f"[{inputs.host}]:{inputs.port}" if ":" in inputs.host else f"{inputs.host}:{inputs.port}"

        async def attempt(limit: float) -> tuple[_Answer, list[Finding]]:
            answer = await _connect(inputs, min(limit, inputs.connect_timeout))
            return answer, _judge(inputs, address, answer)

        ctx.progress(f"connecting to {address}")
        work = patience.until_passed(ctx, inputs.within, inputs.every, attempt)
        answer, findings, tries = patience.run(ctx, work)
        judged = conclude(ctx, address, findings, inputs, retryable=True)
        status = "open" if answer.open else "closed"
        ctx.progress(f"{address} is {status} ({readable(answer.latency)})")
        return self.Result(
            status=status,
            latency=round(answer.latency, 4),
            attempts=tries,
            findings=kept(judged),
            summary=judged.sentence(),
        )


async def _connect(inputs: Tcp.Inputs, limit: float) -> _Answer:
    started = time.monotonic()
    try:
        async with asyncio.timeout(limit):
            reader, writer = await asyncio.open_connection(inputs.host, inputs.port)
    except TimeoutError:
        return _Answer(False, time.monotonic() - started, f"no connection within {readable(limit)}")
    except (OSError, UnicodeError) as error:
        return _Answer(False, time.monotonic() - started, patience.in_words(error))
    latency = time.monotonic() - started
    try:
        return _Answer(True, latency, await _talk(inputs, reader, writer, limit))
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def _talk(inputs: Tcp.Inputs, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, limit: float) -> str:
    """What is wrong with what the server says; empty if nothing is."""
    wanted = (inputs.expect_body or "").encode()
    heard = bytearray()
    try:
        async with asyncio.timeout(limit):
            if inputs.send is not None:
                writer.write(inputs.send.encode())
                await writer.drain()
            while wanted not in heard and len(heard) < _MAX_READ:
                part = await reader.read(4096)
                if not part:
                    break
                heard += part
    except TimeoutError:
        pass  # it keeps the connection open: judge what it has said
    except OSError as error:
        return patience.in_words(error)
    if wanted in heard:
        return ""
    said = " ".join(heard[:400].decode(errors="replace").split())[:100]
    return f"it says {said!r}, not {inputs.expect_body!r}" if said else f"it says nothing, not {inputs.expect_body!r}"


def _judge(inputs: Tcp.Inputs, address: str, answer: _Answer) -> list[Finding]:
    if answer.problem:
        rule, remedy = "tcp-closed", "check that it runs, listens on that address and can be reached from the worker"
        if answer.open:
            rule, remedy = "tcp-body", "check what listens there"
        return [Finding(rule=rule, severity=Severity.HIGH, message=answer.problem, remedy=remedy, address=address)]
    if inputs.max_latency is not None and answer.latency > inputs.max_latency:
        message = f"it took {readable(answer.latency)}, longer than {readable(inputs.max_latency)}"
        remedy = "look for what slows it down, or allow more"
        return [Finding(rule="tcp-latency", severity=Severity.HIGH, message=message, remedy=remedy, address=address)]
    return []
