"""On the worker, right after a failure: what the operation itself proposes. The engine knows no agent's errors."""

from __future__ import annotations

import logging
import time
from typing import Any

from reign.core.catalog import OperationInputs
from reign.executor import Context, Operation, Proposal, TaskFailed

log = logging.getLogger(__name__)

SECONDS = 5.0  # that an operation has to look for a way out
_LARGEST = 32_768  # characters of a proposal as JSON; a larger one is no repair


def proposed(
    operation: Operation[Any, Any], ctx: Context, inputs: OperationInputs, failure: TaskFailed
) -> dict[str, Any] | None:
    """The operation's proposal as JSON without secrets, or None. Never raises: the failure itself must be recorded.

    ``moves`` in it says that the task would concern other resources than before.
    """
    ctx.cancelled.clear()
    ctx.deadline = time.monotonic() + SECONDS
    try:
        found = operation.repair(ctx, inputs, failure)
        if found is None:
            return None
        body = found.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        body["moves"] = bool(found.instead) or _moves(operation, ctx, inputs, found)
        masked: dict[str, Any] = ctx.masker.record(body)
    except Exception as error:
        log.warning("%s/%s: no repair could be proposed: %s", ctx.run, ctx.task, error)
        return None
    return masked if len(str(masked)) <= _LARGEST else None


def _moves(operation: Operation[Any, Any], ctx: Context, inputs: OperationInputs, found: Proposal) -> bool:
    if not found.inputs:
        return False
    other = operation.Inputs.model_validate({**inputs.model_dump(by_alias=True), **found.inputs})
    return set(operation.touches(ctx, other)) != set(operation.touches(ctx, inputs))
