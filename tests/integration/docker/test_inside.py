from __future__ import annotations

import threading
import time

import pytest

from reign.executor import Cancelled, FailureKind, TaskFailed, TimedOut
from tests.engines.docker import BUSYBOX
from tests.engines.installation import until
from tests.integration.docker.world import World, masker


def test_a_command_and_its_output(world: World) -> None:
    world.container()
    ctx = world.context()
    result = world.go(
        "docker.exec", ctx, name=world.name(), command="sh -c 'echo $GREETING; pwd; id -u; echo oops >&2'",
        env={"GREETING": "hello"}, workdir="/tmp", user="65534",
    )  # fmt: skip
    assert result.exit_code == 0
    assert set(result.output.split()) == {"hello", "/tmp", "65534", "oops"}
    assert ("stdout", "hello") in ctx.lines


def test_an_exit_code_fails_unless_it_is_asked_for(world: World) -> None:
    world.container()
    with pytest.raises(TaskFailed, match="exit code 4: because") as caught:
        world.go("docker.exec", name=world.name(), command="sh -c 'echo because; exit 4'")
    assert caught.value.details["exit_code"] == 4
    assert world.go("docker.exec", name=world.name(), command="sh -c 'exit 4'", check=False).exit_code == 4


def test_no_text_is_given_to_a_shell(world: World) -> None:
    world.container()
    assert world.go("docker.exec", name=world.name(), command="echo a; id").output == "a; id\n"
    with pytest.raises(ValueError, match="empty"):
        world.go("docker.exec", name=world.name(), command="")


def test_what_does_not_run_or_is_not_there(world: World) -> None:
    world.container().stop(timeout=0)
    with pytest.raises(TaskFailed, match="does not run") as caught:
        world.go("docker.exec", name=world.name(), command="ls")
    assert caught.value.kind is FailureKind.CONFLICT
    with pytest.raises(TaskFailed, match="there is no container"):
        world.go("docker.exec", name=world.name("x"), command="ls")
    world.client.containers.get(world.name()).start()
    with pytest.raises(TaskFailed, match="there is no program 'nope'"):
        world.go("docker.exec", name=world.name(), command="nope")


def test_a_cancelled_command_ends_with_all_that_it_started(world: World) -> None:
    world.container()
    ctx = world.context()
    threading.Timer(0.7, ctx.cancelled.set).start()
    started = time.monotonic()
    with pytest.raises(Cancelled):
        world.go("docker.exec", ctx, name=world.name(), command="sh -c 'sleep 301 & sleep 302'")
    assert time.monotonic() - started < 3
    assert _processes(world) == ["sleep 1000"]


def test_a_command_that_takes_too_long(world: World) -> None:
    world.container()
    with pytest.raises(TimedOut):
        world.go("docker.exec", world.context(timeout=1), name=world.name(), command="sleep 300")
    assert _processes(world) == ["sleep 1000"]


def _processes(world: World) -> list[str]:
    return sorted(row[-1] for row in world.client.containers.get(world.name()).top()["Processes"])


def test_a_flood_of_output_is_capped(world: World) -> None:
    world.container()
    result = world.go("docker.exec", name=world.name(), command="sh -c 'seq 1 400000; echo the end'")
    assert len(result.output) < 1_100_000
    assert result.output.startswith("1\n2\n")
    assert result.output.endswith("the end\n")
    world.go("docker.exec", name=world.name(), command="sh -c 'head -c 300000 /dev/zero | tr \"\\0\" x'")


def test_secrets_are_masked_in_output(world: World) -> None:
    world.container()
    ctx = world.context(masker=masker(PASSWORD="s3cr3t value"))
    result = world.go("docker.exec", ctx, name=world.name(), command=["echo", "it is s3cr3t value"])
    assert result.output == "it is ***\n"
    assert not any("s3cr3t" in text for _, text in ctx.lines)


def test_a_container_s_own_secrets_are_masked_in_what_it_prints(world: World) -> None:
    inside = {"PASSWORD": "s3cr3t value", "URL": "http://me:s3cr3t value@db", "MODE": "s3cr3"}
    world.go(
        "docker.run",
        world.context(masker=masker(PASSWORD="s3cr3t value")),
        image=BUSYBOX,
        name=world.name(),
        command=["sh", "-c", "echo start with $PASSWORD; sleep 600"],
        env={**inside, "API_TOKEN": "abcdef-0123456789"},
    )
    later = world.context()  # another task: nobody told it a secret
    said = world.go("docker.exec", later, name=world.name(), command=["sh", "-c", "echo $PASSWORD $API_TOKEN $MODE"])
    assert said.output == "*** *** s3cr3\n"
    assert world.go("docker.logs", later, name=world.name()).output == "start with ***\n"
    assert not any("s3cr3t" in text or "abcdef" in text for _, text in later.lines)


def test_logs(world: World) -> None:
    world.container(command=["sh", "-c", "for i in 1 2 3; do echo line $i; done; echo oops >&2; exit 5"])
    world.client.containers.get(world.name()).wait()
    result = world.go("docker.logs", name=world.name())
    assert result.exit_code == 5
    assert sorted(result.output.splitlines()) == ["line 1", "line 2", "line 3", "oops"]
    assert len(world.go("docker.logs", name=world.name(), tail=1).output.splitlines()) == 1
    assert world.go("docker.logs", name=world.name(), timestamps=True).output.startswith("20")
    assert until(lambda: world.go("docker.logs", name=world.name(), since="1s").output == "")


def test_logs_are_followed_for_a_while_or_to_the_end(world: World) -> None:
    world.container("ticks", command=["sh", "-c", "while true; do echo tick; sleep 0.1; done"])
    ctx = world.context()
    started = time.monotonic()
    result = world.go("docker.logs", ctx, name=world.name("ticks"), tail=0, follow="1s")
    assert 0.9 < time.monotonic() - started < 3
    assert result.exit_code is None
    assert result.output.count("tick") >= 3
    world.container("ends", command=["sh", "-c", "sleep 0.5; echo over"])
    assert world.go("docker.logs", name=world.name("ends"), follow="30s").output == "over\n"


def test_the_log_of_nothing(world: World) -> None:
    with pytest.raises(TaskFailed, match="there is no container"):
        world.go("docker.logs", name=world.name())
