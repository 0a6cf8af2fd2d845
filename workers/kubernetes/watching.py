"""kubernetes.pod_status, kubernetes.logs and kubernetes.cluster_info: looking, without changing anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, Field, model_validator

from reign.core.catalog import Effect, OperationResult
from reign.core.errors import did_you_mean
from reign.core.resource import Undo
from reign.executor import Context, FailureKind, Operation, TaskFailed
from reign.executor.contract import Observations
from reign.executor.scope import Scope
from workers.kubernetes import kinds, pods, rehearsing
from workers.kubernetes.cluster import Cluster, connect
from workers.kubernetes.inputs import Name, Namespaced, Where
from workers.kubernetes.kinds import Ref
from workers.kubernetes.objects import Placed, placed

_MOST_PODS = 20  # whose logs are read at once


class Chosen(Namespaced):
    name: Name | None = Field(
        None, description="of a pod, or of the deployment (or other workload) whose pods are meant"
    )
    selector: str | None = Field(None, description='labels instead, e.g. "app=web"')

    @model_validator(mode="after")
    def _one(self) -> Chosen:
        if self.name is not None and self.selector is not None:
            raise ValueError("give either `name` or `selector`")
        return self


def chosen(cluster: Cluster, inputs: Chosen) -> list[dict[str, Any]]:
    """The pods that the inputs mean, by name; all of the namespace where they say neither name nor labels.

    Raises TaskFailed if a named thing is not there.
    """
    namespace = inputs.namespace or cluster.access.namespace
    if inputs.name is None:
        return _sorted(cluster.list("Pod", namespace, labels=inputs.selector or ""))
    if pod := cluster.get(Ref("v1", "Pod", namespace, inputs.name)):
        return [pod]
    for kind in (*kinds.WORKLOADS, "Job", "ReplicaSet"):
        if found := cluster.get(Ref(kinds.BUILT_IN[kind][0], kind, namespace, inputs.name)):
            return _sorted(pods.of(cluster, found))
    names = [str(pod["metadata"]["name"]) for pod in cluster.list("Pod", namespace)]
    raise TaskFailed(
        f"there is no pod and no workload {inputs.name!r} in namespace {namespace} (context {cluster.access.context})",
        kind=FailureKind.WRONG_INPUT,
        hint=did_you_mean(inputs.name, names),
    )


def _sorted(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(found, key=lambda pod: str(pod["metadata"]["name"]))


class Pod(BaseModel):
    """One pod, as `kubectl get pods` shows it."""

    name: str
    status: str = Field(description="Running, or why it is not: ImagePullBackOff, CrashLoopBackOff, Unschedulable...")
    ready: bool
    restarts: int
    message: str = ""
    node: str | None = None
    ip: str | None = None
    images: list[str]

    @classmethod
    def of(cls, body: dict[str, Any]) -> Pod:
        status = body.get("status") or {}
        word, _, message = pods.reason(body)
        return cls(
            name=body["metadata"]["name"],
            status=word,
            ready=pods.ready(body),
            restarts=sum(int(c.get("restartCount", 0)) for c in status.get("containerStatuses") or ()),
            message=message,
            node=body["spec"].get("nodeName"),
            ip=status.get("podIP"),
            images=[str(container["image"]) for container in body["spec"]["containers"]],
        )


class PodStatus(Operation["PodStatus.Inputs", "PodStatus.Result"]):
    name = "kubernetes.pod_status"
    summary = "Show pods and how they are"
    effect = Effect.READ
    undo = Undo.UNNEEDED
    timeout = 60.0

    class Inputs(Chosen):
        pass

    class Result(Placed):
        pods: list[Pod]
        ready: int = Field(description="how many of them are ready")

    def rehearsed(self, inputs: Mapping[str, Any], scope: Scope) -> dict[str, Any] | None:
        return rehearsing.reading(inputs, scope, f"*/{inputs['name']}" if inputs.get("name") else rehearsing.ANYTHING)

    def apply(self, ctx: Context, inputs: Inputs, seen: Observations) -> Result:
        cluster = connect(ctx, inputs)
        found = [Pod.of(body) for body in chosen(cluster, inputs)]
        for pod in found:
            ctx.log(
                f"{pod.name}: {pod.status}{'' if not pod.message else f' ({pod.message})'}, {pod.restarts} restarts"
            )
        return self.Result(
            pods=found,
            ready=sum(pod.ready for pod in found),
            **placed(cluster, inputs.namespace or cluster.access.namespace),
        )


class Logs(Operation["Logs.Inputs", "Logs.Result"]):
    name = "kubernetes.logs"
    summary = "Show the last log lines of pods"
    effect = Effect.READ
    undo = Undo.UNNEEDED
    timeout = 60.0

    class Inputs(Chosen):
        @model_validator(mode="after")
        def _some(self) -> Logs.Inputs:
            if self.name is None and self.selector is None:
                raise ValueError("give either `name` or `selector`")
            return self

        container: str | None = Field(None, description="default: every container of the pod")
        tail: int = Field(100, description="how many lines of each container", ge=1, le=10_000)
        previous: bool = Field(False, description="of the run before the last restart")

    class Result(Placed):
        output: str = Field(description="with several containers, each line begins with [pod/container]")
        pods: list[str]

    def rehearsed(self, inputs: Mapping[str, Any], scope: Scope) -> dict[str, Any] | None:
        return rehearsing.reading(inputs, scope, f"*/{inputs['name']}" if inputs.get("name") else rehearsing.ANYTHING)

    def apply(self, ctx: Context, inputs: Inputs, seen: Observations) -> Result:
        cluster = connect(ctx, inputs)
        namespace = inputs.namespace or cluster.access.namespace
        found = chosen(cluster, inputs)[:_MOST_PODS]
        sources = [
            (str(pod["metadata"]["name"]), str(container["name"]))
            for pod in found
            for container in pod["spec"]["containers"]
            if inputs.container in (None, container["name"])
        ]
        if found and not sources:
            names = sorted({str(c["name"]) for pod in found for c in pod["spec"]["containers"]})
            raise TaskFailed(
                f"no container {inputs.container!r} in {', '.join(p['metadata']['name'] for p in found)}",
                kind=FailureKind.WRONG_INPUT,
                hint=did_you_mean(str(inputs.container), names),
            )
        lines = []
        for pod, container in sources:
            ctx.check()
            text = cluster.logs(namespace, pod, container, inputs.tail, inputs.previous)
            prefix = f"[{pod}/{container}] " if len(sources) > 1 else ""
            lines += [prefix + line for line in text.splitlines()]
        output = ctx.masker.mask("\n".join(lines))
        ctx.log(output, "stdout")
        return self.Result(
            output=output, pods=[str(pod["metadata"]["name"]) for pod in found], **placed(cluster, namespace)
        )


class ClusterInfo(Operation["ClusterInfo.Inputs", "ClusterInfo.Result"]):
    """Its ``cluster`` is what other tasks take as theirs, so that they refuse to change any other."""

    name = "kubernetes.cluster_info"
    summary = "Say which cluster a context leads to"
    effect = Effect.READ
    undo = Undo.UNNEEDED
    timeout = 60.0

    class Inputs(Where):
        pass

    class Result(OperationResult):
        context: str
        cluster: str | None = Field(description="UID of namespace kube-system; none if the account may not read it")
        server: str
        version: str = Field(description="of the API server")
        namespace: str = Field(description="the context's own")

    def apply(self, ctx: Context, inputs: Inputs, seen: Observations) -> Result:
        cluster = connect(ctx, inputs)
        access = cluster.access
        return self.Result(
            context=access.context,
            cluster=cluster.uid,
            server=access.server,
            version=cluster.version,
            namespace=access.namespace,
        )
