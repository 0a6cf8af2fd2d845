"""The client library: what it sends, and what it makes of answers, pages, silence and broken connections."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from reign.client import AsyncClient, AsyncRun, Client, Event, Run, calls
from reign.client.calls import submission
from reign.core.errors import InvalidInput, NotFound, Unavailable
from reign.core.plan import Plan

PLAN = Plan.model_validate({"name": "p", "tasks": {"a": {"uses": "probe.noop"}}})
URL = "http://api.test"
Handler = Callable[[httpx.Request], httpx.Response]


def connected(handler: Handler) -> Client:
    made = Client(URL, token="t")
    made._http = httpx.Client(base_url=URL, transport=httpx.MockTransport(handler))
    return made


def connected_async(handler: Handler) -> AsyncClient:
    made = AsyncClient(URL, token="t")
    made._http = httpx.AsyncClient(base_url=URL, transport=httpx.MockTransport(handler))
    return made


def test_a_plan_that_was_made_of_words_goes_with_them() -> None:
    body = submission(PLAN, None, None, "/srv", ("run nginx", "llm:x"))
    assert (body["plan"], body["request"], body["planned_by"]) == (PLAN.as_file(), "run nginx", "llm:x")


def test_words_and_plans_alone_go_alone() -> None:
    assert {"plan", "planned_by"}.isdisjoint(submission("run nginx", None, None, None))
    assert {"request", "planned_by"}.isdisjoint(submission(PLAN, None, None, None))


@pytest.mark.parametrize("value", [object(), float("nan"), {1, 2}])
def test_what_json_has_no_words_for_is_told(value: Any) -> None:
    with pytest.raises(InvalidInput, match="cannot be sent"):
        connected(lambda _: httpx.Response(200, json={})).plan("x", params={"a": value})


@pytest.mark.parametrize("url", ["localhost:8470", "ftp://host", "http://", "http://[::1"])
def test_what_is_no_address_is_told(url: str) -> None:
    with pytest.raises(InvalidInput, match="no address of an API"):
        Client(url)


@pytest.mark.parametrize(("name", "path"), [("a/b?c#d", "/runs/a%2Fb%3Fc%23d"), ("@latest", "/runs/@latest")])
def test_a_name_stays_one_part_of_the_address(name: str, path: str) -> None:
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.raw_path.decode())
        return httpx.Response(200, json={"name": name, "state": "failed"})

    connected(answer).run(name)
    assert asked == ["/healthz", path]


def test_a_path_may_bring_its_query() -> None:
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.raw_path.decode())
        return httpx.Response(200, json=[])

    connected(answer).get("/audit?limit=5&kind=run")
    connected(answer).get("/schedules/a#b", limit=5)
    assert asked[1::2] == ["/audit?limit=5&kind=run", "/schedules/a%23b?limit=5"]


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_no_name_names_no_run(name: str) -> None:
    with pytest.raises(NotFound, match="no run"):
        connected(lambda _: httpx.Response(200, json={})).run(name)


def test_many_runs_and_lines_come_page_by_page() -> None:
    names = [f"run-{number}" for number in range(1200)]

    def answer(request: httpx.Request) -> httpx.Response:
        given = request.url.params
        if request.url.path == "/healthz":
            return httpx.Response(200, json={})
        if request.url.path.endswith("/logs"):
            after = int(given["after"])
            found = [{"id": number} for number in range(after + 1, min(25_001, after + int(given["limit"]) + 1))]
            return httpx.Response(200, json={"lines": found})
        assert given.get_list("state") in (["failed", "cancelled"], [])
        start = names.index(given["before"]) + 1 if "before" in given else 0
        return httpx.Response(200, json=[{"name": name} for name in names[start : start + int(given["limit"])]])

    client = connected(answer)
    assert [run.name for run in client.runs(limit=1100, state=["failed", "cancelled"])] == names[:1100]
    assert [run.name for run in client.runs(limit=5000)] == names
    assert [run.name for run in client.runs(limit=3, before="run-9")] == ["run-10", "run-11", "run-12"]
    assert [line["id"] for line in Run(client, {"name": "x"}).logs()] == list(range(1, 25_001))


@pytest.fixture
def silent() -> Iterator[str]:
    """An API that takes connections and never answers."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(8)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def test_an_api_that_hangs_is_told_as_one_that_is_not_there(silent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert max(calls.CONNECT_TIMEOUT * calls.TRIES, calls.CONNECT_TIMEOUT + calls.GREETING.patience) < 5
    monkeypatch.setattr(calls, "GREETING", dataclasses.replace(calls.GREETING, patience=0.2))
    started = time.monotonic()
    with pytest.raises(Unavailable, match="does not answer"):
        Client(silent).run("x").wait()
    with pytest.raises(Unavailable, match="does not answer"):
        next(Run(Client(silent), {"name": "x"}).watch())
    with pytest.raises(Unavailable, match="does not answer"):
        asyncio.run(AsyncClient(silent).run("x"))
    assert time.monotonic() - started < 4


class Broken:
    """Streams of which the first ones break off; the last one ends as it should."""

    def __init__(self, *parts: list[int]) -> None:
        self.parts = list(parts)
        self.asked: list[int] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if not request.url.path.endswith("/events"):
            return httpx.Response(200, json={"name": "x", "state": "succeeded", "tasks": []})
        self.asked.append(int(request.url.params["after"]))
        return httpx.Response(200, stream=_Part(self.parts.pop(0), last=not self.parts))


class _Part(httpx.SyncByteStream, httpx.AsyncByteStream):
    def __init__(self, ids: list[int], *, last: bool) -> None:
        self._ids, self._last = ids, last

    def __iter__(self) -> Iterator[bytes]:
        yield b": still here\n\n"
        for number in self._ids:
            body = json.dumps({"id": number, "kind": "task.running", "task": "a", "data": None, "at": 1.0})
            yield f"id: {number}\ndata: {body}\n\n".encode()
        if not self._last:
            raise httpx.ReadError("gone")

    async def __aiter__(self) -> Any:
        for each in self:
            yield each


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reign.client.sync.time.sleep", lambda _: None)


PARTS = [[1, 2], [], [2, 700], [700, 650, 701]]


def test_a_broken_stream_is_taken_up_where_it_was(no_waiting: None) -> None:
    broken = Broken(*PARTS)
    run = Run(connected(broken), {"name": "x", "state": "running"})
    assert [event.id for event in run.watch()] == [1, 2, 700, 650, 701]
    assert broken.asked == [0, 0, 0, 200]
    assert run.state == "succeeded"


def test_so_is_an_asynchronous_one() -> None:
    async def watched() -> list[Event]:
        run = AsyncRun(connected_async(Broken(*PARTS)), {"name": "x", "state": "running"})
        return [event async for event in run.watch()]

    assert [event.id for event in asyncio.run(watched())] == [1, 2, 700, 650, 701]


def test_a_stream_that_never_brings_anything_is_given_up(no_waiting: None) -> None:
    def away(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/events"):
            raise httpx.ConnectError("refused")
        return httpx.Response(200, json={})

    with pytest.raises(Unavailable, match="refused"):
        list(Run(connected(away), {"name": "x", "state": "running"}).watch())
