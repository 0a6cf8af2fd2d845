"""GitHub's primary rate limits: a budget of requests for each token and resource."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.fakes.github.problems import Problem

# Requests in a window, and its length. Source: GitHub's documentation "Rate limits for the REST API".
WINDOWS = {
    "core": (5000, timedelta(hours=1)),
    "search": (30, timedelta(minutes=1)),
    "graphql": (5000, timedelta(hours=1)),
}
ANONYMOUS = {
    "core": (60, timedelta(hours=1)),
    "search": (10, timedelta(minutes=1)),
    "graphql": (0, timedelta(hours=1)),
}


@dataclass
class Budget:
    resource: str
    limit: int
    used: int
    resets_at: datetime

    @property
    def remaining(self) -> int:
        return max(0, self.limit - self.used)

    def headers(self) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(int(self.resets_at.timestamp())),
            "X-RateLimit-Used": str(self.used),
            "X-RateLimit-Resource": self.resource,
        }

    def render(self) -> dict[str, object]:
        return {
            "limit": self.limit,
            "used": self.used,
            "remaining": self.remaining,
            "reset": int(self.resets_at.timestamp()),
        }


class Limits:
    """`refusal_status` is what a spent budget answers: GitHub says 403 or 429."""

    def __init__(self) -> None:
        self._budgets: dict[tuple[str, str], Budget] = {}
        self._lock = threading.Lock()
        self.refusal_status = 403

    def budget(self, key: str, resource: str, now: datetime) -> Budget:
        with self._lock:
            budget = self._budgets.get((key, resource))
            if budget is None or budget.resets_at <= now:
                limit, window = (ANONYMOUS if key == "anonymous" else WINDOWS)[resource]
                budget = self._budgets[key, resource] = Budget(resource, limit, 0, now + window)
            return budget

    def set(self, key: str, now: datetime, remaining: int, resets_in: float = 3600, resource: str = "core") -> None:
        """Leaves `remaining` requests until `resets_in` seconds from now."""
        budget = self.budget(key, resource, now)
        budget.used = max(0, budget.limit - remaining)
        budget.resets_at = now + timedelta(seconds=resets_in)

    def spend(self, key: str, resource: str, now: datetime, who: str) -> Budget:
        """Raises Problem when nothing remains."""
        budget = self.budget(key, resource, now)
        with self._lock:
            spent = budget.remaining == 0
            if not spent:
                budget.used += 1
        if spent:
            raise Problem(self.refusal_status, f"API rate limit exceeded for {who}.", headers=budget.headers())
        return budget

    def give_back(self, budget: Budget) -> None:
        """An answer of 304 costs nothing."""
        with self._lock:
            budget.used = max(0, budget.used - 1)


def secondary_limit(status: int, retry_after: int | None) -> Problem:
    """The refusal of a secondary limit; GitHub does not always say when to come back."""
    return Problem(
        status,
        "You have exceeded a secondary rate limit. Please wait a few minutes before you try again. "
        "If you reach out to GitHub Support for help, please include the request ID.",
        headers={} if retry_after is None else {"Retry-After": str(retry_after)},
    )
