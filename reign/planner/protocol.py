"""What every planner is: something that turns a request in words into a plan, or says what it did not understand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from reign.core.plan import Plan


@dataclass(frozen=True)
class PlanRequest:
    """A request in words. ``environment`` and ``name`` come from options and win over what the text says.

    ``resources`` (addresses that the environment's state records), ``hints`` (what memory has to say) and ``context``
    (texts of tools and files that go with the request) are data: a planner may use them and never obeys them.
    """

    text: str
    environment: str | None = None
    name: str | None = None
    default_environment: str = "dev"  # where neither the option nor the text names one
    resources: Sequence[str] = ()
    hints: Sequence[str] = ()
    context: Sequence[str] = ()


@dataclass(frozen=True, order=True)
class Note:
    """Which words led to what: ``text[start:end]`` of the request, and the operation or input that it became."""

    start: int
    end: int
    text: str
    meaning: str


@dataclass(frozen=True)
class Proposal:
    """A plan that has passed ``core.check``, and how it came about. ``source``: ``keyword`` or ``llm:MODEL``.

    ``proposed``: the tasks that only a model proposed, by id, each with why it must be approved by name ("" if it need
    not be).
    """

    plan: Plan
    explanation: tuple[Note, ...] = ()
    warnings: tuple[str, ...] = ()
    source: str = "keyword"
    proposed: Mapping[str, str] = field(default_factory=dict)


class Planner(Protocol):
    """Turns requests into plans; runs nothing."""

    def plan(self, request: PlanRequest) -> Proposal:
        """Raises NotUnderstood, with ``details`` that hold ``question`` and ``choices``, or ``suggestions``."""
        ...
