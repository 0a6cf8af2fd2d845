"""When objects are ready, what pods say of themselves, and what is kept of an object: rules without a cluster."""

from __future__ import annotations

from typing import Any

import pytest

from workers.kubernetes import kinds, pods
from workers.kubernetes.kinds import Ref
from workers.kubernetes.pods import Diagnosis
from workers.kubernetes.readiness import state_of
from workers.kubernetes.record import clean, hidden

OUT_OF_MEMORY = {"exitCode": 137, "reason": "OOMKilled"}


def body(kind: str, spec: dict[str, Any] | None = None, **status: Any) -> dict[str, Any]:
    return {
        "kind": kind,
        "metadata": {"generation": 2},
        "spec": spec or {},
        "status": {"observedGeneration": 2, **status},
    }


@pytest.mark.parametrize(
    "given, ready, failed, said",
    [
        (
            body("Deployment", {"replicas": 2}, availableReplicas=2, updatedReplicas=2, replicas=2),
            True,
            False,
            "2 of 2",
        ),
        (
            body("Deployment", {"replicas": 2}, availableReplicas=2, updatedReplicas=2, replicas=3),
            False,
            False,
            "2 of 2",
        ),
        (body("Deployment", {"replicas": 2}, observedGeneration=1), False, False, "not yet looked at"),
        (body("Deployment", {"replicas": 0}, updatedReplicas=0, replicas=0), True, False, "0 of 0"),
        (
            body("Deployment", {}, conditions=[{"type": "Progressing", "reason": "ProgressDeadlineExceeded"}]),
            False,
            True,
            "no progress",
        ),
        (body("StatefulSet", {"updateStrategy": {"type": "OnDelete"}}, readyReplicas=1), True, False, "1 of 1"),
        (
            body(
                "StatefulSet",
                {"replicas": 3, "updateStrategy": {"rollingUpdate": {"partition": 2}}},
                readyReplicas=3,
                updatedReplicas=1,
            ),
            True,
            False,
            "3 of 3",
        ),
        (body("StatefulSet", {}, readyReplicas=1, updateRevision="b", currentRevision="a"), False, False, "1 of 1"),
        (body("ReplicaSet", {"replicas": 1}, readyReplicas=0), False, False, "0 of 1"),
        (body("Job", {"suspend": True}), True, False, "0 of 1"),
        (body("Pod", {}, phase="Failed"), False, True, "Failed"),
        (body("Pod", {}, phase="Succeeded"), True, False, "Succeeded"),
        (
            body(
                "CustomResourceDefinition",
                {},
                conditions=[{"type": "NamesAccepted", "status": "False", "message": "taken"}],
            ),
            False,
            True,
            "taken",
        ),
        (body("Namespace", {}, phase="Terminating"), False, False, "Terminating"),
        (body("ConfigMap"), True, False, ""),
    ],
)
def test_readiness(given: dict[str, Any], ready: bool, failed: bool, said: str) -> None:
    found = state_of(given)
    assert (found.ready, found.failed) == (ready, failed)
    assert said in found.detail


@pytest.mark.parametrize(
    "status, expected",
    [
        ({"containerStatuses": [{"name": "a", "state": {"waiting": {"reason": "ErrImagePull"}}}]}, "ErrImagePull"),
        ({"containerStatuses": [{"name": "a", "state": {"terminated": OUT_OF_MEMORY}}]}, "OOMKilled"),
        ({"containerStatuses": [{"name": "a", "state": {"terminated": {"exitCode": 1}}}]}, "Error"),
        ({"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]}, "Unschedulable"),
        ({"phase": "Running", "containerStatuses": [{"name": "a", "ready": False}]}, "NotReady"),
        ({"phase": "Failed", "reason": "Evicted"}, "Evicted"),
        ({}, "Pending"),
    ],
)  # fmt: skip
def test_reason(status: dict[str, Any], expected: str) -> None:
    assert pods.reason({"metadata": {}, "status": status})[0] == expected
    assert pods.reason({"metadata": {"deletionTimestamp": "now"}, "status": status})[0] == "Terminating"


def test_selectors() -> None:
    rules = [
        {"key": "a", "operator": "In", "values": ["1", "2"]},
        {"key": "b", "operator": "NotIn", "values": ["3"]},
        {"key": "c", "operator": "Exists"},
        {"key": "d", "operator": "DoesNotExist"},
    ]
    text = pods.selector_text({"matchLabels": {"app": "web"}, "matchExpressions": rules})
    assert text == "app=web,a in (1,2),b notin (3),c,!d"


def test_diagnosis_in_a_sentence() -> None:
    found = Diagnosis("web-1", "web", "CrashLoopBackOff", "back-off", "BackOff: restarting", ("one", "two"))
    assert found.sentence == (
        "pod web-1, container web: CrashLoopBackOff: back-off (event: BackOff: restarting); last line: two"
    )
    assert "by itself" in str(found.hint)
    assert Diagnosis("", "", "", "", "Odd: event", ()).hint is None


def test_kinds_and_addresses() -> None:
    assert kinds.built_in("deploy") == kinds.built_in("Deployments") == kinds.built_in("deployment.apps")
    assert kinds.built_in("deployment.example.org") is None
    assert kinds.built_in("lamp") is None
    assert kinds.rank("CustomResourceDefinition") < kinds.rank("Deployment") < kinds.rank("Lamp")
    assert Ref("apps/v1", "Deployment", "shop", "web").address("prod") == "kubernetes:prod/shop/deployment/web"
    lamp = Ref("example.org/v1", "Lamp", None, "desk")
    assert lamp.address("prod") == "kubernetes:prod/-/lamp.example.org/desk"
    assert lamp.shown == "lamp.example.org/desk"


def test_what_is_kept_of_a_job_and_a_pod() -> None:
    labels = {"controller-uid": "1", "batch.kubernetes.io/job-name": "a", "mine": "yes"}
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "a", "uid": "1", "labels": dict(labels)},
        "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": dict(labels)}}},
        "status": {},
    }
    kept = clean(job)
    assert kept["metadata"] == {"name": "a", "labels": {"mine": "yes"}}
    assert kept["spec"] == {"template": {"metadata": {"labels": {"mine": "yes"}}}}
    manual = clean({**job, "spec": {**job["spec"], "manualSelector": True}})  # type: ignore[dict-item]
    assert "selector" in manual["spec"]
    token = {"name": "kube-api-access-x"}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "a"},
        "spec": {"nodeName": "n", "volumes": [token], "containers": [{"name": "a", "volumeMounts": [token]}]},
    }
    assert clean(pod)["spec"] == {"volumes": [], "containers": [{"name": "a", "volumeMounts": []}]}


def test_a_secret_that_is_no_base64_is_hidden_too() -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "data": {"x": "%%%", "y": None}}
    shown = hidden(secret, "salt")
    assert "%%%" not in str(shown)
    assert set(shown["data"]) == {"x", "y"}
    assert hidden(secret, "other salt") != shown
