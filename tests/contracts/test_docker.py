"""The docker agent's operations answer the contract's questions on a real engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reign.executor import TaskFailed
from tests.contracts.suite import Case, OperationContract
from tests.engines.docker import BUSYBOX, HTTPD, DockerEngine, docker_engine
from tests.engines.registry import Registry, registry
from tests.engines.required import missing
from tests.integration.docker.world import OPERATIONS, World
from workers.docker import compose_cli

__all__ = ["docker_engine", "registry"]

NEVER_HEALTHY = {"command": "false", "interval": "1s", "start_period": "300s"}
COMPOSE = """
services:
  web:
    image: {image}
    stop_grace_period: 0s
    healthcheck: {{test: ["CMD", "true"], interval: {interval}}}
"""


@pytest.fixture
def world(docker_engine: DockerEngine, tmp_path: Path) -> Iterator[World]:
    found = World(docker_engine, tmp_path, docker_engine.client())
    yield found
    found.clear()


def case(world: World, name: str, inputs: dict[str, Any], **more: Any) -> Case:
    return Case(OPERATIONS[name], inputs, world=world.picture, options=world.engine.options, **more)


def site(world: World, step: str = "true") -> str:
    folder = world.folder / step.split()[0]
    folder.mkdir(exist_ok=True)
    (folder / "Dockerfile").write_text(f"FROM {BUSYBOX}\nRUN echo {world.prefix} > /n; {step}\n")
    return str(folder)


def _build(world: World, registry: Registry) -> Case:
    inputs = {"context": site(world), "tag": world.name("app:1")}
    slow = {"context": site(world, "sleep 300"), "tag": world.name("app:1")}

    def orphans() -> list[Any]:
        return [tag for tag in world.picture()["images"] if tag]

    return case(world, "docker.build", inputs, slow_inputs=slow, orphans=orphans)


def _pull(world: World, registry: Registry) -> Case:
    target = f"{registry.host}/{world.prefix}/app:1"
    login = {"username": registry.username, "password": registry.password}

    def arrange() -> None:
        world.go("docker.push", image=BUSYBOX, target=target, **login)
        world.client.images.remove(target)

    return case(world, "docker.pull", {"image": target, **login}, arrange=arrange)


def _tag(world: World, registry: Registry) -> Case:
    return case(world, "docker.tag", {"image": BUSYBOX, "target": world.name("also:1")})


def _push(world: World, registry: Registry) -> Case:
    login = {"username": registry.username, "password": registry.password}
    target = f"{registry.host}/{world.prefix}/app:1"
    return case(world, "docker.push", {"image": BUSYBOX, "target": target, **login})


def _remove_image(world: World, registry: Registry) -> Case:
    name = world.name("also:1")
    return case(
        world, "docker.remove_image", {"image": name}, arrange=lambda: world.client.api.tag(BUSYBOX, *name.split(":"))
    )


def _run(world: World, registry: Registry) -> Case:
    inputs = {"image": HTTPD, "name": world.name(), "ports": ["80"], "stop_timeout": 0}
    slow = inputs | {"health": NEVER_HEALTHY}
    return case(world, "docker.run", inputs, slow_inputs=slow, orphans=lambda: list(world.picture()["containers"]))


def _replace(world: World, registry: Registry) -> Case:
    inputs = {"image": HTTPD, "name": world.name(), "env": {"V": "2"}, "replace": True, "stop_timeout": 0}

    def orphans() -> list[Any]:
        found = world.picture()["containers"]
        return [] if list(found) == [world.name()] and found[world.name()]["running"] else [found]

    return case(
        world,
        "docker.run",
        inputs,
        arrange=lambda: world.container(environment={"V": "1"}) and None,
        slow_inputs=inputs | {"health": NEVER_HEALTHY},
        orphans=orphans,
    )


def _stop(world: World, registry: Registry) -> Case:
    stubborn = ["sh", "-c", "trap '' TERM; while true; do sleep 0.2; done"]
    inputs = {"name": world.name(), "timeout": 0}
    return case(
        world,
        "docker.stop",
        inputs,
        arrange=lambda: world.container(command=stubborn, stop_signal="TERM") and None,
        slow_inputs={"name": world.name(), "timeout": "100s"},
    )


def _stopped(world: World) -> None:
    world.container(stop_signal="KILL", healthcheck={"test": ["CMD", "true"], "interval": 10**9}).stop(timeout=0)


def _start(world: World, registry: Registry) -> Case:
    return case(world, "docker.start", {"name": world.name()}, arrange=lambda: _stopped(world))


def _restart(world: World, registry: Registry) -> Case:
    return case(world, "docker.restart", {"name": world.name()}, arrange=lambda: world.container() and None)


def _restart_stopped(world: World, registry: Registry) -> Case:
    return case(world, "docker.restart", {"name": world.name()}, arrange=lambda: _stopped(world))


def _remove(world: World, registry: Registry) -> Case:
    def arrange() -> None:
        world.container(environment={"A": "1"}, volumes=["/data"], labels={"a": "b"})

    return case(world, "docker.remove", {"name": world.name(), "timeout": 0}, arrange=arrange)


def _exec(world: World, registry: Registry) -> Case:
    def orphans() -> list[Any]:
        rows = world.client.containers.get(world.name()).top()["Processes"]
        return [row for row in rows if "sleep 300" in row[-1]]

    return case(
        world,
        "docker.exec",
        {"name": world.name(), "command": "echo hi"},
        arrange=lambda: world.container() and None,
        slow_inputs={"name": world.name(), "command": "sleep 300"},
        orphans=orphans,
    )


def _logs(world: World, registry: Registry) -> Case:
    return case(
        world,
        "docker.logs",
        {"name": world.name()},
        arrange=lambda: world.container(command=["sh", "-c", "echo hi; sleep 1000"]) and None,
        slow_inputs={"name": world.name(), "follow": "100s"},
    )


def _create_network(world: World, registry: Registry) -> Case:
    return case(world, "docker.create_network", {"name": world.name("net")})


def _remove_network(world: World, registry: Registry) -> Case:
    def arrange() -> None:
        world.client.networks.create(world.name("net"), labels={"a": "b"})
        world.container(network=world.name("net"))

    return case(world, "docker.remove_network", {"name": world.name("net"), "disconnect": True}, arrange=arrange)


def _create_volume(world: World, registry: Registry) -> Case:
    return case(world, "docker.create_volume", {"name": world.name("v"), "labels": {"a": "b"}})


def _remove_volume(world: World, registry: Registry) -> Case:
    return case(
        world,
        "docker.remove_volume",
        {"name": world.name("v")},
        arrange=lambda: world.client.volumes.create(world.name("v")) and None,
    )


def _project(world: World, name: str, interval: str = "300ms") -> dict[str, Any]:
    try:
        compose_cli.program(world.context())
    except TaskFailed as failure:
        missing("compose", failure.message)
    (world.folder / name).write_text(COMPOSE.format(image=HTTPD, interval=interval))
    return {"file": str(world.folder / name), "project": world.prefix}


def _compose_up(world: World, registry: Registry) -> Case:
    return case(
        world,
        "docker.compose_up",
        _project(world, "compose.yaml"),
        slow_inputs=_project(world, "slow.yaml", interval="300s"),
        orphans=lambda: list(world.picture()["containers"]),
    )


def _compose_down(world: World, registry: Registry) -> Case:
    inputs = _project(world, "compose.yaml")
    return case(world, "docker.compose_down", inputs, arrange=lambda: world.go("docker.compose_up", **inputs) and None)


CASES: dict[str, Callable[[World, Registry], Case]] = {
    name.removeprefix("_"): make
    for name, make in sorted(globals().items())
    if name.startswith("_") and callable(make) and getattr(make, "__annotations__", {}).get("return") == "Case"
}


class TestDocker(OperationContract):
    @pytest.fixture(params=CASES)
    def case(self, request: pytest.FixtureRequest, world: World) -> Case:
        # Only these need the registry, which not every machine has.
        needs_it = request.param in ("pull", "push")
        return CASES[request.param](world, request.getfixturevalue("registry") if needs_it else None)  # type: ignore[arg-type]


def test_every_operation_has_a_case(world: World) -> None:
    covered = {name for name in OPERATIONS if any("docker." + case.removesuffix("_stopped") == name for case in CASES)}
    assert set(OPERATIONS) == covered
