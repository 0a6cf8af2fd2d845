"""bash.run and bash.script: a command line or a script, judged, in a sandbox."""

from __future__ import annotations

import re
import shutil
import signal
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field, field_validator

from reign.core.catalog import Effect, OperationInputs, OperationResult
from reign.core.resource import Observation, Undo
from reign.executor import Context, FailureKind, Operation, TaskFailed
from reign.executor.contract import Assessment, Observations
from workers.bash import limits
from workers.bash.judged import in_words, judgement_of, require_leave
from workers.bash.lint import Remark, remarks_on
from workers.bash.sandbox import Profile, Sandbox, allowed_roots

KEEP = 256 * 1024  # bytes of each stream in the result: its head and its tail
_SCRIPT_MOST = 1 << 20
#: They make a shell or the loader run something before the command that was judged.
_LOADED_BEFORE = re.compile(
    r"(BASH_ENV|ENV|SHELLOPTS|BASHOPTS|PS4|PROMPT_COMMAND|IFS|LD_.*|BASH_FUNC_.*|GLIBC_TUNABLES)"
)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Shell(StrEnum):
    BASH = "bash"
    SH = "sh"
    PWSH = "pwsh"

    def argv(self, script: Path) -> list[str]:
        """How this shell runs a file without reading anybody's start-up files."""
        if self is Shell.PWSH:
            return ["pwsh", "-NoLogo", "-NoProfile", "-NonInteractive", "-File", str(script)]
        return [self.value, "--noprofile", "--norc", str(script)] if self is Shell.BASH else ["sh", str(script)]


def checked_environment(env: dict[str, str]) -> dict[str, str]:
    """Variables for a command. Raises ValueError for names that no shell takes, or that would run code of their own."""
    for name in env:
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name for a variable")
        if _LOADED_BEFORE.fullmatch(name):
            raise ValueError(f"{name} would make the shell run what nobody has judged; put it into the command")
    return env


class ShellInputs(OperationInputs):
    """What every operation takes that runs a shell."""

    cwd: str | None = Field(None, description="folder to run in, inside the work folder (default: the work folder)")
    env: dict[str, str] = Field(default_factory=dict, description="variables; the worker's own are not passed on")
    shell: Shell = Field(Shell.BASH, description="bash, sh or pwsh")
    sandbox: Profile = Field(
        Profile.WORKSPACE,
        description="read-only; workspace (writes in the work folder); network (and reaches the network); "
        "host (no sandbox: only where the operator allows it)",
    )
    limits: dict[str, Any] = Field(
        default_factory=dict,
        description="lower ceilings: memory, processes, file_size, open_files, cpu (seconds); e.g. {memory: 512M}",
    )

    @field_validator("env", mode="before")
    @classmethod
    def _texts(cls, value: Any) -> Any:
        if isinstance(value, dict):
            return {k: str(v).lower() if isinstance(v, bool) else str(v) for k, v in value.items() if v is not None}
        return value

    @field_validator("env")
    @classmethod
    def _harmless(cls, value: dict[str, str]) -> dict[str, str]:
        return checked_environment(value)

    @field_validator("limits")
    @classmethod
    def _amounts(cls, value: dict[str, Any]) -> dict[str, Any]:
        return dict(limits.checked(value))


class CommandInputs(ShellInputs):
    """What bash.run and bash.script have in common."""

    undo: str | None = Field(None, description="a command that takes it back; it runs in the same place and sandbox")
    creates: str | None = Field(None, description="a path; where it is there already, nothing is run")
    unless: str | None = Field(None, description="a command; where it succeeds (run read-only), nothing else is run")
    exit_codes: list[int] = Field(default_factory=lambda: [0], description="exit codes that count as success")


class CommandResult(OperationResult):
    exit_code: int = Field(description="128 + number if a signal ended it")
    stdout: str = Field(description="masked; of long output its head and its tail")
    stderr: str = Field(description="masked; of long output its head and its tail")
    truncated: bool = Field(False, description="the middle of a stream was left out")
    ran: bool = Field(True, description="false: `creates` or `unless` said that it was done already")
    boundary: str = Field("", description="what stood between the command and the machine")
    findings: list[Remark] = Field(default_factory=list, description="what shellcheck says of a script")


class _Command(Operation[Any, CommandResult]):
    """Runs a text with a shell."""

    Result: ClassVar = CommandResult
    undo = Undo.NONE
    undo_note = "by the `undo` command, where one is given"

    def text(self, ctx: Context, inputs: Any) -> str:
        """What runs, in full. Raises TaskFailed."""
        raise AssertionError

    def given(self, inputs: Any) -> str | None:
        """What can be judged before the run; None if only the run will show it."""
        raise AssertionError

    def arguments(self, inputs: Any) -> list[str]:
        return []

    def touches(self, ctx: Context, inputs: Any) -> Sequence[str]:
        return [f"bash:file/{ctx.path(inputs.creates)}"] if inputs.creates else []

    def inspect(self, ctx: Context, inputs: Any) -> Observations:
        return [
            Observation(resource=resource, exists=ctx.path(inputs.creates).exists())
            for resource in self.touches(ctx, inputs)
        ]

    def done(self, ctx: Context, inputs: Any, seen: Observations) -> CommandResult | None:
        there = any(observation.exists for observation in seen)
        if not there and inputs.unless:
            require_leave(ctx, inputs.unless, shell=inputs.shell, looking=True)
            sandbox = Sandbox.of(ctx, Profile.READ_ONLY, limits=inputs.limits)
            there = execute(ctx, inputs, sandbox, inputs.unless, quiet=True).exit_code == 0
        if there:
            return CommandResult(exit_code=0, stdout="", stderr="", ran=False)
        require_leave(ctx, self.text(ctx, inputs), shell=inputs.shell, looking=True)
        return None

    def apply(self, ctx: Context, inputs: Any, seen: Observations) -> CommandResult:
        text = self.text(ctx, inputs)
        require_leave(ctx, text, shell=inputs.shell)
        result = self._run(ctx, inputs, text, self.arguments(inputs))
        if result.exit_code not in inputs.exit_codes:
            raise failed(self.name, result)
        return result

    def _run(self, ctx: Context, inputs: Any, text: str, arguments: list[str]) -> CommandResult:
        return execute(ctx, inputs, Sandbox.of(ctx, inputs.sandbox, limits=inputs.limits), text, arguments)

    def restore(self, ctx: Context, inputs: Any, before: Observations, now: Observations) -> None:
        if inputs.sandbox is Profile.READ_ONLY:
            return
        if inputs.undo is None:
            raise TaskFailed(f"{self.name} cannot be taken back: no `undo` command was given")
        require_leave(replace(ctx, approved=True), inputs.undo, shell=inputs.shell)  # the rollback was approved
        result = self._run(ctx, inputs, inputs.undo, [])
        if result.exit_code != 0:
            raise failed("the `undo` command", result)

    def assess(self, inputs: Any) -> Assessment:
        if inputs.sandbox is Profile.READ_ONLY:
            effect, undo, note = Effect.READ, Undo.UNNEEDED, "it can write nothing that lasts"
        elif inputs.undo:
            effect, undo, note = Effect.CHANGE, Undo.COMPENSATING, "its `undo` command is run"
        else:
            effect, undo, note = Effect.CHANGE, Undo.NONE, "no `undo` command was given"
        asks = "it runs without a sandbox" if inputs.sandbox is Profile.HOST else None
        refuses = None
        for text in (self.given(inputs), inputs.undo, inputs.unless):
            judged = judgement_of(text, shell=inputs.shell) if text else None
            if judged and judged.decision == "deny":
                refuses = refuses or in_words(judged)
            elif judged and judged.decision == "ask":
                asks = asks or in_words(judged)
        return Assessment(effect=effect, undo=undo, asks=asks, refuses=refuses, note=note)


class Run(_Command):
    name = "bash.run"
    summary = "Run a command line in a sandbox"

    class Inputs(CommandInputs):
        command: str = Field(description="the command line", min_length=1)

    def text(self, ctx: Context, inputs: Any) -> str:
        return str(inputs.command)

    def given(self, inputs: Any) -> str | None:
        return str(inputs.command)


class Script(_Command):
    name = "bash.script"
    summary = "Run a script in a sandbox, checked by shellcheck"

    class Inputs(CommandInputs):
        script: str = Field(description="the script's text, or the path of its file", min_length=1)
        args: list[str] = Field(default_factory=list, description="its arguments ($1, $2, ...)")

        @field_validator("args", mode="before")
        @classmethod
        def _words(cls, value: Any) -> Any:
            return [str(word) for word in value] if isinstance(value, list | tuple) else value

    def text(self, ctx: Context, inputs: Any) -> str:
        if not _may_be_path(inputs.script):
            return str(inputs.script)
        path = ctx.path(inputs.script).resolve()
        if not path.is_file():
            if "/" in inputs.script and not re.search(r"\s", inputs.script):
                raise TaskFailed(f"{path} is not there", kind=FailureKind.WRONG_INPUT, hint="a path of the work folder")
            return str(inputs.script)
        if not any(path.is_relative_to(root) for root in allowed_roots(ctx)):
            raise TaskFailed(f"{path} is outside the work folder {ctx.workdir}", kind=FailureKind.PERMISSION)
        if path.stat().st_size > _SCRIPT_MOST:
            raise TaskFailed(f"{path} is larger than {_SCRIPT_MOST} bytes", kind=FailureKind.WRONG_INPUT)
        return path.read_text(errors="replace")

    def given(self, inputs: Any) -> str | None:
        # A file's content may still be written by an earlier task: it is judged when it runs.
        return None if _may_be_path(inputs.script) else str(inputs.script)

    def arguments(self, inputs: Any) -> list[str]:
        return list(inputs.args)

    def apply(self, ctx: Context, inputs: Any, seen: Observations) -> CommandResult:
        found = remarks_on(ctx, self.text(ctx, inputs), inputs.shell)
        return super().apply(ctx, inputs, seen).model_copy(update={"findings": found})


def _may_be_path(script: str) -> bool:
    return "\n" not in script.strip() and len(script) < 4096 and not re.search(r"[;&|<>$`\"']", script)


def execute(
    ctx: Context, inputs: Any, sandbox: Sandbox, text: str, arguments: Sequence[str] = (), quiet: bool = False
) -> CommandResult:
    """Run a text that has been judged; any exit code is a result. Raises TaskFailed, Cancelled, TimedOut."""
    require_shell(inputs.shell)
    script = script_file(ctx.scratch, text, inputs.shell)
    if not quiet:
        sandbox.announce(ctx)
    result, verdict = sandbox.showing(script).run(
        ctx,
        [*inputs.shell.argv(script), *arguments],
        cwd=working_folder(ctx, inputs.cwd),
        env=inputs.env,
        keep=KEEP,
        quiet=quiet,
    )
    if verdict.left and not quiet:
        ctx.log(f"{verdict.left} processes that the command left behind were ended")
    return CommandResult(
        exit_code=verdict.exit_code,
        stdout=ctx.masker.mask(result.stdout),
        stderr=ctx.masker.mask(result.stderr),
        truncated=result.truncated,
        boundary=sandbox.boundary.detail,
    )


def require_shell(shell: Shell) -> None:
    """Raises TaskFailed where that shell is not installed."""
    if shutil.which(shell.value) is None:
        raise TaskFailed(
            f"the shell {shell.value} is not installed on this worker",
            kind=FailureKind.MISSING_PREREQUISITE,
            hint="use `shell: bash`" if shell is Shell.PWSH else "install it",
        )


def script_file(folder: Path, text: str, shell: Shell) -> Path:
    """The text as a file that only this user can read: on a command line any user of the machine could."""
    path = folder / ("command.ps1" if shell is Shell.PWSH else "command.sh")
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(text if text.endswith("\n") else text + "\n")
    return path


def working_folder(ctx: Context, cwd: str | None) -> Path:
    """The folder to run in. Raises TaskFailed if it is not there or lies outside the allowed roots."""
    folder = (ctx.path(cwd) if cwd else ctx.workdir).resolve()
    if not any(folder.is_relative_to(root) for root in allowed_roots(ctx)):
        raise TaskFailed(
            f"{folder} is outside the work folder {ctx.workdir}",
            kind=FailureKind.PERMISSION,
            hint="use a folder below it, or let the operator add it to `roots` of the bash agent",
        )
    if not folder.is_dir():
        raise TaskFailed(f"{folder} is no folder", kind=FailureKind.WRONG_INPUT)
    return folder


def failed(what: str, result: CommandResult) -> TaskFailed:
    """The failure that a wrong exit code is, with the last lines that were printed."""
    last = (result.stderr.strip() or result.stdout.strip()).splitlines()[-10:]
    number = result.exit_code - 128
    signalled = f" ({signal.Signals(number).name})" if number in signal.valid_signals() else ""
    how = f"exit code {result.exit_code}{signalled}"
    return TaskFailed(
        f"{what} ended with {how}" + (f": {last[-1]}" if last else ""),
        hint="`reign logs` shows all that it printed",
        details={"exit_code": result.exit_code, "last_lines": last, "boundary": result.boundary},
    )
