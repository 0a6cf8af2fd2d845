"""The client library and the HTTP API, as a program uses them."""

from __future__ import annotations

import asyncio
import socket
import time

import httpx
import pytest

from reign import AsyncClient, Client, Plan, Task
from reign.core.errors import Conflict, InvalidInput, NotFound, NotUnderstood, RunFailed, Unavailable
from tests.integration.surfaces.conftest import Up

HELLO = {"name": "hello", "tasks": {"a": {"uses": "probe.noop", "with": {"value": 7}}}}


def test_a_plan_written_in_python(client: Client) -> None:
    plan = Plan(
        name="hello",
        tasks={
            "a": Task(uses="probe.noop", with_={"value": 7}),
            "b": Task(uses="probe.noop", with_={"value": "${{ tasks.a.result.value }}"}),
        },
    )
    run = client.submit(plan)
    assert run.result == {"a": {"value": 7}, "b": {"value": 7}}
    assert run.state == "succeeded"
    assert run.tasks["b"].needs == ("a",)


def test_a_request_in_words(client: Client) -> None:
    run = client.submit("run `echo hello`", approve="all").wait(timeout=60)
    assert run.state == "succeeded", run.cause
    assert "hello" in next(iter(run.tasks.values())).result["stdout"]
    assert any(line["text"] == "hello" for line in run.logs())


def test_events_come_as_they_happen_and_end_with_the_run(client: Client) -> None:
    kinds = [event.kind for event in client.submit(HELLO).watch()]
    assert kinds[0] == "run.queued"
    assert kinds[-1] == "run.succeeded"
    assert kinds.count("task.succeeded") == 1


def test_the_asynchronous_client(up: Up) -> None:
    async def main() -> None:
        async with AsyncClient(up.url) as client:
            run = await client.submit(HELLO)
            kinds = [event.kind async for event in run.watch()]
            assert kinds[-1] == "run.succeeded"
            assert await run.result() == {"a": {"value": 7}}
            assert (await client.plan(HELLO))["tasks"][0]["id"] == "a"
            assert (await client.run(run.name)).ended
            assert run.name in [other.name for other in await client.runs()]
            both = await client.submit_all([HELLO, HELLO])
            await client.wait_all(both)
            assert {other.state for other in both} == {"succeeded"}

    asyncio.run(main())


def test_failures_are_typed(client: Client) -> None:
    run = client.submit({"name": "bad", "tasks": {"a": {"uses": "probe.fail"}}})
    with pytest.raises(RunFailed, match="failed on purpose"):
        _ = run.result
    with pytest.raises(NotFound):
        client.run("no-such-run-1")
    with pytest.raises(NotUnderstood):
        client.submit("make it nice")
    with pytest.raises(InvalidInput, match="no operation"):
        client.submit({"name": "x", "tasks": {"a": {"uses": "docker.biuld"}}})
    with pytest.raises(Conflict):
        run.cancel()


def test_the_same_key_gives_the_same_run(client: Client) -> None:
    first = client.submit(HELLO, idempotency_key="one")
    assert client.submit(HELLO, idempotency_key="one").name == first.name


def test_runs_are_paged_and_filtered(up: Up, client: Client) -> None:
    names = [client.submit(HELLO).wait().name for _ in range(3)][::-1]
    assert client.runs(limit=2, before=names[0])[0].name == names[1]
    assert up.json("runs", "--before", names[1], "-n", "1")[0]["name"] == names[2]
    assert {run.state for run in client.runs(state=["succeeded"])} == {"succeeded"}
    assert up.json("runs", "--state", "paused") == []
    with pytest.raises(NotFound):
        client.runs(before="no-such-run-1")


def test_many_runs_are_started_and_waited_for_together(client: Client) -> None:
    made = client.submit_all([HELLO, HELLO, {"name": "bad", "tasks": {"a": {"uses": "probe.fail"}}}])
    client.wait_all(made, timeout=60)
    assert [run.state for run in made] == ["succeeded", "succeeded", "failed"]
    assert made[0].result == {"a": {"value": 7}}
    newest = client.runs(limit=1)[0].name
    with pytest.raises(InvalidInput, match=r"runs\[1\].*no operation"):
        client.submit_all([HELLO, {"name": "x", "tasks": {"a": {"uses": "docker.biuld"}}}])
    assert client.runs(limit=1)[0].name == newest, "all or none"
    slow = client.submit_all([{"name": "slow", "tasks": {"a": {"uses": "probe.sleep", "with": {"seconds": 60}}}}])
    with pytest.raises(TimeoutError, match=f"{slow[0].name} is"):
        client.wait_all(slow, timeout=0.1)
    slow[0].cancel().wait(timeout=60)
    with pytest.raises(InvalidInput, match="1000 at a time"):
        client.submit_all([HELLO] * 1001)
    assert client.submit_all([]) == []


def test_an_api_that_is_down_is_told_within_five_seconds() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    started = time.monotonic()
    with pytest.raises(Unavailable, match="reign up"):
        Client(url).runs()
    assert time.monotonic() - started < 5


def test_health_and_description(up: Up) -> None:
    assert httpx.get(up.url + "/healthz").json() == {"status": "ok"}
    assert httpx.get(up.url + "/readyz").json()["broker"] == "ok"
    assert "/runs" in httpx.get(up.url + "/openapi.json").json()["paths"]
    assert httpx.get(up.url + "/schema").json()["title"] == "REIGN plan"


def test_pages_of_other_origins_are_kept_out(up: Up) -> None:
    assert httpx.get(up.url + "/runs", headers={"host": "evil.example"}).status_code == 403
    assert httpx.post(up.url + "/runs", json=HELLO, headers={"origin": "http://evil.example"}).status_code == 403
    assert httpx.post(up.url + "/runs", content=b"{", headers={"content-type": "application/json"}).status_code == 422
    assert httpx.post(up.url + "/runs", json={"plann": 1}).json()["error"]["code"] == "invalid_input"
