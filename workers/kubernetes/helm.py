"""The helm binary: its version, and with it the spelling of its flags; its failures in words."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reign.executor import Context, FailureKind, TaskFailed
from reign.executor.process import ToolResult
from workers.kubernetes import errors
from workers.kubernetes.access import Access
from workers.kubernetes.chart_refusals import no_chart
from workers.kubernetes.cluster import Cluster

_VERSION = re.compile(r"v?(\d+)\.(\d+)\.(\d+)")
_OUTPUT = 64_000_000  # bytes of a chart with its templates, as a rehearsal prints it


@dataclass(frozen=True)
class Helm:
    """One helm for one attempt, bound to a context and a namespace."""

    ctx: Context
    access: Access
    namespace: str
    binary: str
    version: tuple[int, int, int]

    @property
    def major(self) -> int:
        return self.version[0]

    # What changed its name or its meaning between versions. Helm 4's rename list: helm.sh/docs/overview (v4).

    def rehearse_flags(self) -> list[str]:
        return ["--dry-run=server"] if self.version >= (3, 13, 0) else ["--dry-run"]

    def wait_flags(self, wait: bool, timeout: float) -> list[str]:
        """Waiting too for jobs. The timeout counts for hooks even when nothing else is waited for."""
        return [*(["--wait", "--wait-for-jobs"] if wait else []), f"--timeout={max(1, round(timeout))}s"]

    def back_on_failure(self) -> str:
        return "--rollback-on-failure" if self.major >= 4 else "--atomic"

    def replace_flag(self) -> str:
        """Objects that cannot be changed are deleted and made again."""
        return "--force-replace" if self.major >= 4 else "--force"

    def adopt_flags(self) -> list[str]:
        """Fields that others own are taken over. Helm 3 never asks who owns a field."""
        return ["--force-conflicts"] if self.major >= 4 else []

    def mark_flags(self) -> list[str]:
        """Labels on the release's revision that say which task made it; since Helm 3.13."""
        if self.version < (3, 13, 0):
            return []
        return ["--labels=" + ",".join(f"{name}={value}" for name, value in marks(self.ctx).items())]

    # running

    def run(self, *args: str, timeout: float | None = None) -> ToolResult:
        """Runs it; what it prints may hold Secrets and values, so only its errors are ever shown."""
        return self.ctx.tool(
            [*self.access.helm(self.binary), f"--namespace={self.namespace}", *args],
            env=self.access.env(),
            on_line=_unheard,
            timeout=timeout,
            keep=_OUTPUT,
        )

    def text(self, *args: str) -> str:
        """Its output. Raises TaskFailed in words."""
        done = self.run(*args)
        if done.exit_code:
            raise failure(self, args[0], done)
        # Of a chart out of an OCI registry it first says, in the same place, where it came from.
        return _PULLED.sub("", done.stdout, count=1)

    def json(self, *args: str) -> Any:
        return json.loads(self.text(*args, "--output=json") or "null")


_PULLED = re.compile(r"\A(?:Pulled: \S+\nDigest: \S+\n)")


def _unheard(stream: str, line: str) -> None:
    pass


def helm_of(cluster: Cluster, namespace: str | None) -> Helm:
    """The helm of the options, else the one on PATH. Raises TaskFailed for one that is not there or too old."""
    ctx, binary = cluster.ctx, str(cluster.ctx.options.get("helm", "helm"))
    return Helm(
        ctx, cluster.access, namespace or cluster.access.namespace, binary, _version(ctx, cluster.access, binary)
    )


#: (path, size, time of change) of a binary -> what it says it is: to ask costs a start of it.
_VERSIONS: dict[tuple[str, int, int], tuple[int, int, int]] = {}


def _version(ctx: Context, access: Access, binary: str) -> tuple[int, int, int]:
    env = access.env()
    known = _identity(binary, env.get("PATH"))
    if known in _VERSIONS:
        return _VERSIONS[known]
    done = ctx.tool([binary, "version", "--short"], env=env, on_line=_unheard)
    found = _VERSION.search(done.stdout)
    version = (int(found[1]), int(found[2]), int(found[3])) if found else (0, 0, 0)
    if version < (3, 0, 0):
        raise TaskFailed(
            f"{binary} says that it is {done.stdout.strip() or done.tail(1) or 'nothing known'}, not Helm 3 or 4",
            kind=FailureKind.MISSING_PREREQUISITE,
            hint="install Helm 3 or 4, or name it in the kubernetes agent's option `helm`",
        )
    if known is not None:
        _VERSIONS[known] = version
    return version


def _identity(binary: str, path: str | None) -> tuple[str, int, int] | None:
    """None for a binary that is not found, and for a script, which may start another one every time."""
    found = shutil.which(binary, path=path)
    try:
        if found is None:
            return None
        with Path(found).open("rb") as file:
            if file.read(2) == b"#!":
                return None
        about = Path(found).stat()
    except OSError:
        return None
    return (found, about.st_size, about.st_mtime_ns)


def marks(ctx: Context) -> dict[str, str]:
    """Labels that name the run and the task, in the alphabet and length that Kubernetes allows."""
    return {"reign.run": _label(ctx.run), "reign.task": _label(ctx.task)}


def _label(text: str) -> str:
    fit = re.sub(r"[^A-Za-z0-9._-]", "-", text)[:63].strip("-._")
    return fit or "none"


#: What helm says -> (kind, hint). The first that fits counts.
_KNOWN: Sequence[tuple[str, FailureKind, str | None]] = (
    (
        "another operation",
        FailureKind.CONFLICT,
        "wait for it; if it died, `helm rollback` to the last good revision frees the release",
    ),
    ("cannot re-use a name", FailureKind.CONFLICT, "upgrade it instead (kubernetes.helm_upgrade)"),
    ("invalid ownership metadata", FailureKind.CONFLICT, "an object of that name is there and is not this release's"),
    ("conflict with", FailureKind.CONFLICT, "another field manager owns the field; take it over with `force: true`"),
    ("cluster unreachable", FailureKind.TRANSIENT, "is the cluster up? `reign doctor` tries every context"),
    ("ensure CRDs are installed first", FailureKind.MISSING_PREREQUISITE, "apply the CustomResourceDefinitions first"),
    ("exceeded quota", FailureKind.MISSING_PREREQUISITE, "ask for less, or have the quota raised"),
    ("is forbidden", FailureKind.PERMISSION, "`reign doctor` shows what the account may do"),
    ("is immutable", FailureKind.WRONG_INPUT, "delete the object first, or use `replace: true`"),
    ("timed out", FailureKind.TIMED_OUT, None),
    ("deadline exceeded", FailureKind.TIMED_OUT, None),
    ("not ready", FailureKind.TIMED_OUT, None),
    ("not found", FailureKind.WRONG_INPUT, "check the names of release, chart, version and namespace"),
    ("failed to download", FailureKind.WRONG_INPUT, "check the chart's name and version, and `repo`"),
    ("no such file", FailureKind.WRONG_INPUT, "check the path of the chart and of the values"),
    ("values don't meet", FailureKind.WRONG_INPUT, "the chart's schema refuses these values"),
    ("execution error", FailureKind.WRONG_INPUT, "the chart refuses these values"),
    ("parse error", FailureKind.WRONG_INPUT, "the chart's template is wrong"),
    ("Chart.yaml", FailureKind.WRONG_INPUT, "give a chart folder, an archive, repo/name or oci://..."),
)


def failure(helm: Helm, doing: str, done: ToolResult) -> TaskFailed:
    """What helm said, in one line, with its kind."""
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    start = next((number for number, line in enumerate(lines) if line.startswith("Error:")), len(lines) - 1)
    said = " ".join(lines[start : start + 4]).removeprefix("Error:").strip() or f"exit code {done.exit_code}"
    text = done.stderr.lower()
    if errors.NAMESPACE.search(done.stderr):
        return errors.of_response(helm.access, f"run helm {doing}", 404, done.stderr)
    if fetching := no_chart(f"helm {doing}", said):
        return fetching
    fits = ((kind, hint) for mark, kind, hint in _KNOWN if mark.lower() in text)
    kind, hint = next(fits, (FailureKind.UNKNOWN, None))
    if kind is FailureKind.PERMISSION:
        refused = errors.of_response(helm.access, f"run helm {doing}", 403, done.stderr)
        if refused.details:
            return refused
    if kind is FailureKind.TRANSIENT:
        return errors.unreachable(helm.access, f"run helm {doing}", done.stderr)
    return TaskFailed(f"helm {doing}: {said[:600]}", kind=kind, hint=hint, details={"output": done.tail(10)})
