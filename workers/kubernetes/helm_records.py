"""What Helm keeps of a release, read from where it keeps it: one call for all revisions, where its commands start a
program for each question.

Helm's storage: a Secret or ConfigMap for each revision, labelled with owner, name and version, in it the release as
JSON, gzipped, in base64 (pkg/storage/driver of Helm 3 and 4).
"""

from __future__ import annotations

import base64
import binascii
import gzip
import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from workers.kubernetes.cluster import Cluster
from workers.kubernetes.helm import Helm, failure

#: HELM_DRIVER -> the kind that it keeps records in. Of another driver (sql) helm itself is asked.
_KINDS = {"": "Secret", "secret": "Secret", "secrets": "Secret", "configmap": "ConfigMap", "configmaps": "ConfigMap"}
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class Revision:
    """One revision of a release. ``values`` (those that it was given) and ``manifest`` are read when they are asked
    for; both may hold secrets."""

    number: int
    status: str
    chart: str  # name and version
    app_version: str
    updated: str
    description: str
    values: Callable[[], dict[str, Any]]
    manifest: Callable[[], str]


def revisions(cluster: Cluster, helm: Helm, release: str) -> list[Revision]:
    """Of a release, oldest first; empty if there is no such release. Raises TaskFailed."""
    kind = record_kind(helm)
    if kind is None:
        return _asked(helm, release)
    records = cluster.list(kind, helm.namespace, labels=f"owner=helm,name={release}")
    try:
        found = [_revision(_content(kind, record)) for record in records]
    except (binascii.Error, zlib.error, gzip.BadGzipFile, EOFError, ValueError, LookupError, TypeError, AttributeError):
        return _asked(helm, release)  # a format that this module does not know
    return sorted(found, key=lambda revision: revision.number)


def record_kind(helm: Helm) -> str | None:
    """The kind of Helm's records; None if they are not in the cluster."""
    return _KINDS.get(helm.access.env().get("HELM_DRIVER", "").lower())


def _content(kind: str, record: Mapping[str, Any]) -> dict[str, Any]:
    text = record["data"]["release"]
    raw = base64.b64decode(base64.b64decode(text) if kind == "Secret" else text)
    return dict(json.loads(gzip.decompress(raw) if raw.startswith(_GZIP) else raw))


def _revision(content: Mapping[str, Any]) -> Revision:
    info, about = content["info"], content["chart"]["metadata"]
    return Revision(
        number=int(content["version"]),
        status=str(info["status"]),
        chart=f"{about['name']}-{about['version']}",
        app_version=str(about.get("appVersion") or ""),
        updated=str(info.get("last_deployed") or ""),
        description=str(info.get("description") or ""),
        values=lambda: dict(content.get("config") or {}),
        manifest=lambda: str(content.get("manifest") or ""),
    )


def _asked(helm: Helm, release: str) -> list[Revision]:
    """The same, of helm itself."""
    done = helm.run("history", release, "--max=256", "--output=json")
    if done.exit_code:
        if "release: not found" in done.stderr:
            return []
        raise failure(helm, "history", done)
    found = [_of_history(helm, release, entry) for entry in json.loads(done.stdout or "null") or ()]
    return sorted(found, key=lambda revision: revision.number)


def _of_history(helm: Helm, release: str, entry: Mapping[str, Any]) -> Revision:
    number = int(entry["revision"])
    return Revision(
        number=number,
        status=str(entry["status"]),
        chart=str(entry["chart"]),
        app_version=str(entry.get("app_version") or ""),
        updated=str(entry.get("updated") or ""),
        description=str(entry.get("description") or ""),
        values=lambda: dict(helm.json("get", "values", release, f"--revision={number}") or {}),
        manifest=lambda: helm.text("get", "manifest", release, f"--revision={number}"),
    )
