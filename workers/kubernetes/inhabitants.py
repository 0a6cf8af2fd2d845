"""What an undo would take away with a namespace or a kind: the objects that others have put there since."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from reign.executor import FailureKind, TaskFailed
from workers.kubernetes.cluster import Cluster
from workers.kubernetes.kinds import Ref

_USUAL = (
    "Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "Pod", "Service", "Ingress", "ConfigMap", "Secret",
    "PersistentVolumeClaim", "ServiceAccount", "Role", "RoleBinding",
)  # fmt: skip
#: What a namespace gets by itself: of Kubernetes, OpenShift and Istio.
_OWN = frozenset(
    {
        "configmap/kube-root-ca.crt", "serviceaccount/default", "configmap/openshift-service-ca.crt",
        "serviceaccount/builder", "serviceaccount/deployer", "configmap/istio-ca-root-cert",
    }
)  # fmt: skip
_ACCOUNT_OF = "kubernetes.io/service-account.name"
INHABITED = "inhabited"


def refuse_if_inhabited(cluster: Cluster, ref: Ref, live: Mapping[str, Any], own: Collection[Ref] = ()) -> None:
    """Raises TaskFailed if something of others is in the namespace, or of the kind, that is to go.

    ``own``: what else the undo takes away. The claims that a StatefulSet among them has made are no one else's.
    """
    if ref.kind == "Namespace":
        found, what = _in_namespace(cluster, ref.name, own), "namespace"
    elif ref.kind == "CustomResourceDefinition":
        found, what = _of_kind(cluster, live), "definition"
    else:
        return
    if found:
        raise TaskFailed(
            f"{what} {ref.name} stays: it holds {', '.join(found[:5])}",
            kind=FailureKind.CONFLICT,
            hint=f"that was put there by others; delete the {what} yourself if it may go",
            details={"reason": INHABITED},
        )


def _in_namespace(cluster: Cluster, namespace: str, own: Collection[Ref]) -> list[str]:
    """The objects of the usual kinds, but for those that a namespace gets by itself or that others own."""
    sets = "|".join(re.escape(ref.name) for ref in own if (ref.kind, ref.namespace) == ("StatefulSet", namespace))
    claims = re.compile(rf"persistentvolumeclaim/.+-({sets})-\d+") if sets else None
    found = []
    for kind in _USUAL:
        for item in cluster.list(kind, namespace):
            label = f"{kind.lower()}/{item['metadata']['name']}"
            if not (_passes(item) or _by_itself(label, item) or (claims and claims.fullmatch(label))):
                found.append(label)
    return found


def _passes(item: Mapping[str, Any]) -> bool:
    return bool(item["metadata"].get("ownerReferences") or item["metadata"].get("deletionTimestamp"))


def _by_itself(label: str, item: Mapping[str, Any]) -> bool:
    of_account = label.startswith("secret/") and _ACCOUNT_OF in (item["metadata"].get("annotations") or {})
    return label in _OWN or label.startswith("rolebinding/system:") or of_account


def _of_kind(cluster: Cluster, definition: Mapping[str, Any]) -> list[str]:
    spec = definition["spec"]
    kind = spec["names"]["kind"]
    version = next(one["name"] for one in spec["versions"] if one["storage"])
    items = cluster.list(kind, None, version=f"{spec['group']}/{version}")
    return [f"{kind.lower()}/{item['metadata']['name']}" for item in items if not _passes(item)]
