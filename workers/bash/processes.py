"""bash.start_process, stop_process, process_status: processes that outlive the task and the worker."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

from pydantic import Field, field_validator

from reign.core.catalog import Effect, OperationInputs, OperationResult
from reign.core.duration import Duration
from reign.core.resource import Observation, Undo
from reign.executor import Context, FailureKind, Operation, Proposal, TaskFailed
from reign.executor.contract import Assessment, Observations
from reign.security.masking import MASK
from workers.bash.commands import as_line
from workers.bash.judged import in_words, judgement_of, require_leave
from workers.bash.limits import amount
from workers.bash.readiness import Ready, is_open
from workers.bash.records import MARK, Kept, Shelf, checked_name
from workers.bash.repairs import another_port
from workers.bash.sandbox import WARDEN, Profile, Sandbox
from workers.bash.shell import Shell, ShellInputs, require_shell, script_file, working_folder
from workers.bash.warden.order import Stay
from workers.bash.warden.stay import HIDE, start_of

LOG_MOST = 20 << 20  # bytes of log kept for a process, in two files; the option `log_cap` changes it
_HIDE_MOST = 100_000  # bytes; a variable of the environment has no room for more
_AT_ONCE = 0.3  # seconds for which a process without `ready` is watched, since a wrong command ends at once
_GRACE = 10.0  # seconds that a process has to end by itself


class ProcessName(OperationInputs):
    name: str = Field(description="the name of the process; one process a name on a machine")

    @field_validator("name")
    @classmethod
    def _fits(cls, value: str) -> str:
        return checked_name(value)


class StartInputs(ShellInputs):
    name: str = Field(description="the name of the process; one process a name on a machine")
    command: str = Field(
        description="the command that stays in the foreground; a list is taken literally", min_length=1
    )
    ready: Ready | None = Field(None, description="url, port or log: when it counts as started (default: at once)")
    replace: bool = Field(False, description="stop a process of that name that was started differently")
    sandbox: Profile = Field(Profile.NETWORK, description="as for bash.run; most processes listen on the network")

    @field_validator("name")
    @classmethod
    def _fits(cls, value: str) -> str:
        return checked_name(value)

    @field_validator("command", mode="before")
    @classmethod
    def _line(cls, value: Any) -> Any:
        return as_line(value)


class ProcessResult(OperationResult):
    pid: int | None = Field(None, description="process number on this machine, while it runs")
    status: str = Field(description="running, stopped or failed")


class StatusResult(ProcessResult):
    exit_code: int | None = Field(None, description="of the last one that ended; 128 + number if a signal ended it")
    since: float | None = Field(None, description="seconds that it has run")
    log: list[str] = Field(default_factory=list, description="its last lines, masked")


class _ProcessOperation(Operation[Any, ProcessResult]):
    Result: ClassVar[type[OperationResult]] = ProcessResult
    undo = Undo.EXACT
    converges = True
    timeout = 120.0

    def touches(self, ctx: Context, inputs: Any) -> Sequence[str]:
        return [f"bash:process/{inputs.name}"]

    def inspect(self, ctx: Context, inputs: Any) -> Observations:
        [resource] = self.touches(ctx, inputs)
        kept = Shelf.of(ctx, inputs.name).running()
        if kept is None:
            return [Observation.absent(resource)]
        return [Observation(resource=resource, exists=True, state=kept.about, facts={"pid": kept.pid})]

    def restore(self, ctx: Context, inputs: Any, before: Observations, now: Observations) -> None:
        [former] = before
        shelf = Shelf.of(ctx, inputs.name)
        running = shelf.running()
        if running and former.exists and running.about == ctx.masker.record(former.state):
            return
        shelf.stop(ctx, _GRACE)
        if former.exists:
            bring_up(ctx, inputs.name, former.state)


class StartProcess(_ProcessOperation):
    name = "bash.start_process"
    summary = "Start a process that stays, and wait until it is ready"
    variables = ("env",)
    undo_note = "the process is stopped; one that it replaced is started again"
    Inputs: ClassVar[type[OperationInputs]] = StartInputs

    def done(self, ctx: Context, inputs: StartInputs, seen: Observations) -> ProcessResult | None:
        shelf = Shelf.of(ctx, inputs.name)
        kept = shelf.running()
        if kept is None or not _same(ctx, kept, _about(ctx, inputs)):
            return None
        if inputs.ready and not inputs.ready.met(shelf):
            return None
        return ProcessResult(pid=kept.pid, status="running")

    def apply(self, ctx: Context, inputs: StartInputs, seen: Observations) -> ProcessResult:
        require_leave(ctx, inputs.command, shell=inputs.shell)
        shelf, about = Shelf.of(ctx, inputs.name), _about(ctx, inputs)
        kept, former = shelf.running(), None
        if kept and not _same(ctx, kept, about):
            if not inputs.replace:
                raise TaskFailed(
                    f"a process named {inputs.name} runs already (pid {kept.pid}), started differently",
                    kind=FailureKind.CONFLICT,
                    hint="stop it first, choose another name, or set `replace: true`",
                )
            former, kept = seen[0].state, None
            ctx.progress(f"stopping the former {inputs.name}")
            shelf.stop(ctx, _GRACE)
        try:
            if kept is None:
                start(ctx, inputs.name, about)
            kept = wait_ready(ctx, inputs.name, inputs.ready)
        except BaseException:
            shelf.stop(_without_end(ctx), 1.0)
            if former:
                start(_without_end(ctx), inputs.name, former)
            raise
        return ProcessResult(pid=kept.pid, status="running")

    def repair(self, ctx: Context, inputs: StartInputs, failure: TaskFailed) -> Proposal | None:
        return another_port(ctx, inputs, failure)

    def assess(self, inputs: StartInputs) -> Assessment:
        judged = judgement_of(inputs.command, shell=inputs.shell)
        asks = "it runs without a sandbox" if inputs.sandbox is Profile.HOST else None
        return Assessment(
            effect=Effect.CHANGE,
            undo=Undo.EXACT,
            asks=in_words(judged) if judged.decision == "ask" else asks,
            refuses=in_words(judged) if judged.decision == "deny" else None,
            note=self.undo_note,
        )


class StopProcess(_ProcessOperation):
    name = "bash.stop_process"
    summary = "Stop a process with all that it started"
    undo_note = "the process is started again as it was"

    class Inputs(ProcessName):
        grace: Duration = Field(_GRACE, description="between SIGTERM and SIGKILL, e.g. 10s", le=300)

    def done(self, ctx: Context, inputs: Inputs, seen: Observations) -> ProcessResult | None:
        return None if seen[0].exists else ProcessResult(status="stopped")

    def apply(self, ctx: Context, inputs: Inputs, seen: Observations) -> ProcessResult:
        Shelf.of(ctx, inputs.name).stop(ctx, inputs.grace)
        return ProcessResult(status="stopped")


class ProcessStatus(Operation[Any, StatusResult]):
    name = "bash.process_status"
    summary = "How a process does: running or not, since when, its last lines"
    undo = Undo.UNNEEDED
    effect = Effect.READ
    timeout = 30.0
    Result = StatusResult

    class Inputs(ProcessName):
        tail: int = Field(20, description="lines of its log", ge=0, le=1000)

    def apply(self, ctx: Context, inputs: Inputs, seen: Observations) -> StatusResult:
        shelf = Shelf.of(ctx, inputs.name)
        log = [ctx.masker.mask(line) for line in shelf.tail(inputs.tail)]
        kept, ended = shelf.running(), shelf.ended()
        if kept:
            return StatusResult(pid=kept.pid, status="running", since=_age(kept.pid), log=log)
        if ended and not ended.asked and (ended.exit_code or ended.killed):
            return StatusResult(status="failed", exit_code=ended.exit_code, log=log)
        return StatusResult(status="stopped", exit_code=ended.exit_code if ended else None, log=log)


def _about(ctx: Context, inputs: StartInputs) -> dict[str, Any]:
    """All that it takes to start it, as an undo may have to; secrets still in it."""
    return {
        "command": inputs.command,
        "cwd": str(working_folder(ctx, inputs.cwd)),
        "env": dict(inputs.env),
        "shell": inputs.shell.value,
        "sandbox": inputs.sandbox.value,
        "limits": dict(inputs.limits),
        "ready": inputs.ready.model_dump(exclude_none=True) if inputs.ready else None,
    }


def _same(ctx: Context, kept: Kept, about: Mapping[str, Any]) -> bool:
    return bool(kept.about == ctx.masker.record(about))


def start(ctx: Context, name: str, about: Mapping[str, Any]) -> None:
    """Start what ``about`` describes under that name; it is recorded before this returns. Raises TaskFailed."""
    if MASK in about["command"]:
        raise TaskFailed(
            f"{name} cannot be started again: its command held a secret, which was not kept",
            hint="give secrets to a process through `env`",
        )
    shell, shelf = Shell(about["shell"]), Shelf.of(ctx, name)
    ready = Ready.model_validate(about["ready"]) if about["ready"] else None
    require_shell(shell)
    port = ready.own_port() if ready else None
    if port and is_open(port):
        raise TaskFailed(
            f"port {port} is taken by another program, so {name} was not started",
            kind=FailureKind.CONFLICT,
            hint="choose another port, or stop what listens there",
            details={"port": port},
        )
    sandbox = Sandbox.of(ctx, Profile(about["sandbox"]), limits=about["limits"])
    shelf.stop(ctx, _GRACE)
    shelf.prepare()
    script = script_file(shelf.folder, about["command"], shell)
    # A process that stays may use the processor for as long as it likes.
    sandbox = replace(sandbox.showing(script), home=shelf.folder / "home", limits=replace(sandbox.limits, cpu=0))
    token = uuid4().hex
    order = sandbox.order(ctx, shell.argv(script), Path(about["cwd"]))
    order.verdict, order.grace = str(shelf.verdict), _GRACE
    cap = amount(ctx.options.get("log_cap", LOG_MOST))
    order.stay = Stay(str(shelf.record), str(shelf.log), cap, token, ctx.masker.record(dict(about)))
    path = order.write(ctx.scratch / f"order-{token}.json")
    sandbox.announce(ctx)
    hide = json.dumps(ctx.masker.values)
    if len(hide) > _HIDE_MOST:
        raise TaskFailed(f"{name} has secrets of {len(hide)} bytes", kind=FailureKind.WRONG_INPUT, hint="use a file")
    told = ctx.tool(
        [sys.executable, "-I", "-S", str(WARDEN), str(path)],
        cwd=Path("/"),
        env=sandbox.environment({**about["env"], MARK: token}) | {HIDE: hide},
        tidies=True,
    )
    if told.exit_code != 0:
        said = ctx.masker.mask(told.tail(3)) or "its keeper did not come up"
        raise TaskFailed(f"{name} could not be started: {said}")


def wait_ready(ctx: Context, name: str, ready: Ready | None) -> Kept:
    """Wait until it is ready. Raises TaskFailed if it ends before that or takes too long, Cancelled, TimedOut."""
    shelf = Shelf.of(ctx, name)
    until = time.monotonic() + (ready.within if ready else _AT_ONCE)
    if ready:
        ctx.progress(f"waiting for {ready}")
    while True:
        met = ready is not None and ready.met(shelf)
        kept = _require_alive(ctx, name, shelf)  # in this order: what answers may be what it lost the port to
        if met:
            return kept
        if time.monotonic() >= until:
            break
        ctx.wait(0.1)
    if ready is None:
        return kept
    raise TaskFailed(
        f"{name} was not ready after {ready.within:g} s: {ready.missing()}",
        kind=FailureKind.CHECK_FAILED,  # `timeout` would give it no longer
        hint="`reign logs` shows what it printed; `ready.within` gives it longer",
        details={"last_lines": _last(ctx, shelf)},
    )


def bring_up(ctx: Context, name: str, about: Mapping[str, Any]) -> None:
    """Start it and wait until it is ready, as the task did that started it first."""
    start(ctx, name, about)
    ready = Ready.model_validate(about["ready"]) if about["ready"] else None
    wait_ready(ctx, name, ready)


def _require_alive(ctx: Context, name: str, shelf: Shelf) -> Kept:
    if kept := shelf.running():
        return kept
    ctx.until(lambda: shelf.kept() is None, every=0.02)  # its keeper is writing down how it ended
    ended, last = shelf.ended(), _last(ctx, shelf)
    why = "ended at once" if ended is None else f"ended with exit code {ended.exit_code}"
    if ended and ended.killed:
        why = f"was ended by its limits: {ended.killed}"
    for line in last:
        ctx.log(line, "stdout")
    raise TaskFailed(
        f"{name} {why}" + (f": {last[-1]}" if last else ""),
        hint="the command must stay in the foreground",
        details={"last_lines": last, **({"exit_code": ended.exit_code} if ended else {})},
    )


def _last(ctx: Context, shelf: Shelf) -> list[str]:
    return [ctx.masker.mask(line) for line in shelf.tail(10)]


def _without_end(ctx: Context) -> Context:
    """A context for cleaning up, which a cancel or the deadline no longer cuts short."""
    return replace(ctx, cancelled=threading.Event(), deadline=time.monotonic() + 30)


def _age(pid: int) -> float | None:
    started = start_of(pid)
    if started is None:
        return None
    up = float(Path("/proc/uptime").read_text().split()[0])
    return round(max(0.0, up - started / os.sysconf("SC_CLK_TCK")), 1)
