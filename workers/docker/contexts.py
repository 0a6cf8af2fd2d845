"""The docker contexts of the user, found where the docker command keeps them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any


def folder() -> Path:
    """The docker command's own folder: DOCKER_CONFIG, else ``~/.docker``."""
    return Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")


def api() -> Any:
    """The SDK's ``ContextAPI``.

    The SDK (7.2) looks for contexts beside a config.json that is there, but neither ``docker context create`` nor a
    plain installation makes one: without it no context was found, or those of another folder. It is told the place.
    """
    from docker.context import ContextAPI, config

    config.find_config_file = lambda config_path=None: config_path or str(folder() / "config.json")
    return ContextAPI
