"""Schedules over HTTP, in this process: shapes and errors. That they run is shown with a whole REIGN elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from reign.api.app import make_api
from reign.config import Settings

PLAN = {"name": "note", "environment": "dev", "tasks": {"a": {"uses": "probe.noop"}}}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    settings = Settings.load(data_dir=tmp_path_factory.mktemp("api"), broker_url="redis://127.0.0.1:1/0")
    settings.writable_data_dir()
    with TestClient(make_api(settings), base_url="http://localhost") as made:
        yield made


def add(client: TestClient, **more: object) -> dict[str, object]:
    body = {"name": "nightly", "spec": "@daily", "plan": PLAN, "requested_by": "me", **more}
    answer = client.post("/schedules", json=body)
    return {"status": answer.status_code, **answer.json()}


def test_a_schedule_is_made_shown_paused_and_removed(client: TestClient) -> None:
    made = add(client)
    assert (made["status"], made["what"], made["created_by"]) == (201, "note", "me")
    assert add(client)["status"] == 409
    shown = client.get("/schedules/nightly").json()
    assert shown["body"]["approve"] == []
    assert shown["firings"] == []
    assert [found["name"] for found in client.get("/schedules").json()] == ["nightly"]
    by = {"requested_by": "me"}
    assert client.post("/schedules/nightly/pause", json=by).json()["paused"] is True
    assert client.post("/schedules/nightly/pause", json=by).status_code == 409
    assert client.post("/schedules/nightly/resume", json=by).json()["next_due"] > 0
    fired = client.post("/schedules/nightly/run", json=by)
    assert fired.status_code == 201, "a broker that is away delays the run and loses nothing"
    assert client.get(f"/runs/{fired.json()['run']}").json()["requested_by"] == "schedule nightly"
    assert client.post("/schedules/nightly/remove", json=by).status_code == 200
    assert client.get("/schedules/nightly").status_code == 404


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"spec": "often"}, "is no schedule"),
        ({"plan": {"name": "x", "tasks": {"a": {"uses": "probe.nop"}}}}, "did you mean"),
        ({"plan": None}, "there is no request"),
        ({"action": "fly"}, "takes no request"),
        ({"misfire": "twice"}, "misfire"),
    ],
)
def test_what_is_wrong_is_said_when_it_is_made(client: TestClient, wrong: dict[str, object], words: str) -> None:
    answer = client.post("/schedules", json={"name": "x", "spec": "@daily", "plan": PLAN, **wrong})
    assert answer.status_code == 422
    assert words in str(answer.json())


def test_what_may_be_granted_is_kept(client: TestClient) -> None:
    add(client, name="all", approve="all")
    assert client.get("/schedules/all").json()["body"]["approve"] is None
