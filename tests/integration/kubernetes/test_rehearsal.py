"""Whole plans on the cluster: rehearsed beside what is there, and taken back, and that taken back too."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reign.core.states import RunState
from reign.engine.general import Submission
from reign.engine.rehearse import Rehearsals
from tests.engines.inline import Inline
from tests.engines.kubernetes import Cluster
from tests.integration.kubernetes.performing import agent_options

KINDS = "deployments,configmaps,services,secrets"


@pytest.fixture
def inline(control_plane: Cluster, tmp_path: Path) -> Iterator[Inline]:
    (tmp_path / "world").mkdir()
    made = Inline(tmp_path / "world", agents={"kubernetes": agent_options(control_plane)})
    yield made
    made.close()


def plan(namespace: str) -> dict[str, Any]:
    """Makes things of most sorts, and changes what it made."""
    documents = [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"colour": "blue"}},
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "login"}, "stringData": {"password": "horse-9"}},
    ]

    def task(operation: str, needs: str | None, **inputs: Any) -> dict[str, Any]:
        made = {"uses": f"kubernetes.{operation}", "with": {"namespace": namespace, **inputs}}
        return made | ({"needs": [needs]} if needs else {})

    return {
        "name": "whole",
        "tasks": {
            "config": task("apply", None, manifest=documents),
            "web": task("create_deployment", "config", name="web", image="nginx:1.27"),
            "address": task("expose", "web", name="web", port=80),
            "more": task("scale", "address", name="web", replicas=2),
            "forget": task("delete", "more", kind="configmap", name="settings"),
        },
    }


def objects(cluster: Cluster, namespace: str) -> list[str]:
    found = json.loads(cluster.kubectl("get", KINDS, "-n", namespace, "-o", "json"))["items"]
    return sorted(f"{item['kind']}/{item['metadata']['name']}" for item in found)


def test_a_plan_is_rehearsed_beside_what_is_there(control_plane: Cluster, inline: Inline, namespace: str) -> None:
    control_plane.kubectl("create", "configmap", "settings", "-n", namespace, "--from-literal=colour=red")
    before = control_plane.kubectl("get", "configmap/settings", "-n", namespace, "-o", "json")
    service = Rehearsals(inline.runtime, inline.general)
    given = Submission(plan=plan(namespace), workdir=str(inline.folder), requested_by="me")
    run = inline.finish(service.start(given))
    assert run.state is RunState.SUCCEEDED, inline.tasks(run)
    service.proceed()
    inline.finish(run)
    service.proceed()
    report = service.report(run.name)
    assert report["came_back"] is True, report
    addresses = {item["address"] for item in report["proof"]["resources"]}
    assert not any(f"/{namespace}/" in address for address in addresses), addresses
    assert len(addresses) == 5, "the namespace, and what the plan makes in it"
    assert control_plane.kubectl("get", "configmap/settings", "-n", namespace, "-o", "json") == before
    assert f"-{namespace}" not in control_plane.kubectl("get", "namespaces", "-o", "name")


def test_a_plan_is_taken_back_and_that_is_taken_back(control_plane: Cluster, inline: Inline, namespace: str) -> None:
    empty = objects(control_plane, namespace)
    run = inline.run(plan(namespace))
    assert run.state is RunState.SUCCEEDED, inline.tasks(run)
    made = objects(control_plane, namespace)
    assert {"Deployment/web", "Service/web", "Secret/login"} <= set(made)
    for expected in (empty, made):
        run = inline.finish(inline.general.rollback(run.name))
        assert run.state is RunState.SUCCEEDED, inline.tasks(run)
        assert objects(control_plane, namespace) == expected
