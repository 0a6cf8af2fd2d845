"""The processes below one process: who they are, what they hold, and how all of them are ended."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE")


def children(pid: int) -> list[int]:
    """Direct children; empty if it is gone."""
    found: list[int] = []
    with contextlib.suppress(OSError, ValueError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError, ValueError):
                found += map(int, (thread / "children").read_text().split())
    return found


def below(pid: int, limit: int = 100_000) -> list[int]:
    """All descendants, parents first; at most about ``limit`` of them."""
    found: list[int] = []
    level = children(pid)
    while level and len(found) < limit:
        found += level
        level = [child for parent in level for child in children(parent)]
    return found


def own_memory(pid: int) -> int:
    """Bytes of memory that the process holds for itself (resident, less what it shares); 0 if it is gone."""
    try:
        fields = Path(f"/proc/{pid}/statm").read_text().split()
        return max(0, int(fields[1]) - int(fields[2])) * _PAGE
    except (OSError, ValueError, IndexError):
        return 0


def send(pids: list[int], number: int) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def reap() -> dict[int, int]:
    """Collect children that have ended: pid -> wait status."""
    ended: dict[int, int] = {}
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended
        if pid == 0:
            return ended
        ended[pid] = status


def end_all(root: int, within: float = 60.0, meanwhile: Callable[[], None] = lambda: None) -> None:
    """SIGKILL every descendant of ``root`` (this process, a subreaper) until none is left; reaps them.

    They are all halted first, so that none makes new ones while others are being ended.
    """
    until = time.monotonic() + within
    halted: set[int] = set()
    while time.monotonic() < until:
        meanwhile()
        left = below(root)
        fresh = [pid for pid in left if pid not in halted]
        send(fresh, signal.SIGSTOP)
        halted.update(fresh)
        if not fresh:
            send(left, signal.SIGKILL)
            reap()
            if not left:
                return
            time.sleep(0.002)
