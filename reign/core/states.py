"""The states of a Run and of a Task, and which may follow which; drawn in docs/state_machine.md."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum


class TaskState(StrEnum):
    PENDING = "pending"  # waits for the tasks that it needs
    AWAITING_APPROVAL = "awaiting_approval"  # a person must say yes; holds no worker
    READY = "ready"  # may be claimed as soon as `not_before` has passed
    BLOCKED = "blocked"  # waits in line for a lock; holds no worker
    RUNNING = "running"  # claimed: exactly one fence is valid
    EXPANDED = "expanded"  # a for_each task whose items run as tasks of their own
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"  # its `if` was false, or a task that it needs did not succeed
    CANCELLED = "cancelled"
    NEEDS_ATTENTION = "needs_attention"  # nobody can tell whether its change happened; a person settles it


class RunState(StrEnum):
    QUEUED = "queued"  # recorded; no task has started
    RUNNING = "running"
    PAUSED = "paused"  # running tasks end, no other starts
    CANCELLING = "cancelling"  # running tasks are being ended
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    NEEDS_ATTENTION = "needs_attention"  # nothing more can run until a person settles a task


T, R = TaskState, RunState

TASK_TRANSITIONS: dict[TaskState, frozenset[TaskState]] = {
    T.PENDING: frozenset({T.READY, T.AWAITING_APPROVAL, T.SKIPPED, T.CANCELLED}),
    T.AWAITING_APPROVAL: frozenset({T.READY, T.FAILED, T.SKIPPED, T.CANCELLED}),
    T.READY: frozenset({T.RUNNING, T.SKIPPED, T.CANCELLED}),
    T.BLOCKED: frozenset({T.READY, T.SKIPPED, T.CANCELLED}),
    T.RUNNING: frozenset(
        {
            T.SUCCEEDED,
            T.FAILED,
            T.SKIPPED,
            T.CANCELLED,
            T.NEEDS_ATTENTION,
            T.READY,  # tried again, put back by a rate limit, or handed over by a worker that stops
            T.BLOCKED,
            T.AWAITING_APPROVAL,  # what it resolved to turned out to need a yes
            T.EXPANDED,
        }
    ),
    T.EXPANDED: frozenset({T.READY, T.CANCELLED}),  # READY: all items have ended, their results are gathered
    T.NEEDS_ATTENTION: frozenset({T.SUCCEEDED, T.FAILED, T.READY, T.CANCELLED}),
    # `reign retry` starts again from what did not succeed:
    T.FAILED: frozenset({T.PENDING, T.READY, T.AWAITING_APPROVAL, T.EXPANDED}),
    T.SKIPPED: frozenset({T.PENDING, T.READY, T.AWAITING_APPROVAL, T.EXPANDED}),
    T.CANCELLED: frozenset({T.PENDING, T.READY, T.AWAITING_APPROVAL, T.EXPANDED}),
    T.SUCCEEDED: frozenset(),
}

RUN_TRANSITIONS: dict[RunState, frozenset[RunState]] = {
    R.QUEUED: frozenset({R.RUNNING, R.PAUSED, R.CANCELLING, R.CANCELLED, R.SUCCEEDED, R.FAILED}),
    R.RUNNING: frozenset({R.PAUSED, R.CANCELLING, R.SUCCEEDED, R.FAILED, R.CANCELLED, R.NEEDS_ATTENTION}),
    R.PAUSED: frozenset({R.RUNNING, R.CANCELLING, R.SUCCEEDED, R.FAILED, R.CANCELLED, R.NEEDS_ATTENTION}),
    R.CANCELLING: frozenset({R.CANCELLED, R.NEEDS_ATTENTION, R.SUCCEEDED, R.FAILED}),
    R.NEEDS_ATTENTION: frozenset({R.RUNNING, R.CANCELLING, R.CANCELLED, R.SUCCEEDED, R.FAILED}),
    R.FAILED: frozenset({R.RUNNING}),
    R.CANCELLED: frozenset({R.RUNNING}),
    R.SUCCEEDED: frozenset(),
}

#: A task in one of these will not change by itself any more.
TASK_ENDED = frozenset({T.SUCCEEDED, T.FAILED, T.SKIPPED, T.CANCELLED})
#: A task in one of these has not been claimed and can be taken out of the run at once.
TASK_WAITING = frozenset({T.PENDING, T.AWAITING_APPROVAL, T.READY, T.BLOCKED})
RUN_ENDED = frozenset({R.SUCCEEDED, R.FAILED, R.CANCELLED})


#: A task in one of these will go on by itself, or when a person says yes.
TASK_MOVING = frozenset({T.READY, T.RUNNING, T.BLOCKED, T.AWAITING_APPROVAL})


def outcome(states: Collection[TaskState], *, cancelled: bool) -> RunState | None:
    """The state of a run whose tasks are in ``states``; None while one of them still moves.

    A failed task fails the run. With a task in NEEDS_ATTENTION the run needs attention as soon as nothing else moves,
    however much still waits behind that task.
    """
    present = frozenset(states)
    if present & TASK_MOVING:
        return None
    if T.NEEDS_ATTENTION in present:
        return R.NEEDS_ATTENTION
    if present - TASK_ENDED:
        return None
    if cancelled:
        return R.CANCELLED
    return R.FAILED if present & {T.FAILED, T.CANCELLED} else R.SUCCEEDED
