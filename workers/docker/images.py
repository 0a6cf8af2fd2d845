"""Images: what a name points to, pulling it, giving it another name, pushing it, taking a name away."""

from __future__ import annotations

import contextlib
import dataclasses
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from reign.core.catalog import Effect, OperationInputs, OperationResult
from reign.core.plan import Retry
from reign.core.resource import Observation, Undo
from reign.executor import Context, FailureKind, Operation, TaskFailed
from reign.executor.contract import Assessment
from workers.docker import names
from workers.docker.engine import engine, streamed
from workers.docker.errors import in_plain, no_image
from workers.docker.hazards import hazards
from workers.docker.names import ImageName, ImageTag, RemoteImage

if TYPE_CHECKING:
    from docker import DockerClient


def look(client: DockerClient, image: str) -> Observation:
    """Which image a name points to: state ``{image_id}``, facts ``{size, digest}``."""
    from docker.errors import ImageNotFound

    address = names.image_address(image)
    try:
        found = client.api.inspect_image(image)
    except ImageNotFound:
        return Observation.absent(address)
    repository = names.full(image).partition("@")[0].rpartition(":")[0]
    digests = [d for d in found.get("RepoDigests") or () if names.full(d).partition("@")[0] == repository]
    facts = {"size": found.get("Size"), "digest": digests[0] if digests else None}
    return Observation(resource=address, exists=True, state={"image_id": found["Id"]}, facts=facts)


def point(client: DockerClient, image: str, to: str | None) -> None:
    """Make a name point to the image of that id, or to nothing; says so if the image is gone."""
    from docker.errors import APIError, ImageNotFound

    if to is not None:
        repository, tag = names.split(names.full(image))
        try:
            client.api.tag(to, repository, tag)
        except ImageNotFound:
            raise TaskFailed(
                f"{image} cannot point to {to[:19]} again: that image has been removed since",
                kind=FailureKind.CONFLICT,
                hint="build or pull it again",
            ) from None
        return
    try:
        client.api.remove_image(image)
    except ImageNotFound:
        return
    except APIError as error:
        if error.status_code != 409:
            raise
        users = [c["Names"][0].lstrip("/") for c in client.api.containers(all=True) if _uses(c, image)]
        called = client.api.inspect_image(image).get("RepoTags") or []
        if not users and len(called) > 1:
            raise TaskFailed(
                f"image {image[:19]} has several names: {', '.join(called)}",
                kind=FailureKind.CONFLICT,
                hint="remove it by each of its names",
            ) from None
        raise TaskFailed(
            f"image {image} is used by container {', '.join(users) or 'of another name'}",
            kind=FailureKind.CONFLICT,
            hint="remove the container first",
            details={"containers": users},
        ) from None


def _uses(container: Mapping[str, Any], image: str) -> bool:
    return names.full(container["Image"]) == names.full(image) or container["ImageID"] == image


def bring_back(ctx: Context, image: str, before: Observation, now: Observation) -> None:
    """Let a name point where it pointed."""
    if before.same_as(now):
        return
    with engine(ctx, f"take {image} back") as client:
        point(client, image, before.state["image_id"] if before.exists else None)


class Progress:
    """Follows the lines of a pull or push: a log line when a layer is done, bytes of all layers as progress."""

    def __init__(self, ctx: Context, verb: str) -> None:
        self._ctx, self._verb = ctx, verb
        self._layers: dict[str, tuple[int, int]] = {}

    def add(self, line: Mapping[str, Any]) -> None:
        layer, status = line.get("id"), str(line.get("status", ""))
        detail = line.get("progressDetail") or {}
        if layer and detail.get("total"):
            self._layers[layer] = (int(detail.get("current", 0)), int(detail["total"]))
            done, total = (sum(column) for column in zip(*self._layers.values(), strict=True))
            self._ctx.progress(f"{self._verb} {len(self._layers)} layers", done, total)
        elif status:
            self._ctx.log(f"{layer}: {status}" if layer else status)


def transfer(ctx: Context, client: DockerClient, verb: str, start: Callable[[], Iterable[Any]], doing: str) -> None:
    """Follow a pull or a push to its end; an error line in the stream ends it in words."""
    from docker.errors import APIError

    progress = Progress(ctx, verb)
    try:
        with contextlib.closing(streamed(ctx, client, start)) as lines:
            for line in lines:
                if "error" in line:
                    raise in_plain(str(line["error"]), doing, client)
                progress.add(line)
    except APIError as error:
        raise in_plain(str(error.explanation), doing, client, error.status_code) from None


def pull(ctx: Context, client: DockerClient, image: str, auth: dict[str, str] | None, platform: str | None) -> str:
    """Pull an image and return its id."""
    repository, tag = names.split(image)
    ctx.progress(f"pulling {image}")

    def start() -> Iterable[Any]:
        found: Iterable[Any] = client.api.pull(
            repository, tag, stream=True, decode=True, auth_config=auth, platform=platform
        )
        return found

    transfer(ctx, client, "pulling", start, f"pull {image}")
    return str(client.api.inspect_image(image)["Id"])


PullPolicy = Literal["missing", "always", "never"]


def present(ctx: Context, client: DockerClient, image: str, policy: PullPolicy, platform: str | None = None) -> str:
    """The id of a local image, pulled first if ``policy`` says so. Raises TaskFailed with the nearest local name."""
    from docker.errors import ImageNotFound

    if policy != "always" or names.is_id(image):
        try:
            return str(client.api.inspect_image(image)["Id"])
        except ImageNotFound:
            if policy == "never" or names.is_id(image):
                raise no_image(image, client) from None
    try:
        return pull(ctx, client, image, None, platform)
    except TaskFailed as failure:
        # With no registry in reach, a misspelt local name is the likelier reason.
        close = no_image(image, client)
        if policy == "missing" and failure.kind is FailureKind.TRANSIENT and close.details.get("nearest"):
            hint = f"{close.hint} {failure.hint or ''}".strip()
            raise TaskFailed(
                f"{close.message} here, and {failure.message}", kind=failure.kind, hint=hint, details=close.details
            ) from None
        raise


class Credentials(OperationInputs):
    """Inputs that lead into a registry; without them the docker configuration of the worker's user counts."""

    username: str | None = Field(default=None, description="for the registry; default: as `docker login` left it")
    password: str | None = Field(
        default=None, description="a secret reference, e.g. secret://env/REGISTRY_PASSWORD", repr=False
    )

    def auth(self) -> dict[str, str] | None:
        if self.username is None and self.password is None:
            return None
        return {"username": self.username or "", "password": self.password or ""}


def _shown(assessed: Assessment, inputs: Credentials) -> Assessment:
    """With the finding that a password stands in the plan."""
    return dataclasses.replace(assessed, findings=tuple(hazards({"password": inputs.password})))


class ImageResult(OperationResult):
    image: str = Field(description="the image's name")
    image_id: str = Field(description="sha256:...")


class PullInputs(Credentials):
    image: RemoteImage = Field(description="[registry/]name[:tag]")
    platform: str | None = Field(default=None, description="e.g. linux/arm64; default: the engine's own")


class Pull(Operation[PullInputs, ImageResult]):
    """The name may point elsewhere in the registry by now, so only an image named by its digest is ever done."""

    name = "docker.pull"
    summary = "Pull an image from a registry"
    secrets = ("password",)
    Inputs = PullInputs
    Result = ImageResult
    undo = Undo.EXACT
    undo_note = "the name points where it pointed before; an image that was not there is removed"
    retry = Retry(attempts=3, delay=2)
    converges = True

    def assess(self, inputs: PullInputs) -> Assessment:
        return _shown(super().assess(inputs), inputs)

    def touches(self, ctx: Context, inputs: PullInputs) -> Sequence[str]:
        return (names.image_address(inputs.image),)

    def inspect(self, ctx: Context, inputs: PullInputs) -> Sequence[Observation]:
        with engine(ctx, f"look at image {inputs.image}") as client:
            return (look(client, inputs.image),)

    def done(self, ctx: Context, inputs: PullInputs, seen: Sequence[Observation]) -> ImageResult | None:
        if seen[0].exists and "@sha256:" in inputs.image:
            return ImageResult(image=inputs.image, image_id=seen[0].state["image_id"])
        return None

    def apply(self, ctx: Context, inputs: PullInputs, seen: Sequence[Observation]) -> ImageResult:
        with engine(ctx, f"pull {inputs.image}") as client:
            image_id = pull(ctx, client, inputs.image, inputs.auth(), inputs.platform)
        return ImageResult(image=inputs.image, image_id=image_id)

    def restore(
        self, ctx: Context, inputs: PullInputs, before: Sequence[Observation], now: Sequence[Observation]
    ) -> None:
        bring_back(ctx, inputs.image, before[0], now[0])


class TagInputs(OperationInputs):
    image: ImageName = Field(description="an image that is here, by name or id")
    target: ImageTag = Field(description="the further name")


class Tag(Operation[TagInputs, ImageResult]):
    name = "docker.tag"
    summary = "Give an image another name"
    Inputs = TagInputs
    Result = ImageResult
    undo = Undo.EXACT
    undo_note = "the name points where it pointed before, or is removed"
    converges = True

    def touches(self, ctx: Context, inputs: TagInputs) -> Sequence[str]:
        return (names.image_address(inputs.target),)

    def inspect(self, ctx: Context, inputs: TagInputs) -> Sequence[Observation]:
        with engine(ctx, f"look at image {inputs.target}") as client:
            return (look(client, inputs.target),)

    def done(self, ctx: Context, inputs: TagInputs, seen: Sequence[Observation]) -> ImageResult | None:
        with engine(ctx, f"look at image {inputs.image}") as client:
            source = look(client, inputs.image)
        if source.exists and seen[0].exists and source.state == seen[0].state:
            return ImageResult(image=inputs.target, image_id=source.state["image_id"])
        return None

    def apply(self, ctx: Context, inputs: TagInputs, seen: Sequence[Observation]) -> ImageResult:
        with engine(ctx, f"tag {inputs.image}") as client:
            image_id = present(ctx, client, inputs.image, "never")
            try:
                point(client, inputs.target, image_id)
            except Exception:  # the engine that cannot write a name down may know it all the same, until its restart
                with contextlib.suppress(Exception):
                    point(client, inputs.target, seen[0].state["image_id"] if seen[0].exists else None)
                raise
        return ImageResult(image=inputs.target, image_id=image_id)

    def restore(
        self, ctx: Context, inputs: TagInputs, before: Sequence[Observation], now: Sequence[Observation]
    ) -> None:
        bring_back(ctx, inputs.target, before[0], now[0])


class PushInputs(Credentials):
    image: ImageName = Field(description="an image that is here, by name or id")
    target: ImageTag = Field(description="registry/name:tag to push it as; may be the same name")


class PushResult(ImageResult):
    digest: str | None = Field(default=None, description="sha256:... under which the registry keeps it")


_DIGEST = re.compile(r"digest: (sha256:[0-9a-f]{64})")


class Push(Operation[PushInputs, PushResult]):
    """Pushing the same content again changes nothing in the registry, so a cut-off push simply runs again."""

    name = "docker.push"
    summary = "Push an image to a registry"
    secrets = ("password",)
    Inputs = PushInputs
    Result = PushResult
    undo = Undo.NONE
    undo_note = "others may have pulled it; a registry keeps no former state of a tag"
    retry = Retry(attempts=3, delay=2)
    converges = True

    def assess(self, inputs: PushInputs) -> Assessment:
        return _shown(super().assess(inputs), inputs)

    def touches(self, ctx: Context, inputs: PushInputs) -> Sequence[str]:
        return (names.image_address(inputs.target),)

    def inspect(self, ctx: Context, inputs: PushInputs) -> Sequence[Observation]:
        with engine(ctx, f"look at image {inputs.target}") as client:
            return (look(client, inputs.target),)

    def apply(self, ctx: Context, inputs: PushInputs, seen: Sequence[Observation]) -> PushResult:
        doing = f"push {inputs.target}"
        with engine(ctx, doing) as client:
            image_id = present(ctx, client, inputs.image, "never")
            before = seen[0].state["image_id"] if seen[0].exists else None
            point(client, inputs.target, image_id)
            repository, tag = names.split(inputs.target)
            digest: list[str] = []

            def start() -> Iterable[Any]:
                stream = client.api.push(repository, tag, stream=True, decode=True, auth_config=inputs.auth())
                for line in stream:
                    digest.extend(_DIGEST.findall(str(line.get("status", ""))))
                    yield line

            try:
                transfer(ctx, client, "pushing", start, doing)
            except BaseException:
                if before != image_id:  # a name for a push that did not happen misleads
                    with contextlib.suppress(Exception):
                        point(client, inputs.target, before)
                raise
        return PushResult(image=inputs.target, image_id=image_id, digest=digest[-1] if digest else None)


class RemoveImageInputs(OperationInputs):
    image: ImageName = Field(description="the name to take away; the image goes with its last name")


class RemoveImageResult(OperationResult):
    image: str
    removed: bool = Field(description="whether the image itself is gone, not only this name")


class RemoveImage(Operation[RemoveImageInputs, RemoveImageResult]):
    name = "docker.remove_image"
    summary = "Remove an image, or one of its names"
    Inputs = RemoveImageInputs
    Result = RemoveImageResult
    undo = Undo.COMPENSATING
    undo_note = "the name is given back while the image has another one; else it is pulled again by its digest"
    effect = Effect.DESTROY

    def touches(self, ctx: Context, inputs: RemoveImageInputs) -> Sequence[str]:
        return (names.image_address(inputs.image),)

    def inspect(self, ctx: Context, inputs: RemoveImageInputs) -> Sequence[Observation]:
        with engine(ctx, f"look at image {inputs.image}") as client:
            return (look(client, inputs.image),)

    def done(self, ctx: Context, inputs: RemoveImageInputs, seen: Sequence[Observation]) -> RemoveImageResult | None:
        return None if seen[0].exists else RemoveImageResult(image=inputs.image, removed=True)

    def apply(self, ctx: Context, inputs: RemoveImageInputs, seen: Sequence[Observation]) -> RemoveImageResult:
        with engine(ctx, f"remove image {inputs.image}") as client:
            point(client, inputs.image, None)
            left = look(client, seen[0].state["image_id"])
        return RemoveImageResult(image=inputs.image, removed=not left.exists)

    def restore(
        self,
        ctx: Context,
        inputs: RemoveImageInputs,
        before: Sequence[Observation],
        now: Sequence[Observation],
    ) -> None:
        old = before[0]
        if not old.exists or old.same_as(now[0]):
            return
        with engine(ctx, f"bring image {inputs.image} back") as client:
            if "@" in inputs.image:  # only a pull gives such a name
                pull(ctx, client, inputs.image, None, None)
            elif look(client, old.state["image_id"]).exists:
                point(client, inputs.image, old.state["image_id"])
            elif old.facts.get("digest"):
                point(client, inputs.image, pull(ctx, client, old.facts["digest"], None, None))
            else:
                raise TaskFailed(
                    f"image {inputs.image} cannot come back: it was built here and its last name was removed",
                    kind=FailureKind.CONFLICT,
                    hint="build it again",
                )
