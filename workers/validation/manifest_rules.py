"""Rules of safety and good practice for Kubernetes objects; the pod ones follow the Pod Security Standards."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from reign.core.findings import Severity
from workers.validation.yamltext import Place

#: rule, severity, place inside the object, message, remedy
Fault = tuple[str, Severity, Place, str, str]

#: Where the template of a workload's pods stands.
_TEMPLATES: dict[str, Place] = {
    "Pod": (),
    "Deployment": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "DaemonSet": ("spec", "template"),
    "ReplicaSet": ("spec", "template"),
    "ReplicationController": ("spec", "template"),
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
}
_RUNS_ON = frozenset({"Deployment", "StatefulSet", "DaemonSet"})  # what is meant to stay up
#: Capabilities that the baseline Pod Security Standard lets a container add.
_HARMLESS_CAPABILITIES = frozenset(
    {"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP",
     "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"}
)  # fmt: skip
_SENSITIVE_PATHS = re.compile(
    r"^/(?:$|etc|root|proc|sys|dev|boot|home|var/?$|var/run|run|var/lib/(?:kubelet|docker|etcd))"
)
_SOCKETS = re.compile(r"(?:docker|containerd|crio)\.sock$")
_SECRET_NAME = re.compile(r"passw(?:or)?d|secret|token|api[_-]?key|private[_-]?key|credential", re.IGNORECASE)
_ABOUT_SECRET = re.compile(r"(?:file|path|name|url|ttl|expiry|length)$", re.IGNORECASE)


#: API groups whose objects all have names.
_BUILT_IN = frozenset(
    {
        *("", "apps", "batch", "autoscaling", "policy", "networking.k8s.io", "rbac.authorization.k8s.io"),
        *("storage.k8s.io", "scheduling.k8s.io", "apiextensions.k8s.io", "admissionregistration.k8s.io"),
    }
)
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_SUBDOMAIN = re.compile(r"(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*")
_SEGMENT = re.compile(r"(?!\.{1,2}$)[^/%]+")


def faults(content: Mapping[str, Any]) -> Iterator[Fault]:
    """What is unsafe or unwise in one object, and a name that the API server refuses."""
    kind = str(content.get("kind", ""))
    yield from _name(content, kind)
    template = _TEMPLATES.get(kind)
    if template is not None:
        spec = _mapping(_dig(content, (*template, "spec")))
        yield from _pod(spec, (*template, "spec"), stays=kind in _RUNS_ON)
        yield from _selector(content, template)
    elif kind in ("Role", "ClusterRole"):
        yield from _role(content, kind)
    elif kind == "ClusterRoleBinding" and _dig(content, ("roleRef", "name")) == "cluster-admin":
        message = "it makes someone the cluster's administrator"
        yield "k8s-cluster-admin", Severity.HIGH, ("roleRef", "name"), message, "bind a role with the rights needed"
    elif kind == "Service" and _dig(content, ("spec", "type")) in ("LoadBalancer", "NodePort"):
        message = f"a {_dig(content, ('spec', 'type'))} service can be reached from outside the cluster"
        yield (
            "k8s-exposed-service",
            Severity.INFO,
            ("spec", "type"),
            message,
            "use ClusterIP behind an ingress if it need not be",
        )


def _name(content: Mapping[str, Any], kind: str) -> Iterator[Fault]:
    """https://kubernetes.io/docs/concepts/overview/working-with-objects/names/"""
    group = str(content.get("apiVersion", "")).rpartition("/")[0]
    # Others, as kustomize's, need not be objects of a cluster; a list of objects has no name.
    if group not in _BUILT_IN or not kind or kind.endswith("List"):
        return
    metadata = _mapping(content.get("metadata"))
    name = metadata.get("name")
    if name is None:
        if not metadata.get("generateName"):
            yield "k8s-name", Severity.HIGH, ("metadata",), "it has no name", "write metadata.name"
        return
    form, said = (_LABEL, "at most 63") if kind in ("Namespace", "Service") else (_SUBDOMAIN, "at most 253")
    if group == "rbac.authorization.k8s.io":
        form, said = _SEGMENT, "no '/' or '%'"
    if not isinstance(name, str) or not form.fullmatch(name):
        message = f"{str(name)[:60]!r} cannot be the name of a {kind}"
        remedy = f"use small letters, digits and '-', with a letter or digit at both ends; {said}"
        yield "k8s-name", Severity.HIGH, ("metadata", "name"), message, remedy


def _selector(content: Mapping[str, Any], template: Place) -> Iterator[Fault]:
    """A workload that does not select its own pods, which the API server refuses."""
    wanted = _mapping(_dig(content, ("spec", "selector", "matchLabels")))
    labels = _mapping(_dig(content, (*template, "metadata", "labels")))
    missing = [f"{key}: {value}" for key, value in wanted.items() if labels.get(key) != value]
    if template == ("spec", "template") and missing and content.get("kind") != "Job":
        message = f"its selector does not fit its own pods, which have no label {', '.join(missing)}"
        remedy = "write the same labels in spec.selector.matchLabels and spec.template.metadata.labels"
        yield "k8s-selector", Severity.HIGH, ("spec", "selector", "matchLabels"), message, remedy


def _pod(spec: Mapping[str, Any], at: Place, *, stays: bool) -> Iterator[Fault]:
    for name, what in (("hostNetwork", "network"), ("hostPID", "processes"), ("hostIPC", "shared memory")):
        if spec.get(name) is True:
            yield (
                "k8s-host-namespace",
                Severity.HIGH,
                (*at, name),
                f"its pods share the node's {what}",
                f"take {name} out",
            )
    for index, volume in enumerate(_list(spec.get("volumes"))):
        path = _dig(volume, ("hostPath", "path"))
        if isinstance(path, str):
            yield from _host_path(path, (*at, "volumes", index, "hostPath"))
    pod_security = _mapping(spec.get("securityContext"))
    for group in ("containers", "initContainers"):
        for index, container in enumerate(_list(spec.get(group))):
            place = (*at, group, index)
            yield from _container(_mapping(container), place, pod_security, stays=stays and group == "containers")


def _host_path(path: str, at: Place) -> Iterator[Fault]:
    if _SOCKETS.search(path):
        message = f"{path} gives its pods power over all containers of the node"
        yield "k8s-runtime-socket", Severity.CRITICAL, at, message, "take the mount out"
    else:
        severity = Severity.HIGH if _SENSITIVE_PATHS.match(path) else Severity.MEDIUM
        yield "k8s-host-path", severity, at, f"its pods see the node's {path}", "use a persistent volume claim"


def _container(
    container: Mapping[str, Any], at: Place, pod_security: Mapping[str, Any], *, stays: bool
) -> Iterator[Fault]:
    name = str(container.get("name", "container"))
    security = _mapping(container.get("securityContext"))
    if security.get("privileged") is True:
        message = f"container {name} is privileged: it can do on the node what root can"
        yield (
            "k8s-privileged",
            Severity.HIGH,
            (*at, "securityContext", "privileged"),
            message,
            "take it out, or add single capabilities",
        )
    elif security.get("allowPrivilegeEscalation") is not False:
        message = f"container {name} may gain more rights than it starts with"
        yield "k8s-escalation", Severity.LOW, at, message, "set securityContext.allowPrivilegeEscalation: false"
    for capability in _list(_dig(security, ("capabilities", "add"))):
        if str(capability).removeprefix("CAP_") not in _HARMLESS_CAPABILITIES:
            place = (*at, "securityContext", "capabilities", "add")
            yield (
                "k8s-capability",
                Severity.HIGH,
                place,
                f"container {name} adds the capability {capability}",
                "take it out",
            )
    yield from _user(name, security, pod_security, at)
    yield from _image(name, container.get("image"), (*at, "image"))
    limits = _mapping(_dig(container, ("resources", "limits")))
    if "memory" not in limits:
        message = f"container {name} has no memory limit: it can take the node's memory from all others"
        yield "k8s-no-limits", Severity.MEDIUM, at, message, "set resources.limits.memory"
    if not _mapping(_dig(container, ("resources", "requests"))) and not limits:
        message = f"container {name} requests no resources: the scheduler cannot place it well"
        yield "k8s-no-requests", Severity.LOW, at, message, "set resources.requests"
    if stays and not any(probe in container for probe in ("readinessProbe", "livenessProbe", "startupProbe")):
        message = f"container {name} has no probe: nobody sees when it stops answering"
        yield "k8s-no-probe", Severity.LOW, at, message, "set a readinessProbe"
    for index, variable in enumerate(_list(container.get("env"))):
        yield from _variable(name, _mapping(variable), (*at, "env", index))


def _user(name: str, security: Mapping[str, Any], pod: Mapping[str, Any], at: Place) -> Iterator[Fault]:
    user = security.get("runAsUser", pod.get("runAsUser"))
    non_root = security.get("runAsNonRoot", pod.get("runAsNonRoot"))
    if user == 0:
        yield "k8s-root", Severity.MEDIUM, at, f"container {name} runs as root", "set securityContext.runAsUser"
    elif user is None and non_root is not True:
        yield (
            "k8s-root",
            Severity.LOW,
            at,
            f"container {name} may run as root",
            "set securityContext.runAsNonRoot: true",
        )


def _image(name: str, image: Any, at: Place) -> Iterator[Fault]:
    if not isinstance(image, str) or "@sha256:" in image:
        return
    tag = image.rpartition("/")[2].partition(":")[2]
    if tag in ("", "latest"):
        message = f"container {name} takes whatever {image} is on the day"
        yield "k8s-latest-tag", Severity.MEDIUM, at, message, "name a version or a digest"


def _variable(name: str, variable: Mapping[str, Any], at: Place) -> Iterator[Fault]:
    key, value = str(variable.get("name", "")), variable.get("value")
    if isinstance(value, str) and value and _SECRET_NAME.search(key) and not _ABOUT_SECRET.search(key):
        message = f"container {name} has {key} in clear text"
        yield (
            "k8s-secret-in-env",
            Severity.HIGH,
            (*at, "value"),
            message,
            "put it into a Secret and use valueFrom.secretKeyRef",
        )


def _role(content: Mapping[str, Any], kind: str) -> Iterator[Fault]:
    for index, rule in enumerate(_list(content.get("rules"))):
        if "*" in _list(_dig(rule, ("verbs",))) and "*" in _list(_dig(rule, ("resources",))):
            message = f"this {kind} may do everything with everything"
            yield (
                "k8s-wildcard-role",
                Severity.HIGH,
                ("rules", index),
                message,
                "name the verbs and resources that are needed",
            )


def _dig(value: Any, place: Place) -> Any:
    for part in place:
        if not isinstance(value, Mapping):
            return None
        value = value.get(part)
    return value


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
