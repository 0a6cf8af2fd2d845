"""validation.scan_secrets: are there secrets in a folder, file or text?"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from reign.core.findings import Finding, Severity, Threshold, Waived
from reign.executor import Context, FailureKind, TaskFailed
from reign.executor.contract import Observations
from workers.validation.checking import Check, CheckResult, conclude, kept
from workers.validation.subject import PathOrText

if TYPE_CHECKING:
    from workers.validation.secrets import tree

BASELINE = ".secrets.baseline"
#: So many findings end a scan: a folder with more is a dump of keys, and the list would help nobody.
MAX_FINDINGS = 5_000
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
        fail_on: Threshold = Field(
            default=Threshold.MEDIUM, description="findings from this severity on fail the task; never: only report"
        )
        include_ignored: bool = Field(default=False, description="also scan what the ignore files leave out")
        ignore_files: tuple[str, ...] = Field(
            default=(".gitignore",), description="files with patterns of what is left out; .dockerignore works too"
        )
        exclude: tuple[str, ...] = Field(
            default=_EXCLUDE, description="patterns (as in .gitignore) of what is never scanned"
        )
        baseline: str | None = Field(
            default=None, description=f"a baseline of detect-secrets with known findings; default: {BASELINE} if there"
        )

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


class _Scan:
    """One pass over what is to be scanned."""

    def __init__(self, ctx: Context, inputs: ScanSecrets.Inputs) -> None:
        self.ctx, self.inputs, self.files = ctx, inputs, 0
        self.skipped: dict[str, int] = {}

    def findings(self) -> Iterator[Finding]:
        from workers.validation.secrets import tree

        place, inputs = self.inputs.place(self.ctx), self.inputs
        if place is None:
            yield from self._in_text(
                inputs.text or "", inputs.filename or "text", inputs.filename or "", _nothing_known
            )
            return
        skipped = tree.Skipped()
        known = _baseline(self.ctx, inputs, place)
        ignore = () if inputs.include_ignored else inputs.ignore_files
        found = 0
        for file in tree.text_files(place, inputs.exclude, ignore, skipped):
            self.ctx.check()
            self.files += 1
            if self.files % 200 == 0:
                self.ctx.progress(f"{self.files} files, {found} findings; at {file.path}")
            for finding in self._in_text(file.text, file.path, file.path, known):
                found += 1
                yield finding
            if found >= MAX_FINDINGS:
                message = f"more than {MAX_FINDINGS} findings: the rest was not scanned"
                yield Finding(rule="scan-stopped", severity=Severity.HIGH, message=message, path=file.path)
                return
        self.skipped = {"binary": skipped.binary, "links": skipped.links, "ignored": skipped.ignored}
        yield from _remarks(skipped)

    def _in_text(self, text: str, path: str, name: str, known: Known) -> Iterator[Finding]:
        from workers.validation.secrets.detect import secrets_in

        for hit in secrets_in(text, name, self.ctx.check):
            yield hit.finding(path, known(path, hit.sha1))


def _remarks(skipped: tree.Skipped) -> Iterator[Finding]:
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
