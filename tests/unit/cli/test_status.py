"""`reign status`, of an installation that is well and of one whose broker is away."""

from __future__ import annotations

import json
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from reign.api.app import make_api
from reign.cli import main, serving
from reign.config import Settings
from reign.local.parts import readiness
from tests.engines.installation import until


def free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Of an API that runs, with a broker that nobody has started."""
    monkeypatch.setenv("REIGN_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("REIGN_API_PORT", str(free()))
    monkeypatch.setenv("REIGN_BROKER_URL", f"redis://127.0.0.1:{free()}/0")
    made = Settings.load()
    made.writable_data_dir()
    server = uvicorn.Server(uvicorn.Config(make_api(made), port=made.api_port, log_config=None))
    serving = threading.Thread(target=server.run)
    serving.start()
    until(lambda: readiness(made) is not None)
    yield made
    server.should_exit = True
    serving.join()


def status(monkeypatch: pytest.MonkeyPatch, *options: str) -> int:
    monkeypatch.setattr(sys, "argv", ["reign", "status", *options])
    with pytest.raises(SystemExit) as ended:
        main.main()
    return int(ended.value.code or 0)


def test_what_does_not_answer_is_named(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status(monkeypatch) == 7
    said = capsys.readouterr().err
    assert "REIGN is not ready: the broker" in said
    assert "not lost" in said
    assert status(monkeypatch, "-o", "json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["ready"], found["parts"]["database"]) == (False, "ok")
    assert "broker" in found["parts"]["broker"]


def test_without_an_api_there_is_nothing_to_say(tmp_path: Path) -> None:
    assert readiness(Settings.load(data_dir=tmp_path, api_port=free())) is None


def test_what_went_back_to_its_queue_says_when_and_why() -> None:
    def pool(tasks: int, reason: str | None) -> dict[str, Any]:
        paused = {"tasks": tasks, "first": "calm-fox-11/issue", "seconds": 41.6, "reason": reason}
        return {"agent": "github", "workers": 1, "waiting": 0, "paused": paused if tasks else None}

    first = "calm-fox-11/issue goes on in 42 s"
    assert serving._pauses([pool(0, None), pool(1, None)]) == [first]
    assert serving._pauses([pool(1, "GitHub asks for a pause")]) == [f"{first}: GitHub asks for a pause"]
    assert serving._pauses([pool(2, "b")]) == [f"{first} (1 more task of github later): b"]
    assert serving._pauses([pool(3, "b")]) == [f"{first} (2 more tasks of github later): b"]
