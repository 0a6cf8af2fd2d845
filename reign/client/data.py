"""What clients hold of runs: events, tasks, and what is known of a run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reign.core.errors import RunFailed

ENDED = ("succeeded", "failed", "cancelled")


@dataclass(frozen=True)
class Event:
    """A change of state, as it happened. ``kind``: ``run.STATE`` or ``task.STATE``; ``at``: seconds since 1970."""

    id: int
    kind: str
    task: str | None
    data: Any
    at: float

    @classmethod
    def read(cls, text: str) -> Event:
        raw = json.loads(text)
        return cls(raw["id"], raw["kind"], raw["task"], raw["data"], raw["at"])


@dataclass(frozen=True)
class TaskInfo:
    """A task of a run, as it stood when it was looked at."""

    id: str
    uses: str
    state: str
    result: Any
    error: Mapping[str, Any] | None
    attempts: int
    inputs: Mapping[str, Any]
    needs: Sequence[str]


class RunData:
    """What is known of a run; filled by the last answer."""

    data: dict[str, Any]

    @property
    def name(self) -> str:
        return str(self.data["name"])

    @property
    def state(self) -> str:
        """As of the last look: queued, running, paused, cancelling, succeeded, failed, cancelled, needs_attention."""
        return str(self.data["state"])

    @property
    def ended(self) -> bool:
        return self.state in ENDED

    @property
    def cause(self) -> str | None:
        """Why it did not succeed, in a sentence."""
        return self.data.get("cause")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name} {self.state}>"

    def _tasks(self) -> dict[str, TaskInfo]:
        return {
            t["id"]: TaskInfo(
                t["id"], t["uses"], t["state"], t["result"], t["error"], t["attempts"], t["with"], tuple(t["needs"])
            )
            for t in self.data.get("tasks", ())
        }

    def _results(self) -> dict[str, Any]:
        return {name: task.result for name, task in self._tasks().items() if task.result is not None}

    def _raise_if_failed(self) -> None:
        if self.state in ("failed", "cancelled", "needs_attention"):
            raise RunFailed(
                f"run {self.name} {self.state.replace('_', ' ')}: {self.cause or 'no cause recorded'}",
                hint=f"`reign show {self.name}` has the details",
                details=self.data,
            )
