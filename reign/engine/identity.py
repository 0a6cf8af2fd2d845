"""Who a process is: a name that no other process has, also after a reboot or when its pid is used again."""

from __future__ import annotations

import os
import secrets
import socket
from functools import cache
from pathlib import Path


@cache
def boot_id() -> str:
    """Identifies this boot of this machine (and so the pids on it)."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return socket.gethostname()


def born(pid: int) -> str | None:
    """When a process started, as ``BOOT:PIDNS:TICKS``; None if there is none of that pid. With the pid it names one
    process for ever."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
        namespace = Path("/proc/self/ns/pid").readlink()
    except OSError:
        return None
    return f"{boot_id()}:{namespace}:{stat.rpartition(')')[2].split()[19]}"


def here(recorded: str) -> bool:
    """Whether a recorded ``born`` is of this boot and pid namespace, so that its pid can be looked up here."""
    try:
        namespace = Path("/proc/self/ns/pid").readlink()
    except OSError:
        return False
    return recorded.startswith(f"{boot_id()}:{namespace}:")


def worker_id() -> str:
    """A readable and unique name for this process."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
