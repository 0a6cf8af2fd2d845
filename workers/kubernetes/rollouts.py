"""kubernetes.rollout_status, rollout_restart and rollout_undo."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic import Field, field_validator

from reign.core.catalog import Effect
from reign.core.duration import Duration
from reign.core.resource import Undo
from reign.executor import Context, FailureKind, Operation, TaskFailed
from reign.executor.contract import Observations
from reign.executor.scope import Scope
from workers.kubernetes import kinds, pods, rehearsing
from workers.kubernetes.access import Access
from workers.kubernetes.cluster import Cluster, connect, connect_again
from workers.kubernetes.deployments import workload_kind, workload_ref
from workers.kubernetes.inputs import Name, Namespaced
from workers.kubernetes.kinds import Ref
from workers.kubernetes.objects import ObjectOperation, Placed, placed, workload
from workers.kubernetes.readiness import all_ready, wait_ready
from workers.kubernetes.record import clean, ref_of
from workers.kubernetes.rehearsal import diff_of

_REVISION = "deployment.kubernetes.io/revision"
#: Says which task restarted or took back a rollout, so that a cut-off attempt can tell its own change.
_MARK = "reign/rollout-by"
_RESTARTED = "kubectl.kubernetes.io/restartedAt"


class Rollout(Namespaced):
    name: Name = Field(description="of the deployment")
    kind: str = Field("deployment", validate_default=True, description="deployment, statefulset or daemonset")
    timeout: Duration = Field(300.0, description="how long to wait until it is ready", gt=0)

    @field_validator("kind")
    @classmethod
    def _known(cls, value: str) -> str:
        return workload_kind(value, kinds.WORKLOADS)


class RolloutResult(Placed):
    ready: bool
    replicas: int = Field(description="that are ready")
    revision: str | None = Field(None, description="of the deployment, as `kubectl rollout history` counts")


def _ref(inputs: Rollout, access: Access) -> Ref:
    return workload_ref(inputs.kind, inputs.name, inputs.namespace or access.namespace)


def _result(cluster: Cluster, ref: Ref) -> RolloutResult:
    live = workload(cluster, ref)
    status = live.get("status") or {}
    return RolloutResult(
        ready=all_ready(cluster, [ref]),
        replicas=int(status.get("readyReplicas", status.get("numberReady", 0))),
        revision=(live["metadata"].get("annotations") or {}).get(_REVISION),
        **placed(cluster, ref.namespace),
    )


class RolloutStatus(Operation[Rollout, RolloutResult]):
    name = "kubernetes.rollout_status"
    summary = "Wait until a rollout is complete"
    Inputs = Rollout
    Result = RolloutResult
    effect = Effect.READ
    undo = Undo.UNNEEDED
    timeout = 900.0

    def rehearsed(self, inputs: Mapping[str, Any], scope: Scope) -> dict[str, Any] | None:
        return rehearsing.reading(inputs, scope, rehearsing.label_of(inputs.get("kind", "deployment"), inputs["name"]))

    def apply(self, ctx: Context, inputs: Rollout, seen: Observations) -> RolloutResult:
        cluster = connect(ctx, inputs)
        ref = _ref(inputs, cluster.access)
        workload(cluster, ref)
        wait_ready(cluster, [ref], inputs.timeout)
        return _result(cluster, ref)


class _Rolling(ObjectOperation[Rollout, RolloutResult]):
    """Changes a pod template and leaves a mark; the mark tells that it was this very task."""

    Inputs = Rollout
    Result = RolloutResult
    timeout = 900.0

    def rehearsed(self, inputs: Mapping[str, Any], scope: Scope) -> dict[str, Any] | None:
        return rehearsing.using(inputs, scope, rehearsing.label_of(inputs.get("kind", "deployment"), inputs["name"]))

    def refs(self, ctx: Context, inputs: Rollout, access: Access) -> Sequence[Ref]:
        return [_ref(inputs, access)]

    @abstractmethod
    def roll(self, cluster: Cluster, ref: Ref, live: Mapping[str, Any], inputs: Any, *, dry_run: bool) -> Any:
        """Changes the pod template of ``live`` and leaves the mark; returns the object as it is (would be) then."""

    def preview(self, ctx: Context, inputs: Rollout) -> str | None:
        cluster = connect(ctx, inputs)
        ref = _ref(inputs, cluster.access)
        live = workload(cluster, ref)
        return diff_of(ref, _shown(live), _shown(self.roll(cluster, ref, live, inputs, dry_run=True)))

    def apply(self, ctx: Context, inputs: Rollout, seen: Observations) -> RolloutResult:
        cluster = connect(ctx, inputs)
        ref = _ref(inputs, cluster.access)
        live = workload(cluster, ref)
        if (live["metadata"].get("annotations") or {}).get(_MARK) != _mark(ctx):
            self.roll(cluster, ref, live, inputs, dry_run=False)
        wait_ready(cluster, [ref], inputs.timeout)
        return _result(cluster, ref)

    def restore(self, ctx: Context, inputs: Rollout, before: Observations, now: Observations) -> None:
        super().restore(ctx, inputs, before, now)
        if before and before[0].exists:
            wait_ready(connect_again(ctx, inputs, before[0].facts), [ref_of(before[0])], inputs.timeout)

    def done(self, ctx: Context, inputs: Rollout, seen: Observations) -> RolloutResult | None:
        if not seen[0].exists or (seen[0].state["metadata"].get("annotations") or {}).get(_MARK) != _mark(ctx):
            return None
        cluster = connect(ctx, inputs)
        ref = ref_of(seen[0])
        return _result(cluster, ref) if all_ready(cluster, [ref]) else None


def _mark(ctx: Context) -> str:
    return f"{ctx.run}/{ctx.task}"


def _shown(body: Mapping[str, Any]) -> dict[str, Any]:
    """As a preview shows it: without the mark, which no preview can know."""
    kept = clean(body)
    notes = kept["metadata"].pop("annotations", {})
    if others := {name: text for name, text in notes.items() if name != _MARK}:
        kept["metadata"]["annotations"] = others
    return kept


class RolloutRestart(_Rolling):
    name = "kubernetes.rollout_restart"
    summary = "Restart the pods of a workload, a few at a time"
    undo = Undo.COMPENSATING
    undo_note = "the former pod template; pods that were replaced do not come back"

    def roll(self, cluster: Cluster, ref: Ref, live: Mapping[str, Any], inputs: Any, *, dry_run: bool) -> Any:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        template = {"metadata": {"annotations": {_RESTARTED: now}}}
        change = {"metadata": {"annotations": {_MARK: _mark(cluster.ctx)}}, "spec": {"template": template}}
        return cluster.patch(ref, change, dry_run=dry_run)


class RolloutUndo(_Rolling):
    name = "kubernetes.rollout_undo"
    summary = "Go back to a former rollout"
    undo_note = "the pod template as it was before"

    class Inputs(Rollout):
        to_revision: int | None = Field(None, description="default: the one before the present one", ge=1)

    def roll(self, cluster: Cluster, ref: Ref, live: Mapping[str, Any], inputs: Any, *, dry_run: bool) -> Any:
        if inputs.kind == "Deployment":
            change, style = self._of_deployment(cluster, ref, live, inputs.to_revision), "json"
        else:
            change, style = self._of_revisioned(cluster, ref, live, inputs.to_revision), "strategic-merge"
        return cluster.patch(ref, change, style=style, dry_run=dry_run)

    def _of_deployment(self, cluster: Cluster, ref: Ref, live: Mapping[str, Any], wanted: int | None) -> Any:
        """A deployment's former templates are in its replica sets."""
        sets = {
            int((item["metadata"].get("annotations") or {}).get(_REVISION, 0)): item
            for item in _owned(cluster, live, "ReplicaSet")
        }
        template = dict(_chosen(ref, sets, wanted)["spec"]["template"])
        meta = dict(template.get("metadata") or {})
        meta["labels"] = {k: v for k, v in (meta.get("labels") or {}).items() if k != "pod-template-hash"}
        template["metadata"] = meta
        notes = {**(live["metadata"].get("annotations") or {}), _MARK: _mark(cluster.ctx)}
        return [
            {"op": "test", "path": "/metadata/resourceVersion", "value": live["metadata"]["resourceVersion"]},
            {"op": "replace", "path": "/spec/template", "value": template},
            {"op": "add", "path": "/metadata/annotations", "value": notes},
        ]

    def _of_revisioned(self, cluster: Cluster, ref: Ref, live: Mapping[str, Any], wanted: int | None) -> Any:
        """Those of stateful and daemon sets are in controller revisions, as patches."""
        revisions = {int(item["revision"]): item for item in _owned(cluster, live, "ControllerRevision")}
        return dict(_chosen(ref, revisions, wanted)["data"]) | {
            "metadata": {"annotations": {_MARK: _mark(cluster.ctx)}}
        }


def _owned(cluster: Cluster, live: Mapping[str, Any], kind: str) -> list[dict[str, Any]]:
    text = pods.selector_text(live["spec"]["selector"])
    found = cluster.list(kind, live["metadata"]["namespace"], labels=text)
    uid = live["metadata"]["uid"]
    return [item for item in found if any(o["uid"] == uid for o in item["metadata"].get("ownerReferences") or ())]


def _chosen(ref: Ref, by_number: Mapping[int, dict[str, Any]], wanted: int | None) -> dict[str, Any]:
    numbers = sorted(by_number)
    if wanted is None and len(numbers) < 2:
        raise TaskFailed(
            f"{ref.shown} has no former revision to go back to",
            kind=FailureKind.WRONG_INPUT,
            hint="it has been rolled out once only, or its history is limited",
        )
    number = numbers[-2] if wanted is None else wanted
    if number not in by_number:
        raise TaskFailed(
            f"{ref.shown} has no revision {number}",
            kind=FailureKind.WRONG_INPUT,
            hint=f"give one of its revisions: {', '.join(map(str, numbers))}",
        )
    return by_number[number]
