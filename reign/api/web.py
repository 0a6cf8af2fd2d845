"""The web page: its files, its deep links, the cookie of a browser's session, and what only a browser needs.

The page's addresses are those of the API (``/runs``, ``/operations``): a browser that opens one asks for HTML and gets
the page, which then asks for JSON. The page and its assets hold no data and are served without a token.
"""

from __future__ import annotations

import getpass
import re
import socket
from importlib.metadata import version
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from reign.api.bodies import Body
from reign.config import Settings
from reign.core import planfile
from reign.core.check import checked, parse_plan
from reign.engine import environments
from reign.executor import registry

STATIC = Path(__file__).parent / "static"
COOKIE = "reign"

#: The first parts of the page's addresses; below them every address is the page's.
PAGES = ("run", "runs", "operations", "pools", "locks", "resources", "schedules")

_HEADERS = {
    "content-security-policy": "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "object-src 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-cache",  # the page names its assets by their digest: it is the part that must be fresh
    "vary": "accept",
}
_FOREVER = "public, max-age=31536000, immutable"
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*")
_HASHED = re.compile(r"-[A-Za-z0-9_-]{8}\.\w+$")
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class PlanText(Body):
    """A plan file as it stands."""

    text: str
    params: dict[str, Any] = Field(default_factory=dict)
    environment: str | None = None


def serve_web(api: FastAPI, settings: Settings) -> None:
    """Add the page to ``api``, before whatever guards the API's own routes."""
    api.add_middleware(_Web)

    @api.get("/web/about", include_in_schema=False)
    async def about() -> dict[str, Any]:
        """What the page shows of this installation."""
        flower = await run_in_threadpool(_listens, settings.flower_port)
        return {
            "version": version("reign"),
            "environment": settings.environment,
            "workdir": str(Path.cwd()),
            "user": _user(),
            "flower": f"http://127.0.0.1:{settings.flower_port}/" if flower else None,
            "token": settings.api_token is not None,
        }

    @api.post("/web/plan-file", include_in_schema=False)
    def read_plan_file(body: PlanText) -> dict[str, Any]:
        """The content of a plan file; its faults are told with line and column."""
        content, locations = planfile.load(body.text)
        plan = parse_plan(content, locations)
        params = environments.params(settings, plan, body.params, body.environment)
        checked(plan, registry.catalog(), params, body.environment, locations)
        return {"plan": content}

    @api.post("/session", include_in_schema=False)
    async def sign_in(request: Request) -> Response:
        """Keep the token that came in the header (and was checked on the way here) in a cookie no script can read."""
        answer = JSONResponse({"token": settings.api_token is not None})
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token:
            answer.set_cookie(COOKIE, token, httponly=True, samesite="strict", secure=request.url.scheme == "https")
        return answer

    @api.delete("/session", include_in_schema=False)
    async def sign_out() -> Response:
        answer = JSONResponse({})
        answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
        return answer


class _Web:
    """Answers what is the page's own, and lets no other site use the cookie that a browser holds."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        if request.method in ("GET", "HEAD"):
            path = request.url.path
            if path.startswith("/assets/"):
                await _asset(path.removeprefix("/assets/"))(scope, receive, send)
                return
            first = path.split("/")[1]
            if path == "/" or (first in PAGES and _wants_page(request.headers)):
                await _page()(scope, receive, send)
                return
            if _wants_page(request.headers) and first not in _parts(scope["app"]):
                await _page(404)(scope, receive, send)  # it says so in its own words
                return
        elif request.method not in _SAFE and COOKIE in request.cookies and _from_elsewhere(request.headers):
            refusal = {"code": "refused", "message": "this came from another site", "hint": None, "details": None}
            await JSONResponse({"error": refusal}, 403)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _asset(name: str) -> Response:
    path = STATIC / "assets" / name
    if not _NAME.fullmatch(name) or not path.is_file():
        return PlainTextResponse("there is no such asset\n", 404)
    kept = _FOREVER if _HASHED.search(name) else "no-cache"
    return FileResponse(path, headers={"cache-control": kept, "x-content-type-options": "nosniff"})


def _page(status: int = 200) -> Response:
    if (STATIC / "index.html").is_file():
        return FileResponse(STATIC / "index.html", status, headers=_HEADERS)
    return PlainTextResponse("REIGN answers. The web page is not built; see /docs for the API.\n", status)


def _parts(api: FastAPI) -> set[str]:
    """The first parts of the addresses that the API itself knows."""
    return {route.path.split("/")[1] for route in api.routes if isinstance(route, Route)}


def _wants_page(headers: Headers) -> bool:
    """A browser that opens an address names HTML before anything else; programs name JSON or whatever comes."""
    return headers.get("accept", "").startswith("text/html")


def _from_elsewhere(headers: Headers) -> bool:
    """Whether a browser says that another site makes it send this. Other clients send neither header."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is not None and origin.split("://")[-1] != headers.get("host")


def _listens(port: int) -> bool:
    if not port:
        return False
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=0.3):
            return True
    except OSError:
        return False


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
