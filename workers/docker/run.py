"""docker.run: a container of that name runs as asked; what stood there before is kept until the new one is healthy."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from reign.core.catalog import OperationInputs, OperationResult
from reign.core.duration import Duration
from reign.core.resource import Observation, Undo, digest
from reign.executor import Context, FailureKind, NeedsApproval, Operation, Proposal, TaskFailed
from reign.executor.contract import Assessment
from reign.executor.scope import Scope
from workers.docker import images, kept, names, rehearsing, repairs, settings
from workers.docker.engine import address, engine, patiently
from workers.docker.errors import in_words
from workers.docker.hazards import asks, hazards, linked
from workers.docker.names import ImageName, Name
from workers.docker.ports import Ports, published
from workers.docker.putback import bring_back, halt, kept_name, remove, settle
from workers.docker.readiness import Wait, wait_until
from workers.docker.record import SPEC_LABEL, create, find, host_ports, observe
from workers.docker.settings import mounts

if TYPE_CHECKING:
    from docker import DockerClient


class RunInputs(OperationInputs):
    image: ImageName = Field(description="name[:tag] or id")
    name: Name = Field(description="the container's name; one container of a name at a time")
    ports: Ports = Field(
        default_factory=dict,
        description='{"8088": 80} (host: container) or ["8088:80"]; on 127.0.0.1 unless an address is given, '
        'e.g. "0.0.0.0:8088"; ["80"] lets the engine choose, ["8000-8002:80-82"] is three',
    )
    env: settings.Variables = Field(default_factory=dict, description="variables; secrets as secret://... only")
    volumes: settings.Volumes = Field(
        default_factory=dict, description='{"data": "/data"} for a named volume, {"./site": "/www:ro"} for a folder'
    )
    networks: settings.Networks = Field(
        default_factory=dict, description="names, or {name: [aliases]}; `host` and `none` are the engine's own"
    )
    command: settings.Words | None = Field(default=None, description="instead of the image's command")
    entrypoint: settings.Words | None = Field(default=None, description="instead of the image's entrypoint")
    restart: settings.RestartPolicy = Field(default="no", description="no, always, unless-stopped, on-failure[:times]")
    labels: settings.Texts = Field(default_factory=dict)
    resources: settings.Resources = Field(default_factory=settings.Resources)
    health: settings.HealthCheck | None = Field(
        default=None, description="a command, or {command, interval, timeout, retries, start_period}; none: no check"
    )
    wait: Wait | None = Field(
        default=None,
        description="healthy, started, exit (a job that ends) or none; default: healthy if checked, else started",
    )
    wait_timeout: Duration = Field(default=120.0, description="longest wait for that")
    replace: bool | None = Field(
        default=None,
        description="replace another container of that name; default: only one that REIGN made",
    )
    pull: images.PullPolicy = Field(default="missing", description="missing, always or never")
    user: settings.User | None = None
    workdir: str | None = Field(default=None, description="working folder inside")
    hostname: str | None = None
    read_only: bool = Field(default=False, description="the container's own files cannot be written")
    tmpfs: settings.Many = Field(default_factory=list, description="folders in memory, e.g. /tmp or /run:size=16m")
    init: bool = Field(default=False, description="a small init as process 1, which reaps and passes signals on")
    stop_timeout: Duration | None = Field(default=None, description="time to end by itself before it is killed")
    extra_hosts: settings.Hosts = Field(default_factory=dict, description="{name: address} for /etc/hosts")
    cap_add: settings.Many = Field(default_factory=list)
    cap_drop: settings.Many = Field(default_factory=list)
    devices: settings.Many = Field(default_factory=list, description="e.g. /dev/ttyUSB0 or /dev/sda:/dev/xvda:r")
    privileged: bool = Field(default=False, description="everything the host may; asks a person first")


class RunResult(OperationResult):
    container_id: str
    name: str
    image_id: str
    status: Literal["running", "exited"]
    ports: dict[str, int] = Field(description='container port -> port of the host, e.g. {"80": 8088}')
    exit_code: int | None = Field(default=None, description="of a container that has ended")


class Run(Operation[RunInputs, RunResult]):
    name = "docker.run"
    summary = "Run a container, in place of the one of that name"
    variables = ("env", "labels")
    Inputs = RunInputs
    Result = RunResult
    undo = Undo.EXACT
    undo_note = "the container that stood there before runs again, or none does; data in volumes stays"
    converges = True  # a replacement that was cut off is put back before the next try

    def assess(self, inputs: RunInputs) -> Assessment:
        findings = hazards(inputs)
        asked = asks(findings, f"container {inputs.name}")
        return dataclasses.replace(super().assess(inputs), asks=asked, findings=tuple(findings))

    def assess_in(self, inputs: RunInputs, workdir: Path) -> Assessment:
        assessed = self.assess(inputs)
        findings = (*assessed.findings, *linked(inputs.volumes, workdir))
        return dataclasses.replace(assessed, asks=asks(findings, f"container {inputs.name}"), findings=findings)

    def rehearsed(self, inputs: Mapping[str, Any], scope: Scope) -> dict[str, Any] | None:
        return rehearsing.run(inputs, scope)

    def touches(self, ctx: Context, inputs: RunInputs) -> Sequence[str]:
        return (names.container_address(inputs.name),)

    def inspect(self, ctx: Context, inputs: RunInputs) -> Sequence[Observation]:
        with engine(ctx, f"look at container {inputs.name}") as client:
            return (observe(ctx, client, inputs.name),)

    def done(self, ctx: Context, inputs: RunInputs, seen: Sequence[Observation]) -> RunResult | None:
        links = tuple(linked(inputs.volumes, ctx.workdir))  # a task before may have made one
        if not ctx.approved and (asked := asks(links, f"container {inputs.name}")):
            raise NeedsApproval(ctx.masker.mask(asked))
        with engine(ctx, f"look at container {inputs.name}") as client:
            found = find(client, inputs.name)
            if found is None or find(client, kept_name(inputs.name)) is not None:
                return None
            image = images.look(client, inputs.image)
            if (
                not image.exists
                or inputs.pull == "always"
                or not _as_asked(ctx, inputs, found, image.state["image_id"])
            ):
                return None
            return _result(found) if _stands(ctx, inputs, found) else None

    def apply(self, ctx: Context, inputs: RunInputs, seen: Sequence[Observation]) -> RunResult:
        doing = f"run container {inputs.name}"
        with engine(ctx, doing) as client:
            if ready := _in_place(ctx, client, inputs):
                remove(ctx, client, kept_name(inputs.name), graceful=False)
                return ready
            settle(ctx, client, inputs.name)
            image_id = images.present(ctx, client, inputs.image, inputs.pull)
            there = find(client, inputs.name)
            if there is not None:
                _may_replace(inputs, there)
            for finding in hazards(ctx.masker.record(inputs.model_dump()), ctx.workdir):
                ctx.log(str(finding), "finding")
            wanted = record_of(ctx, inputs, image_id)
            return _result(_put_in_place(ctx, client, inputs, wanted, there))

    def repair(self, ctx: Context, inputs: RunInputs, failure: TaskFailed) -> Proposal | None:
        return repairs.another_port(ctx, inputs.ports, failure) or repairs.the_image(
            ctx, inputs.image, inputs.pull, failure
        )

    def restore(
        self, ctx: Context, inputs: RunInputs, before: Sequence[Observation], now: Sequence[Observation]
    ) -> None:
        with engine(ctx, f"take container {inputs.name} back") as client:
            bring_back(ctx, client, inputs.name, before[0])


def _in_place(ctx: Context, client: DockerClient, inputs: RunInputs) -> RunResult | None:
    """The result, if the container that stands there is as asked."""
    found, image = find(client, inputs.name), images.look(client, inputs.image)
    if found is None or not image.exists or inputs.pull == "always":
        return None
    as_asked = _as_asked(ctx, inputs, found, image.state["image_id"])
    return _result(found) if as_asked and _stands(ctx, inputs, found) else None


def _may_replace(inputs: RunInputs, there: Mapping[str, Any]) -> None:
    ours = "reign.run" in (there["Config"].get("Labels") or {})
    if inputs.replace or (inputs.replace is None and ours):
        return
    why = "" if ours else ", and REIGN did not make it"
    raise TaskFailed(
        f"there already is a container {inputs.name} ({there['Config']['Image']}, {there['State']['Status']}){why}",
        kind=FailureKind.CONFLICT,
        hint="give `replace: true` to run the new one in its place, or use another name",
    )


def _put_in_place(
    ctx: Context, client: DockerClient, inputs: RunInputs, wanted: dict[str, Any], there: dict[str, Any] | None
) -> dict[str, Any]:
    """Start the new container; what stands there steps aside first, and comes back if the new one fails.

    It is stopped as late as can be: when the new one is made, which a full disk or a wrong setting prevents.
    """
    name, before = inputs.name, observe(ctx, client, inputs.name)
    stopped = False
    try:
        if there is not None:
            ctx.progress(f"container {name} steps aside")
            if _leaves_with_its_end(there):
                stopped = True
                patiently(ctx, lambda: halt(client, there["Id"]))
                # The engine takes its time to remove it, and lets nobody start it meanwhile.
                ctx.until(lambda: find(client, name) is None)
            else:
                client.api.rename(there["Id"], kept_name(name))
        ctx.progress(f"starting container {name}")
        made = create(client, name, wanted, inputs.image)
        if there is not None and there["State"]["Running"] and not stopped:
            stopped = True
            patiently(ctx, lambda: halt(client, there["Id"]))
        client.api.start(made)
        wait_until(ctx, client, name, inputs.wait, inputs.wait_timeout)
        found = find(client, name)
        assert found is not None
    except BaseException:
        _undo_start(ctx, client, name, before, there if stopped else None)
        raise
    remove(ctx, client, kept_name(name), graceful=False)
    return found


def _leaves_with_its_end(there: Mapping[str, Any]) -> bool:
    """Whether a container runs that removes itself when it is stopped, so that it cannot be kept."""
    return bool(there["State"]["Running"] and there["HostConfig"].get("AutoRemove"))


def _undo_start(
    ctx: Context, client: DockerClient, name: str, before: Observation, stopped: Mapping[str, Any] | None
) -> None:
    """The new container did not get well: it goes, and what stood there runs again. Raises TaskFailed if it cannot."""
    from docker.errors import APIError

    if before.exists:
        ctx.log(f"the container that was {name} before is put back")
    for old in (find(client, kept_name(name)), find(client, name)):
        if stopped and old and old["Id"] == stopped["Id"] and old["State"]["Running"]:
            # Its stop was cut short and is under way: only when it is over can it be started again.
            with contextlib.suppress(APIError):  # it has ended by itself
                client.api.kill(old["Id"])
    with in_words(f"put the container back that was {name} before", lambda: address(ctx.options)) as words:
        words.client = client
        bring_back(ctx, client, name, before)


def _as_asked(ctx: Context, inputs: RunInputs, found: Mapping[str, Any], image_id: str) -> bool:
    """Whether a container was made of these inputs, with these very secrets, and still stands in its networks."""
    labels = found["Config"].get("Labels") or {}
    if found["Image"] != image_id or labels.get(SPEC_LABEL) != _spec(ctx, inputs, image_id):
        return False
    env = set(found["Config"].get("Env") or ())
    if not {f"{key}={value}" for key, value in inputs.env.items()} <= env:
        return False
    return set(inputs.networks) <= set(found["NetworkSettings"].get("Networks") or {})


def _stands(ctx: Context, inputs: RunInputs, found: Mapping[str, Any]) -> bool:
    """Whether it is in the state that the inputs wait for."""
    state, labels = found["State"], found["Config"]["Labels"]
    if state["Running"]:
        health = (state.get("Health") or {}).get("Status", "healthy")
        return (
            inputs.wait != "exit"
            and not state.get("Paused")
            and (health == "healthy" or inputs.wait in ("started", "none"))
        )
    # A job that has ended: this very task of this run has run it, or it is asked for anew.
    own = (labels.get("reign.run"), labels.get("reign.task")) == (ctx.run, ctx.task)
    return own and state["Status"] == "exited" and state["ExitCode"] == 0


def _result(found: Mapping[str, Any]) -> RunResult:
    running = found["State"]["Running"]
    return RunResult(
        container_id=found["Id"],
        name=found["Name"].lstrip("/"),
        image_id=found["Image"],
        status="running" if running else "exited",
        ports=host_ports(found),
        exit_code=None if running else found["State"]["ExitCode"],
    )


# --- from inputs to a record


def record_of(ctx: Context, inputs: RunInputs, image_id: str) -> dict[str, Any]:
    """The record of the container that the inputs ask for."""
    config = {**_config(inputs), "Labels": {}}
    labels = {
        **inputs.labels,
        **ctx.labels,
        SPEC_LABEL: _spec(ctx, inputs, image_id),
        **kept.label(ctx, inputs.env, {**config, "Labels": dict(inputs.labels)}),
    }
    endpoints = {
        name: _endpoint(endpoint) for name, endpoint in inputs.networks.items() if name not in ("host", "none")
    }
    return {
        "image_id": image_id,
        "config": {**config, "Labels": labels},
        "env": dict(inputs.env),
        "host": _host(ctx, inputs),
        "networks": endpoints if inputs.networks else None,
        "running": True,
        "paused": False,
    }


def _spec(ctx: Context, inputs: RunInputs, image_id: str) -> str:
    """Digest of what was asked for; secrets count by their references."""
    asked = inputs.model_dump(mode="json", exclude={"wait", "wait_timeout", "replace", "pull", "image"})
    binds = [str(ctx.path(mount.source)) for mount in mounts(inputs.volumes) if mount.is_path]
    return digest(ctx.masker.record({"image": image_id, "folders": binds, **asked}))[:32]


def _config(inputs: RunInputs) -> dict[str, Any]:
    config: dict[str, Any] = {
        "Cmd": inputs.command,
        "Entrypoint": inputs.entrypoint,
        "User": inputs.user,
        "WorkingDir": inputs.workdir,
        "Hostname": inputs.hostname,
        "ExposedPorts": {port.key: {} for port in published(inputs.ports)},
    }
    if inputs.health == "none":
        config["Healthcheck"] = {"Test": ["NONE"]}
    elif inputs.health is not None:
        config["Healthcheck"] = inputs.health.as_config()
    config = {key: value for key, value in config.items() if value}
    if inputs.stop_timeout is not None:
        config["StopTimeout"] = round(inputs.stop_timeout)  # 0: it is killed at once
    return config


def _host(ctx: Context, inputs: RunInputs) -> dict[str, Any]:
    limits = inputs.resources
    host: dict[str, Any] = {
        "NetworkMode": next(iter(inputs.networks), None),
        "PortBindings": _bindings(inputs),
        "Binds": list(_binds(ctx, inputs)),
        "RestartPolicy": settings.restart_policy(inputs.restart),
        "NanoCpus": int((limits.cpus or 0) * 1_000_000_000),
        "Memory": limits.memory,
        "MemorySwap": limits.memory_swap,
        "PidsLimit": limits.pids,
        "ShmSize": limits.shm_size,
        "ReadonlyRootfs": inputs.read_only,
        "Tmpfs": {path: options for path, _, options in (item.partition(":") for item in inputs.tmpfs)},
        "Init": inputs.init,
        "ExtraHosts": [f"{name}:{address}" for name, address in inputs.extra_hosts.items()],
        "CapAdd": inputs.cap_add,
        "CapDrop": inputs.cap_drop,
        "Devices": [_device(device) for device in inputs.devices],
        "Privileged": inputs.privileged,
    }
    return {key: value for key, value in host.items() if value}


def _bindings(inputs: RunInputs) -> dict[str, list[dict[str, str]]]:
    bindings: dict[str, list[dict[str, str]]] = {}
    for port in published(inputs.ports):
        bound = {"HostIp": port.address, "HostPort": port.on_host}
        bindings.setdefault(port.key, []).append(bound)
    return bindings


def _binds(ctx: Context, inputs: RunInputs) -> Iterator[str]:
    for mount in mounts(inputs.volumes):
        source = mount.source
        if mount.is_path:
            path = ctx.path(source)
            if not path.exists():
                # The engine would make an empty folder of root's there, which is never what is meant.
                raise TaskFailed(
                    f"the volume {path} is not there",
                    kind=FailureKind.WRONG_INPUT,
                    hint="make the folder first; a name without a slash is a named volume",
                )
            source = str(path)
        yield ":".join(filter(None, (source, mount.target, ",".join(mount.options))))


def _device(text: str) -> dict[str, str]:
    outside, _, rest = text.partition(":")
    inside, _, permissions = rest.partition(":")
    return {"PathOnHost": outside, "PathInContainer": inside or outside, "CgroupPermissions": permissions or "rwm"}


def _endpoint(endpoint: settings.Endpoint) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if endpoint.aliases:
        found["Aliases"] = list(endpoint.aliases)
    if endpoint.ipv4 or endpoint.ipv6:
        found["IPAMConfig"] = {"IPv4Address": endpoint.ipv4 or "", "IPv6Address": endpoint.ipv6 or ""}
    return found
