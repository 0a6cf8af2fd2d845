"""kubernetes.convert_compose: manifests out of a compose file, with a note for whatever has no counterpart."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field

from reign.core.catalog import Effect, OperationInputs, OperationResult
from reign.core.resource import Undo
from reign.executor import Context, FailureKind, Operation, TaskFailed
from reign.executor.contract import Observations
from reign.security import secrets
from workers.kubernetes import compose_parts as parts
from workers.kubernetes.as_yaml import as_yaml
from workers.kubernetes.inputs import Name, Text

_VARIABLE = re.compile(r"\$(?:\$|(\w+)|\{(\w+)(?:(:?[-?+])([^}]*))?\})")
#: What of a service is carried over; anything else gets a note.
_KNOWN = frozenset(
    {
        "image", "build", "command", "entrypoint", "environment", "env_file", "ports", "expose", "volumes", "deploy",
        "scale", "healthcheck", "depends_on", "labels", "user", "working_dir", "container_name", "restart", "hostname",
        "networks", "read_only", "cap_add", "cap_drop", "privileged", "stop_grace_period", "secrets", "configs",
    }
)  # fmt: skip


class ConvertCompose(Operation["ConvertCompose.Inputs", "ConvertCompose.Result"]):
    """A service becomes a Deployment, its ports a Service, a named volume a claim, an environment that looks secret a
    Secret of references. Nothing outside is read but the compose file and what it includes."""

    name = "kubernetes.convert_compose"
    summary = "Turn a compose file into Kubernetes manifests"
    effect = Effect.READ
    undo = Undo.UNNEEDED
    timeout = 30.0

    class Inputs(OperationInputs):
        file: str = Field(description="the compose file, or the folder that it is in", min_length=1)
        namespace: Name | None = Field(None, description="the objects' namespace (default: that of the apply)")
        images: dict[str, str] = Field(
            default_factory=dict, description="image of each service that is built, by service"
        )
        env: dict[str, Text] = Field(default_factory=dict, description="values for ${VARIABLES} in the file")
        storage: str = Field("1Gi", description="how much each named volume asks for")

    class Result(OperationResult):
        manifest: list[dict[str, Any]] = Field(description="for kubernetes.apply")
        text: str = Field(description="the same as YAML, to read")
        services: list[str]
        notes: list[str] = Field(description="what was left out or changed, and why")

    def apply(self, ctx: Context, inputs: Inputs, seen: Observations) -> Result:
        path = _find(ctx.path(inputs.file))
        stack = _Stack(ctx, path, _interpolated(_load(path), inputs.env, path), inputs)
        bodies = stack.bodies()
        for note in stack.notes:
            ctx.log(note)
        return self.Result(
            manifest=bodies,
            text=as_yaml(bodies),
            services=sorted(stack.services),
            notes=stack.notes,
        )


def _find(path: Path) -> Path:
    if path.is_dir():
        for name in ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"):
            if (path / name).is_file():
                return path / name
    if not path.is_file():
        raise TaskFailed(f"there is no compose file at {path}", kind=FailureKind.WRONG_INPUT, hint="give the file")
    return path


def _load(path: Path) -> dict[str, Any]:
    try:
        found = yaml.safe_load(path.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise TaskFailed(f"{path} cannot be read: {str(error).splitlines()[0]}", kind=FailureKind.WRONG_INPUT) from None
    if not isinstance(found, dict) or not isinstance(found.get("services"), dict) or not found["services"]:
        raise TaskFailed(f"{path} has no services", kind=FailureKind.WRONG_INPUT, hint="is it a compose file?")
    return found


def _interpolated(value: Any, given: Mapping[str, str], path: Path) -> Any:
    """Variables as Compose fills them in, but from the inputs and the .env file beside it only."""
    env_file = path.parent / ".env"
    known = {**(parts.read_env(env_file) if env_file.is_file() else {}), **given}

    def fill(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        if name is None:
            return "$"
        rule, word = match[3] or "", match[4] or ""
        found = known.get(name)
        there = found is not None and (found != "" or not rule.startswith(":"))
        if rule.endswith("+"):
            return word if there else ""
        if there:
            return str(found)
        if rule.endswith("-"):
            return word
        raise TaskFailed(
            f"{path}: ${{{name}}} has no value{': ' + word if rule.endswith('?') and word else ''}",
            kind=FailureKind.WRONG_INPUT,
            hint=f"give it: env: {{{name}: ...}}",
        )

    if isinstance(value, str):
        return _VARIABLE.sub(fill, value)
    if isinstance(value, dict):
        return {key: _interpolated(item, given, path) for key, item in value.items()}
    if isinstance(value, list):
        return [_interpolated(item, given, path) for item in value]
    return value


class _Stack:
    """One compose file on its way to manifests."""

    def __init__(self, ctx: Context, path: Path, content: Mapping[str, Any], inputs: ConvertCompose.Inputs) -> None:
        self.ctx, self.path, self.inputs = ctx, path, inputs
        self.services: dict[str, dict[str, Any]] = {
            name: dict(body or {}) for name, body in content["services"].items()
        }
        self.volumes: set[str] = set(content.get("volumes") or {})
        self.notes: list[str] = []

    def note(self, service: str, text: str) -> None:
        self.notes.append(f"{service}: {text}")

    def bodies(self) -> list[dict[str, Any]]:
        claims: dict[str, dict[str, Any]] = {}
        found: list[dict[str, Any]] = []
        for name, service in self.services.items():
            found += self._service(name, service, claims)
        return [*claims.values(), *found]

    def _meta(self, name: str, app: str) -> dict[str, Any]:
        meta: dict[str, Any] = {"name": name, "labels": {"app": app}}
        return meta | ({"namespace": self.inputs.namespace} if self.inputs.namespace else {})

    def _service(self, service: str, body: dict[str, Any], claims: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
        name = parts.dns_name(service)
        for key in sorted(set(body) - _KNOWN):
            self.note(service, f"`{key}` has no counterpart and is left out")
        for key in ("secrets", "configs", "cap_add", "cap_drop", "privileged", "read_only", "stop_grace_period"):
            if body.get(key):
                self.note(service, f"`{key}` is not carried over; add it to the manifest if it is needed")
        if body.get("restart") in ("no", False):
            self.note(service, "`restart: no` has no counterpart: a deployment always restarts its pods")
        if body.get("depends_on"):
            self.note(service, "`depends_on`: Kubernetes starts all at once; the program must wait for what it needs")
        found: list[dict[str, Any]] = []
        container: dict[str, Any] = {"name": name, "image": self._image(service, body)}
        plain, secret = parts.environment(self.path.parent, body)
        if secret:
            # Deployments are read by many who may not read Secrets.
            found.append(self._secret(service, name, secret))
            container["envFrom"] = [{"secretRef": {"name": f"{name}-env"}}]
        if plain:
            container["env"] = [{"name": key, "value": value} for key, value in plain.items()]
        for ours, theirs in (("command", "entrypoint"), ("args", "command")):
            if (given := body.get(theirs)) not in (None, []):
                container[ours] = shlex.split(given) if isinstance(given, str) else [str(part) for part in given]
        if body.get("working_dir"):
            container["workingDir"] = body["working_dir"]
        ports = parts.ports(body, lambda text: self.note(service, text))
        if ports:
            targets = dict.fromkeys((target, protocol) for _, target, protocol in ports)
            container["ports"] = [{"containerPort": target, "protocol": protocol} for target, protocol in targets]
        if limits := parts.resources(body):
            container["resources"] = limits
        if probe := parts.probe(body.get("healthcheck")):
            container["readinessProbe"] = probe
        pod: dict[str, Any] = {"containers": [container]}
        self._user(service, body, pod)
        self._mounts(service, name, body, container, pod, claims)
        spec = {
            "replicas": parts.replicas(body),
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": pod},
        }
        if any("persistentVolumeClaim" in volume for volume in pod.get("volumes", ())):
            spec["strategy"] = {"type": "Recreate"}  # two pods must not write to one claim during a rollout
        found.append({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": self._meta(name, name), "spec": spec})
        if ports:
            listed = [
                {"name": f"{protocol.lower()}-{port}", "port": port, "targetPort": target, "protocol": protocol}
                for port, target, protocol in ports
            ]
            exposed = {"selector": {"app": name}, "ports": listed}
            found.append({"apiVersion": "v1", "kind": "Service", "metadata": self._meta(name, name), "spec": exposed})
        return found

    def _secret(self, service: str, name: str, values: Mapping[str, str]) -> dict[str, Any]:
        """A Secret of references: results are stored, so no value of one may stand in them."""
        data = {}
        for key, value in values.items():
            known = self.ctx.masker.record(value)
            data[key] = (
                known if isinstance(known, str) and secrets.REFERENCE.fullmatch(known) else f"secret://env/{key}"
            )
            if data[key] != known:
                self.note(service, f"the value of {key} is not carried over: give it to the workers as {data[key]}")
        meta = self._meta(f"{name}-env", name)
        return {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "stringData": data}

    def _image(self, service: str, body: Mapping[str, Any]) -> str:
        image = self.inputs.images.get(service) or body.get("image")
        if image is None:
            raise TaskFailed(
                f"{self.path}: service {service} is built here and names no image",
                kind=FailureKind.WRONG_INPUT,
                hint=f"build and push it first, and give images: {{{service}: registry/name@sha256:...}}",
            )
        return str(image)

    def _user(self, service: str, body: Mapping[str, Any], pod: dict[str, Any]) -> None:
        if body.get("user") is None:
            return
        user, _, group = str(body["user"]).partition(":")
        if user.isdigit():
            pod["securityContext"] = {"runAsUser": int(user), **({"runAsGroup": int(group)} if group.isdigit() else {})}
        else:
            self.note(service, f"`user: {body['user']}` is a name; Kubernetes needs the number")

    def _mounts(
        self,
        service: str,
        name: str,
        body: Mapping[str, Any],
        container: dict[str, Any],
        pod: dict[str, Any],
        claims: dict[str, dict[str, Any]],
    ) -> None:
        for number, entry in enumerate(body.get("volumes") or ()):
            source, target, read_only = parts.mount(entry)
            if source and source not in self.volumes:
                self.note(service, f"{source} on this machine cannot be mounted in a cluster; {target} is left out")
                continue
            volume = parts.dns_name(source) if source else f"{name}-scratch-{number}"
            mount = {"name": volume, "mountPath": target} | ({"readOnly": True} if read_only else {})
            container.setdefault("volumeMounts", []).append(mount)
            if not source:
                pod.setdefault("volumes", []).append({"name": volume, "emptyDir": {}})
                continue
            pod.setdefault("volumes", []).append({"name": volume, "persistentVolumeClaim": {"claimName": volume}})
            asked = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": self.inputs.storage}}}
            claims[volume] = {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "metadata": self._meta(volume, name),
                "spec": asked,
            }
            self.note(service, f"volume {source} starts empty: its data is not copied")
