"""kubernetes.create_deployment, expose, scale and create_namespace: what people ask for without a manifest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import Field, field_validator

from reign.executor import Context, FailureKind, TaskFailed
from reign.executor.contract import Observations
from reign.executor.scope import Scope
from workers.kubernetes import kinds, rehearsing
from workers.kubernetes.access import Access
from workers.kubernetes.cluster import Cluster, connect, connect_again
from workers.kubernetes.inputs import Name, Namespaced, Text, Waits, Where
from workers.kubernetes.kinds import Ref
from workers.kubernetes.objects import AppliedOperation, ObjectOperation, Placed, placed, workload
from workers.kubernetes.readiness import all_ready, wait_ready
from workers.kubernetes.record import ref_of
from workers.kubernetes.rehearsal import Step

_SCALED = ("Deployment", "StatefulSet", "ReplicaSet", "ReplicationController")


def workload_kind(word: str, allowed: Sequence[str]) -> str:
    """The kind that a word means. Raises ValueError with those there are."""
    found = kinds.built_in(word)
    if found is None or found[1] not in allowed:
        raise ValueError(f"{word!r} is none of {', '.join(kind.lower() for kind in allowed)}")
    return found[1]


def workload_ref(kind: str, name: str, namespace: str) -> Ref:
    return Ref(kinds.BUILT_IN[kind][0], kind, namespace, name)


class CreateDeployment(AppliedOperation["CreateDeployment.Inputs", "CreateDeployment.Result"]):
    name = "kubernetes.create_deployment"
    summary = "Create or change a deployment and wait until it is ready"
    variables = ("env",)

    class Inputs(Waits):
        name: Name = Field(description="of the deployment")
        image: str = Field(description="e.g. nginx:1.27 or registry/name@sha256:...", min_length=1)
        replicas: int = Field(1, description="how many pods", ge=0)
        port: int | None = Field(None, description="the container's port", ge=1, le=65535)
        env: dict[str, Text] = Field(default_factory=dict, description="environment variables")
        resources: dict[str, Any] | None = Field(
            None, description="{requests: {cpu, memory}, limits: {cpu, memory}}, or cpu and memory for both"
        )
        labels: dict[str, Text] = Field(default_factory=dict, description="further labels")
        command: list[str] | None = Field(None, description="instead of the image's entrypoint")
        args: list[str] | None = Field(None, description="instead of the image's command")
        force: bool = Field(False, description="take over fields that another field manager owns")

        @field_validator("env", mode="before")
        @classmethod
        def _pairs(cls, value: Any) -> Any:
            if isinstance(value, list):
                return {name: text for name, _, text in (str(item).partition("=") for item in value)}
            return value or {}

        @field_validator("resources")
        @classmethod
        def _both(cls, value: dict[str, Any] | None) -> dict[str, Any] | None:
            if value is None or not set(value) - {"requests", "limits", "claims"}:
                return value
            if set(value) <= {"cpu", "memory", "ephemeral-storage"}:
                return {"requests": value, "limits": value}
            raise ValueError("resources holds requests and limits, or cpu and memory for both")

    class Result(Placed):
        name: str
        image: str
        ready_replicas: int

    def rehearsed(self, inputs: Mapping[str, Any], scope: Scope) -> dict[str, Any] | None:
        return rehearsing.namespaced(inputs, scope, [f"deployment/{inputs['name']}"])

    def refs(self, ctx: Context, inputs: Inputs, access: Access) -> Sequence[Ref]:
        return [workload_ref("Deployment", inputs.name, inputs.namespace or access.namespace)]

    def bodies(self, cluster: Cluster, inputs: Inputs) -> Sequence[dict[str, Any]]:
        [ref] = self.refs(cluster.ctx, inputs, cluster.access)
        container: dict[str, Any] = {"name": inputs.name.replace(".", "-"), "image": inputs.image}
        if inputs.port:
            container["ports"] = [{"containerPort": inputs.port, "protocol": "TCP"}]
        if inputs.env:
            container["env"] = [{"name": name, "value": value} for name, value in inputs.env.items()]
        for part in ("resources", "command", "args"):
            if (given := getattr(inputs, part)) is not None:
                container[part] = given
        own = {"app": inputs.name}
        labels = {**inputs.labels, **own}
        return [
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {"name": inputs.name, "namespace": ref.namespace, "labels": labels},
                "spec": {
                    "replicas": inputs.replicas,
                    "selector": {"matchLabels": own},
                    "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
                },
            }
        ]

    def result(self, cluster: Cluster, inputs: Inputs, steps: Sequence[Step]) -> Result:
        live = workload(cluster, steps[0].ref)
        return self.Result(
            name=inputs.name,
            image=inputs.image,
            ready_replicas=int((live.get("status") or {}).get("readyReplicas", 0)),
            **placed(cluster, steps[0].ref.namespace),
        )


class Expose(AppliedOperation["Expose.Inputs", "Expose.Result"]):
    name = "kubernetes.expose"
    summary = "Make a service for a deployment"
    undo_note = "the service as it was before, or none"

    class Inputs(Namespaced):
        name: Name = Field(description="of the deployment; the service gets it too")
        port: int = Field(description="the service's port", ge=1, le=65535)
        target_port: int | str | None = Field(
            None, description="the container's port or its name (default: the only one that it declares, else `port`)"
        )
        type: Literal["ClusterIP", "NodePort", "LoadBalancer"] = Field("ClusterIP", description="who can reach it")
        kind: str = Field(
            "deployment", validate_default=True, description="deployment, statefulset, daemonset or replicaset"
        )
        service: Name | None = Field(None, description="another name for the service")
        force: bool = Field(False, description="take over fields that another field manager owns")

        @field_validator("kind")
        @classmethod
        def _known(cls, value: str) -> str:
            return workload_kind(value, (*kinds.WORKLOADS, "ReplicaSet"))

        @field_validator("type", mode="before")
        @classmethod
        def _spelling(cls, value: Any) -> Any:
            by_word = {"clusterip": "ClusterIP", "nodeport": "NodePort", "loadbalancer": "LoadBalancer"}
            return by_word.get(str(value).lower(), value)

    class Result(Placed):
        service: str
        cluster_ip: str
        port: int
        node_port: int | None = None

    def rehearsed(self, inputs: Mapping[str, Any], scope: Scope) -> dict[str, Any] | None:
        moved = rehearsing.using(inputs, scope, rehearsing.label_of(inputs.get("kind", "deployment"), inputs["name"]))
        rehearsing.namespaced(inputs, scope, [f"service/{inputs.get('service') or inputs['name']}"])
        return moved

    def refs(self, ctx: Context, inputs: Inputs, access: Access) -> Sequence[Ref]:
        return [Ref("v1", "Service", inputs.namespace or access.namespace, inputs.service or inputs.name)]

    def bodies(self, cluster: Cluster, inputs: Inputs) -> Sequence[dict[str, Any]]:
        [ref] = self.refs(cluster.ctx, inputs, cluster.access)
        assert ref.namespace is not None
        exposed = workload(cluster, workload_ref(inputs.kind, inputs.name, ref.namespace))
        labels = exposed["spec"]["selector"].get("matchLabels")
        if not labels:
            raise TaskFailed(
                f"{inputs.kind.lower()}/{inputs.name} selects its pods by expressions, which a service cannot",
                kind=FailureKind.WRONG_INPUT,
                hint="apply a service manifest of your own (kubernetes.apply)",
            )
        target = inputs.target_port if inputs.target_port is not None else _target(exposed, inputs.port)
        port = {"port": inputs.port, "targetPort": target, "protocol": "TCP"}
        return [
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"name": ref.name, "namespace": ref.namespace, "labels": dict(labels)},
                "spec": {"type": inputs.type, "selector": dict(labels), "ports": [port]},
            }
        ]

    def result(self, cluster: Cluster, inputs: Inputs, steps: Sequence[Step]) -> Result:
        live = workload(cluster, steps[0].ref)
        port = live["spec"]["ports"][0]
        return self.Result(
            service=steps[0].ref.name,
            cluster_ip=str(live["spec"].get("clusterIP", "")),
            port=inputs.port,
            node_port=port.get("nodePort"),
            **placed(cluster, steps[0].ref.namespace),
        )


def _target(exposed: dict[str, Any], port: int) -> int:
    containers = exposed["spec"]["template"]["spec"]["containers"]
    declared = {int(p["containerPort"]) for container in containers for p in container.get("ports") or ()}
    return next(iter(declared)) if len(declared) == 1 else port


class Scale(ObjectOperation["Scale.Inputs", "Scale.Result"]):
    name = "kubernetes.scale"
    summary = "Set the number of replicas and wait until they are ready"
    undo_note = "the former number of replicas"
    timeout = 900.0

    class Inputs(Waits):
        name: Name = Field(description="of the deployment")
        replicas: int = Field(description="how many pods", ge=0, le=100_000)
        kind: str = Field("deployment", validate_default=True, description="deployment, statefulset or replicaset")

        @field_validator("kind")
        @classmethod
        def _known(cls, value: str) -> str:
            return workload_kind(value, _SCALED)

    class Result(Placed):
        replicas: int
        ready_replicas: int

    def rehearsed(self, inputs: Mapping[str, Any], scope: Scope) -> dict[str, Any] | None:
        return rehearsing.using(inputs, scope, rehearsing.label_of(inputs.get("kind", "deployment"), inputs["name"]))

    def refs(self, ctx: Context, inputs: Inputs, access: Access) -> Sequence[Ref]:
        return [workload_ref(inputs.kind, inputs.name, inputs.namespace or access.namespace)]

    def preview(self, ctx: Context, inputs: Inputs) -> str | None:
        cluster = connect(ctx, inputs)
        [ref] = self.refs(ctx, inputs, cluster.access)
        now = workload(cluster, ref)["spec"].get("replicas", 1)
        return (
            "" if now == inputs.replicas else f"{ref.shown} changes\n-replicas: {now}\n+replicas: {inputs.replicas}\n"
        )

    def done(self, ctx: Context, inputs: Inputs, seen: Observations) -> Result | None:
        if not seen[0].exists or seen[0].state["spec"].get("replicas", 1) != inputs.replicas:
            return None
        cluster = connect(ctx, inputs)
        ref = ref_of(seen[0])
        return None if inputs.wait and not all_ready(cluster, [ref]) else self._result(cluster, ref)

    def apply(self, ctx: Context, inputs: Inputs, seen: Observations) -> Result:
        cluster = connect(ctx, inputs)
        [ref] = self.refs(ctx, inputs, cluster.access)
        workload(cluster, ref)
        cluster.patch(ref, {"spec": {"replicas": inputs.replicas}})
        if inputs.wait:
            wait_ready(cluster, [ref], inputs.timeout)
        return self._result(cluster, ref)

    def _result(self, cluster: Cluster, ref: Ref) -> Result:
        live = workload(cluster, ref)
        return self.Result(
            replicas=int(live["spec"].get("replicas", 1)),
            ready_replicas=int((live.get("status") or {}).get("readyReplicas", 0)),
            **placed(cluster, ref.namespace),
        )

    def restore(self, ctx: Context, inputs: Inputs, before: Observations, now: Observations) -> None:
        if not before or not before[0].exists:
            return
        cluster = connect_again(ctx, inputs, before[0].facts)
        ref = ref_of(before[0])
        wanted = before[0].state["spec"].get("replicas", 1)
        if workload(cluster, ref)["spec"].get("replicas", 1) != wanted:
            cluster.patch(ref, {"spec": {"replicas": wanted}})
        wait_ready(cluster, [ref], inputs.timeout)


class CreateNamespace(AppliedOperation["CreateNamespace.Inputs", "CreateNamespace.Result"]):
    name = "kubernetes.create_namespace"
    summary = "Create a namespace"
    undo_note = "deleted if it was created and nothing of others is in it; else its former labels"

    class Inputs(Where):
        name: Name = Field(description="of the namespace")
        labels: dict[str, Text] = Field(default_factory=dict, description="its labels")

    class Result(Placed):
        name: str

    def rehearsed(self, inputs: Mapping[str, Any], scope: Scope) -> dict[str, Any] | None:
        return rehearsing.new_namespace(inputs, scope)

    def refs(self, ctx: Context, inputs: Inputs, access: Access) -> Sequence[Ref]:
        return [Ref("v1", "Namespace", None, inputs.name)]

    def bodies(self, cluster: Cluster, inputs: Inputs) -> Sequence[dict[str, Any]]:
        labels = {"labels": dict(inputs.labels)} if inputs.labels else {}
        return [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": inputs.name, **labels}}]

    def result(self, cluster: Cluster, inputs: Inputs, steps: Sequence[Step]) -> Result:
        return self.Result(name=inputs.name, **placed(cluster, inputs.name))
