from __future__ import annotations

import tarfile

import pytest

from reign.executor import FailureKind, TaskFailed
from tests.engines.docker import BUSYBOX
from tests.integration.docker.world import World


def test_a_network_with_a_subnet(world: World) -> None:
    inputs = {"name": world.name("net"), "subnet": "10.213.9.0/24", "gateway": "10.213.9.7", "internal": True}
    before = world.look("docker.create_network", **inputs)
    result = world.go("docker.create_network", **inputs, labels={"team": "web"})
    found = world.client.networks.get(result.network_id).attrs
    assert found["IPAM"]["Config"] == [{"Subnet": "10.213.9.0/24", "Gateway": "10.213.9.7"}]
    assert found["Internal"]
    assert found["Labels"]["team"] == "web"
    assert found["Labels"]["reign.run"] == "test-run-1"
    assert world.go("docker.create_network", **inputs).network_id == result.network_id
    with pytest.raises(TaskFailed, match="with another subnet") as caught:
        world.go("docker.create_network", **(inputs | {"subnet": "10.213.10.0/24", "gateway": None}))
    assert caught.value.kind is FailureKind.CONFLICT
    world.undo("docker.create_network", before, **inputs)
    assert world.picture()["networks"] == []
    world.undo("docker.create_network", before, **inputs)


def test_a_subnet_that_is_taken(world: World) -> None:
    world.go("docker.create_network", name=world.name("a"), subnet="10.213.11.0/24")
    with pytest.raises(TaskFailed, match="overlap"):
        world.go("docker.create_network", name=world.name("b"), subnet="10.213.11.0/24")


def test_a_used_network_stays_until_its_containers_may_be_taken_out(world: World) -> None:
    world.go("docker.create_network", name=world.name("net"), subnet="10.213.12.0/24")
    for text in ("on", "off"):
        world.container(text)
        endpoint = {"aliases": [f"alias-{text}"], "ipv4_address": "10.213.12.50"} if text == "on" else {}
        world.client.networks.get(world.name("net")).connect(world.name(text), **endpoint)
    world.client.containers.get(world.name("off")).stop(timeout=0)
    picture = world.picture()
    with pytest.raises(TaskFailed, match=f"used by container {world.name('off')}, {world.name('on')}"):
        world.go("docker.remove_network", name=world.name("net"))
    inputs = {"name": world.name("net"), "disconnect": True}
    before = world.look("docker.remove_network", **inputs)
    world.container("late")
    world.client.networks.get(world.name("net")).connect(world.name("late"))
    world.client.containers.get(world.name("late")).remove(force=True)
    world.go("docker.remove_network", **inputs)
    assert world.picture()["networks"] == []
    world.undo("docker.remove_network", before, **inputs)
    assert world.same(picture)
    address = world.client.containers.get(world.name("on")).attrs["NetworkSettings"]["Networks"][world.name("net")]
    assert address["IPAddress"] == "10.213.12.50"
    world.client.containers.get(world.name("off")).start()  # it knows the new network, not the id of the old one
    world.undo("docker.remove_network", before, **inputs)
    assert world.go("docker.remove_network", name=world.name("none")).network_id is None


def test_a_member_that_is_gone_is_passed_over(world: World) -> None:
    world.go("docker.create_network", name=world.name("net"))
    world.container(network=world.name("net"))
    inputs = {"name": world.name("net"), "disconnect": True}
    before = world.look("docker.remove_network", **inputs)
    world.go("docker.remove_network", **inputs)
    world.client.containers.get(world.name()).remove(force=True)
    ctx = world.context()
    world.undo("docker.remove_network", before, ctx, **inputs)
    assert any("is gone" in text for _, text in ctx.lines)


def test_a_volume_is_made_once_and_not_quietly_shared(world: World) -> None:
    inputs = {"name": world.name("v"), "labels": {"kind": "db"}}
    assert world.go("docker.create_volume", **inputs).volume == world.name("v")
    assert world.go("docker.create_volume", **inputs).volume == world.name("v")
    with pytest.raises(TaskFailed, match="with another labels"):
        world.go("docker.create_volume", name=world.name("v"), labels={"kind": "cache"})


def write(world: World, by_reign: bool) -> None:
    command = "sh -c 'echo data > /data/file'"
    if by_reign:
        mounted = {world.name("v"): "/data"}
        world.go("docker.run", image=BUSYBOX, name=world.name(), command=command, volumes=mounted, wait="exit")
    else:
        volumes = {world.name("v"): {"bind": "/data"}}
        world.client.containers.run(BUSYBOX, command, name=world.name(), volumes=volumes)


def test_an_empty_volume_goes_with_the_undo(world: World) -> None:
    before = world.look("docker.create_volume", name=world.name("v"))
    world.go("docker.create_volume", name=world.name("v"))
    world.undo("docker.create_volume", before, name=world.name("v"))
    assert world.picture()["volumes"] == []
    world.undo("docker.create_volume", before, name=world.name("v"))


def test_a_volume_that_only_reigns_containers_wrote_to_goes_too(world: World) -> None:
    if not world.engine.private:
        pytest.skip("a shared engine forgets its events")
    before = world.look("docker.create_volume", name=world.name("v"))
    world.go("docker.create_volume", name=world.name("v"))
    write(world, by_reign=True)
    with pytest.raises(TaskFailed, match=f"used by container {world.name()}"):
        world.undo("docker.create_volume", before, name=world.name("v"))
    world.client.containers.get(world.name()).remove()
    world.undo("docker.create_volume", before, name=world.name("v"))
    assert world.picture()["volumes"] == []


def test_a_volume_with_somebody_elses_data_stays(world: World) -> None:
    before = world.look("docker.create_volume", name=world.name("v"))
    world.go("docker.create_volume", name=world.name("v"))
    write(world, by_reign=False)
    world.client.containers.get(world.name()).remove()
    with pytest.raises(TaskFailed, match="stays: it holds what somebody else wrote"):
        world.undo("docker.create_volume", before, name=world.name("v"))
    assert world.picture()["volumes"] == [world.name("v")]


def test_a_volume_of_which_nobody_knows_is_saved_first(world: World) -> None:
    if not world.engine.private:
        pytest.skip("would push a shared engine's events out of its memory")
    before = world.look("docker.create_volume", name=world.name("v"))
    world.go("docker.create_volume", name=world.name("v"))
    write(world, by_reign=True)
    world.client.containers.get(world.name()).remove()
    for _ in range(130):  # two events each: the engine remembers 256
        world.client.api.tag(BUSYBOX, world.name("noise"), "1")
        world.client.api.remove_image(world.name("noise:1"))
    ctx = world.context()
    world.undo("docker.create_volume", before, ctx, name=world.name("v"))
    assert world.picture()["volumes"] == []
    (saved,) = (world.folder / "state" / "volumes").iterdir()
    assert saved.stat().st_mode & 0o077 == 0
    assert any(str(saved) in text for _, text in ctx.lines)
    with tarfile.open(saved) as archive:
        content = archive.extractfile("./file")
        assert content is not None
        assert content.read() == b"data\n"
    assert world.picture()["containers"] == {}


def test_a_volume_that_was_there_is_left_alone(world: World) -> None:
    world.client.volumes.create(world.name("v"))
    before = world.look("docker.create_volume", name=world.name("v"))
    world.go("docker.create_volume", name=world.name("v"))
    world.undo("docker.create_volume", before, name=world.name("v"))
    assert world.picture()["volumes"] == [world.name("v")]


def test_removing_a_volume(world: World) -> None:
    world.container(volumes={world.name("v"): {"bind": "/data"}})
    with pytest.raises(TaskFailed, match=f"used by container {world.name()}"):
        world.go("docker.remove_volume", name=world.name("v"))
    world.client.containers.get(world.name()).remove(force=True)
    world.go("docker.remove_volume", name=world.name("v"))
    assert world.picture()["volumes"] == []
    assert world.go("docker.remove_volume", name=world.name("v")).volume == world.name("v")


def test_what_others_took_away_is_made_again(world: World) -> None:
    """As a repair or the undo of an undo does it: the recorded state is what is brought back."""
    net, volume = {"name": world.name("net")}, {"name": world.name("data"), "labels": {"team": "web"}}
    world.go("docker.create_network", **net)
    world.go("docker.create_volume", **volume)
    recorded = [world.look("docker.create_network", **net), world.look("docker.create_volume", **volume)]
    world.client.networks.get(net["name"]).remove()
    world.client.volumes.get(volume["name"]).remove()
    for _ in range(2):
        world.undo("docker.create_network", recorded[0], **net)
        world.undo("docker.create_volume", recorded[1], **volume)
        assert world.look("docker.create_network", **net)[0].same_as(recorded[0][0])
        assert world.look("docker.create_volume", **volume)[0].same_as(recorded[1][0])


def test_another_network_of_that_name_gives_way_and_keeps_its_containers(world: World) -> None:
    net = {"name": world.name("net")}
    world.go("docker.create_network", **net)
    recorded = world.look("docker.create_network", **net)
    world.client.networks.get(net["name"]).remove()
    world.client.networks.create(net["name"], labels={"made": "by hand"})
    world.container("it", network=net["name"])
    world.undo("docker.create_network", recorded, **net)
    assert world.look("docker.create_network", **net)[0].same_as(recorded[0])
    assert net["name"] in world.client.containers.get(world.name("it")).attrs["NetworkSettings"]["Networks"]
