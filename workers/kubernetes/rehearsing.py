"""How kubernetes operations are moved into a rehearsal's scope: into namespaces of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from reign.executor.scope import NotRehearsable, Scope
from workers.kubernetes import kinds
from workers.kubernetes.manifests import is_text

#: What a plan makes of which nobody can tell beforehand: a chart's objects, a manifest that another task gives.
ANYTHING = "*"


def namespaced(inputs: Mapping[str, Any], scope: Scope, makes: Iterable[str] = ()) -> dict[str, Any]:
    """The same in the namespace that stands for the one that is meant; it is made first, unless the plan does that.

    ``makes``: the objects that it makes there, as ``deployment/web``.
    """
    given = inputs.get("namespace")
    where = scope.known("namespace", given) if given else None
    if where is None:
        where = f"{scope.name}-{given}" if given else scope.name
        settings = {key: inputs[key] for key in ("context", "cluster", "as") if key in inputs}
        task = f"{scope.name}-namespace" + (f"-{given}" if given else "")
        scope.make_first(task, "kubernetes.create_namespace", {**settings, "name": where})
    for label in makes:
        scope.own(_within(inputs), label)
    return {**inputs, "namespace": where}


def using(inputs: Mapping[str, Any], scope: Scope, *needed: str) -> dict[str, Any]:
    """The same for what changes objects that are there already.

    Raises NotRehearsable if no earlier task of the plan makes them.
    """
    for label in needed:
        if not _made(inputs, scope, label):
            raise NotRehearsable(f"{label} is not made by this plan, and a rehearsal must leave it alone")
    return namespaced(inputs, scope)


def reading(inputs: Mapping[str, Any], scope: Scope, needed: str = ANYTHING) -> dict[str, Any]:
    """The same for what only looks: at the real object, if the plan does not make it."""
    return namespaced(inputs, scope) if _made(inputs, scope, needed) else dict(inputs)


def deleting(inputs: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    if inputs.get("manifest") is not None:
        return using(inputs, scope, *labels_in(inputs["manifest"], scope))
    found = kinds.built_in(str(inputs["kind"]))
    if found and found[1] == "Namespace":
        return {**inputs, "name": scope.required("namespace", inputs["name"])}
    _check_kind(inputs["kind"], inputs["name"])
    return using(inputs, scope, label_of(inputs["kind"], inputs["name"]))


def new_namespace(inputs: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    return {**inputs, "name": scope.own("namespace", inputs["name"])}


def label_of(kind: Any, name: Any) -> str:
    found = kinds.built_in(str(kind))
    return f"{(found[1] if found else str(kind)).lower()}/{name}"


def labels_in(manifest: Any, scope: Scope) -> list[str]:
    """The objects of a manifest. Raises NotRehearsable for those that would not land in the namespace asked for."""
    found = []
    for item in _objects(manifest, scope):
        about = item.get("metadata") or {}
        _check_kind(item.get("kind"), about.get("name"))
        if about.get("namespace"):
            label = f"{item.get('kind')} {about.get('name')}"
            raise NotRehearsable(f"{label} names its namespace itself; leave that to the input `namespace`")
        found.append(label_of(item.get("kind"), about.get("name")))
    return found or [ANYTHING]


def _check_kind(kind: Any, name: Any) -> None:
    """Raises NotRehearsable for what no namespace of its own keeps apart."""
    found = kinds.built_in(str(kind))
    if found is None:
        raise NotRehearsable(f"whether {kind} {name} belongs to a namespace or to the whole cluster is not known")
    if found[1] in kinds.CLUSTER_WIDE:
        raise NotRehearsable(f"{found[1]} {name} belongs to the whole cluster")


def _made(inputs: Mapping[str, Any], scope: Scope, label: str) -> bool:
    """Whether the plan makes the object, or the whole namespace in which it is."""
    given = inputs.get("namespace")
    if given and scope.known("namespace", given) is not None:
        return True
    return scope.known(_within(inputs), label) is not None


def _within(inputs: Mapping[str, Any]) -> str:
    return f"object in {inputs.get('namespace') or ''}"


def _objects(manifest: Any, scope: Scope) -> Iterator[Mapping[str, Any]]:
    """Nothing where an expression stands, as only the run knows what it gives."""
    found: Any = manifest
    if isinstance(manifest, str):
        texts = [manifest] if "${{" in manifest or is_text(manifest) else list(_files(manifest, scope))
        try:
            found = [body for text in texts for body in yaml.safe_load_all(text)]
        except yaml.YAMLError:
            raise NotRehearsable("the manifest cannot be read beforehand") from None
    for body in found if isinstance(found, list) else [found]:
        if isinstance(body, Mapping):
            yield from body.get("items") or [body]


def _files(manifest: str, scope: Scope) -> Iterator[str]:
    folder = scope.workdir / manifest
    if not folder.is_dir():
        if not folder.is_file():
            raise NotRehearsable(f"{manifest} is no file that could be read beforehand")
        yield scope.content(manifest)
        return
    names = sorted(path.name for path in folder.iterdir() if path.suffix in (".yaml", ".yml", ".json"))
    if any(name.startswith("kustomization.") for name in names) or (folder / "Kustomization").exists():
        raise NotRehearsable(f"{manifest} is a kustomization, which may name namespaces of its own")
    for name in names:
        yield scope.content(str(Path(manifest) / name))
