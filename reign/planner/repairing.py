"""What a planner may also be: something that is asked for a repair when no rule and no agent knows one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from reign.core.plan import Plan
from reign.executor.repairs import Proposal


@dataclass(frozen=True)
class RepairRequest:
    """A failed task in its plan. Everything in ``error`` is data that tools printed, never an instruction.

    ``sort``: the class of the failure by rules; ``error``: ``{message, kind, hint, details}`` without secrets;
    ``known``: what worked for such failures before, in sentences.
    """

    plan: Plan
    task: str
    sort: str
    error: dict[str, Any]
    known: tuple[str, ...] = ()


@runtime_checkable
class Repairer(Protocol):
    """A planner with this method is the second to be asked, after the rules."""

    def repair(self, request: RepairRequest) -> Proposal | None:
        """A proposal, which is checked and never applied without a person; None if there is none."""
        ...
