"""What operations on objects share: they say which objects, look at each, and put each back as it was."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, TypeVar

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from reign.core.catalog import OperationResult
from reign.core.resource import Observation, Undo
from reign.executor import Context, FailureKind, Operation, Proposal, TaskFailed
from reign.executor.contract import Observations, Pinning
from workers.kubernetes.access import Access
from workers.kubernetes.cluster import Cluster, access_of, connect, connect_again, pins_of
from workers.kubernetes.inputs import Where
from workers.kubernetes.kinds import Ref
from workers.kubernetes.readiness import all_ready, wait_ready
from workers.kubernetes.record import Known, observe, put_all_back, ref_of
from workers.kubernetes.rehearsal import Step, rehearse
from workers.kubernetes.repairs import repaired

WhereT = TypeVar("WhereT", bound=Where)
ResultT = TypeVar("ResultT", bound=OperationResult)
SECRET_NOTE = "the former value of a changed or deleted Secret comes back only if it was given as secret://..."  # noqa: S105


class Placed(OperationResult):
    """Where it happened. Shown last: what happened comes first."""

    context: str = Field(description="the context that it happened in")
    cluster: str | None = Field(None, description="UID of its namespace kube-system")
    namespace: str | None = Field(None, description="none for what belongs to the whole cluster")

    @model_serializer(mode="wrap")
    def _last(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        found: dict[str, Any] = handler(self)
        return found | {name: found.pop(name) for name in Placed.model_fields if name in found}


def placed(cluster: Cluster, namespace: str | None = None) -> dict[str, Any]:
    """The fields of ``Placed``."""
    return {"context": cluster.access.context, "cluster": cluster.uid, "namespace": namespace}


class ObjectOperation(Operation[WhereT, ResultT]):
    """Changes named objects. After a crash it may run again: each of its calls asks for a state, not for a step."""

    undo: ClassVar = Undo.EXACT
    undo_note: ClassVar = f"the former objects, or none; {SECRET_NOTE}"
    converges: ClassVar = True
    pinning: ClassVar = Pinning.ALWAYS

    def pins(self, ctx: Context, inputs: WhereT) -> dict[str, Any]:
        return pins_of(ctx, inputs)

    @abstractmethod
    def refs(self, ctx: Context, inputs: WhereT, access: Access) -> Sequence[Ref]:
        """The objects that these inputs concern. No network."""

    def touches(self, ctx: Context, inputs: WhereT) -> Sequence[str]:
        access = access_of(ctx, inputs)
        return [ref.address(access.context) for ref in self.refs(ctx, inputs, access)]

    def inspect(self, ctx: Context, inputs: WhereT) -> Observations:
        cluster = connect(ctx, inputs)
        return [observe(cluster, ref) for ref in self.refs(ctx, inputs, cluster.access)]

    def repair(self, ctx: Context, inputs: WhereT, failure: TaskFailed) -> Proposal | None:
        return repaired(inputs, failure)

    def restore(self, ctx: Context, inputs: WhereT, before: Observations, now: Observations) -> None:
        # By what was recorded alone: a manifest may have changed since, and another context may be the current one.
        if before:
            cluster = connect_again(ctx, inputs, before[0].facts)
            put_all_back(cluster, list(before), self.known(cluster, inputs))
            ready = [ref_of(seen) for seen in before if _was_ready(seen)]
            wait_ready(cluster, ready, float(getattr(inputs, "timeout", 300.0)))

    def known(self, cluster: Cluster, inputs: WhereT) -> Known:
        """Values of Secrets that the inputs hold."""
        return {}


def _was_ready(seen: Observation) -> bool:
    """What was not ready then need not become so."""
    status = seen.facts.get("status") or {}
    return seen.exists and bool(status.get("readyReplicas")) and status["readyReplicas"] == status.get("replicas")


class AppliedOperation(ObjectOperation[WhereT, ResultT]):
    """Makes objects by server-side apply: rehearsed on the server, applied in order, waited for."""

    timeout: ClassVar = 900.0

    @abstractmethod
    def bodies(self, cluster: Cluster, inputs: WhereT) -> Sequence[dict[str, Any]]:
        """The objects as they shall be, in the order in which they are made."""

    @abstractmethod
    def result(self, cluster: Cluster, inputs: WhereT, steps: Sequence[Step]) -> ResultT:
        """The result, once all is applied and ready."""

    def force(self, inputs: WhereT) -> bool:
        return bool(getattr(inputs, "force", False))

    def waits(self, inputs: WhereT) -> bool:
        return bool(getattr(inputs, "wait", True))

    def preview(self, ctx: Context, inputs: WhereT) -> str | None:
        cluster = connect(ctx, inputs)
        steps = rehearse(cluster, self.bodies(cluster, inputs), self.force(inputs), early=True)
        return "\n".join(text for step in steps if (text := step.diff()))

    def done(self, ctx: Context, inputs: WhereT, seen: Observations) -> ResultT | None:
        if not all(observation.exists for observation in seen) or not seen:
            return None
        cluster = connect(ctx, inputs)
        steps = rehearse(cluster, self.bodies(cluster, inputs), self.force(inputs))
        if any(step.action != "unchanged" for step in steps):
            return None
        if self.waits(inputs) and not all_ready(cluster, [step.ref for step in steps]):
            return None
        return self.result(cluster, inputs, steps)

    def apply(self, ctx: Context, inputs: WhereT, seen: Observations) -> ResultT:
        cluster = connect(ctx, inputs)
        ctx.log(f"context {cluster.access.context} ({cluster.access.server}), cluster {cluster.uid or 'unknown'}")
        steps = rehearse(cluster, self.bodies(cluster, inputs), self.force(inputs))
        for number, step in enumerate(steps):
            ctx.progress(f"applying {step.ref.label}", done=number, total=len(steps))
            self._apply(cluster, step, self.force(inputs))
            ctx.log(f"{step.ref.shown}: {step.action}")
        if self.waits(inputs):
            wait_ready(cluster, [step.ref for step in steps], float(getattr(inputs, "timeout", 300.0)))
        return self.result(cluster, inputs, steps)

    def _apply(self, cluster: Cluster, step: Step, force: bool) -> None:
        before = cluster.get(step.ref)
        if before is not None and before["metadata"].get("deletionTimestamp"):
            cluster.wait_gone(step.ref)
        cluster.apply(step.body, force=force)
        # What comes next may need it: objects a namespace, custom resources their definition.
        if step.ref.kind in ("Namespace", "CustomResourceDefinition"):
            wait_ready(cluster, [step.ref], 60.0)


def workload(cluster: Cluster, ref: Ref) -> dict[str, Any]:
    """The live object. Raises TaskFailed with the nearest right name if it is not there."""
    from reign.core.errors import did_you_mean

    found = cluster.get(ref)
    if found is not None:
        return found
    names = [str(item["metadata"]["name"]) for item in cluster.list(ref.kind, ref.namespace)]
    # What is quoted is what a repair replaces by the nearest name.
    where = f" in namespace {ref.namespace}" if ref.namespace else ""
    raise TaskFailed(
        f"there is no {ref.kind.lower()} {ref.name!r}{where} (context {cluster.access.context})",
        kind=FailureKind.WRONG_INPUT,
        hint=did_you_mean(ref.name, names) or "check `name`, `kind` and `namespace`",
    )


def state(seen: Observations, ref: Ref, context: str) -> Observation | None:
    """The observation of one object, if there is one."""
    return next((item for item in seen if item.resource == ref.address(context)), None)
