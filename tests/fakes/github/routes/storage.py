"""The host of signed downloads: logs and assets behind a redirect."""

from __future__ import annotations

from tests.fakes.github.call import Call
from tests.fakes.github.exchange import Answer
from tests.fakes.github.routes.workflows import find_log
from tests.fakes.github.routing import Routes

routes = Routes()
REFUSAL = b'<?xml version="1.0"?><Error><Code>%s</Code></Error>'


def _refused(status: int, code: bytes) -> Answer:
    return Answer(status, raw=REFUSAL % code, content_type="application/xml")


def _check(call: Call, path: str) -> Answer | None:
    """What the store answers to a link that is not signed, or no longer good."""
    if not call.world.signed(path, call.query("se"), call.query("sig")):
        return _refused(403, b"AuthenticationFailed")
    return None


@routes.add("GET", "/logs/{repository_id}/{kind}/{log_id}", documented=False, host="storage")
def log(call: Call) -> Answer:
    if "authorization" in call.request.headers:
        # GitHub's log store takes one way to authorize a request, and the link is one.
        return _refused(400, b"InvalidAuthenticationInfo")
    kind, number = call.params["kind"], call.number("log_id")
    refused = _check(call, f"logs/{call.params['repository_id']}/{kind}/{number}")
    if refused is not None:
        return refused
    found = call.world.repositories.get(call.number("repository_id"))
    content = find_log(found, kind, number) if found is not None else None
    if content is None:
        return _refused(404, b"BlobNotFound")
    return Answer(raw=content[0], content_type=content[1])


@routes.add("GET", "/assets/{repository_id}/{asset_id}", documented=False, host="storage")
def asset(call: Call) -> Answer:
    wanted = call.number("asset_id")
    refused = _check(call, f"assets/{call.params['repository_id']}/{wanted}")
    if refused is not None:
        return refused
    found = call.world.repositories.get(call.number("repository_id"))
    for release in found.releases if found is not None else []:
        for one in release.assets:
            if one.id == wanted:
                return Answer(raw=one.content, content_type=one.content_type)
    return _refused(404, b"BlobNotFound")
