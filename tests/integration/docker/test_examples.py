"""The plan files of examples/ that need a Docker Engine, run by a whole REIGN and taken back."""

from __future__ import annotations

import shutil
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reign.core import planfile
from reign.core.states import RunState, TaskState
from reign.executor import TaskFailed
from tests.engines.installation import Installation
from tests.engines.required import missing
from tests.integration.docker.world import World, free_port
from workers.docker import compose_cli

EXAMPLES = Path(__file__).parents[3] / "examples"
# The examples name their containers themselves, so one process runs them, one after the other.


@pytest.fixture
def installation(world: World, tmp_path: Path) -> Iterator[Installation]:
    if not world.engine.private:
        pytest.skip("would replace containers of this machine that have the examples' names")
    shutil.copytree(EXAMPLES, tmp_path / "examples", ignore=shutil.ignore_patterns("dist"))
    found = Installation(tmp_path)
    try:
        found.prepare()
        found.start_worker("docker", "validation", DOCKER_HOST=world.engine.host)
        yield found
    finally:
        found.close()


def plan(name: str) -> dict[str, Any]:
    content, _ = planfile.load((EXAMPLES / f"{name}.yaml").read_text())
    assert isinstance(content, dict)
    return content


def around(world: World, *words: str) -> dict[str, Any]:
    """What has one of the words in its name: containers that run, networks, volumes, image tags."""
    everything = {
        "containers": [c.name for c in world.client.containers.list(ignore_removed=True)],
        "networks": [n.name for n in world.client.networks.list()],
        "volumes": [v.name for v in world.client.volumes.list()],
        "images": [tag for i in world.client.api.images() for tag in i["RepoTags"] or ()],
    }
    return {kind: sorted(n for n in found if any(w in n for w in words)) for kind, found in everything.items()}


def page(port: int) -> str:
    return urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10).read().decode()


def run(installation: Installation, name: str, port: int) -> Any:
    ended = installation.wait(installation.submit(plan(name), params={"port": port}), 120)
    assert ended.state is RunState.SUCCEEDED, (installation.tasks(ended), installation.log())
    return ended


def take_back(installation: Installation, ended: Any) -> None:
    back = installation.wait(installation.general.rollback(ended.name), 120)
    assert back.state is RunState.SUCCEEDED, (installation.tasks(back), installation.log())


def test_build_run_check(world: World, installation: Installation) -> None:
    before, port = around(world, "hello-web"), free_port()
    ended = run(installation, "build-run-check", port)
    assert "Hello from REIGN" in page(port)
    again = run(installation, "build-run-check", port)
    assert installation.tasks(again)["run"].result == installation.tasks(ended)["run"].result, "nothing was left to do"
    take_back(installation, again)
    assert "Hello from REIGN" in page(port)
    take_back(installation, ended)
    assert around(world, "hello-web") == before


def test_a_full_stack_by_operations(world: World, installation: Installation) -> None:
    before, port = around(world, "full-stack"), free_port()
    ended = run(installation, "full-stack", port)
    assert "visit number 2" in page(port)
    assert around(world, "full-stack")["containers"] == ["full-stack-app", "full-stack-proxy", "full-stack-store"]
    take_back(installation, ended)
    assert around(world, "full-stack") == before


def test_a_full_stack_by_compose(world: World, installation: Installation) -> None:
    try:
        compose_cli.program(world.context())
    except TaskFailed as failure:
        missing("compose", failure.message)
    before, port = around(world, "full-stack"), free_port()
    ended = run(installation, "full-stack-compose", port)
    assert "visit number 2" in page(port)
    take_back(installation, ended)
    assert around(world, "full-stack") == before


def test_a_failing_health_check_puts_the_old_container_back(world: World, installation: Installation) -> None:
    port = free_port()
    ended = installation.wait(installation.submit(plan("failing-health-check"), params={"port": port}), 120)
    tasks = installation.tasks(ended)
    assert ended.state is RunState.FAILED
    assert tasks["bad"].state is TaskState.FAILED
    assert "its check says 'the database is away'" in str(tasks["bad"].error)
    assert tasks["still-there"].state is TaskState.SUCCEEDED
    there = world.client.containers.get("failing-health-check")
    assert there.id == tasks["good"].result["container_id"]
    assert "Hello from REIGN" in page(port)
    take_back(installation, ended)
    assert around(world, "failing-health-check")["containers"] == []
