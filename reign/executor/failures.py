"""How an operation says that it did not work, so that the engine knows what may follow."""

from __future__ import annotations

from enum import StrEnum
from typing import Any


class FailureKind(StrEnum):
    """The classes of failure; what may be done about one depends on its class."""

    TRANSIENT = "transient"  # may well work when tried again
    WRONG_INPUT = "wrong_input"
    MISSING_PREREQUISITE = "missing_prerequisite"
    PERMISSION = "permission"
    CONFLICT = "conflict"
    CHECK_FAILED = "check_failed"  # a validation found what it looked for; the world is as it was
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


class TaskFailed(Exception):
    """An operation did not do what was asked.

    ``message`` is one line for a person (what, where), ``hint`` what to do next. ``retryable`` says that trying
    again is safe and may help: nothing was changed, or the operation converges from wherever it stopped. ``details``
    is JSON for programs (findings, the last output lines, codes). None of them may hold a secret.
    """

    def __init__(
        self,
        message: str,
        *,
        kind: FailureKind = FailureKind.UNKNOWN,
        hint: str | None = None,
        retryable: bool | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.kind = kind
        self.hint = hint
        self.retryable = kind is FailureKind.TRANSIENT if retryable is None else retryable
        self.details = details or {}

    def as_dict(self) -> dict[str, Any]:
        """``{message, kind, hint, retryable, details}``, as stored with the attempt."""
        return {
            "message": self.message,
            "kind": self.kind.value,
            "hint": self.hint,
            "retryable": self.retryable,
            "details": self.details,
        }


class TimedOut(TaskFailed):
    """The attempt used up its time; its tools have been ended."""

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"not done after {seconds:g} s", kind=FailureKind.TIMED_OUT, hint="give the task a longer `timeout`"
        )


class Cancelled(TaskFailed):
    """The run was cancelled (or this worker lost its claim); the tools of the attempt have been ended."""

    def __init__(self, reason: str = "cancelled") -> None:
        super().__init__(reason, kind=FailureKind.CANCELLED)


class NeedsApproval(TaskFailed):
    """A look showed that more would be changed than may be without a person's yes. For ``done`` only: nothing has been
    changed, and the task waits until ``ctx.approved``. Without anybody to ask it is a failure that says so."""

    def __init__(self, reason: str, *, hint: str | None = None, details: dict[str, Any] | None = None) -> None:
        super().__init__(reason, kind=FailureKind.PERMISSION, hint=hint, retryable=False, details=details)


class PutBack(Exception):
    """Not now: the task goes back to its queue for ``seconds`` without using up an attempt or holding a worker."""

    def __init__(self, seconds: float, reason: str) -> None:
        super().__init__(reason)
        self.seconds = seconds
        self.reason = reason
