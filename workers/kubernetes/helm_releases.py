"""kubernetes.helm_rollback, helm_uninstall, helm_status, helm_history and helm_template."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field

from reign.core.catalog import Effect, OperationResult
from reign.core.duration import Duration
from reign.core.resource import Undo
from reign.executor import Context, FailureKind, Operation, TaskFailed
from reign.executor.contract import Assessment, Observations
from reign.executor.scope import Scope
from workers.kubernetes import rehearsing, releases
from workers.kubernetes.as_yaml import as_yaml
from workers.kubernetes.charts import ChartInputs, chart_flags
from workers.kubernetes.cluster import connect
from workers.kubernetes.helm import Helm, helm_of, marks
from workers.kubernetes.helm_install import ReleaseOperation, ReleaseResult, no_release, release_result
from workers.kubernetes.helm_records import Revision, revisions
from workers.kubernetes.inputs import Name, Namespaced
from workers.kubernetes.kinds import Ref
from workers.kubernetes.objects import Placed, placed
from workers.kubernetes.record import hidden


class Named(Namespaced):
    release: Name = Field(description="the release's name")


class HelmRollback(ReleaseOperation):
    """Which revision "the former one" is changes with each rollback, so it is noted before helm starts."""

    name = "kubernetes.helm_rollback"
    summary = "Take a Helm release back to a former revision"
    undo_note = "helm goes to the revision that was deployed before"

    class Inputs(Named):
        revision: int | None = Field(None, description="default: the one that was deployed before this one", ge=1)
        wait: bool = Field(True, description="wait until everything is ready")
        timeout: Duration = Field(300.0, description="how long helm waits", gt=0)

    def preview(self, ctx: Context, inputs: Any) -> str | None:
        cluster = connect(ctx, inputs)
        helm = helm_of(cluster, inputs.namespace)
        found = revisions(cluster, helm, inputs.release)
        then = _target(helm, inputs, found).manifest()
        return releases.diff(_standing(found), then, cluster.access.context, helm.namespace)

    def done(self, ctx: Context, inputs: Any, seen: Observations) -> ReleaseResult | None:
        [there] = seen
        target = inputs.revision or _remembered(ctx)
        if target is None or not there.exists or there.state["status"] != "deployed":
            return None
        if there.facts["revision"] != target and there.facts["description"] != f"Rollback to {target}":
            return None
        cluster = connect(ctx, inputs)
        return release_result(cluster, helm_of(cluster, inputs.namespace), inputs.release)

    def apply(self, ctx: Context, inputs: Any, seen: Observations) -> ReleaseResult:
        cluster = connect(ctx, inputs)
        helm = helm_of(cluster, inputs.namespace)
        target = _target(helm, inputs, releases.free(cluster, helm, inputs.release), _remembered(ctx)).number
        _memory(ctx).write_text(json.dumps(target))
        limit = min(inputs.timeout, max(1.0, ctx.remaining() - 5))
        releases.roll_back(helm, inputs.release, target, wait=inputs.wait, timeout=limit)
        return release_result(cluster, helm, inputs.release)


def _target(helm: Helm, inputs: Any, found: Sequence[Revision], remembered: int | None = None) -> Revision:
    """The revision to go to. Raises TaskFailed if there is none such."""
    number = inputs.revision or remembered or (_former(inputs.release, found) if found else None)
    return _wanted(helm, inputs.release, number, found)


def _standing(found: Sequence[Revision]) -> str:
    """The manifest of what is installed; "" if nothing is."""
    return found[-1].manifest() if found and found[-1].status != "uninstalled" else ""


def _former(release: str, found: Sequence[Revision]) -> int:
    former = releases.last_good(found[:-1])
    if former is None:
        raise TaskFailed(f"release {release} has no former revision to go back to", kind=FailureKind.WRONG_INPUT)
    return former


def _memory(ctx: Context) -> Path:
    return ctx.state_dir / ("rollback-" + "-".join(marks(ctx).values()) + ".json")


def _remembered(ctx: Context) -> int | None:
    file = _memory(ctx)
    return int(json.loads(file.read_text())) if file.is_file() else None


class HelmUninstall(ReleaseOperation):
    name = "kubernetes.helm_uninstall"
    summary = "Uninstall a Helm release"
    effect = Effect.DESTROY
    undo_note = (
        "installed again by Helm from the chart and values in its history, which stays; services "
        "get new addresses, and data in volumes is lost"
    )

    class Inputs(Named):
        keep_history: bool = Field(True, description="Helm keeps chart and values, so that it can be brought back")
        timeout: Duration = Field(300.0, description="how long helm waits", gt=0)

    def preview(self, ctx: Context, inputs: Any) -> str | None:
        cluster = connect(ctx, inputs)
        helm = helm_of(cluster, inputs.namespace)
        before = _standing(revisions(cluster, helm, inputs.release))
        return releases.diff(before, "", cluster.access.context, helm.namespace)

    def done(self, ctx: Context, inputs: Any, seen: Observations) -> ReleaseResult | None:
        [there] = seen
        if there.exists or ("revision" in there.facts and not inputs.keep_history):
            return None
        return ReleaseResult(
            release=inputs.release,
            revision=int(there.facts.get("revision", 0)),
            status="uninstalled",
            chart="",
            **placed(connect(ctx, inputs), there.facts["namespace"]),
        )

    def apply(self, ctx: Context, inputs: Any, seen: Observations) -> ReleaseResult:
        cluster = connect(ctx, inputs)
        helm = helm_of(cluster, inputs.namespace)
        ctx.progress(f"helm uninstall {inputs.release} in context {helm.access.context}, namespace {helm.namespace}")
        limit = min(inputs.timeout, max(1.0, ctx.remaining() - 5))
        [before] = seen
        releases.uninstall(helm, inputs.release, keep_history=inputs.keep_history, timeout=limit)
        return ReleaseResult(
            release=inputs.release,
            revision=int(before.facts.get("revision", 0)),
            status="uninstalled",
            chart=str(before.state.get("chart", "")),
            **placed(cluster, helm.namespace),
        )

    def assess(self, inputs: Any) -> Assessment:
        usual = super().assess(inputs)
        if inputs.keep_history is not False:
            return usual
        asks = f"uninstalling {inputs.release} without its history cannot be taken back"
        return Assessment(usual.effect, Undo.NONE, asks=asks, note="nothing is kept to install it again from")

    def restore(self, ctx: Context, inputs: Any, before: Observations, now: Observations) -> None:
        if not inputs.keep_history:
            raise TaskFailed(
                f"release {inputs.release} cannot be brought back: it was uninstalled without its history",
                hint="install it again with its chart and values (kubernetes.helm_install)",
            )
        super().restore(ctx, inputs, before, now)


class HelmStatus(Operation["HelmStatus.Inputs", "HelmStatus.Result"]):
    name = "kubernetes.helm_status"
    summary = "Show a Helm release"
    effect = Effect.READ
    undo = Undo.UNNEEDED
    timeout = 60.0

    class Inputs(Named):
        revision: int | None = Field(None, description="default: the last", ge=1)

    class Result(ReleaseResult):
        description: str
        updated: str
        objects: list[str]

    def rehearsed(self, inputs: Mapping[str, Any], scope: Scope) -> dict[str, Any] | None:
        return rehearsing.reading(inputs, scope, f"release/{inputs['release']}")

    def apply(self, ctx: Context, inputs: Inputs, seen: Observations) -> Result:
        cluster = connect(ctx, inputs)
        helm = helm_of(cluster, inputs.namespace)
        shown = _wanted(helm, inputs.release, inputs.revision, revisions(cluster, helm, inputs.release))
        return self.Result(
            release=inputs.release,
            revision=shown.number,
            status=shown.status,
            chart=shown.chart,
            app_version=shown.app_version,
            description=shown.description,
            updated=shown.updated,
            objects=[Ref.of(body).label for body in releases.objects_of(shown.manifest())],
            **placed(cluster, helm.namespace),
        )


def _wanted(helm: Helm, release: str, revision: int | None, found: Sequence[Revision]) -> Revision:
    if not found:
        raise no_release(helm, release, "or check `namespace`")
    if fits := [one for one in found if revision in (None, one.number)]:
        return fits[-1]
    raise TaskFailed(
        f"release {release} has no revision {revision}",
        kind=FailureKind.WRONG_INPUT,
        hint=f"give one of its revisions: {', '.join(str(one.number) for one in found)}",
    )


class Line(BaseModel):
    """One line of `helm history`."""

    revision: int
    status: str
    chart: str
    app_version: str
    updated: str
    description: str


class HelmHistory(Operation["HelmHistory.Inputs", "HelmHistory.Result"]):
    name = "kubernetes.helm_history"
    summary = "Show the revisions of a Helm release"
    effect = Effect.READ
    undo = Undo.UNNEEDED
    timeout = 60.0

    class Inputs(Named):
        pass

    class Result(Placed):
        revisions: list[Line] = Field(description="oldest first")

    def rehearsed(self, inputs: Mapping[str, Any], scope: Scope) -> dict[str, Any] | None:
        return rehearsing.reading(inputs, scope, f"release/{inputs['release']}")

    def apply(self, ctx: Context, inputs: Inputs, seen: Observations) -> Result:
        cluster = connect(ctx, inputs)
        helm = helm_of(cluster, inputs.namespace)
        found = revisions(cluster, helm, inputs.release)
        if not found:
            raise no_release(helm, inputs.release, "or check `namespace`")
        lines = [
            Line(
                revision=one.number,
                status=one.status,
                chart=one.chart,
                app_version=one.app_version,
                updated=one.updated,
                description=one.description,
            )
            for one in found
        ]
        return self.Result(revisions=lines, **placed(cluster, helm.namespace))


class HelmTemplate(Operation["HelmTemplate.Inputs", "HelmTemplate.Result"]):
    name = "kubernetes.helm_template"
    summary = "Render a Helm chart without installing it"
    effect = Effect.READ
    undo = Undo.UNNEEDED
    timeout = 120.0

    class Inputs(ChartInputs):
        release: Name = Field("release", description="the release's name in the templates")

    class Result(OperationResult):
        manifest: str = Field(description="as YAML; values of Secrets are replaced by digests")
        objects: list[str]

    def apply(self, ctx: Context, inputs: Inputs, seen: Observations) -> Result:
        cluster = connect(ctx, inputs)
        helm = helm_of(cluster, inputs.namespace)
        text = helm.text("template", inputs.release, *chart_flags(ctx, inputs))
        bodies = releases.objects_of(text)
        shown = [hidden(body, Ref.of(body).address(cluster.access.context)) for body in bodies]
        return self.Result(manifest=as_yaml(shown), objects=[Ref.of(body).label for body in bodies])
