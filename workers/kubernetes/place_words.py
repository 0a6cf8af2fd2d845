"""How people say where in Kubernetes: namespace, context, and the tool's own names."""

from __future__ import annotations

from dataclasses import replace

from reign.core.lexicon import Kind, Slot

CUES = ("kubernetes", "k8s", "kube", "kubectl", "cluster", "ns")
NAMESPACE = Slot(
    "namespace",
    labels=("namespace", "ns", "-n"),
    after=("in", "to", "into", "from", "inside", "within"),
    scope=True,
    things=("namespace",),
    new_by=("kubernetes.create_namespace", "name"),
)
NAMESPACE_IN = replace(NAMESPACE, after=("in", "from", "inside", "within"))
CONTEXT = Slot("context", Kind.REF, labels=("context", "kube context", "cluster"), scope=True)
WHERE = (NAMESPACE_IN, CONTEXT)
WHERE_TO = (NAMESPACE, CONTEXT)
TIMEOUT = Slot(
    "timeout", Kind.DURATION, labels=("timeout",), after=("within", "for", "in", "at most", "up to", "under")
)
