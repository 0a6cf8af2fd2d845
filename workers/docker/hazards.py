"""What is dangerous about a container, a build or a command in a container: findings that a person or a policy judges.

Each has a stable id. From ``high`` on a person is asked first; ``hazards`` judges inputs whose expressions are not
resolved yet as far as they are known. It looks at nothing but, where it is given the work folder, at links in it.

| id | severity | what |
|---|---|---|
| docker.privileged | critical | the container may do all that root on the host may |
| docker.socket | critical | the Docker socket inside of it, which is the same |
| docker.host-network | high | no network of its own |
| docker.host-path | high (critical for system folders) | a mount from outside of the work folder |
| docker.host-namespace | high | the host's processes, shared memory or users (compose files) |
| docker.unconfined | high | without seccomp, AppArmor or SELinux (compose files) |
| docker.capability | high | a capability that leads out of the container |
| docker.device | high | a device of the host |
| docker.secret-in-clear | high | what looks like a secret was no reference in the plan that was given |
| docker.public-port | medium | a port published on all addresses |
| docker.no-shell | medium | a command with `|`, `>` or `&&`, which no shell reads |
| docker.latest | low | an image that may be another one tomorrow |
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from reign.core.catalog import OperationInputs
from reign.core.findings import Finding, Severity, fingerprint
from reign.security.masking import MASK
from reign.security.sealed import PREFIX
from reign.security.secretlike import looks_secret
from workers.docker import names, settings
from workers.docker.ports import published

_SOCKETS = ("/run/docker.sock", "/run/containerd/containerd.sock", "/run/podman/podman.sock")
#: Whoever may write here owns the host, and whoever may read here knows its secrets.
_SYSTEM = ("/", "/etc", "/root", "/boot", "/dev", "/proc", "/sys", "/usr", "/bin", "/sbin", "/lib", "/var/lib/docker")
_CAPABILITIES = frozenset(
    {"ALL", "SYS_ADMIN", "SYS_PTRACE", "SYS_MODULE", "SYS_RAWIO", "DAC_READ_SEARCH", "NET_ADMIN", "BPF", "SYS_BOOT"}
)
#: Nobody gives these as words of their own to a program, but for those that compare.
_OPERATORS = frozenset({"|", "||", "&&", ">", ">>", "<", "2>&1", "2>", "&", "&>"})
_COMPARING = frozenset({"test", "[", "expr"})
_EVERYWHERE = ("0.0.0.0", "::", "")  # noqa: S104


def hazards(inputs: OperationInputs | Mapping[str, Any], workdir: Path | None = None) -> list[Finding]:
    """The findings about the inputs of a docker operation, worst first.

    ``workdir``: the plan's folder; mounts from below it are its own. Without it absolute paths count as outside.
    """
    given = dict(inputs) if isinstance(inputs, Mapping) else {name: getattr(inputs, name) for name in _fields(inputs)}
    found = [*container_hazards(given, workdir), *_secrets(given)]
    return sorted(found, key=lambda finding: (-finding.severity.rank, finding.rule, finding.message))


def _fields(inputs: OperationInputs) -> list[str]:
    return [name for name in type(inputs).model_fields if hasattr(inputs, name)]


def asks(findings: Sequence[Finding], what: str) -> str | None:
    """Why a person should say yes first: the findings from ``high`` on, in one sentence; None if there are none.

    Secrets in clear are left out: when a task runs, its references have become secrets.
    """
    grave = [
        f.message for f in findings if f.severity.rank >= Severity.HIGH.rank and f.rule != "docker.secret-in-clear"
    ]
    return f"{what}: {'; '.join(grave)}" if grave else None


def container_hazards(given: Mapping[str, Any], workdir: Path | None) -> Iterator[Finding]:
    """Findings about how a container is run; ``given`` has the names of docker.run's inputs."""
    if given.get("privileged") is True:
        yield _finding(
            "privileged", Severity.CRITICAL, "it is privileged: it may do all that root on the host may",
            "give single capabilities (`cap_add`) or devices instead",
        )  # fmt: skip
    yield from _networks(given.get("networks"))
    for mount in _known(settings.mounts, given.get("volumes")):
        yield from _mounted(mount, workdir)
    if workdir is not None:
        yield from linked(given.get("volumes"), workdir)
    for capability in _texts(given.get("cap_add")):
        if capability.upper().removeprefix("CAP_") in _CAPABILITIES:
            yield _finding(
                "capability", Severity.HIGH, f"the capability {capability} leads out of the container",
                "leave it out, or run the task elsewhere",
            )  # fmt: skip
    for device in _texts(given.get("devices")):
        yield _finding("device", Severity.HIGH, f"it gets the host's device {device.partition(':')[0]}", None)
    for port in _known(published, given.get("ports")):
        if port.address in _EVERYWHERE:
            yield _finding(
                "public-port", Severity.MEDIUM, f"port {port.host or port.inside} is published on all addresses",
                "leave the address out to publish on 127.0.0.1 only",
            )  # fmt: skip
    yield from _unread(given.get("command"))
    yield from image_hazards(given.get("image"))


def service_hazards(name: str, service: Any, file: Path, workdir: Path) -> Iterator[Finding]:
    """Findings about a service of a compose file, whose relative paths start at the file's folder."""
    if not isinstance(service, Mapping):
        return
    given = {
        "privileged": str(service.get("privileged")).lower() in ("true", "yes", "on", "1"),
        "networks": service.get("network_mode"),
        "volumes": [_volume_text(item, file.parent) for item in service.get("volumes") or ()],
        "cap_add": service.get("cap_add"),
        "devices": [item for item in service.get("devices") or () if isinstance(item, str)],
        "ports": [_port_text(item) for item in service.get("ports") or ()],
        "image": service.get("image"),
        "env": service.get("environment"),
    }
    for finding in (*container_hazards(given, workdir), *_unconfined(service), *_secrets(given)):
        yield finding.model_copy(
            update={
                "message": f"service {name}: {finding.message}",
                "path": str(file.relative_to(workdir)) if file.is_relative_to(workdir) else str(file),
                "fingerprint": fingerprint(finding.rule, str(file), f"{name} {finding.message}"),
            }
        )


def _unconfined(service: Mapping[str, Any]) -> Iterator[Finding]:
    """What only a compose file can ask for: namespaces of the host, a container that nothing confines."""
    for key in ("pid", "ipc", "uts", "userns_mode", "cgroup"):
        if service.get(key) == "host":
            yield _finding(
                "host-namespace", Severity.HIGH, f"it shares the host's namespace: {key}: host",
                "leave it out",
            )  # fmt: skip
    for option in _texts(service.get("security_opt")):
        if "unconfined" in option or option.replace("=", ":") in ("label:disable", "no-new-privileges:false"):
            yield _finding(
                "unconfined", Severity.HIGH, f"{option} takes its confinement away", "leave it out"
            )  # fmt: skip


def _volume_text(item: Any, folder: Path) -> str:
    if isinstance(item, Mapping):
        if item.get("type") != "bind":
            return ""
        item = f"{item.get('source')}:{item.get('target')}" + (":ro" if item.get("read_only") else "")
    text = str(item)
    return str(folder / text) if text.startswith(".") else text


def _port_text(item: Any) -> str:
    """A port as docker.run reads it; without an address Compose publishes on all."""
    if isinstance(item, Mapping):
        return f"{item.get('host_ip') or '0.0.0.0'}:{item.get('published') or ''}:{item.get('target')}"  # noqa: S104
    text = str(item)
    return f"0.0.0.0:{text}" if text.count(":") == 1 else f"0.0.0.0::{text}" if ":" not in text else text


def image_hazards(image: Any) -> Iterator[Finding]:
    """Whether an image is named by a tag that moves."""
    if not isinstance(image, str) or "${{" in image or names.is_id(image) or names.split(image)[1] != "latest":
        return
    yield _finding(
        "latest", Severity.LOW, f"the image {image} is whatever `latest` is at that time",
        "name a version, or a digest (name@sha256:...)",
    )  # fmt: skip


def _unread(command: Any) -> Iterator[Finding]:
    """What only a shell would understand, in a command that is started without one."""
    if not isinstance(command, list | tuple) or not command or str(command[0]) in _COMPARING:
        return
    for word in map(str, command[1:]):
        if word in _OPERATORS or (word.endswith(";") and len(word) > 1 and " " not in word):
            yield _finding(
                "no-shell", Severity.MEDIUM, f"no shell reads its command: {command[0]} is given {word!r} as a word",
                'write [sh, -c, "..."], or leave it out',
            )  # fmt: skip
            return


def _networks(value: Any) -> Iterator[Finding]:
    if "host" in _texts(value):
        yield _finding(
            "host-network", Severity.HIGH, "it shares the host's network: it reaches what listens on loopback",
            "use a network of its own and publish `ports`",
        )  # fmt: skip


def _mounted(mount: settings.Mount, workdir: Path | None) -> Iterator[Finding]:
    if not mount.is_path or "${{" in mount.source:
        return
    path = _absolute(mount.source, workdir)
    there = path.replace("/var/run", "/run", 1) if PurePosixPath(path).is_relative_to("/var/run") else path
    socket = next((socket for socket in _SOCKETS if PurePosixPath(socket).is_relative_to(there)), None)
    if socket or path.endswith("/docker.sock"):
        place = path if socket in (None, there) else socket  # a folder that holds it
        yield _finding(
            "socket", Severity.CRITICAL, f"the Docker socket {place} is inside of it: it may do all that root may",
            "put a proxy between that allows only what is needed",
        )  # fmt: skip
        if place == path:
            return
    if not _below(path, workdir):
        system = path in _SYSTEM or any(path.startswith(folder + "/") for folder in _SYSTEM if folder != "/")
        yield _finding(
            "host-path", Severity.CRITICAL if system else Severity.HIGH,
            f"it {'reads' if mount.read_only else 'may change'} {path} of the host, outside of the work folder",
            "use a named volume, or a folder beside the plan",
        )  # fmt: skip


def linked(volumes: Any, workdir: Path) -> Iterator[Finding]:
    """Findings about mounts below the work folder that a symbolic link leads out of it."""
    for mount in _known(settings.mounts, volumes):
        if mount.is_path and "${{" not in mount.source and _below(path := _absolute(mount.source, workdir), workdir):
            real = os.path.realpath(path)
            if not Path(real).is_relative_to(os.path.realpath(workdir)):
                yield from _mounted(dataclasses.replace(mount, source=real), None)


def _absolute(source: str, workdir: Path | None) -> str:
    """The path of a mount; relative ones stay below an unknown work folder as long as no ``..`` leads out of it."""
    expanded = os.path.expanduser(source)  # noqa: PTH111  a text in the form of the host's paths, not a file here
    return os.path.normpath(PurePosixPath(workdir or ".") / expanded)


def _below(path: str, workdir: Path | None) -> bool:
    if workdir is None:
        return not path.startswith(("/", ".."))
    return Path(path).is_relative_to(os.path.normpath(workdir))


def _secrets(given: Mapping[str, Any]) -> Iterator[Finding]:
    for field in ("env", "build_args"):
        for name, value in sorted(_mapping(given.get(field)).items()):
            if (looks_secret(name, value) and not value.startswith("$")) or PREFIX in value:
                yield _in_clear(f"{field}.{name} looks like a secret given in clear", name)
    for name, value in sorted(_mapping(given.get("build_args")).items()):
        if value.startswith("secret://") and PREFIX not in value:
            yield _finding(
                "secret-in-clear", Severity.HIGH, f"the build argument {name} stays readable in the image",
                "give it as one of `secrets` (RUN --mount=type=secret), or to the container when it runs",
            )  # fmt: skip
    password = given.get("password")
    if isinstance(password, str) and not _by_reference(password):
        yield _in_clear("the registry's password is given in clear", "REGISTRY_PASSWORD")
    for name, value in sorted(_mapping(given.get("secrets")).items()):
        if not _by_reference(value):
            yield _in_clear(f"secrets.{name} is given in clear", name)


def _by_reference(value: str) -> bool:
    return PREFIX not in value and any(mark in value for mark in ("secret://", "${{", MASK))


def _in_clear(message: str, name: str) -> Finding:
    remedy = f"put it where the workers find it and write secret://env/{name}"
    return _finding("secret-in-clear", Severity.HIGH, message, remedy)


def _mapping(value: Any) -> dict[str, str]:
    try:
        found = settings.text_values(value)
    except ValueError:
        return {}
    return {name: text for name, text in found.items() if isinstance(text, str)} if isinstance(found, dict) else {}


def _known(read: Any, value: Any) -> list[Any]:
    """What can be read of inputs that may still hold expressions: item by item, the unreadable left out."""
    if isinstance(value, Mapping):
        items: list[Any] = [{key: item} for key, item in value.items()]
    else:
        items = [[item] for item in (value if isinstance(value, list | tuple) else [value])]
    found: list[Any] = []
    for item in items:
        try:
            found += read(item)
        except ValueError:
            continue
    return found


def _texts(value: Any) -> list[str]:
    items = [value] if isinstance(value, str) else value
    return [str(item) for item in items] if isinstance(items, list | tuple | dict) else []


def _finding(rule: str, severity: Severity, message: str, remedy: str | None) -> Finding:
    return Finding(rule=f"docker.{rule}", severity=severity, message=message, remedy=remedy)
