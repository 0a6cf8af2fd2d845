"""kubernetes.apply and kubernetes.delete: manifests of any kinds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field, model_validator

from reign.core.catalog import Effect
from reign.core.findings import Finding, Severity
from reign.core.resource import Undo
from reign.executor import Context, TaskFailed
from reign.executor.contract import Assessment, Observations, Sealing
from reign.executor.scope import Scope
from workers.kubernetes import kinds, manifests, rehearsing
from workers.kubernetes.access import Access
from workers.kubernetes.cluster import Cluster, connect
from workers.kubernetes.inputs import Name, Namespaced, Waits
from workers.kubernetes.kinds import Ref
from workers.kubernetes.objects import SECRET_NOTE, AppliedOperation, ObjectOperation, Placed, placed
from workers.kubernetes.on_disk import secret_on_disk
from workers.kubernetes.record import Known, observe, values_of
from workers.kubernetes.rehearsal import Step, diff_of
from workers.kubernetes.sealing import sealed_inputs

_MANIFEST = "a manifest file, a folder of them, a kustomization, or the manifest itself as text, object or list"
Manifest = str | dict[str, Any] | list[dict[str, Any]]


class Apply(AppliedOperation["Apply.Inputs", "Apply.Result"]):
    """Kinds that others need come first: a CustomResourceDefinition before its custom resources."""

    name = "kubernetes.apply"
    summary = "Apply a manifest"
    secrets = ("manifest",)
    undo_note = (
        f"the former objects, or none; {SECRET_NOTE}; a namespace or a kind that it made goes only if nothing of "
        "others is in it"
    )

    class Inputs(Waits):
        manifest: Manifest = Field(description=_MANIFEST)
        force: bool = Field(False, description="take over fields that another field manager owns")

    class Result(Placed):
        objects: list[str] = Field(description='what the manifest holds, e.g. "deployment/web"')
        changed: list[str] = Field(description="which of them were created or changed")

    def sealed(self, inputs: Mapping[str, Any], sealing: Sealing) -> Mapping[str, Any]:
        return sealed_inputs(inputs, sealing)

    def rehearsed(self, inputs: Mapping[str, Any], scope: Scope) -> dict[str, Any] | None:
        return rehearsing.namespaced(inputs, scope, rehearsing.labels_in(inputs["manifest"], scope))

    def refs(self, ctx: Context, inputs: Inputs, access: Access) -> Sequence[Ref]:
        if manifests.missing_file(ctx, inputs.manifest):
            return ()
        return [Ref.of(body) for body in manifests.load(ctx, inputs.manifest, access, inputs.namespace)]

    def bodies(self, cluster: Cluster, inputs: Inputs) -> Sequence[dict[str, Any]]:
        return manifests.load(cluster.ctx, inputs.manifest, cluster.access, inputs.namespace)

    def result(self, cluster: Cluster, inputs: Inputs, steps: Sequence[Step]) -> Result:
        return self.Result(
            objects=[step.ref.label for step in steps],
            changed=[step.ref.label for step in steps if step.action != "unchanged"],
            **placed(cluster, inputs.namespace or cluster.access.namespace),
        )

    def known(self, cluster: Cluster, inputs: Inputs) -> Known:
        """What the manifest says of Secrets, if it is still there: an undo of the undo goes back to that."""
        try:
            bodies = self.bodies(cluster, inputs)
        except TaskFailed:
            return {}
        known = (values_of(Ref.of(body).address(cluster.access.context), body) for body in bodies)
        return {address: values for found in known for address, values in found.items()}

    def assess(self, inputs: Inputs) -> Assessment:
        exact = super().assess(inputs)
        if manifests.is_open(inputs.manifest):
            return replace(
                exact, undo=Undo.COMPENSATING, note=f"what is applied is known only in the run: {exact.note}"
            )
        if not manifests.secret_inside(inputs.manifest):
            return exact
        found = tuple(_in_clear(name) for name in manifests.secrets_in_clear(inputs.manifest))
        return replace(exact, undo=Undo.COMPENSATING, findings=found)

    def assess_in(self, inputs: Inputs, workdir: Path) -> Assessment:
        return _with_files(self.assess(inputs), inputs.manifest, workdir)


def _with_files(found: Assessment, manifest: Any, workdir: Path) -> Assessment:
    """The values of a Secret are not kept, wherever the manifest stands."""
    if found.undo is Undo.EXACT and secret_on_disk(manifest, workdir):
        return replace(found, undo=Undo.COMPENSATING)
    return found


def _in_clear(secret: str) -> Finding:
    return Finding(
        rule="kubernetes.secret-in-clear",
        severity=Severity.HIGH,
        message=f"the values of Secret {secret} stand in the plan, which is recorded and shown",
        remedy="write references: `stringData: {password: secret://env/PASSWORD}`, or keep the manifest in a file",
    )


class Delete(ObjectOperation["Delete.Inputs", "Delete.Result"]):
    """What an object owns goes with it (foreground deletion), and comes back with it."""

    name = "kubernetes.delete"
    summary = "Delete objects"
    secrets = ("manifest",)
    effect = Effect.DESTROY
    timeout = 900.0
    undo_note = (
        f"recreated from the recorded objects; {SECRET_NOTE}, and what stood in a volume, a namespace or under a "
        "CustomResourceDefinition is lost"
    )

    class Inputs(Namespaced):
        manifest: Manifest | None = Field(None, description=_MANIFEST)
        kind: str | None = Field(None, description="instead of a manifest: the kind, e.g. deployment")
        name: Name | None = Field(None, description="and the name")

        @model_validator(mode="after")
        def _one_or_the_other(self) -> Delete.Inputs:
            if (self.manifest is None) == (self.kind is None and self.name is None):
                raise ValueError("give either `manifest`, or `kind` and `name`")
            if self.manifest is None and (self.kind is None or self.name is None):
                raise ValueError("give `kind` and `name` together, e.g. kind: deployment, name: web")
            return self

    class Result(Placed):
        deleted: list[str] = Field(description='what is gone, e.g. "deployment/web"')

    def sealed(self, inputs: Mapping[str, Any], sealing: Sealing) -> Mapping[str, Any]:
        return sealed_inputs(inputs, sealing)

    def rehearsed(self, inputs: Mapping[str, Any], scope: Scope) -> dict[str, Any] | None:
        return rehearsing.deleting(inputs, scope)

    def refs(self, ctx: Context, inputs: Inputs, access: Access) -> Sequence[Ref]:
        if inputs.manifest is not None:
            if manifests.missing_file(ctx, inputs.manifest):
                return ()
            found = manifests.load(ctx, inputs.manifest, access, inputs.namespace)
            return [Ref.of(body) for body in reversed(found)]
        assert inputs.kind is not None
        assert inputs.name is not None
        namespace = inputs.namespace or access.namespace
        known = kinds.built_in(inputs.kind)
        if known is None:  # a custom kind: only the cluster knows its group
            return [Ref("?", inputs.kind.lower(), namespace, inputs.name)]
        version, kind = known
        return [Ref(version, kind, None if kind in kinds.CLUSTER_WIDE else namespace, inputs.name)]

    def _known(self, cluster: Cluster, ref: Ref) -> Ref:
        if ref.api_version != "?":
            return ref
        version, kind = cluster.kind_named(ref.kind)
        return Ref(version, kind, ref.namespace, ref.name)

    def inspect(self, ctx: Context, inputs: Inputs) -> Observations:
        cluster = connect(ctx, inputs)
        seen = []
        for ref in self.refs(ctx, inputs, cluster.access):
            found = observe(cluster, self._known(cluster, ref))
            seen.append(found.model_copy(update={"resource": ref.address(cluster.access.context)}))
        return seen

    def preview(self, ctx: Context, inputs: Inputs) -> str | None:
        cluster = connect(ctx, inputs)
        refs = [self._known(cluster, ref) for ref in self.refs(ctx, inputs, cluster.access)]
        return "\n".join(diff_of(ref, observe(cluster, ref).state or None, None) for ref in refs)

    def done(self, ctx: Context, inputs: Inputs, seen: Observations) -> Result | None:
        if not seen or any(item.exists for item in seen):
            return None
        return self.Result(deleted=[], **placed(connect(ctx, inputs), inputs.namespace))

    def apply(self, ctx: Context, inputs: Inputs, seen: Observations) -> Result:
        cluster = connect(ctx, inputs)
        if inputs.manifest is not None:  # a file that is not there is told now
            manifests.load(ctx, inputs.manifest, cluster.access, inputs.namespace)
        refs = [self._known(cluster, ref) for ref in self.refs(ctx, inputs, cluster.access)]
        there = [ref for ref in refs if cluster.get(ref) is not None]
        for number, ref in enumerate(there):
            ctx.progress(f"deleting {ref.label}", done=number, total=len(there))
            cluster.delete(ref)
        for ref in there:
            cluster.wait_gone(ref, ctx.remaining())
            ctx.log(f"{ref.shown}: deleted")
        return self.Result(deleted=[ref.label for ref in there], **placed(cluster, inputs.namespace))

    _SYSTEM: ClassVar = frozenset({"kube-system", "kube-public", "kube-node-lease", "default"})

    def assess(self, inputs: Inputs) -> Assessment:
        usual = super().assess(inputs)
        known = kinds.built_in(str(inputs.kind)) if inputs.kind else None
        kind = known[1] if known else ""
        if kind == "Namespace" and inputs.name in self._SYSTEM:
            return Assessment(usual.effect, Undo.NONE, refuses=f"namespace {inputs.name} belongs to the cluster itself")
        if kind in ("Namespace", "CustomResourceDefinition", "PersistentVolume", "PersistentVolumeClaim"):
            asks = f"deleting {kind.lower()} {inputs.name} takes away what is in it, which cannot be brought back"
            return Assessment(usual.effect, Undo.COMPENSATING, asks=asks, note=self.undo_note)
        unknown = manifests.is_open(inputs.manifest) or "${{" in str(inputs.kind)
        if unknown or kind == "Secret" or (inputs.manifest is not None and manifests.secret_inside(inputs.manifest)):
            return Assessment(usual.effect, Undo.COMPENSATING, asks=usual.asks, note=self.undo_note)
        return usual

    def assess_in(self, inputs: Inputs, workdir: Path) -> Assessment:
        return _with_files(self.assess(inputs), inputs.manifest, workdir)
