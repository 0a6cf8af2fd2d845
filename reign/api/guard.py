"""Who may speak to the API, and how much at a time; before anything of a request is read."""

from __future__ import annotations

import hmac

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from reign.config import Settings

MAX_BODY = 16 * 1024 * 1024  # bytes; a plan of ten thousand tasks has about two million
_OPEN = ("/healthz", "/readyz")
_OWN = frozenset({"127.0.0.1", "localhost", "[::1]", "testserver"})


class Guard:
    """Token where one is set; on loopback no page of another origin may speak to the API through a browser.

    Plain ASGI: Starlette's ``http`` middleware costs each request two tasks and a stream of its own.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._token = settings.api_token.get_secret_value().encode() if settings.api_token else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(Request(scope)) if scope["type"] == "http" else None
        await (refusal or self._app)(scope, receive, send)

    def _refusal(self, request: Request) -> Response | None:
        headers = request.headers
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > MAX_BODY:
            return _refuse(413, f"the request has more than {MAX_BODY // 1024 // 1024} MB", "split the plan")
        if "chunked" in headers.get("transfer-encoding", ""):
            return _refuse(411, "the request does not say how long it is", "send it with a Content-Length")
        if self._token is None:
            return None if self._own(request) else _not_ours()
        if request.url.path in _OPEN:
            return None
        given = headers.get("authorization", "").removeprefix("Bearer ") or request.cookies.get("reign", "")
        if hmac.compare_digest(given.encode(), self._token):
            return None
        return _refuse(401, "the API needs a token", "send it as Authorization: Bearer TOKEN (REIGN_API_TOKEN)")

    def _own(self, request: Request) -> bool:
        host, origin = request.headers.get("host", ""), request.headers.get("origin")
        return host.rsplit(":", 1)[0] in _OWN and (not origin or origin.split("://")[-1] == host)


def _not_ours() -> Response:
    return _refuse(403, "this API answers its own machine only", "set REIGN_API_TOKEN to open it")


def _refuse(status: int, message: str, hint: str) -> Response:
    return JSONResponse({"error": {"code": "refused", "message": message, "hint": hint, "details": None}}, status)
