from __future__ import annotations

import os
import shutil
import subprocess
import threading
from pathlib import Path

import pytest

from reign.executor import Cancelled, FailureKind, TaskFailed
from tests.engines.docker import BUSYBOX
from tests.engines.required import missing
from tests.integration.docker.world import World, masker


def site(world: World, dockerfile: str, **files: str) -> str:
    folder = world.folder / "site"
    folder.mkdir(exist_ok=True)
    (folder / "Dockerfile").write_text(dockerfile)
    for name, content in files.items():
        (folder / name).write_text(content)
    return "./site"


def shown(world: World, image: str, command: list[str]) -> str:
    return world.client.containers.run(image, command, remove=True).decode().strip()


def test_a_folder_becomes_an_image_that_runs(world: World) -> None:
    context = site(world, f"FROM {BUSYBOX}\nARG WHO=nobody\nRUN echo hello $WHO > /said\n")
    ctx = world.context()
    result = world.go("docker.build", ctx, context=context, tag=world.name("app:1"), build_args={"WHO": "you"})
    assert result.image == world.name("app:1")
    assert result.image_id == world.client.images.get(world.name("app:1")).id
    assert shown(world, result.image, ["cat", "/said"]) == "hello you"
    steps = [report["message"] for report in ctx.reports if report["message"].startswith("Step ")]
    assert any("RUN echo hello" in step for step in steps)
    assert not any(text in steps for _, text in ctx.lines), "said once"


def test_the_tag_points_where_it_pointed_before(world: World) -> None:
    inputs = {"context": site(world, f"FROM {BUSYBOX}\nRUN echo one > /n\n"), "tag": world.name("app:1")}
    nothing = world.look("docker.build", **inputs)
    first = world.go("docker.build", **inputs)
    before = world.look("docker.build", **inputs)
    site(world, f"FROM {BUSYBOX}\nRUN echo two > /n\n")
    assert world.go("docker.build", **inputs).image_id != first.image_id
    world.undo("docker.build", before, **inputs)
    assert world.client.images.get(world.name("app:1")).id == first.image_id
    world.undo("docker.build", nothing, **inputs)
    assert world.picture()["images"] == {}


def test_a_tag_cannot_come_back_when_its_image_is_gone(world: World) -> None:
    inputs = {"context": site(world, f"FROM {BUSYBOX}\nRUN echo one > /n\n"), "tag": world.name("app:1")}
    world.go("docker.build", **inputs)
    before = world.look("docker.build", **inputs)
    world.client.images.remove(world.name("app:1"))
    with pytest.raises(TaskFailed, match="has been removed since") as caught:
        world.undo("docker.build", before, **inputs)
    assert caught.value.kind is FailureKind.CONFLICT


def test_dockerignore_and_dockerfile_elsewhere(world: World) -> None:
    site(
        world,
        "FROM nowhere",
        **{"kept.txt": "kept", "secret.txt": "no", ".dockerignore": "# papers\n*.txt\n!kept.txt\n"},
    )
    (world.folder / "other.Dockerfile").write_text(f"FROM {BUSYBOX}\nCOPY . /all\n")
    result = world.go(
        "docker.build", context="site", tag=world.name("app:2"), dockerfile="./other.Dockerfile", no_cache=True
    )
    assert shown(world, result.image, ["ls", "/all"]).split() == ["Dockerfile", "kept.txt"]


def test_a_dockerfile_has_ignore_rules_of_its_own(world: World) -> None:
    site(world, "FROM nowhere", **{"a.txt": "a", "b.txt": "b", "my.Dockerfile": f"FROM {BUSYBOX}\nCOPY . /all\n"})
    (world.folder / "site" / "my.Dockerfile.dockerignore").write_text("a.txt\nmy.*\nDockerfile\n")
    result = world.go("docker.build", context="site", tag=world.name("app:3"), dockerfile="my.Dockerfile")
    assert "a.txt" not in shown(world, result.image, ["ls", "/all"])
    assert "b.txt" in shown(world, result.image, ["ls", "/all"])


def test_a_stage_and_labels(world: World) -> None:
    context = site(
        world, f"FROM {BUSYBOX} AS base\nRUN echo base > /which\nFROM base AS last\nRUN echo last > /which\n"
    )
    result = world.go("docker.build", context=context, tag=world.name("app:1"), target="base", labels={"team": "web"})
    assert shown(world, result.image, ["cat", "/which"]) == "base"
    assert world.client.images.get(result.image).labels["team"] == "web"


def test_a_step_that_fails_is_told_with_its_last_lines(world: World) -> None:
    context = site(world, f"FROM {BUSYBOX}\nRUN echo compiling; sleep 0.2; echo no such header >&2; exit 3\n")
    with pytest.raises(TaskFailed) as caught:
        world.go("docker.build", context=context, tag=world.name("app:1"))
    assert "ended with code 3" in caught.value.message
    assert "RUN echo compiling" in caught.value.message
    assert caught.value.kind is FailureKind.WRONG_INPUT
    assert caught.value.message.endswith("compiling / no such header")
    assert {"compiling", "no such header"} <= set(caught.value.details["lines"])
    assert world.picture()["images"] == {}


def test_a_base_image_that_is_not_there(world: World) -> None:
    with pytest.raises(TaskFailed) as caught:
        world.go("docker.build", context=site(world, "FROM busybox:locale\n"), tag=world.name("app:1"))
    assert f"did you mean '{BUSYBOX}'" in (caught.value.hint or "")


@pytest.fixture
def buildkit(world: World) -> dict[str, str]:
    """Options with a docker command line that has BuildKit."""
    for program in ("/usr/bin/docker", shutil.which("docker")):
        if program and Path(program).exists():
            version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
            buildx = subprocess.run([program, "buildx", "version"], capture_output=True, check=False).returncode == 0
            if buildx or "version 20." in version:
                return {**world.engine.options, "docker": program}
    return missing("buildkit", "no docker command line with buildx, and none of before 23")


def test_a_dockerfile_in_newer_words_is_built_with_buildkit(world: World, buildkit: dict[str, str]) -> None:
    step = "RUN --mount=type=secret,id=token wc -c < /run/secrets/token > /n && echo $WHO > /w"
    context = site(world, f"FROM {BUSYBOX}\nARG WHO\n{step}\n")
    ctx = world.context(options=buildkit, masker=masker(TOKEN="abcdef12"))
    result = world.go(
        "docker.build", ctx, context=context, tag=world.name("app:1"), build_args={"WHO": "you"},
        secrets={"token": "abcdef12"}, labels={"team": "web"}, no_cache=True,
    )  # fmt: skip
    assert shown(world, result.image, ["cat", "/n", "/w"]).split() == ["8", "you"]
    assert world.client.images.get(result.image).labels["team"] == "web"
    assert any("RUN --mount" in report["message"] for report in ctx.reports)
    assert not list((world.folder / "scratch").rglob("secrets/*")), "no secret is left behind"


def test_buildkit_failures_are_told(world: World, buildkit: dict[str, str]) -> None:
    inputs = {"tag": world.name("app:1"), "builder": "buildkit", "context": "site"}
    site(world, f"FROM {BUSYBOX}\nRUN echo compiling; sleep 0.2; echo no such header >&2; exit 3\n")
    with pytest.raises(TaskFailed, match=r"RUN echo compiling.* ended with code 3: .*no such header") as caught:
        world.go("docker.build", world.context(options=buildkit), **inputs)
    assert caught.value.details["exit_code"] == "3"
    site(world, f"FROM {BUSYBOX}\nRUNN true\n")
    with pytest.raises(TaskFailed, match="(?i)unknown instruction: RUNN"):
        world.go("docker.build", world.context(options=buildkit), **inputs)


def test_without_buildkit_it_is_said(world: World, tmp_path: Path) -> None:
    old = tmp_path / "docker"
    old.write_text("#!/bin/sh\n[ $1 = --version ] && echo Docker version 28.2.2, build 1 || exit 1\n")
    old.chmod(0o755)
    context = site(world, f"FROM {BUSYBOX}\nRUN --mount=type=cache,target=/x true\n")
    ctx = world.context(options={**world.engine.options, "docker": str(old)})
    with pytest.raises(TaskFailed, match="needs BuildKit") as caught:
        world.go("docker.build", ctx, context=context, tag=world.name("app:1"))
    assert caught.value.kind is FailureKind.MISSING_PREREQUISITE
    with pytest.raises(TaskFailed, match="the Dockerfile uses --mount"):
        world.go("docker.build", context=context, tag=world.name("app:1"), builder="engine")
    with pytest.raises(TaskFailed, match="need BuildKit"):
        world.go("docker.build", context=context, tag=world.name("app:1"), builder="engine", secrets={"a": "b"})


def test_what_is_not_there_is_said_before_anything_is_sent(world: World) -> None:
    with pytest.raises(TaskFailed, match="is not a folder"):
        world.go("docker.build", context="./nowhere", tag=world.name("app:1"))
    site(world, "FROM x")
    with pytest.raises(TaskFailed, match=r"there is no .*Dockerfile.dev") as caught:
        world.go("docker.build", context="site", dockerfile="Dockerfile.dev", tag=world.name("app:1"))
    assert "there is Dockerfile" in (caught.value.hint or "")


def test_a_file_that_cannot_be_read(world: World) -> None:
    site(world, f"FROM {BUSYBOX}\nCOPY . /\n")
    (world.folder / "site" / "dangling").symlink_to("/nowhere")  # fine: links are packed as links
    world.go("docker.build", context="site", tag=world.name("app:1"))
    assert shown(world, world.name("app:1"), ["ls", "-l", "/dangling"]).endswith("-> /nowhere")


def test_cancel_ends_the_build_in_the_engine_too(world: World) -> None:
    ctx = world.context()
    context = site(world, f"FROM {BUSYBOX}\nRUN echo {world.prefix}; sleep 300\n")

    def cancel_when_it_sleeps() -> None:
        while not any("Running in" in text for _, text in ctx.lines):
            threading.Event().wait(0.05)
        ctx.cancelled.set()

    threading.Thread(target=cancel_when_it_sleeps, daemon=True).start()
    with pytest.raises(Cancelled):
        world.go("docker.build", ctx, context=context, tag=world.name("app:1"))

    def left() -> list[str]:
        return [
            c.name for c in world.client.containers.list(ignore_removed=True) if world.prefix in str(c.attrs["Args"])
        ]

    world.context(timeout=10).until(lambda: not left())
    assert world.picture()["images"] == {}


def test_the_same_files_give_the_same_image_whoever_owns_them(world: World) -> None:
    context = site(world, f"FROM {BUSYBOX}\nCOPY data /data\n", data="x")
    first = world.go("docker.build", context=context, tag=world.name("app:1"))
    path = Path(world.folder / "site" / "data")
    try:
        os.chown(path, 12345, 12345)
    except PermissionError:
        pytest.skip("only root can give files away")
    assert world.go("docker.build", context=context, tag=world.name("app:1")).image_id == first.image_id
