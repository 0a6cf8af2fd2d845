"""Asking a Kubernetes API server what it would say to objects: a server-side dry run, which changes nothing."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import yaml

from reign.core.findings import Finding, Severity
from reign.executor import Context, FailureKind, TaskFailed
from reign.executor.process import ToolResult, safe_environment
from workers.validation.sources import Source, program

_PATIENCE = "10s"
_SILENT = re.compile(
    r"connection refused|no such host|i/o timeout|unable to connect|was refused|timed? ?out|no route to host|"
    r"current-context|context .* does not exist|invalid configuration|stat .*kubeconfig|server is currently unable|EOF",
    re.IGNORECASE,
)
_NO_CONTEXT = re.compile(r"context .* does not exist")
_MISSING_NAMESPACE = re.compile(r'namespaces "([^"]+)" not found')
_MISSING_KIND = re.compile(
    r"no matches for kind|the server could not find the requested resource|doesn't have a resource type"
)

Item = tuple[Source, dict[str, Any], int]  # where from, the object, its line


@dataclass
class Answer:
    """``context`` is whose API server was asked; None if none was."""

    context: str | None = None
    findings: list[Finding] = field(default_factory=list)


def ask(
    ctx: Context,
    items: Sequence[Item],
    *,
    context: str | None,
    namespace: str | None,
    server: Literal["auto", "required", "never"],
) -> Answer:
    """What the API server objects to. Raises TaskFailed if it must be asked (``required``, or a context is named) and
    cannot be."""
    must = server == "required" or (context is not None and server != "never")
    if server == "never" or not items:
        return Answer()
    kubectl = str(ctx.options.get("kubectl") or program("kubectl") or "")
    if not kubectl:
        if must:
            raise TaskFailed(
                "kubectl is not there",
                kind=FailureKind.MISSING_PREREQUISITE,
                hint="install kubectl, or set server: never",
            )
        return Answer()
    return _Asking(ctx, kubectl, must).run(items, context, namespace)


class _Asking:
    def __init__(self, ctx: Context, kubectl: str, must: bool) -> None:
        self.ctx, self.kubectl, self.must = ctx, kubectl, must
        extra = {name: os.environ[name] for name in ("KUBECONFIG",) if name in os.environ}
        if ctx.options.get("kubeconfig"):
            extra["KUBECONFIG"] = str(ctx.path(str(ctx.options["kubeconfig"])))
        self.env = safe_environment(extra)

    def run(self, items: Sequence[Item], context: str | None, namespace: str | None) -> Answer:
        # The context is always named: the current one may be changed by anyone at any time.
        context = context or self._tool("config", "current-context").stdout.strip()
        if not context:
            return self._unasked("the kubeconfig names no context")
        ready = self._tool("--context", context, "version", "-o", "json", f"--request-timeout={_PATIENCE}")
        if ready.exit_code != 0:
            return self._unasked(f"context {context}: {_last(ready)}")
        answer = Answer(context)
        made = {str(_metadata(content).get("name")) for _, content, _ in items if content["kind"] == "Namespace"}
        kinds = {
            str(_names(content).get("kind")) for _, content, _ in items if content["kind"] == "CustomResourceDefinition"
        }
        for count, (source, content, line) in enumerate(items, start=1):
            self.ctx.progress(f"dry run on {context}: {count} of {len(items)}", count, len(items))
            ran = self._apply(context, namespace, content)
            if ran.exit_code == 0:
                continue
            said = _last(ran)
            name = f"{content['kind']}/{_metadata(content).get('name', '?')}"
            missing = _MISSING_NAMESPACE.search(said)
            if (missing and missing.group(1) in made) or (_MISSING_KIND.search(said) and content["kind"] in kinds):
                message = f"{name}: not checked by the server, for the manifest itself makes what it needs"
                answer.findings.append(source.finding("k8s-dry-run", Severity.INFO, message, None, line))
            elif _SILENT.search(said) and not missing:
                return self._unasked(f"context {context}: {said}")
            else:
                severity = Severity.MEDIUM if "conflict" in said.lower() else Severity.HIGH
                found = source.finding("k8s-dry-run", severity, f"{name}: {said}", _remedy(said), line)
                answer.findings.append(found)
        return answer

    def _apply(self, context: str, namespace: str | None, content: dict[str, Any]) -> ToolResult:
        options = ["--namespace", namespace] if namespace and "namespace" not in _metadata(content) else []
        argv = ["--context", context, *options, f"--request-timeout={_PATIENCE}", "apply", "--server-side"]
        argv += ["--dry-run=server", "--field-manager=reign", "--output=name", "--filename=-"]
        return self._tool(*argv, stdin=yaml.safe_dump(content).encode())

    def _tool(self, *argv: str, stdin: bytes | None = None) -> ToolResult:
        return self.ctx.tool([self.kubectl, *argv], env=self.env, stdin=stdin, on_line=lambda stream, line: None)

    def _unasked(self, reason: str) -> Answer:
        if self.must:
            raise TaskFailed(
                f"the API server cannot be asked: {reason}",
                # What the kubeconfig does not hold is not there at the next try either.
                kind=FailureKind.WRONG_INPUT if _NO_CONTEXT.search(reason) else FailureKind.TRANSIENT,
                hint="check the context (`kubectl config get-contexts`) and the cluster, or set server: never",
            )
        self.ctx.log(f"no dry run: {reason}")
        return Answer()


def _remedy(said: str) -> str:
    if missing := _MISSING_NAMESPACE.search(said):
        return f"create the namespace {missing.group(1)} first (kubernetes.create_namespace), or name another"
    if _MISSING_KIND.search(said):
        return "apply its CustomResourceDefinition first, or check apiVersion and kind"
    if "conflict" in said.lower():
        return "another field manager owns it: leave the field to it, or apply with force: true"
    return "see what the API server says"


def _metadata(content: dict[str, Any]) -> dict[str, Any]:
    metadata = content.get("metadata")
    return metadata if isinstance(metadata, dict) else {}


def _names(content: dict[str, Any]) -> dict[str, Any]:
    spec = content.get("spec")
    names = spec.get("names") if isinstance(spec, dict) else None
    return names if isinstance(names, dict) else {}


def _last(ran: ToolResult) -> str:
    """What kubectl said in the end, on one line and without its usual start."""
    lines = [line for line in ran.stderr.strip().splitlines() if not line.startswith(("Warning:", "W0", "I0", "E0"))]
    said = " ".join(lines[-3:]) or ran.tail(1) or f"exit code {ran.exit_code}"
    return said.removeprefix("Error from server ").removeprefix("error: ")[:600]
