"""What `reign plan` shows of changes to a cluster: the server's own diff, the context and which cluster it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reign.config import Settings
from reign.engine import previews
from reign.engine.general import ReignGeneral, Submission
from reign.engine.runtime import Runtime
from reign.planner.choose import make_planner
from tests.engines.kubernetes import Cluster

MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"colour": "blue"}}
SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"password": "hunter2hunter2"}}


def general(folder: Path, options: dict[str, Any]) -> ReignGeneral:
    settings = Settings(data_dir=folder / "data", agents={"kubernetes": options}, preview_timeout=30)
    return ReignGeneral(Runtime(settings), make_planner)


def test_the_diff_and_the_cluster_are_shown(
    control_plane: Cluster, options: dict[str, Any], namespace: str, tmp_path: Path
) -> None:
    tasks = {
        "first": {"uses": "kubernetes.apply", "with": {"manifest": [MAP, SECRET], "namespace": namespace}},
        "scale": {
            "uses": "kubernetes.scale",
            "needs": ["first"],
            "with": {"name": "none", "namespace": namespace, "replicas": 2},
        },
    }
    planner = general(tmp_path, options)
    submission = Submission(plan={"name": "k", "tasks": tasks}, workdir=str(tmp_path))
    found, _ = planner.plan(submission, rehearse=True)
    first, scale = found.as_dict()["tasks"]
    assert "ConfigMap" in first["preview"]["diff"]
    assert "+  colour: blue" in first["preview"]["diff"]
    assert "hunter2" not in str(found.as_dict()["tasks"][0]["preview"])
    assert scale["preview"]["not_previewed"]  # there is nothing to scale
    uid = control_plane.kubectl("get", "namespace/kube-system", "-o", "jsonpath={.metadata.uid}")
    for task in (first, scale):
        assert task["pins"]["cluster"] == uid
        assert task["pins"]["context"]
    settings = Settings(data_dir=tmp_path / "data", agents={"kubernetes": options})
    assert previews.pins(found, settings, None)["first"] == first["pins"]


def test_what_an_earlier_task_makes_room_for_is_shown_as_it_was_asked(
    control_plane: Cluster, options: dict[str, Any], namespace: str, tmp_path: Path
) -> None:
    widget = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w"}}
    tasks = {
        "room": {"uses": "kubernetes.create_namespace", "with": {"name": f"{namespace}-new"}},
        "fill": {
            "uses": "kubernetes.apply",
            "needs": ["room"],
            "with": {"manifest": [MAP, SECRET, widget], "namespace": f"{namespace}-new"},
        },
    }
    found, _ = general(tmp_path, options).plan(
        Submission(plan={"name": "k", "tasks": tasks}, workdir=str(tmp_path)), rehearse=True
    )
    diff = found.as_dict()["tasks"][1]["preview"]["diff"]
    assert f"configmap/settings in namespace {namespace}-new is created, once its namespace is there" in diff
    assert "is created, once its kind is there" in diff
    assert "+  colour: blue" in diff
    assert "hunter2" not in diff


def test_an_unreachable_cluster_leaves_the_context_explicit(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text(
        "apiVersion: v1\nkind: Config\ncurrent-context: far\n"
        "clusters: [{name: far, cluster: {server: 'https://127.0.0.1:9'}}]\n"
        "users: [{name: me, user: {token: x}}]\ncontexts: [{name: far, context: {cluster: far, user: me}}]\n"
    )
    tasks = {"apply": {"uses": "kubernetes.apply", "with": {"manifest": [MAP]}}}
    submission = Submission(plan={"name": "k", "tasks": tasks}, workdir=str(tmp_path))
    found, _ = general(tmp_path, {"kubeconfig": str(config)}).plan(submission, rehearse=True)
    [apply] = found.as_dict()["tasks"]
    assert apply["preview"]["diff"] is None
    assert "127.0.0.1:9" in apply["preview"]["not_previewed"]
    assert apply["pins"] == {"context": "far"}
