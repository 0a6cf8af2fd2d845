"""kubernetes.helm_install and kubernetes.helm_upgrade."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import Field

from reign.core.duration import Duration
from reign.core.resource import Observation, Undo, canonical
from reign.executor import Context, FailureKind, Operation, Proposal, TaskFailed
from reign.executor.contract import Observations, Pinning
from reign.executor.scope import Scope
from workers.kubernetes import rehearsing, releases
from workers.kubernetes.charts import ChartInputs, chart_flags, merged
from workers.kubernetes.cluster import Cluster, access_of, connect, connect_again, pins_of
from workers.kubernetes.helm import Helm, failure, helm_of
from workers.kubernetes.helm_records import Revision, revisions
from workers.kubernetes.helm_watch import Watch
from workers.kubernetes.inputs import Name
from workers.kubernetes.objects import Placed, placed
from workers.kubernetes.repairs import repaired

#: A version, not a range of versions.
_EXACT = re.compile(r"v?(\d+\.\d+\.\d+(?:[-+][\w.+-]+)?)")


class ReleaseInputs(ChartInputs):
    release: Name = Field(description="the release's name")
    wait: bool = Field(True, description="wait until everything is ready, jobs included")
    timeout: Duration = Field(300.0, description="how long helm waits", gt=0)
    rollback_on_failure: bool = Field(
        False, description="if it fails, helm goes back to the former revision by itself (a first install goes away)"
    )
    replace: bool = Field(False, description="delete and make again what cannot be changed")
    force: bool = Field(False, description="take over fields that another field manager owns (Helm 4)")
    create_namespace: bool = Field(False, description="create the namespace if it is not there")


class ReleaseResult(Placed):
    release: str
    revision: int
    status: str
    chart: str = Field(description="name and version")
    app_version: str = ""


def release_result(cluster: Cluster, helm: Helm, release: str, last: Revision | None = None) -> ReleaseResult:
    """``last``: its last revision, if that is at hand."""
    last = last or revisions(cluster, helm, release)[-1]
    return ReleaseResult(
        release=release,
        revision=last.number,
        status=last.status,
        chart=last.chart,
        app_version=last.app_version,
        **placed(cluster, helm.namespace),
    )


def _is_there(found: Sequence[Revision]) -> bool:
    return bool(found) and found[-1].status != "uninstalled"


class ReleaseOperation(Operation[Any, ReleaseResult]):
    """Changes one release. A cut-off attempt is known by the labels on its revision and freed before the next."""

    Result: ClassVar = ReleaseResult
    undo: ClassVar = Undo.EXACT
    converges: ClassVar = True
    timeout: ClassVar = 1200.0
    pinning: ClassVar = Pinning.ALWAYS

    def pins(self, ctx: Context, inputs: Any) -> dict[str, Any]:
        return pins_of(ctx, inputs)

    def rehearsed(self, inputs: Mapping[str, Any], scope: Scope) -> dict[str, Any] | None:
        return rehearsing.using(inputs, scope, f"release/{inputs['release']}")

    def touches(self, ctx: Context, inputs: Any) -> Sequence[str]:
        access = access_of(ctx, inputs)
        return [releases.address(access.context, inputs.namespace or access.namespace, inputs.release)]

    def inspect(self, ctx: Context, inputs: Any) -> Observations:
        cluster = connect(ctx, inputs)
        return [releases.observe(cluster, helm_of(cluster, inputs.namespace), inputs.release)]

    def repair(self, ctx: Context, inputs: Any, failure: TaskFailed) -> Proposal | None:
        return repaired(inputs, failure)

    def restore(self, ctx: Context, inputs: Any, before: Observations, now: Observations) -> None:
        if before:
            cluster = connect_again(ctx, inputs, before[0].facts)
            releases.put_back(cluster, inputs.release, before[0], float(getattr(inputs, "timeout", 300.0)))


class _Deploys(ReleaseOperation):
    def _command(self, inputs: Any, exists: bool) -> list[str]:
        raise AssertionError

    def rendered(self, helm: Helm, inputs: Any, exists: bool) -> str:
        """The manifest that it would install, rendered with the cluster's help. Raises TaskFailed."""
        found = helm.json(
            *self._command(inputs, exists),
            *chart_flags(helm.ctx, inputs),
            *helm.rehearse_flags(),
            *self._flags(helm, inputs),
        )
        return str(found.get("manifest", ""))

    def _flags(self, helm: Helm, inputs: Any) -> list[str]:
        return [
            *([helm.replace_flag()] if inputs.replace else []),
            *(helm.adopt_flags() if inputs.force else []),
        ]

    def restore(self, ctx: Context, inputs: Any, before: Observations, now: Observations) -> None:
        if before:
            cluster = connect_again(ctx, inputs, before[0].facts)
            releases.put_back(
                cluster,
                inputs.release,
                before[0],
                inputs.timeout,
                lambda helm: self._again(cluster, helm, inputs, before[0]),
            )

    def _again(self, cluster: Cluster, helm: Helm, inputs: Any, before: Observation) -> None:
        """What this task had made is made by it once more. Raises TaskFailed if that would be something else."""
        exists = _is_there(revisions(cluster, helm, inputs.release))
        made = UPGRADE if exists else INSTALL
        rendered = made.rendered(helm, inputs, exists)
        same = releases.manifest_digest(before.resource, rendered) == before.state["manifest"]
        # What a chart makes up anew at each rendering says nothing about whether it was changed.
        if not same and made.rendered(helm, inputs, exists) == rendered:
            raise TaskFailed(
                f"release {inputs.release} cannot be brought back as it was: its chart or its values changed since",
                kind=FailureKind.MISSING_PREREQUISITE,
                hint="install it as it shall be now (kubernetes.helm_install, helm_upgrade)",
            )
        made._deploy(cluster, helm, inputs, exists)

    def preview(self, ctx: Context, inputs: Any) -> str | None:
        cluster = connect(ctx, inputs)
        helm = helm_of(cluster, inputs.namespace)
        found = revisions(cluster, helm, inputs.release)
        before = found[-1].manifest() if _is_there(found) else ""
        after = self.rendered(helm, inputs, _is_there(found))
        return releases.diff(before, after, cluster.access.context, helm.namespace)

    def done(self, ctx: Context, inputs: Any, seen: Observations) -> ReleaseResult | None:
        [there] = seen
        if not there.exists or there.state["status"] != "deployed":
            return None
        exact = _EXACT.fullmatch(inputs.version or "")
        if exact and not str(there.state["chart"]).endswith(f"-{exact[1]}"):
            return None  # the same objects out of another version are another revision for all that
        cluster = connect(ctx, inputs)
        helm = helm_of(cluster, inputs.namespace)
        last = revisions(cluster, helm, inputs.release)[-1]
        if not releases.ours(cluster, helm, inputs.release, last.number):
            if self._other_values(ctx, inputs, last):
                return None
            asked = releases.objects_of(UPGRADE.rendered(helm, inputs, True))
            if canonical(releases.objects_of(last.manifest())) != canonical(asked):
                return None
        return release_result(cluster, helm, inputs.release, last)

    def _other_values(self, ctx: Context, inputs: Any, last: Revision) -> bool:
        """Whether the values alone tell that something is to be done, so that the chart need not be rendered."""
        return False

    def _deploy(self, cluster: Cluster, helm: Helm, inputs: Any, exists: bool) -> ReleaseResult:
        ctx = helm.ctx
        limit = min(inputs.timeout, max(1.0, ctx.remaining() - 5))
        flags = [
            *helm.wait_flags(inputs.wait, limit),
            *helm.mark_flags(),
            *self._flags(helm, inputs),
            *([helm.back_on_failure()] if inputs.rollback_on_failure else []),
            *(["--create-namespace"] if inputs.create_namespace else []),
        ]
        command = self._command(inputs, exists)
        ctx.progress(f"helm {command[0]} {inputs.release} in context {helm.access.context}, namespace {helm.namespace}")
        with Watch(cluster, helm.namespace, inputs.release).running() as watch:
            done = helm.run(*command, *chart_flags(ctx, inputs), *flags)
            if not inputs.force and releases.ours_alone(done):
                done = helm.run(*command, *chart_flags(ctx, inputs), *flags, *helm.adopt_flags())
        if done.exit_code:
            raise self._explained(cluster, helm, command[0], inputs, failure(helm, command[0], done), watch)
        return release_result(cluster, helm, inputs.release)

    def _explained(
        self, cluster: Cluster, helm: Helm, doing: str, inputs: Any, error: TaskFailed, watch: Watch
    ) -> TaskFailed:
        """The failure with the pod that caused it, and with what became of the release."""
        if error.kind not in (FailureKind.TIMED_OUT, FailureKind.UNKNOWN):
            return error
        message, hint, details = error.message, error.hint, dict(error.details)
        kind: FailureKind = error.kind
        if watch.found:
            label, found = watch.found
            message = f"helm {doing} {inputs.release}: {label} did not become ready: {found.sentence}"
            hint, kind = found.hint or hint, found.kind or kind
            details |= {"object": label, **found.as_dict()}
            if found.log:
                helm.ctx.log(f"last lines of {found.pod}/{found.container}:\n" + "\n".join(found.log))
        if inputs.rollback_on_failure:
            there = revisions(cluster, helm, inputs.release)
            message += f"; helm went back to revision {there[-1].number}" if there else "; helm took it away again"
        return TaskFailed(message, kind=kind, hint=hint, retryable=False, details=details)


def _made(inputs: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    return rehearsing.namespaced(inputs, scope, [f"release/{inputs['release']}", rehearsing.ANYTHING])


class HelmInstall(_Deploys):
    name = "kubernetes.helm_install"
    summary = "Install a Helm chart as a release"
    undo_note = "the release is uninstalled, or goes back to its former revision"

    class Inputs(ReleaseInputs):
        pass

    def rehearsed(self, inputs: Mapping[str, Any], scope: Scope) -> dict[str, Any] | None:
        return _made(inputs, scope)

    def _command(self, inputs: Any, exists: bool) -> list[str]:
        # A name whose history was kept after an uninstall may be used again.
        return ["install", inputs.release, "--replace"]

    def apply(self, ctx: Context, inputs: Any, seen: Observations) -> ReleaseResult:
        cluster = connect(ctx, inputs)
        helm = helm_of(cluster, inputs.namespace)
        found = releases.free(cluster, helm, inputs.release)
        if not _is_there(found):
            return self._deploy(cluster, helm, inputs, False)
        last = found[-1]
        if last.status == "deployed" or not releases.ours(cluster, helm, inputs.release, last.number):
            raise TaskFailed(
                f"release {inputs.release} is there already: revision {last.number}, {last.chart}, {last.status}",
                kind=FailureKind.CONFLICT,
                hint="change it with kubernetes.helm_upgrade, or choose another name",
            )
        return UPGRADE._deploy(cluster, helm, inputs, True)  # what this task's earlier attempt left failed


class HelmUpgrade(_Deploys):
    name = "kubernetes.helm_upgrade"
    summary = "Upgrade a Helm release to other values or another chart"
    undo_note = "helm goes back to the former revision; with `install`, a release that was not there is uninstalled"

    class Inputs(ReleaseInputs):
        install: bool = Field(False, description="install it if it is not there")
        reuse_values: bool = Field(False, description="keep the release's present values and merge these into them")

    def rehearsed(self, inputs: Mapping[str, Any], scope: Scope) -> dict[str, Any] | None:
        return _made(inputs, scope) if inputs.get("install") else super().rehearsed(inputs, scope)

    def _command(self, inputs: Any, exists: bool) -> list[str]:
        if not exists:
            return ["install", inputs.release, "--replace"]
        reuse = getattr(inputs, "reuse_values", False)
        return ["upgrade", inputs.release, "--reuse-values" if reuse else "--reset-values"]

    def _other_values(self, ctx: Context, inputs: Any, last: Revision) -> bool:
        reuse = getattr(inputs, "reuse_values", False)
        return not reuse and merged(ctx, inputs.values) != last.values()

    def rendered(self, helm: Helm, inputs: Any, exists: bool) -> str:
        if not exists and not inputs.install:
            raise no_release(helm, inputs.release, "or give `install: true`")
        return super().rendered(helm, inputs, exists)

    def apply(self, ctx: Context, inputs: Any, seen: Observations) -> ReleaseResult:
        cluster = connect(ctx, inputs)
        helm = helm_of(cluster, inputs.namespace)
        exists = _is_there(releases.free(cluster, helm, inputs.release))
        if not exists and not inputs.install:
            raise no_release(helm, inputs.release, "or give `install: true`")
        return self._deploy(cluster, helm, inputs, exists)


def no_release(helm: Helm, release: str, otherwise: str) -> TaskFailed:
    from reign.core.errors import did_you_mean

    names = [str(item["name"]) for item in helm.json("list") or []]
    close = did_you_mean(release, names)
    return TaskFailed(
        f"there is no release {release!r} in namespace {helm.namespace} (context {helm.access.context})",
        kind=FailureKind.WRONG_INPUT,
        hint=close or f"install it first (kubernetes.helm_install), {otherwise}",
    )


INSTALL, UPGRADE = HelmInstall(), HelmUpgrade()
