"""When an object is ready, as kubectl and Helm see it, and waiting for it with the pods in view."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reign.core.duration import readable
from reign.executor import FailureKind, TaskFailed
from workers.kubernetes import errors, pods
from workers.kubernetes.cluster import Cluster
from workers.kubernetes.kinds import Ref

_EVERY = 0.4  # seconds between looks


@dataclass(frozen=True)
class State:
    """Where an object stands: ready, still on its way (``detail`` says how far), or ``failed`` for good."""

    ready: bool
    detail: str = ""
    failed: bool = False


def state_of(body: Mapping[str, Any]) -> State:
    """The rules of `kubectl rollout status` and `kubectl wait`, by kind; kinds without any are ready at once."""
    rule = _RULES.get(str(body["kind"]))
    return rule(body) if rule else State(True)


def _seen(body: Mapping[str, Any]) -> bool:
    return int((body.get("status") or {}).get("observedGeneration", 0)) >= int(body["metadata"].get("generation", 0))


def _condition(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = (body.get("status") or {}).get("conditions") or ()
    return next((condition for condition in found if condition["type"] == name), {})


def _deployment(body: Mapping[str, Any]) -> State:
    status, wanted = body.get("status") or {}, body["spec"].get("replicas", 1)
    progressing = _condition(body, "Progressing")
    ready = int(status.get("availableReplicas", 0))
    detail = f"{ready} of {wanted} replicas ready"
    if not _seen(body):
        return State(False, "not yet looked at by its controller")
    if progressing.get("reason") == "ProgressDeadlineExceeded":
        return State(False, f"{detail}; no progress within its deadline", failed=True)
    failure = _condition(body, "ReplicaFailure")
    if failure.get("status") == "True":
        return State(False, f"{detail}; {failure.get('message', '')}")
    updated = int(status.get("updatedReplicas", 0))
    if updated < wanted:
        return State(False, f"{detail}; {updated} of {wanted} updated")
    return State(int(status.get("replicas", 0)) == updated and ready >= updated, detail)


def _stateful_set(body: Mapping[str, Any]) -> State:
    status, wanted = body.get("status") or {}, body["spec"].get("replicas", 1)
    ready = int(status.get("readyReplicas", 0))
    detail = f"{ready} of {wanted} replicas ready"
    if not _seen(body) or ready < wanted:
        return State(False, detail)
    if (body["spec"].get("updateStrategy") or {}).get("type") == "OnDelete":
        return State(True, detail)
    partition = int(((body["spec"].get("updateStrategy") or {}).get("rollingUpdate") or {}).get("partition", 0))
    if partition:
        return State(int(status.get("updatedReplicas", 0)) >= wanted - partition, detail)
    return State(status.get("updateRevision") == status.get("currentRevision"), detail)


def _daemon_set(body: Mapping[str, Any]) -> State:
    status = body.get("status") or {}
    wanted, ready = int(status.get("desiredNumberScheduled", 0)), int(status.get("numberAvailable", 0))
    detail = f"{ready} of {wanted} nodes ready"
    return State(_seen(body) and int(status.get("updatedNumberScheduled", 0)) >= wanted and ready >= wanted, detail)


def _replica_set(body: Mapping[str, Any]) -> State:
    wanted, ready = body["spec"].get("replicas", 1), int((body.get("status") or {}).get("readyReplicas", 0))
    return State(_seen(body) and ready >= wanted, f"{ready} of {wanted} replicas ready")


def _job(body: Mapping[str, Any]) -> State:
    if (failed := _condition(body, "Failed")).get("status") == "True":
        return State(False, f"failed: {failed.get('message', failed.get('reason', ''))}", failed=True)
    done = _condition(body, "Complete").get("status") == "True" or bool(body["spec"].get("suspend"))
    return State(done, f"{(body.get('status') or {}).get('succeeded', 0)} of {body['spec'].get('completions', 1)} done")


def _pod(body: Mapping[str, Any]) -> State:
    phase = (body.get("status") or {}).get("phase", "Pending")
    ready = _condition(body, "Ready").get("status") == "True"
    return State(ready or phase == "Succeeded", str(phase), failed=phase == "Failed")


def _definition(body: Mapping[str, Any]) -> State:
    refused = _condition(body, "NamesAccepted")
    if refused.get("status") == "False":
        return State(False, str(refused.get("message", "its names are taken")), failed=True)
    return State(_condition(body, "Established").get("status") == "True", "not yet established")


def _namespace(body: Mapping[str, Any]) -> State:
    phase = (body.get("status") or {}).get("phase", "Active")
    return State(phase == "Active", str(phase))


_RULES = {
    "Deployment": _deployment,
    "StatefulSet": _stateful_set,
    "DaemonSet": _daemon_set,
    "ReplicaSet": _replica_set,
    "Job": _job,
    "Pod": _pod,
    "CustomResourceDefinition": _definition,
    "Namespace": _namespace,
}


def all_ready(cluster: Cluster, refs: Sequence[Ref]) -> bool:
    """Whether every object is there and ready now."""
    for ref in refs:
        live = cluster.get(ref) if ref.kind in _RULES else {}
        if live is None or (live and not state_of(live).ready):
            return False
    return True


def wait_ready(cluster: Cluster, refs: Sequence[Ref], timeout: float) -> None:
    """Returns when all are ready. Raises TaskFailed with the pod, its event and its last log lines if one fails for
    good or ``timeout`` seconds pass."""
    waiting = [ref for ref in refs if ref.kind in _RULES]
    total, end, said = len(waiting), time.monotonic() + timeout, ""
    while waiting:
        ref = waiting[0]
        live = cluster.get(ref)
        state = state_of(live) if live is not None else State(False, "gone again", failed=True)
        if state.ready:
            waiting.pop(0)
            continue
        if state.failed or time.monotonic() > end:
            raise not_ready(cluster, ref, live, state, None if state.failed else timeout)
        shown = f"{ref.label}: {state.detail}{pods.summary(cluster, live) if live else ''}"
        if shown != said:
            said = shown
            cluster.ctx.progress(shown, done=total - len(waiting), total=total)
        cluster.ctx.wait(_EVERY)
    if total:
        cluster.ctx.progress("ready", done=total, total=total)


def not_ready(
    cluster: Cluster, ref: Ref, live: Mapping[str, Any] | None, state: State, after: float | None
) -> TaskFailed:
    """Why an object did not become ready; ``after`` is the timeout that ended the wait."""
    found = pods.diagnose(cluster, live) if live else None
    message = f"{ref.shown} did not become ready"
    if after is not None:
        message += f" within {readable(after)}"
    message += f": {state.detail.rstrip('; ')}"
    details: dict[str, Any] = {"object": ref.label, "detail": state.detail}
    hint = None
    if found:
        message += f"; {found.sentence}" if found.reason else f" {found.sentence}".rstrip()
        hint = found.hint
        details |= found.as_dict()
        if found.log:
            cluster.ctx.log(f"last lines of {found.pod}/{found.container}:\n" + "\n".join(found.log))
    # A failed job or a quota that is used up does not get better by itself, but a slow start may.
    kind = FailureKind.TIMED_OUT if after is not None else FailureKind.CHECK_FAILED
    if "exceeded quota" in message:
        kind, hint = FailureKind.MISSING_PREREQUISITE, errors.QUOTA_HINT
    return TaskFailed(message, kind=(found and found.kind) or kind, hint=hint, retryable=False, details=details)
