"""The tests' own look at a Docker Engine, apart from what the agent sees; and names that only one test uses."""

from __future__ import annotations

import contextlib
import socket
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reign.core.resource import differences
from reign.executor import Operation
from reign.executor.testing import RecordingContext, make_context, run_operation
from reign.security.masking import Masker
from tests.engines.docker import BUSYBOX, DockerEngine
from workers.docker import AGENT

OPERATIONS: dict[str, Operation[Any, Any]] = {operation.name: operation() for operation in AGENT.operations}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class World:
    """An engine, a folder for the plan, and a prefix that all names of the test begin with."""

    engine: DockerEngine
    folder: Path
    client: Any
    prefix: str = field(default_factory=lambda: f"rt{uuid.uuid4().hex[:10]}")

    def name(self, text: str = "it") -> str:
        return f"{self.prefix}-{text}"

    def context(self, **given: Any) -> RecordingContext:
        return make_context(self.folder, **({"options": self.engine.options} | given))

    def go(self, name: str, /, ctx: RecordingContext | None = None, **inputs: Any) -> Any:
        """Do an operation as the engine's spine does; returns its result."""
        operation = OPERATIONS[name]
        return run_operation(operation, ctx or self.context(), operation.Inputs.model_validate(inputs))

    def look(self, name: str, /, **inputs: Any) -> Any:
        """What the operation observes."""
        operation = OPERATIONS[name]
        return list(operation.inspect(self.context(), operation.Inputs.model_validate(inputs)))

    def undo(self, name: str, before: Any, /, ctx: RecordingContext | None = None, **inputs: Any) -> None:
        operation = OPERATIONS[name]
        parsed = operation.Inputs.model_validate(inputs)
        ctx = ctx or self.context()
        operation.restore(ctx, parsed, before, list(operation.inspect(ctx, parsed)))

    def container(self, text: str = "it", command: str = "sleep 1000", **given: Any) -> Any:
        """A container that REIGN did not make, running."""
        given = {"stop_signal": "KILL"} | given
        return self.client.containers.run(BUSYBOX, command, name=self.name(text), detach=True, **given)

    def picture(self) -> dict[str, Any]:
        """All that has the prefix: containers with their settings, networks, volumes, image names."""
        return {
            "containers": {
                c.name: _container(c.attrs)
                for c in self._mine(self.client.containers.list(all=True, ignore_removed=True))
            },
            "networks": sorted(n.name for n in self._mine(self.client.networks.list())),
            "volumes": sorted(v.name for v in self._mine(self.client.volumes.list())),
            "images": {
                tag: image["Id"]
                for image in self.client.api.images()
                for tag in image["RepoTags"] or ()
                if self.prefix in tag
            },
        }

    def same(self, picture: dict[str, Any]) -> bool:
        """Whether all is as in an earlier picture; prints what is not."""
        found = differences(picture, self.picture())
        for place, before, after in found:
            print(f"{place}: {before!r} -> {after!r}")
        return not found

    def _mine(self, found: Any) -> list[Any]:
        return [item for item in found if item.name.startswith(self.prefix)]

    def clear(self) -> None:
        from docker.errors import APIError

        for container in self._mine(self.client.containers.list(all=True, ignore_removed=True)):
            nameless = [m["Name"] for m in container.attrs["Mounts"] if m["Type"] == "volume" and len(m["Name"]) == 64]
            with contextlib.suppress(APIError):
                container.remove(force=True, v=True)
            for volume in nameless:  # brought back by an undo they have names, and `v` spares them
                with contextlib.suppress(APIError):
                    self.client.volumes.get(volume).remove()
        for kind in (self.client.networks, self.client.volumes):
            for item in self._mine(kind.list()):
                with contextlib.suppress(APIError):
                    item.remove()
        for tag in self.picture()["images"]:
            with contextlib.suppress(APIError):
                self.client.images.remove(tag, force=True)
        self.client.close()


def _container(attrs: dict[str, Any]) -> dict[str, Any]:
    config, host, short = attrs["Config"], attrs["HostConfig"], attrs["Id"][:12]
    networks = attrs["NetworkSettings"]["Networks"] or {}
    return {
        "image": attrs["Image"],
        "env": sorted(config["Env"] or ()),
        "command": config["Cmd"],
        "entrypoint": config["Entrypoint"],
        "labels": config["Labels"],
        "health": config.get("Healthcheck"),
        "user": config["User"],
        "host": {
            key: host[key] or None for key in ("PortBindings", "RestartPolicy", "Memory", "NanoCpus", "PidsLimit")
        },
        "mounts": sorted((m["Type"], m.get("Name") or m["Source"], m["Destination"], m["RW"]) for m in attrs["Mounts"]),
        "networks": {n: sorted(set(e["Aliases"] or ()) - {short}) for n, e in networks.items()},
        "running": attrs["State"]["Running"],
    }


def masker(**secrets: str) -> Masker:
    """A masker that knows ``secret://env/NAME`` for each."""
    return Masker({f"secret://env/{name}": value for name, value in secrets.items()})
