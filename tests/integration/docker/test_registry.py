"""Images: names, pulling and pushing, with credentials, against a registry of the tests."""

from __future__ import annotations

import base64
import json
import threading
from typing import Any

import pytest

from reign.executor import Cancelled, FailureKind, TaskFailed
from tests.engines.docker import BUSYBOX
from tests.engines.registry import Registry
from tests.integration.docker.world import World, masker


@pytest.fixture
def login(registry: Registry) -> dict[str, Any]:
    return {"username": registry.username, "password": registry.password}


def local(world: World, text: str = "app:1", base: str = BUSYBOX) -> str:
    """An image of the test's own: its content too, so that no test beside this one holds the same image."""
    folder = world.folder / "own"
    folder.mkdir(exist_ok=True)
    (folder / "Dockerfile").write_text(f"FROM {base}\nRUN echo {text} {world.prefix} > /n\n")
    return str(world.go("docker.build", context="own", tag=world.name(text)).image)


def test_push_and_pull(world: World, registry: Registry, login: dict[str, Any]) -> None:
    image = local(world)
    target = f"{registry.host}/{world.prefix}/app:1"
    ctx = world.context(masker=masker(REGISTRY=registry.password))
    pushed = world.go("docker.push", ctx, image=image, target=target, **login)
    assert pushed.digest.startswith("sha256:")
    assert registry.password not in json.dumps([*ctx.lines, *ctx.reports])
    world.client.images.remove(target)
    before = world.look("docker.pull", image=target)
    assert not before[0].exists
    pulled = world.go("docker.pull", image=target, **login)
    assert pulled.image_id == pushed.image_id
    by_digest = f"{target.rpartition(':')[0]}@{pushed.digest}"
    assert world.go("docker.pull", image=by_digest, **login).image_id == pushed.image_id
    assert world.go("docker.push", image=image, target=target, **login).digest == pushed.digest
    world.undo("docker.pull", before, image=target)
    assert target not in world.picture()["images"]
    world.undo("docker.pull", before, image=target)


def test_a_pull_that_moved_the_tag_is_taken_back(world: World, registry: Registry, login: dict[str, Any]) -> None:
    target = f"{registry.host}/{world.prefix}/app:1"
    second = local(world, "two:1")
    world.go("docker.push", image=second, target=target, **login)
    first = local(world, "one:1")
    world.go("docker.tag", image=first, target=target)
    before = world.look("docker.pull", image=target)
    world.go("docker.pull", image=target, **login)
    assert world.client.images.get(target).id == world.client.images.get(second).id
    world.undo("docker.pull", before, image=target)
    assert world.client.images.get(target).id == world.client.images.get(first).id


def test_the_registry_refuses(world: World, registry: Registry) -> None:
    image, target = local(world), f"{registry.host}/{world.prefix}/app:1"
    for given in ({}, {"username": "tester", "password": "wrong"}):
        with pytest.raises(TaskFailed, match="the registry refuses access") as caught:
            world.go("docker.push", image=image, target=target, **given)
        assert caught.value.kind is FailureKind.PERMISSION
        assert not caught.value.retryable


def test_credentials_of_docker_login_are_used(
    world: World, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = base64.b64encode(f"{registry.username}:{registry.password}".encode()).decode()
    (world.folder / "config.json").write_text(json.dumps({"auths": {registry.host: {"auth": token}}}))
    monkeypatch.setenv("DOCKER_CONFIG", str(world.folder))
    target = f"{registry.host}/{world.prefix}/app:2"
    assert world.go("docker.push", image=local(world), target=target).digest
    world.client.images.remove(target)
    (world.folder / "own" / "Dockerfile").write_text(f"FROM {target}\n")
    world.go("docker.build", context="own", tag=world.name("from:1"))  # the base image is pulled with them
    assert world.go("docker.run", image=target, name=world.name(), command="sleep 9").image_id


def test_what_the_registry_does_not_have(world: World, registry: Registry, login: dict[str, Any]) -> None:
    world.go("docker.tag", image=BUSYBOX, target=f"{registry.host}/{world.prefix}/web:1")
    with pytest.raises(TaskFailed, match="there is no image") as caught:
        world.go("docker.pull", image=f"{registry.host}/{world.prefix}/web:2", **login)
    assert caught.value.hint == f"did you mean '{registry.host}/{world.prefix}/web:1', which is here?"


def test_no_registry_answers(world: World) -> None:
    for image in ("127.0.0.1:9/app:1", "registry.invalid/app:1"):
        with pytest.raises(TaskFailed, match="the registry does not answer") as caught:
            world.go("docker.pull", image=image)
        assert caught.value.kind is FailureKind.TRANSIENT
        assert caught.value.retryable


def test_a_misspelt_local_image_is_told_before_the_network(world: World) -> None:
    image = local(world, "shop:1")
    with pytest.raises(TaskFailed) as caught:
        world.go("docker.run", image=image.replace("shop", "shpo"), name=world.name("c"))
    assert f"did you mean {image!r}" in (caught.value.hint or "")


def test_a_tag(world: World) -> None:
    first, second = local(world, "one:1"), local(world, "two:1")
    inputs = {"image": first, "target": world.name("prod:1")}
    nothing = world.look("docker.tag", **inputs)
    world.go("docker.tag", **inputs)
    before = world.look("docker.tag", **inputs)
    world.go("docker.tag", image=second, target=world.name("prod:1"))
    assert world.picture()["images"][world.name("prod:1")] == world.client.images.get(second).id
    world.undo("docker.tag", before, **inputs)
    assert world.picture()["images"][world.name("prod:1")] == world.client.images.get(first).id
    world.undo("docker.tag", nothing, **inputs)
    assert world.name("prod:1") not in world.picture()["images"]
    with pytest.raises(TaskFailed, match="there is no image"):
        world.go("docker.tag", image=world.name("none:1"), target=world.name("prod:1"))


def test_removing_a_name_and_the_image(world: World, registry: Registry, login: dict[str, Any]) -> None:
    image, target = local(world), f"{registry.host}/{world.prefix}/app:3"
    world.go("docker.push", image=image, target=target, **login)
    before = world.look("docker.remove_image", image=image)
    assert world.go("docker.remove_image", image=image).removed is False
    world.undo("docker.remove_image", before, image=image)
    assert image in world.picture()["images"]
    world.undo("docker.remove_image", before, image=image)
    world.client.images.remove(target)
    before = world.look("docker.remove_image", image=image)
    assert world.go("docker.remove_image", image=image).removed
    with pytest.raises(TaskFailed, match="cannot come back: it was built here"):
        world.undo("docker.remove_image", before, image=image)
    assert world.go("docker.remove_image", image=image).removed


def test_a_removed_image_is_pulled_again(
    world: World, registry: Registry, login: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    token = base64.b64encode(f"{registry.username}:{registry.password}".encode()).decode()
    (world.folder / "config.json").write_text(json.dumps({"auths": {registry.host: {"auth": token}}}))
    monkeypatch.setenv("DOCKER_CONFIG", str(world.folder))
    image, target = local(world), f"{registry.host}/{world.prefix}/app:4"
    world.go("docker.push", image=image, target=target)
    world.client.images.remove(image)
    before, there = world.look("docker.remove_image", image=target), world.picture()["images"][target]
    world.go("docker.remove_image", image=target)
    assert world.picture()["images"] == {}
    world.undo("docker.remove_image", before, image=target)
    assert world.picture()["images"][target] == there


def test_a_name_by_digest_comes_back_and_an_id_with_names_stays(
    world: World, registry: Registry, login: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    token = base64.b64encode(f"{registry.username}:{registry.password}".encode()).decode()
    (world.folder / "config.json").write_text(json.dumps({"auths": {registry.host: {"auth": token}}}))
    monkeypatch.setenv("DOCKER_CONFIG", str(world.folder))
    image, target = local(world), f"{registry.host}/{world.prefix}/app:5"
    pushed = world.go("docker.push", image=image, target=target)
    with pytest.raises(TaskFailed, match="has several names: .*app:5") as caught:
        world.go("docker.remove_image", image=pushed.image_id)
    assert caught.value.kind is FailureKind.CONFLICT
    by_digest = f"{registry.host}/{world.prefix}/app@{pushed.digest}"
    world.go("docker.pull", image=by_digest)
    world.client.images.remove(target)
    before = world.look("docker.remove_image", image=by_digest)
    world.go("docker.remove_image", image=by_digest)
    assert not world.look("docker.remove_image", image=by_digest)[0].exists
    world.undo("docker.remove_image", before, image=by_digest)
    assert world.look("docker.remove_image", image=by_digest)[0].state == before[0].state


def test_a_push_that_fails_leaves_no_name(world: World) -> None:
    image, target = local(world), f"127.0.0.1:1/{world.prefix}:1"
    before = world.picture()
    with pytest.raises(TaskFailed, match="does not answer"):
        world.go("docker.push", image=image, target=target)
    assert world.same(before)


def test_an_image_in_use_stays(world: World) -> None:
    image = local(world)
    world.client.containers.run(image, "sleep 100", name=world.name(), detach=True)
    with pytest.raises(TaskFailed, match=f"is used by container {world.name()}") as caught:
        world.go("docker.remove_image", image=image)
    assert caught.value.kind is FailureKind.CONFLICT


def test_a_push_can_be_cancelled(world: World, registry: Registry, login: dict[str, Any]) -> None:
    ctx = world.context()
    ctx.cancelled.set()
    threading.Event()
    with pytest.raises(Cancelled):
        world.go("docker.push", ctx, image=local(world), target=f"{registry.host}/{world.prefix}/app:9", **login)
