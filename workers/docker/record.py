"""The record of a container: all that is needed to make it again as it was.

A record is what ``inspect`` keeps as an Observation's state, what an undo makes a container of, and what docker.run
makes one of in the first place, so that there is one way from a description to a container::

    {image_id, config, env, host, networks, running, paused}

``config`` and ``host`` are the engine's own Config and HostConfig without what is empty; ``env`` stands apart by name,
so that a secret in it can be kept as a reference. ``networks`` is null where the engine's default is wanted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from reign.core.resource import Observation
from reign.executor import Context, FailureKind, TaskFailed
from workers.docker import kept, names

if TYPE_CHECKING:
    from docker import DockerClient

#: Set by docker.run: the digest of what was asked for, by which a second run sees that nothing is left to do.
SPEC_LABEL = "reign.spec"
#: Modes that are not the name of a network.
SPECIAL_MODES = ("default", "bridge", "host", "none")


def find(client: DockerClient, name: str) -> dict[str, Any] | None:
    """What the engine says of the container of that name (never of one whose id begins so); None if there is none."""
    from docker.errors import NotFound

    try:
        found: dict[str, Any] = client.api.inspect_container(name)
    except NotFound:
        return None
    return found if found["Name"] == f"/{name}" else None


def observe(ctx: Context, client: DockerClient, name: str) -> Observation:
    """The container as an Observation whose state is its record."""
    found = find(client, name)
    address = names.container_address(name)
    if found is None:
        return Observation.absent(address)
    state = found["State"]
    facts = {
        "id": found["Id"],
        "image": found["Config"]["Image"],
        "status": state["Status"],
        "health": (state.get("Health") or {}).get("Status"),
        "exit_code": state.get("ExitCode"),
        "started_at": state.get("StartedAt"),
        "ports": host_ports(found),
    }
    return Observation(resource=address, exists=True, state=record(ctx, found), facts=facts)


def host_ports(found: Mapping[str, Any]) -> dict[str, int]:
    """Container port (``80`` for tcp, ``53/udp``) -> port of the host."""
    published = found["NetworkSettings"].get("Ports") or {}
    return {key.removesuffix("/tcp"): int(bound[0]["HostPort"]) for key, bound in sorted(published.items()) if bound}


def record(ctx: Context, found: Mapping[str, Any]) -> dict[str, Any]:
    """The record of a container as the engine describes it."""
    config, host = dict(found["Config"]), dict(found["HostConfig"])
    short = found["Id"][:12]
    env = dict(item.partition("=")[::2] for item in config.pop("Env", None) or ())
    for volatile in ("Image", "AttachStdin", "AttachStdout", "AttachStderr", "StdinOnce"):
        config.pop(volatile, None)
    if config.get("Hostname") == short or host.get("NetworkMode", "").partition(":")[0] in ("host", "container"):
        config.pop("Hostname", None)
    host["Binds"] = _binds(found)
    host["Mounts"] = [mount for mount in host.get("Mounts") or () if mount["Type"] != "volume" or mount.get("Source")]
    for derived in ("ConsoleSize", "VolumesFrom", "ContainerIDFile"):
        host.pop(derived, None)
    env, config = kept.hidden(ctx, env, _given(config))
    state = found["State"]
    return {
        "image_id": found["Image"],
        "config": config,
        "env": env,
        "host": _given(host),
        "networks": {
            name: endpoint_of(endpoint, short)
            for name, endpoint in sorted((found["NetworkSettings"].get("Networks") or {}).items())
        },
        "running": bool(state["Running"]),
        "paused": bool(state.get("Paused")),
    }


def _binds(found: Mapping[str, Any]) -> list[str]:
    """The binds of HostConfig, and what the engine mounted beside them: volumes without a name, by the name that it
    gave them, and those of other containers (``VolumesFrom``)."""
    host = found["HostConfig"]
    binds = [bind for bind in host.get("Binds") or () if ":" in bind]
    covered = {bind.split(":")[1] for bind in binds} | {
        m["Target"] for m in host.get("Mounts") or () if m.get("Source")
    }
    for mount in found.get("Mounts") or ():
        if mount["Type"] in ("volume", "bind") and mount["Destination"] not in covered:
            source = mount["Name"] if mount["Type"] == "volume" else mount["Source"]
            binds.append(f"{source}:{mount['Destination']}" + ("" if mount.get("RW", True) else ":ro"))
    return sorted(binds)


def endpoint_of(endpoint: Mapping[str, Any], short: str) -> dict[str, Any]:
    """How a container stands in a network, without what the engine adds (``short``: its id's first 12 digits)."""
    own = {key: endpoint.get(key) for key in ("IPAMConfig", "Links", "DriverOpts")}
    own["Aliases"] = sorted(alias for alias in endpoint.get("Aliases") or () if alias != short)
    return _given(own)


def _given(value: Mapping[str, Any]) -> dict[str, Any]:
    """Without what is empty or zero: the engine's default, in the words of this and every other version."""
    result = {}
    for key, item in value.items():
        item = _given(item) if isinstance(item, Mapping) and key not in ("Labels", "Volumes", "ExposedPorts") else item
        if item or (key == "StopTimeout" and item is not None):  # 0: it is killed at once
            result[key] = item
    return result


def create(client: DockerClient, name: str, wanted: Mapping[str, Any], image: str | None = None) -> str:
    """Make a container of a record, without starting it, and return its id.

    ``image``: the name to note in it, if it still points to the record's image. Raises TaskFailed if the image is gone.
    """
    from docker.errors import ImageNotFound

    image_id = wanted["image_id"]
    try:
        client.api.inspect_image(image_id)
    except ImageNotFound:
        raise TaskFailed(
            f"container {name} cannot be made again: its image {image_id[:19]} has been removed",
            kind=FailureKind.CONFLICT,
            hint=f"build or pull {image or 'it'} again",
        ) from None
    host = dict(wanted["host"])
    networks: Mapping[str, Any] | None = wanted["networks"]
    mode = host.get("NetworkMode", "default")
    config = {
        **wanted["config"],
        "Image": image if image and _points(client, image, image_id) else image_id,
        "Env": [f"{key}={value}" for key, value in wanted["env"].items()],
        "HostConfig": host,
    }
    if networks and mode in networks:  # engines before 25 take one network at creation
        config["NetworkingConfig"] = {"EndpointsConfig": {mode: networks[mode]}}
    made = str(client.api.create_container_from_config(config, name)["Id"])
    try:
        if networks is not None:
            attach(client, made, networks, mode)
    except BaseException:
        client.api.remove_container(made, force=True)
        raise
    return made


def _points(client: DockerClient, image: str, image_id: str) -> bool:
    from docker.errors import APIError

    try:
        return bool(client.api.inspect_image(image)["Id"] == image_id)
    except APIError:
        return False


def attach(client: DockerClient, container: str, networks: Mapping[str, Any], mode: str) -> None:
    """Connect a container to the networks of its record beyond the one that it was created in."""
    there = client.api.inspect_container(container)["NetworkSettings"]["Networks"] or {}
    for network, endpoint in networks.items():
        if network not in there and network not in ("host", "none"):
            connect(client, container, network, endpoint)
    for network in there:
        if network not in networks and mode not in ("host", "none"):
            client.api.disconnect_container_from_network(container, network)


def connect(client: DockerClient, container: str, network: str, endpoint: Mapping[str, Any]) -> None:
    """Connect a container to a network as ``endpoint_of`` describes it."""
    ipam = endpoint.get("IPAMConfig") or {}
    client.api.connect_container_to_network(
        container,
        network,
        ipv4_address=ipam.get("IPv4Address"),
        ipv6_address=ipam.get("IPv6Address"),
        aliases=endpoint.get("Aliases"),
        links=endpoint.get("Links"),
        driver_opt=endpoint.get("DriverOpts"),
    )
