"""validation.tcp against real servers on loopback."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from reign.executor import Cancelled, FailureKind, TaskFailed
from reign.executor.testing import RecordingContext, make_context, run_operation
from tests.unit.workers.validation.servers import free_port, listening
from workers.validation import Tcp


def ask(folder: Path, context: RecordingContext | None = None, **inputs: Any) -> Tcp.Result:
    given = Tcp.Inputs.model_validate({"host": "127.0.0.1", "every": 0.02, "within": 0, **inputs})
    result = run_operation(Tcp(), context or make_context(folder), given)
    assert isinstance(result, Tcp.Result)
    return result


def failure(folder: Path, **inputs: Any) -> TaskFailed:
    with pytest.raises(TaskFailed) as caught:
        ask(folder, **inputs)
    return caught.value


def greet(connection: socket.socket) -> None:
    connection.sendall(b"220 ready\r\n")
    if connection.recv(64).startswith(b"PING"):
        connection.sendall(b"PONG\r\n")


def test_an_open_port(tmp_path: Path) -> None:
    with listening() as port:
        result = ask(tmp_path, port=port)
    assert (result.status, result.attempts) == ("open", 1)


def test_a_closed_port_is_said(tmp_path: Path) -> None:
    failed = failure(tmp_path, port=free_port(), within="100ms")
    assert failed.kind is FailureKind.CHECK_FAILED
    assert failed.retryable
    assert failed.message.endswith("connection refused")
    assert ask(tmp_path, port=free_port(), fail_on="never").status == "closed"


def test_it_waits_for_a_port_that_opens(tmp_path: Path) -> None:
    port = free_port()
    context = make_context(tmp_path)
    results = []
    waiting = threading.Thread(target=lambda: results.append(ask(tmp_path, context, port=port, within=30)))
    waiting.start()
    deadline = time.monotonic() + 20
    while len(context.reports) < 3 and time.monotonic() < deadline:
        threading.Event().wait(0.01)
    with socket.create_server(("127.0.0.1", port)):
        waiting.join(20)
    assert results[0].attempts >= 3


def test_what_the_server_says(tmp_path: Path) -> None:
    with listening(greet) as port:
        assert ask(tmp_path, port=port, expect_body="220").status == "open"
        assert ask(tmp_path, port=port, send="PING\r\n", expect_body="PONG").status == "open"
        failed = failure(tmp_path, port=port, send="x", expect_body="PONG")
    assert failed.details["findings"][0]["rule"] == "tcp-body"
    assert "it says '220 ready', not 'PONG'" in failed.message


def test_a_server_that_says_nothing(tmp_path: Path) -> None:
    held = threading.Event()
    with listening(lambda connection: held.wait(30) and None) as port:
        failed = failure(tmp_path, port=port, expect_body="220", connect_timeout="200ms")
        held.set()
    assert "it says nothing, not '220'" in failed.message


def test_a_server_that_hangs_up_hard(tmp_path: Path) -> None:
    def reset(connection: socket.socket) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    with listening(reset) as port:
        assert failure(tmp_path, port=port, send="x" * 100, expect_body="220").details["counts"] == {"high": 1}


def test_a_connection_that_takes_too_long(tmp_path: Path) -> None:
    with listening() as port:
        failed = failure(tmp_path, port=port, max_latency=0)
    assert failed.details["findings"][0]["rule"] == "tcp-latency"


def test_a_host_that_does_not_answer(tmp_path: Path) -> None:
    # A listener whose queue is full neither takes nor refuses a connection.
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        port = server.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        failed = failure(tmp_path, port=port, connect_timeout="300ms")
        for one in waiting:
            one.close()
    assert failed.message.endswith("no connection within 300ms")


def test_an_ipv6_address_is_written_in_brackets(tmp_path: Path) -> None:
    assert failure(tmp_path, host="::1", port=free_port()).message.startswith("[::1]:")


def test_cancel_ends_it_at_once(tmp_path: Path) -> None:
    context = make_context(tmp_path)
    threading.Timer(0.3, context.cancelled.set).start()
    started = time.monotonic()
    with pytest.raises(Cancelled):
        ask(tmp_path, context, port=free_port(), within=60)
    assert time.monotonic() - started < 2.3
