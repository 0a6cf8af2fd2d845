"""Networks: making one, removing one."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import AfterValidator, Field, model_validator

from reign.core.catalog import Effect, OperationInputs, OperationResult
from reign.core.resource import Observation, Undo, canonical
from reign.executor import Context, FailureKind, Operation, TaskFailed
from reign.executor.scope import Scope
from workers.docker import names, rehearsing, settings
from workers.docker.engine import engine
from workers.docker.names import Name
from workers.docker.record import connect, endpoint_of

if TYPE_CHECKING:
    from docker import DockerClient


def find(client: DockerClient, name: str) -> dict[str, Any] | None:
    """What the engine says of the network of exactly that name; None if there is none."""
    for found in client.api.networks(names=[name]):
        if found["Name"] == name:
            inspected: dict[str, Any] = client.api.inspect_network(found["Id"])
            return inspected
    return None


def members(client: DockerClient, network: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """How each container, running or not, stands in the network: name -> its endpoint."""
    found = {}
    for container in client.api.containers(all=True):
        endpoint = container["NetworkSettings"]["Networks"].get(network["Name"])
        if endpoint is not None:
            inspected = client.api.inspect_container(container["Id"])
            endpoint = inspected["NetworkSettings"]["Networks"].get(network["Name"], {})
            found[container["Names"][0].lstrip("/")] = endpoint_of(endpoint, container["Id"][:12])
    return dict(sorted(found.items()))


def look(client: DockerClient, name: str) -> Observation:
    """State: what it takes to make the network again. Subnets that the engine chose are kept too, as facts."""
    found = find(client, name)
    if found is None:
        return Observation.absent(names.network_address(name))
    ipam = found["IPAM"] or {}
    state = {
        "driver": found["Driver"],
        "options": found["Options"] or {},
        "labels": found["Labels"] or {},
        "internal": found["Internal"],
        "attachable": found["Attachable"],
        "ipv6": found["EnableIPv6"],
        "ipam": {
            "Driver": ipam.get("Driver"),
            "Options": ipam.get("Options") or {},
            "Config": ipam.get("Config") or [],
        },
    }
    facts = {"id": found["Id"], "members": members(client, found)}
    return Observation(resource=names.network_address(name), exists=True, state=state, facts=facts)


def make(client: DockerClient, name: str, state: Mapping[str, Any]) -> str:
    made = client.api.create_network(
        name,
        driver=state["driver"],
        options=state["options"],
        labels=state["labels"],
        internal=state["internal"],
        attachable=state["attachable"],
        enable_ipv6=state["ipv6"],
        ipam=state["ipam"],
        check_duplicate=True,
    )
    return str(made["Id"])


def take_away(client: DockerClient, name: str, *, disconnect: bool) -> None:
    """Remove the network; with containers in it, also of those that stand still, only if they may be disconnected."""
    found = find(client, name)
    if found is None:
        return
    inside = list(members(client, found))
    if inside and not disconnect:
        # The engine would let go of stopped containers, which then could never start again.
        raise TaskFailed(
            f"network {name} is used by container {', '.join(inside)}",
            kind=FailureKind.CONFLICT,
            hint="remove them first, or give `disconnect: true`",
            details={"containers": inside},
        )
    for container in inside:
        client.api.disconnect_container_from_network(container, found["Id"], force=True)
    client.api.remove_network(found["Id"])


def _subnet(text: str) -> str:
    try:
        ip_network(text)
    except ValueError:
        with contextlib.suppress(ValueError):
            raise ValueError(f"{text!r} is an address in a subnet; write {ip_network(text, strict=False)}") from None
        raise ValueError(f"{text[:60]!r} is not a subnet; write 172.30.0.0/24") from None
    return text


def _address(text: str) -> str:
    try:
        ip_address(text)
    except ValueError:
        raise ValueError(f"{text[:60]!r} is not an address; write 172.30.0.1") from None
    return text


class CreateNetworkInputs(OperationInputs):
    name: Name = Field(description="the network's name")
    driver: str = Field(default="bridge", description="bridge, overlay, macvlan, ...")
    subnet: Annotated[str, AfterValidator(_subnet)] | None = Field(
        default=None, description="e.g. 172.30.0.0/24; default: the engine chooses"
    )
    gateway: Annotated[str, AfterValidator(_address)] | None = Field(
        default=None, description="address of the gateway in the subnet"
    )
    internal: bool = Field(default=False, description="no way out of it")
    labels: settings.Texts = Field(default_factory=dict)
    options: settings.Texts = Field(default_factory=dict, description="of the driver")

    @model_validator(mode="after")
    def _gateway_inside(self) -> Self:
        if self.gateway:
            if self.subnet is None:
                raise ValueError("a `gateway` needs its `subnet`")
            if ip_address(self.gateway) not in ip_network(self.subnet):
                raise ValueError(f"the gateway {self.gateway} is not in the subnet {self.subnet}")
        return self


class NetworkResult(OperationResult):
    network_id: str | None
    name: str


class CreateNetwork(Operation[CreateNetworkInputs, NetworkResult]):
    name = "docker.create_network"
    summary = "Create a network for containers"
    Inputs = CreateNetworkInputs
    Result = NetworkResult
    undo = Undo.EXACT
    undo_note = "removed, if it was not there before"

    def rehearsed(self, inputs: Mapping[str, Any], scope: Scope) -> dict[str, Any] | None:
        return rehearsing.new_network(inputs, scope)

    def touches(self, ctx: Context, inputs: CreateNetworkInputs) -> Sequence[str]:
        return (names.network_address(inputs.name),)

    def inspect(self, ctx: Context, inputs: CreateNetworkInputs) -> Sequence[Observation]:
        with engine(ctx, f"look at network {inputs.name}") as client:
            return (look(client, inputs.name),)

    def done(self, ctx: Context, inputs: CreateNetworkInputs, seen: Sequence[Observation]) -> NetworkResult | None:
        if not seen[0].exists or _differs(inputs, seen[0].state):
            return None
        return NetworkResult(network_id=seen[0].facts["id"], name=inputs.name)

    def apply(self, ctx: Context, inputs: CreateNetworkInputs, seen: Sequence[Observation]) -> NetworkResult:
        with engine(ctx, f"create network {inputs.name}") as client:
            there = look(client, inputs.name)
            if there.exists:
                raise TaskFailed(
                    f"there already is a network {inputs.name} with another {_differs(inputs, there.state)}",
                    kind=FailureKind.CONFLICT,
                    hint="use another name, or remove it first (docker.remove_network)",
                )
            config = {"Subnet": inputs.subnet, "Gateway": inputs.gateway}
            pool = {key: value for key, value in config.items() if value}
            made = make(
                client,
                inputs.name,
                {
                    "driver": inputs.driver,
                    "options": dict(inputs.options),
                    "labels": {**inputs.labels, **ctx.labels},
                    "internal": inputs.internal,
                    "attachable": False,
                    "ipv6": False,
                    "ipam": {"Driver": "default", "Config": [pool] if pool else []},
                },
            )
        return NetworkResult(network_id=made, name=inputs.name)

    def restore(
        self,
        ctx: Context,
        inputs: CreateNetworkInputs,
        before: Sequence[Observation],
        now: Sequence[Observation],
    ) -> None:
        with engine(ctx, f"take network {inputs.name} back") as client:
            if before[0].exists:
                bring_back(ctx, client, inputs.name, before[0])
            else:
                take_away(client, inputs.name, disconnect=False)


def _differs(inputs: CreateNetworkInputs, state: Mapping[str, Any]) -> str | None:
    """What of an existing network is not as asked."""
    pools = state["ipam"]["Config"]
    checks = {
        "driver": state["driver"] == inputs.driver,
        "subnet": inputs.subnet is None or inputs.subnet in [pool.get("Subnet") for pool in pools],
        "gateway": inputs.gateway is None or inputs.gateway in [pool.get("Gateway") for pool in pools],
        "internal": state["internal"] == inputs.internal,
        "labels": inputs.labels.items() <= state["labels"].items(),
        "options": inputs.options.items() <= state["options"].items(),
    }
    return next((name for name, same in checks.items() if not same), None)


class RemoveNetworkInputs(OperationInputs):
    name: Name = Field(description="the network's name")
    disconnect: bool = Field(default=False, description="take containers out of it first; an undo puts them in again")


class RemoveNetwork(Operation[RemoveNetworkInputs, NetworkResult]):
    name = "docker.remove_network"
    summary = "Remove a network"
    Inputs = RemoveNetworkInputs
    Result = NetworkResult
    undo = Undo.EXACT
    undo_note = "made again with the same settings, and the containers that were in it are connected again"
    effect = Effect.DESTROY
    converges = True

    def rehearsed(self, inputs: Mapping[str, Any], scope: Scope) -> dict[str, Any] | None:
        return rehearsing.of_network(inputs, scope)

    def touches(self, ctx: Context, inputs: RemoveNetworkInputs) -> Sequence[str]:
        return (names.network_address(inputs.name),)

    def inspect(self, ctx: Context, inputs: RemoveNetworkInputs) -> Sequence[Observation]:
        with engine(ctx, f"look at network {inputs.name}") as client:
            return (look(client, inputs.name),)

    def done(self, ctx: Context, inputs: RemoveNetworkInputs, seen: Sequence[Observation]) -> NetworkResult | None:
        return None if seen[0].exists else NetworkResult(network_id=None, name=inputs.name)

    def apply(self, ctx: Context, inputs: RemoveNetworkInputs, seen: Sequence[Observation]) -> NetworkResult:
        with engine(ctx, f"remove network {inputs.name}") as client:
            take_away(client, inputs.name, disconnect=inputs.disconnect)
        return NetworkResult(network_id=None, name=inputs.name)

    def restore(
        self,
        ctx: Context,
        inputs: RemoveNetworkInputs,
        before: Sequence[Observation],
        now: Sequence[Observation],
    ) -> None:
        old = before[0]
        if not old.exists:
            return
        with engine(ctx, f"make network {inputs.name} again") as client:
            bring_back(ctx, client, inputs.name, old)


def bring_back(ctx: Context, client: DockerClient, name: str, old: Observation) -> None:
    """Make the network what it was, with the containers that were in it and those that are in what stands there now."""
    found = find(client, name)
    inside = dict(old.facts.get("members", {}))
    if found is not None and canonical(look(client, name).state) != canonical(old.state):
        inside = members(client, found) | inside
        take_away(client, name, disconnect=True)
        found = None
    network = found["Id"] if found else make(client, name, old.state)
    there = members(client, client.api.inspect_network(network))
    for container, endpoint in inside.items():
        if container not in there:
            join(ctx, client, container, network, endpoint)


def join(ctx: Context, client: DockerClient, container: str, network: str, endpoint: Mapping[str, Any]) -> None:
    """Connect a container as it was connected; one that is gone since is passed over, and the log says so."""
    from docker.errors import NotFound

    try:
        connect(client, container, network, endpoint)
    except NotFound:
        ctx.log(f"container {container} is gone and was not connected again")
