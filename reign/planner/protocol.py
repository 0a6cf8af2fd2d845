"""What every planner is: something that turns a request in words into a plan, or says what it did not understand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from reign.core.plan import Plan


@dataclass(frozen=True)
class PlanRequest:
    """A request in words. ``environment`` and ``name`` come from options and win over what the text says."""

    text: str
    environment: str | None = None
    name: str | None = None


@dataclass(frozen=True, order=True)
class Note:
    """Which words led to what: ``text[start:end]`` of the request, and the operation or input that it became."""

    start: int
    end: int
    text: str
    meaning: str


@dataclass(frozen=True)
class Proposal:
    """A plan that has passed ``core.check``, and how it came about. ``source``: ``keyword`` or ``llm:MODEL``."""

    plan: Plan
    explanation: tuple[Note, ...] = ()
    warnings: tuple[str, ...] = ()
    source: str = "keyword"


class Planner(Protocol):
    """Turns requests into plans; runs nothing."""

    def plan(self, request: PlanRequest) -> Proposal:
        """Raises NotUnderstood, with ``details`` that hold ``question`` and ``choices``, or ``suggestions``."""
        ...
