from __future__ import annotations

from typing import Any

from reign.core.resource import Observation
from workers.kubernetes.references import refers


def seen(kind: str, state: dict[str, Any], namespace: str | None = "shop") -> Observation:
    facts = {"context": "kind", "ref": ["v1", kind, namespace, "web"]}
    return Observation(
        resource=f"kubernetes:kind/{namespace or '-'}/{kind.lower()}/web", exists=True, state=state, facts=facts
    )


def test_a_workload_leans_on_what_its_pods_name() -> None:
    pod = {
        "serviceAccountName": "robot",
        "containers": [
            {
                "envFrom": [{"configMapRef": {"name": "settings"}}],
                "env": [{"valueFrom": {"secretKeyRef": {"name": "key"}}}],
            }
        ],
        "volumes": [{"persistentVolumeClaim": {"claimName": "data"}}, {"secret": {"secretName": "tls"}}],
    }
    found = refers(seen("Deployment", {"spec": {"template": {"spec": pod}}}))
    assert set(found) == {
        "kubernetes:kind/-/namespace/shop",
        "kubernetes:kind/shop/serviceaccount/robot",
        "kubernetes:kind/shop/configmap/settings",
        "kubernetes:kind/shop/secret/key",
        "kubernetes:kind/shop/persistentvolumeclaim/data",
        "kubernetes:kind/shop/secret/tls",
    }


def test_rules_lean_on_what_they_point_to() -> None:
    ingress = refers(seen("Ingress", {"spec": {"rules": [{"backend": {"service": {"name": "web"}}}]}}))
    assert "kubernetes:kind/shop/service/web" in ingress
    scaler = refers(
        seen("HorizontalPodAutoscaler", {"spec": {"scaleTargetRef": {"kind": "StatefulSet", "name": "db"}}})
    )
    assert "kubernetes:kind/shop/statefulset/db" in scaler


def test_what_is_gone_or_has_no_place_leans_on_nothing() -> None:
    assert refers(Observation.absent("kubernetes:kind/shop/service/web")) == ()
    assert refers(seen("Namespace", {}, namespace=None)) == ()
