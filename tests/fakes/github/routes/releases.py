"""Releases and their assets."""

from __future__ import annotations

import hashlib
import re

from tests.fakes.github.call import Call, created, no_content
from tests.fakes.github.exchange import Answer, Json, Page
from tests.fakes.github.problems import Problem, invalid, not_found, refused
from tests.fakes.github.render import tracker as shown
from tests.fakes.github.repository import TAGS
from tests.fakes.github.routing import Routes
from tests.fakes.github.tracker import Asset, Release

routes = Routes()
RELEASES = "/repos/{owner}/{repo}/releases"
RELEASE = f"{RELEASES}/{{release_id}}"
ASSET = f"{RELEASES}/assets/{{asset_id}}"
READ, WRITE = "contents:read", "contents:write"
TAG_NAME = re.compile(r"[^\x00-\x20~^:?*\[\\]+")


def _render(call: Call, release: Release) -> Json:
    assets = [_render_asset(call, release, one) for one in release.assets]
    return shown.release(call.links, call.repository, release, assets)


def _render_asset(call: Call, release: Release, asset: Asset) -> Json:
    digest = f"sha256:{hashlib.sha256(asset.content).hexdigest()}"
    return shown.asset(call.links, call.repository, release, asset, digest)


def _visible(call: Call) -> list[Release]:
    """Drafts are only shown to those who may push."""
    drafts = call.may("push")
    return [one for one in reversed(call.repository.releases) if drafts or not one.draft]


@routes.add("GET", RELEASES, permission=READ, scopes="repo")
def releases(call: Call) -> Page:
    return Page(_visible(call), lambda one: _render(call, one))


@routes.add("POST", RELEASES, permission=WRITE, role="push", scopes="repo")
def create(call: Call) -> Answer:
    call.required("Release", "tag_name")
    found, body = call.repository, call.body
    tag = str(body["tag_name"])
    draft = bool(body.get("draft"))
    if not TAG_NAME.fullmatch(tag) or tag.endswith("/") or ".." in tag:
        raise invalid("Release", "tag_name", "custom", "tag_name is not well-formed")
    if any(one.tag == tag and not one.draft for one in found.releases) and not draft:
        raise invalid("Release", "tag_name", "already_exists")
    if not found.refs:
        raise refused("Release", "Repository is empty.")
    target = call.text("target_commitish") or found.default_branch
    if f"{TAGS}{tag}" not in found.refs and found.resolve(target) is None:
        raise invalid("Release", "target_commitish")
    now = call.world.now()
    release = Release(
        id=call.world.new_id(),
        tag=tag,
        target=target,
        name=call.text("name"),
        body=call.text("body"),
        draft=draft,
        prerelease=bool(body.get("prerelease")),
        author=call.user,
        created_at=now,
        published_at=None,
    )
    found.releases.append(release)
    if not draft:
        _publish(call, release)
    rendered = _render(call, release)
    return created(rendered, rendered["url"])


def _publish(call: Call, release: Release) -> None:
    """Makes the tag, if there is none; deleting the release later leaves it."""
    found = call.repository
    release.published_at = call.world.now()
    if f"{TAGS}{release.tag}" not in found.refs:
        sha = found.resolve(release.target)
        assert sha is not None
        call.world.move_ref(found, f"{TAGS}{release.tag}", sha, call.user)


def _release(call: Call) -> Release:
    wanted = call.number("release_id")
    for release in _visible(call):
        if release.id == wanted:
            return release
    raise not_found()


@routes.add("GET", f"{RELEASES}/latest", permission=READ, scopes="repo")
def latest(call: Call) -> Answer:
    for release in _visible(call):
        if not release.draft and not release.prerelease:
            return Answer(body=_render(call, release))
    raise not_found()


@routes.add("GET", f"{RELEASES}/tags/{{tag}}", permission=READ, scopes="repo")
def by_tag(call: Call) -> Answer:
    for release in _visible(call):
        if release.tag == call.params["tag"] and not release.draft:
            return Answer(body=_render(call, release))
    raise not_found()


@routes.add("GET", RELEASE, permission=READ, scopes="repo")
def get(call: Call) -> Answer:
    return Answer(body=_render(call, _release(call)))


@routes.add("PATCH", RELEASE, permission=WRITE, role="push", scopes="repo")
def update(call: Call) -> Answer:
    release, body = _release(call), call.body
    tag = str(body.get("tag_name", release.tag))
    if any(one.tag == tag and one is not release and not one.draft for one in call.repository.releases):
        raise invalid("Release", "tag_name", "already_exists")
    release.tag = tag
    release.target = call.text("target_commitish", release.target) or release.target
    release.name = call.text("name", release.name)
    release.body = call.text("body", release.body)
    release.prerelease = bool(body.get("prerelease", release.prerelease))
    if release.draft and body.get("draft") is False:
        release.draft = False
        _publish(call, release)
    return Answer(body=_render(call, release))


@routes.add("DELETE", RELEASE, permission=WRITE, role="push", scopes="repo")
def delete(call: Call) -> Answer:
    call.repository.releases.remove(_release(call))
    return no_content()


@routes.add("GET", f"{RELEASE}/assets", permission=READ, scopes="repo")
def assets(call: Call) -> Page:
    release = _release(call)
    return Page(release.assets, lambda one: _render_asset(call, release, one))


@routes.add("POST", f"{RELEASE}/assets", permission=WRITE, role="push", scopes="repo", host="uploads")
def upload(call: Call) -> Answer:
    release, now = _release(call), call.world.now()
    name = call.query("name")
    if not name:
        raise Problem(400, "Bad Request: name is required")
    if not call.request.content_type:
        raise Problem(400, "Bad Content-Type")
    if any(one.name == name for one in release.assets):
        # The one answer of GitHub that carries a request_id. Source: the release-assets-conflict scenario.
        conflict = invalid("ReleaseAsset", "name", "already_exists")
        conflict.body["request_id"] = call.world.request_id()
        raise conflict
    asset = Asset(
        id=call.world.new_id(),
        name=name,
        label=call.query("label"),
        content_type=call.request.content_type,
        content=call.request.body,
        uploader=call.user,
        created_at=now,
        updated_at=now,
    )
    release.assets.append(asset)
    return created(_render_asset(call, release, asset))


def _asset(call: Call) -> tuple[Release, Asset]:
    wanted = call.number("asset_id")
    for release in _visible(call):
        for asset in release.assets:
            if asset.id == wanted:
                return release, asset
    raise not_found()


@routes.add("GET", ASSET, permission=READ, scopes="repo")
def get_asset(call: Call) -> Answer:
    release, asset = _asset(call)
    if "application/octet-stream" not in call.request.headers.get("accept", ""):
        return Answer(body=_render_asset(call, release, asset))
    path = f"assets/{call.repository.id}/{asset.id}"
    asset.downloads += 1
    return Answer(302, headers={"Location": f"{call.links.assets}/{path}?{call.world.sign(path)}"})


@routes.add("PATCH", ASSET, permission=WRITE, role="push", scopes="repo")
def update_asset(call: Call) -> Answer:
    release, asset = _asset(call)
    name = call.text("name", asset.name) or asset.name
    if any(one.name == name and one is not asset for one in release.assets):
        raise invalid("ReleaseAsset", "name", "already_exists")
    asset.name, asset.label = name, call.text("label", asset.label) or ""
    asset.updated_at = call.world.now()
    return Answer(body=_render_asset(call, release, asset))


@routes.add("DELETE", ASSET, permission=WRITE, role="push", scopes="repo")
def delete_asset(call: Call) -> Answer:
    release, asset = _asset(call)
    release.assets.remove(asset)
    return no_content()
