"""The client library: submit requests and plans to a REIGN API, watch them, take them back.

    from reign import Client

    run = Client().submit("build ./shop as shop:1 and run it on port 8088")
    for event in run.watch():
        print(event.kind, event.task)
    print(run.result)

``AsyncClient`` has the same methods as coroutines. What a method sends and how it reads the answer is written once, as
a generator that yields requests and is sent answers; the two clients only differ in who carries them.
"""

from __future__ import annotations

import getpass
import json
import time
import uuid
from collections.abc import AsyncIterator, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

import httpx

from reign.config import Settings
from reign.core import errors
from reign.core.errors import ReignError, RunFailed, Unavailable
from reign.core.plan import Plan

CONNECT_TIMEOUT = 3.0  # seconds; with one more try a dead API is told within 5
_READ_TIMEOUT = 90.0
_POLL = 30.0  # seconds that one request waits for a run to end
_TRIES = 2
_ENDED = ("succeeded", "failed", "cancelled")

T = TypeVar("T")


@dataclass(frozen=True)
class _Call:
    """One HTTP request. ``safe``: may be sent again when nobody knows whether it arrived."""

    method: str
    path: str
    body: Any = None
    params: Mapping[str, Any] = field(default_factory=dict)
    safe: bool = True


Flow = Generator[_Call, Any, T]


@dataclass(frozen=True)
class Event:
    """A change of state, as it happened. ``kind``: ``run.STATE`` or ``task.STATE``; ``at``: seconds since 1970."""

    id: int
    kind: str
    task: str | None
    data: Any
    at: float


@dataclass(frozen=True)
class TaskInfo:
    """A task of a run, as it stood when it was looked at."""

    id: str
    uses: str
    state: str
    result: Any
    error: Mapping[str, Any] | None
    attempts: int
    inputs: Mapping[str, Any]
    needs: Sequence[str]


def _tasks(data: Mapping[str, Any]) -> dict[str, TaskInfo]:
    return {
        t["id"]: TaskInfo(
            t["id"], t["uses"], t["state"], t["result"], t["error"], t["attempts"], t["with"], tuple(t["needs"])
        )
        for t in data["tasks"]
    }


class _RunData:
    """What is known of a run; filled by the last answer."""

    data: dict[str, Any]

    @property
    def name(self) -> str:
        return str(self.data["name"])

    @property
    def state(self) -> str:
        """As of the last look: queued, running, paused, cancelling, succeeded, failed, cancelled, needs_attention."""
        return str(self.data["state"])

    @property
    def ended(self) -> bool:
        return self.state in _ENDED

    @property
    def cause(self) -> str | None:
        """Why it did not succeed, in a sentence."""
        return self.data.get("cause")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name} {self.state}>"

    def _tasks(self) -> dict[str, TaskInfo]:
        return _tasks(self.data) if "tasks" in self.data else {}

    def _results(self) -> dict[str, Any]:
        return {name: task.result for name, task in self._tasks().items() if task.result is not None}

    def _raise_if_failed(self) -> None:
        if self.state in ("failed", "cancelled", "needs_attention"):
            raise RunFailed(
                f"run {self.name} {self.state.replace('_', ' ')}: {self.cause or 'no cause recorded'}",
                hint=f"`reign show {self.name}` has the details",
                details=self.data,
            )


# --- what is sent and how it is read, once ---------------------------------------------------------------------------


def _submission(
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


def _pinned(pins: Mapping[str, Mapping[str, Any]] | None) -> dict[str, Any]:
    return {} if pins is None else {"pins": {task: dict(inputs) for task, inputs in pins.items()}}


def _submit(body: dict[str, Any], approve: Any, key: str | None) -> Flow[dict[str, Any]]:
    body = {
        **body,
        "approve": approve,
        "idempotency_key": key or uuid.uuid4().hex,  # one key for all tries of this call: at most one run
        "requested_by": _user(),
    }
    run: dict[str, Any] = yield _Call("POST", "/runs", body)
    return run


def _wait(name: str, timeout: float | None) -> Flow[dict[str, Any]]:
    deadline = None if timeout is None else time.monotonic() + timeout
    while True:
        left = _POLL if deadline is None else min(_POLL, max(0.0, deadline - time.monotonic()))
        data: dict[str, Any] = yield _Call("GET", f"/runs/{name}", params={"wait": left})
        if data["state"] in _ENDED or data["state"] == "needs_attention":
            return data
        if deadline is not None and time.monotonic() >= deadline:
            raise TimeoutError(f"run {name} is still {data['state']} after {timeout:g} s")


def _get(path: str, **params: Any) -> Flow[Any]:
    return (yield _Call("GET", path, params={key: value for key, value in params.items() if value is not None}))


def _post(path: str, body: Any = None) -> Flow[Any]:
    return (yield _Call("POST", path, body, safe=False))


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def _answer(response: httpx.Response) -> Any:
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


def _unreachable(url: str, error: Exception) -> Unavailable:
    return Unavailable(
        f"the API at {url} does not answer: {error or type(error).__name__}",
        hint="start it with `reign up`, or set REIGN_API_URL",
    )


def _connection(url: str | None, token: str | None) -> tuple[str, dict[str, Any]]:
    settings = Settings.load() if url is None or token is None else None
    base = url or (settings.url if settings else "")
    if token is None and settings is not None and settings.api_token is not None:
        token = settings.api_token.get_secret_value()
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    timeout = httpx.Timeout(_READ_TIMEOUT, connect=CONNECT_TIMEOUT)
    return base, {"base_url": base, "headers": headers, "timeout": timeout, "trust_env": False}


def _event(data: str) -> Event:
    raw = json.loads(data)
    return Event(raw["id"], raw["kind"], raw["task"], raw["data"], raw["at"])


# --- the synchronous client ------------------------------------------------------------------------------------------


class Client:
    """Speaks HTTP to the API (``url``: default from the settings). Safe to share between threads.

    All methods raise the errors of ``reign.core.errors``; Unavailable within 5 s if the API is down.
    """

    def __init__(self, url: str | None = None, *, token: str | None = None) -> None:
        self.url, options = _connection(url, token)
        self._http = httpx.Client(**options)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def plan(
        self,
        request: str | Plan | Mapping[str, Any],
        *,
        params: Mapping[str, Any] | None = None,
        environment: str | None = None,
        workdir: str | None = None,
    ) -> dict[str, Any]:
        """The plan of a request, as ``reign plan -o json`` prints it; runs nothing."""
        body = _submission(request, params, environment, workdir)
        found: dict[str, Any] = self._drive(_post("/plan", body))
        return found

    def submit(
        self,
        request: str | Plan | Mapping[str, Any],
        *,
        params: Mapping[str, Any] | None = None,
        environment: str | None = None,
        workdir: str | None = None,
        approve: Literal["all"] | Sequence[str] = (),
        idempotency_key: str | None = None,
        made_from: tuple[str, str] | None = None,
        pins: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> Run:
        """Start a run of words, a Plan, or a plan as a dict. Tasks that ask for approval wait unless ``approve`` names
        them (or is "all"). Sent again safely when the connection breaks; give ``idempotency_key`` to be safe across
        restarts of your program too. ``made_from``: for a plan that was made of words, the words and the planner.
        ``pins``: those of the plan that was shown, by task."""
        body = _submission(request, params, environment, workdir, made_from) | _pinned(pins)
        return Run(self, self._drive(_submit(body, approve if approve == "all" else list(approve), idempotency_key)))

    def run(self, name: str = "@latest") -> Run:
        """A run by name."""
        return Run(self, self._drive(_get(f"/runs/{name}")))

    def runs(self, *, environment: str | None = None, limit: int = 50) -> list[Run]:
        """Runs, newest first."""
        return [Run(self, data) for data in self._drive(_get("/runs", environment=environment, limit=limit))]

    def get(self, path: str, **params: Any) -> Any:
        """Any other part of the API, read."""
        return self._drive(_get(path, **params))

    def post(self, path: str, body: Any = None) -> Any:
        """Any other part of the API, written."""
        return self._drive(_post(path, body))

    def _drive(self, flow: Flow[T]) -> T:
        try:
            call = next(flow)
            while True:
                call = flow.send(_answer(self._send(call)))
        except StopIteration as done:
            result: T = done.value
            return result

    def _send(self, call: _Call) -> httpx.Response:
        for left in reversed(range(_TRIES if call.safe else 1)):
            try:
                return self._http.request(call.method, call.path, json=call.body, params=call.params)
            except httpx.ConnectError as error:
                raise _unreachable(self.url, error) from None
            except httpx.TransportError as error:
                if not left:
                    raise _unreachable(self.url, error) from None
        raise AssertionError

    def _stream(self, path: str, after: int) -> Iterator[Event]:
        with self._http.stream("GET", path, params={"after": after}) as response:
            if not response.is_success:
                response.read()
                _answer(response)
            for line in response.iter_lines():
                if line.startswith("data: "):
                    yield _event(line[6:])


class Run(_RunData):
    """A run, as the client sees it."""

    def __init__(self, client: Client, data: dict[str, Any]) -> None:
        self._client = client
        self.data = data

    def refresh(self) -> Run:
        """Look again."""
        self.data = self._client._drive(_get(f"/runs/{self.name}"))
        return self

    def wait(self, timeout: float | None = None, *, check: bool = False) -> Run:
        """Return when the run has ended (or needs attention). Raises TimeoutError; with ``check``, RunFailed if it did
        not succeed."""
        self.data = self._client._drive(_wait(self.name, timeout))
        if check:
            self._raise_if_failed()
        return self

    def watch(self) -> Iterator[Event]:
        """Events from the first to the last, as they happen; a broken connection is taken up where it was."""
        last = 0
        for attempt in range(1_000_000):
            try:
                for event in self._client._stream(f"/runs/{self.name}/events", last):
                    last = max(last, event.id)
                    yield event
                break
            except httpx.TransportError as error:
                if attempt > 20:
                    raise _unreachable(self._client.url, error) from None
                time.sleep(min(0.1 * 2**attempt, 2))
        self.refresh()

    @property
    def tasks(self) -> dict[str, TaskInfo]:
        """The tasks by id, fresh unless the run has ended."""
        if not self.ended or "tasks" not in self.data:
            self.refresh()
        return self._tasks()

    @property
    def result(self) -> dict[str, Any]:
        """Task id to result, once the run has ended. Raises RunFailed if it did not succeed."""
        self.wait()
        self._raise_if_failed()
        return self._results()

    def logs(self, task: str | None = None) -> list[dict[str, Any]]:
        """Log lines: ``{id, task, attempt, at, stream, text}``."""
        lines: list[dict[str, Any]] = self._client._drive(_get(f"/runs/{self.name}/logs", task=task, limit=10_000))[
            "lines"
        ]
        return lines

    def cancel(self) -> Run:
        """Nothing new starts, running tools are ended."""
        self.data |= self._client._drive(_post(f"/runs/{self.name}/cancel", {"requested_by": _user()}))
        return self

    def rollback(self) -> Run:
        """Take the run back; returns the run that does it."""
        return Run(self._client, self._client._drive(_post(f"/runs/{self.name}/rollback", {"requested_by": _user()})))


# --- the asynchronous client -----------------------------------------------------------------------------------------


class AsyncClient:
    """:class:`Client` with coroutines."""

    def __init__(self, url: str | None = None, *, token: str | None = None) -> None:
        self.url, options = _connection(url, token)
        self._http = httpx.AsyncClient(**options)

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.aclose()

    async def plan(
        self,
        request: str | Plan | Mapping[str, Any],
        *,
        params: Mapping[str, Any] | None = None,
        environment: str | None = None,
        workdir: str | None = None,
    ) -> dict[str, Any]:
        """See :meth:`Client.plan`."""
        found: dict[str, Any] = await self._drive(_post("/plan", _submission(request, params, environment, workdir)))
        return found

    async def submit(
        self,
        request: str | Plan | Mapping[str, Any],
        *,
        params: Mapping[str, Any] | None = None,
        environment: str | None = None,
        workdir: str | None = None,
        approve: Literal["all"] | Sequence[str] = (),
        idempotency_key: str | None = None,
        made_from: tuple[str, str] | None = None,
        pins: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> AsyncRun:
        """See :meth:`Client.submit`."""
        body = _submission(request, params, environment, workdir, made_from) | _pinned(pins)
        chosen = approve if approve == "all" else list(approve)
        return AsyncRun(self, await self._drive(_submit(body, chosen, idempotency_key)))

    async def run(self, name: str = "@latest") -> AsyncRun:
        """A run by name."""
        return AsyncRun(self, await self._drive(_get(f"/runs/{name}")))

    async def runs(self, *, environment: str | None = None, limit: int = 50) -> list[AsyncRun]:
        """Runs, newest first."""
        found = await self._drive(_get("/runs", environment=environment, limit=limit))
        return [AsyncRun(self, data) for data in found]

    async def _drive(self, flow: Flow[T]) -> T:
        try:
            call = next(flow)
            while True:
                call = flow.send(_answer(await self._send(call)))
        except StopIteration as done:
            result: T = done.value
            return result

    async def _send(self, call: _Call) -> httpx.Response:
        for left in reversed(range(_TRIES if call.safe else 1)):
            try:
                return await self._http.request(call.method, call.path, json=call.body, params=call.params)
            except httpx.ConnectError as error:
                raise _unreachable(self.url, error) from None
            except httpx.TransportError as error:
                if not left:
                    raise _unreachable(self.url, error) from None
        raise AssertionError


class AsyncRun(_RunData):
    """:class:`Run` with coroutines."""

    def __init__(self, client: AsyncClient, data: dict[str, Any]) -> None:
        self._client = client
        self.data = data

    async def refresh(self) -> AsyncRun:
        """Look again."""
        self.data = await self._client._drive(_get(f"/runs/{self.name}"))
        return self

    async def wait(self, timeout: float | None = None, *, check: bool = False) -> AsyncRun:
        """See :meth:`Run.wait`."""
        self.data = await self._client._drive(_wait(self.name, timeout))
        if check:
            self._raise_if_failed()
        return self

    async def watch(self) -> AsyncIterator[Event]:
        """Events from the first to the last, as they happen."""
        async with self._client._http.stream("GET", f"/runs/{self.name}/events") as response:
            if not response.is_success:
                await response.aread()
                _answer(response)
            async for line in response.aiter_lines():
                if line.startswith("data: "):
                    yield _event(line[6:])
        await self.refresh()

    async def tasks(self) -> dict[str, TaskInfo]:
        """The tasks by id."""
        await self.refresh()
        return self._tasks()

    async def result(self) -> dict[str, Any]:
        """Task id to result, once the run has ended. Raises RunFailed if it did not succeed."""
        await self.wait()
        self._raise_if_failed()
        return self._results()

    async def cancel(self) -> AsyncRun:
        """Nothing new starts, running tools are ended."""
        self.data |= await self._client._drive(_post(f"/runs/{self.name}/cancel", {"requested_by": _user()}))
        return self

    async def rollback(self) -> AsyncRun:
        """Take the run back; returns the run that does it."""
        body = {"requested_by": _user()}
        return AsyncRun(self._client, await self._client._drive(_post(f"/runs/{self.name}/rollback", body)))


__all__ = ["AsyncClient", "AsyncRun", "Client", "Event", "ReignError", "Run", "RunFailed", "TaskInfo"]
