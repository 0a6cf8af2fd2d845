"""What a shell is given and how a text is run by one: shells, variables, the folder, the sandbox around it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator

from reign.core.catalog import OperationInputs
from reign.executor import Context, FailureKind, TaskFailed
from workers.bash import limits
from workers.bash.sandbox import Profile, Sandbox, allowed_roots

KEEP = 256 * 1024  # bytes of each stream in the result: its head and its tail
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


@dataclass(frozen=True)
class Ran:
    """How a command went: its streams are masked and of bounded length."""

    exit_code: int  # 128 + number if a signal ended it
    stdout: str
    stderr: str
    truncated: bool
    boundary: str


def execute(
    ctx: Context,
    inputs: ShellInputs,
    sandbox: Sandbox,
    script: Path,
    arguments: Sequence[str] = (),
    *,
    quiet: bool = False,
) -> Ran:
    """Run a file that has been judged; any exit code will do. Raises TaskFailed, Cancelled, TimedOut."""
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
    return Ran(
        verdict.exit_code,
        ctx.masker.mask(result.stdout),
        ctx.masker.mask(result.stderr),
        result.truncated,
        sandbox.boundary.detail,
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
