"""``reign doctor``: what is needed, whether it is there, and the fix."""

from __future__ import annotations

import logging
import re
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from reign.broker import embedded
from reign.broker.redis import Redis
from reign.config import Settings
from reign.core.errors import ReignError
from reign.engine import backups
from reign.engine.runtime import Runtime
from reign.executor import registry
from reign.executor.contract import Agent, Check
from reign.local import supervisor
from reign.local.parts import free_port
from reign.planner.choose import model_of

log = logging.getLogger(__name__)

#: What the agents' hints say to those who are elsewhere.
_HERE = re.compile(r"[;,] (?:see )?`reign doctor`[^;]*")


def examine(settings: Settings) -> list[Check]:
    """All checks, those of REIGN itself first."""
    up = supervisor.running(settings) is not None
    found = [
        _tried("data folder", lambda: str(settings.writable_data_dir())),
        _tried("broker", lambda: _broker(settings, up)),
        _tried("database", lambda: _database(settings)),
        _room(settings),
        _tried("planner", lambda: model_of(settings) or "keyword; a key of Anthropic or OpenAI adds a model"),
    ]
    for name, port, setting in (
        ("API port", settings.api_port, "REIGN_API_PORT"),
        ("Flower port", settings.flower_port, "REIGN_FLOWER_PORT"),
    ):
        if port and not up:
            found.append(_tried(name, lambda port=port, setting=setting: _port(port, setting)))  # type: ignore[misc]
    found.append(Check("python", sys.version_info >= (3, 11), sys.version.split()[0], "install Python 3.11", True))
    for name, reason in registry.broken().items():
        found.append(Check(f"{name} agent", False, f"cannot be loaded: {reason}", "reinstall reign", True))
    for agent in registry.agents().values():
        found += _agent(agent, settings.agents.get(agent.name, {}))
    return [replace(check, fix=_HERE.sub("", check.fix)) if check.fix else check for check in found]


def _tried(name: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name, True, look(), required=True)
    except ReignError as error:
        return Check(name, False, error.message, error.hint, required=True)


def _broker(settings: Settings, up: bool) -> str:
    if settings.broker_url is None and not up:
        return f"embedded Valkey ({embedded.binary()}), not started yet"
    Redis(settings).ping()
    return "answers"


def _database(settings: Settings) -> str:
    backups.examine(settings)
    runtime = Runtime(settings)
    try:
        backups.upgrade(runtime)
        return runtime.database.shown
    finally:
        runtime.close()


def _port(port: int, setting: str) -> str:
    free_port("127.0.0.1", port, setting)
    return f"{port} is free"


def _room(settings: Settings) -> Check:
    folder = next(p for p in (settings.data_dir.absolute(), *settings.data_dir.absolute().parents) if p.exists())
    free = shutil.disk_usage(folder).free / 2**30
    return Check("disk", free > 1, f"{free:.1f} GB free in {folder}", "make room", required=True)


def _agent(agent: Agent, options: Mapping[str, Any]) -> list[Check]:
    try:
        return list(agent.checks(options))
    except Exception as error:
        log.debug("checks of %s", agent.name, exc_info=True)
        return [Check(f"{agent.name} agent", False, f"its checks broke: {error}", "report this", False)]
