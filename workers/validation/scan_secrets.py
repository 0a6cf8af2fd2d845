"""validation.scan_secrets: are there secrets in a folder, a file, a text, an image?"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

from pydantic import Field, model_validator

from reign.core.findings import Finding, Severity, Threshold, Waived
from reign.executor import Context, FailureKind, TaskFailed
from reign.executor.contract import Observations
from reign.executor.scope import Scope
from workers.validation.builds import builds, way
from workers.validation.checking import Check, CheckResult, conclude, kept
from workers.validation.saving import saved
from workers.validation.subject import PathOrText

if TYPE_CHECKING:
    from workers.validation.secrets.tree import Skipped

BASELINE = ".secrets.baseline"
#: So many findings end a scan: a folder with more is a dump of keys, and the list would help nobody.
MAX_FINDINGS = 5_000
_REBUILD = (
    "keep it out of the build (.dockerignore, `RUN --mount=type=secret`) and build again, as a later layer does not"
    " take it out; revoke it if the image has left this machine"
)
_MAX_BASELINE_BYTES = 50_000_000
_EXCLUDE = (
    ".git/", ".hg/", ".svn/", "node_modules/", ".venv/", "venv/", "__pycache__/", ".tox/", ".mypy_cache/",
    ".ruff_cache/", ".pytest_cache/", ".terraform/", ".cache/",
)  # fmt: skip
Known = Callable[[str, str], Waived | None]


class ScanSecrets(Check["ScanSecrets.Inputs", "ScanSecrets.Result"]):
    """Knows vendors' keys by their shape, other secrets by the name that they are given to or by their randomness.

    Severities: keys and private keys critical, passwords high, random-looking text medium, weak or made-up
    passwords low. Findings never hold the secret.
    """

    name: ClassVar[str] = "validation.scan_secrets"
    summary: ClassVar[str] = "Look for passwords, keys and tokens in a folder, file or text"

    class Inputs(PathOrText):
        image: str | None = Field(
            default=None,
            pattern=r"^[A-Za-z0-9][\w./:@-]*$",
            description="an image of the Docker Engine instead of a path: its layers, variables, labels, build history",
        )
        builds: bool = Field(
            default=False, description="`path` is a Compose file (or its folder): scan what it builds images from"
        )
        fail_on: Threshold = Field(
            default=Threshold.MEDIUM, description="findings from this severity on fail the task; never: only report"
        )
        include_ignored: bool = Field(default=False, description="also scan what the ignore files leave out")
        ignore_files: tuple[str, ...] = Field(
            default=(".gitignore",), description="files with patterns of what is left out; .dockerignore works too"
        )
        exclude: tuple[str, ...] = Field(
            default=_EXCLUDE,
            description="patterns (as in .gitignore) of what is never scanned; of an image by default what others made",
        )
        baseline: str | None = Field(
            default=None, description=f"a baseline of detect-secrets with known findings; default: {BASELINE} if there"
        )

        @model_validator(mode="after")
        def _one_of_both(self) -> Self:
            if [self.path, self.text, self.image].count(None) != 2:
                raise ValueError("give one of `path`, `text` and `image`")
            if self.builds and self.path is None:
                raise ValueError("`builds` needs the `path` of a Compose file")
            return self

        @property
        def subject(self) -> str:
            return f"image {self.image}" if self.image else super().subject

    class Result(CheckResult):
        files: int = Field(description="text files read")
        skipped: dict[str, int] = Field(description="how much was not read, by reason: binary, links, ignored")

    def apply(self, ctx: Context, inputs: ScanSecrets.Inputs, seen: Observations) -> ScanSecrets.Result:
        scanned = _Scan(ctx, inputs)
        judged = conclude(ctx, inputs.subject, scanned.findings(), inputs, place=inputs.place(ctx))
        ctx.progress(f"{scanned.files} files, {judged.sentence()}")
        return self.Result(
            files=scanned.files,
            skipped=scanned.skipped,
            findings=kept(judged),
            summary=judged.sentence(),
        )

    def rehearsed(self, inputs: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
        image = inputs.get("image")
        return {**inputs, "image": scope.known("image", image) or image} if image else dict(inputs)


class _Text(NamedTuple):
    """A text to be scanned: its ``path`` in findings, the ``name`` that tells what it is, what is known of it."""

    text: str
    path: str
    name: str
    known: Known


class _Scan:
    """One pass over what is to be scanned."""

    def __init__(self, ctx: Context, inputs: ScanSecrets.Inputs) -> None:
        from workers.validation.secrets import tree

        self.ctx, self.inputs, self.files = ctx, inputs, 0
        self._left_out = tree.Skipped()

    @property
    def skipped(self) -> dict[str, int]:
        """How much was not read, by reason; {} for a text."""
        if self.inputs.text is not None:
            return {}
        left = self._left_out
        return {"binary": left.binary, "links": left.links, "ignored": left.ignored}

    def findings(self) -> Iterator[Finding]:
        from workers.validation.secrets.detect import secrets_in

        told: set[str] = set()
        for text, path, name, known in self._texts():
            if self.inputs.text is None:
                self.files += 1
                if self.files % 200 == 0:
                    self.ctx.progress(f"{self.files} files, {len(told)} findings; at {path}")
            for hit in secrets_in(text, name, self.ctx.check):
                finding = hit.finding(path, known(path, hit.sha1))
                mark = f"{finding.fingerprint} {finding.place}"
                if self.inputs.image is None:
                    yield finding
                elif mark not in told:  # a layer holds all of a file that it changes
                    yield finding.model_copy(update={"remedy": _REBUILD})
                told.add(mark)
            if len(told) >= MAX_FINDINGS:
                message = f"more than {MAX_FINDINGS} findings: the rest was not scanned"
                yield Finding(rule="scan-stopped", severity=Severity.HIGH, message=message, path=path)
                return
        yield from _remarks(self._left_out)

    def _texts(self) -> Iterator[_Text]:
        inputs, place = self.inputs, self.inputs.place(self.ctx)
        if inputs.image is not None:
            yield from self._in_image(inputs.image)
        elif place is None:
            name = inputs.filename or ""
            yield _Text(inputs.text or "", name or "text", name, _nothing_known)
        elif inputs.builds:
            for folder in dict.fromkeys(folder for build in builds(place) for folder in build.folders):
                yield from self._in_folder(folder, way(folder, place))
        else:
            yield from self._in_folder(place, "")

    def _in_folder(self, place: Path, prefix: str) -> Iterator[_Text]:
        from workers.validation.secrets import tree

        known = _baseline(self.ctx, self.inputs, place)
        ignore = () if self.inputs.include_ignored else self.inputs.ignore_files
        left_out = tree.Skipped()
        for file in tree.text_files(place, self.inputs.exclude, ignore, left_out):
            self.ctx.check()
            yield _Text(file.text, prefix + file.path, file.path, known)
        self._left_out.add(left_out, prefix)

    def _in_image(self, name: str) -> Iterator[_Text]:
        from workers.validation.secrets import image

        asked = "exclude" in self.inputs.model_fields_set
        excluded = image.Excluded(self.inputs.exclude if asked else image.EXCLUDE)
        known = _baseline(self.ctx, self.inputs, self.ctx.workdir) if self.inputs.baseline else _nothing_known
        with saved(self.ctx, name) as archive:
            for file, kind in image.text_files(archive, excluded, self._left_out, self.ctx.check):
                yield _Text(file.text, file.path, kind, known)


def _remarks(skipped: Skipped) -> Iterator[Finding]:
    for path in skipped.cut:
        message, remedy = "only its first 5 MiB were scanned", "exclude it if it is data"
        yield Finding(rule="scan-partial", severity=Severity.INFO, message=message, remedy=remedy, path=path)
    for path in skipped.unreadable:
        message, remedy = "it cannot be read, so it was not scanned", "let the worker's user read it"
        yield Finding(rule="scan-unreadable", severity=Severity.LOW, message=message, remedy=remedy, path=path)


def _nothing_known(_path: str, _sha1: str) -> Waived | None:
    return None


def _baseline(ctx: Context, inputs: ScanSecrets.Inputs, place: Path) -> Known:
    """Which secrets a baseline knows and nobody has marked there as real. Raises TaskFailed (wrong_input)."""
    given = inputs.baseline is not None
    file = ctx.path(inputs.baseline) if inputs.baseline is not None else place / BASELINE
    if not given and not file.is_file():
        return _nothing_known
    try:
        with file.open("rb") as stream:
            results = json.loads(stream.read(_MAX_BASELINE_BYTES))["results"]
        entries = {
            (path.replace("\\", "/").removeprefix("./"), entry["hashed_secret"])
            for path, found in results.items()
            for entry in found
            if entry.get("is_secret") is not True
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = getattr(error, "strerror", None) or "it is not a baseline of detect-secrets"
        raise TaskFailed(
            f"{file}: {reason}", kind=FailureKind.WRONG_INPUT, hint="make one with: detect-secrets scan > " + BASELINE
        ) from None
    waived = Waived(reason=f"known in {file.name}")

    def known(path: str, sha1: str) -> Waived | None:
        # The baseline may have been made further up in the repository.
        return (
            waived if any(hashed == sha1 and (p == path or p.endswith("/" + path)) for p, hashed in entries) else None
        )

    return known
