from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines.docker import DockerEngine, docker_engine
from tests.engines.registry import registry
from tests.integration.docker.world import World

__all__ = ["docker_engine", "registry"]


@pytest.fixture
def world(docker_engine: DockerEngine, tmp_path: Path) -> Iterator[World]:
    found = World(docker_engine, tmp_path, docker_engine.client())
    yield found
    found.clear()
