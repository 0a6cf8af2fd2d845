"""How kubernetes operations are moved into a rehearsal's scope: into namespaces of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from reign.executor.scope import NotRehearsable, Scope
from workers.kubernetes.kinds import CLUSTER_WIDE


def namespaced(inputs: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    """The same in the namespace that stands for the one that is meant; it is made first, unless the plan does that."""
    given = inputs.get("namespace")
    where = scope.known("namespace", given) if given else None
    if where is None:
        where = f"{scope.name}-{given}" if given else scope.name
        settings = {key: inputs[key] for key in ("context", "cluster", "as") if key in inputs}
        task = f"{scope.name}-namespace" + (f"-{given}" if given else "")
        scope.make_first(task, "kubernetes.create_namespace", {**settings, "name": where})
    if "manifest" in inputs and inputs["manifest"] is not None:
        _check(inputs["manifest"], scope)
    return {**inputs, "namespace": where}


def new_namespace(inputs: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    return {**inputs, "name": scope.own("namespace", inputs["name"])}


def _check(manifest: Any, scope: Scope) -> None:
    """Raises NotRehearsable for objects that would not land in the namespace that is asked for."""
    if isinstance(manifest, str) and "\n" not in manifest and "${{" not in manifest:
        if not (scope.workdir / manifest).is_file():
            raise NotRehearsable(f"{manifest} is no single file that could be read beforehand")
        manifest = scope.content(manifest)
    try:
        found = list(yaml.safe_load_all(manifest)) if isinstance(manifest, str) else manifest
    except yaml.YAMLError:
        raise NotRehearsable("the manifest cannot be read beforehand") from None
    for body in found if isinstance(found, list) else [found]:
        if not isinstance(body, Mapping):
            continue
        for item in body.get("items") or [body]:
            about = item.get("metadata") or {}
            label = f"{item.get('kind')} {about.get('name')}"
            if item.get("kind") in CLUSTER_WIDE:
                raise NotRehearsable(f"{label} belongs to the whole cluster")
            if about.get("namespace"):
                raise NotRehearsable(f"{label} names its namespace itself; leave that to the input `namespace`")
