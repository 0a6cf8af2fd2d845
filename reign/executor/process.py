"""Running a program for an attempt so that nothing of it is left when the attempt ends, however it ends."""

from __future__ import annotations

import contextlib
import ctypes
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reign.executor.failures import Cancelled, FailureKind, TaskFailed, TimedOut
from reign.executor.lifeline import lifeline

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
#: What a tool may see of the worker's environment; secrets come in by reference, never by inheritance.
SAFE_ENVIRONMENT = (
    "PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "USER", "LOGNAME", "SHELL", "TERM",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
)  # fmt: skip
_LINE_LIMIT = 64 * 1024
LOG_LINES, LOG_BYTES = 20_000, 8 << 20  # what one stream of one tool may add to the log
_CHECK_EVERY = 0.1  # seconds between looks at the cancel flag while a tool is silent


@dataclass(frozen=True)
class ToolResult:
    """How a program ended. ``truncated`` says that the middle of a stream was dropped."""

    argv: tuple[str, ...]
    exit_code: int  # negative: ended by that signal
    stdout: str
    stderr: str
    seconds: float
    truncated: bool = False

    def tail(self, lines: int = 20) -> str:
        """The last lines that it printed, stderr preferred: what belongs into an error."""
        text = self.stderr.strip() or self.stdout.strip()
        return "\n".join(text.splitlines()[-lines:])


def safe_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The worker's environment reduced to what tools need, plus ``extra``."""
    return {name: os.environ[name] for name in SAFE_ENVIRONMENT if name in os.environ} | dict(extra or {})


def die_with_parent() -> None:
    """To be called in a child between fork and exec: the kernel ends it when its parent ends."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _start_afresh() -> None:
    """Of a tool, between fork and exec. What a process ignores its children ignore too: Celery's ignore SIGINT, and so
    does what a shell has put into the background; no tool could then be asked to end by it."""
    die_with_parent()
    for number in (signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)


class Capped:
    """Text of a stream of any length in bounded memory: its head and its tail."""

    def __init__(self, limit: int) -> None:
        self._half = max(1, limit // 2)
        self._head = bytearray()
        self._tail = bytearray()
        self.dropped = 0

    def add(self, data: bytes) -> None:
        room = self._half - len(self._head)
        self._head += data[:room]
        self._tail += data[room:] if room < len(data) else b""
        if len(self._tail) > 2 * self._half:
            self.dropped += len(self._tail) - self._half
            del self._tail[: -self._half]

    def text(self) -> str:
        over = len(self._tail) - self._half
        if over > 0:
            self.dropped += over
            del self._tail[:over]
        gap = f"\n... {self.dropped} bytes left out ...\n" if self.dropped else ""
        return self._head.decode(errors="replace") + gap + self._tail.decode(errors="replace")


class _Lines:
    """Cuts a byte stream into lines; a line without end is cut at a limit, and so, if asked, is the whole stream."""

    def __init__(self, sink: Callable[[str], None], bounded: bool) -> None:
        self._sink = sink
        self._rest = bytearray()
        self._lines_left, self._bytes_left = (LOG_LINES, LOG_BYTES) if bounded else (sys.maxsize, sys.maxsize)

    def add(self, data: bytes) -> None:
        if self._lines_left <= 0:
            return
        self._bytes_left -= len(data)
        self._lines_left -= data.count(b"\n")
        if self._lines_left <= 0 or self._bytes_left <= 0:
            self._lines_left, self._rest = 0, bytearray()
            self._sink("... it prints more than the log takes; the rest is left out ...")
            return
        self._rest += data
        *lines, rest = self._rest.split(b"\n")
        for line in lines:
            self._emit(line)
        while len(rest) > _LINE_LIMIT:
            self._emit(rest[:_LINE_LIMIT])
            del rest[:_LINE_LIMIT]
        self._rest = rest

    def close(self) -> None:
        if self._rest:
            self._emit(self._rest)
            self._rest = bytearray()

    def _emit(self, line: bytes | bytearray) -> None:
        self._sink(line.rstrip(b"\r").decode(errors="replace"))


def run_tool(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str] | None,
    stdin: bytes | None,
    timeout: float,
    cancelled: threading.Event,
    cancel_reason: Callable[[], str],
    on_line: Callable[[str, str], None],
    keep: int,
    stop_signal: int | None,
    grace: float,
    log_bounded: bool = False,
    tidies: bool = False,
) -> ToolResult:
    """See :meth:`reign.executor.context.Context.tool`."""
    started = time.monotonic()
    process = _start(argv, cwd, safe_environment() if env is None else dict(env), stdin is not None)
    kept = {"stdout": Capped(keep), "stderr": Capped(keep)}
    lines = {name: _Lines(lambda line, name=name: on_line(name, line), log_bounded) for name in kept}  # type: ignore[misc]
    if stdin is not None:
        threading.Thread(target=_feed, args=(process, stdin), daemon=True).start()
    ended = None
    with contextlib.nullcontext() if tidies else lifeline.holds(process.pid):
        try:
            ended = _pump(process, kept, lines, started + timeout, cancelled)
            if ended is not None:
                # Read on while it stops: its last words belong to the log, and a full pipe would keep it from stopping.
                _signal_group(process.pid, stop_signal or signal.SIGTERM)
                _pump(process, kept, lines, time.monotonic() + grace, threading.Event())
        finally:
            end_group(process, signal.SIGKILL, 0)
    for line in lines.values():
        line.close()
    if ended is not None:
        raise TimedOut(round(timeout, 3)) if ended == "timeout" else Cancelled(cancel_reason())
    stdout, stderr = kept["stdout"].text(), kept["stderr"].text()
    return ToolResult(
        tuple(argv),
        process.returncode,
        stdout,
        stderr,
        time.monotonic() - started,
        truncated=bool(kept["stdout"].dropped or kept["stderr"].dropped),
    )


class Outpouring:
    """A running program's stdout as a binary stream that is read once; its stderr is kept (head and tail).

    ``check`` is called while the program is silent and between two reads; what it raises ends the reading.
    """

    def __init__(self, process: subprocess.Popen[bytes], check: Callable[[], None]) -> None:
        assert process.stdout is not None
        assert process.stderr is not None
        self._process, self._check = process, check
        self._out, self._err, self._words = process.stdout, process.stderr, Capped(_LINE_LIMIT)
        self._selector = selectors.DefaultSelector()
        for stream in (self._out, self._err):
            os.set_blocking(stream.fileno(), False)
            self._selector.register(stream, selectors.EVENT_READ)

    def read(self, size: int) -> bytes:
        """At least one byte and at most ``size``; b"" when both of its streams have ended."""
        while self._selector.get_map():
            self._check()
            for key, _ in self._selector.select(_CHECK_EVERY):
                data = os.read(key.fd, size if key.fileobj is self._out else _LINE_LIMIT)
                if not data:
                    self._selector.unregister(key.fileobj)
                elif key.fileobj is self._err:
                    self._words.add(data)
                else:
                    return data
        return b""

    def ended(self) -> tuple[int, str]:
        """Its exit code and what it said on stderr, once it has ended; what is left of stdout is thrown away."""
        while self.read(_LINE_LIMIT):
            pass
        while True:
            self._check()
            with contextlib.suppress(subprocess.TimeoutExpired):
                return self._process.wait(_CHECK_EVERY), self._words.text()

    def close(self) -> None:
        self._selector.close()


@contextlib.contextmanager
def pour(argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], check: Callable[[], None]) -> Iterator[Outpouring]:
    """See :meth:`reign.executor.context.Context.pour`."""
    process = _start(argv, cwd, dict(env), with_stdin=False)
    with lifeline.holds(process.pid):
        try:
            with contextlib.closing(Outpouring(process, check)) as poured:
                yield poured
        finally:
            end_group(process, signal.SIGKILL, 0)


def _start(argv: Sequence[str], cwd: Path, env: dict[str, str], with_stdin: bool) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            list(argv),
            cwd=cwd,
            env=env,
            stdin=subprocess.PIPE if with_stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            preexec_fn=_start_afresh,
        )
    except FileNotFoundError:
        missing = argv[0] if cwd.is_dir() else str(cwd)
        raise TaskFailed(
            f"{missing} is not there",
            kind=FailureKind.MISSING_PREREQUISITE,
            hint="install it or put it on PATH; `reign doctor` shows what is missing" if cwd.is_dir() else None,
        ) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in an argument or a variable
        reason = getattr(error, "strerror", None) or error
        raise TaskFailed(f"{argv[0]} cannot be started: {reason}") from None


def _feed(process: subprocess.Popen[bytes], data: bytes) -> None:
    assert process.stdin is not None
    with contextlib.suppress(OSError), process.stdin:
        process.stdin.write(data)


def _pump(
    process: subprocess.Popen[bytes],
    kept: dict[str, Capped],
    lines: dict[str, _Lines],
    deadline: float,
    cancelled: threading.Event,
) -> str | None:
    """Read both streams until they end. Returns 'timeout' or 'cancelled' if the program must be ended first."""
    with selectors.DefaultSelector() as selector:
        for name in kept:
            stream = getattr(process, name)
            os.set_blocking(stream.fileno(), False)
            selector.register(stream, selectors.EVENT_READ, name)
        while True:
            if cancelled.is_set():
                return "cancelled"
            left = deadline - time.monotonic()
            if left <= 0:
                return "timeout"
            for key, _ in selector.select(min(left, _CHECK_EVERY)):
                data = os.read(key.fd, 65536)
                if data:
                    kept[key.data].add(data)
                    lines[key.data].add(data)
                else:
                    selector.unregister(key.fileobj)
            # A background grandchild may hold the pipes open for ever: the program's own end is what counts.
            if not selector.get_map() or (process.poll() is not None and not selector.select(0)):
                if not selector.get_map() and process.poll() is None:
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        process.wait(min(left, _CHECK_EVERY))
                if process.poll() is not None:
                    return None


def end_group(process: subprocess.Popen[bytes], first: int, grace: float) -> None:
    """End the program and all of its process group: ``first``, then after ``grace`` seconds SIGKILL; reaps it."""
    _signal_group(process.pid, first)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(grace)
    _signal_group(process.pid, signal.SIGKILL)
    process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()


def _signal_group(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
