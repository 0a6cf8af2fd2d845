"""Kinds of objects: what people call them, where they live, in which order they are made, and their addresses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: Kind -> (apiVersion, plural, short names). What Kubernetes itself brings; other kinds are asked of the cluster.
BUILT_IN: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "Namespace": ("v1", "namespaces", ("ns",)),
    "Node": ("v1", "nodes", ("no",)),
    "Pod": ("v1", "pods", ("po",)),
    "Service": ("v1", "services", ("svc",)),
    "ConfigMap": ("v1", "configmaps", ("cm",)),
    "Secret": ("v1", "secrets", ()),
    "ServiceAccount": ("v1", "serviceaccounts", ("sa",)),
    "PersistentVolume": ("v1", "persistentvolumes", ("pv",)),
    "PersistentVolumeClaim": ("v1", "persistentvolumeclaims", ("pvc",)),
    "ResourceQuota": ("v1", "resourcequotas", ("quota",)),
    "LimitRange": ("v1", "limitranges", ("limits",)),
    "ReplicationController": ("v1", "replicationcontrollers", ("rc",)),
    "Deployment": ("apps/v1", "deployments", ("deploy",)),
    "StatefulSet": ("apps/v1", "statefulsets", ("sts",)),
    "DaemonSet": ("apps/v1", "daemonsets", ("ds",)),
    "ReplicaSet": ("apps/v1", "replicasets", ("rs",)),
    "Job": ("batch/v1", "jobs", ()),
    "CronJob": ("batch/v1", "cronjobs", ("cj",)),
    "Ingress": ("networking.k8s.io/v1", "ingresses", ("ing",)),
    "IngressClass": ("networking.k8s.io/v1", "ingressclasses", ()),
    "NetworkPolicy": ("networking.k8s.io/v1", "networkpolicies", ("netpol",)),
    "HorizontalPodAutoscaler": ("autoscaling/v2", "horizontalpodautoscalers", ("hpa",)),
    "PodDisruptionBudget": ("policy/v1", "poddisruptionbudgets", ("pdb",)),
    "Role": ("rbac.authorization.k8s.io/v1", "roles", ()),
    "RoleBinding": ("rbac.authorization.k8s.io/v1", "rolebindings", ()),
    "ClusterRole": ("rbac.authorization.k8s.io/v1", "clusterroles", ()),
    "ClusterRoleBinding": ("rbac.authorization.k8s.io/v1", "clusterrolebindings", ()),
    "StorageClass": ("storage.k8s.io/v1", "storageclasses", ("sc",)),
    "PriorityClass": ("scheduling.k8s.io/v1", "priorityclasses", ("pc",)),
    "CustomResourceDefinition": ("apiextensions.k8s.io/v1", "customresourcedefinitions", ("crd", "crds")),
    "APIService": ("apiregistration.k8s.io/v1", "apiservices", ()),
    "ValidatingWebhookConfiguration": (
        "admissionregistration.k8s.io/v1",
        "validatingwebhookconfigurations",
        (),
    ),
    "MutatingWebhookConfiguration": ("admissionregistration.k8s.io/v1", "mutatingwebhookconfigurations", ()),
}
CLUSTER_WIDE = frozenset(
    {
        "Namespace", "Node", "PersistentVolume", "IngressClass", "ClusterRole", "ClusterRoleBinding", "StorageClass",
        "PriorityClass", "CustomResourceDefinition", "APIService", "ValidatingWebhookConfiguration",
        "MutatingWebhookConfiguration",
    }
)  # fmt: skip
#: Kinds whose pods are rolled out and restarted together.
WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet")

# The order in which Helm installs kinds, which everything in the field has settled on; custom resources come last.
_ORDER = (
    "PriorityClass", "Namespace", "NetworkPolicy", "ResourceQuota", "LimitRange", "PodDisruptionBudget",
    "ServiceAccount", "Secret", "ConfigMap", "StorageClass", "PersistentVolume", "PersistentVolumeClaim",
    "CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding", "Service", "DaemonSet",
    "Pod", "ReplicationController", "ReplicaSet", "Deployment", "HorizontalPodAutoscaler", "StatefulSet", "Job",
    "CronJob", "IngressClass", "Ingress", "APIService", "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
)  # fmt: skip
_RANK = {kind: rank for rank, kind in enumerate(_ORDER)}


def _spellings() -> dict[str, str]:
    found = {}
    for kind, (_, plural, shorts) in BUILT_IN.items():
        for word in (kind.lower(), plural, *shorts):
            found[word] = kind
    return found


_SPELLINGS = _spellings()


def built_in(word: str) -> tuple[str, str] | None:
    """``(apiVersion, kind)`` of a built-in kind by its kind, plural or short name; ``deployments.apps`` too."""
    name, _, group = word.lower().partition(".")
    kind = _SPELLINGS.get(name)
    if kind is None:
        return None
    version = BUILT_IN[kind][0]
    return (version, kind) if not group or group == version.partition("/")[0] else None


def words() -> list[str]:
    """The built-in kinds in lower case, to choose a nearest right name from."""
    return sorted(kind.lower() for kind in BUILT_IN)


def rank(kind: str) -> int:
    """Where in an apply a kind comes: those that others need come first."""
    return _RANK.get(kind, len(_ORDER))


def of_kubernetes(api_version: str) -> bool:
    """Whether an apiVersion is one of Kubernetes' own groups, in which a kind's name alone is enough."""
    group = api_version.rpartition("/")[0]
    return "." not in group or group.endswith(".k8s.io")


@dataclass(frozen=True)
class Ref:
    """Where one object is: its type, its namespace (None for what belongs to the whole cluster) and its name."""

    api_version: str
    kind: str
    namespace: str | None
    name: str

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Ref:
        meta = body.get("metadata") or {}
        return cls(str(body["apiVersion"]), str(body["kind"]), meta.get("namespace"), str(meta["name"]))

    @property
    def label(self) -> str:
        """``deployment/web``; a kind that is not Kubernetes' own has its group: ``certificate.cert-manager.io/web``."""
        group = self.api_version.rpartition("/")[0]
        kind = self.kind.lower()
        return f"{kind}/{self.name}" if of_kubernetes(self.api_version) else f"{kind}.{group}/{self.name}"

    @property
    def shown(self) -> str:
        """For people: ``deployment/web in namespace shop``."""
        return f"{self.label} in namespace {self.namespace}" if self.namespace else self.label

    def address(self, context: str) -> str:
        """The resource address; ``-`` stands for the namespace of what has none."""
        return f"kubernetes:{context}/{self.namespace or '-'}/{self.label}"
