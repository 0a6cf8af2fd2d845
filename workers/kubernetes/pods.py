"""Pods: which belong to what, how they are, and why one of them does not become ready."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reign.executor import FailureKind, TaskFailed
from workers.kubernetes.cluster import Cluster

_LOG_LINES = 10
_HINTS = {
    "ImagePullBackOff": "check the image's name and tag, and the pull secret of the service account",
    "ErrImagePull": "check the image's name and tag, and the pull secret of the service account",
    "InvalidImageName": "the image's name is not a valid reference",
    "CrashLoopBackOff": "the program ends by itself; its last lines are above",
    "Error": "the program ends by itself; its last lines are above",
    "CreateContainerConfigError": "a ConfigMap or Secret that it refers to is missing",
    "Unschedulable": "no node has room for it, or fits its rules",
    "Unhealthy": "look at the readiness probe: its path, its port, its delay",
    "OOMKilled": "it needs more memory than its limit",
}
#: What more time does not mend.
_KINDS = {
    "ImagePullBackOff": FailureKind.MISSING_PREREQUISITE,
    "ErrImagePull": FailureKind.MISSING_PREREQUISITE,
    "InvalidImageName": FailureKind.WRONG_INPUT,
    "CrashLoopBackOff": FailureKind.UNKNOWN,
    "CreateContainerConfigError": FailureKind.MISSING_PREREQUISITE,
    "Unschedulable": FailureKind.MISSING_PREREQUISITE,
    "OOMKilled": FailureKind.UNKNOWN,
}


def of(cluster: Cluster, body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The pods of a workload's present generation, or the pod itself."""
    if body["kind"] == "Pod":
        return [dict(body)]
    selector = (body.get("spec") or {}).get("selector") or {}
    if body["kind"] == "ReplicationController":
        selector = {"matchLabels": selector}
    text = selector_text(selector)
    if not text:
        return []
    found = cluster.list("Pod", body["metadata"].get("namespace"), labels=text)
    return [pod for pod in found if not pod["metadata"].get("deletionTimestamp")]


def selector_text(selector: Mapping[str, Any]) -> str:
    """A label selector object as the text that the API takes."""
    parts = [f"{name}={value}" for name, value in (selector.get("matchLabels") or {}).items()]
    for rule in selector.get("matchExpressions") or ():
        key, values = rule["key"], ",".join(rule.get("values") or ())
        parts.append(
            {
                "In": f"{key} in ({values})",
                "NotIn": f"{key} notin ({values})",
                "Exists": key,
                "DoesNotExist": f"!{key}",
            }[rule["operator"]]
        )
    return ",".join(parts)


def reason(pod: Mapping[str, Any]) -> tuple[str, str, str]:
    """``(word, container, message)``: the word that `kubectl get pods` shows, the container that it is about."""
    status = pod.get("status") or {}
    if pod["metadata"].get("deletionTimestamp"):
        return "Terminating", "", ""
    containers = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
    for container in containers:
        waiting = (container.get("state") or {}).get("waiting")
        if waiting and waiting.get("reason") not in (None, "ContainerCreating", "PodInitializing"):
            return str(waiting["reason"]), str(container["name"]), str(waiting.get("message", ""))
    for container in containers:
        ended = (container.get("state") or {}).get("terminated")
        if ended and ended.get("exitCode"):
            word = str(ended.get("reason") or "Error")
            return word, str(container["name"]), str(ended.get("message") or f"exit code {ended['exitCode']}")
    for condition in status.get("conditions") or ():
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return str(condition.get("reason", "Unschedulable")), "", str(condition.get("message", ""))
    if status.get("phase") == "Running" and not ready(pod):
        unready: Mapping[str, Any] = next((c for c in status.get("containerStatuses") or () if not c.get("ready")), {})
        return "NotReady", str(unready.get("name", "")), ""
    return str(status.get("reason") or status.get("phase", "Pending")), "", str(status.get("message", ""))


def ready(pod: Mapping[str, Any]) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def summary(cluster: Cluster, body: Mapping[str, Any]) -> str:
    """``; web-5d8f NotReady, web-77aa ImagePullBackOff``: at most three pods that are not ready; else nothing."""
    unready = [pod for pod in of(cluster, body) if not ready(pod)]
    shown = [f"{pod['metadata']['name']} {reason(pod)[0]}" for pod in unready[:3]]
    more = f" and {len(unready) - 3} more" if len(unready) > 3 else ""
    return f"; {', '.join(shown)}{more}" if shown else ""


@dataclass(frozen=True)
class Diagnosis:
    """Why a workload is not ready: the pod and container, the reason, the last warning event, the last log lines."""

    pod: str
    container: str
    reason: str
    message: str
    event: str
    log: tuple[str, ...]

    @property
    def sentence(self) -> str:
        where = f"pod {self.pod}" + (f", container {self.container}" if self.container else "") if self.pod else ""
        said = ": ".join(part for part in (where, self.reason, self.message) if part)
        if self.event and self.event not in said:
            said += f"{' ' if said else ''}(event: {self.event})"
        return said + (f"; last line: {self.log[-1]}" if self.log else "")

    @property
    def hint(self) -> str | None:
        return next(
            (text for word, text in _HINTS.items() if word in (self.reason, self.event.partition(":")[0])), None
        )

    @property
    def kind(self) -> FailureKind | None:
        """None if more time may help."""
        return _KINDS.get(self.reason)

    def as_dict(self) -> dict[str, Any]:
        return {
            "pod": self.pod,
            "container": self.container,
            "reason": self.reason,
            "message": self.message,
            "event": self.event,
            "log": list(self.log),
        }


def diagnose(cluster: Cluster, body: Mapping[str, Any]) -> Diagnosis | None:
    """What is wrong with the worst pod of a workload, or why it has none. None if nothing can be told."""
    try:
        unready = [pod for pod in of(cluster, body) if not ready(pod)]
        if not unready:
            event = _last_warning(cluster, body, _owned_sets(cluster, body))
            return Diagnosis("", "", "", "", event, ()) if event else None
        pod = min(unready, key=_severity)
        word, container, message = reason(pod)
        event = _last_warning(cluster, pod, ())
        log = _last_lines(cluster, pod, container)
    except TaskFailed:
        return None  # a second failure must not hide the first
    return Diagnosis(str(pod["metadata"]["name"]), container, word, message, event, log)


def _severity(pod: Mapping[str, Any]) -> int:
    word = reason(pod)[0]
    return 0 if word in _HINTS or word in ("Error", "Failed") else 1 if word == "NotReady" else 2


def _owned_sets(cluster: Cluster, body: Mapping[str, Any]) -> tuple[str, ...]:
    if body["kind"] != "Deployment":
        return ()
    text = selector_text((body.get("spec") or {}).get("selector") or {})
    found = cluster.list("ReplicaSet", body["metadata"].get("namespace"), labels=text)
    return tuple(str(item["metadata"]["name"]) for item in found)


def _last_warning(cluster: Cluster, body: Mapping[str, Any], also: tuple[str, ...]) -> str:
    namespace = body["metadata"].get("namespace")
    events: list[dict[str, Any]] = []
    for name in (body["metadata"]["name"], *also):
        events += cluster.list("Event", namespace, fields=f"involvedObject.name={name},type=Warning")
    if not events:
        return ""
    last = max(events, key=lambda e: e.get("lastTimestamp") or e.get("eventTime") or e["metadata"]["creationTimestamp"])
    return f"{last.get('reason', 'Warning')}: {last.get('message', '')}"


def _has_run(pod: Mapping[str, Any], container: str) -> bool:
    status = pod.get("status") or {}
    known = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
    states = [c.get(part) or {} for c in known if c["name"] == container for part in ("state", "lastState")]
    return any("running" in state or "terminated" in state for state in states)


def _last_lines(cluster: Cluster, pod: Mapping[str, Any], container: str) -> tuple[str, ...]:
    names = [c["name"] for c in pod["spec"]["containers"]]
    meta = pod["metadata"]
    if not _has_run(pod, container or names[0]):
        return ()
    for previous in (True, False):  # the run that failed says more than the one that waits to start
        try:
            text = cluster.logs(meta["namespace"], meta["name"], container or names[0], _LOG_LINES, previous)
        except TaskFailed:
            continue
        if lines := tuple(text.splitlines()[-_LOG_LINES:]):
            return lines
    return ()
