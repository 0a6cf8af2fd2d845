"""Stopping, starting, restarting and removing a container."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from reign.core.catalog import Effect, OperationInputs, OperationResult
from reign.core.duration import Duration
from reign.core.resource import Observation, Undo
from reign.executor import Context, Operation
from reign.executor.scope import Scope
from workers.docker import names, rehearsing
from workers.docker.engine import engine, patiently
from workers.docker.errors import no_object
from workers.docker.names import Name
from workers.docker.putback import bring_back, halt, remove
from workers.docker.readiness import Wait, wait_until
from workers.docker.record import find, observe

if TYPE_CHECKING:
    from docker import DockerClient


class StatusResult(OperationResult):
    name: str
    status: str = Field(description="running, exited, created, or removed")
    container_id: str | None = None


class StopInputs(OperationInputs):
    name: Name = Field(description="the container")
    timeout: Duration | None = Field(
        default=None, description="time to end by itself before it is killed; default: the container's own, else 10s"
    )


class StartInputs(OperationInputs):
    name: Name = Field(description="the container")
    wait: Wait | None = Field(default=None, description="as of docker.run")
    wait_timeout: Duration = Field(default=120.0, description="longest wait for that")


class RestartInputs(StartInputs):
    timeout: Duration | None = Field(default=None, description="time to end by itself before it is killed")


class RemoveInputs(OperationInputs):
    name: Name = Field(description="the container; one that runs is stopped first, volumes stay")
    timeout: Duration | None = Field(default=None, description="time to end by itself before it is killed")


class _OnContainer(Operation[Any, StatusResult]):
    """What the four have in common: one container, undone by its record."""

    Result = StatusResult
    undo = Undo.EXACT
    undo_note = "the container runs or stands still as before"
    converges = True
    verb: ClassVar[str]

    def rehearsed(self, inputs: Mapping[str, Any], scope: Scope) -> dict[str, Any] | None:
        return rehearsing.of_container(inputs, scope)

    def touches(self, ctx: Context, inputs: Any) -> Sequence[str]:
        return (names.container_address(inputs.name),)

    def inspect(self, ctx: Context, inputs: Any) -> Sequence[Observation]:
        with engine(ctx, f"look at container {inputs.name}") as client:
            return (observe(ctx, client, inputs.name),)

    def apply(self, ctx: Context, inputs: Any, seen: Sequence[Observation]) -> StatusResult:
        with engine(ctx, f"{self.verb} container {inputs.name}") as client:
            found = find(client, inputs.name)
            if found is None:
                raise no_object("container", inputs.name, client)
            self.act(ctx, client, inputs, found)
            return status(client, inputs.name)

    def act(self, ctx: Context, client: DockerClient, inputs: Any, found: dict[str, Any]) -> None:
        raise AssertionError(self.name)

    def restore(self, ctx: Context, inputs: Any, before: Sequence[Observation], now: Sequence[Observation]) -> None:
        with engine(ctx, f"take container {inputs.name} back") as client:
            bring_back(ctx, client, inputs.name, before[0])


def status(client: DockerClient, name: str) -> StatusResult:
    found = find(client, name)
    if found is None:
        return StatusResult(name=name, status="removed")
    return StatusResult(name=name, status=found["State"]["Status"], container_id=found["Id"])


class Stop(_OnContainer):
    name = "docker.stop"
    summary = "Stop a container"
    Inputs = StopInputs
    verb = "stop"

    def done(self, ctx: Context, inputs: Any, seen: Sequence[Observation]) -> StatusResult | None:
        if not seen[0].exists or seen[0].state["running"]:
            return None
        return StatusResult(name=inputs.name, status=seen[0].facts["status"], container_id=seen[0].facts["id"])

    def act(self, ctx: Context, client: DockerClient, inputs: Any, found: dict[str, Any]) -> None:
        patiently(ctx, lambda: halt(client, found["Id"], inputs.timeout))


class Start(_OnContainer):
    name = "docker.start"
    summary = "Start a container that stands still"
    Inputs = StartInputs
    verb = "start"

    def done(self, ctx: Context, inputs: Any, seen: Sequence[Observation]) -> StatusResult | None:
        if not seen[0].exists or not seen[0].state["running"] or seen[0].state["paused"]:
            return None
        if seen[0].facts["health"] not in (None, "none", "healthy") and inputs.wait not in ("started", "none"):
            return None
        return StatusResult(name=inputs.name, status="running", container_id=seen[0].facts["id"])

    def act(self, ctx: Context, client: DockerClient, inputs: Any, found: dict[str, Any]) -> None:
        if found["State"].get("Paused"):
            client.api.unpause(found["Id"])
        client.api.start(found["Id"])
        wait_until(ctx, client, inputs.name, inputs.wait, inputs.wait_timeout)


class Restart(_OnContainer):
    """An action: asked for again, it happens again."""

    name = "docker.restart"
    summary = "Restart a container"
    Inputs = RestartInputs
    undo_note = "a container that stood still before is stopped again"
    verb = "restart"

    def act(self, ctx: Context, client: DockerClient, inputs: Any, found: dict[str, Any]) -> None:
        if found["State"].get("Paused"):
            client.api.unpause(found["Id"])
        if found["State"]["Running"]:
            patiently(ctx, lambda: halt(client, found["Id"], inputs.timeout))
        client.api.start(found["Id"])
        wait_until(ctx, client, inputs.name, inputs.wait, inputs.wait_timeout)


class Remove(_OnContainer):
    name = "docker.remove"
    summary = "Stop and remove a container; its volumes stay"
    Inputs = RemoveInputs
    undo_note = "made again from its recorded configuration, with its volumes; files in its own layer are lost"
    effect = Effect.DESTROY
    verb = "remove"

    def done(self, ctx: Context, inputs: Any, seen: Sequence[Observation]) -> StatusResult | None:
        return None if seen[0].exists else StatusResult(name=inputs.name, status="removed")

    def act(self, ctx: Context, client: DockerClient, inputs: Any, found: dict[str, Any]) -> None:
        if found["State"]["Running"]:
            patiently(ctx, lambda: halt(client, found["Id"], inputs.timeout))
        remove(ctx, client, inputs.name)
