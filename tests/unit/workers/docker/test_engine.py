"""The way to an engine that takes connections and never answers."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from reign.executor import Cancelled, TaskFailed
from reign.executor.testing import make_context
from workers.docker import engine


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
