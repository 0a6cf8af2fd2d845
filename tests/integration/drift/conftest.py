from __future__ import annotations

from tests.engines.docker import docker_engine

__all__ = ["docker_engine"]
