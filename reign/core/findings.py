"""Findings: what a check saw that should not be so, how bad it is, where, what to do, and who has accepted it.

A check that looks at code, configuration or a live address ends in findings. Findings at or above a threshold that
nobody has waived fail the check. Pure: reading files and clocks is left to the callers.
"""

from __future__ import annotations

import fnmatch
import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Self

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, computed_field, model_validator


class Severity(StrEnum):
    """How bad a finding is, from a remark to a leak. Ordered by :attr:`rank`."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        return list(Severity).index(self)


class Threshold(StrEnum):
    """From which severity on findings fail a check; ``never``: they are only reported."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"
    NEVER = "never"

    def reached_by(self, severity: Severity) -> bool:
        return self is not Threshold.NEVER and severity.rank >= Severity(self.value).rank


class Waived(BaseModel):
    """Who said that a finding is accepted, and till when; without an end only what stands beside the code itself."""

    model_config = ConfigDict(frozen=True)

    reason: str
    until: date | None = None


class Finding(BaseModel):
    """One thing that a check found. ``place`` is ``path:line:column`` or ``host:port``, as far as known."""

    model_config = ConfigDict(frozen=True)

    rule: str = Field(description="stable id of the rule, e.g. aws-access-key or DL3007")
    severity: Severity
    message: str = Field(description="what is wrong, without any secret in it")
    remedy: str | None = Field(default=None, description="what to do about it")
    path: str | None = Field(default=None, description="relative to the scanned folder, with forward slashes")
    line: int | None = Field(default=None, description="from 1")
    column: int | None = Field(default=None, description="from 1, in characters")
    address: str | None = Field(default=None, description="host:port or URL, for checks of what runs")
    fingerprint: str = Field(default="", description="stable id of the finding; lines added above do not change it")
    waived: Waived | None = None

    @model_validator(mode="after")
    def _has_a_fingerprint(self) -> Self:
        if not self.fingerprint:
            # Without the text of the line, the rule, the place's name and the sentence are the best stable id.
            made = fingerprint(self.rule, self.path or self.address or "", self.message)
            object.__setattr__(self, "fingerprint", made)
        return self

    @computed_field  # type: ignore[prop-decorator]
    @property
    def place(self) -> str:
        if self.path is None:
            return self.address or ""
        return ":".join(str(part) for part in (self.path, self.line, self.column) if part is not None)

    def __str__(self) -> str:
        start = f"{self.place}: " if self.place else ""
        end = f" (waived: {self.waived.reason})" if self.waived else ""
        return f"{start}{self.severity}: {self.message} [{self.rule}]{end}"


def fingerprint(rule: str, where: str, content: str) -> str:
    """16 hex digits out of the rule, the file (or address) and the content that the rule objects to."""
    return hashlib.sha256("\0".join((rule, where, content)).encode()).hexdigest()[:16]


def distinct(findings: Iterable[Finding]) -> list[Finding]:
    """The findings with fingerprints made unique: the second of two equal lines gets ``-2``, and so on."""
    seen: Counter[str] = Counter()
    result = []
    for finding in findings:
        seen[finding.fingerprint] += 1
        again = seen[finding.fingerprint]
        changed = {"fingerprint": f"{finding.fingerprint}-{again}"}
        result.append(finding if again == 1 else finding.model_copy(update=changed))
    return result


#: The rule of a waiver that is over.
EXPIRED = "waiver-expired"


class Waiver(BaseModel):
    """A finding that somebody accepts: which (by fingerprint, or by rule and optionally path), why, and till when."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: str | None = Field(default=None, description="the rule's id, or a pattern such as DL3*", min_length=1)
    fingerprint: str | None = Field(
        default=None,
        min_length=1,
        validation_alias=AliasChoices("fingerprint", "id"),
        description="the id of one finding; `id` means the same",
    )
    path: str | None = Field(default=None, description="only in files that match this pattern, e.g. tests/*")
    reason: str = Field(min_length=3, description="why it is acceptable")
    until: date = Field(description="the last day on which this counts, e.g. 2030-06-30")

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        if self.rule is None and self.fingerprint is None:
            raise ValueError("a waiver names a `rule` or a `fingerprint`")
        return self

    def covers(self, finding: Finding, under: str = "") -> bool:
        """Whether it is this finding that is accepted, the date aside.

        ``under``: the scanned folder as seen from the plan's; a path may be named from either.
        """
        if self.fingerprint is not None and finding.fingerprint != self.fingerprint:
            return False
        if self.rule is not None and not fnmatch.fnmatchcase(finding.rule, self.rule):
            return False
        if self.path is None:
            return True
        named = finding.path or finding.address or ""
        names = (named, f"{under}/{named}") if under else (named,)
        return any(fnmatch.fnmatchcase(name, self.path) for name in names)


def waive(findings: Iterable[Finding], waivers: Sequence[Waiver], today: date, under: str = "") -> list[Finding]:
    """The findings with ``waived`` set where a waiver counts on that day; ``under`` as in :meth:`Waiver.covers`.

    A waiver past its date that would cover something becomes a finding of its own (``waiver-expired``, low), so that
    it is seen why the check fails again.
    """
    result, expired = [], dict[int, Finding]()
    for finding in findings:
        covers = finding.rule != EXPIRED  # of an earlier look
        covering = [(i, waiver) for i, waiver in enumerate(waivers) if covers and waiver.covers(finding, under)]
        valid = next((waiver for _, waiver in covering if waiver.until >= today), None)
        if valid and finding.waived is None:
            waived = Waived(reason=valid.reason, until=valid.until)
            finding = finding.model_copy(update={"waived": waived})
        elif not valid:
            expired |= {i: _expired(waiver, finding) for i, waiver in covering if i not in expired}
        result.append(finding)
    return [*result, *expired.values()]


def _expired(waiver: Waiver, finding: Finding) -> Finding:
    what = waiver.fingerprint or waiver.rule
    return Finding(
        rule=EXPIRED,
        severity=Severity.LOW,
        message=f"the waiver for {what} ended on {waiver.until.isoformat()} ({waiver.reason})",
        remedy="mend what it covers, or give the waiver a new date with a reason",
        path=finding.path,
        line=finding.line,
        address=finding.address,
    )


@dataclass(frozen=True)
class Verdict:
    """What the findings mean for what depends on the check."""

    findings: Sequence[Finding]
    failing: Sequence[Finding]  # at or above the threshold and not waived, the worst first

    @property
    def ok(self) -> bool:
        return not self.failing

    def counts(self) -> dict[str, int]:
        """How many there are of each severity that occurs, the waived ones under ``waived``."""
        found = Counter("waived" if f.waived else f.severity.value for f in self.findings)
        return {name: found[name] for name in (*reversed(Severity), "waived") if found[name]}

    def sentence(self) -> str:
        """``2 critical, 1 low``; ``nothing found`` if there is nothing."""
        return ", ".join(f"{count} {name}" for name, count in self.counts().items()) or "nothing found"


def verdict(findings: Iterable[Finding], fail_on: Threshold) -> Verdict:
    """Judge findings (waivers already applied) against a threshold; all sorted, the worst first, then by place."""
    ordered = sorted(findings, key=lambda f: (-f.severity.rank, f.path or "", f.line or 0, f.column or 0, f.rule))
    failing = [f for f in ordered if f.waived is None and fail_on.reached_by(f.severity)]
    return Verdict(ordered, failing)
