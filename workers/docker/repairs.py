"""Repairs that the docker agent knows: a port that is taken, an image that is not there."""

from __future__ import annotations

import contextlib
import re
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reign.executor import Context, FailureKind, PortMoved, Proposal, Step, TaskFailed
from workers.docker import images, names
from workers.docker.engine import address, engine

if TYPE_CHECKING:
    from docker import DockerClient

_NEXT = 100  # ports above the taken one that are looked at
_FOLDERS = 200  # folders beside the plan that are looked at
_HOST_PORT = re.compile(r"^(?P<address>.*:)?(?P<port>\d+)$")


def another_port(ctx: Context, ports: Any, failure: TaskFailed) -> Proposal | None:
    """The next free port of the host for one that is taken; ``ports`` as the task was given them."""
    was = failure.details.get("port")
    if failure.kind is not FailureKind.CONFLICT or not isinstance(was, int):
        return None
    with engine(ctx, "look for a free port") as client:
        now = next((port for port in range(was + 1, min(was + _NEXT, 65535)) if _free(ctx, client, port)), None)
    if now is None:
        return None
    holder = failure.details.get("holder")
    by = f" by {holder}" if holder else ""
    return Proposal(
        reason=f"port {was} is taken{by}; {now} is free",
        inputs={"ports": _moved(ports, was, now)},
        moved=PortMoved(was=was, now=now),
        sure=True,
    )


def _free(ctx: Context, client: DockerClient, port: int) -> bool:
    for found in client.api.containers():
        if any(item.get("PublicPort") == port for item in found["Ports"] or ()):
            return False
    if not address(ctx.options).startswith("unix:"):
        return True  # another machine's ports cannot be tried from here; a port that is taken too is told again
    with contextlib.closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))  # noqa: S104 - a look at all addresses; nothing listens
        except OSError:
            return False
    return True


def _moved(ports: Any, was: int, now: int) -> Any:
    """The same ports with one of the host's exchanged; see ``ports.published`` for the forms."""
    if isinstance(ports, Mapping):
        return {_host(str(host), was, now): inside for host, inside in ports.items()}
    return [_pair(str(item), was, now) for item in ports]


def _host(text: str, was: int, now: int) -> str:
    found = _HOST_PORT.match(text)
    return f"{found['address'] or ''}{now}" if found and int(found["port"]) == was else text


def _pair(text: str, was: int, now: int) -> str:
    host, colon, inside = text.rpartition(":")
    return f"{_host(host, was, now)}:{inside}" if colon else text


def the_image(ctx: Context, image: str, pull: str, failure: TaskFailed) -> Proposal | None:
    """Build it, if a folder beside the plan is named like it and has a Dockerfile; else take the nearest name that is
    here, or pull what may be pulled."""
    if failure.kind not in (FailureKind.WRONG_INPUT, FailureKind.TRANSIENT, FailureKind.PERMISSION):
        return None
    with engine(ctx, f"look at image {image}") as client:
        if names.is_id(image) or images.look(client, image).exists:
            return None
    if names.registry(image) is None and "@" not in image and (folder := _context(ctx, image)):
        return Proposal(
            reason=f"there is no image {image!r}; it is built from {folder}",
            before=(Step.model_validate({"id": "build", "uses": "docker.build",
                                         "with": {"context": folder, "tag": image}}),),
            sure=True,
        )  # fmt: skip
    near = failure.details.get("nearest")
    if near:
        return Proposal(reason=f"there is no image {image!r}; {near!r} is here", inputs={"image": near})
    if pull == "never" and failure.kind is FailureKind.WRONG_INPUT:
        step = Step.model_validate({"id": "pull", "uses": "docker.pull", "with": {"image": image}})
        return Proposal(reason=f"there is no image {image!r} here; it is pulled first", before=(step,), sure=True)
    return None


def _context(ctx: Context, image: str) -> str | None:
    """The folder, as the plan would write it, whose name is the image's and that has a Dockerfile."""
    name = names.split(image)[0].rpartition("/")[2]
    root = ctx.workdir
    if root.name == name and (root / "Dockerfile").is_file():
        return "."
    folders = [root / name, *sorted(path for path in root.glob(f"*/{name}"))[:_FOLDERS]]
    found = next((folder for folder in folders if (folder / "Dockerfile").is_file()), None)
    return f"./{Path(found).relative_to(root)}" if found else None
