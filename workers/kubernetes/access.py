"""Which cluster, as whom: contexts of kubeconfig files, in-cluster accounts, impersonation. No network is used."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from reign.core.errors import did_you_mean
from reign.executor import Context, FailureKind, TaskFailed
from reign.executor.process import safe_environment

#: Who the API server is told owns the fields that REIGN sets. Never changed: ownership is by this name.
MANAGER = "reign"
IN_CLUSTER = "in-cluster"
_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
#: Where Helm keeps repositories, registry logins and plugins; kubectl its discovery cache.
_TOOL_SETTINGS = (
    "HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME", "HELM_PLUGINS", "HELM_REGISTRY_CONFIG",
    "HELM_REPOSITORY_CONFIG", "HELM_REPOSITORY_CACHE", "HELM_DRIVER", "KUBECACHEDIR", "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME", "XDG_DATA_HOME",
)  # fmt: skip


@dataclass(frozen=True)
class Access:
    """One context, resolved: all that a client or a command line must be told, so that no default decides."""

    context: str
    kubeconfig: str  # one path, or several as KUBECONFIG lists them
    server: str
    namespace: str  # the context's own, else "default"
    user: str | None = None  # impersonated
    groups: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()  # further variables of the worker that credential plugins need
    authority: str = ""  # SHA-256 of the certificate authority that the server must answer for

    @property
    def endpoint(self) -> str:
        """What stands for the cluster's identity where the account may not read that: address and authority."""
        return f"server:{hashlib.sha256(f'{self.server} {self.authority}'.encode()).hexdigest()[:16]}"

    def kubectl(self, binary: str) -> list[str]:
        return [binary, f"--context={self.context}", *self._as("--as", "--as-group")]

    def helm(self, binary: str) -> list[str]:
        return [binary, f"--kube-context={self.context}", *self._as("--kube-as-user", "--kube-as-group")]

    def _as(self, user: str, group: str) -> list[str]:
        given = [f"{user}={self.user}"] if self.user else []
        return [*given, *(f"{group}={name}" for name in self.groups)]

    def env(self) -> dict[str, str]:
        """The environment of kubectl and helm."""
        kept = {name: os.environ[name] for name in (*_TOOL_SETTINGS, *self.environment) if name in os.environ}
        return safe_environment({**kept, "KUBECONFIG": self.kubeconfig})


def resolve(ctx: Context, context: str | None, as_user: str | None = None) -> Access:
    """The access of the context of that name, else of the kubeconfig's current one.

    Options: ``kubeconfig`` (path or list), ``as``, ``as_groups``, ``environment``, ``service_account`` (a folder).
    Raises TaskFailed: no kubeconfig, unknown context.
    """
    options = ctx.options
    paths = kubeconfig_paths(options)
    in_cluster = not any(path.is_file() for path in paths) and "KUBERNETES_SERVICE_HOST" in os.environ
    if in_cluster:
        paths = [_in_cluster(Path(options.get("service_account", _ACCOUNT)), ctx.scratch / "in-cluster.yaml")]
    config = read(paths)
    name = context or config["current"]
    if not config["contexts"]:
        raise TaskFailed(
            f"there is no Kubernetes context in {' or '.join(map(str, paths))}",
            kind=FailureKind.MISSING_PREREQUISITE,
            hint="set KUBECONFIG, or the kubernetes agent's option `kubeconfig`; `reign doctor` shows what is found",
        )
    if not name:
        raise TaskFailed(
            "no context is given, and the kubeconfig has no current one",
            kind=FailureKind.WRONG_INPUT,
            hint=f"give `context`: one of {', '.join(sorted(config['contexts']))}",
        )
    if name not in config["contexts"]:
        raise TaskFailed(
            f"there is no context {name!r} in {' or '.join(map(str, paths))}",
            kind=FailureKind.WRONG_INPUT,
            hint=did_you_mean(name, config["contexts"]),
        )
    found = config["contexts"][name]
    cluster = config["clusters"].get(found.get("cluster"), {})
    user = config["users"].get(found.get("user"), {})
    impersonated = as_user or options.get("as") or user.get("as")
    groups = options.get("as_groups") or (user.get("as-groups") if impersonated == user.get("as") else None) or ()
    return Access(
        context=name,
        kubeconfig=os.pathsep.join(map(str, paths)),
        server=str(cluster.get("server", "")),
        namespace=found.get("namespace") or "default",
        user=impersonated,
        groups=tuple(groups),
        environment=tuple(options.get("environment", ())),
        authority=_authority(cluster),
    )


def _authority(cluster: Mapping[str, Any]) -> str:
    """The digest of a kubeconfig's certificate authority, the same for a file and for its content; "" without one."""
    try:
        if given := cluster.get("certificate-authority-data"):
            content = base64.b64decode("".join(str(given).split()), validate=True)
        else:
            content = Path(str(cluster["certificate-authority"])).read_bytes()
    except (KeyError, OSError, binascii.Error):  # what is wrong with it is told when it is used
        return ""
    return hashlib.sha256(content).hexdigest()


def kubeconfig_paths(options: Mapping[str, Any]) -> list[Path]:
    """The option ``kubeconfig``, else KUBECONFIG, else ``~/.kube/config``."""
    given = options.get("kubeconfig") or os.environ.get("KUBECONFIG") or "~/.kube/config"
    return [Path(part).expanduser() for part in str(given).split(os.pathsep) if part]


def read(paths: list[Path]) -> dict[str, Any]:
    """``{current, contexts, clusters, users}`` by name; of several files the first that says something wins.

    Raises TaskFailed for a file that is no kubeconfig; a missing one is passed over, as kubectl does.
    """
    merged: dict[str, Any] = {"current": None, "contexts": {}, "clusters": {}, "users": {}}
    for path in paths:
        if not path.is_file():
            continue
        try:
            config = yaml.safe_load(path.read_text()) or {}
            merged["current"] = merged["current"] or config.get("current-context")
            for kind, key in (("contexts", "context"), ("clusters", "cluster"), ("users", "user")):
                for entry in config.get(kind) or ():
                    merged[kind].setdefault(entry["name"], entry.get(key) or {})
        except (OSError, yaml.YAMLError, AttributeError, TypeError, KeyError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is no kubeconfig"
            raise TaskFailed(f"{path} cannot be read: {reason}", kind=FailureKind.WRONG_INPUT) from None
    return merged


def _in_cluster(account: Path, into: Path) -> Path:
    """A kubeconfig for the pod's own service account. It names the token's file, so the token is not copied."""
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ.get("KUBERNETES_SERVICE_PORT", "443")
    if not (account / "token").is_file():
        raise TaskFailed(
            f"this worker runs in a pod without a service account: no {account / 'token'}",
            kind=FailureKind.MISSING_PREREQUISITE,
            hint="give the pod a service account, or set KUBECONFIG",
        )
    own = account / "namespace"
    namespace = own.read_text().strip() if own.is_file() else "default"
    address = f"[{host}]" if ":" in host else host
    cluster = {"server": f"https://{address}:{port}", "certificate-authority": str(account / "ca.crt")}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": IN_CLUSTER,
        "clusters": [{"name": IN_CLUSTER, "cluster": cluster}],
        "users": [{"name": IN_CLUSTER, "user": {"tokenFile": str(account / "token")}}],
        "contexts": [
            {"name": IN_CLUSTER, "context": {"cluster": IN_CLUSTER, "user": IN_CLUSTER, "namespace": namespace}}
        ],
    }
    into.write_text(yaml.safe_dump(config))
    return into
