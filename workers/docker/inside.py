"""Looking into a container: running a command in it, reading its log."""

from __future__ import annotations

import dataclasses
import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, Field

from reign.core.catalog import Effect, OperationInputs, OperationResult
from reign.core.duration import Duration
from reign.core.resource import Undo
from reign.executor import Cancelled, Context, FailureKind, Operation, TaskFailed, TimedOut
from reign.executor.contract import Assessment
from reign.executor.process import Capped
from reign.executor.scope import Scope
from workers.docker import kept as kept_secrets
from workers.docker import names, rehearsing, settings
from workers.docker.engine import engine, streamed
from workers.docker.errors import in_plain, no_object
from workers.docker.hazards import asks, hazards
from workers.docker.names import Name
from workers.docker.record import find

if TYPE_CHECKING:
    from docker import DockerClient

_KEEP = 1_000_000  # bytes of output in a result
#: Marks the processes of a command, so that a cancelled one can be found and ended.
_MARK = "REIGN_EXEC"


class OutputResult(OperationResult):
    exit_code: int | None = Field(description="of the command, or of a container that has ended; null while it runs")
    output: str = Field(description="at most 1 MB of it, head and tail")


def _not_empty(command: list[str]) -> list[str]:
    if not command:
        raise ValueError("the command is empty")
    return command


class ExecInputs(OperationInputs):
    name: Name = Field(description="a container that runs")
    command: Annotated[settings.Words, AfterValidator(_not_empty)] = Field(
        description="a list, or a text that is split as a shell would; no shell runs it"
    )
    env: settings.Variables = Field(default_factory=dict, description="further variables")
    user: settings.User | None = None
    workdir: str | None = Field(default=None, description="working folder inside")
    check: bool = Field(default=True, description="an exit code other than 0 fails the task")
    privileged: bool = Field(default=False, description="everything the host may; asks a person first")


class Exec(Operation[ExecInputs, OutputResult]):
    name = "docker.exec"
    summary = "Run a command in a running container"
    variables = ("env",)
    Inputs = ExecInputs
    Result = OutputResult
    undo = Undo.UNNEEDED
    reruns = True
    undo_note = "what the command changed inside of the container stays"

    def rehearsed(self, inputs: Mapping[str, Any], scope: Scope) -> dict[str, Any] | None:
        return rehearsing.of_container(inputs, scope)

    def assess(self, inputs: ExecInputs) -> Assessment:
        findings = hazards(inputs)
        asked = asks(findings, f"a command in container {inputs.name}")
        return dataclasses.replace(super().assess(inputs), asks=asked, findings=tuple(findings))

    def touches(self, ctx: Context, inputs: ExecInputs) -> Sequence[str]:
        return (names.container_address(inputs.name),)

    def apply(self, ctx: Context, inputs: ExecInputs, seen: Sequence[Any]) -> OutputResult:
        doing = f"run {inputs.command[0]} in container {inputs.name}"
        mark = secrets.token_hex(8)
        with engine(ctx, doing) as client:
            kept_secrets.teach(ctx, _running(client, inputs.name))
            made = client.api.exec_create(
                inputs.name,
                list(inputs.command),
                environment={**inputs.env, _MARK: mark},
                user=inputs.user or "",
                workdir=inputs.workdir,
                privileged=inputs.privileged,
            )["Id"]
            kept = Capped(_KEEP)
            try:
                read(ctx, streamed(ctx, client, lambda: client.api.exec_start(made, stream=True)), kept)
            except (Cancelled, TimedOut):
                _end(client, inputs.name, mark)
                raise
            code = client.api.exec_inspect(made)["ExitCode"]
            if code in (126, 127) and "OCI runtime exec failed" in kept.text():
                raise in_plain(kept.text(), doing, client)
        text = ctx.masker.mask(kept.text())
        if code and inputs.check:
            last = next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")
            raise TaskFailed(
                f"{doing}: exit code {code}" + (f": {last[:300]}" if last else ""),
                hint="`check: false` makes any exit code a result",
                details={"exit_code": code, "lines": text.splitlines()[-20:]},
            )
        return OutputResult(exit_code=code, output=text)


def _running(client: DockerClient, name: str) -> dict[str, Any]:
    found = find(client, name)
    if found is None:
        raise no_object("container", name, client)
    if not found["State"]["Running"]:
        raise TaskFailed(
            f"container {name} does not run ({found['State']['Status']})",
            kind=FailureKind.CONFLICT,
            hint="start it first (docker.start)",
        )
    return found


def _end(client: DockerClient, name: str, mark: str) -> None:
    """End a command and what it started; the engine has no call for that, so it is done from inside."""
    script = f"for p in /proc/[0-9]*; do grep -qs {_MARK}={mark} $p/environ && kill -9 ${{p#/proc/}}; done; true"
    made = client.api.exec_create(name, ["sh", "-c", script], user="root")["Id"]
    client.api.exec_start(made)


def read(ctx: Context, chunks: Iterable[bytes], kept: Capped) -> None:
    """Send a byte stream to the log line by line, and keep it."""
    rest = b""
    for chunk in chunks:
        kept.add(chunk)
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            ctx.log(line.rstrip(b"\r").decode(errors="replace"), "stdout")
        if len(rest) > 65536:
            ctx.log(rest.decode(errors="replace"), "stdout")
            rest = b""
    if rest:
        ctx.log(rest.decode(errors="replace"), "stdout")


class LogsInputs(OperationInputs):
    name: Name = Field(description="the container, running or not")
    tail: int = Field(default=100, ge=0, le=100_000, description="how many of the last lines")
    since: Duration | None = Field(default=None, description="only what is newer than this, e.g. 10m")
    follow: Duration | None = Field(default=None, description="keep reading for this long, or till the container ends")
    timestamps: bool = False


class Logs(Operation[LogsInputs, OutputResult]):
    name = "docker.logs"
    summary = "Read what a container has printed"
    Inputs = LogsInputs
    Result = OutputResult
    undo = Undo.UNNEEDED
    effect = Effect.READ

    def rehearsed(self, inputs: Mapping[str, Any], scope: Scope) -> dict[str, Any] | None:
        return rehearsing.of_container(inputs, scope)

    def apply(self, ctx: Context, inputs: LogsInputs, seen: Sequence[Any]) -> OutputResult:
        with engine(ctx, f"read the log of container {inputs.name}") as client:
            there = find(client, inputs.name)
            if there is None:
                raise no_object("container", inputs.name, client)
            kept_secrets.teach(ctx, there)
            kept = Capped(_KEEP)
            read(ctx, self._chunks(ctx, client, inputs), kept)
            found = find(client, inputs.name)
        ended = found is not None and not found["State"]["Running"]
        code = found["State"]["ExitCode"] if found is not None and ended else None
        return OutputResult(exit_code=code, output=ctx.masker.mask(kept.text()))

    def _chunks(self, ctx: Context, client: DockerClient, inputs: LogsInputs) -> Iterable[bytes]:
        until = time.monotonic() + (inputs.follow or 0)

        def start() -> Iterable[bytes]:
            chunks: Iterable[bytes] = client.api.logs(
                inputs.name,
                stream=True,
                follow=inputs.follow is not None,
                tail=inputs.tail,
                since=time.time() - inputs.since if inputs.since is not None else None,
                timestamps=inputs.timestamps,
            )
            return chunks

        return streamed(ctx, client, start, until=until if inputs.follow is not None else None)
