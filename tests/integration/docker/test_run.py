from __future__ import annotations

import os
import socket
import threading
import urllib.request
from typing import Any

import pytest

from reign.executor import Cancelled, FailureKind, TaskFailed
from reign.executor.testing import run_operation
from reign.security.secrets import resolve
from tests.engines.docker import BUSYBOX, HTTPD
from tests.integration.docker.world import OPERATIONS, World, free_port, masker

QUICK = {"interval": "200ms", "timeout": "2s", "retries": 2}


def page(port: int) -> str:
    return urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5).read().decode()


def attrs(world: World, text: str = "it") -> dict[str, Any]:
    return world.client.containers.get(world.name(text)).attrs


def web(world: World, **more: Any) -> dict[str, Any]:
    return {"image": HTTPD, "name": world.name(), "stop_timeout": 0, **more}


def test_a_published_port_answers_on_loopback_only(world: World) -> None:
    port = free_port()
    result = world.go("docker.run", **web(world, ports={str(port): 80}))
    assert result.status == "running"
    assert result.ports == {"80": port}
    assert page(port) == "it works\n"
    assert attrs(world)["HostConfig"]["PortBindings"] == {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(port)}]}


def test_the_engine_chooses_a_port(world: World) -> None:
    result = world.go("docker.run", **web(world, ports=["80"]))
    assert page(result.ports["80"]) == "it works\n"


def test_it_is_run_as_asked(world: World) -> None:
    (world.folder / "site").mkdir()
    (world.folder / "site" / "index.html").write_text("from the folder")
    world.client.networks.create(world.name("net"))
    world.go(
        "docker.run",
        **web(
            world,
            volumes={"./site": "/var/www:ro", world.name("data"): "/data"},
            env=["A=1", "B=two words"],
            networks={world.name("net"): ["back"]},
            restart="on-failure:3",
            labels={"team": "web"},
            resources={"memory": "64m", "cpus": 0.5, "pids": 40, "shm_size": "8m"},
            tmpfs=["/scratch:size=1m"],
            user="0",
            workdir="/var",
            hostname="inside",
            init=True,
            extra_hosts={"db": "10.0.0.9"},
            cap_drop=["NET_RAW"],
            read_only=True,
        ),
    )
    found = attrs(world)
    host = found["HostConfig"]
    assert {"A=1", "B=two words"} <= set(found["Config"]["Env"])
    assert host["Memory"] == 64 << 20
    assert host["NanoCpus"] == 500_000_000
    assert host["PidsLimit"] == 40
    assert host["ShmSize"] == 8 << 20
    assert host["RestartPolicy"] == {"Name": "on-failure", "MaximumRetryCount": 3}
    assert host["ReadonlyRootfs"]
    assert host["Init"]
    assert host["CapDrop"] == ["NET_RAW"]
    assert host["Tmpfs"] == {"/scratch": "size=1m"}
    assert host["ExtraHosts"] == ["db:10.0.0.9"]
    assert found["Config"]["Hostname"] == "inside"
    assert found["Config"]["WorkingDir"] == "/var"
    assert list(found["NetworkSettings"]["Networks"]) == [world.name("net")]
    assert "back" in found["NetworkSettings"]["Networks"][world.name("net")]["Aliases"]
    labels = found["Config"]["Labels"]
    assert (labels["team"], labels["reign.run"], labels["reign.task"]) == ("web", "test-run-1", "task")
    said = world.go("docker.exec", name=world.name(), command="wget -qO- http://127.0.0.1/")
    assert said.output == "from the folder"


def test_two_networks_and_a_fixed_address(world: World) -> None:
    from docker.types import IPAMConfig, IPAMPool

    subnet = IPAMConfig(pool_configs=[IPAMPool(subnet="10.213.7.0/24")])
    world.client.networks.create(world.name("a"))
    world.client.networks.create(world.name("b"), ipam=subnet)
    world.go("docker.run", **web(world, networks={world.name("a"): [], world.name("b"): {"ipv4": "10.213.7.77"}}))
    networks = attrs(world)["NetworkSettings"]["Networks"]
    assert sorted(networks) == [world.name("a"), world.name("b")]
    assert networks[world.name("b")]["IPAddress"] == "10.213.7.77"


@pytest.mark.parametrize("mode", ["none", "host"])
def test_the_engines_own_networks(world: World, mode: str) -> None:
    world.go("docker.run", image=BUSYBOX, name=world.name(), command="sleep 1000", networks=mode, stop_timeout=0)
    before = world.look("docker.run", **web(world))
    assert attrs(world)["HostConfig"]["NetworkMode"] == mode
    world.go("docker.remove", name=world.name())
    world.undo("docker.run", before, **web(world))
    assert attrs(world)["HostConfig"]["NetworkMode"] == mode


def test_the_same_again_changes_nothing(world: World) -> None:
    inputs = web(world, env={"A": "1"}, volumes={world.name("v"): "/data"})
    first = world.go("docker.run", **inputs)
    operation = OPERATIONS["docker.run"]
    parsed = operation.Inputs.model_validate(inputs)
    ctx = world.context(run="another-run-2")
    assert operation.done(ctx, parsed, operation.inspect(ctx, parsed)) == first
    for changed in ({"env": {"A": "2"}}, {"volumes": {}}, {"image": BUSYBOX}, {"pull": "always"}):
        other = operation.Inputs.model_validate(inputs | changed)
        assert operation.done(ctx, other, operation.inspect(ctx, other)) is None
    world.client.containers.get(world.name()).stop()
    assert operation.done(ctx, parsed, operation.inspect(ctx, parsed)) is None


def test_a_new_container_takes_the_place_of_the_one_before_and_back(world: World) -> None:
    port = free_port()
    old = web(world, ports={str(port): 80}, env={"V": "1"}, volumes={world.name("v"): "/data"}, restart="always")
    world.go("docker.run", **old)
    picture = world.picture()
    new = {
        **old,
        "env": {"V": "2"},
        "command": ["sh", "-c", "echo new > /var/www/index.html; exec httpd -f -p 80 -h /var/www"],
    }
    before = world.look("docker.run", **new)
    world.go("docker.run", **new)
    assert page(port) == "new\n"
    assert list(world.picture()["containers"]) == [world.name()], "the one before is gone when the new one is well"
    world.undo("docker.run", before, **new)
    assert world.same(picture)
    assert page(port) == "it works\n"
    world.undo("docker.run", before, **new)
    assert world.same(picture)


def test_an_unhealthy_one_goes_and_the_one_before_runs_on(world: World) -> None:
    port = free_port()
    world.go("docker.run", **web(world, ports={str(port): 80}))
    before = attrs(world)
    bad = web(world, ports={str(port): 80}, health={"command": "echo I feel sick; false", **QUICK}, env={"V": "2"})
    with pytest.raises(TaskFailed) as caught:
        world.go("docker.run", **bad)
    assert "is unhealthy after 2 failed checks: its check says 'I feel sick'" in caught.value.message
    assert page(port) == "it works\n"
    assert attrs(world)["Id"] == before["Id"], "it was kept, not made again"
    assert len(world.picture()["containers"]) == 1


def test_one_that_ends_at_once_goes_and_its_last_words_are_told(world: World) -> None:
    ctx = world.context()
    command = ["sh", "-c", "echo starting; sleep 0.2; echo no config here >&2; exit 3"]
    with pytest.raises(TaskFailed, match="ended with exit code 3: no config here") as caught:
        world.go("docker.run", ctx, **web(world, command=command))
    assert caught.value.details["exit_code"] == 3
    assert ("container", "starting") in ctx.lines
    assert world.picture()["containers"] == {}


def test_one_that_needs_too_much_memory(world: World) -> None:
    eat = ["sh", "-c", "x=$(dd if=/dev/zero bs=1M count=200 | tr '\\000' x); echo $x"]
    with pytest.raises(TaskFailed, match=r"more memory than it may have|ended with exit code"):
        world.go("docker.run", **web(world, command=eat, resources={"memory": "8m"}, wait="exit"))
    assert world.picture()["containers"] == {}


def test_health_of_the_image_is_waited_for_and_can_be_switched_off(world: World) -> None:
    folder = world.folder / "sick"
    folder.mkdir()
    (folder / "Dockerfile").write_text(f"FROM {HTTPD}\nHEALTHCHECK --interval=200ms --retries=1 CMD false\n")
    image = world.go("docker.build", context="sick", tag=world.name("sick:1")).image
    with pytest.raises(TaskFailed, match="is unhealthy"):
        world.go("docker.run", **web(world, image=image))
    assert world.go("docker.run", **web(world, image=image, health="none")).status == "running"
    assert world.go("docker.run", **web(world, image=image, wait="started", replace=True)).status == "running"
    assert world.go("docker.run", **web(world, image=image, wait="none", env={"N": "1"})).status == "running"


def test_a_check_of_its_own_makes_it_healthy(world: World) -> None:
    world.go("docker.run", **web(world, health={"command": ["test", "-f", "/var/www/index.html"], **QUICK}))
    assert attrs(world)["State"]["Health"]["Status"] == "healthy"
    with pytest.raises(TaskFailed, match="no health check to wait for"):
        world.go("docker.run", **web(world, wait="healthy", env={"N": "2"}))


def test_not_healthy_in_time(world: World) -> None:
    slow = {"command": "false", "interval": "200ms", "start_period": "60s"}
    with pytest.raises(TaskFailed, match="is not healthy after 1s"):
        world.go("docker.run", **web(world, health=slow, wait_timeout="1s"))
    assert world.picture()["containers"] == {}


def test_a_job_is_waited_for(world: World) -> None:
    job = web(world, image=BUSYBOX, command="sh -c 'sleep 0.3; echo done $PASSWORD'", wait="exit")
    job["env"] = {"PASSWORD": "of-the-job-4711"}
    ran = world.context()
    first = world.go("docker.run", ran, **job)
    assert (first.status, first.exit_code) == ("exited", 0)
    assert ("container", "done ***") in ran.lines, "what it printed, but for its secrets"
    operation = OPERATIONS["docker.run"]
    parsed = operation.Inputs.model_validate(job)
    ctx = world.context()
    assert operation.done(ctx, parsed, operation.inspect(ctx, parsed)) == first, "this task has run it"
    other = world.context(run="another-run-2")
    assert operation.done(other, parsed, operation.inspect(other, parsed)) is None, "another run asks for it anew"
    with pytest.raises(TaskFailed, match="is not at its end after"):
        world.go("docker.run", **(job | {"command": "sleep 100", "wait_timeout": "500ms"}))


def test_what_others_made_is_not_replaced_unasked(world: World) -> None:
    world.container()
    with pytest.raises(TaskFailed, match="REIGN did not make it") as caught:
        world.go("docker.run", **web(world))
    assert caught.value.kind is FailureKind.CONFLICT
    assert "replace: true" in (caught.value.hint or "")
    world.go("docker.run", **web(world, replace=True))
    with pytest.raises(TaskFailed, match="there already is a container"):
        world.go("docker.run", **web(world, replace=False, env={"V": "3"}))


def test_one_made_to_remove_itself_comes_back_too(world: World) -> None:
    world.container(auto_remove=True)
    picture = world.picture()
    with pytest.raises(TaskFailed, match="unhealthy"):
        world.go("docker.run", **web(world, replace=True, health={"command": "false", **QUICK}))
    assert world.same(picture)


def test_a_taken_port_is_told_with_its_holder_and_nothing_is_left(world: World) -> None:
    port = free_port()
    world.go("docker.run", **web(world, ports={str(port): 80}))
    with pytest.raises(TaskFailed) as caught:
        world.go("docker.run", image=HTTPD, name=world.name("second"), ports={str(port): 80})
    assert f"port {port} of 127.0.0.1 is taken by container {world.name()}" in caught.value.message
    assert caught.value.kind is FailureKind.CONFLICT
    assert list(world.picture()["containers"]) == [world.name()]


def test_a_port_that_a_process_holds(world: World) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        with pytest.raises(TaskFailed, match=rf"taken by process .*\(pid {os.getpid()}\)"):
            world.go("docker.run", **web(world, ports={str(port): 80}))


def test_an_image_that_is_not_there(world: World) -> None:
    with pytest.raises(TaskFailed) as caught:
        world.go("docker.run", **web(world, image="httpd:locale", pull="never"))
    assert caught.value.message == "there is no image 'httpd:locale'"
    assert caught.value.hint == f"did you mean {HTTPD!r}, which is here?"
    with pytest.raises(TaskFailed) as caught:
        world.go("docker.run", **web(world, image="sha256:" + "0" * 64))
    assert "there is no image" in caught.value.message


def test_a_folder_that_is_not_there_is_not_made(world: World) -> None:
    with pytest.raises(TaskFailed, match=r"the volume .*/nowhere is not there"):
        world.go("docker.run", **web(world, volumes={"./nowhere": "/data"}))
    assert not (world.folder / "nowhere").exists()


def test_a_network_that_is_not_there(world: World) -> None:
    world.client.networks.create(world.name("backend"))
    with pytest.raises(TaskFailed) as caught:
        world.go("docker.run", **web(world, networks=[world.name("backed")]))
    assert caught.value.hint == f"did you mean {world.name('backend')!r}?"
    assert world.picture()["containers"] == {}


def test_no_such_program(world: World) -> None:
    with pytest.raises(TaskFailed, match="there is no program 'serve'"):
        world.go("docker.run", **web(world, command="serve"))
    assert world.picture()["containers"] == {}


def test_cancel_while_it_waits_puts_the_one_before_back(world: World) -> None:
    world.go("docker.run", **web(world))
    picture = world.picture()
    ctx = world.context()
    threading.Timer(1.5, ctx.cancelled.set).start()
    sick = {"command": "false", "interval": "1s", "start_period": "100s"}
    with pytest.raises(Cancelled):
        world.go("docker.run", ctx, **web(world, health=sick))
    assert world.same(picture)


def test_cancel_while_the_one_before_stops_lets_it_run_on(world: World) -> None:
    stubborn = ["sh", "-c", "trap '' TERM; while true; do sleep 0.2; done"]
    world.go("docker.run", **web(world, command=stubborn, stop_timeout="60s"))
    picture = world.picture()
    ctx = world.context()
    threading.Timer(1.0, ctx.cancelled.set).start()
    with pytest.raises(Cancelled):
        world.go("docker.run", ctx, **web(world))
    assert world.same(picture)


def test_what_cannot_be_made_does_not_stop_what_runs(world: World) -> None:
    world.go("docker.run", **web(world))
    before = attrs(world)
    with pytest.raises(TaskFailed):
        world.go("docker.run", **web(world, replace=True, cap_add=["NO_SUCH_THING"]))
    after = attrs(world)
    assert (after["Id"], after["State"]["StartedAt"]) == (before["Id"], before["State"]["StartedAt"])
    assert after["State"]["Running"]
    assert len(world.client.containers.list(all=True, filters={"name": world.prefix})) == 1


def test_a_replacement_that_was_cut_off_is_settled(world: World) -> None:
    """The worker died after the old one stepped aside: the next look acts on it, the next apply and an undo mend it."""
    world.go("docker.run", **web(world))
    picture = world.picture()
    new = web(world, env={"V": "2"})
    before = world.look("docker.run", **new)

    def cut_off() -> None:
        old = world.client.containers.get(world.name())
        old.stop(timeout=0)
        old.rename(world.name() + ".reign-before")
        world.client.containers.create(BUSYBOX, "sleep 1000", name=world.name())

    cut_off()
    world.undo("docker.run", before, **new)
    assert world.same(picture)
    cut_off()
    world.go("docker.run", **new)
    assert list(world.picture()["containers"]) == [world.name()]
    assert "V=2" in attrs(world)["Config"]["Env"]


def test_death_between_healthy_and_tidying_up(world: World) -> None:
    inputs = web(world)
    world.go("docker.run", **inputs)
    world.client.containers.create(BUSYBOX, "sleep 1", name=world.name() + ".reign-before")
    operation = OPERATIONS["docker.run"]
    parsed = operation.Inputs.model_validate(inputs)
    ctx = world.context()
    assert operation.done(ctx, parsed, operation.inspect(ctx, parsed)) is None
    run_operation(operation, ctx, parsed)
    assert list(world.picture()["containers"]) == [world.name()]


def test_a_secret_reaches_the_container_and_no_record(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_PASSWORD", "hunter2 is long")
    ctx = world.context(masker=masker(DB_PASSWORD="hunter2 is long"))
    inputs = web(world, env={"PASSWORD": "hunter2 is long", "URL": "db://u:hunter2 is long@host"})
    first = world.go("docker.run", ctx, **inputs)
    assert "PASSWORD=hunter2 is long" in attrs(world)["Config"]["Env"]
    # A later look knows no secret values, and must not see any.
    seen = world.look("docker.run", **inputs)
    assert "hunter2" not in seen[0].model_dump_json()
    assert seen[0].state["env"]["PASSWORD"] == "secret://env/DB_PASSWORD"
    assert seen[0].state["env"]["URL"].startswith("kept://")
    picture = world.picture()
    world.go("docker.remove", name=world.name())
    before = [seen[0].model_copy(update={"state": resolve(seen[0].state, world.context().masker)})]
    world.undo("docker.remove", before, name=world.name())
    assert world.same(picture)
    assert world.look("docker.run", **inputs)[0].same_as(seen[0])
    # Rotated, it is another one.
    operation = OPERATIONS["docker.run"]
    rotated = operation.Inputs.model_validate(web(world, env={"PASSWORD": "new secret", "URL": "x"}))
    later = world.context(masker=masker(DB_PASSWORD="new secret"))
    assert operation.done(later, rotated, operation.inspect(later, rotated)) is None
    assert first.container_id


def test_a_secret_of_somebody_elses_container_is_kept_for_the_undo(world: World) -> None:
    world.container(environment={"POSTGRES_PASSWORD": "theirs"}, command="sh -c 'sleep 1000' --token=abc123456")
    picture = world.picture()
    before = world.look("docker.remove", name=world.name())
    assert "theirs" not in before[0].model_dump_json()
    assert "abc123456" not in before[0].model_dump_json()
    world.go("docker.remove", name=world.name(), timeout=0)
    world.undo("docker.remove", before, name=world.name())
    assert world.same(picture)
    assert world.look("docker.remove", name=world.name())[0].same_as(before[0])
    kept = [path for path in (world.folder / "state" / "kept").iterdir() if path.name != "key"]
    assert all(path.stat().st_mode & 0o077 == 0 for path in kept)
    world.go("docker.remove", name=world.name(), timeout=0)
    for path in kept:
        path.unlink()
    with pytest.raises(TaskFailed, match=r"the secret .* was kept where it was removed"):
        world.undo("docker.remove", before, name=world.name())


def test_findings_are_logged(world: World) -> None:
    ctx = world.context()
    world.go("docker.run", ctx, **web(world, env={"API_TOKEN": "abcdef"}))
    said = [text for stream, text in ctx.lines if stream == "finding"]
    assert any("env.API_TOKEN looks like a secret given in clear" in text for text in said)
