"""A taken port and a missing image, repaired: proposed on the worker, applied, and taken back."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path
from typing import Any

import pytest

from reign.core.states import RunState
from reign.engine.repair import Repairs
from reign.executor import FailureKind, TaskFailed
from tests.engines.docker import BUSYBOX
from tests.engines.installation import Installation
from tests.integration.docker.world import OPERATIONS, World, free_port
from workers.docker import repairs

EXAMPLE = Path(__file__).parents[3] / "examples" / "hello-web"


def test_an_image_is_built_and_a_port_moved(world: World, tmp_path: Path) -> None:
    name, wanted = world.name("web"), free_port()
    shutil.copytree(EXAMPLE, tmp_path / name)
    installation = Installation(tmp_path)
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", wanted))
        holder.listen()
        try:
            installation.prepare()
            installation.start_worker("docker", "validation", DOCKER_HOST=world.engine.host)
            whole(installation, name, wanted)
        finally:
            installation.close()
    assert world.picture()["containers"] == {}


def whole(installation: Installation, name: str, wanted: int) -> None:
    tasks: dict[str, Any] = {
        "run": {"uses": "docker.run", "with": {"image": f"{name}:1", "name": name, "ports": {str(wanted): 80}}},
        "check": {
            "uses": "validation.http",
            "needs": ["run"],
            "with": {"url": f"http://127.0.0.1:{wanted}/", "expect_body": "Hello", "within": "30s"},
        },
    }
    run = installation.wait(installation.submit({"name": "test", "tasks": tasks}), 100)
    found = Repairs(installation.runtime, installation.general)

    shown = found.look(run.name)
    assert shown.safe, (shown.as_dict(), installation.log())
    assert shown.amendment is not None
    assert shown.amendment.plan.tasks["build"].with_ == {"context": f"./{name}", "tag": f"{name}:1"}
    run = installation.wait(found.apply(run.name, shown.digest or "", by="ada"), 100)
    assert run.state is RunState.FAILED, "now the port"

    shown = found.look(run.name)
    assert shown.safe, shown.as_dict()
    run = installation.wait(found.apply(run.name, shown.digest or "", by="ada"), 100)
    assert run.state is RunState.SUCCEEDED, (installation.tasks(run), installation.log())
    ended = installation.tasks(run)
    port = ended["run"].result["ports"]["80"]
    assert port > wanted
    assert ended["check"].result["url"] == f"http://127.0.0.1:{port}/"
    back = installation.wait(installation.general.rollback(run.name), 100)
    assert back.state is RunState.SUCCEEDED


def image(world: World, name: str, pull: str = "missing", **details: Any) -> Any:
    failure = TaskFailed("no", kind=FailureKind.WRONG_INPUT, details=details)
    return repairs.the_image(world.context(), name, pull, failure)


def test_what_is_proposed_for_an_image(world: World) -> None:
    name = world.name("x")
    assert image(world, BUSYBOX) is None, "it is here"
    near = image(world, f"{name}:1", nearest=BUSYBOX)
    assert (near.inputs, near.sure) == ({"image": BUSYBOX}, False)
    pulled = image(world, f"{name}:1", "never")
    assert [(step.uses, step.with_) for step in pulled.before] == [("docker.pull", {"image": f"{name}:1"})]
    assert image(world, f"{name}:1") is None
    deep = world.folder / "apps" / name
    deep.mkdir(parents=True)
    (deep / "Dockerfile").write_text("FROM scratch\n")
    assert image(world, f"{name}:1").before[0].with_["context"] == f"./apps/{name}"
    assert image(world, f"registry.example/{name}:1") is None, "another's image is not built here"
    (world.folder / "Dockerfile").write_text("FROM scratch\n")
    assert image(world, f"{world.folder.name.replace('_', '-')}:1") is None, "the folder has another name"
    conflict = TaskFailed("no", kind=FailureKind.CONFLICT)
    assert repairs.the_image(world.context(), f"{name}:1", "missing", conflict) is None


@pytest.mark.parametrize(
    "ports, moved",
    [
        ({"8088": 80, "9": 9}, {"PORT": 80, "9": 9}),
        ({"0.0.0.0:8088": 80}, {"0.0.0.0:PORT": 80}),
        (["8088:80", "80"], ["PORT:80", "80"]),
        (["127.0.0.1:8088:80/tcp", 81], ["127.0.0.1:PORT:80/tcp", "81"]),
    ],
)
def test_ports_move_in_every_form(world: World, ports: Any, moved: Any) -> None:
    failure = TaskFailed("taken", kind=FailureKind.CONFLICT, details={"port": 8088, "holder": "container x"})
    found = repairs.another_port(world.context(), ports, failure)
    assert found is not None
    assert found.moved is not None
    port = found.moved.now
    assert str(found.inputs["ports"]) == str(moved).replace("PORT", str(port))
    assert found.reason == f"port 8088 is taken by container x; {port} is free"


def test_other_failures_are_not_about_ports(world: World) -> None:
    assert repairs.another_port(world.context(), {}, TaskFailed("no")) is None
    operation = OPERATIONS["docker.run"]
    inputs = operation.Inputs.model_validate({"image": BUSYBOX, "name": "x"})
    assert operation.repair(world.context(), inputs, TaskFailed("no")) is None
