"""The bash agent: commands and scripts in a sandbox, files with exact undo, processes that stay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workers.bash.agent import AGENT

__all__ = ["AGENT"]


def __getattr__(name: str) -> Any:
    # The warden imports its modules from below this package many times a minute, and none of what the agent needs.
    if name == "AGENT":
        from workers.bash.agent import AGENT

        return AGENT
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
