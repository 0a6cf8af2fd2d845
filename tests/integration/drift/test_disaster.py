"""examples/disaster-recovery: deployed, damaged from outside, found out, and brought back by one command."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from reign.client import Client, Run
from reign.core import planfile
from reign.core.states import RunState
from tests.engines import terraform as engines
from tests.engines.docker import BUSYBOX, DockerEngine
from tests.engines.installation import Installation, until
from tests.integration.docker.world import free_port

EXAMPLES = Path(__file__).parents[3] / "examples"
HERE = "examples/disaster-recovery"
# The example names its container itself, so one process runs it and the other docker examples.


@pytest.fixture
def installation(docker_engine: DockerEngine, tmp_path: Path) -> Iterator[Installation]:
    if not docker_engine.private:
        pytest.skip("would replace containers of this machine that have the example's names")
    engines.terraform()
    shutil.copytree(EXAMPLES / "disaster-recovery", tmp_path / HERE)
    found = Installation(tmp_path, api_port=free_port())
    try:
        found.prepare()
        found.start_worker("bash", "docker", "terraform", "validation", DOCKER_HOST=docker_engine.host)
        found.start_general()
        found._spawn([sys.executable, "-m", "reign", "api"])
        yield found
    finally:
        found.close()
        client = docker_engine.client()
        for container in client.containers.list(all=True, filters={"name": "disaster-recovery"}):
            container.remove(force=True)
        client.networks.prune()
        client.close()


def reign(installation: Installation, *argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "reign", *argv],
        cwd=installation.folder,
        env=installation.environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def drift(installation: Installation) -> dict[str, tuple[str, list[str]]]:
    """Each resource that is not as recorded: how it stands, and what differs."""
    with Client(installation.settings.url) as api:
        looked = Run(api, api.post("/drift", {"environment": "dev"})).wait(120)
        return not_as_recorded(api.get(f"/drift/{looked.name}"))


def not_as_recorded(report: Any) -> dict[str, tuple[str, list[str]]]:
    return {
        item["address"].rpartition("/")[2]: (item["standing"], [found["path"] for found in item["differences"]])
        for item in report["resources"]
        if item["standing"] != "same"
    }


def damage(installation: Installation, client: Any) -> None:
    """All at once, behind REIGN's back."""
    client.containers.get("disaster-recovery-web").remove(force=True)
    (installation.folder / HERE / "www/index.html").write_text("defaced\n")
    (installation.folder / HERE / "infra/terraform.tfstate").write_text('{"version": 4, "resour')
    wipe(installation)


def wipe(installation: Installation) -> None:
    broker = redis.Redis(unix_socket_path=str(installation.settings.socket_path))
    broker.flushall()
    broker.close()


def page(port: int) -> str:
    return urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10).read().decode()


def test_disaster_recovery(docker_engine: DockerEngine, installation: Installation) -> None:
    port, client = free_port(), docker_engine.client()
    content, _ = planfile.load((EXAMPLES / "disaster-recovery/plan.yaml").read_text())
    run = installation.wait(installation.submit(content, params={"port": port}), 120)
    assert run.state is RunState.SUCCEEDED, (installation.tasks(run), installation.log())
    with Client(installation.settings.url) as api:
        until(lambda: answers(api), 60)
    state = (installation.folder / HERE / "infra/terraform.tfstate").read_bytes()
    assert drift(installation) == {}

    rehearsed_beside_it(installation, client)

    damage(installation, client)
    looked = reign(installation, "drift", "-o", "json")
    assert looked.returncode == 1, looked.stderr + installation.log()
    found = not_as_recorded(json.loads(looked.stdout))
    assert found["disaster-recovery-web"] == ("missing", [])
    assert found["index.html"][0] == "changed"
    assert "sha256" in found["index.html"][1]
    assert found["default"] == ("damaged", [])
    assert len(found) == 3, "the network and the folder are as they were"

    fixed = reign(installation, "drift", "--fix", "--yes")
    assert fixed.returncode == 0, fixed.stdout + fixed.stderr + installation.log()
    until(lambda: page(port) == "still here\n", 20)
    assert (installation.folder / HERE / "infra/terraform.tfstate").read_bytes() == state
    assert drift(installation) == {}
    verified = reign(installation, "audit", "verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr

    look_alike(docker_engine, client, installation)
    back = installation.wait(installation.general.rollback(run.name), 120)
    assert back.state is RunState.SUCCEEDED, (installation.tasks(back), installation.log())
    assert not (installation.folder / HERE / "www").exists()
    assert client.containers.list(all=True, filters={"name": "disaster-recovery"}) == []
    assert not (installation.folder / HERE / "infra/terraform.tfstate").exists()
    client.close()


def rehearsed_beside_it(installation: Installation, client: Any) -> None:
    """The same plan again, under other names, on other ports, in a copied folder: what runs feels nothing of it."""
    web = client.containers.get("disaster-recovery-web").id
    tree = {path for path in installation.folder.glob("examples/**/*") if path.is_file()}
    done = reign(installation, "rehearse", f"{HERE}/plan.yaml", "--yes", "-o", "json")
    assert done.returncode == 0, done.stdout + done.stderr + installation.log()
    report = json.loads(done.stdout)
    assert report["came_back"] is True
    kinds = {item["address"].partition("/")[0] for item in report["proof"]["resources"]}
    # The page is in the copied folder already, so nothing was left to do for it.
    assert kinds == {"docker:network", "docker:container", "terraform:dir"}
    assert all((item["before"], item["applied"]) == ("absent", "there") for item in report["proof"]["resources"])
    assert [c.id for c in client.containers.list(all=True, filters={"name": "disaster-recovery"})] == [web]
    assert {path for path in installation.folder.glob("examples/**/*") if path.is_file()} == tree
    assert list(installation.folder.glob(".reign-rehearsal-*")) == []
    assert drift(installation) == {}


def look_alike(docker_engine: DockerEngine, client: Any, installation: Installation) -> None:
    """A container of the same name that others made is told apart, and replaced only on request."""
    client.containers.get("disaster-recovery-web").remove(force=True)
    other = client.containers.run(BUSYBOX, "sleep 1000", name="disaster-recovery-web", detach=True, stop_signal="KILL")
    assert drift(installation)["disaster-recovery-web"][0] == "replaced"
    refused = reign(installation, "drift", "--fix", "--yes")
    assert refused.returncode == 6
    assert "--replace" in refused.stderr
    assert client.containers.get("disaster-recovery-web").id == other.id
    assert reign(installation, "drift", "--fix", "--replace", "--yes").returncode == 0
    assert drift(installation) == {}


def answers(api: Client) -> bool:
    try:
        api.get("/healthz")
    except Exception:
        return False
    return True
