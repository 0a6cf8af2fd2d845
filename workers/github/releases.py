"""github.create_release: shown to the world only when all its assets are there."""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field, field_validator

from reign.core.catalog import OperationResult
from reign.core.plan import Retry
from reign.core.resource import Observation, Undo
from reign.executor import Context, FailureKind, Operation, TaskFailed
from reign.executor.contract import Observations
from workers.github.api import Api
from workers.github.inputs import Ref, RepoInputs, address, part
from workers.github.marks import is_marked, with_mark, without_mark


class CreateRelease(Operation["CreateRelease.Inputs", "CreateRelease.Result"]):
    """A release of that tag which says the same is taken as it is; one that says something else is a conflict."""

    name: ClassVar[str] = "github.create_release"
    summary: ClassVar[str] = "Publish a release with its assets"
    undo: ClassVar[Undo] = Undo.EXACT
    undo_note: ClassVar[str] = "deleted, and the tag with it if the release made it; downloads cannot be taken back"
    converges: ClassVar[bool] = True
    retry: ClassVar[Retry] = Retry(attempts=3, delay=2.0)
    timeout: ClassVar[float] = 1800.0

    class Inputs(RepoInputs):
        tag: Ref = Field(description="the tag; made if there is none")
        target: Ref | None = Field(default=None, description="where a new tag points; by default the main branch")
        name: str | None = Field(default=None, description="the title; by default the tag")
        body: str | None = Field(default=None, description="the notes")
        assets: dict[str, str] = Field(
            default_factory=dict, description="files to attach: a list of paths, or name to path"
        )
        prerelease: bool = False

        @field_validator("assets", mode="before")
        @classmethod
        def _named_after_files(cls, value: Any) -> Any:
            if isinstance(value, str) and "${{" not in value:
                value = [value]
            return {Path(path).name: path for path in value} if isinstance(value, list) else value

    class Result(OperationResult):
        url: str = Field(description="the release's page")
        release_id: int
        assets: dict[str, str] = Field(description="name to address")

    def touches(self, ctx: Context, inputs: CreateRelease.Inputs) -> Sequence[str]:
        return [address("release", inputs.repo, inputs.tag), address("tag", inputs.repo, inputs.tag)]

    def inspect(self, ctx: Context, inputs: CreateRelease.Inputs) -> Observations:
        api = self._api(ctx, inputs)
        found = _find(api, inputs)
        resource, tag = self.touches(ctx, inputs)
        sha = _tag(api, inputs)
        tagged = Observation(resource=tag, exists=True, state={"sha": sha}) if sha else Observation.absent(tag)
        if found is None:
            return [Observation.absent(resource), tagged]
        state = {
            "name": found["name"],
            "body": found["body"],
            "draft": found["draft"],
            "prerelease": found["prerelease"],
            "assets": {one["name"]: one["size"] for one in found["assets"]},
        }
        facts = {"id": found["id"], "url": found["html_url"]}
        return [Observation(resource=resource, exists=True, state=state, facts=facts), tagged]

    def done(self, ctx: Context, inputs: CreateRelease.Inputs, seen: Observations) -> CreateRelease.Result | None:
        if not seen[0].exists or seen[0].state["draft"]:
            return None
        found = _find(self._api(ctx, inputs), inputs)
        if found is None or not _says_the_same(inputs, found) or _lacking(_files(ctx, inputs), found):
            return None
        return self._result(found)

    def apply(self, ctx: Context, inputs: CreateRelease.Inputs, seen: Observations) -> CreateRelease.Result:
        api = self._api(ctx, inputs)
        files = _files(ctx, inputs)
        found = _find(api, inputs)
        if found is None:
            found = self._draft(api, inputs)
        elif not is_marked(ctx, found["body"]) and not _says_the_same(inputs, found):
            raise TaskFailed(
                f"cannot {api.doing}: there is a release {inputs.tag} with other words",
                kind=FailureKind.CONFLICT,
                hint="take another tag, or delete that release",
            )
        place = f"/repos/{inputs.repo}/releases/{found['id']}"
        for name, file in _lacking(files, found).items():
            self._attach(ctx, api, inputs, found, name, file)
        if found["draft"]:
            api.patch(place, {"draft": False})
        return self._result(api.get(place))

    def _draft(self, api: Api, inputs: CreateRelease.Inputs) -> Any:
        body = {
            "tag_name": inputs.tag,
            "name": inputs.name or inputs.tag,
            "body": with_mark(api.ctx, inputs.body),
            "prerelease": inputs.prerelease,
            "draft": True,
        } | ({"target_commitish": inputs.target} if inputs.target else {})
        return api.post(f"/repos/{inputs.repo}/releases", body)

    def _attach(self, ctx: Context, api: Api, inputs: CreateRelease.Inputs, found: Any, name: str, file: Path) -> None:
        for old in found["assets"]:
            if old["name"] == name:  # half an upload, or another content
                api.delete(f"/repos/{inputs.repo}/releases/assets/{old['id']}")
        ctx.progress(f"uploading {name} ({file.stat().st_size} bytes)")
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        api.upload(found["upload_url"], name, str(file), kind)

    def restore(self, ctx: Context, inputs: CreateRelease.Inputs, before: Observations, now: Observations) -> None:
        api = Api(ctx, f"delete the release {inputs.tag} of {inputs.repo}", inputs.repo)
        if not before[0].exists and now[0].exists:
            if not is_marked(ctx, now[0].state["body"]):
                raise TaskFailed(
                    f"cannot {api.doing}: somebody else wrote it",
                    kind=FailureKind.CONFLICT,
                    hint="delete it by hand if nobody needs it",
                )
            api.delete(f"/repos/{inputs.repo}/releases/{now[0].facts['id']}")
        elif before[0].exists and (not now[0].exists or (now[0].state["draft"] and not before[0].state["draft"])):
            self._make_again(ctx, inputs, before, now)
        elif before[0].exists:
            self._detach(api, inputs, before[0], now[0])
        if not before[1].exists and now[1].exists:
            api.delete(f"/repos/{inputs.repo}/git/refs/tags/{part(inputs.tag)}")

    def _make_again(self, ctx: Context, inputs: CreateRelease.Inputs, before: Observations, now: Observations) -> None:
        """A release that an undo deleted: with the same words, commit and files. Raises TaskFailed without these."""
        api, was = self._api(ctx, inputs), before[0].state
        files = {name: ctx.path(path) for name, path in inputs.assets.items() if name in was["assets"]}
        whole = {
            name: file for name, file in files.items() if file.is_file() and file.stat().st_size == was["assets"][name]
        }
        if lost := sorted(set(was["assets"]) - set(whole)):
            raise TaskFailed(
                f"the release {inputs.tag} of {inputs.repo} was deleted with its assets, and {', '.join(lost)} is gone",
                kind=FailureKind.CONFLICT,
                hint="build them and run the plan that made it again",
            )
        if before[1].exists and not now[1].exists:
            api.post(
                f"/repos/{inputs.repo}/git/refs", {"ref": f"refs/tags/{inputs.tag}", "sha": before[1].state["sha"]}
            )
        words = {name: was[name] for name in ("name", "body", "prerelease")}
        found = _find(api, inputs)
        if found is None:
            found = api.post(f"/repos/{inputs.repo}/releases", words | {"tag_name": inputs.tag, "draft": True})
        for name, file in _lacking(whole, found).items():
            self._attach(ctx, api, inputs, found, name, file)
        api.patch(f"/repos/{inputs.repo}/releases/{found['id']}", {"draft": was["draft"]})

    def _detach(self, api: Api, inputs: CreateRelease.Inputs, before: Observation, now: Observation) -> None:
        """Of a release that was there before, only the assets were added."""
        place = f"/repos/{inputs.repo}/releases"
        for asset in api.all(f"{place}/{now.facts['id']}/assets"):
            if asset["name"] in inputs.assets and asset["name"] not in before.state["assets"]:
                api.delete(f"{place}/assets/{asset['id']}")

    def _api(self, ctx: Context, inputs: CreateRelease.Inputs) -> Api:
        return Api(ctx, f"publish the release {inputs.tag} of {inputs.repo}", inputs.repo)

    def _result(self, found: Any) -> CreateRelease.Result:
        assets = {one["name"]: one["browser_download_url"] for one in found["assets"]}
        return self.Result(url=found["html_url"], release_id=found["id"], assets=assets)


def _find(api: Api, inputs: CreateRelease.Inputs) -> Any:
    """The published release of the tag, else a draft of it that this task began: others' drafts may have any tag."""
    found = api.find(f"/repos/{inputs.repo}/releases/tags/{part(inputs.tag)}")
    if found is not None:
        return found
    drafts = (one for one in api.all(f"/repos/{inputs.repo}/releases", pages=3) if one["draft"])
    return next((one for one in drafts if one["tag_name"] == inputs.tag and is_marked(api.ctx, one["body"])), None)


def _tag(api: Api, inputs: CreateRelease.Inputs) -> str | None:
    found = api.find(f"/repos/{inputs.repo}/git/ref/tags/{part(inputs.tag)}", absent=(404, 409))
    return None if found is None else str(found["object"]["sha"])


def _says_the_same(inputs: CreateRelease.Inputs, found: Any) -> bool:
    return (
        (found["name"] or inputs.tag) == (inputs.name or inputs.tag)
        and without_mark(found["body"]).strip() == (inputs.body or "").strip()
        and bool(found["prerelease"]) == inputs.prerelease
    )


def _files(ctx: Context, inputs: CreateRelease.Inputs) -> dict[str, Path]:
    """Raises TaskFailed for an asset that is no file."""
    files = {name: ctx.path(path) for name, path in inputs.assets.items()}
    for name, file in files.items():
        if not file.is_file():
            raise TaskFailed(
                f"there is no file {file} for the asset {name}",
                kind=FailureKind.MISSING_PREREQUISITE,
                hint="build it first, or correct the path",
            )
    return files


def _lacking(files: Mapping[str, Path], found: Any) -> dict[str, Path]:
    """Assets that are not there yet, not whole, or hold something else (as far as GitHub tells: it has digests
    since 2025)."""
    has = {one["name"]: one for one in found["assets"] if one["state"] == "uploaded"}
    return {name: file for name, file in files.items() if name not in has or not _same(file, has[name])}


def _same(file: Path, asset: Any) -> bool:
    if file.stat().st_size != asset["size"]:
        return False
    digest = asset.get("digest")
    if not digest:
        return True
    with file.open("rb") as opened:
        return str(digest) == f"sha256:{hashlib.file_digest(opened, 'sha256').hexdigest()}"
