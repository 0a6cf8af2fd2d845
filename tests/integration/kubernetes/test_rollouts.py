"""Rollouts: waiting, restarting, going back."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from reign.executor import TaskFailed
from tests.engines.kubernetes import Cluster
from tests.integration.kubernetes.performing import Performer


def image(cluster: Cluster, namespace: str, kind: str) -> str:
    path = "jsonpath={.spec.template.spec.containers[0].image}"
    return cluster.kubectl("get", f"{kind}/web", "-n", namespace, "-o", path)


def workload(kind: str, tag: str) -> dict[str, Any]:
    labels = {"app": "web"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "web", "image": f"nginx:{tag}"}]}}
    spec: dict[str, Any] = {"selector": {"matchLabels": labels}, "template": template}
    if kind != "DaemonSet":
        spec["replicas"] = 2
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "web"}, "spec": spec}


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet"])
def test_goes_back_to_the_former_rollout_and_forth_again(
    perform: Performer, control_plane: Cluster, namespace: str, kind: str
) -> None:
    perform("apply", manifest=workload(kind, "1.27"))
    with pytest.raises(TaskFailed, match="no former revision"):
        perform("rollout_undo", kind=kind, name="web")
    perform("apply", manifest=workload(kind, "1.28"))
    shown = perform.preview("rollout_undo", kind=kind, name="web")
    assert re.findall(r"^([-+]) +- image: (\S+)$", shown, re.MULTILINE) == [("-", "nginx:1.28"), ("+", "nginx:1.27")]
    assert "rollout-by" not in shown
    assert image(control_plane, namespace, kind) == "nginx:1.28", "a preview changes nothing"
    undone = perform("rollout_undo", kind=kind.lower(), name="web")
    assert undone.result.ready
    assert image(control_plane, namespace, kind) == "nginx:1.27"
    settled = undone.operation.done(undone.context, undone.inputs, undone.look())
    assert settled == undone.result, "a cut-off attempt knows its own change and does not go back twice"
    undone.undo()
    assert image(control_plane, namespace, kind) == "nginx:1.28"
    assert undone.look()[0].same_as(undone.before[0])
    with pytest.raises(TaskFailed, match="has no revision 99"):
        perform("rollout_undo", kind=kind, name="web", to_revision=99)


def test_restarts_every_pod(perform: Performer, control_plane: Cluster, namespace: str) -> None:
    perform("create_deployment", name="web", image="nginx:1.27", replicas=2)
    before = {pod.name for pod in perform("pod_status", name="web").result.pods}
    assert "+        kubectl.kubernetes.io/restartedAt:" in perform.preview("rollout_restart", name="web")
    restarted = perform("rollout_restart", name="web")
    assert restarted.result.replicas == 2
    after = {pod.name for pod in perform("pod_status", name="web").result.pods}
    assert len(after) == 2
    assert not before & after
    restarted.undo()
    assert restarted.look()[0].same_as(restarted.before[0])


def test_status_of_what_is_not_there(perform: Performer) -> None:
    with pytest.raises(TaskFailed, match="there is no statefulset .web."):
        perform("rollout_status", kind="sts", name="web")
    with pytest.raises(ValueError, match="none of deployment, statefulset, daemonset"):
        perform("rollout_status", kind="service", name="web")


def test_stateful_set_waits_for_its_pods(simulated: Cluster, perform: Performer, namespace: str) -> None:
    body = workload("StatefulSet", "1.27")
    body["spec"]["template"]["spec"]["containers"][0]["image"] = "reign.test/unready"
    with pytest.raises(TaskFailed, match="0 of 2 replicas ready"):
        perform("apply", manifest=body, timeout=2)
    given = perform("apply", manifest=body, wait=False)
    assert given.result.objects == ["statefulset/web"]
    live = json.loads(simulated.kubectl("get", "sts/web", "-n", namespace, "-o", "json"))
    assert live["spec"]["replicas"] == 2
