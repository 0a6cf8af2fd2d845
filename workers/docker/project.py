"""A compose project as it stands: its containers, networks and built images, and how to bring them back.

It is undone by records, like a single container, and not by running the former file: that may have been edited since.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from reign.core.resource import Observation, canonical
from reign.executor import Context, TaskFailed
from workers.docker import images, names, networks, volumes
from workers.docker.putback import bring_back as bring_container_back
from workers.docker.putback import remove, unlike
from workers.docker.record import find, host_ports, observe

if TYPE_CHECKING:
    from docker import DockerClient

PROJECT = "com.docker.compose.project"
SERVICE = "com.docker.compose.service"
CONFIG_HASH = "com.docker.compose.config-hash"
_DEPENDS_ON = "com.docker.compose.depends_on"  # "db:service_healthy:false,cache:service_started:false"
_HEALTHY_WITHIN = 60.0  # seconds that a bring-back waits for what others depend on


def container_names(client: DockerClient, project: str) -> list[str]:
    found = client.api.containers(all=True, filters={"label": f"{PROJECT}={project}"})
    return sorted(container["Names"][0].lstrip("/") for container in found)


def look(ctx: Context, client: DockerClient, project: str) -> Observation:
    """State ``{containers: {name: record}, networks: {name: settings}, images: {name: id}}``."""
    seen = {name: observe(ctx, client, name) for name in container_names(client, project)}
    own = {"filters": {"label": f"{PROJECT}={project}"}}
    nets = {n["Name"]: networks.look(client, n["Name"]) for n in client.api.networks(**own)}
    built = {tag: i["Id"] for i in client.api.images(**own) for tag in i.get("RepoTags") or () if "<none>" not in tag}
    kept = {v["Name"]: volumes.look(client, v["Name"]).state for v in client.api.volumes(**own)["Volumes"] or ()}
    if not seen and not nets and not built:
        return Observation.absent(address(project))
    return Observation(
        resource=address(project),
        exists=True,
        state={
            "containers": {name: item.state for name, item in seen.items() if item.exists},
            "networks": {name: item.state for name, item in sorted(nets.items()) if item.exists},
            "images": dict(sorted(built.items())),
        },
        facts={
            "containers": {name: item.facts for name, item in seen.items()},
            "volumes": sorted(kept),
            "volume_settings": kept,
        },
    )


def address(project: str) -> str:
    return f"docker:compose/{project}"


def services(client: DockerClient, project: str) -> dict[str, dict[str, Any]]:
    """Each service's ``{state, health, containers, ports}``, worst state first to be told."""
    result: dict[str, dict[str, Any]] = {}
    for name in container_names(client, project):
        found = find(client, name)
        if found is None:
            continue
        service = (found["Config"]["Labels"] or {}).get(SERVICE, name)
        told = result.setdefault(service, {"state": "running", "health": None, "containers": [], "ports": {}})
        told["containers"].append(name)
        told["ports"] |= host_ports(found)
        if found["State"]["Status"] != "running":
            told["state"] = found["State"]["Status"]
        health = (found["State"].get("Health") or {}).get("Status")
        told["health"] = health if told["health"] in (None, "healthy") else told["health"]
    return result


def bring_back(ctx: Context, client: DockerClient, project: str, before: Observation) -> None:
    """Make the project what ``before`` says. Volumes made since go only if nobody else's data can be in them."""
    wanted: Mapping[str, Any] = before.state.get("containers", {})
    facts: Mapping[str, Any] = before.facts.get("containers", {})
    then = {
        name: Observation(resource=names.container_address(name), exists=True, state=state, facts=facts.get(name, {}))
        for name, state in wanted.items()
    }
    for name in container_names(client, project):
        if name not in then or unlike(ctx, client, name, then[name]):
            remove(ctx, client, name, graceful=name in then)
    _bring_networks_back(client, project, before.state.get("networks", {}))
    for name, state in before.facts.get("volume_settings", {}).items():
        there = Observation(resource=names.volume_address(name), exists=True, state=state)
        volumes.bring_back(ctx, client, name, there)
    for tag, image_id in look(ctx, client, project).state.get("images", {}).items():
        former = before.state.get("images", {}).get(tag)
        if former != image_id:
            images.point(client, tag, former)
    for name in _in_order(then):
        bring_container_back(ctx, client, name, then[name])
        if then[name].state["running"]:
            _wait_for_health(ctx, client, name)
    _remove_new_volumes(ctx, client, project, before.facts.get("volumes", []))


def _bring_networks_back(client: DockerClient, project: str, wanted: Mapping[str, Any]) -> None:
    for found in client.api.networks(filters={"label": f"{PROJECT}={project}"}):
        name = found["Name"]
        if name not in wanted or canonical(networks.look(client, name).state) != canonical(wanted[name]):
            networks.take_away(client, name, disconnect=True)
    for name, state in wanted.items():
        if networks.find(client, name) is None:
            networks.make(client, name, state)


def _in_order(then: Mapping[str, Observation]) -> list[str]:
    """Container names so that what others depend on comes first."""
    labels = {name: item.state["config"].get("Labels") or {} for name, item in then.items()}
    needs = {
        name: {part.partition(":")[0] for part in found.get(_DEPENDS_ON, "").split(",") if part}
        for name, found in labels.items()
    }
    ordered: list[str] = []
    waiting = sorted(then)
    while waiting:
        done = {labels[name].get(SERVICE) for name in ordered}
        there = {labels[name].get(SERVICE) for name in then}
        ready = [name for name in waiting if needs[name] & there <= done] or waiting
        ordered += ready
        waiting = [name for name in waiting if name not in ordered]
    return ordered


def _wait_for_health(ctx: Context, client: DockerClient, name: str) -> None:
    """Give a container time to get healthy before what depends on it starts; a bring-back goes on in any case."""
    deadline = time.monotonic() + _HEALTHY_WITHIN
    while time.monotonic() < deadline and not ctx.cancelled.is_set():
        found = find(client, name)
        if found is None or (found["State"].get("Health") or {}).get("Status", "none") != "starting":
            return
        time.sleep(0.2)


def _remove_new_volumes(ctx: Context, client: DockerClient, project: str, former: list[str]) -> None:
    for found in client.api.volumes(filters={"label": f"{PROJECT}={project}"})["Volumes"] or ():
        name = found["Name"]
        if name in former:
            continue
        try:
            volumes.take_own_away(ctx, client, name)
        except TaskFailed as failure:  # the project itself is back; a volume is no part of what is compared
            ctx.log(failure.message)
