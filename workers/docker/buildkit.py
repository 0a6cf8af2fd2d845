"""Building with BuildKit through the docker command line: for Dockerfiles that the engine's own builder cannot read.

The SDK speaks to that older builder only. BuildKit has its own .dockerignore rules (the same), cache and output.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from reign.executor import Context, FailureKind, TaskFailed
from reign.executor.process import ToolResult
from workers.docker.compose_cli import environment
from workers.docker.errors import out_of_disk

#: Flags and here-documents that came with BuildKit's Dockerfile syntax.
_NEWER = re.compile(
    r"^\s*(?:RUN|COPY|ADD)\b(?:\s+--[\w-]+(?:=\S+)?)*\s+"
    r"(?:--(?:mount|network|security|link|chmod|parents|exclude|checksum|keep-git-dir)\b|.*<<-?[\"']?[A-Za-z_])",
    re.IGNORECASE | re.MULTILINE,
)
_STEP = re.compile(r"^#\d+ (\[[^\]]+\] .+)$")
_EXIT = re.compile(r"(?:exit code:|returned a non-zero code:) (\d+)")


def is_needed(dockerfile: str) -> bool:
    """Whether a Dockerfile uses what only BuildKit knows."""
    return bool(_NEWER.search(dockerfile.replace("\\\n", " ")))


@dataclass(frozen=True)
class Order:
    """What to build."""

    folder: Path
    dockerfile: Path
    tag: str
    arguments: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    target: str | None = None
    platform: str | None = None
    network: str | None = None
    pull: bool = False
    no_cache: bool = False


def build(ctx: Context, order: Order) -> None:
    """Build the image. Raises TaskFailed with the step that failed and the last lines."""
    folder = ctx.scratch / "secrets"
    folder.mkdir(mode=0o700, exist_ok=True)
    argv = [*_program(ctx), "--progress", "plain", "--tag", order.tag, "--file", str(order.dockerfile)]
    for name, value in order.arguments.items():
        argv += ["--build-arg", f"{name}={value}"]
    for name, value in order.labels.items():
        argv += ["--label", f"{name}={value}"]
    for number, (name, value) in enumerate(order.secrets.items()):
        path = folder / str(number)
        path.touch(mode=0o600)
        path.write_text(value)
        argv += ["--secret", f"id={name},src={path}"]
    for option, given in (("--target", order.target), ("--platform", order.platform), ("--network", order.network)):
        argv += [option, given] if given else []
    argv += ["--pull"] * order.pull + ["--no-cache"] * order.no_cache

    def line(_: str, text: str) -> None:
        ctx.log(text)
        if step := _STEP.match(text):
            ctx.progress(step[1])

    try:
        ended = ctx.tool([*argv, str(order.folder)], env=environment(ctx, {"DOCKER_BUILDKIT": "1"}), on_line=line)
    finally:
        shutil.rmtree(folder)
    if ended.exit_code != 0:
        raise _failed(ctx, order, ended)


def _program(ctx: Context) -> list[str]:
    """The docker command line with BuildKit: with the buildx plugin, or one so old that it has it built in."""
    program = str(ctx.options.get("docker") or shutil.which("docker") or "")
    if program:
        asked = ctx.tool([program, "buildx", "version"], env=environment(ctx), on_line=lambda *_: None, timeout=20)
        if asked.exit_code == 0:
            return [program, "buildx", "build", "--load"]
        version = ctx.tool([program, "--version"], env=environment(ctx), on_line=lambda *_: None, timeout=20)
        major = re.search(r"version (\d+)\.", version.stdout)
        if major and int(major[1]) < 23:
            return [program, "build"]
    raise TaskFailed(
        "the Dockerfile (or `secrets`) needs BuildKit, and there is no docker command line with buildx",
        kind=FailureKind.MISSING_PREREQUISITE,
        hint="install Docker's buildx plugin (docker-buildx-plugin), or do without RUN --mount and its like",
    )


def _failed(ctx: Context, order: Order, ended: ToolResult) -> TaskFailed:
    lines = [ctx.masker.mask(text) for text in ended.tail(30).splitlines() if text.strip()]
    told = next((text for text in reversed(lines) if "ERROR" in text or "error" in text), lines[-1] if lines else "")
    step = next((text.strip(" >:") for text in lines if text.startswith(" > [")), "a step")
    code = _EXIT.search(told)
    if full := out_of_disk(lines, f"build {order.tag}", None):
        return full
    if not code:
        raise TaskFailed(
            f"build {order.tag}: {told.partition('ERROR: ')[2] or told}"[:500],
            kind=FailureKind.WRONG_INPUT,
            hint="the last lines are in the log (`reign logs`)",
            details={"lines": lines},
        )
    said = [re.sub(r"^#?\d+ [\d.]+ ", "", text) for text in lines if re.match(r"^#?\d+ [\d.]+ ", text)]
    ending = f": {' / '.join(said[-3:])}" if said else ""
    return TaskFailed(
        f"build {order.tag}: {step} ended with code {code[1]}{ending}"[:500],
        kind=FailureKind.WRONG_INPUT,
        hint="the step's last lines are in the log (`reign logs`)",
        details={"step": step, "exit_code": code[1], "lines": said or lines},
    )
