"""The processes of an installation on one machine, and how to tell that each is ready."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from reign.broker import embedded
from reign.broker.redis import Redis
from reign.config import Settings
from reign.core.errors import ReignError, Unavailable
from reign.executor import registry


@dataclass(frozen=True)
class Part:
    """One process. Parts are started in order and stopped in reverse; ``grace`` is how long an orderly end may take."""

    name: str
    argv: list[str]
    ready: Callable[[], bool] = lambda: True
    environment: dict[str, str] = field(default_factory=dict)
    grace: float = 10.0  # seconds
    essential: bool = True


def parts(settings: Settings) -> list[Part]:
    """What ``reign up`` starts under these settings."""
    reign = [sys.executable, "-m", "reign"]
    found = []
    if settings.broker_url is None:
        found.append(Part("valkey", embedded.command(settings), lambda: _answers(Redis(settings).ping)))
    found.append(Part("api", [*reign, "api"], lambda: healthy(settings)))
    found.append(Part("general", [*reign, "general"]))
    for agent in registry.agents():
        argv = [sys.executable, "-m", "workers", agent, "-c", str(settings.concurrency), "--name", f"{agent}@{_host()}"]
        found.append(Part(f"worker-{agent}", argv, grace=30.0))
    if settings.flower_port:
        found.append(Part("flower", [*reign, "flower"], essential=False, grace=3.0))
    return found


def _host() -> str:
    return socket.gethostname()


def readiness(settings: Settings, patience: float = 2.0) -> dict[str, str] | None:
    """What the API says: ``status`` (ok, unavailable), and of its database and its broker ``ok`` or what is wrong.

    None if it does not answer within ``patience`` seconds. It asks a broker that hangs for ``socket_timeout`` seconds.
    """
    try:
        said: dict[str, str] = httpx.get(f"{settings.url}/readyz", timeout=patience, trust_env=False).json()
    except (httpx.TransportError, ValueError):
        return None
    return said


def healthy(settings: Settings) -> bool:
    """Whether the API answers and is ready."""
    said = readiness(settings)
    return said is not None and said.get("status") == "ok"


def _answers(look: Callable[[], None]) -> bool:
    try:
        look()
    except ReignError:
        return False
    return True


def free_port(host: str, port: int, setting: str) -> None:
    """Raises Unavailable if something else listens there already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            reason = "is taken" if error.errno == 98 else f"cannot be used: {error.strerror}"  # 98: EADDRINUSE
            raise Unavailable(
                f"port {port} on {host} {reason}", hint=f"stop what listens there, or set {setting} to another"
            ) from None


def environment(settings: Settings) -> dict[str, str]:
    """The environment of the parts: that of ``reign up``, with the data folder made absolute."""
    return {**os.environ, "REIGN_DATA_DIR": str(settings.data_dir.absolute()), "PYTHONUNBUFFERED": "1"}
