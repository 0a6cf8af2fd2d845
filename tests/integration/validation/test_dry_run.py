"""validation.manifest asks a real API server, and changes nothing there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reign.executor import FailureKind, TaskFailed
from reign.executor.testing import make_context, run_operation
from tests.engines.kubernetes import ADMIN, Cluster
from workers.validation import Manifest

POD = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: reign-dry-run, namespace: NAMESPACE}
data: {a: "1"}
"""
NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {name: reign-dry-run-new}\n"
CRD = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.acme.example}
spec:
  group: acme.example
  names: {kind: Widget, plural: widgets}
  scope: Namespaced
  versions:
    - name: v1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object}}
"""


def check(folder: Path, cluster: Cluster, text: str, **inputs: Any) -> Manifest.Result:
    options = {"kubeconfig": str(cluster.kubeconfig), "kubectl": str(cluster.assets.binary("kubectl"))}
    context = make_context(folder, options=options)
    given = Manifest.Inputs.model_validate({"text": text, **inputs})
    result = run_operation(Manifest(), context, given)
    assert isinstance(result, Manifest.Result)
    return result


def test_what_the_server_takes_passes_and_is_not_there(tmp_path: Path, control_plane: Cluster) -> None:
    result = check(tmp_path, control_plane, POD.replace("NAMESPACE", "default"))
    assert result.checked_by == f"server:{ADMIN}"
    assert result.findings == []
    assert "reign-dry-run" not in control_plane.kubectl("get", "configmaps", "-n", "default", "-o", "name")


def test_what_the_server_refuses_fails(tmp_path: Path, control_plane: Cluster) -> None:
    # The schema lets any text be a key.
    with pytest.raises(TaskFailed) as caught:
        check(tmp_path, control_plane, POD.replace("{a:", "{a/b:").replace("NAMESPACE", "default"))
    assert caught.value.kind is FailureKind.CHECK_FAILED
    assert [f["rule"] for f in caught.value.details["findings"]] == ["k8s-dry-run"]
    assert "ConfigMap/reign-dry-run" in caught.value.message
    assert "data[a/b]" in caught.value.message


def test_a_namespace_that_is_not_there_fails(tmp_path: Path, control_plane: Cluster) -> None:
    with pytest.raises(TaskFailed) as caught:
        check(tmp_path, control_plane, POD.replace("NAMESPACE", "reign-nowhere"))
    assert 'namespaces "reign-nowhere" not found' in caught.value.message
    assert "create the namespace reign-nowhere first" in str(caught.value.details["findings"][0]["remedy"])
    with pytest.raises(TaskFailed):
        check(tmp_path, control_plane, POD.replace(", namespace: NAMESPACE", ""), namespace="reign-nowhere")


def test_a_context_that_is_not_there_is_not_tried_again(tmp_path: Path, control_plane: Cluster) -> None:
    with pytest.raises(TaskFailed, match='context "nope" does not exist') as caught:
        check(tmp_path, control_plane, POD, context="nope")
    assert caught.value.kind is FailureKind.WRONG_INPUT


def test_what_the_manifest_itself_makes_is_no_fault(tmp_path: Path, control_plane: Cluster) -> None:
    text = f"{NAMESPACE}---\n{POD.replace('NAMESPACE', 'reign-dry-run-new')}---\n{CRD}---\n"
    text += "apiVersion: acme.example/v1\nkind: Widget\nmetadata: {name: w, namespace: default}\n"
    result = check(tmp_path, control_plane, text)
    assert {(f.rule, f.severity.value) for f in result.findings} == {("k8s-dry-run", "info"), ("k8s-no-schema", "info")}
    assert "reign-dry-run-new" not in control_plane.kubectl("get", "namespaces", "-o", "name")


def test_a_context_that_is_not_there_is_said(tmp_path: Path, control_plane: Cluster) -> None:
    with pytest.raises(TaskFailed) as caught:
        check(tmp_path, control_plane, POD.replace("NAMESPACE", "default"), context="elsewhere")
    assert "elsewhere" in caught.value.message
