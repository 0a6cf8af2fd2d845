from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from reign.executor import Cancelled, FailureKind, TaskFailed
from reign.executor.testing import make_context
from reign.security.masking import MASK
from tests.engines.docker import BUSYBOX
from tests.integration.docker.world import OPERATIONS, World


def state(world: World) -> str:
    return world.client.containers.get(world.name()).status


@pytest.mark.parametrize("name", ["docker.stop", "docker.start", "docker.restart", "docker.remove"])
def test_there_is_none_of_that_name(world: World, name: str) -> None:
    world.container("web")
    if name == "docker.remove":
        assert world.go(name, name=world.name("wbe")).status == "removed"
        return
    with pytest.raises(TaskFailed) as caught:
        world.go(name, name=world.name("wbe"))
    assert caught.value.kind is FailureKind.WRONG_INPUT
    assert caught.value.hint == f"did you mean {world.name('web')!r}?"


def test_an_id_is_not_a_name(world: World) -> None:
    container = world.container()
    with pytest.raises(TaskFailed, match="there is no container"):
        world.go("docker.stop", name=container.id[:12])


def test_stop_start_restart(world: World) -> None:
    world.container()
    assert world.go("docker.stop", name=world.name(), timeout=0).status == "exited"
    assert state(world) == "exited"
    assert world.go("docker.start", name=world.name()).status == "running"
    before = world.client.containers.get(world.name()).attrs["State"]["StartedAt"]
    assert world.go("docker.restart", name=world.name(), timeout=0).status == "running"
    assert world.client.containers.get(world.name()).attrs["State"]["StartedAt"] > before


def test_a_paused_one_is_started_and_paused_again(world: World) -> None:
    world.container().pause()
    before = world.look("docker.start", name=world.name())
    assert before[0].state["paused"]
    world.go("docker.start", name=world.name())
    assert state(world) == "running"
    world.undo("docker.start", before, name=world.name())
    assert state(world) == "paused"
    world.go("docker.restart", name=world.name(), timeout=0)
    assert state(world) == "running"
    world.undo("docker.restart", before, name=world.name())
    assert state(world) == "paused"


def test_a_start_waits_for_health(world: World) -> None:
    sick = {"test": ["CMD", "false"], "interval": 200_000_000, "retries": 1}
    world.client.containers.create(BUSYBOX, "sleep 1000", name=world.name(), healthcheck=sick)
    with pytest.raises(TaskFailed, match="is unhealthy"):
        world.go("docker.start", name=world.name())
    world.go("docker.stop", name=world.name(), timeout=0)
    assert world.go("docker.start", name=world.name(), wait="started").status == "running"


def test_a_container_comes_back_whole(world: World) -> None:
    """Everything that a container can have which another may depend on."""
    world.client.networks.create(world.name("a"))
    world.client.networks.create(world.name("b"))
    (world.folder / "site").mkdir()
    container = world.container(
        environment={"A": "1", "PATH": "/bin"},
        labels={"theirs": "yes"},
        volumes=[f"{world.folder / 'site'}:/site:ro", "/anonymous"],
        network=world.name("a"),
        mem_limit="64m",
        restart_policy={"Name": "unless-stopped"},
        tmpfs={"/scratch": "size=1m"},
        healthcheck={"test": ["CMD", "true"], "interval": 10**9},
        dns=["10.1.1.1"],
        ulimits=[{"name": "nofile", "soft": 512, "hard": 512}],
        security_opt=["no-new-privileges"],
        log_config={"type": "json-file", "config": {"max-size": "1m"}},
    )
    world.client.networks.get(world.name("b")).connect(container, aliases=["other"])
    container.exec_run(["sh", "-c", "echo kept > /anonymous/file"])
    picture, before = world.picture(), world.look("docker.remove", name=world.name())
    world.go("docker.remove", name=world.name(), timeout=0)
    assert world.picture()["containers"] == {}
    world.undo("docker.remove", before, name=world.name())
    assert world.same(picture)
    assert world.look("docker.remove", name=world.name())[0].same_as(before[0])
    again = world.client.containers.get(world.name())
    assert again.exec_run(["cat", "/anonymous/file"]).output == b"kept\n"
    assert again.attrs["HostConfig"]["Ulimits"] == [{"Name": "nofile", "Hard": 512, "Soft": 512}]
    assert again.attrs["HostConfig"]["LogConfig"]["Config"] == {"max-size": "1m"}


def test_volumes_of_another_container_come_back(world: World) -> None:
    world.container("source", volumes={world.name("v"): {"bind": "/data"}})
    world.container(volumes_from=[world.name("source")])
    picture, before = world.picture(), world.look("docker.remove", name=world.name())
    world.go("docker.remove", name=world.name(), timeout=0)
    world.undo("docker.remove", before, name=world.name())
    assert world.same(picture)


def test_a_changed_limit_makes_an_undo_make_it_anew(world: World) -> None:
    world.container(mem_limit="64m", memswap_limit="128m")
    before = world.look("docker.stop", name=world.name())
    picture = world.picture()
    world.client.containers.get(world.name()).update(mem_limit="32m", memswap_limit="64m")
    world.undo("docker.stop", before, name=world.name())
    assert world.same(picture)


def test_a_network_that_it_lost_is_given_back(world: World) -> None:
    world.client.networks.create(world.name("a"))
    container = world.container(network=world.name("a"))
    before, picture = world.look("docker.stop", name=world.name()), world.picture()
    world.client.networks.get(world.name("a")).disconnect(container)
    world.client.networks.get("bridge").connect(container)
    world.undo("docker.stop", before, name=world.name())
    assert world.same(picture)


def test_it_cannot_come_back_without_its_image(world: World) -> None:
    world.client.api.tag(BUSYBOX, world.name("img"), "1")
    image = world.go("docker.build", context=_site(world), tag=world.name("img:2")).image
    world.client.containers.run(image, "sleep 1000", name=world.name(), detach=True)
    before = world.look("docker.remove", name=world.name())
    world.go("docker.remove", name=world.name(), timeout=0)
    world.client.images.remove(image)
    with pytest.raises(TaskFailed, match=r"its image .* has been removed") as caught:
        world.undo("docker.remove", before, name=world.name())
    assert image in (caught.value.hint or "")


def _site(world: World) -> str:
    (world.folder / "site").mkdir(exist_ok=True)
    (world.folder / "site" / "Dockerfile").write_text(f"FROM {BUSYBOX}\nRUN echo {world.prefix} > /mine\n")
    return "site"


def test_a_hole_in_a_record_is_not_filled_with_stars(world: World) -> None:
    world.container(environment={"A": "1"})
    before = world.look("docker.remove", name=world.name())
    world.go("docker.remove", name=world.name(), timeout=0)
    env = {**before[0].state["env"], "A": f"db://{MASK}@host"}
    holed = [before[0].model_copy(update={"state": {**before[0].state, "env": env}})]
    with pytest.raises(TaskFailed, match=r"env\.A held a secret that was not recorded"):
        world.undo("docker.remove", holed, name=world.name())


def test_a_stop_can_be_cancelled(world: World) -> None:
    world.container(command=["sh", "-c", "trap '' TERM; while true; do sleep 0.2; done"], stop_signal="TERM")
    ctx = world.context()
    threading.Timer(0.5, ctx.cancelled.set).start()
    started = time.monotonic()
    with pytest.raises(Cancelled):
        world.go("docker.stop", ctx, name=world.name(), timeout="60s")
    assert time.monotonic() - started < 2.5


def test_no_engine(tmp_path: Path) -> None:
    operation = OPERATIONS["docker.stop"]
    ctx = make_context(tmp_path, options={"host": "tcp://127.0.0.1:9"})
    with pytest.raises(TaskFailed, match=r"no Docker Engine answers at tcp://127\.0\.0\.1:9") as caught:
        operation.inspect(ctx, operation.Inputs(name="web"))
    assert caught.value.kind is FailureKind.MISSING_PREREQUISITE
    assert caught.value.retryable
