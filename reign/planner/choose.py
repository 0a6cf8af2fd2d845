"""Which planner answers: the keyword planner, which needs nothing."""

from __future__ import annotations

from reign.config import Settings
from reign.executor import registry
from reign.planner.protocol import Planner


def make_planner(settings: Settings) -> Planner:
    """The planner of these settings."""
    from reign.planner.keyword import KeywordPlanner

    return KeywordPlanner(registry.catalog())
