"""`reign doctor` for Kubernetes: the tools, the contexts and whether they answer, what the account may do."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from reign.executor import Check, Context, TaskFailed
from reign.executor.contract import NO_OPTIONS
from reign.executor.process import run_tool
from reign.security.masking import Masker
from workers.kubernetes import access
from workers.kubernetes.cluster import Cluster

_PATIENCE = 8.0  # seconds for each tool and each cluster
_MOST_CONTEXTS = 8
_ALL = ("get", "list", "create", "patch", "update", "delete")
#: What the operations need: resource, API group, verbs.
_NEEDED = (
    *((kind, "apps", _ALL) for kind in ("deployments", "statefulsets", "daemonsets")),
    *((kind, "", _ALL) for kind in ("services", "configmaps", "secrets", "namespaces")),
    ("replicasets", "apps", ("list",)),
    ("pods", "", ("get", "list")),
    ("pods/log", "", ("get",)),
    ("events", "", ("list",)),
)


def checks(options: Mapping[str, Any] = NO_OPTIONS, /) -> Sequence[Check]:
    """One line a tool and a context. Options: ``kubectl``, ``helm``, ``kubeconfig``."""
    found = [
        _tool("kubectl", str(options.get("kubectl", "kubectl")), ["version", "--client"], "for kustomizations"),
        _tool("helm", str(options.get("helm", "helm")), ["version", "--short"], "for the helm operations"),
    ]
    with tempfile.TemporaryDirectory() as folder:
        ctx = _context(Path(folder), options)
        try:
            current = access.resolve(ctx, None)
        except TaskFailed as error:
            return [*found, Check("kubernetes contexts", False, error.message, error.hint)]
        names = list(access.read([Path(p) for p in current.kubeconfig.split(":")])["contexts"])
        names.sort(key=lambda name: name != current.context)
        asked = names[:_MOST_CONTEXTS]
        found += [_context_check(_context(Path(folder), options), name, name == current.context) for name in asked]
    return found


def _context(folder: Path, options: Mapping[str, Any]) -> Context:
    return Context(
        run="doctor",
        task="doctor",
        attempt=1,
        environment="",
        workdir=folder,
        scratch_path=folder,
        state_path=folder,
        masker=Masker(),
        blobs=_NoBlobs(),
        deadline=time.monotonic() + _PATIENCE,
        options=options,
    )


class _NoBlobs:
    def put(self, content: bytes) -> str:
        raise AssertionError("a check keeps nothing")

    def get(self, ref: str) -> bytes:
        raise AssertionError("a check keeps nothing")


def _tool(name: str, binary: str, arguments: list[str], purpose: str) -> Check:
    try:
        done = run_tool(
            [binary, *arguments],
            cwd=Path.cwd(),
            env=None,
            stdin=None,
            timeout=_PATIENCE,
            cancelled=threading.Event(),
            cancel_reason=lambda: "",
            on_line=lambda stream, line: None,
            keep=10_000,
            stop_signal=None,
            grace=1.0,
        )
    except TaskFailed as error:
        return Check(
            name, False, error.message, f"install {name}, {purpose}, or name it in the kubernetes agent's options"
        )
    version = (done.stdout.strip().splitlines() or ["?"])[0].removeprefix("Client Version: ")
    return Check(name, done.exit_code == 0, version)


def _context_check(ctx: Context, name: str, current: bool) -> Check:
    title = f"kubernetes context {name}" + (" (current)" if current else "")
    try:
        cluster = Cluster(ctx, access.resolve(ctx, name))
        version, uid = cluster.version, cluster.uid
        may = _may(cluster)
    except TaskFailed as error:
        return Check(title, False, error.message, error.hint)
    return Check(title, True, f"{cluster.access.server}, {version}, cluster {uid or '(not readable)'}; {may}")


def _may(cluster: Cluster) -> str:
    """What the account may do in the context's namespace, by its rules (SelfSubjectRulesReview)."""
    namespace = cluster.access.namespace
    answer = cluster.ask(
        "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews",
        {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectRulesReview",
            "spec": {"namespace": namespace},
        },
    )
    rules = (answer.get("status") or {}).get("resourceRules") or []
    lacking: dict[tuple[str, ...], list[str]] = {}
    for resource, group, verbs in _NEEDED:
        missing = tuple(verb for verb in verbs if not any(_allows(rule, verb, resource, group) for rule in rules))
        if missing:
            lacking.setdefault(missing, []).append(resource)
    who = f"{user} " if (user := _who(cluster)) else ""
    if not lacking:
        return f"{who}may do what the operations need in namespace {namespace}"
    said = "; ".join(f"{', '.join(verbs)} {', '.join(kinds)}" for verbs, kinds in lacking.items())
    return f"in namespace {namespace} {who}may not {said}"


def _who(cluster: Cluster) -> str:
    """The account's name as the cluster knows it (SelfSubjectReview, since Kubernetes 1.28)."""
    asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    try:
        answer = cluster.ask("/apis/authentication.k8s.io/v1/selfsubjectreviews", asked)
    except TaskFailed:
        return cluster.access.user or ""
    return str((answer.get("status") or {}).get("userInfo", {}).get("username") or "")


def _allows(rule: Mapping[str, Any], verb: str, resource: str, group: str) -> bool:
    if rule.get("resourceNames"):
        return False
    asked = (("verbs", verb), ("resources", resource), ("apiGroups", group))
    return all({"*", value} & set(rule.get(part) or ()) for part, value in asked)
