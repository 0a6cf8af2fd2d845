"""How docker's operations are moved into a rehearsal's scope: other names, other ports of the host, copied folders."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

import yaml

from reign.executor.scope import NotRehearsable, Scope
from workers.docker.ports import published
from workers.docker.settings import mounts

_SPECIAL = ("host", "none", "bridge", "default")


def build(inputs: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    return {**inputs, "context": scope.path(inputs["context"]), "tag": scope.own("image", inputs["tag"])}


def run(inputs: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    """Containers that this one knows by name are found by that name in the plan's networks still."""
    moved = dict(inputs)
    moved["image"] = scope.known("image", inputs["image"]) or inputs["image"]
    moved["name"] = scope.own("container", inputs["name"])
    moved["networks"] = _networks(inputs, scope)
    if "ports" in inputs:
        moved["ports"] = [port.text(scope.port(port.host)) for port in _read(published, inputs["ports"] or [])]
    if "volumes" in inputs:
        moved["volumes"] = [_mount(mount, scope) for mount in _read(mounts, inputs["volumes"])]
    return moved


def _read(reader: Any, value: Any) -> Any:
    try:
        return reader(value)
    except ValueError as error:
        raise NotRehearsable(str(error)) from None


def _networks(inputs: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    given = inputs.get("networks") or {}
    if isinstance(given, str):
        given = [given]
    named: Mapping[str, Any] = given if isinstance(given, Mapping) else dict.fromkeys(map(str, given))
    found: dict[str, Any] = {}
    for network, endpoint in named.items():
        settings = dict(endpoint) if isinstance(endpoint, Mapping) else {"aliases": endpoint or []}
        if network in _SPECIAL:
            found[network] = settings
        else:
            settings["aliases"] = [*settings.get("aliases", ()), str(inputs["name"])]
            found[scope.required("network", network)] = settings
    return found


def _mount(mount: Any, scope: Scope) -> str:
    options = f":{','.join(mount.options)}" if mount.options else ""
    if not mount.is_path:
        return f"{scope.required('volume', mount.source)}:{mount.target}{options}"
    try:
        source = scope.path(mount.source)
    except NotRehearsable:
        if not mount.read_only:
            raise
        source = mount.source  # it can only be read
    return f"{source}:{mount.target}{options}"


def of_container(inputs: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    return {**inputs, "name": scope.required("container", inputs["name"])}


def new_network(inputs: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    if inputs.get("subnet"):
        raise NotRehearsable(f"two networks cannot have the subnet {inputs['subnet']}")
    return {**inputs, "name": scope.own("network", inputs["name"])}


def of_network(inputs: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    return {**inputs, "name": scope.required("network", inputs["name"])}


def new_volume(inputs: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    return {**inputs, "name": scope.own("volume", inputs["name"])}


def of_volume(inputs: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    return {**inputs, "name": scope.required("volume", inputs["name"])}


def compose(inputs: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    """The copied file gets other ports and loses the names that no project prefix keeps apart."""
    file = str(scope.path(inputs["file"]))
    if PurePosixPath(file).suffix not in (".yaml", ".yml"):
        file = next((f"{file}/{name}" for name in _FILES if (scope.workdir / file / name).is_file()), file)
    try:
        content = yaml.safe_load(scope.content(file))
    except yaml.YAMLError as error:
        raise NotRehearsable(f"{file} cannot be read: {error}") from None
    if not isinstance(content, dict) or "include" in content:
        raise NotRehearsable(f"{file} is not one whole compose file")
    for kind in ("networks", "volumes"):
        for name, settings in (content.get(kind) or {}).items():
            if isinstance(settings, dict) and (settings.get("external") or settings.get("name")):
                raise NotRehearsable(f"{file}: {kind[:-1]} {name} has a name of its own, outside of the project")
    for name, service in (content.get("services") or {}).items():
        _service(str(name), service, inputs.get("env") or {}, scope, file)
    scope.rewritten[file] = yaml.safe_dump(content, sort_keys=False)
    return {**inputs, "file": file, "project": scope.own("compose project", inputs["project"])}


_FILES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")


#: ${NAME}, ${NAME:-default}, ${NAME-default} and $NAME, as Compose fills them in.
_VARIABLE = re.compile(r"\$(?:\{(?P<braced>\w+)(?::?-(?P<default>[^}]*))?\}|(?P<bare>[A-Za-z_]\w*))")


def _filled(text: str, env: Mapping[str, Any]) -> str:
    """With the variables that the task gives, or their defaults; one that has neither stays."""

    def value(found: re.Match[str]) -> str:
        given = env.get(found["braced"] or found["bare"], found["default"])
        return found[0] if given is None else str(given)

    return _VARIABLE.sub(value, text)


def _service(name: str, service: dict[str, Any], env: Any, scope: Scope, file: str) -> None:
    service.pop("container_name", None)
    if service.get("build") and service.get("image"):
        service["image"] = scope.own("image", service["image"])
    if service.get("network_mode") == "host":
        raise NotRehearsable(f"{file}: service {name} opens its ports on the host itself")
    known = env if isinstance(env, Mapping) else {}
    ports = [_filled(port, known) if isinstance(port, str) else port for port in service.get("ports") or ()]
    if any(not isinstance(port, str | int) or "$" in str(port) or "-" in str(port) for port in ports):
        raise NotRehearsable(f"{file}: the ports of service {name} are written in a way that cannot be moved")
    if ports:
        service["ports"] = [port.text(scope.port(port.host)) for port in _read(published, ports)]
    for volume in service.get("volumes") or ():
        source = str(volume).partition(":")[0] if isinstance(volume, str) else str(volume.get("source", ""))
        if source.startswith(("/", "~", "..")):
            raise NotRehearsable(f"{file}: service {name} mounts {source}, which is outside of the work folder")


def of_compose(inputs: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    return {**inputs, "project": scope.required("compose project", inputs["project"])}
