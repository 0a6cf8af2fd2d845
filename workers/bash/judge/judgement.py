"""What the judge answers: a decision, why, and the exact part of the command it is about."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Decision(StrEnum):
    """The three outcomes, from harmless to refused."""

    ALLOW = "allow"
    ASK = "ask"
    DENY = "deny"

    @property
    def weight(self) -> int:
        """0 for allow, 1 for ask, 2 for deny: the heavier of two findings decides."""
        return _WEIGHT[self]


_WEIGHT = {Decision.ALLOW: 0, Decision.ASK: 1, Decision.DENY: 2}


@dataclass(frozen=True, slots=True)
class Finding:
    """One objection: `rule` is a stable id (`area.noun`), `part` is a slice of the judged command."""

    decision: Decision
    reason: str
    part: str
    rule: str

    def as_dict(self) -> dict[str, str]:
        return {"decision": self.decision.value, "reason": self.reason, "part": self.part, "rule": self.rule}


@dataclass(frozen=True, slots=True)
class Judgement:
    """The answer for a whole command; `findings` holds every objection, the heaviest first."""

    decision: Decision
    reason: str
    part: str
    rule: str
    findings: tuple[Finding, ...] = ()

    @classmethod
    def of(cls, findings: Iterable[Finding]) -> Judgement:
        """The judgement that follows from the findings: the heaviest decides, the first found among equals."""
        ordered = sorted(dict.fromkeys(findings), key=lambda finding: -finding.decision.weight)
        if not ordered:
            return cls(Decision.ALLOW, "No rule objects to this command.", "", "judge.clean")
        first = ordered[0]
        return cls(first.decision, first.reason, first.part, first.rule, tuple(ordered))

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON output."""
        return {
            "decision": self.decision.value,
            "reason": self.reason,
            "part": self.part,
            "rule": self.rule,
            "findings": [finding.as_dict() for finding in self.findings],
        }
