"""The executor contract: what an agent brings (operations), and what a running operation is given (a context)."""

from reign.executor.context import Context
from reign.executor.contract import Agent, Check, Operation
from reign.executor.failures import Cancelled, FailureKind, NeedsApproval, PutBack, TaskFailed, TimedOut
from reign.executor.repairs import PortMoved, Proposal, Step

__all__ = [
    "Agent",
    "Cancelled",
    "Check",
    "Context",
    "FailureKind",
    "NeedsApproval",
    "Operation",
    "PortMoved",
    "Proposal",
    "PutBack",
    "Step",
    "TaskFailed",
    "TimedOut",
]
