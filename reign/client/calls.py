"""What the clients send, and how they read what comes back; without carrying anything themselves."""

from __future__ import annotations

import getpass
import json
import time
import uuid
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import httpx

from reign.client.data import ENDED, Event
from reign.config import Settings
from reign.core import errors
from reign.core.errors import InvalidInput, NotFound, Unavailable
from reign.core.plan import Plan

CONNECT_TIMEOUT = 2.0  # seconds; with one more try, or with a greeting that is not answered, told within 5
TRIES = 2
PAGE = 500  # runs of one answer
BATCH = 1000  # runs that are submitted together
_LINES = 10_000  # log lines of one answer
_POLL = 30.0  # seconds that one request waits for a run to end
_READ = 60.0
_PLANNING = 900.0  # a model may think for minutes
_SILENCE = 45.0  # a stream that has nothing to tell says so every 15 s
_LOST = 20  # connections in a row that bring nothing before a stream is given up

T = TypeVar("T")


@dataclass(frozen=True)
class Call:
    """One HTTP request. ``safe``: may be sent again when nobody knows whether it arrived; ``patience``: seconds to wait
    for the answer."""

    method: str
    path: str
    body: Any = None
    params: Mapping[str, Any] = field(default_factory=dict)
    safe: bool = True
    patience: float = _READ

    @property
    def options(self) -> dict[str, Any]:
        """As httpx takes them. Raises InvalidInput for a body that JSON has no words for."""
        timeout = httpx.Timeout(self.patience, connect=CONNECT_TIMEOUT)
        # Parameters, even none, would take the place of a query that the path brings.
        given: dict[str, Any] = {"params": dict(self.params) or None, "timeout": timeout}
        if self.body is None:
            return given
        try:
            content = json.dumps(self.body, allow_nan=False, ensure_ascii=False).encode()
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidInput(f"this cannot be sent: {error}", hint="use texts, numbers, lists and objects") from None
        return given | {"content": content, "headers": {"content-type": "application/json"}}


Flow = Generator[Call, Any, T]

#: Sent once by each client before anything else: an API that hangs is told as soon as one that is not there.
GREETING = Call("GET", "/healthz", safe=False, patience=2.0)


def submission(
    request: str | Plan | Mapping[str, Any],
    params: Mapping[str, Any] | None,
    environment: str | None,
    workdir: str | None,
    made_from: tuple[str, str] | None = None,
) -> dict[str, Any]:
    body: dict[str, Any] = {
        "params": dict(params or {}),
        "environment": environment,
        "workdir": workdir or str(Path.cwd()),
    }
    if isinstance(request, str):
        body["request"] = request
    else:
        body["plan"] = request.as_file() if isinstance(request, Plan) else dict(request)
        if made_from is not None:
            body["request"], body["planned_by"] = made_from
    return body


def pinned(pins: Mapping[str, Mapping[str, Any]] | None) -> dict[str, Any]:
    return {} if pins is None else {"pins": {task: dict(inputs) for task, inputs in pins.items()}}


def plan(body: dict[str, Any]) -> Flow[dict[str, Any]]:
    found: dict[str, Any] = yield Call("POST", "/plan", body, patience=_PLANNING)
    return found


def submit(body: dict[str, Any], approve: Any, key: str | None) -> Flow[dict[str, Any]]:
    run: dict[str, Any] = yield Call("POST", "/runs", _run(body, approve, key), patience=_PLANNING)
    return run


def submit_all(bodies: Sequence[dict[str, Any]], approve: Any) -> Flow[list[dict[str, Any]]]:
    if len(bodies) > BATCH:
        raise InvalidInput(f"{len(bodies)} runs are too many for one batch", hint=f"{BATCH} at a time")
    if not bodies:
        return []
    batch = {"runs": [_run(body, approve, None) for body in bodies]}
    found: list[dict[str, Any]] = yield Call("POST", "/runs/batch", batch, patience=_PLANNING)
    return found


def _run(body: dict[str, Any], approve: Any, key: str | None) -> dict[str, Any]:
    return {
        **body,
        "approve": approve if approve == "all" else list(approve),
        "idempotency_key": key or uuid.uuid4().hex,  # one key for all tries of this call: at most one run
        "requested_by": user(),
    }


def wait(name: str, timeout: float | None) -> Flow[dict[str, Any]]:
    deadline = None if timeout is None else time.monotonic() + timeout
    while True:
        left = _POLL if deadline is None else min(_POLL, max(0.0, deadline - time.monotonic()))
        data: dict[str, Any] = yield Call("GET", of_run(name), params={"wait": left})
        if data["state"] in ENDED or data["state"] == "needs_attention":
            return data
        if deadline is not None and time.monotonic() >= deadline:
            raise TimeoutError(f"run {name} is still {data['state']} after {timeout:g} s")


def wait_all(names: Sequence[str], timeout: float | None) -> Flow[list[dict[str, Any]]]:
    deadline = None if timeout is None else time.monotonic() + timeout
    found: list[dict[str, Any]] = []
    while len(found) < len(names):
        left = _POLL if deadline is None else min(_POLL, max(0.0, deadline - time.monotonic()))
        part = list(names[len(found) : len(found) + BATCH])
        page: list[dict[str, Any]] = yield Call("POST", "/runs/wait", {"names": part, "wait": left})
        moving = [data for data in page if data["state"] not in ENDED and data["state"] != "needs_attention"]
        if not moving:
            found += page
        elif deadline is not None and time.monotonic() >= deadline:
            first = moving[0]
            raise TimeoutError(f"{len(moving)} runs go on after {timeout:g} s; {first['name']} is {first['state']}")
    return found


def runs(limit: int, **given: Any) -> Flow[list[dict[str, Any]]]:
    """Page by page, until there are ``limit`` or no more."""
    found: list[dict[str, Any]] = []
    while len(found) < limit:
        size = min(PAGE, limit - len(found))
        page = yield from get("/runs", limit=size, **given)
        found += page
        if len(page) < size:
            break
        given["before"] = page[-1]["name"]
    return found


def logs(name: str, task: str | None) -> Flow[list[dict[str, Any]]]:
    lines: list[dict[str, Any]] = []
    while True:
        after = lines[-1]["id"] if lines else 0
        page = (yield from get(of_run(name, "logs"), task=task, after=after, limit=_LINES))["lines"]
        lines += page
        if len(page) < _LINES:
            return lines


def of_run(name: str, *rest: str) -> str:
    """The address of a run, or of something of it; whatever the name holds, it stays one part of the address."""
    if not name.strip("."):
        raise NotFound(f"there is no run {name!r}", hint="see `reign runs`")
    return "/".join(("/runs", quote(name, safe="@"), *rest))


def get(path: str, **params: Any) -> Flow[Any]:
    return (yield Call("GET", _quoted(path), params={key: value for key, value in params.items() if value is not None}))


def post(path: str, body: Any = None) -> Flow[Any]:
    return (yield Call("POST", _quoted(path), body, safe=False, patience=_PLANNING))


def _quoted(path: str) -> str:
    """A name in a path may hold what means something in an address; a query may be part of it."""
    return quote(path, safe="/@%?=&")


def user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


class Stream:
    """Where a stream of events is, over all the connections that it takes."""

    def __init__(self, url: str, run: str) -> None:
        self._url = url
        self._seen: set[int] = set()
        self._lost = 0
        self.path = of_run(run, "events")

    @property
    def options(self) -> dict[str, Any]:
        # A little back: an event with a lower id may be committed after one with a higher id.
        after = max(0, max(self._seen, default=0) - 500)
        return {"params": {"after": after}, "timeout": httpx.Timeout(_SILENCE, connect=CONNECT_TIMEOUT)}

    def read(self, line: str) -> Event | None:
        """The event that a line brings, if it is a new one."""
        self._lost = 0
        if not line.startswith("data: "):
            return None
        event = Event.read(line[6:])
        if event.id in self._seen:
            return None
        self._seen.add(event.id)
        return event

    def lost(self, error: httpx.TransportError) -> float:
        """Seconds to wait before the next connection. Raises Unavailable if none has brought anything for long."""
        self._lost += 1
        if self._lost > _LOST:
            raise unreachable(self._url, error) from None
        return float(min(0.1 * 2**self._lost, 2))


def answer(response: httpx.Response) -> Any:
    """The body of an answer. Raises the error that it describes, as its own class."""
    try:
        body = response.json()
    except ValueError:
        body = None
    if response.is_success and body is not None:
        return body
    if isinstance(body, dict) and isinstance(body.get("error"), dict):
        raise errors.from_dict(body)
    raise Unavailable(
        f"{response.url} answered {response.status_code} and not in words of REIGN", hint="is it the API?"
    )


def unreachable(url: str, error: Exception) -> Unavailable:
    return Unavailable(
        f"the API at {url} does not answer: {error or type(error).__name__}",
        hint="start it with `reign up`, or set REIGN_API_URL",
    )


def connection(url: str | None, token: str | None) -> tuple[str, dict[str, Any]]:
    """The API's address, and the options of an httpx client that speaks to it. Raises InvalidInput."""
    settings = Settings.load() if url is None or token is None else None
    base = url or (settings.url if settings else "")
    if token is None and settings is not None and settings.api_token is not None:
        token = settings.api_token.get_secret_value()
    try:
        address = httpx.URL(base)
        wrong = None if address.scheme in ("http", "https") and address.host else "it is http://HOST:PORT"
    except httpx.InvalidURL as error:
        wrong = str(error)
    if wrong:
        raise InvalidInput(f"{base!r} is no address of an API: {wrong}", hint="set REIGN_API_URL")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return base, {"base_url": base, "headers": headers, "trust_env": False}
