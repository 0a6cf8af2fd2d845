"""Deployments, services, scaling, pods and namespaces on a real control plane."""

from __future__ import annotations

import json
import re

import pytest

from reign.executor import Cancelled, FailureKind, TaskFailed
from tests.engines.kubernetes import FAILURE_LOG, USUAL_LOG, Cluster
from tests.integration.kubernetes.performing import Performer

#: Where the API server lists a kind, and how kubectl writes its name.
LISTS = {"configmap": ("api/v1", "configmap"), "deployment": ("apis/apps/v1", "deployment.apps")}


def names(cluster: Cluster, namespace: str, kind: str) -> list[str]:
    if kind in LISTS:
        group, written = LISTS[kind]
        found = cluster.api("get", f"/{group}/namespaces/{namespace}/{kind}s")["items"]
        return [f"{written}/{item['metadata']['name']}" for item in found]
    return cluster.kubectl("get", kind, "-n", namespace, "-o", "name").split()


def replicas(cluster: Cluster, namespace: str, name: str = "web") -> int:
    return int(cluster.api("get", f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}")["spec"]["replicas"])


def test_creates_a_deployment_and_waits_until_it_is_ready(
    perform: Performer, control_plane: Cluster, namespace: str
) -> None:
    made = perform(
        "create_deployment",
        name="web",
        image="reign.test/slow:2s" if control_plane.simulated else "registry.k8s.io/pause:3.10",
        replicas=2,
        port=8080,
        env=["MODE=test"],
        resources={"cpu": "100m", "memory": "64Mi"},
    )
    assert made.result.ready_replicas == 2
    assert made.result.namespace == namespace
    assert made.result.cluster
    assert any("of 2 replicas ready" in line for line in made.progress)
    pod = json.loads(control_plane.kubectl("get", "deployment/web", "-n", namespace, "-o", "json"))["spec"]["template"]
    [container] = pod["spec"]["containers"]
    assert container["env"] == [{"name": "MODE", "value": "test"}]
    assert container["ports"][0]["containerPort"] == 8080
    assert container["resources"]["limits"] == {"cpu": "100m", "memory": "64Mi"}

    made.undo()
    assert names(control_plane, namespace, "deployment") == []
    assert names(control_plane, namespace, "pod") == []


def test_scales_it_and_back(perform: Performer, control_plane: Cluster, namespace: str) -> None:
    perform("create_deployment", name="web", image="nginx:1.27", replicas=2)
    assert "-replicas: 2\n+replicas: 4" in perform.preview("scale", name="web", replicas=4)
    scaled = perform("scale", name="web", replicas=4)
    assert (scaled.result.replicas, scaled.result.ready_replicas) == (4, 4)
    assert perform.preview("scale", name="web", replicas=4) == ""
    control_plane.kubectl("set", "env", "deployment/web", "A=1", "-n", namespace)
    scaled.undo()
    assert replicas(control_plane, namespace) == 2
    shown = control_plane.kubectl("get", "deployment/web", "-n", namespace, "-o", "jsonpath={..env[0].name}")
    assert shown == "A", "an undo of a scale takes back the number alone"


def test_applying_again_after_a_scale_is_no_conflict_with_ourselves(
    perform: Performer, control_plane: Cluster, namespace: str
) -> None:
    perform("create_deployment", name="web", image="nginx:1.27", replicas=1)
    perform("scale", name="web", replicas=3)
    perform("create_deployment", name="web", image="nginx:1.28", replicas=2)
    assert replicas(control_plane, namespace) == 2


def test_reads_pod_status_and_logs(perform: Performer, control_plane: Cluster) -> None:
    perform("create_deployment", name="web", image="nginx:1.27", replicas=2)
    status = perform("pod_status", name="web").result
    assert status.ready == 2
    assert [pod.status for pod in status.pods] == ["Running", "Running"]
    assert perform("pod_status", selector="app=web").result.pods == status.pods
    assert perform("pod_status", name=status.pods[0].name).result.pods == status.pods[:1]
    assert perform("pod_status", selector="app=nothing").result.pods == []
    if control_plane.simulated:
        logs = perform("logs", name="web", tail=1).result
        assert [line.split("] ")[1] for line in logs.output.splitlines()] == [USUAL_LOG[-1]] * 2
        assert perform("logs", name=status.pods[0].name).result.output.splitlines() == list(USUAL_LOG)
    with pytest.raises(TaskFailed, match="no container 'wbe'") as refused:
        perform("logs", name="web", container="wbe")
    assert refused.value.hint == "did you mean 'web'?"
    with pytest.raises(TaskFailed, match="no pod and no workload .wbe."):
        perform("pod_status", name="wbe")


def test_exposes_it(perform: Performer, control_plane: Cluster, namespace: str) -> None:
    perform("create_deployment", name="web", image="nginx:1.27", port=8080)
    exposed = perform("expose", name="web", port=80, type="nodeport")
    assert exposed.result.cluster_ip.count(".") == 3
    assert exposed.result.node_port
    spec = json.loads(control_plane.kubectl("get", "service/web", "-n", namespace, "-o", "json"))["spec"]
    assert spec["ports"][0]["targetPort"] == 8080, "the only port that the container declares"
    again = perform("expose", name="web", port=81, target_port="http", service="other")
    assert again.result.port == 81
    exposed.undo()
    assert names(control_plane, namespace, "service") == ["service/other"]
    with pytest.raises(TaskFailed, match="there is no deployment .wbe.") as missing:
        perform("expose", name="wbe", port=80)
    assert missing.value.hint == "did you mean 'web'?"
    assert re.findall(r"'([^']+)'", missing.value.message) == ["wbe"], "a repair replaces what is quoted"


def test_preview_shows_the_real_diff_and_changes_nothing(
    perform: Performer, control_plane: Cluster, namespace: str
) -> None:
    new = perform.preview("create_deployment", name="web", image="nginx:1.27")
    assert "deployment/web in namespace" in new
    assert "is created" in new
    assert "+  progressDeadlineSeconds: 600" in new, "the server's own defaults are in it"
    assert names(control_plane, namespace, "deployment") == []
    perform("create_deployment", name="web", image="nginx:1.27")
    changed = perform.preview("create_deployment", name="web", image="nginx:1.28")
    assert "-      - image: nginx:1.27\n+      - image: nginx:1.28" in changed
    assert perform.preview("create_deployment", name="web", image="nginx:1.27") == ""


def test_drifted_replicas_are_seen(perform: Performer, control_plane: Cluster, namespace: str) -> None:
    made = perform("create_deployment", name="web", image="nginx:1.27", replicas=2)
    [recorded] = made.look()
    assert recorded.same_as(made.look()[0])
    control_plane.kubectl("scale", "deployment/web", "--replicas=5", "-n", namespace)
    [live] = made.look()
    assert not recorded.same_as(live)
    assert (recorded.state["spec"]["replicas"], live.state["spec"]["replicas"]) == (2, 5)
    with pytest.raises(TaskFailed, match=r"'kubectl' owns spec\.replicas"):
        perform("create_deployment", name="web", image="nginx:1.27", replicas=2)
    perform("create_deployment", name="web", image="nginx:1.27", replicas=2, force=True)
    assert recorded.same_as(made.look()[0])


@pytest.mark.parametrize(
    "name, image, reason, said, kind",
    [
        ("web", "registry.invalid/shop:1", "ImagePullBackOff", "no such host", FailureKind.MISSING_PREREQUISITE),
        ("crasher", "reign.test/crash:1", "CrashLoopBackOff", FAILURE_LOG[-1], FailureKind.UNKNOWN),
        ("web", "reign.test/unready:1", "NotReady", "Readiness probe failed", FailureKind.TIMED_OUT),
    ],
)
def test_rollout_that_never_becomes_ready_is_stopped_by_its_timeout_with_the_reason(
    simulated: Cluster, perform: Performer, name: str, image: str, reason: str, said: str, kind: FailureKind
) -> None:
    with pytest.raises(TaskFailed, match="did not become ready within 3s") as stopped:
        perform("create_deployment", name=name, image=image, timeout="3s")
    error = stopped.value
    assert error.kind is kind
    assert error.details["reason"] == reason
    assert error.details["pod"].startswith(f"{name}-")
    assert error.details["container"] == name
    assert said in error.message
    assert error.hint
    with pytest.raises(TaskFailed, match=reason):
        perform("rollout_status", name=name, timeout="1s")


def test_quota_is_told_as_the_reason(simulated: Cluster, perform: Performer, namespace: str) -> None:
    simulated.kubectl("create", "quota", "none", "-n", namespace, "--hard=pods=0")
    simulated.kubectl("wait", "quota/none", "-n", namespace, "--for=jsonpath={.status.used.pods}=0", "--timeout=30s")
    with pytest.raises(TaskFailed, match="exceeded quota: none") as refused:
        perform("create_deployment", name="web", image="nginx:1.27", timeout="2s")
    assert refused.value.kind is FailureKind.MISSING_PREREQUISITE, "more time would not help"
    assert "have the quota raised" in (refused.value.hint or "")


def test_namespace_is_made_and_taken_back_unless_others_use_it(
    perform: Performer, control_plane: Cluster, namespace: str
) -> None:
    name = f"{namespace}-made"
    made = perform("create_namespace", name=name, labels={"team": "shop"})
    assert made.result.namespace == name
    assert perform("create_namespace", name=name, labels={"team": "shop"}).look()[0].state["metadata"]["labels"][
        "team"
    ] == ("shop")
    control_plane.kubectl("create", "configmap", "theirs", "-n", name)
    with pytest.raises(TaskFailed, match="stays: it holds configmap/theirs"):
        made.undo()
    control_plane.kubectl("delete", "configmap", "theirs", "-n", name)
    made.undo()
    assert f"namespace/{name}" not in names(control_plane, namespace, "namespace")


def test_cancel_ends_the_wait(simulated: Cluster, perform: Performer) -> None:
    operation, inputs, ctx = perform.prepare("create_deployment", {"name": "web", "image": "reign.test/unready"})
    ctx.report = lambda progress: ctx.cancelled.set() if "replicas ready" in progress["message"] else None
    with pytest.raises(Cancelled):
        operation.apply(ctx, inputs, operation.inspect(ctx, inputs))
