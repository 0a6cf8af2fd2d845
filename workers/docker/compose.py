"""docker.compose_up and docker.compose_down."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import yaml
from pydantic import AfterValidator, Field

from reign.core.catalog import Effect, OperationInputs, OperationResult
from reign.core.duration import Duration
from reign.core.findings import Finding
from reign.core.resource import Observation, Undo
from reign.executor import Context, NeedsApproval, Operation
from reign.executor.contract import Assessment
from reign.executor.scope import Scope
from workers.docker import compose_cli, images, kept, project, rehearsing, settings
from workers.docker.engine import engine
from workers.docker.hazards import asks, service_hazards
from workers.docker.record import find

if TYPE_CHECKING:
    from docker import DockerClient


def _project_name(text: str) -> str:
    if not text or not all(c in "abcdefghijklmnopqrstuvwxyz0123456789_-" for c in text) or not text[0].isalnum():
        raise ValueError(f"{text!r} cannot be a project name; use small letters, digits, '-' and '_'")
    return text


ProjectName = Annotated[str, AfterValidator(_project_name)]


class ComposeResult(OperationResult):
    project: str
    services: dict[str, dict[str, Any]] = Field(description="service -> {state, health, containers, ports}")


class ComposeUpInputs(OperationInputs):
    file: str = Field(description="the compose file, or the folder that it is in")
    project: ProjectName = Field(description="the project's name")
    env: settings.Texts = Field(default_factory=dict, description="variables of the file; secrets as secret://...")
    services: list[str] = Field(default_factory=list, description="only these and what they need; default: all")
    profiles: list[str] = Field(default_factory=list)
    scale: dict[str, int] = Field(default_factory=dict, description="{service: containers}")
    build: bool = Field(default=False, description="build the images that the file says how to build")
    pull: images.PullPolicy = Field(default="missing", description="missing, always or never")
    wait_timeout: Duration = Field(default=120.0, description="longest wait for all to run and be healthy")


class ComposeDownInputs(OperationInputs):
    file: str = Field(description="the compose file, or the folder that it is in")
    project: ProjectName = Field(description="the project's name")
    env: settings.Texts = Field(default_factory=dict, description="variables of the file")
    volumes: bool = Field(default=False, description="remove its volumes too; their data is lost")
    timeout: Duration | None = Field(default=None, description="time to end by itself before a container is killed")


class _OnProject(Operation[Any, ComposeResult]):
    Result = ComposeResult
    variables = ("env",)
    undo = Undo.EXACT
    undo_note = "the containers and networks that were there before are there again; files in their own layers are lost"
    converges = True

    def touches(self, ctx: Context, inputs: Any) -> Sequence[str]:
        return (project.address(inputs.project),)

    def inspect(self, ctx: Context, inputs: Any) -> Sequence[Observation]:
        with engine(ctx, f"look at compose project {inputs.project}") as client:
            return (project.look(ctx, client, inputs.project),)

    def restore(self, ctx: Context, inputs: Any, before: Sequence[Observation], now: Sequence[Observation]) -> None:
        with engine(ctx, f"take compose project {inputs.project} back") as client:
            project.bring_back(ctx, client, inputs.project, before[0])


class ComposeUp(_OnProject):
    name = "docker.compose_up"
    summary = "Bring a compose project up, and wait until it runs and is healthy"
    Inputs = ComposeUpInputs
    timeout = 1800.0

    def rehearsed(self, inputs: Mapping[str, Any], scope: Scope) -> dict[str, Any] | None:
        return rehearsing.compose(inputs, scope)

    def assess_in(self, inputs: Any, workdir: Path) -> Assessment:
        given = inputs.file if isinstance(inputs.file, str) and "${{" not in inputs.file else ""
        findings = hazards_of(compose_cli.file_of(workdir / given), workdir) if given else []
        asked = asks(findings, f"compose project {inputs.project}")
        return dataclasses.replace(super().assess(inputs), asks=asked, findings=tuple(findings))

    def done(self, ctx: Context, inputs: Any, seen: Sequence[Observation]) -> ComposeResult | None:
        opened = compose_cli.open_project(ctx, inputs.project, inputs.file, inputs.env)
        findings = hazards_of(opened.file, ctx.workdir, opened.resolved)
        if not ctx.approved and (asked := asks(findings, f"compose project {inputs.project}")):
            raise NeedsApproval(asked)
        if inputs.build or inputs.pull == "always" or inputs.services or inputs.profiles or inputs.scale:
            return None  # Compose itself sees best what is left to do
        with engine(ctx, f"look at compose project {inputs.project}") as client:
            if not _as_asked(client, opened):
                return None
            return ComposeResult(project=inputs.project, services=project.services(client, inputs.project))

    def apply(self, ctx: Context, inputs: Any, seen: Sequence[Observation]) -> ComposeResult:
        opened = compose_cli.open_project(ctx, inputs.project, inputs.file, inputs.env)
        for finding in hazards_of(opened.file, ctx.workdir, opened.resolved):
            ctx.log(str(finding), "finding")
        with engine(ctx, f"bring compose project {inputs.project} up") as client:
            _keep_secrets(ctx, client, inputs.project)
            profiles = [part for profile in inputs.profiles for part in ("--profile", profile)]
            scale = [part for service, count in inputs.scale.items() for part in ("--scale", f"{service}={count}")]
            try:
                opened.call(
                    *(*profiles, "up", "--detach", "--wait", "--remove-orphans"),
                    *("--wait-timeout", str(max(1, round(inputs.wait_timeout)))),
                    *("--pull", inputs.pull, *(["--build"] if inputs.build else []), *scale, *inputs.services),
                )
            except BaseException:
                _tell_why(ctx, client, inputs.project)
                ctx.log(f"compose project {inputs.project} is put back")
                project.bring_back(ctx, client, inputs.project, seen[0])
                raise
            return ComposeResult(project=inputs.project, services=project.services(client, inputs.project))


def _as_asked(client: DockerClient, opened: compose_cli.Project) -> bool:
    """Whether every service of the file runs, is healthy, and was made of these very settings and images."""
    hashes, standing = opened.hashes(), set[str]()
    for name in project.container_names(client, opened.name):
        found = find(client, name)
        if found is None:
            return False
        labels, state = found["Config"]["Labels"], found["State"]
        service = labels.get(project.SERVICE, "")
        healthy = (state.get("Health") or {}).get("Status", "healthy") in ("healthy", "none")
        image = images.look(client, found["Config"]["Image"])
        current = image.exists and image.state["image_id"] == found["Image"]
        if labels.get(project.CONFIG_HASH) != hashes.get(service) or not (state["Running"] and healthy and current):
            return False
        standing.add(service)
    return standing == set(hashes)


def _keep_secrets(ctx: Context, client: DockerClient, name: str) -> None:
    """Before Compose removes containers: what an undo needs of them that no record may hold."""
    for container in project.container_names(client, name):
        found = find(client, container)
        if found is not None:
            env = dict(item.partition("=")[::2] for item in found["Config"].get("Env") or ())
            kept.keep(ctx, env, found["Config"])


def _tell_why(ctx: Context, client: DockerClient, name: str) -> None:
    """The last lines of the containers that did not get well, for the log."""
    for container in project.container_names(client, name):
        found = find(client, container)
        if found is None:
            continue
        health = (found["State"].get("Health") or {}).get("Status", "healthy")
        if not found["State"]["Running"] or health != "healthy":
            kept.teach(ctx, found)
            output = client.api.logs(found["Id"], tail=20).decode(errors="replace")
            for line in output.splitlines():
                ctx.log(f"{container}: {line}", "container")


class ComposeDown(_OnProject):
    name = "docker.compose_down"
    summary = "Take a compose project down: its containers and networks; volumes stay unless asked for"
    Inputs = ComposeDownInputs
    effect = Effect.DESTROY

    def rehearsed(self, inputs: Mapping[str, Any], scope: Scope) -> dict[str, Any] | None:
        return rehearsing.of_compose(inputs, scope)

    def assess(self, inputs: Any) -> Assessment:
        base = super().assess(inputs)
        if inputs.volumes is True:
            note = "containers and networks come back, the data in the volumes does not"
            return dataclasses.replace(base, undo=Undo.COMPENSATING, note=note)
        return base

    def done(self, ctx: Context, inputs: Any, seen: Sequence[Observation]) -> ComposeResult | None:
        there = seen[0].exists and (seen[0].state["containers"] or seen[0].state["networks"])
        volumes = seen[0].facts.get("volumes") if inputs.volumes else ()
        return None if there or volumes else ComposeResult(project=inputs.project, services={})

    def apply(self, ctx: Context, inputs: Any, seen: Sequence[Observation]) -> ComposeResult:
        opened = compose_cli.open_project(ctx, inputs.project, inputs.file, inputs.env)
        with engine(ctx, f"take compose project {inputs.project} down") as client:
            _keep_secrets(ctx, client, inputs.project)
            taken = project.services(client, inputs.project)
        timeout = [] if inputs.timeout is None else ["--timeout", str(round(inputs.timeout))]
        # Services of profiles that were up are its containers too, and hold its networks.
        profiles = [part for profile in opened.profiles() for part in ("--profile", profile)]
        opened.call(*profiles, "down", "--remove-orphans", *timeout, *(["--volumes"] if inputs.volumes else []))
        for told in taken.values():
            told["state"] = "removed"
        return ComposeResult(project=inputs.project, services=taken)


def hazards_of(file: Path, workdir: Path | None, resolved: Mapping[str, Any] | None = None) -> list[Finding]:
    """The findings about all services of a compose file; none if it cannot be read as one (Compose says why).

    ``resolved``: the same as Compose reads it, with variables filled in and what it includes and extends; there the
    file itself is looked at for secrets in clear only, since Compose puts values in place of references.
    """
    try:
        content = yaml.safe_load(file.read_text())
    except (OSError, ValueError, yaml.YAMLError):
        return []
    base = workdir if workdir is not None else file.parent
    found = list(_service_hazards(content, file, base))
    if resolved is None:
        return found
    plain = {"services": {name: {**one, "environment": None} for name, one in _services(resolved)}}
    secrets = [finding for finding in found if finding.rule == "docker.secret-in-clear"]
    return [*_service_hazards(plain, file, base), *secrets]


def _service_hazards(content: Any, file: Path, base: Path) -> Iterator[Finding]:
    for name, service in _services(content):
        yield from service_hazards(name, service, file, base)


def _services(content: Any) -> list[tuple[str, Mapping[str, Any]]]:
    services = content.get("services") if isinstance(content, Mapping) else None
    found = services.items() if isinstance(services, Mapping) else ()
    return [(str(name), service) for name, service in found if isinstance(service, Mapping)]
