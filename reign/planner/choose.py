"""Which planner answers: the keyword planner, which needs nothing."""

from __future__ import annotations

from reign.executor import registry
from reign.planner.protocol import Planner


def make_planner() -> Planner:
    """The planner of this installation."""
    from reign.planner.keyword import KeywordPlanner

    return KeywordPlanner(registry.catalog())
