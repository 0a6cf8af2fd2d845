"""Volumes: making one, removing one; what is in them is never taken away on a guess."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from reign.core.catalog import Effect, OperationInputs, OperationResult
from reign.core.resource import Observation, Undo
from reign.executor import Context, FailureKind, Operation, TaskFailed
from reign.executor.scope import Scope
from workers.docker import names, rehearsing, settings
from workers.docker.engine import engine, patiently
from workers.docker.names import Name

if TYPE_CHECKING:
    from docker import DockerClient

_SAVE_UP_TO = 100_000_000  # bytes of a volume's files


def find(client: DockerClient, name: str) -> dict[str, Any] | None:
    from docker.errors import NotFound

    try:
        found: dict[str, Any] = client.api.inspect_volume(name)
    except NotFound:
        return None
    return found


def users(client: DockerClient, name: str) -> list[str]:
    """The containers, running or not, that the volume is mounted in."""
    found = client.api.containers(all=True, filters={"volume": name})
    return sorted(c["Names"][0].lstrip("/") for c in found if any(m.get("Name") == name for m in c["Mounts"]))


def look(client: DockerClient, name: str) -> Observation:
    """State: what it takes to make the volume again, empty; facts: since when it is there."""
    found = find(client, name)
    if found is None:
        return Observation.absent(names.volume_address(name))
    state = {"driver": found["Driver"], "options": found["Options"] or {}, "labels": found["Labels"] or {}}
    return Observation(
        resource=names.volume_address(name), exists=True, state=state, facts={"created_at": found.get("CreatedAt")}
    )


def take_away(client: DockerClient, name: str) -> None:
    """Remove the volume; says by which containers it is used."""
    by = users(client, name)
    if by:
        raise TaskFailed(
            f"volume {name} is used by container {', '.join(by)}",
            kind=FailureKind.CONFLICT,
            hint="remove the container first",
            details={"containers": by},
        )
    client.api.remove_volume(name)


def size(client: DockerClient, name: str) -> int | None:
    """Bytes of the files in a volume; None if the engine cannot tell."""
    for found in client.api.df()["Volumes"] or ():
        if found["Name"] == name:
            usage = found.get("UsageData") or {}
            return None if usage.get("Size", -1) < 0 else int(usage["Size"])
    return None


class Holds(Enum):
    """What a volume that a run made may hold by now."""

    NOTHING = "nothing"
    OWN = "what REIGN's containers and its own compose project wrote"
    OTHERS = "what somebody else wrote"
    UNKNOWN = "data, and the engine does not remember whose"


def holds(client: DockerClient, name: str) -> Holds:
    """Whose data is in a volume.

    The engine remembers its last 256 events. If the making of the volume is among them, all containers that ever
    mounted it are known; a foreign one among those that are known is enough for a no.
    """
    if size(client, name) == 0:
        return Holds.NOTHING
    complete, mounted, own = False, set[str](), set[str]()
    found = find(client, name)
    compose = ((found or {}).get("Labels") or {}).get("com.docker.compose.project", "")
    for event in client.api.events(since=0, until=int(time.time()) + 1, decode=True):
        actor = event.get("Actor") or {}
        attributes = actor.get("Attributes") or {}
        if event.get("Type") == "volume" and actor.get("ID") == name:
            if event["Action"] == "create":
                complete, mounted = True, set()
            elif event["Action"] == "mount":
                mounted.add(attributes.get("container", ""))
        elif event.get("Type") == "container":
            # Every event of a container tells its labels.
            of_project = compose and attributes.get("com.docker.compose.project") == compose
            own |= {actor["ID"]} if "reign.run" in attributes or of_project else set()
    if not mounted <= own:
        return Holds.OTHERS
    return Holds.OWN if complete else Holds.UNKNOWN


def take_own_away(ctx: Context, client: DockerClient, name: str) -> None:
    """Remove a volume that a run made, unless somebody else's data is in it.

    If nobody can tell any more, its content is saved first; more than 100 MB are left where they are. Raises TaskFailed
    if the volume stays.
    """
    by, content = users(client, name), holds(client, name)
    held = size(client, name)
    if not by and content is Holds.UNKNOWN and held is not None and held <= _SAVE_UP_TO:
        path = _save(ctx, client, name)
        ctx.log(f"what volume {name} held is saved in {path}")
    elif not by and content not in (Holds.NOTHING, Holds.OWN):
        raise TaskFailed(
            f"volume {name} stays: it holds {content.value}",
            kind=FailureKind.CONFLICT,
            hint=f"if nobody needs it: docker volume rm {name}",
        )
    take_away(client, name)


def _save(ctx: Context, client: DockerClient, name: str) -> Path:
    """The files of a volume as a tar in the worker's state folder, readable for its user alone.

    They are read through a container that is made and never started; any image will do for that.
    """
    image = next(iter(client.api.images()))["Id"]
    folder = ctx.state_dir / "volumes"
    folder.mkdir(exist_ok=True, mode=0o700)
    path = folder / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}.tar"
    path.touch(mode=0o600)
    config = {"Image": image, "Cmd": ["none"], "HostConfig": {"Binds": [f"{name}:/volume:ro"]}, "Labels": ctx.labels}
    reader = client.api.create_container_from_config(config)["Id"]
    try:
        pieces, _ = client.api.get_archive(reader, "/volume/.")
        with path.open("wb") as output:
            for piece in pieces:
                output.write(piece)
    finally:
        client.api.remove_container(reader)
    return path


class CreateVolumeInputs(OperationInputs):
    name: Name = Field(description="the volume's name")
    driver: str = "local"
    labels: settings.Texts = Field(default_factory=dict)
    options: settings.Texts = Field(default_factory=dict, description="of the driver")


class VolumeResult(OperationResult):
    volume: str = Field(description="its name")


class CreateVolume(Operation[CreateVolumeInputs, VolumeResult]):
    name = "docker.create_volume"
    summary = "Create a named volume"
    Inputs = CreateVolumeInputs
    Result = VolumeResult
    undo = Undo.EXACT
    undo_note = "removed; one that holds somebody else's data stays, and the undo says so"

    def rehearsed(self, inputs: Mapping[str, Any], scope: Scope) -> dict[str, Any] | None:
        return rehearsing.new_volume(inputs, scope)

    def touches(self, ctx: Context, inputs: CreateVolumeInputs) -> Sequence[str]:
        return (names.volume_address(inputs.name),)

    def inspect(self, ctx: Context, inputs: CreateVolumeInputs) -> Sequence[Observation]:
        with engine(ctx, f"look at volume {inputs.name}") as client:
            return (look(client, inputs.name),)

    def done(self, ctx: Context, inputs: CreateVolumeInputs, seen: Sequence[Observation]) -> VolumeResult | None:
        if not seen[0].exists or _differs(inputs, seen[0].state):
            return None
        return VolumeResult(volume=inputs.name)

    def apply(self, ctx: Context, inputs: CreateVolumeInputs, seen: Sequence[Observation]) -> VolumeResult:
        with engine(ctx, f"create volume {inputs.name}") as client:
            there = look(client, inputs.name)
            if there.exists:  # the engine would quietly hand out the old one
                raise TaskFailed(
                    f"there already is a volume {inputs.name} with another {_differs(inputs, there.state)}",
                    kind=FailureKind.CONFLICT,
                    hint="use another name; its data would be lost with it",
                )
            client.api.create_volume(
                inputs.name,
                driver=inputs.driver,
                driver_opts=dict(inputs.options) or None,
                labels={**inputs.labels, **ctx.labels},
            )
        return VolumeResult(volume=inputs.name)

    def restore(
        self,
        ctx: Context,
        inputs: CreateVolumeInputs,
        before: Sequence[Observation],
        now: Sequence[Observation],
    ) -> None:
        if before[0].exists:
            with engine(ctx, f"make volume {inputs.name} again") as client:
                bring_back(ctx, client, inputs.name, before[0])
            return
        with engine(ctx, f"remove volume {inputs.name}") as client:
            if find(client, inputs.name) is not None:
                patiently(ctx, lambda: take_own_away(ctx, client, inputs.name))


def bring_back(ctx: Context, client: DockerClient, name: str, old: Observation) -> None:
    """Make a volume that is gone again, empty; one that is there is left alone with its data."""
    if find(client, name) is not None:
        return
    ctx.log(f"volume {name} is made again, and is empty: what it held went with it")
    client.api.create_volume(
        name, driver=old.state["driver"], driver_opts=old.state["options"] or None, labels=old.state["labels"]
    )


def _differs(inputs: CreateVolumeInputs, state: Mapping[str, Any]) -> str | None:
    checks = {
        "driver": state["driver"] == inputs.driver,
        "labels": inputs.labels.items() <= state["labels"].items(),
        "options": inputs.options.items() <= state["options"].items(),
    }
    return next((name for name, same in checks.items() if not same), None)


class RemoveVolumeInputs(OperationInputs):
    name: Name = Field(description="the volume's name; its data goes with it")


class RemoveVolume(Operation[RemoveVolumeInputs, VolumeResult]):
    name = "docker.remove_volume"
    summary = "Remove a volume with its data"
    Inputs = RemoveVolumeInputs
    Result = VolumeResult
    undo = Undo.NONE
    undo_note = "the data in it is lost"
    effect = Effect.DESTROY

    def rehearsed(self, inputs: Mapping[str, Any], scope: Scope) -> dict[str, Any] | None:
        return rehearsing.of_volume(inputs, scope)

    def touches(self, ctx: Context, inputs: RemoveVolumeInputs) -> Sequence[str]:
        return (names.volume_address(inputs.name),)

    def inspect(self, ctx: Context, inputs: RemoveVolumeInputs) -> Sequence[Observation]:
        with engine(ctx, f"look at volume {inputs.name}") as client:
            return (look(client, inputs.name),)

    def done(self, ctx: Context, inputs: RemoveVolumeInputs, seen: Sequence[Observation]) -> VolumeResult | None:
        return None if seen[0].exists else VolumeResult(volume=inputs.name)

    def apply(self, ctx: Context, inputs: RemoveVolumeInputs, seen: Sequence[Observation]) -> VolumeResult:
        with engine(ctx, f"remove volume {inputs.name}") as client:
            take_away(client, inputs.name)
        return VolumeResult(volume=inputs.name)
