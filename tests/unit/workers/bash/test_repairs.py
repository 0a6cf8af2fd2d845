"""What is proposed for a process whose port is taken, and where nothing is."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reign.executor import FailureKind, Proposal, TaskFailed
from reign.executor.testing import make_context
from workers.bash.processes import StartInputs, StartProcess


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        port: int = listening.getsockname()[1]
        yield port


def proposal(folder: Path, port: int, *, secret: str | None = None, **given: Any) -> Proposal | None:
    ctx = make_context(folder)
    if secret:
        ctx.masker.add("secret://env/KEY", secret)
    operation = StartProcess()
    inputs = StartInputs.model_validate({"name": "web", "ready": port, **given})
    with pytest.raises(TaskFailed, match=f"port {port} is taken") as failed:
        operation.apply(ctx, inputs, ())
    return operation.repair(ctx, inputs, failed.value)


def test_the_next_free_port_takes_its_place(tmp_path: Path, taken: int) -> None:
    found = proposal(tmp_path, taken, command=f"python3 -m http.server {taken} # 1{taken}")
    assert found is not None
    assert found.moved is not None
    now = found.moved.now
    assert found.inputs == {"command": f"python3 -m http.server {now} # 1{taken}", "ready": {"port": now}}
    assert found.sure
    assert now > taken


def test_a_variable_and_an_address_follow(tmp_path: Path, taken: int) -> None:
    ready = {"url": f"http://127.0.0.1:{taken}/up", "within": 5}
    found = proposal(tmp_path, taken, command="./serve", env={"PORT": str(taken), "NAME": "web"}, ready=ready)
    assert found is not None
    assert found.moved is not None
    now = found.moved.now
    assert found.inputs == {
        "env": {"PORT": str(now), "NAME": "web"},
        "ready": {"url": f"http://127.0.0.1:{now}/up", "within": 5.0},
    }


def test_what_does_not_name_the_port_or_holds_a_secret_is_left_alone(tmp_path: Path, taken: int) -> None:
    assert proposal(tmp_path, taken, command="./serve") is None
    command = f"./serve --port {taken} --key hunter2000"
    assert proposal(tmp_path, taken, command=command, secret="hunter2000") is None
    other = TaskFailed("no", kind=FailureKind.CONFLICT)
    inputs = StartInputs.model_validate({"name": "web", "ready": taken, "command": command})
    assert StartProcess().repair(make_context(tmp_path), inputs, other) is None


def test_no_free_port_is_near(tmp_path: Path, taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.bash.repairs.is_open", lambda _: True)
    assert proposal(tmp_path, taken, command=f"serve {taken}") is None
