"""What is kept of an object: enough to bring it back, nothing that the cluster decides, and no Secret in clear."""

from __future__ import annotations

import base64
import binascii
import copy
import json
from collections.abc import Collection, Mapping
from typing import Any

from reign.core.resource import Observation, canonical
from reign.executor import Context, FailureKind, TaskFailed
from reign.security import secrets
from workers.kubernetes import origins
from workers.kubernetes.cluster import Cluster
from workers.kubernetes.digests import digest_of
from workers.kubernetes.inhabitants import INHABITED, refuse_if_inhabited
from workers.kubernetes.kinds import Ref

_VOLATILE = (
    "managedFields", "resourceVersion", "uid", "creationTimestamp", "generation", "selfLink", "deletionTimestamp",
    "deletionGracePeriodSeconds",
)  # fmt: skip
_OF_CONTROLLERS = (
    "deployment.kubernetes.io/revision", "deployment.kubernetes.io/revision-history",
    "deprecated.daemonset.template.generation", "pv.kubernetes.io/bind-completed",
    "pv.kubernetes.io/bound-by-controller", "volume.kubernetes.io/selected-node",
    "volume.kubernetes.io/storage-provisioner", "volume.beta.kubernetes.io/storage-provisioner",
    "batch.kubernetes.io/job-tracking",
)  # fmt: skip
#: kubectl keeps the whole manifest in it, for a Secret with its data in clear.
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_JOB_LABELS = ("controller-uid", "job-name", "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name")


def clean(body: Mapping[str, Any]) -> dict[str, Any]:
    """The object without what the cluster adds: status, ownership, versions, what controllers note."""
    kept = copy.deepcopy({key: value for key, value in body.items() if key != "status"})
    meta = kept["metadata"]
    for name in _VOLATILE:
        meta.pop(name, None)
    notes = {name: text for name, text in (meta.get("annotations") or {}).items() if name not in _OF_CONTROLLERS}
    meta["annotations"] = notes
    for name in ("annotations", "labels"):
        if not meta.get(name):
            meta.pop(name, None)
    special = _SPECIAL.get(kept["kind"])
    if special:
        special(kept)
    return kept


def _clean_job(body: dict[str, Any]) -> None:
    spec = body["spec"]
    if not spec.get("manualSelector"):
        spec.pop("selector", None)
        for meta in (body["metadata"], spec["template"].get("metadata") or {}):
            labels = {name: text for name, text in (meta.get("labels") or {}).items() if name not in _JOB_LABELS}
            meta.pop("labels", None)
            if labels:
                meta["labels"] = labels


def _clean_pod(body: dict[str, Any]) -> None:
    spec = body["spec"]
    spec.pop("nodeName", None)
    token = "kube-api-access-"  # noqa: S105 - the name that every cluster gives this volume
    spec["volumes"] = [v for v in spec.get("volumes") or () if not v["name"].startswith(token)]
    for container in [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]:
        container["volumeMounts"] = [m for m in container.get("volumeMounts") or () if not m["name"].startswith(token)]


def _clean_claim(body: dict[str, Any]) -> None:
    body["spec"].pop("volumeName", None)


def _clean_namespace(body: dict[str, Any]) -> None:
    body.pop("spec", None)


_SPECIAL = {
    "Job": _clean_job,
    "Pod": _clean_pod,
    "PersistentVolumeClaim": _clean_claim,
    "Namespace": _clean_namespace,
}


# Secrets


def is_secret(body: Mapping[str, Any]) -> bool:
    return body.get("kind") == "Secret" and body.get("apiVersion") == "v1"


def _values(body: Mapping[str, Any]) -> dict[str, bytes]:
    """The decoded values of a Secret; stringData wins, as in the API."""
    found: dict[str, bytes] = {}
    for name, text in (body.get("data") or {}).items():
        try:
            found[name] = base64.b64decode(text or "", validate=True)
        except (binascii.Error, TypeError, ValueError):
            found[name] = str(text).encode()
    for name, text in (body.get("stringData") or {}).items():
        found[name] = str(text).encode()
    return found


def hidden(body: Mapping[str, Any], salt: str) -> dict[str, Any]:
    """A Secret with a digest for each value; any other object as it is. The salted, slow digest (scrypt, N=2^12) shows
    that a value differs, and does not let a short one be guessed."""
    if not is_secret(body):
        return dict(body)
    kept = copy.deepcopy({key: value for key, value in body.items() if key not in ("data", "stringData")})
    (kept["metadata"].get("annotations") or {}).pop(LAST_APPLIED, None)
    if not kept["metadata"].get("annotations"):
        kept["metadata"].pop("annotations", None)
    kept["data"] = {name: digest_of(value, f"{salt}/{name}") for name, value in sorted(_values(body).items())}
    return kept


# Observations


def observe(cluster: Cluster, ref: Ref) -> Observation:
    """What is there of one object now."""
    address = ref.address(cluster.access.context)
    live = cluster.get(ref)
    facts: dict[str, Any] = {
        "context": cluster.access.context,
        "cluster": cluster.uid,
        "ref": [ref.api_version, ref.kind, ref.namespace, ref.name],
    }
    if live is None:
        return Observation(resource=address, exists=False, facts=facts)
    facts |= {"uid": live["metadata"].get("uid"), "status": _shown_status(live)}
    state = hidden(clean(live), address)
    if is_secret(live):
        facts["sources"] = _sources(cluster.ctx, address, live, state["data"])
    return Observation(resource=address, exists=True, state=state, facts=facts)


def _shown_status(live: Mapping[str, Any]) -> dict[str, Any]:
    status = live.get("status") or {}
    return {name: status[name] for name in ("replicas", "readyReplicas", "phase") if name in status}


def _sources(ctx: Context, address: str, live: Mapping[str, Any], digests: Mapping[str, str]) -> dict[str, str]:
    """From which secret reference each value came, where that is known: these an undo can bring back."""
    found = {}
    recorded = ctx.recorded(address)
    for name, value in _values(live).items():
        reference = ctx.masker.record(value.decode(errors="replace"))
        if isinstance(reference, str) and secrets.REFERENCE.fullmatch(reference):
            found[name] = reference
        elif recorded and recorded.exists and recorded.state.get("data", {}).get(name) == digests[name]:
            known = recorded.facts.get("sources", {})
            found |= {name: known[name]} if name in known else {}
    return found


def ref_of(observation: Observation) -> Ref:
    version, kind, namespace, name = observation.facts["ref"]
    return Ref(version, kind, namespace, name)


#: Kinds that can be made anew in the place of a look-alike: nothing is lost with one but what its fields say.
_HOLD_NOTHING = ("Service", "Deployment", "DaemonSet", "ConfigMap", "Secret", "RoleBinding", "ClusterRoleBinding")

#: Values of Secrets that are known from elsewhere, by address and key.
Known = Mapping[str, Mapping[str, bytes]]


def values_of(address: str, body: Mapping[str, Any]) -> dict[str, dict[str, bytes]]:
    """The values of a Secret that is at hand in clear, as ``Known``; empty for any other object."""
    return {address: _values(body)} if is_secret(body) else {}


def put_back(cluster: Cluster, before: Observation, known: Known | None = None, own: Collection[Ref] = ()) -> None:
    """Brings one object back to what was observed; ``own``: what else goes. Repeatable. Raises TaskFailed."""
    ref = ref_of(before)
    live = cluster.get(ref)
    if not before.exists:
        if live is not None:
            refuse_if_inhabited(cluster, ref, live, own)
            cluster.delete(ref, uid=live["metadata"]["uid"])
            cluster.wait_gone(ref)
        return
    if live is not None and live["metadata"].get("deletionTimestamp"):
        cluster.wait_gone(ref)
        live = None
    if live is not None and canonical(hidden(clean(live), before.resource)) == canonical(before.state):
        return
    body = json.loads(canonical(before.state))
    if is_secret(body):
        body["data"] = _reveal(cluster.ctx, before, live, (known or {}).get(before.resource, {}))
    elif origins.ANNOTATION in (body["metadata"].get("annotations") or {}):
        body = origins.noted(cluster.ctx, origins.whole(body, live))  # a reference may lead to another value by now
    if live is None:
        cluster.create(body)
        return
    replacement = json.loads(canonical(body))
    replacement["metadata"]["resourceVersion"] = live["metadata"]["resourceVersion"]
    try:
        cluster.replace(_with_engine_parts(replacement, live))
    except TaskFailed as error:
        another = before.identity not in (None, live["metadata"]["uid"])
        if not another or error.kind is not FailureKind.WRONG_INPUT or ref.kind not in _HOLD_NOTHING:
            raise
        # It differs in what may not change (an address, a selector), and is not the recorded object anyway.
        cluster.delete(ref, uid=live["metadata"]["uid"])
        cluster.wait_gone(ref)
        cluster.create(body)


def _with_engine_parts(body: dict[str, Any], live: Mapping[str, Any]) -> dict[str, Any]:
    """A replacement with what ``clean`` left out and an update may not remove."""
    for part in ("selector", "volumeName", "nodeName"):
        if body["kind"] in _SPECIAL and part in (live.get("spec") or {}):
            body.setdefault("spec", {}).setdefault(part, live["spec"][part])
    if body["kind"] in ("Job", "Pod"):
        # Nearly all of their spec is immutable: what can differ is in the metadata and a few counts.
        changed = {k: v for k, v in body["spec"].items() if k in ("parallelism", "suspend", "activeDeadlineSeconds")}
        body["spec"] = {**live["spec"], **changed}
    notes = (live["metadata"].get("annotations") or {}).items()
    kept = {name: text for name, text in notes if name in _OF_CONTROLLERS}
    if kept:
        body["metadata"]["annotations"] = {**kept, **(body["metadata"].get("annotations") or {})}
    return body


def _reveal(
    ctx: Context, before: Observation, live: Mapping[str, Any] | None, known: Mapping[str, bytes]
) -> dict[str, str]:
    """The data of a recorded Secret: values that never changed are still there, others come by their reference, or
    stand in the manifest that the task was given."""
    data, lost = {}, []
    there = _values(live) if live else {}
    sources = before.facts.get("sources", {})
    for name, kept in before.state["data"].items():
        # The engine has resolved references by now; outside of it they may still stand here.
        candidates = [values[name] for values in (there, known) if name in values]
        if name in sources:
            candidates.append(str(secrets.resolve(sources[name], ctx.masker)).encode())
        for value in candidates:
            if digest_of(value, f"{before.resource}/{name}") == kept:
                data[name] = base64.b64encode(value).decode()
                break
        else:
            lost.append(name)
    if lost:
        raise TaskFailed(
            f"{ref_of(before).shown} cannot be brought back: the former value of {', '.join(lost)} is not known, "
            "because REIGN keeps digests of Secrets, never their values",
            kind=FailureKind.MISSING_PREREQUISITE,
            hint="apply it again from where its values are kept; values given as secret://... come back by themselves",
            details={"keys": lost},
        )
    return data


_TOLD_LAST = (FailureKind.MISSING_PREREQUISITE, FailureKind.WRONG_INPUT)


def put_all_back(cluster: Cluster, before: list[Observation], known: Known | None = None) -> None:
    """Brings all objects back, in the order in which they depend on each other; what cannot come back is told last."""
    from workers.kubernetes.kinds import rank

    ordered = sorted(before, key=lambda seen: rank(ref_of(seen).kind))
    own = [ref_of(seen) for seen in before if not seen.exists]
    failures: list[TaskFailed] = []
    for seen in [s for s in reversed(ordered) if not s.exists] + [s for s in ordered if s.exists]:
        cluster.ctx.progress(f"putting back {ref_of(seen).label}")
        try:
            put_back(cluster, seen, known, own)
        except TaskFailed as error:
            if error.kind not in _TOLD_LAST and error.details.get("reason") != INHABITED:
                raise
            failures.append(error)
    if failures:
        first = failures[0]
        more = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
        raise TaskFailed(first.message + more, kind=first.kind, hint=first.hint, details=first.details)
