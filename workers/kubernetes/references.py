"""What a recorded object leans on: its namespace, and what its pods or rules name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reign.core.resource import Observation
from workers.kubernetes.kinds import Ref

#: Where in a pod's spec others are named: the key that holds a reference -> its kind and the key of the name in it.
_NAMED = {
    "configMapRef": ("ConfigMap", "name"),
    "configMapKeyRef": ("ConfigMap", "name"),
    "configMap": ("ConfigMap", "name"),
    "secretRef": ("Secret", "name"),
    "secretKeyRef": ("Secret", "name"),
    "secret": ("Secret", "secretName"),
    "persistentVolumeClaim": ("PersistentVolumeClaim", "claimName"),
}
_VERSIONS = {"Service": "v1", "Deployment": "apps/v1", "StatefulSet": "apps/v1"}


def refers(seen: Observation) -> Sequence[str]:
    """Addresses of what the observed object needs to be there."""
    ref = seen.facts.get("ref")
    if not seen.exists or seen.is_damaged or not ref:
        return ()
    _, _, namespace, _ = ref
    context = str(seen.facts.get("context", ""))
    found = [Ref("v1", "Namespace", None, namespace)] if namespace else []
    found += [Ref(_VERSIONS.get(kind, "v1"), kind, namespace, name) for kind, name in _named(seen.state)]
    own = seen.resource
    return tuple(dict.fromkeys(address for item in found if (address := item.address(context)) != own))


def _named(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, list):
        for item in value:
            yield from _named(item)
    if not isinstance(value, Mapping):
        return
    for key, item in value.items():
        if key in _NAMED and isinstance(item, Mapping):
            kind, name = _NAMED[key]
            if item.get(name):
                yield kind, str(item[name])
        elif key == "serviceAccountName" and item and item != "default":
            yield "ServiceAccount", str(item)
        elif key == "service" and isinstance(item, Mapping) and item.get("name"):  # the backend of an ingress
            yield "Service", str(item["name"])
        elif key == "scaleTargetRef" and isinstance(item, Mapping) and item.get("name"):
            yield str(item.get("kind", "Deployment")), str(item["name"])
        yield from _named(item)
