"""Bringing a container back to what a record says, from whatever stands in its place now."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from reign.core.resource import Observation, canonical
from reign.executor import Context
from workers.docker import kept
from workers.docker.record import attach, create, find, record

if TYPE_CHECKING:
    from docker import DockerClient

#: Where docker.run keeps the container that it replaces until the new one is healthy.
KEPT_SUFFIX = ".reign-before"


def kept_name(name: str) -> str:
    return name + KEPT_SUFFIX


def halt(client: DockerClient, container: str, seconds: float | None = None) -> None:
    """Stop a container; it has ``seconds`` to end by itself (default: its own setting, else 10).

    One that was made to remove itself may be gone before the engine answers: it does not run, which is what is asked.
    """
    from docker.errors import NotFound

    usual, client.api.timeout = client.api.timeout, None  # its own setting may be longer than an answer may take
    try:
        with contextlib.suppress(NotFound):
            client.api.stop(container, timeout=None if seconds is None else round(seconds))
    finally:
        client.api.timeout = usual


def remove(ctx: Context, client: DockerClient, name: str, *, graceful: bool = True) -> None:
    """Stop and remove the container of that name if there is one, keeping its volumes and what an undo needs."""
    from docker.errors import NotFound

    found = find(client, name)
    if found is None:
        return
    env = dict(item.partition("=")[::2] for item in found["Config"].get("Env") or ())
    kept.keep(ctx, env, found["Config"])
    try:
        if graceful and found["State"]["Running"]:
            halt(client, found["Id"])
        client.api.remove_container(found["Id"], force=True)
    except NotFound:  # it was made to remove itself at its end
        return


def settle(ctx: Context, client: DockerClient, name: str) -> None:
    """After a replacement that was cut off: the container that was kept stands in its place again, as it was."""
    if find(client, kept_name(name)) is None:
        return
    remove(ctx, client, name, graceful=False)
    client.api.rename(kept_name(name), name)


def bring_back(ctx: Context, client: DockerClient, name: str, before: Observation) -> None:
    """Make the container of that name what ``before`` says; nothing is done where it already is."""
    settle(ctx, client, name)
    if not before.exists:
        remove(ctx, client, name, graceful=False)
        return
    wanted = before.state
    if unlike(ctx, client, name, before):
        env, config = kept.resolved(ctx, name, wanted["env"], wanted["config"])
        remove(ctx, client, name)
        create(client, name, {**wanted, "env": env, "config": config}, before.facts.get("image"))
    else:
        attach(client, name, wanted["networks"], wanted["host"].get("NetworkMode", "default"))
    found = find(client, name)
    assert found is not None
    _run_as(client, found, running=wanted["running"], paused=wanted["paused"])


def unlike(ctx: Context, client: DockerClient, name: str, before: Observation) -> bool:
    """Whether the container that stands there must be made anew to be what ``before`` says."""
    found = find(client, name)
    return found is None or not _same_making(ctx, before, found)


def _same_making(ctx: Context, before: Observation, found: dict[str, Any]) -> bool:
    """Whether what stands there was made as ``before`` says; whether it runs does not count."""
    now = record(ctx, found)
    if before.facts.get("id") == found["Id"]:  # config cannot change, but `docker update` changes limits
        return canonical(before.state["host"]) == canonical(now["host"])
    making = ("image_id", "config", "env", "host")
    was = ctx.masker.record({key: before.state[key] for key in making})
    return canonical(was) == canonical(ctx.masker.record({key: now[key] for key in making}))


def _run_as(client: DockerClient, found: dict[str, Any], *, running: bool, paused: bool) -> None:
    container, state = found["Id"], found["State"]
    if state.get("Paused") and not (running and paused):
        client.api.unpause(container)
    if running and not state["Running"]:
        client.api.start(container)
    elif not running and state["Running"]:
        halt(client, container)
    if paused and not state.get("Paused"):
        client.api.pause(container)
