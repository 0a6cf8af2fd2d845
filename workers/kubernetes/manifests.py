"""Manifests: from a file, a folder, a kustomization, text or objects to single objects in a workable order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from reign.executor import Context, FailureKind, TaskFailed
from reign.security import secrets
from workers.kubernetes import kinds
from workers.kubernetes.access import Access
from workers.kubernetes.kinds import Ref
from workers.kubernetes.record import is_secret

KUSTOMIZATION = ("kustomization.yaml", "kustomization.yml", "Kustomization")
_DOCUMENTS = re.compile(r"^---", re.MULTILINE)
_KIND = re.compile(r"""^[\s{,-]*["']?kind["']?\s*:(.*)""", re.MULTILINE)
_TEXT = re.compile(r"\n|^\s*[{\[]|^\s*(apiVersion|kind)\s*:")


def is_text(manifest: str) -> bool:
    """Whether a manifest input is the manifest itself and no path."""
    return bool(_TEXT.search(manifest))


def missing_file(ctx: Context, manifest: Any) -> bool:
    """Whether it is a path to nothing. An undo must get by without the file that the apply read."""
    return isinstance(manifest, str) and not is_text(manifest) and not ctx.path(manifest).exists()


def load(ctx: Context, manifest: Any, access: Access, namespace: str | None) -> list[dict[str, Any]]:
    """The objects, each with its namespace, in the order in which they can be applied.

    Raises TaskFailed naming the file and the document that is wrong.
    """
    scopes: dict[tuple[str, str], bool] = {}
    bodies = []
    for place, document in _documents(ctx, manifest, access):
        bodies += list(_objects(place, document))
    if not bodies:
        raise TaskFailed(
            "the manifest holds no object", kind=FailureKind.WRONG_INPUT, hint="check the path or the text"
        )
    for body in bodies:
        if body["kind"] == "CustomResourceDefinition":
            spec = body.get("spec") or {}
            names = spec.get("names") or {}
            scopes[str(spec.get("group")), str(names.get("kind"))] = spec.get("scope") == "Namespaced"
    prepared = [_prepared(ctx, body, namespace or access.namespace, scopes) for body in bodies]
    _refuse_twice(prepared)
    return sorted(prepared, key=lambda body: kinds.rank(body["kind"]))


def secret_inside(manifest: Any) -> bool:
    """Whether a manifest given as text or object visibly holds a Secret."""
    if isinstance(manifest, str):
        return bool(re.search(r"""["']?kind["']?\s*:\s*["']?Secret\b""", manifest))
    return any(isinstance(item, Mapping) and item.get("kind") == "Secret" for item in _flat(manifest))


def is_open(manifest: Any) -> bool:
    """Whether only a run can tell what kinds of objects a manifest holds: an expression stands where they would."""
    if not isinstance(manifest, str):
        return any(_kind_is_open(item) for item in _flat(manifest))
    if "${{" not in manifest:
        return False
    return not is_text(manifest) or any(_text_is_open(part) for part in _DOCUMENTS.split(manifest))


def _kind_is_open(item: Any) -> bool:
    return "${{" in str(item.get("kind", "")) if isinstance(item, Mapping) else "${{" in str(item)


def _text_is_open(document: str) -> bool:
    kinds_said = _KIND.findall(document)
    return "${{" in document and (not kinds_said or any("${{" in kind for kind in kinds_said))


def _flat(manifest: Any) -> Iterable[Any]:
    """The objects of a manifest given as object or list, those of a ``kind: List`` too."""
    for item in manifest if isinstance(manifest, list) else [manifest]:
        if isinstance(item, Mapping) and str(item.get("kind", "")).endswith("List"):
            yield from _flat(item.get("items") or [])
        else:
            yield item


def secrets_in_clear(manifest: Any) -> list[str]:
    """Names of the Secrets whose values stand in a manifest given as text or object, instead of references."""
    if isinstance(manifest, str) and not is_text(manifest):
        return []
    found = manifest
    if isinstance(manifest, str):
        try:
            found = [body for _, body in parse(manifest, "manifest")]
        except TaskFailed:  # told when it is applied
            return []
    return [str((body.get("metadata") or {}).get("name")) for body in _flat(found) if _in_clear(body)]


def _in_clear(body: Any) -> bool:
    if not isinstance(body, Mapping) or body.get("kind") != "Secret":
        return False
    parts = [body.get("data"), body.get("stringData")]
    values = [value for part in parts if isinstance(part, Mapping) for value in part.values()]
    return any(value and "secret://" not in str(value) and "${{" not in str(value) for value in values)


def _documents(ctx: Context, manifest: Any, access: Access) -> Iterable[tuple[str, Any]]:
    if not isinstance(manifest, str):
        yield from (("manifest", item) for item in (manifest if isinstance(manifest, list) else [manifest]))
    elif is_text(manifest):
        yield from parse(manifest, "manifest")
    elif manifest.startswith(("http://", "https://")):
        raise TaskFailed(
            f"{manifest} is an address, not a file",
            kind=FailureKind.WRONG_INPUT,
            hint="download it first, so that what was looked at is what is applied",
        )
    else:
        path = ctx.path(manifest)
        if not path.exists():
            raise TaskFailed(
                f"{path} is not there", kind=FailureKind.WRONG_INPUT, hint="give a manifest file, a folder, or the text"
            )
        if path.name in KUSTOMIZATION:
            path = path.parent
        if path.is_dir() and any((path / name).is_file() for name in KUSTOMIZATION):
            yield from parse(_kustomize(ctx, path, access), f"kustomization {path}")
            return
        files = sorted(p for p in path.iterdir() if p.suffix in (".yaml", ".yml", ".json")) if path.is_dir() else [path]
        for file in files:
            yield from parse(_read(file), str(file))


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise TaskFailed(f"{file} cannot be read: {reason}", kind=FailureKind.WRONG_INPUT) from None


def _kustomize(ctx: Context, folder: Path, access: Access) -> str:
    binary = str(ctx.options.get("kubectl", "kubectl"))
    done = ctx.tool([binary, "kustomize", str(folder)], env=access.env(), on_line=_unheard, keep=32_000_000)
    if done.exit_code:
        raise TaskFailed(f"kubectl kustomize {folder}: {done.tail(3)}", kind=FailureKind.WRONG_INPUT)
    return done.stdout


def _unheard(stream: str, line: str) -> None:
    """What a tool prints here may be a Secret, so it goes into no log."""


def parse(text: str, place: str) -> Iterable[tuple[str, Any]]:
    """``(place, document)`` of a YAML or JSON text. Raises TaskFailed with the line."""
    try:
        for number, document in enumerate(yaml.safe_load_all(text), start=1):
            if document is not None:
                yield f"{place}, document {number}", document
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "it cannot be read"
        raise TaskFailed(
            f"{place}{line} is no YAML: {problem}",
            kind=FailureKind.WRONG_INPUT,
            hint="mend it there; `kubectl apply --dry-run=client -f` reads it the same way",
        ) from None


def _objects(place: str, document: Any) -> Iterable[dict[str, Any]]:
    if not isinstance(document, Mapping):
        raise TaskFailed(
            f"{place} is no Kubernetes object",
            kind=FailureKind.WRONG_INPUT,
            hint="an object is a mapping with apiVersion, kind and metadata",
        )
    if str(document.get("kind", "")).endswith("List") and isinstance(document.get("items"), list):
        for number, item in enumerate(document["items"], start=1):
            yield from _objects(f"{place}, item {number}", item)
        return
    missing = [name for name in ("apiVersion", "kind") if not document.get(name)]
    meta = document.get("metadata")
    if not isinstance(meta, Mapping) or not meta.get("name"):
        missing.append("metadata.name")
    if missing:
        generated = isinstance(meta, Mapping) and meta.get("generateName")
        raise TaskFailed(
            f"{place} has no {', '.join(missing)}",
            kind=FailureKind.WRONG_INPUT,
            hint="an object without a name of its own could not be found again"
            if generated
            else "every object says its apiVersion, kind and metadata.name",
        )
    yield dict(document)


def _prepared(ctx: Context, body: dict[str, Any], namespace: str, scopes: Mapping[Any, bool]) -> dict[str, Any]:
    version, kind = str(body["apiVersion"]), str(body["kind"])
    meta = dict(body["metadata"])
    if kinds.of_kubernetes(version) and kind in kinds.BUILT_IN:
        namespaced = kind not in kinds.CLUSTER_WIDE
    else:
        namespaced = scopes.get((version.rpartition("/")[0], kind), True)
    if namespaced:
        meta.setdefault("namespace", namespace)
    else:
        meta.pop("namespace", None)
    prepared = {key: value for key, value in body.items() if key != "status"} | {"metadata": meta}
    if is_secret(prepared) and prepared.get("stringData"):
        prepared["stringData"] = secrets.resolve(prepared["stringData"], ctx.masker)
    return prepared


def _refuse_twice(bodies: list[dict[str, Any]]) -> None:
    seen = set()
    for body in bodies:
        ref = Ref.of(body)
        if ref in seen:
            raise TaskFailed(
                f"the manifest holds {ref.shown} twice",
                kind=FailureKind.WRONG_INPUT,
                hint="each object may stand in it once",
            )
        seen.add(ref)
