"""The examples that end in a cluster, run and rolled back by a whole REIGN."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reign.core import planfile
from reign.core.states import RunState
from reign.store.runs import RunRecord
from tests.engines import terraform as engines
from tests.engines.docker import DockerEngine, docker_engine
from tests.engines.github import Place, on_fake
from tests.engines.installation import Installation
from tests.engines.kubernetes import Cluster
from tests.engines.registry import Registry, registry
from tests.fakes.github import GitHubServer
from tests.integration.kubernetes.test_deployments import names

__all__ = ["docker_engine", "registry"]

ROOT = Path(__file__).parents[3]
LEFT = shutil.ignore_patterns("*.tfstate*", ".terraform*")  # by somebody who tried an example here
PASSWORD = "correct-horse-battery"


@pytest.fixture
def place() -> Iterator[Place]:
    """A repository; what differs from GitHub's description is found by the agent's own tests."""
    with GitHubServer(None) as server:
        server.add_user("mona")
        yield on_fake(server)


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    found = Installation(tmp_path, lease=5.0, heartbeat=0.5)
    shutil.copytree(
        ROOT / "examples", tmp_path / "examples", ignore=shutil.ignore_patterns("*.tfstate*", ".terraform*")
    )
    found.prepare()
    yield found
    found.close()


def plan(name: str) -> dict[str, Any]:
    content, _ = planfile.load((ROOT / "examples" / name).read_text())
    assert isinstance(content, dict)
    return content


def ended(installation: Installation, run: RunRecord) -> str:
    """How the run ended, with what its tasks said if not well."""
    found = installation.wait(run, 200)
    if found.state is RunState.SUCCEEDED:
        return "succeeded"
    return str({name: task.error for name, task in installation.tasks(run).items() if task.error})


def provide_volume(cluster: Cluster, room: str) -> None:
    """A volume for the claim of the example, where no storage class makes one."""
    spec = {
        "capacity": {"storage": "1Gi"},
        "accessModes": ["ReadWriteOnce"],
        "claimRef": {"namespace": room, "name": "orders"},
        "hostPath": {"path": "/var/empty"},
    }
    body = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": room}, "spec": spec}
    cluster.kubectl("create", "-f", "-", given=json.dumps(body))


def tools(cluster: Cluster) -> dict[str, str]:
    return {name: cluster.environment[name] for name in ("KUBECONFIG", "PATH")}


@pytest.mark.slow
def test_a_compose_stack_moves_and_is_taken_back(
    installation: Installation, control_plane: Cluster, namespace: str
) -> None:
    room = f"{namespace}-shop"
    if control_plane.simulated:
        provide_volume(control_plane, room)
    installation.start_worker("kubernetes", ORDERS_PASSWORD=PASSWORD, **tools(control_plane))
    run = installation.submit(plan("compose-to-kubernetes/plan.yaml"), params={"namespace": room})
    assert ended(installation, run) == "succeeded"
    assert names(control_plane, room, "deployment") == [
        "deployment.apps/cache",
        "deployment.apps/orders",
        "deployment.apps/web",
    ]
    assert names(control_plane, room, "pvc") == ["persistentvolumeclaim/orders"]
    template = "go-template={{.data.POSTGRES_PASSWORD | base64decode}}"
    assert control_plane.kubectl("get", "secret/orders-env", "-n", room, "-o", template) == PASSWORD
    results = {name: task.result for name, task in installation.tasks(run).items()}
    assert results["check"]["ready"] == 2
    assert any("depends_on" in note for note in results["convert"]["notes"])
    assert PASSWORD not in str(results)

    back = installation.general.rollback(run.name)
    assert ended(installation, back) == "succeeded"
    assert f"namespace/{room}" not in names(control_plane, namespace, "namespace")
    for file in (installation.folder / "data").rglob("*"):
        assert not file.is_file() or PASSWORD.encode() not in file.read_bytes(), f"{file} holds the password"


@pytest.mark.slow
def test_the_built_image_is_what_the_deployment_runs(
    installation: Installation,
    docker_engine: DockerEngine,
    registry: Registry,
    control_plane: Cluster,
    namespace: str,
    place: Place,
) -> None:
    """Docker's image handed over to the cluster, and at the same time a review's: from terraform's output, to the
    comment that says where it answers."""
    engines.terraform()
    number = place.issue("a pull request is an issue, too")
    hosted: dict[str, Any] = {**tools(control_plane), "GITHUB_TOKEN": place.token, "GITHUB_API_URL": place.url}
    installation.start_worker("kubernetes", "terraform", "github", **hosted)
    installation.start_worker("docker", DOCKER_HOST=docker_engine.host, REGISTRY_PASSWORD=registry.password)
    given = {"registry": registry.host, "user": registry.username, "namespace": namespace}
    run = installation.submit(plan("docker-to-kubernetes.yaml"), params={**given, "tag": namespace})
    pulled = {"repository": place.repo, "pull_request": number, "host": "node.example"}
    review = installation.submit(plan("review-app/kubernetes.yaml"), params={**given, **pulled})
    for one, name in ((run, "hello-web"), (review, f"review-{number}")):
        assert ended(installation, one) == "succeeded"
        digest = installation.tasks(one)["push"].result["digest"]
        path = "jsonpath={.spec.template.spec.containers[0].image}"
        live = control_plane.kubectl("get", f"deployment/{name}", "-n", namespace, "-o", path)
        assert live == f"{registry.host}/{name}@{digest}"

    service = control_plane.api("get", f"/api/v1/namespaces/{namespace}/services/review-{number}")
    [comment] = place.of_repo("GET", f"/issues/{number}/comments")
    address = f"http://node.example:{service['spec']['ports'][0]['nodePort']}/"
    assert f"Review of pull request {number}: {address}" in comment["body"]

    back = installation.general.rollback(review.name)
    assert ended(installation, back) == "succeeded"
    assert place.of_repo("GET", f"/issues/{number}/comments") == []
    assert names(control_plane, namespace, "deployment") == ["deployment.apps/hello-web"]
    assert list((installation.folder / "examples").rglob("*.tfstate")) == [], "there was no state before"
