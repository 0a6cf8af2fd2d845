"""Who holds a port: a container, or a process of this machine."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from docker import DockerClient

_LISTENING = "0A"  # TCP_LISTEN in /proc/net/tcp


def who_publishes(client: DockerClient, port: int, protocol: str = "tcp") -> str | None:
    """``container web`` or ``process nginx (pid 12)``, if that can be found out."""
    with contextlib.suppress(Exception):  # only a hint: an engine that does not answer now is told elsewhere
        for found in client.api.containers():
            published = {(p.get("PublicPort"), p.get("Type")) for p in found["Ports"] or ()}
            if (port, protocol) in published:
                return f"container {found['Names'][0].lstrip('/')}"
    return _process_on(port, protocol)


def _process_on(port: int, protocol: str) -> str | None:
    """The process of this machine that listens on the port; None where /proc does not tell."""
    inodes = set()
    for table in (protocol, protocol + "6"):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
                parts = line.split()
                if int(parts[1].rpartition(":")[2], 16) == port and (protocol == "udp" or parts[3] == _LISTENING):
                    inodes.add(f"socket:[{parts[9]}]")
    if not inodes:
        return None
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if any(str(link.readlink()) in inodes for link in (process / "fd").iterdir()):
                return f"process {(process / 'comm').read_text().strip()} (pid {process.name})"
    return "a process of another user"
