"""What the LLM planner needs around it: options, a place for answers, the ledger, the pace, and who is told."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from reign.core.errors import ReignError


@dataclass(frozen=True)
class Options:
    """How models are asked. Times in seconds, money in dollars; a budget of 0 is none."""

    model: str
    fallback: str | None = None
    base_url: str | None = None
    timeout: float = 120.0
    rounds: int = 3
    max_tokens: int = 8192
    tokens_per_run: int = 200_000
    money_per_run: float = 1.0


@dataclass(frozen=True)
class Estimate:
    """A request that is about to be sent. ``cost`` in millionths of a dollar, None without a price."""

    planning: str
    purpose: str
    model: str
    input_tokens: int
    output_tokens: int
    cost: int | None


@dataclass(frozen=True)
class Taken:
    """What a request took in the end. ``state``: done or failed."""

    state: str
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cost: int | None = None


class BudgetSpent(ReignError):
    """A request would pass a budget; ``message`` says which."""

    code = "budget_spent"


class Desk(Protocol):
    """The state, as the LLM planner sees it."""

    def answer(self, key: str) -> Any:
        """A kept answer, or None."""

    def keep(self, key: str, model: str, answer: Any) -> None:
        """Keep an answer for the next time that the same is asked."""

    def reserve(self, estimate: Estimate) -> int:
        """Write a request down before it is sent. Raises BudgetSpent if the day's budget has no room for it."""

    def settle(self, number: int, taken: Taken) -> None:
        """What a reserved request really took."""

    def take(self, model: str, tokens: int) -> float:
        """A place in the pace that all processes share: 0.0, or the seconds to wait before asking for it again."""

    def hold(self, model: str, seconds: float) -> None:
        """Let nobody ask this model for so long: its vendor said so."""


@dataclass
class BareDesk:
    """A desk without a state: nothing is kept, nothing outlives the process, and only a planning's own budget holds."""

    clock: Callable[[], float] = time.monotonic
    held: dict[str, float] = field(default_factory=dict)

    def answer(self, key: str) -> Any:
        return None

    def keep(self, key: str, model: str, answer: Any) -> None:
        return

    def reserve(self, estimate: Estimate) -> int:
        return 0

    def settle(self, number: int, taken: Taken) -> None:
        return

    def take(self, model: str, tokens: int) -> float:
        return max(self.held.get(model, 0.0) - self.clock(), 0.0)

    def hold(self, model: str, seconds: float) -> None:
        self.held[model] = max(self.held.get(model, 0.0), self.clock() + seconds)


@dataclass(frozen=True)
class Told:
    """What the planner is doing. ``kind``: asking, thinking, arriving, waiting, repairing, falling_back, kept."""

    kind: str
    model: str
    text: str = ""
    round: int = 0
    operations: tuple[str, ...] = ()  # those that have arrived so far


Progress = Callable[[Told], None]


def nobody(told: Told) -> None:
    """For whom nobody listens."""
