"""Attempts that are killed in the middle are settled by looking."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reign.executor.testing import run_operation
from tests.engines.kubernetes import Cluster
from tests.integration.kubernetes.performing import Performer
from tests.integration.kubernetes.test_apply import config
from tests.integration.kubernetes.test_deployments import names, replicas
from tests.integration.kubernetes.test_helm import SHOP

COUNT = 40


def again(perform: Performer, operation: str, **inputs: Any) -> tuple[list[Any], Any]:
    """The next attempt of the same task: what it sees, and how it ends."""
    chosen, parsed, ctx = perform.prepare(operation, inputs, task="cut-off", attempt=2)
    seen = list(chosen.inspect(ctx, parsed))
    assert chosen.done(ctx, parsed, seen) is None
    assert chosen.converges
    return seen, run_operation(chosen, ctx, parsed)


@pytest.mark.chaos
def test_kill_in_the_middle_of_an_apply(perform: Performer, control_plane: Cluster, namespace: str) -> None:
    manifest = [config(f"part-{number:02}", a="1") for number in range(COUNT)]

    def begun() -> bool:
        return any("part-" in name for name in names(control_plane, namespace, "configmap"))

    perform.killed("apply", begun, manifest=manifest)
    made = [name for name in names(control_plane, namespace, "configmap") if "part-" in name]
    assert 0 < len(made) < COUNT
    seen, result = again(perform, "apply", manifest=manifest)
    assert 0 < sum(item.exists for item in seen) < COUNT
    assert len(result.objects) == COUNT
    assert 0 < len(result.changed) < COUNT
    assert len(names(control_plane, namespace, "configmap")) == COUNT + 1


@pytest.mark.chaos
def test_kill_while_a_deployment_starts(simulated: Cluster, perform: Performer, namespace: str) -> None:
    inputs = {"name": "web", "image": "reign.test/slow:6s"}
    perform.killed("create_deployment", lambda: bool(names(simulated, namespace, "deployment")), **inputs)
    seen, result = again(perform, "create_deployment", **inputs)
    assert seen[0].exists
    assert result.ready_replicas == 1


@pytest.mark.chaos
@pytest.mark.parametrize("helm", ["helm", "helm3"])
def test_kill_in_the_middle_of_a_helm_upgrade(
    simulated: Cluster, perform: Performer, namespace: str, helm: str
) -> None:
    perform.options["helm"] = str(simulated.assets.binary(helm))
    perform("helm_install", release="shop", chart=SHOP)
    inputs = {"release": "shop", "chart": SHOP, "values": {"image": "reign.test/slow:4s", "replicas": 2}}

    def pending() -> bool:
        return bool(names_of(simulated, namespace, "status=pending-upgrade"))

    perform.killed("helm_upgrade", pending, **inputs)
    seen, result = again(perform, "helm_upgrade", **inputs)
    assert seen[0].state["status"] == "pending-upgrade"
    assert result.status == "deployed"
    assert replicas(simulated, namespace, "shop") == 2
    history = perform("helm_history", release="shop").result.revisions
    assert [entry.status for entry in history][-1] == "deployed"
    assert not [entry for entry in history if entry.status.startswith("pending") and entry.revision > 2]


@pytest.mark.chaos
def test_kill_in_the_middle_of_a_first_install(simulated: Cluster, perform: Performer, namespace: str) -> None:
    inputs = {"release": "shop", "chart": SHOP, "values": {"image": "reign.test/slow:6s"}}
    perform.killed("helm_install", lambda: bool(names_of(simulated, namespace, "status=pending-install")), **inputs)
    seen, result = again(perform, "helm_install", **inputs)
    assert seen[0].state["status"] == "pending-install"
    assert (result.status, result.revision) == ("deployed", 1)


def names_of(cluster: Cluster, namespace: str, label: str) -> list[str]:
    found = cluster.api("get", f"/api/v1/namespaces/{namespace}/secrets?labelSelector={label}")["items"]
    return [str(item["metadata"]["name"]) for item in found]


def test_the_killed_process_is_the_operation_itself(perform: Performer, tmp_path: Path) -> None:
    """The helper really performs: without a kill it would end well."""
    import subprocess
    import sys

    order = {
        "name": "apply",
        "inputs": {"manifest": config("whole", a="1")},
        "options": perform.options,
        "namespace": perform.namespace,
        "folder": str(tmp_path),
    }
    done = subprocess.run([sys.executable, "-m", Performer.__module__, json.dumps(order)], check=False)
    assert done.returncode == 0
    assert perform("apply", manifest=config("whole", a="1")).result.changed == []
