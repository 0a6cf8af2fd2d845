"""Rehearsing an apply on the server (dry run): what each object would become, shown as a diff."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reign.core.resource import canonical
from reign.executor import TaskFailed
from workers.kubernetes import origins
from workers.kubernetes.as_yaml import as_yaml
from workers.kubernetes.cluster import Cluster
from workers.kubernetes.kinds import Ref
from workers.kubernetes.record import clean, hidden


@dataclass(frozen=True)
class Step:
    """One object of an apply: as asked, as it is (None: not there) and as it would be, both cleaned and hidden."""

    ref: Ref
    body: Mapping[str, Any]
    live: Mapping[str, Any] | None
    then: Mapping[str, Any]
    note: str = ""

    @property
    def action(self) -> str:
        """created, changed or unchanged."""
        if self.live is None:
            return "created"
        return "unchanged" if canonical(self.live) == canonical(self.then) else "changed"

    def diff(self) -> str:
        return diff_of(self.ref, self.live, self.then, self.note)


def diff_of(ref: Ref, live: Mapping[str, Any] | None, then: Mapping[str, Any] | None, note: str = "") -> str:
    """A unified diff of two objects as YAML, headed by the object and what happens to it; "" if nothing does."""
    before, after = _yaml(live), _yaml(then)
    if before == after:
        return ""
    action = "is created" if live is None else "is deleted" if then is None else "changes"
    lines = list(difflib.unified_diff(before, after, lineterm="", n=2))[2:]
    return "\n".join([f"{ref.shown} {action}{note}", *lines]) + "\n"


def _yaml(body: Mapping[str, Any] | None) -> list[str]:
    return as_yaml([body], sort_keys=True).splitlines() if body else []


def _forget_addresses(then: dict[str, Any], asked: Mapping[str, Any]) -> None:
    """A rehearsed service gets addresses and ports that the real one will not get."""
    spec, wanted = then.get("spec") or {}, asked.get("spec") or {}
    for name in ("clusterIP", "clusterIPs"):
        if name not in wanted:
            spec.pop(name, None)
    if not any("nodePort" in port for port in wanted.get("ports") or ()):
        for port in spec.get("ports") or ():
            port.pop("nodePort", None)


def rehearse(
    cluster: Cluster, bodies: Sequence[Mapping[str, Any]], force: bool = False, *, early: bool = False
) -> list[Step]:
    """The steps of an apply, each tried on the server without keeping it. Raises TaskFailed as the apply would.

    What needs a namespace or a kind that the same manifest brings cannot be tried yet and is shown as it was asked;
    so is, with ``early``, what needs one that an earlier task may bring.
    """
    new_namespaces = {body["metadata"]["name"] for body in bodies if body["kind"] == "Namespace"}
    new_kinds = {
        (body["spec"]["group"], body["spec"]["names"]["kind"])
        for body in bodies
        if body["kind"] == "CustomResourceDefinition"
    }
    steps = []
    for body in (origins.noted(cluster.ctx, body) for body in bodies):
        ref = Ref.of(body)
        address = ref.address(cluster.access.context)
        live = cluster.get(ref)
        note = ""
        try:
            then = cluster.apply(body, force=force, dry_run=True)
        except TaskFailed as error:
            brought = (ref.api_version.rpartition("/")[0], ref.kind) in new_kinds
            reason = error.details.get("reason")
            if reason == "no_such_kind" and (brought or early):
                note = ", its kind with it" if brought else ", once its kind is there"
            elif reason == "no_namespace" and live is None and (ref.namespace in new_namespaces or early):
                note = ", its namespace with it" if ref.namespace in new_namespaces else ", once its namespace is there"
            else:
                raise
            then = dict(body)
        seen = hidden(clean(live), address) if live else None
        if live is None and ref.kind == "Service" and note == "":
            _forget_addresses(then, body)
        steps.append(Step(ref, body, seen, hidden(clean(then), address), note))
    return steps
