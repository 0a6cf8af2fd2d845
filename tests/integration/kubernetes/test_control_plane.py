"""The control plane behaves as the tests of the kubernetes agent take for granted."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.engines.kubernetes import (
    FAILURE_LOG,
    SERVERS,
    USUAL_LOG,
    Cluster,
    ControlPlane,
    MissingAssets,
    StartFailed,
    find_assets,
    find_cluster,
    wait_for,
)

CHART = {
    "Chart.yaml": """\
apiVersion: v2
name: tiny
version: 0.1.0
""",
    "values.yaml": """\
image: nginx:1.27
replicas: 1
""",
    "templates/deployment.yaml": """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: {{ .Release.Name }}}}
  template:
    metadata: {labels: {app: {{ .Release.Name }}}}
    spec:
      containers:
      - {name: web, image: "{{ .Values.image }}"}
""",
}


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    folder = tmp_path / "tiny"
    for name, text in CHART.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def pods(cluster: Cluster, namespace: str, app: str) -> list[dict[str, Any]]:
    found = json.loads(cluster.kubectl("get", "pods", "-n", namespace, "-l", f"app={app}", "-o", "json"))["items"]
    return [dict(pod) for pod in found]


def waiting_reason(cluster: Cluster, namespace: str, app: str) -> str | None:
    for pod in pods(cluster, namespace, app):
        for status in pod["status"].get("containerStatuses", []):
            return str(status["state"].get("waiting", {}).get("reason"))
    return None


def events(cluster: Cluster, namespace: str, pod: str) -> str:
    about = f"--field-selector=involvedObject.name={pod}"
    return cluster.kubectl("get", "events", "-n", namespace, about, "-o", "jsonpath={..message}")


def endpoints(cluster: Cluster, namespace: str, service: str) -> set[str]:
    label = f"kubernetes.io/service-name={service}"
    path = "jsonpath={.items[*].endpoints[*].addresses[*]}"
    return set(cluster.kubectl("get", "endpointslices", "-n", namespace, "-l", label, "-o", path).split())


def test_deployment_becomes_available_and_gets_addresses(control_plane: Cluster, namespace: str) -> None:
    kubectl = control_plane.kubectl
    kubectl("create", "deployment", "web", "-n", namespace, "--image=nginx:1.27", "--replicas=3")
    kubectl("rollout", "status", "deployment/web", "-n", namespace, "--timeout=60s")
    assert kubectl("get", "deployment", "web", "-n", namespace, "-o", "jsonpath={.status.availableReplicas}") == "3"

    kubectl("expose", "deployment", "web", "-n", namespace, "--port=80")
    assert kubectl("get", "service", "web", "-n", namespace, "-o", "jsonpath={.spec.clusterIP}").count(".") == 3
    addresses = {pod["status"]["podIP"] for pod in pods(control_plane, namespace, "web")}
    assert len(addresses) == 3
    wait_for("the service", lambda: endpoints(control_plane, namespace, "web") == addresses, patience=30)


def test_job_runs_to_success(control_plane: Cluster, namespace: str) -> None:
    control_plane.kubectl("create", "job", "once", "-n", namespace, "--image=busybox:1", "--", "true")
    control_plane.kubectl("wait", "job/once", "-n", namespace, "--for=condition=complete", "--timeout=60s")


@pytest.mark.parametrize(
    "image, reason",
    [("registry.invalid/shop:1", "ImagePullBackOff"), ("reign.test/crash:2", "CrashLoopBackOff")],
)
def test_image_that_decides_on_failure(simulated: Cluster, namespace: str, image: str, reason: str) -> None:
    simulated.kubectl("create", "deployment", "web", "-n", namespace, f"--image={image}")
    wait_for(reason, lambda: waiting_reason(simulated, namespace, "web") == reason, patience=30)
    pod = pods(simulated, namespace, "web")[0]["metadata"]["name"]
    wait_for("its event", lambda: "Back-off" in events(simulated, namespace, pod), patience=30)


def test_pod_that_never_becomes_ready(simulated: Cluster, namespace: str) -> None:
    kubectl = simulated.kubectl
    kubectl("create", "deployment", "web", "-n", namespace, "--image=reign.test/unready")
    wait_for(
        "a running pod",
        lambda: [pod["status"]["phase"] for pod in pods(simulated, namespace, "web")] == ["Running"],
        patience=30,
    )
    with pytest.raises(RuntimeError, match="timed out"):
        kubectl("rollout", "status", "deployment/web", "-n", namespace, "--timeout=1s")
    pod = pods(simulated, namespace, "web")[0]["metadata"]["name"]
    wait_for("its event", lambda: "Readiness probe failed" in events(simulated, namespace, pod), patience=30)


def test_pod_that_takes_its_time(simulated: Cluster, namespace: str) -> None:
    simulated.kubectl("create", "deployment", "web", "-n", namespace, "--image=reign.test/slow:2s")
    with pytest.raises(RuntimeError, match="timed out"):
        simulated.kubectl("rollout", "status", "deployment/web", "-n", namespace, "--timeout=500ms")
    simulated.kubectl("rollout", "status", "deployment/web", "-n", namespace, "--timeout=30s")


def test_logs_tell_a_failing_container_from_others(simulated: Cluster, namespace: str) -> None:
    for name, image in (("crasher", "reign.test/crash"), ("web", "nginx:1.27")):
        simulated.kubectl("run", name, "-n", namespace, f"--image={image}")
        simulated.kubectl("wait", f"pod/{name}", "-n", namespace, "--for=jsonpath={.status.podIP}", "--timeout=30s")
    assert simulated.kubectl("logs", "crasher", "-n", namespace).splitlines() == list(FAILURE_LOG)
    assert simulated.kubectl("logs", "web", "-n", namespace, "--tail=1").splitlines() == [USUAL_LOG[-1]]


def test_account_may_do_only_what_its_role_allows(control_plane: Cluster, namespace: str) -> None:
    viewer = control_plane.add_account("viewer", namespace, role="view")
    nobody = control_plane.add_account("nobody", namespace)
    assert control_plane.kubectl("get", "pods", f"--context={viewer}") == ""
    with pytest.raises(RuntimeError, match='cannot create resource "configmaps"'):
        control_plane.kubectl("create", "configmap", "settings", f"--context={viewer}")
    with pytest.raises(RuntimeError, match='cannot list resource "pods"'):
        control_plane.kubectl("get", "pods", f"--context={nobody}")


def test_context_that_leads_nowhere(control_plane: Cluster) -> None:
    gone = control_plane.add_context("gone", server="https://127.0.0.1:1")
    with pytest.raises(RuntimeError, match="refused"):
        control_plane.kubectl("get", "namespaces", f"--context={gone}")
    assert control_plane.kubectl("config", "current-context").strip() != gone


def test_namespace_goes_with_what_is_in_it(control_plane: Cluster, namespace: str) -> None:
    other = f"{namespace}-other"
    control_plane.kubectl("create", "namespace", other)
    control_plane.kubectl("create", "configmap", "settings", "-n", other)
    control_plane.kubectl("delete", "namespace", other, "--timeout=60s")
    with pytest.raises(RuntimeError, match="not found"):
        control_plane.kubectl("get", "namespace", other)


def test_quota_is_enforced(control_plane: Cluster, namespace: str) -> None:
    control_plane.kubectl("create", "quota", "few", "-n", namespace, "--hard=configmaps=1")
    # The controller counts first what is there (the cluster's own root certificate).
    control_plane.kubectl(
        "wait", "quota/few", "-n", namespace, "--for=jsonpath={.status.used.configmaps}=1", "--timeout=30s"
    )
    with pytest.raises(RuntimeError, match="exceeded quota"):
        control_plane.kubectl("create", "configmap", "settings", "-n", namespace)


@pytest.mark.parametrize("helm, major", [("helm", "v4."), ("helm3", "v3.")])
def test_chart_installs_upgrades_and_leaves(
    control_plane: Cluster, namespace: str, chart: Path, helm: str, major: str
) -> None:
    try:
        control_plane.assets.binary(helm)
    except MissingAssets as reason:
        pytest.skip(str(reason))

    def run(*args: str) -> str:
        done = control_plane.run(helm, *args, "--namespace", namespace)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert run("version", "--short").startswith(major)
    run("install", "shop", str(chart), "--wait", "--timeout=60s")
    run("upgrade", "shop", str(chart), "--set=replicas=2", "--wait", "--timeout=60s")
    assert len(pods(control_plane, namespace, "shop")) == 2
    assert [release["revision"] for release in json.loads(run("history", "shop", "--output=json"))] == [1, 2]
    run("rollback", "shop", "1", "--wait", "--timeout=60s")
    run("uninstall", "shop", "--wait", "--timeout=60s")
    assert json.loads(run("list", "--output=json")) == []


def test_existing_cluster_is_used_and_its_kubeconfig_left_alone(
    control_plane: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = tmp_path / "mine"
    original.write_text(control_plane.kubeconfig.read_text())
    monkeypatch.setenv("REIGN_TEST_KUBECONFIG", str(original))
    with find_cluster(tmp_path / "copy") as cluster:
        assert not cluster.simulated
        cluster.add_context("mine-too", namespace="kube-system")
        assert "kube-root-ca.crt" in cluster.kubectl("get", "configmaps", "--context=mine-too")
    assert "mine-too" not in original.read_text()


def test_existing_cluster_that_does_not_answer(
    control_plane: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = yaml.safe_load(control_plane.kubeconfig.read_text())
    for cluster in config["clusters"]:
        cluster["cluster"]["server"] = "https://127.0.0.1:1"
    (tmp_path / "mine").write_text(yaml.safe_dump(config))
    monkeypatch.setenv("REIGN_TEST_KUBECONFIG", str(tmp_path / "mine"))
    with pytest.raises(StartFailed, match="does not answer"):
        find_cluster(tmp_path / "copy").__enter__()


def test_missing_binaries_say_how_to_get_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REIGN_TEST_KUBECONFIG", raising=False)
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    monkeypatch.setenv("REIGN_TEST_CLUSTER_CACHE", str(tmp_path))
    with pytest.raises(MissingAssets, match=r"kube-apiserver.* missing in .*make test-cluster"):
        find_cluster(tmp_path / "cluster")
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path / "tools"))
    with pytest.raises(MissingAssets, match=r"kwok, kubectl missing in .*/tools"):
        find_cluster(tmp_path / "cluster")


@pytest.mark.usefixtures("simulated")
def test_server_that_cannot_start_is_named_and_nothing_stays_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assets = tmp_path / "assets"
    assets.mkdir()
    for name in (*SERVERS, "kubectl"):
        (assets / name).symlink_to(find_assets().binary(name))
    (assets / "kube-apiserver").unlink()
    (assets / "kube-apiserver").write_text("#!/bin/sh\necho no room at the inn >&2\nexit 3\n")
    (assets / "kube-apiserver").chmod(0o755)
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(assets))
    cluster = ControlPlane(find_assets(), tmp_path / "cluster")
    with pytest.raises(StartFailed, match=r"kube-apiserver ended with 3:\nno room at the inn"):
        cluster.start()
    started = cluster.pids
    cluster.stop()
    assert set(started) == {"etcd", "kube-apiserver"}
    assert cluster.pids == {}
    for pid in started.values():
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
