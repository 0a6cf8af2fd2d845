"""The way to an engine that takes connections and never answers."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reign.executor import Cancelled, TaskFailed
from reign.executor.testing import make_context
from workers.docker import compose_cli, engine


@pytest.fixture
def silent(tmp_path: Path) -> Iterator[str]:
    """The address of a socket behind which nobody speaks."""
    path = tmp_path / "docker.sock"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen(10)
        yield f"unix://{path}"


def test_one_that_does_not_answer_is_given_up_soon(
    tmp_path: Path, silent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_FIRST_ANSWER_WITHIN", 0.2)
    with (
        pytest.raises(TaskFailed, match="Docker Engine"),
        engine.engine(make_context(tmp_path, options={"host": silent}), "x"),
    ):
        pytest.fail("nobody answered")


def test_a_cancel_is_heard_while_nobody_answers(tmp_path: Path, silent: str) -> None:
    ctx = make_context(tmp_path, options={"host": silent})
    threading.Timer(0.1, ctx.cancelled.set).start()
    began = time.monotonic()
    with pytest.raises(Cancelled), engine.engine(ctx, "x"):
        pytest.fail("nobody answered")
    assert time.monotonic() - began < 10


def _context(folder: Path, name: str, host: str) -> None:
    """A context as `docker context create` writes it: nothing else is in the folder then."""
    place = folder / "contexts" / "meta" / hashlib.sha256(name.encode()).hexdigest()
    place.mkdir(parents=True)
    endpoint = {"Host": host, "SkipTLSVerify": False}
    (place / "meta.json").write_text(json.dumps({"Name": name, "Metadata": {}, "Endpoints": {"docker": endpoint}}))


def test_a_context_is_found_without_a_config_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    _context(tmp_path / ".docker", "far", "tcp://192.0.2.1:2375")
    assert engine.address({"context": "far"}) == "tcp://192.0.2.1:2375"
    monkeypatch.setenv("DOCKER_CONTEXT", "far")
    assert engine.address({}) == "tcp://192.0.2.1:2375"
    _context(tmp_path / "other", "near", "unix:///near.sock")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "other"))
    assert engine.address({"context": "near"}) == "unix:///near.sock"
    with pytest.raises(TaskFailed, match="there is no docker context 'far'"):
        engine.connect({})


@pytest.mark.parametrize(
    ("options", "way"),
    [
        ({}, {"DOCKER_HOST": "tcp://h:1", "DOCKER_CONFIG": "/c"}),
        ({"context": "far"}, {"DOCKER_CONTEXT": "far", "DOCKER_CONFIG": "/c"}),
        ({"host": "tcp://x:2"}, {"DOCKER_HOST": "tcp://x:2", "DOCKER_CONFIG": "/c"}),
        (
            {"host": "tcp://x:2", "cert_path": "/p"},
            {"DOCKER_HOST": "tcp://x:2", "DOCKER_CERT_PATH": "/p", "DOCKER_TLS_VERIFY": "1", "DOCKER_CONFIG": "/c"},
        ),
        (
            {"host": "tcp://x:2", "cert_path": "/p", "tls_verify": False},
            {"DOCKER_HOST": "tcp://x:2", "DOCKER_CERT_PATH": "/p", "DOCKER_TLS": "1", "DOCKER_CONFIG": "/c"},
        ),
    ],
)
def test_the_command_line_goes_the_same_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], way: dict[str, str]
) -> None:
    for name in [name for name in os.environ if name.startswith("DOCKER_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DOCKER_HOST", "tcp://h:1")
    monkeypatch.setenv("DOCKER_CONFIG", "/c")
    seen = compose_cli.environment(make_context(tmp_path, options=options))
    assert {name: value for name, value in seen.items() if name.startswith("DOCKER_")} == way
