"""The project's own compose file: what `docker compose up` would make of it. Its images come from a registry."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from reign.executor import TaskFailed
from tests.engines.required import missing
from tests.integration.docker.world import World
from workers.docker import compose_cli

ROOT = Path(__file__).resolve().parents[3]
SECRETS = {
    "POSTGRES_PASSWORD": "of-postgres",
    "REDIS_PASSWORD": "of-redis",
    "REIGN_SIGNING_KEY": "a-key",
    "REIGN_API_TOKEN": "a-token",
    "FLOWER_BASIC_AUTH": "me:word",
}


def config(world: World, *without: str) -> subprocess.CompletedProcess[str]:
    try:
        program = compose_cli.program(world.context())
    except TaskFailed as failure:
        missing("compose", f"{failure.message}; {failure.hint}")
    given = {name: value for name, value in SECRETS.items() if name not in without}
    argv = [*program, "-f", str(ROOT / "docker-compose.yml"), "config", "--format", "json"]
    kept = {name: value for name, value in os.environ.items() if name not in SECRETS}
    return subprocess.run(argv, env=kept | given, capture_output=True, text=True, timeout=60, check=False)


def test_every_part_is_there_and_a_pool_can_be_scaled(world: World) -> None:
    done = config(world)
    assert done.returncode == 0, done.stderr
    services: dict[str, Any] = json.loads(done.stdout)["services"]
    pools = {f"worker-{agent}" for agent in ("bash", "docker", "github", "kubernetes", "terraform", "validation")}
    assert set(services) == {"redis", "postgres", "api", "general", "flower", *pools}
    for name in pools:
        assert "container_name" not in services[name], "two of it could not be there"
        assert "ports" not in services[name]
    for name in ("api", "flower"):
        assert [port["host_ip"] for port in services[name]["ports"]] == ["127.0.0.1"]
    for name in ("api", "general", *pools):
        assert services[name]["environment"]["REIGN_DATABASE_URL"] == "postgresql://reign:of-postgres@postgres/reign"
        assert services[name]["environment"]["REIGN_BROKER_URL"] == "redis://:of-redis@redis:6379/0"


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_that_is_not_set_is_named(world: World, name: str) -> None:
    done = config(world, name)
    assert done.returncode != 0
    assert f"set {name}" in done.stderr
