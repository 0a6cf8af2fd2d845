"""Named points at which a test may let a process die, one at every transition of the spine.

``REIGN_CRASH_POINT=after-intent`` kills at each pass; ``after-intent@/path`` only the process that manages to make that
file, so exactly once. Obeyed only by a test build of the settings (``REIGN_TESTING=1``).
"""

from __future__ import annotations

import os
import signal

from reign.config import Settings

POINTS = (
    "after-claim",
    "after-resolve",
    "after-locks",
    "after-inspect",
    "after-intent",
    "after-apply",
    "before-record",
    "after-record",
    "after-publish",
    "relay-after-publish",
)


class CrashPoints:
    """Dies at the point that the settings name; else does nothing, at the cost of one comparison."""

    def __init__(self, settings: Settings) -> None:
        name, _, self._marker = (settings.crash_point or "").partition("@") if settings.testing else ("", "", "")
        if name and name not in POINTS:
            raise ValueError(f"there is no crash point {name!r}; known: {', '.join(POINTS)}")
        self._name = name

    def reach(self, point: str) -> None:
        if point == self._name and (not self._marker or self._first()):
            os.kill(os.getpid(), signal.SIGKILL)

    def _first(self) -> bool:
        try:
            os.close(os.open(self._marker, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return False
        return True
