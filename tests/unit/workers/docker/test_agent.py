from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from reign.executor.testing import make_context
from workers.docker import AGENT, compose_cli, engine, holders

OPERATIONS = {operation.name: operation for operation in AGENT.operations}


def test_the_agent_brings_what_was_promised() -> None:
    assert set(OPERATIONS) == {
        *("docker.build", "docker.pull", "docker.tag", "docker.push", "docker.remove_image"),
        *("docker.run", "docker.stop", "docker.start", "docker.restart", "docker.remove"),
        *("docker.exec", "docker.logs", "docker.compose_up", "docker.compose_down"),
        *("docker.create_network", "docker.remove_network", "docker.create_volume", "docker.remove_volume"),
    }


@pytest.mark.parametrize("spec", AGENT.specs(), ids=lambda spec: spec.name)
def test_every_input_is_described_and_every_undo_explained(spec: Any) -> None:
    assert spec.summary
    assert spec.undo_note or spec.undo.value == "unneeded"
    assert spec.describe()["inputs"]["properties"]


def test_importing_it_imports_no_sdk() -> None:
    code = "import sys, workers.docker; print([m for m in ('docker', 'requests', 'urllib3') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_the_way_to_the_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.delenv("DOCKER_CONTEXT", raising=False)
    assert engine.address({}) == "unix:///var/run/docker.sock"
    assert engine.address({"host": "tcp://1.2.3.4:2376"}) == "tcp://1.2.3.4:2376"
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    assert engine.address({}) == "tcp://127.0.0.1:1"
    assert engine.address({"context": "nope"}) == "context nope"


def test_what_compose_sees(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    monkeypatch.setenv("MY_SECRET", "x")
    seen = compose_cli.environment(make_context(tmp_path), {"A": "1"})
    assert seen["DOCKER_HOST"] == "tcp://127.0.0.1:1"
    assert seen["A"] == "1"
    assert "MY_SECRET" not in seen
    given = compose_cli.environment(make_context(tmp_path, options={"host": "tcp://h:2376", "cert_path": "/certs"}))
    assert (given["DOCKER_HOST"], given["DOCKER_CERT_PATH"], given["DOCKER_TLS_VERIFY"]) == (
        "tcp://h:2376",
        "/certs",
        "1",
    )
    named = compose_cli.environment(make_context(tmp_path, options={"context": "far"}))
    assert named["DOCKER_CONTEXT"] == "far"
    assert "DOCKER_HOST" not in named


@pytest.mark.parametrize(
    ("version", "recent"), [("2.40.3", True), ("v5.0.1", True), ("2.16.0", False), ("1.29.2", False), ("?", False)]
)
def test_which_compose_will_do(version: str, recent: bool) -> None:
    assert compose_cli.is_recent(version) is recent


def test_doctor_says_what_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:9")
    monkeypatch.setattr(compose_cli.shutil, "which", lambda name: None)
    monkeypatch.setattr(compose_cli.sys, "executable", str(tmp_path / "python"))
    there, compose = AGENT.checks()
    assert not there.ok
    assert "no Docker Engine answers at tcp://127.0.0.1:9" in there.detail
    assert "systemctl start docker" in (there.fix or "")
    assert not compose.ok
    assert "deploy/compose/fetch" in (compose.fix or "")


def test_a_free_port_is_held_by_nobody() -> None:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert holders._process_on(port, "tcp") is None
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        assert "pid" in (holders._process_on(probe.getsockname()[1], "udp") or "")
