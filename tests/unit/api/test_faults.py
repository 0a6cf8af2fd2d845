"""What nobody thought of is answered in words of REIGN too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from reign.api.app import make_api
from reign.config import Settings


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    return TestClient(
        make_api(Settings.load(data_dir=tmp_path)), base_url="http://localhost", raise_server_exceptions=False
    )


def test_a_fault_is_told_without_its_trace(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise RuntimeError("inner workings")

    monkeypatch.setattr("reign.api.app.registry.catalog", broken)
    answer = client.get("/operations")
    assert answer.status_code == 500
    assert answer.json()["error"]["message"] == "GET /operations: a fault of reign itself: RuntimeError"
    assert "inner workings" not in answer.text


def test_an_address_that_is_not_there(client: TestClient) -> None:
    answer = client.get("/rnus")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
    assert client.delete("/runs").json()["error"]["message"] == "DELETE /runs: Method Not Allowed"


def test_bodies_have_a_length_and_an_end(client: TestClient) -> None:
    def endless() -> Iterator[bytes]:
        yield b"{"

    assert client.post("/runs", content=endless()).status_code == 411
    for length in ("99999999999", "-1", "ten"):
        assert client.post("/runs", content=b"{}", headers={"content-length": length}).status_code == 413
