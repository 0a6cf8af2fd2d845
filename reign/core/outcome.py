"""How an attempt can end: a closed list. What the state does about each is in ``store.recording``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from reign.core.resource import Change


@dataclass(frozen=True, slots=True)
class Succeeded:
    result: Any
    changes: tuple[Change, ...] = ()
    unchanged: bool = False  # the world was already as asked


@dataclass(frozen=True, slots=True)
class Failed:
    error: dict[str, Any]
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class TryAgain:
    """Failed in a way that may be tried again, and tries are left."""

    error: dict[str, Any]
    seconds: float


@dataclass(frozen=True, slots=True)
class Back:
    """Back to the queue without having used up a try: a rate limit, or a worker that stops."""

    reason: str
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Waits:
    """Another task holds a resource: it waits in line and holds no worker."""

    resource: str


@dataclass(frozen=True, slots=True)
class Asks:
    """What the inputs resolved to needs a person's yes."""

    reason: str


@dataclass(frozen=True, slots=True)
class Skipped:
    reason: str


@dataclass(frozen=True, slots=True)
class Cancelled:
    reason: str
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class Expanded:
    """A ``for_each`` task: each item becomes a task of its own."""

    items: list[Any] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody can tell whether the change happened: NEEDS_ATTENTION, never a blind second apply."""

    error: dict[str, Any]


Outcome = Succeeded | Failed | TryAgain | Back | Waits | Asks | Skipped | Cancelled | Expanded | Unknown


def failure(outcome: Outcome) -> str | None:
    """Why an attempt did not succeed, in a sentence; None if it did, or has not ended."""
    if isinstance(outcome, Failed | TryAgain | Unknown):
        return str(outcome.error.get("message", "failed"))
    return outcome.reason if isinstance(outcome, Cancelled) else None
