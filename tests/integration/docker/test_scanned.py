"""What validation.scan_secrets finds in images of a real engine, which the docker command writes out."""

from __future__ import annotations

import shutil
from typing import Any

import pytest

from reign.executor import FailureKind, TaskFailed
from reign.executor.testing import make_context, run_operation
from tests.engines.docker import BUSYBOX
from tests.engines.required import missing
from tests.integration.docker.world import World
from tests.unit.workers.validation.keys import AWS, GITHUB
from workers.validation import ScanSecrets


@pytest.fixture(autouse=True)
def docker_command() -> None:
    if shutil.which("docker") is None:
        missing("docker", "the docker command is not there")


def scan(world: World, image: str, **inputs: Any) -> ScanSecrets.Result:
    options = {"docker_host": world.engine.options["host"]}
    given = ScanSecrets.Inputs.model_validate({"image": image, "fail_on": "high", **inputs})
    result = run_operation(ScanSecrets(), make_context(world.folder, options=options), given)
    assert isinstance(result, ScanSecrets.Result)
    return result


def build(world: World, *steps: str) -> str:
    folder = world.folder / "src"
    folder.mkdir(exist_ok=True)
    (folder / "app.env").write_text(f"KEY={AWS}\n")
    (folder / "Dockerfile").write_text("\n".join([f"FROM {BUSYBOX}", *steps, f"RUN echo {world.prefix} >/own\n"]))
    return str(world.go("docker.build", context="src", tag=world.name("app:1")).image)


def test_a_secret_that_a_later_layer_deletes_and_one_in_a_variable(world: World) -> None:
    image = build(world, "COPY app.env /srv/app.env", "RUN rm /srv/app.env", f"ENV GH_TOKEN={GITHUB}")
    with pytest.raises(TaskFailed) as caught:
        scan(world, image)
    assert caught.value.kind is FailureKind.CHECK_FAILED
    places = {finding["place"].partition(":")[0] for finding in caught.value.details["findings"]}
    assert places == {"srv/app.env", "(environment)", "(build history)"}
    assert AWS not in str(caught.value.details)


def test_an_image_without_secrets_passes(world: World) -> None:
    assert scan(world, build(world, "RUN echo hello >/hello")).files > 0


def test_what_is_not_there_is_said(world: World) -> None:
    with pytest.raises(TaskFailed, match=f"there is no image {world.prefix}") as caught:
        scan(world, world.name("none"))
    assert caught.value.kind is FailureKind.WRONG_INPUT
