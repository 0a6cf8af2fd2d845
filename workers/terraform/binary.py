"""The terraform or tofu binary: which one, of what version, and its command lines.

Command lines come from python-terraform's ``generate_cmd_string``, the part under its ``cmd``. Its ``cmd`` itself, even
with ``synchronous=False``, starts the process in the worker's own session, passes on the worker's whole environment and
has no way to end it with the attempt; so the process is started by ``Context.tool``, and only the words are its.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reign.executor import Context, FailureKind, TaskFailed
from reign.executor.process import ToolResult, safe_environment

OLDEST = (1, 0, 0)
#: Of the worker's environment beside the safe part: what says where terraform's own settings are, no credentials.
_OWN_SETTINGS = ("TF_CLI_CONFIG_FILE", "TF_PLUGIN_CACHE_DIR", "TF_REGISTRY_DISCOVERY_RETRY")
#: How long a terraform that was asked to stop may take to bring what it has begun to an end (``stop_grace``).
STOP_GRACE = 60.0


@dataclass(frozen=True)
class Binary:
    path: str
    product: str  # terraform or tofu
    version: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.product} {'.'.join(map(str, self.version))}"


def locate(options: Mapping[str, Any]) -> str:
    """The path of the binary: the agent's setting ``binary``, else terraform or tofu on PATH. Raises TaskFailed."""
    wanted = options.get("binary")
    for name in [wanted] if wanted else ["terraform", "tofu"]:
        found = shutil.which(str(Path(name).expanduser()) if "/" in name else name)
        if found:
            return found
    raise TaskFailed(
        f"{wanted or 'neither terraform nor tofu'} is {'not ' if wanted else ''}there to be run",
        kind=FailureKind.MISSING_PREREQUISITE,
        hint="install Terraform (1.0 or newer) or OpenTofu, or say where it is: agents.terraform.binary",
    )


def identify(path: str, printed: str) -> Binary:
    """What ``version -json`` said. Raises TaskFailed for what is neither terraform nor tofu, or too old."""
    try:
        words = str(json.loads(printed[printed.index("{") :])["terraform_version"])
    except (ValueError, KeyError, TypeError):
        raise TaskFailed(
            f"{path} does not say which terraform it is", kind=FailureKind.MISSING_PREREQUISITE, hint="reign doctor"
        ) from None
    version = tuple(int(part) for part in re.findall(r"\d+", words)[:3])
    if version < OLDEST:
        raise TaskFailed(
            f"{path} is version {words}; 1.0 is the oldest that works here",
            kind=FailureKind.MISSING_PREREQUISITE,
            hint="install a newer one, or point agents.terraform.binary at it",
        )
    # Both call it terraform_version; OpenTofu leaves out the line about newer releases.
    product = "terraform" if '"terraform_outdated"' in printed else "tofu"
    return Binary(path, product, version)


_known: dict[tuple[str, float], Binary] = {}


def find(ctx: Context) -> Binary:
    """The binary that this worker uses; asked for its version once, and again when the file changes."""
    path = locate(ctx.options)
    key = (path, Path(path).stat().st_mtime)
    if key not in _known:
        result = ctx.tool([path, "version", "-json"], env=base(ctx), cwd=ctx.scratch, on_line=lambda stream, line: None)
        _known[key] = identify(path, result.stdout)
    return _known[key]


def words(binary: Binary, folder: Path, command: str, *arguments: str, **options: Any) -> list[str]:
    """The command line: ``words(b, f, "plan", json=True, var_file=[...])``; True is a bare flag, None left out."""
    from python_terraform import IsFlagged, Terraform

    # Given a folder it would read a state file there on its own account.
    maker = Terraform(working_dir=os.devnull, terraform_bin_path=binary.path)
    given = {name: IsFlagged if value is True else value for name, value in options.items()}
    made: list[str] = maker.generate_cmd_string(command, *arguments, **given)
    # -chdir goes before the command, and python-terraform would cut a folder's name at its spaces.
    return [made[0], f"-chdir={folder}", *made[1:]]


def base(ctx: Context) -> dict[str, str]:
    """What every command of this worker gets."""
    passed = {name: os.environ[name] for name in _OWN_SETTINGS if os.environ.get(name)}
    settings = passed.get("TF_CLI_CONFIG_FILE")
    if settings and not Path(settings).expanduser().is_file():
        del passed["TF_CLI_CONFIG_FILE"]  # it would warn before every answer
    wanted = [str(name) for name in ctx.options.get("pass_env", ())]
    passed |= {name: os.environ[name] for name in wanted if name in os.environ}
    return safe_environment(passed) | {"TF_IN_AUTOMATION": "1", "TF_INPUT": "0", "CHECKPOINT_DISABLE": "1"}


def environment(ctx: Context, data: Path, given: Mapping[str, str]) -> dict[str, str]:
    """The environment of one command; ``data`` is the task's own TF_DATA_DIR, ``given`` the task's ``env``."""
    made = base(ctx) | {"TF_DATA_DIR": str(data)}
    if "TF_PLUGIN_CACHE_DIR" not in made and ctx.options.get("plugin_cache", True):
        cache = ctx.state_dir / "providers"
        cache.mkdir(exist_ok=True)
        made["TF_PLUGIN_CACHE_DIR"] = str(cache)
        made["TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE"] = "1"
    return made | dict(given)


def run(
    ctx: Context,
    argv: list[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    on_line: Callable[[str, str], None],
    keep: int = 1_000_000,
) -> ToolResult:
    """Run it to its end. On cancel: SIGINT, on which terraform ends what it has begun and writes its state down."""
    grace = float(ctx.options.get("stop_grace", STOP_GRACE))
    return ctx.tool(argv, cwd=cwd, env=env, on_line=on_line, keep=keep, stop_signal=signal.SIGINT, grace=grace)
