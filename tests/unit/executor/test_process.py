"""Running real programs: their output, their limits, and that nothing of them is left."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reign.executor import process
from reign.executor.failures import Cancelled, FailureKind, TaskFailed, TimedOut
from reign.executor.process import Capped, ToolResult, run_tool, safe_environment


def run(argv: list[str], **given: Any) -> ToolResult:
    values: dict[str, Any] = {
        "cwd": Path("/"), "env": None, "stdin": None, "timeout": 20.0, "cancelled": threading.Event(),
        "cancel_reason": lambda: "stopped by a test", "on_line": lambda stream, line: None, "keep": 100_000,
        "stop_signal": None, "grace": 5.0,
    }  # fmt: skip
    return run_tool(argv, **(values | given))


def until(condition: Callable[[], Any], seconds: float = 10) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError("it did not come true in time")


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_output_exit_code_and_lines() -> None:
    lines: list[tuple[str, str]] = []
    found = run(["sh", "-c", "echo one; printf 'two\\r\\nrest'; echo bad >&2; exit 3"],
                on_line=lambda *line: lines.append(line))  # fmt: skip
    assert (found.exit_code, found.stdout, found.stderr, found.truncated) == (3, "one\ntwo\r\nrest", "bad\n", False)
    assert [line for stream, line in lines if stream == "stdout"] == ["one", "two", "rest"]
    assert ("stderr", "bad") in lines
    assert found.tail() == "bad"
    assert ToolResult((), 0, "a\nb\nc", " ", 0.0).tail(2) == "b\nc"


def test_input_is_given_and_none_is_empty() -> None:
    assert run(["cat"], stdin=b"x" * 300_000, keep=1_000_000).stdout == "x" * 300_000
    assert run(["cat"]).stdout == ""
    assert run(["true"], stdin=b"x" * 300_000).exit_code == 0


def test_the_environment_is_scrubbed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REIGN_TEST_SECRET", "x")
    assert "REIGN_TEST_SECRET" not in run(["env"]).stdout
    assert run(["/usr/bin/env"], env={"A": "1"}).stdout == "A=1\n"
    assert safe_environment({"A": "1"})["A"] == "1"


def test_a_signal_is_a_negative_code() -> None:
    assert run(["sh", "-c", "kill -9 $$"]).exit_code == -signal.SIGKILL


def test_what_is_kept_is_head_and_tail() -> None:
    found = run([sys.executable, "-c", "print('a' + 'x' * 50000 + 'z')"], keep=1000)
    assert found.truncated
    assert found.stdout.startswith("axx")
    assert found.stdout.endswith("xz\n")
    assert "bytes left out" in found.stdout
    assert len(found.stdout) < 1100


def test_capped_counts_what_it_drops() -> None:
    capped = Capped(10)
    for i in range(30):
        capped.add(b"%d" % (i % 10))
    assert capped.text() == "01234\n... 20 bytes left out ...\n56789"
    assert capped.dropped == 20
    short = Capped(10)
    short.add(b"0123456789")
    assert (short.text(), short.dropped) == ("0123456789", 0)


def test_the_log_is_bounded_if_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "LOG_LINES", 10)
    lines: list[str] = []
    argv = [sys.executable, "-uc", "import time\nfor i in range(100): print(i)\ntime.sleep(0.1)\nprint('last')"]
    run(argv, on_line=lambda _, line: lines.append(line), log_bounded=True)
    assert len(lines) <= 10
    assert lines[-1].startswith("... it prints more")
    lines.clear()
    assert run(argv, on_line=lambda _, line: lines.append(line)).exit_code == 0
    assert len(lines) == 101


def test_a_line_without_end_is_cut() -> None:
    lines: list[str] = []
    run([sys.executable, "-c", "print('x' * 200000, end='')"], on_line=lambda _, line: lines.append(line))
    assert sum(map(len, lines)) == 200_000
    assert max(map(len, lines)) <= 65536


@pytest.mark.parametrize("ignores", ["", "trap '' TERM;"])
def test_a_timeout_ends_the_whole_group(tmp_path: Path, ignores: str) -> None:
    script = f"{ignores} sleep 60 & echo $! > child; echo $$ > parent; while :; do sleep 0.05; done"
    with pytest.raises(TimedOut) as caught:
        run(["sh", "-c", script], cwd=tmp_path, timeout=0.7, grace=0.2)
    assert caught.value.message == "not done after 0.7 s"
    for name in ("child", "parent"):
        pid = int((tmp_path / name).read_text())
        until(lambda pid=pid: not alive(pid))


@pytest.fixture(params=[signal.default_int_handler, signal.SIG_IGN], ids=["heeded", "ignored"])
def interrupts(request: pytest.FixtureRequest) -> Iterator[None]:
    """What this process does with SIGINT; a pool's processes ignore it."""
    before = signal.signal(signal.SIGINT, request.param)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interrupts")
def test_a_cancel_lets_it_say_its_last_words(tmp_path: Path) -> None:
    lines: list[str] = []
    cancelled = threading.Event()

    def seen(_: str, line: str) -> None:
        lines.append(line)
        cancelled.set()

    script = "trap 'printf bye; exit 0' INT; echo ready; while :; do sleep 0.05; done"
    with pytest.raises(Cancelled, match="stopped by a test"):
        run(["sh", "-c", script], cancelled=cancelled, on_line=seen, stop_signal=signal.SIGINT)
    assert lines == ["ready", "bye"]


def test_what_it_leaves_behind_is_ended(tmp_path: Path) -> None:
    started = time.monotonic()
    found = run(["sh", "-c", "sleep 60 & echo $!"])
    pid = int(found.stdout)
    until(lambda: not alive(pid))
    assert time.monotonic() - started < 15


def test_closed_streams_do_not_end_the_wait() -> None:
    assert run(["sh", "-c", "exec >&- 2>&-; sleep 0.3; exit 4"]).exit_code == 4


def test_a_fault_of_ours_ends_it_too(tmp_path: Path) -> None:
    def broken(stream: str, line: str) -> None:
        raise OSError("the log is full")

    with pytest.raises(OSError, match="the log is full"):
        run(["sh", "-c", "echo $$ > pid; echo x; sleep 60"], cwd=tmp_path, on_line=broken)
    pid = int((tmp_path / "pid").read_text())
    until(lambda: not alive(pid))


def test_what_cannot_be_started(tmp_path: Path) -> None:
    with pytest.raises(TaskFailed, match="no-such-program is not there") as caught:
        run(["no-such-program"])
    assert caught.value.kind is FailureKind.MISSING_PREREQUISITE
    assert caught.value.hint
    with pytest.raises(TaskFailed, match="none is not there") as caught:
        run(["true"], cwd=tmp_path / "none")
    assert caught.value.hint is None
    (tmp_path / "file").write_text("")
    for argv in ([str(tmp_path / "file")], ["echo", "a\0b"]):
        with pytest.raises(TaskFailed, match="cannot be started"):
            run(argv)


def test_it_dies_with_its_parent(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys, time; from reign.executor.process import die_with_parent\n"
        "child = subprocess.Popen(['sleep', '60'], preexec_fn=die_with_parent)\n"
        "open(sys.argv[1], 'w').write(str(child.pid)); time.sleep(60)"
    )
    parent = os.spawnv(os.P_NOWAIT, sys.executable, [sys.executable, "-c", code, str(tmp_path / "pid")])
    pid = int(until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text()))
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    until(lambda: not alive(pid))


def poured(argv: list[str], check: Callable[[], None] = lambda: None) -> Any:
    return process.pour(argv, cwd=Path("/"), env=safe_environment(), check=check)


def test_what_a_program_pours_out_is_read_while_it_runs(tmp_path: Path) -> None:
    go_on = tmp_path / "go-on"
    with poured(
        ["sh", "-c", f"echo first; until [ -e {go_on} ]; do sleep 0.02; done; echo last; echo bad >&2; exit 3"]
    ) as out:
        assert out.read(3) == b"fir"
        assert out.read(100) == b"st\n"
        go_on.touch()
        assert out.read(100) == b"last\n"
        assert (out.read(100), out.read(100)) == (b"", b"")
        assert out.ended() == (3, "bad\n")


def test_what_is_not_read_of_it_is_thrown_away() -> None:
    with poured(["sh", "-c", "head -c 3000000 /dev/zero; exec >&- 2>&-; sleep 0.3; exit 4"]) as out:
        out.read(1)
        assert out.ended() == (4, "")


def test_a_reader_who_leaves_ends_it(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    with poured(["sh", "-c", f"echo $$ >{pid_file}; exec cat /dev/zero"]) as out:
        out.read(1)
    assert not alive(int(pid_file.read_text()))


def test_reading_ends_when_the_attempt_must(tmp_path: Path) -> None:
    looks = []

    def check() -> None:
        looks.append(1)
        if len(looks) > 2:
            raise Cancelled("stopped by a test")

    with pytest.raises(Cancelled), poured(["sleep", "600"], check) as out:
        out.read(1)
    looks.clear()
    with pytest.raises(Cancelled), poured(["sh", "-c", "exec >&- 2>&-; exec sleep 600"], check) as out:
        out.ended()
