"""Accounts: the pod's own, impersonated ones, and what `reign doctor` says of them."""

from __future__ import annotations

import urllib.parse
from pathlib import Path

import pytest
import yaml

from reign.executor import FailureKind, TaskFailed
from tests.engines.kubernetes import Cluster
from tests.integration.kubernetes.performing import Performer
from tests.integration.kubernetes.test_apply import config
from workers.kubernetes.checks import checks


@pytest.fixture
def account(control_plane: Cluster, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What a pod finds: its account's folder, and the address of the API server."""
    import base64

    folder = tmp_path / "account"
    folder.mkdir()
    control_plane.kubectl("create", "serviceaccount", "worker", "-n", namespace)
    control_plane.kubectl(
        "create", "rolebinding", "worker", "-n", namespace, "--clusterrole=edit", f"--serviceaccount={namespace}:worker"
    )
    (folder / "token").write_text(control_plane.kubectl("create", "token", "worker", "-n", namespace).strip())
    (folder / "namespace").write_text(namespace)
    cluster = yaml.safe_load(control_plane.kubeconfig.read_text())["clusters"][0]["cluster"]
    (folder / "ca.crt").write_bytes(base64.b64decode(cluster["certificate-authority-data"]))
    address = urllib.parse.urlsplit(cluster["server"])
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", str(address.hostname))
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(address.port))
    return folder


def test_in_a_pod_its_service_account_is_used(
    perform: Performer, account: Path, namespace: str, tmp_path: Path
) -> None:
    perform.options |= {"kubeconfig": str(tmp_path / "none"), "service_account": str(account)}
    made = perform("apply", manifest=config("mine"))
    assert (made.result.context, made.result.namespace) == ("in-cluster", namespace)
    assert made.result.cluster is None, "the account may not read kube-system"
    [own] = [check for check in checks(perform.options) if "in-cluster" in check.name]
    assert f"system:serviceaccount:{namespace}:worker may not" in own.detail
    pinned = made.operation.pins(made.context, made.inputs)["cluster"]
    assert perform("apply", manifest=config("mine"), cluster=pinned).result.changed == []
    with pytest.raises(TaskFailed, match="another address, or has another certificate authority"):
        perform("apply", manifest=config("mine", a="b"), cluster="server:0000000000000000")
    (tmp_path / "k").mkdir()
    (tmp_path / "k" / "kustomization.yaml").write_text("configMapGenerator: [{name: c, literals: [a=b]}]\n")
    assert perform("apply", manifest="k").result.changed
    (account / "token").unlink()
    with pytest.raises(TaskFailed, match="without a service account"):
        perform("apply", manifest=config("mine"))


def test_impersonation(perform: Performer, control_plane: Cluster, namespace: str) -> None:
    with pytest.raises(TaskFailed, match="jane may not get configmaps") as refused:
        perform("apply", manifest=config("a"), **{"as": "jane"})
    assert refused.value.kind is FailureKind.PERMISSION
    assert refused.value.hint.endswith("auth can-i --list --as jane`")
    control_plane.kubectl("create", "rolebinding", "team", "-n", namespace, "--clusterrole=edit", "--group=shop-team")
    perform.options |= {"as": "jane", "as_groups": ["others", "shop-team"]}
    assert perform("apply", manifest=config("a")).result.changed == ["configmap/a"]
    chart = str(Path(__file__).parents[3] / "examples" / "charts" / "shop")
    assert perform("helm_install", release="shop", chart=chart).result.status == "deployed"


def test_doctor_shows_tools_contexts_and_rights(
    control_plane: Cluster, namespace: str, perform: Performer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config_file = tmp_path / "kubeconfig"
    viewer = control_plane.add_account("doctor-viewer", namespace, role="view")
    gone = control_plane.add_context("doctor-gone", server="https://127.0.0.1:1")
    whole = yaml.safe_load(control_plane.kubeconfig.read_text())
    kept = {whole["current-context"], viewer, gone}
    whole["contexts"] = [context for context in whole["contexts"] if context["name"] in kept]
    config_file.write_text(yaml.safe_dump(whole))
    config_file.chmod(0o600)
    found = {check.name: check for check in checks({**perform.options, "kubeconfig": str(config_file)})}
    assert found["kubectl"].ok
    assert found["helm"].detail.startswith("v4.")
    current = found[f"kubernetes context {whole['current-context']} (current)"]
    assert current.ok
    assert "may do what the operations need in namespace default" in current.detail
    mine = found[f"kubernetes context {viewer}"]
    assert mine.ok
    assert "may not create, patch, update, delete deployments, statefulsets, daemonsets, services" in mine.detail
    assert "get, list, create, patch, update, delete secrets" in mine.detail
    assert "pods" not in mine.detail, "a viewer may read these and their logs"
    lost = found[f"kubernetes context {gone}"]
    assert not lost.ok
    assert "no cluster answers" in lost.detail

    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert [check.ok for check in checks()] == [False, False, False]
