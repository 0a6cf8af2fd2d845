"""docker.build: an image out of a folder and its Dockerfile."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import re
import tarfile
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from reign.core.catalog import OperationInputs
from reign.core.errors import nearest
from reign.core.resource import Observation, Undo
from reign.executor import Context, FailureKind, Operation, TaskFailed
from reign.executor.contract import Assessment
from reign.executor.scope import Scope
from workers.docker import buildkit, images, names, rehearsing
from workers.docker.engine import engine, streamed
from workers.docker.errors import in_plain, local_images, out_of_disk
from workers.docker.hazards import asks, hazards
from workers.docker.names import ImageTag
from workers.docker.settings import text_values

if TYPE_CHECKING:
    from docker import DockerClient

_LAST_LINES = 20
_TOLD_LINES = 3  # in the message itself; what a step complains of need not be its very last line
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")  # the builder prints stderr in red
_OUTSIDE = ".reign.Dockerfile"  # the name in the context of a Dockerfile that lies outside of it


class BuildInputs(OperationInputs):
    context: str = Field(description="the folder to build; what its .dockerignore names is left out")
    tag: ImageTag = Field(description="name[:tag] of the image")
    dockerfile: str | None = Field(
        default=None, description="relative to `context`, or with ./ or / to the plan's folder; default: Dockerfile"
    )
    build_args: Annotated[dict[str, str], BeforeValidator(text_values)] = Field(
        default_factory=dict, description="values of ARG; they stay readable in the image, so no secrets"
    )
    target: str | None = Field(default=None, description="the stage to stop at")
    pull: bool = Field(default=False, description="ask the registry for newer base images")
    no_cache: bool = Field(default=False, description="run every step again")
    labels: Annotated[dict[str, str], BeforeValidator(text_values)] = Field(default_factory=dict)
    platform: str | None = Field(default=None, description="e.g. linux/arm64; default: the engine's own")
    secrets: dict[str, str] = Field(
        default_factory=dict,
        description="{id: secret://...} for RUN --mount=type=secret,id=...; they do not get into the image",
    )
    builder: Literal["auto", "engine", "buildkit"] = Field(
        default="auto", description="auto: BuildKit (docker's command line) where the Dockerfile or `secrets` need it"
    )
    network: str | None = Field(default=None, description="network of the RUN steps: default, none, host, or a name")


class Build(Operation[BuildInputs, images.ImageResult]):
    """What the cache knows is not built again, so a cut-off build simply runs again."""

    name = "docker.build"
    summary = "Build an image from a folder with a Dockerfile"
    variables = ("build_args", "labels")
    secrets = ("secrets",)
    Inputs = BuildInputs
    Result = images.ImageResult
    undo = Undo.EXACT
    undo_note = "the tag points where it pointed before, or is removed"
    timeout = 1800.0
    converges = True

    def assess(self, inputs: BuildInputs) -> Assessment:
        findings = hazards({"build_args": inputs.build_args, "networks": inputs.network, "secrets": inputs.secrets})
        asked = asks(findings, f"the build of {inputs.tag}")
        return dataclasses.replace(super().assess(inputs), asks=asked, findings=tuple(findings))

    def rehearsed(self, inputs: Mapping[str, Any], scope: Scope) -> dict[str, Any] | None:
        return rehearsing.build(inputs, scope)

    def touches(self, ctx: Context, inputs: BuildInputs) -> Sequence[str]:
        return (names.image_address(inputs.tag),)

    def inspect(self, ctx: Context, inputs: BuildInputs) -> Sequence[Observation]:
        with engine(ctx, f"look at image {inputs.tag}") as client:
            return (images.look(client, inputs.tag),)

    def apply(self, ctx: Context, inputs: BuildInputs, seen: Sequence[Observation]) -> images.ImageResult:
        folder = ctx.path(inputs.context)
        dockerfile = find_dockerfile(ctx, inputs.context, inputs.dockerfile)
        with engine(ctx, f"build {inputs.tag}") as client:
            if _with_buildkit(inputs, dockerfile):
                client.ping()  # an engine that is away is told by this, not by the command line
                buildkit.build(ctx, _order(inputs, folder, dockerfile))
            else:
                _with_engine(ctx, client, inputs, folder, dockerfile)
            image_id = str(client.api.inspect_image(names.full(inputs.tag))["Id"])
        return images.ImageResult(image=inputs.tag, image_id=image_id)

    def restore(
        self, ctx: Context, inputs: BuildInputs, before: Sequence[Observation], now: Sequence[Observation]
    ) -> None:
        images.bring_back(ctx, inputs.tag, before[0], now[0])


def _with_buildkit(inputs: BuildInputs, dockerfile: Path) -> bool:
    if inputs.builder == "auto":
        return bool(inputs.secrets) or buildkit.is_needed(dockerfile.read_text(errors="replace"))
    if inputs.builder == "engine" and inputs.secrets:
        raise TaskFailed("`secrets` of a build need BuildKit", kind=FailureKind.WRONG_INPUT, hint="leave `builder` out")
    return inputs.builder == "buildkit"


def _order(inputs: BuildInputs, folder: Path, dockerfile: Path) -> buildkit.Order:
    return buildkit.Order(
        folder,
        dockerfile,
        names.full(inputs.tag),
        arguments=inputs.build_args,
        secrets=inputs.secrets,
        labels=inputs.labels,
        target=inputs.target,
        platform=inputs.platform,
        network=inputs.network,
        pull=inputs.pull,
        no_cache=inputs.no_cache,
    )


def _with_engine(ctx: Context, client: DockerClient, inputs: BuildInputs, folder: Path, dockerfile: Path) -> None:
    ctx.progress("packing the build context")
    archive = ctx.scratch / "context.tar"
    with archive.open("w+b") as packed:
        inside = pack(folder, dockerfile, packed)
        _run(ctx, client, inputs, packed, inside)
    archive.unlink()


def find_dockerfile(ctx: Context, where: str, given: str | None) -> Path:
    """The Dockerfile to use for the context ``where``. Raises TaskFailed if it or the folder is not there."""
    folder = ctx.path(where)
    if not folder.is_dir():
        if re.match(r"(?:https?|git|ssh)://|git@", where):
            raise TaskFailed(
                f"the build context {where} is an address",
                kind=FailureKind.WRONG_INPUT,
                hint="clone it first, and give the folder",
            )
        raise TaskFailed(
            f"the build context {folder} is not a folder",
            kind=FailureKind.WRONG_INPUT,
            hint=f"`context` starts in the work folder, {ctx.workdir}",
        )
    if given is None:
        candidates = [folder / "Dockerfile", folder / "Containerfile"]
    else:
        # As the docker command reads it, too, if there is nothing in the context.
        inside = [] if given.startswith(("./", "../", "/", "~")) else [folder / given]
        candidates = [*inside, ctx.path(given)]
    for path in candidates:
        if path.is_file():
            return path
    near = sorted(path.name for path in folder.glob("*ockerfile*"))
    hint = f"there is {', '.join(near[:5])}: give `dockerfile`" if near else "write one, or give `dockerfile`"
    raise TaskFailed(f"there is no {candidates[0]}", kind=FailureKind.WRONG_INPUT, hint=hint)


def pack(folder: Path, dockerfile: Path, into: IO[bytes]) -> str:
    """Write the build context as a tar, by the rules of .dockerignore; returns the Dockerfile's name inside of it.

    Owners are left out: the same files give the same image, whoever built it.
    """
    from docker.utils.build import exclude_paths

    inside = str(dockerfile.relative_to(folder)) if dockerfile.is_relative_to(folder) else _OUTSIDE
    ignore = next((p for p in (Path(f"{dockerfile}.dockerignore"), folder / ".dockerignore") if p.is_file()), None)
    lines = ignore.read_text(errors="replace").splitlines() if ignore else []
    patterns = [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]
    with tarfile.open(fileobj=into, mode="w") as archive:
        for name in sorted(exclude_paths(str(folder), patterns, dockerfile=inside)):
            _add(archive, folder / name, name)
        if inside == _OUTSIDE:
            content = dockerfile.read_bytes()
            info = tarfile.TarInfo(_OUTSIDE)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    into.seek(0)
    return inside


def _add(archive: tarfile.TarFile, path: Path, name: str) -> None:
    info: tarfile.TarInfo | None = archive.gettarinfo(str(path), arcname=name)
    if info is None:  # a socket cannot be packed, and no image needs one
        return
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    if not info.isfile():
        archive.addfile(info)
        return
    try:
        with path.open("rb") as content:
            archive.addfile(info, content)
    except OSError as error:
        raise TaskFailed(
            f"{path} of the build context cannot be read: {error.strerror}",
            kind=FailureKind.PERMISSION,
            hint="name it in .dockerignore if the image does not need it",
        ) from None


class _Upload:
    """A file that stops being read when the attempt must end, which ends the request."""

    def __init__(self, ctx: Context, file: IO[bytes]) -> None:
        self._ctx, self._file = ctx, file

    def read(self, size: int = -1) -> bytes:
        self._ctx.check()
        return self._file.read(size)

    def __iter__(self) -> _Upload:  # what tells the HTTP library to send it in pieces
        return self

    def __next__(self) -> bytes:
        if piece := self.read(1 << 20):
            return piece
        raise StopIteration


def _run(ctx: Context, client: DockerClient, inputs: BuildInputs, packed: IO[bytes], dockerfile: str) -> None:
    def start() -> Iterable[Mapping[str, Any]]:
        stream: Iterable[Mapping[str, Any]] = client.api.build(
            fileobj=_Upload(ctx, packed),
            custom_context=True,
            dockerfile=dockerfile,
            tag=names.full(inputs.tag),
            buildargs=dict(inputs.build_args),
            target=inputs.target,
            pull=inputs.pull,
            nocache=inputs.no_cache,
            labels=dict(inputs.labels) or None,
            platform=inputs.platform,
            network_mode=inputs.network,
            rm=True,
            forcerm=True,
            decode=True,
        )
        return stream

    told = _Told(ctx)
    with contextlib.closing(streamed(ctx, client, start)) as lines:
        for line in lines:
            if "error" in line or "message" in line:
                raise _failed(inputs, str(line.get("error") or line["message"]), told, client)
            told.add(line)


class _Told:
    """What a build has printed: to the log as it comes, the current step and the last lines kept."""

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx
        self.step = ""
        self.last: deque[str] = deque(maxlen=_LAST_LINES)

    def add(self, line: Mapping[str, Any]) -> None:
        for text in _COLOURS.sub("", str(line.get("stream", ""))).splitlines():
            if not text.strip():
                continue
            if text.startswith("Step "):
                self.step = text
                self.last.clear()
                self.ctx.progress(text)  # which the log holds, too
            else:
                self.ctx.log(text)
            self.last.append(self.ctx.masker.mask(text))
        if line.get("status") and not line.get("progressDetail"):
            self.ctx.log(f"{line.get('id', '')} {line['status']}".strip())


def _failed(inputs: BuildInputs, text: str, told: _Told, client: DockerClient) -> TaskFailed:
    """A build that failed: which step, and its last lines."""
    if not text.startswith("The command"):
        failure = in_plain(text, f"build {inputs.tag}", client)
        base = told.step.partition(" FROM ")[2].partition(" ")[0]
        if base and failure.kind is FailureKind.TRANSIENT and (close := nearest(base, local_images(client))):
            failure.hint = f"{failure.hint}; the base image {base!r} is not here, did you mean {close!r}?"
        failure.details |= {"step": told.step, "lines": list(told.last)}
        return failure
    code = text.rpartition("returned a non-zero code: ")[2]
    output = [line for line in told.last if not line.startswith((" --->", "Step ", "Removing"))]
    if full := out_of_disk(output, f"build {inputs.tag}: {told.step or 'a step'}", client):
        return full
    ending = f": {' / '.join(line.strip() for line in output[-_TOLD_LINES:])}" if output else ""
    return TaskFailed(
        f"build {inputs.tag}: {told.step or 'a step'} ended with code {code}{ending}"[:500],
        kind=FailureKind.WRONG_INPUT,
        hint="the step's last lines are in the log (`reign logs`)",
        details={"step": told.step, "exit_code": code, "lines": output},
    )
