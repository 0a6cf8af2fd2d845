"""validation.scan_ports on loopback, and whose hosts may be scanned."""

from __future__ import annotations

import errno
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reign.executor import Cancelled, FailureKind, TaskFailed
from reign.executor.testing import RecordingContext, make_context, run_operation
from tests.unit.workers.validation.servers import free_port, listening
from workers.validation import ScanPorts, ports


def scan(folder: Path, context: RecordingContext | None = None, **inputs: Any) -> ScanPorts.Result:
    given_inputs = ScanPorts.Inputs.model_validate({"host": "127.0.0.1", "within": 0, **inputs})
    result = run_operation(ScanPorts(), context or make_context(folder), given_inputs)
    assert isinstance(result, ScanPorts.Result)
    return result


def failure(folder: Path, **inputs: Any) -> TaskFailed:
    with pytest.raises(TaskFailed) as caught:
        scan(folder, **inputs)
    return caught.value


def test_open_and_closed_ports(tmp_path: Path) -> None:
    closed = free_port()
    with listening() as port:
        result = scan(tmp_path, ports=[port, closed])
        assert (result.open, result.closed) == ([port], [closed])
        assert scan(tmp_path, expect_open=port, expect_closed=str(closed)).findings == []
        assert scan(tmp_path, host="localhost", ports=port).open == [port]


def test_what_is_not_as_expected_is_said(tmp_path: Path) -> None:
    closed = free_port()
    with listening() as port:
        failed = failure(tmp_path, expect_open=[closed], expect_closed=[port])
    assert failed.kind is FailureKind.CHECK_FAILED
    assert failed.retryable
    assert {finding["message"] for finding in failed.details["findings"]} == {
        f"port {port} is open and should be closed",
        f"port {closed} is closed and should be open",
    }
    assert {finding["place"] for finding in failed.details["findings"]} == {f"127.0.0.1:{p}" for p in (port, closed)}


def test_it_looks_again_until_the_time_is_over(tmp_path: Path) -> None:
    port = free_port()
    context = make_context(tmp_path)
    results = []
    waiting = threading.Thread(target=lambda: results.append(scan(tmp_path, context, expect_open=port, within=30)))
    waiting.start()
    deadline = time.monotonic() + 20
    while not context.reports and time.monotonic() < deadline:
        threading.Event().wait(0.01)
    with socket.create_server(("127.0.0.1", port)):
        waiting.join(20)
    assert results[0].open == [port]


def test_many_ports_are_scanned_at_once_and_progress_is_told(tmp_path: Path) -> None:
    context = make_context(tmp_path)
    with listening() as port:
        first = max(1, min(port - 600, 65535 - 1200))
        result = scan(tmp_path, context, ports=f"{first}-{first + 1200}")
    assert port in result.open
    assert [report["total"] for report in context.reports] == [1201, 1201]


def test_a_silent_port_is_closed(tmp_path: Path) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        port = server.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        assert scan(tmp_path, ports=port, connect_timeout="200ms").closed == [port]
        for one in waiting:
            one.close()


def test_other_hosts_must_be_allowed(tmp_path: Path) -> None:
    failed = failure(tmp_path, host="192.0.2.1", ports=80)
    assert failed.kind is FailureKind.PERMISSION
    assert failed.hint is not None
    assert "scan_hosts" in failed.hint
    for allowed in (["192.0.2.1"], ["192.0.2.0/24"], ["not a host", "192.0.2.1"]):
        context = make_context(tmp_path, options={"scan_hosts": allowed})
        assert scan(tmp_path, context, host="192.0.2.1", ports=1, connect_timeout="50ms").closed == [1]


def test_an_unknown_name_is_said(tmp_path: Path) -> None:
    failed = failure(tmp_path, host="nowhere.invalid", ports=80)
    assert (failed.kind, failed.message) == (FailureKind.WRONG_INPUT, "nowhere.invalid: its name cannot be resolved")


def test_own_addresses() -> None:
    assert ports.is_own("127.0.0.1")
    assert ports.is_own("127.9.9.9")
    assert ports.is_own("::1")
    assert not ports.is_own("192.0.2.1")
    assert not ports.is_own("224.0.0.1")
    assert not ports.is_own("2001:db8::1")


def test_running_out_of_sockets_is_no_closed_port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*args: Any) -> Any:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr("workers.validation.ports.asyncio.open_connection", refuse)
    failed = failure(tmp_path, ports="1-50")
    assert failed.kind is FailureKind.TRANSIENT


def test_cancel_ends_it_at_once(tmp_path: Path) -> None:
    context = make_context(tmp_path)
    threading.Timer(0.3, context.cancelled.set).start()
    started = time.monotonic()
    with pytest.raises(Cancelled):
        scan(tmp_path, context, expect_open=free_port(), within=60)
    assert time.monotonic() - started < 2.3


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (8000, (8000,)),
        ("8000-8002", (8000, 8001, 8002)),
        (["22", 80, "8000 - 8001"], (22, 80, 8000, 8001)),
        ("443,80", (80, 443)),
    ],
)
def test_ports_may_be_written_in_many_ways(written: Any, meant: tuple[int, ...]) -> None:
    assert ports.ports_of(written) == meant


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.sets(st.integers(1, 65535), min_size=1, max_size=20))
def test_a_list_of_ports_is_what_it_says(wanted: set[int]) -> None:
    assert ports.ports_of(",".join(map(str, wanted))) == tuple(sorted(wanted))


@pytest.mark.parametrize(
    "written", ["", "x", "0", "70000", "9-8", "1-", True, 1.5, "1-20000", ["1-9000", "20000-29000"]]
)
def test_what_is_no_port_is_refused(written: Any) -> None:
    with pytest.raises(ValueError):
        ports.ports_of(written)


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({}, "name `ports`"),
        ({"expect_open": 80, "expect_closed": "79-81"}, "port 80 is expected to be open and closed"),
        ({"ports": "1-6000", "expect_open": "6001-12000"}, "12000 ports"),
    ],
)
def test_inputs_that_cannot_be(inputs: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        ScanPorts.Inputs.model_validate({"host": "localhost", **inputs})
