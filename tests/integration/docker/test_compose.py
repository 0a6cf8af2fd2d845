from __future__ import annotations

import threading
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

from reign.executor import Cancelled, FailureKind, NeedsApproval, TaskFailed
from tests.engines.docker import BUSYBOX, HTTPD
from tests.engines.required import missing
from tests.integration.docker.world import OPERATIONS, World, free_port, masker
from workers.docker import compose_cli

FILE = """
services:
  db:
    image: {busybox}
    command: sleep 1000
    environment: {{POSTGRES_PASSWORD: "${{DB_PASSWORD:-none}}", VERSION: "{version}"}}
    volumes: ["data:/data"]
    stop_grace_period: 0s
    healthcheck: {{test: ["CMD", "{check}"], interval: 300ms, retries: 2}}
  web:
    image: {httpd}
    depends_on: {{db: {{condition: service_healthy}}}}
    ports: ["127.0.0.1:{port}:80"]
    stop_grace_period: 0s
volumes: {{data: {{}}}}
"""


@pytest.fixture(autouse=True)
def _compose(world: World) -> None:
    try:
        compose_cli.program(world.context())
    except TaskFailed as failure:
        missing("compose", f"{failure.message}; {failure.hint}")


@pytest.fixture
def write(world: World) -> Callable[..., dict[str, Any]]:
    port = free_port()

    def make(version: int = 1, check: str = "true") -> dict[str, Any]:
        content = FILE.format(busybox=BUSYBOX, httpd=HTTPD, version=version, check=check, port=port)
        (world.folder / "compose.yaml").write_text(content)
        return {"file": "compose.yaml", "project": world.prefix}

    return make


def settled(world: World, inputs: dict[str, Any], name: str = "docker.compose_up") -> bool:
    operation, ctx = OPERATIONS[name], world.context()
    parsed = operation.Inputs.model_validate(inputs)
    return operation.done(ctx, parsed, operation.inspect(ctx, parsed)) is not None


def test_up_again_changed_and_back(world: World, write: Callable[..., dict[str, Any]]) -> None:
    inputs = write()
    nothing = world.look("docker.compose_up", **inputs)
    assert not settled(world, inputs)
    ctx = world.context()
    result = world.go("docker.compose_up", ctx, **inputs)
    assert result.services["db"]["health"] == "healthy"
    port = result.services["web"]["ports"]["80"]
    assert urllib.request.urlopen(f"http://127.0.0.1:{port}/").read() == b"it works\n"
    assert any("Healthy" in report["message"] for report in ctx.reports)
    assert settled(world, inputs)
    first, before = world.picture(), world.look("docker.compose_up", **inputs)

    write(version=2)
    assert not settled(world, inputs)
    world.go("docker.compose_up", **inputs)
    assert world.picture() != first
    write(version=3)  # the file has been edited since: an undo does not need it
    world.undo("docker.compose_up", before, **inputs)
    assert world.same(first)
    assert world.look("docker.compose_up", **inputs)[0].same_as(before[0])
    write()
    assert settled(world, inputs), "Compose itself takes what was brought back for its own"

    world.undo("docker.compose_up", nothing, **inputs)
    assert world.picture() == {"containers": {}, "networks": [], "volumes": [], "images": {}}
    assert not world.look("docker.compose_up", **inputs)[0].exists


def test_an_unhealthy_service_puts_the_former_project_back(world: World, write: Callable[..., dict[str, Any]]) -> None:
    inputs = write()
    world.go("docker.compose_up", **inputs)
    picture = world.picture()
    write(version=2, check="false")
    ctx = world.context()
    with pytest.raises(TaskFailed, match="db-1 is unhealthy") as caught:
        world.go("docker.compose_up", ctx, **inputs)
    assert "are in the log" in (caught.value.hint or "")
    assert world.same(picture)
    assert any("is put back" in text for _, text in ctx.lines)


def test_cancel_puts_the_former_project_back(world: World, write: Callable[..., dict[str, Any]]) -> None:
    inputs = write()
    content = (world.folder / "compose.yaml").read_text()
    (world.folder / "compose.yaml").write_text(content.replace("interval: 300ms", "interval: 60s"))
    ctx = world.context()
    threading.Timer(3, ctx.cancelled.set).start()
    with pytest.raises(Cancelled):
        world.go("docker.compose_up", ctx, **inputs)
    assert world.picture()["containers"] == {}
    assert world.picture()["networks"] == []


def test_down_and_up_again(world: World, write: Callable[..., dict[str, Any]]) -> None:
    inputs = write()
    world.go("docker.compose_up", **inputs)
    world.client.containers.get(f"{world.prefix}-db-1").exec_run(["sh", "-c", "echo kept > /data/file"])
    picture, before = world.picture(), world.look("docker.compose_down", **inputs)
    result = world.go("docker.compose_down", **inputs, timeout=0)
    assert {told["state"] for told in result.services.values()} == {"removed"}
    assert world.picture()["containers"] == {}
    assert world.picture()["volumes"] == [f"{world.prefix}_data"]
    assert settled(world, inputs, "docker.compose_down")
    world.undo("docker.compose_down", before, **inputs)
    assert world.same(picture)
    found = world.client.containers.get(f"{world.prefix}-db-1").exec_run(["cat", "/data/file"])
    assert found.output == b"kept\n"
    world.go("docker.compose_down", **inputs, volumes=True)
    assert world.picture()["volumes"] == []


def test_secrets_reach_the_containers_and_no_record(
    world: World, write: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_PASSWORD", "pa$$word")
    inputs = {**write(), "env": {"DB_PASSWORD": "pa$$word"}}
    ctx = world.context(masker=masker(DB_PASSWORD="pa$$word"))
    world.go("docker.compose_up", ctx, **inputs)
    env = world.client.containers.get(f"{world.prefix}-db-1").attrs["Config"]["Env"]
    assert "POSTGRES_PASSWORD=pa$$word" in env
    seen = world.look("docker.compose_up", **inputs)
    assert "pa$$word" not in seen[0].model_dump_json()
    state = seen[0].state["containers"][f"{world.prefix}-db-1"]
    assert state["env"]["POSTGRES_PASSWORD"] == "secret://env/DB_PASSWORD"
    picture = world.picture()
    world.go("docker.compose_down", **inputs)
    world.undo("docker.compose_down", seen, **inputs)
    assert world.same(picture)


def test_a_built_image_points_where_it_did(world: World) -> None:
    (world.folder / "Dockerfile").write_text(f"FROM {HTTPD}\nRUN echo one > /n\n")
    (world.folder / "compose.yaml").write_text("services: {web: {build: ., stop_grace_period: 0s}}")
    inputs = {"file": ".", "project": world.prefix, "build": True}
    try:
        world.go("docker.compose_up", **inputs)
    except TaskFailed as failure:
        if "buildx" in failure.message:
            pytest.skip("this Compose builds with buildx only, which is not here")
        raise
    before, picture = world.look("docker.compose_up", **inputs), world.picture()
    (world.folder / "Dockerfile").write_text(f"FROM {HTTPD}\nRUN echo two > /n\n")
    world.go("docker.compose_up", **inputs)
    assert world.picture() != picture
    world.undo("docker.compose_up", before, **inputs)
    assert world.same(picture)


def test_part_of_a_project_and_more_of_a_service(world: World, write: Callable[..., dict[str, Any]]) -> None:
    result = world.go("docker.compose_up", **write(), services=["db"], scale={"db": 2})
    assert list(result.services) == ["db"]
    assert len(result.services["db"]["containers"]) == 2


def test_services_of_profiles_and_the_settings_of_volumes(world: World) -> None:
    (world.folder / "compose.yaml").write_text(f"""
services:
  web: &it {{image: "{BUSYBOX}", command: sleep 1000, init: true, stop_grace_period: 0s, volumes: ["data:/data"]}}
  extra: {{<<: *it, profiles: [more]}}
volumes: {{data: {{labels: {{kind: test}}}}}}
""")
    inputs = {"file": ".", "project": world.prefix}
    world.go("docker.compose_up", **inputs, profiles=["more"])
    volume = world.client.volumes.get(f"{world.prefix}_data").attrs["Labels"]
    before, picture = world.look("docker.compose_down", **inputs), world.picture()
    assert len(picture["containers"]) == 2
    with pytest.raises(TaskFailed, match="the file has no service 'extro'") as caught:
        world.go("docker.compose_up", **inputs, services=["extro"])
    assert caught.value.kind is FailureKind.WRONG_INPUT
    world.go("docker.compose_down", **inputs, volumes=True)
    gone = world.picture()
    assert [gone[kind] for kind in ("containers", "networks", "volumes")] == [{}, [], []]
    world.undo("docker.compose_down", before, **inputs, volumes=True)
    assert world.same(picture)
    assert world.client.volumes.get(f"{world.prefix}_data").attrs["Labels"] == volume


def test_what_is_wrong_with_the_file(world: World) -> None:
    (world.folder / "compose.yaml").write_text("services: {web: {imagee: x}}")
    with pytest.raises(TaskFailed, match="imagee") as caught:
        world.go("docker.compose_up", file="compose.yaml", project=world.prefix)
    assert caught.value.kind is FailureKind.WRONG_INPUT
    with pytest.raises(TaskFailed, match="there is no compose file") as caught:
        world.go("docker.compose_up", file="compose.yml", project=world.prefix)
    assert caught.value.hint == "there is compose.yaml"
    with pytest.raises(TaskFailed, match="there is no compose file") as caught:
        world.go("docker.compose_up", file="nowhere", project=world.prefix)
    assert caught.value.hint == "there is compose.yaml"


def test_a_dangerous_service_waits_for_a_yes(world: World) -> None:
    (world.folder / "compose.yaml").write_text(
        f"services: {{web: {{image: '{BUSYBOX}', command: sleep 1000, network_mode: host, stop_grace_period: 0s}}}}"
    )
    inputs = {"file": "compose.yaml", "project": world.prefix}
    with pytest.raises(NeedsApproval, match="service web: it shares the host's network"):
        world.go("docker.compose_up", **inputs)
    ctx = world.context(approved=True)
    assert world.go("docker.compose_up", ctx, **inputs).services["web"]["state"] == "running"
    assert any(stream == "finding" and "docker.host-network" in text for stream, text in ctx.lines)


def test_no_compose_or_an_old_one(world: World) -> None:
    old = world.folder / "docker-compose"
    old.write_text("#!/bin/sh\necho 1.29.2\n")
    old.chmod(0o755)
    for given, said in ((str(old), "Docker Compose 1.29.2 is too old"), ("false", "Docker Compose is not installed")):
        ctx = world.context()
        ctx.options = {**world.engine.options, "compose": given}
        with pytest.raises(TaskFailed, match=said) as caught:
            compose_cli.program(ctx)
        assert caught.value.kind is FailureKind.MISSING_PREREQUISITE
