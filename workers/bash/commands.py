"""bash.run and bash.script: a command line or a script, judged, in a sandbox."""

from __future__ import annotations

import os
import re
import shlex
import signal
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field, field_validator

from reign.core.catalog import Effect, OperationResult
from reign.core.findings import Finding
from reign.core.resource import Observation, Undo
from reign.executor import Context, FailureKind, Operation, Proposal, TaskFailed
from reign.executor.contract import Assessment, Observations
from reign.executor.scope import NotRehearsable, Scope
from workers.bash import printed
from workers.bash.exhausted import met, wants_network
from workers.bash.judged import in_words, judgement_of, only_reads, require_leave
from workers.bash.limits import limits_for
from workers.bash.lint import remarks_on
from workers.bash.sandbox import Profile, Sandbox, allowed_roots
from workers.bash.shell import Shell, ShellInputs, execute, require_shell, script_file
from workers.bash.uninitialised import init_first, not_initialised

_SCRIPT_MOST = 1 << 20  # bytes of a script file
_PATH_LIKE = re.compile(r"[^\s;&|<>$`\"'(){}*?]{1,4096}")


def as_line(value: Any) -> Any:
    """A list of words as the command line that means just these words."""
    return shlex.join(map(str, value)) if isinstance(value, list | tuple) and value else value


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
    findings: list[Finding] = Field(default_factory=list, description="what shellcheck says of a script")


class _Command(Operation[Any, CommandResult]):
    """Runs a text with a shell."""

    Result: ClassVar = CommandResult
    variables = ("env",)
    reruns = True
    undo = Undo.NONE
    undo_note = "by the `undo` command, where one is given"

    def rehearsed(self, inputs: Mapping[str, Any], scope: Scope) -> dict[str, Any] | None:
        """In the copied work folder, as long as the sandbox keeps it in there."""
        profile = str(inputs.get("sandbox", Profile.WORKSPACE.value))
        if profile not in (Profile.READ_ONLY, Profile.WORKSPACE):
            raise NotRehearsable(f"with sandbox: {profile} it reaches more than the copied work folder")
        places = {key: scope.path(inputs[key]) for key in ("cwd", "creates") if inputs.get(key)}
        return {**inputs, **places}

    def text(self, ctx: Context, inputs: Any) -> str:
        """What runs, in full. Raises TaskFailed."""
        raise AssertionError

    def given(self, inputs: Any) -> str | None:
        """What can be judged before the run; None if only the run will show it."""
        raise AssertionError

    def file(self, ctx: Context, inputs: Any) -> Path | None:
        """The file that the text came from, if it did."""
        return None

    def arguments(self, inputs: Any) -> list[str]:
        return []

    def with_arguments(self, inputs: Any, text: str) -> str:
        """The text as the judge must see it: ``"$1"`` runs whatever the first argument is."""
        words = self.arguments(inputs)
        return f"set -- {shlex.join(words)}\n{text}" if words and inputs.shell is not Shell.PWSH else text

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
            script = script_file(ctx.scratch, inputs.unless, inputs.shell)
            there = _run(ctx, inputs, Profile.READ_ONLY, script, quiet=True).exit_code == 0
        if there:
            return CommandResult(exit_code=0, stdout="", stderr="", ran=False)
        text = self.with_arguments(inputs, self.text(ctx, inputs))
        require_leave(ctx, text, shell=inputs.shell, looking=True)
        return None

    def apply(self, ctx: Context, inputs: Any, seen: Observations) -> CommandResult:
        text = self.text(ctx, inputs)
        require_leave(ctx, self.with_arguments(inputs, text), shell=inputs.shell)
        script = self.file(ctx, inputs) or script_file(ctx.scratch, text, inputs.shell)
        result = _run(ctx, inputs, inputs.sandbox, script, self.arguments(inputs))
        if result.exit_code not in inputs.exit_codes:
            raise failed(ctx, inputs, self.name, result)
        return result

    def repair(self, ctx: Context, inputs: Any, failure: TaskFailed) -> Proposal | None:
        if failure.kind is not FailureKind.MISSING_PREREQUISITE:
            return None
        return init_first(ctx, inputs, self.text(ctx, inputs), failure.details.get("last_lines", ()))

    def repeats(self, ctx: Context, inputs: Any) -> bool:
        """It may run again if it cannot have changed anything, or says itself when it need not run again."""
        if inputs.sandbox is Profile.READ_ONLY or inputs.creates or inputs.unless:
            return True
        text = self.with_arguments(inputs, self.text(ctx, inputs))
        return inputs.shell is not Shell.PWSH and only_reads(text, str(ctx.workdir))

    def restore(self, ctx: Context, inputs: Any, before: Observations, now: Observations) -> None:
        if inputs.sandbox is Profile.READ_ONLY:
            return
        if inputs.undo is None:
            raise TaskFailed(f"{self.name} cannot be taken back: no `undo` command was given")
        require_leave(replace(ctx, approved=True), inputs.undo, shell=inputs.shell)  # the rollback was approved
        result = _run(ctx, inputs, inputs.sandbox, script_file(ctx.scratch, inputs.undo, inputs.shell))
        if result.exit_code != 0:
            raise failed(ctx, inputs, "the `undo` command", result)

    def again(self, inputs: Mapping[str, Any]) -> str:
        """A command that does the same once more."""
        raise AssertionError

    def told(self, command: str) -> dict[str, Any]:
        """The inputs that run a command."""
        raise AssertionError

    def redone(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """What was run first is run again; what took it back, takes it back."""
        return {**inputs, **self.told(inputs["undo"]), "undo": self.again(inputs)}

    def assess(self, inputs: Any) -> Assessment:
        if inputs.sandbox is Profile.READ_ONLY:
            effect, undo, note = Effect.READ, Undo.UNNEEDED, "it can write nothing that lasts"
        elif inputs.undo:
            effect, undo, note = Effect.CHANGE, Undo.COMPENSATING, "its `undo` command is run"
        else:
            effect, undo, note = Effect.CHANGE, Undo.NONE, "no `undo` command was given"
        asks = "it runs without a sandbox" if inputs.sandbox is Profile.HOST else None
        refuses = None
        given = self.given(inputs)
        known = self.with_arguments(inputs, given) if given else None
        for text in (known, inputs.undo, inputs.unless):
            judged = judgement_of(text, shell=inputs.shell) if text else None
            if judged and judged.decision == "deny":
                refuses = refuses or in_words(judged)
            elif judged and judged.decision == "ask":
                asks = asks or in_words(judged)
        found = [finding for text in (given, inputs.undo, inputs.unless) if text for finding in printed.findings(text)]
        return Assessment(effect=effect, undo=undo, asks=asks, refuses=refuses, note=note, findings=tuple(found))


class Run(_Command):
    name = "bash.run"
    summary = "Run a command line in a sandbox"

    class Inputs(CommandInputs):
        command: str = Field(description="the command line; a list of words is taken literally", min_length=1)

        @field_validator("command", mode="before")
        @classmethod
        def _line(cls, value: Any) -> Any:
            return as_line(value)

    def text(self, ctx: Context, inputs: Any) -> str:
        return str(inputs.command)

    def given(self, inputs: Any) -> str | None:
        return str(inputs.command)

    def again(self, inputs: Mapping[str, Any]) -> str:
        return str(as_line(inputs["command"]))

    def told(self, command: str) -> dict[str, Any]:
        return {"command": command}


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

    def file(self, ctx: Context, inputs: Any) -> Path | None:
        """Run in place, so that it finds what lies beside it."""
        if not _PATH_LIKE.fullmatch(inputs.script):
            return None
        path = ctx.path(inputs.script).resolve()
        if not path.is_file():
            if "/" in inputs.script:
                raise TaskFailed(f"the script {path} is not there", kind=FailureKind.WRONG_INPUT)
            return None
        if not any(path.is_relative_to(root) for root in allowed_roots(ctx)):
            raise TaskFailed(f"the script {path} is outside the work folder {ctx.workdir}", kind=FailureKind.PERMISSION)
        return path

    def text(self, ctx: Context, inputs: Any) -> str:
        path = self.file(ctx, inputs)
        if path is None:
            return str(inputs.script)
        if path.stat().st_size > _SCRIPT_MOST:
            raise TaskFailed(f"{path} is larger than {_SCRIPT_MOST} bytes", kind=FailureKind.WRONG_INPUT)
        return path.read_text(errors="replace")

    def given(self, inputs: Any) -> str | None:
        # A file's content may still be written by an earlier task: it is judged when it runs.
        return None if _PATH_LIKE.fullmatch(inputs.script) else str(inputs.script)

    def arguments(self, inputs: Any) -> list[str]:
        return list(inputs.args)

    def again(self, inputs: Mapping[str, Any]) -> str:
        script, words = str(inputs["script"]), [str(word) for word in inputs.get("args") or ()]
        if "/" in script and _PATH_LIKE.fullmatch(script):
            here, cwd = Path(script).expanduser(), inputs.get("cwd")
            path = str(here) if here.is_absolute() or not cwd else os.path.relpath(here, cwd)
            return shlex.join([str(inputs.get("shell") or Shell.BASH.value), path, *words])
        return f"set -- {shlex.join(words)}\n{script}" if words else script

    def told(self, command: str) -> dict[str, Any]:
        return {"script": command, "args": []}

    def apply(self, ctx: Context, inputs: Any, seen: Observations) -> CommandResult:
        found = remarks_on(ctx, self.text(ctx, inputs), inputs.shell)
        return super().apply(ctx, inputs, seen).model_copy(update={"findings": found})


def _run(
    ctx: Context,
    inputs: ShellInputs,
    profile: Profile,
    script: Path,
    arguments: Sequence[str] = (),
    *,
    quiet: bool = False,
) -> CommandResult:
    require_shell(inputs.shell)
    sandbox = Sandbox.of(ctx, profile, limits=inputs.limits)
    return CommandResult(**asdict(execute(ctx, inputs, sandbox, script, arguments, quiet=quiet)))


def failed(ctx: Context, inputs: ShellInputs, what: str, result: CommandResult) -> TaskFailed:
    """The failure that a wrong exit code is, with the last printed lines and the limit that they speak of."""
    last = (result.stderr.strip() or result.stdout.strip()).splitlines()[-10:]
    number = result.exit_code - 128
    signalled = f" ({signal.Signals(number).name})" if number in signal.valid_signals() else ""
    how = f"exit code {result.exit_code}{signalled}"
    limits = limits_for(ctx.options.get("limits"), inputs.limits)
    limit = met(limits, result.exit_code, last, ctx.workdir)
    telling = [line for line in last if limit and met(limits, 0, [line], ctx.workdir)] or last
    kind, hint = FailureKind.UNKNOWN, limit
    if not limit and not_initialised(last):
        kind, hint = FailureKind.MISSING_PREREQUISITE, "its folder is not initialised: an init comes first"
        telling = [line for line in last if "Error: " in line] or last
    elif not limit and inputs.sandbox in (Profile.READ_ONLY, Profile.WORKSPACE) and wants_network(last):
        kind, hint = FailureKind.PERMISSION, f"the sandbox `{inputs.sandbox}` has no network; `sandbox: network` has"
    return TaskFailed(
        f"{what} ended with {how}" + (f": {telling[-1]}" if telling else ""),
        kind=kind,
        hint=hint or "`reign logs` shows all that it printed",
        details={"exit_code": result.exit_code, "last_lines": last, "boundary": result.boundary},
    )
