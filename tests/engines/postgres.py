"""A PostgreSQL for tests: the one that ``REIGN_TEST_POSTGRES`` names, else a private cluster on a socket of its own."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

_FOLDERS = [*Path("/usr/lib/postgresql").glob("*/bin"), Path("/usr/local/bin"), Path("/usr/bin")]


class Missing(Exception):
    """There is no PostgreSQL to start."""


def _binary(name: str) -> str:
    for folder in _FOLDERS:
        if (folder / name).is_file():
            return str(folder / name)
    found = shutil.which(name)
    if found is None:
        raise Missing(f"{name} is not installed: apt-get install postgresql")
    return found


class Postgres:
    """One server process; databases are made in it by name."""

    def __init__(self) -> None:
        self._initdb, self._postgres = _binary("initdb"), _binary("postgres")
        self._folder = Path(tempfile.mkdtemp(prefix="reign-pg-"))
        self._process: subprocess.Popen[bytes] | None = None
        self._as: dict[str, int] = {}
        if os.getuid() == 0:  # PostgreSQL refuses to run as root
            try:
                user = pwd.getpwnam("postgres")
            except KeyError:
                raise Missing("there is no user postgres to run it as") from None
            self._as = {"user": user.pw_uid, "group": user.pw_gid}
            os.chown(self._folder, user.pw_uid, user.pw_gid)

    def start(self) -> None:
        data = self._folder / "data"
        run = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": "/", **self._as}
        subprocess.run(
            [self._initdb, "-D", str(data), "-U", "reign", "-A", "trust", "-E", "UTF8", "--no-sync"], check=True, **run
        )
        self.boot()

    def boot(self, *settings: str) -> None:
        """Start the server on the data that is there; ``settings``: ``name=value``."""
        argv = [self._postgres, "-D", str(self._folder / "data"), "-k", str(self._folder), "-c", "listen_addresses="]
        argv += ["-c", "fsync=off", "-c", "max_connections=200", *(word for item in settings for word in ("-c", item))]
        self._process = subprocess.Popen(
            argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", **self._as
        )
        self._wait()

    def _wait(self) -> None:
        import psycopg

        deadline = time.monotonic() + 30
        while True:
            try:
                psycopg.connect(self._dsn("postgres"), connect_timeout=2).close()
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
            else:
                return

    def _dsn(self, name: str) -> str:
        return f"host={self._folder} user=reign dbname={name}"

    def database(self, name: str) -> str:
        """Make a database and return its URL."""
        import psycopg

        with psycopg.connect(self._dsn("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"'.encode())
        return f"postgresql://reign@/{name}?host={self._folder}"

    def halt(self) -> None:
        """End the server as a crash would, and keep its data."""
        if self._process is not None:
            self._process.send_signal(3)  # SIGQUIT: immediate shutdown
            self._process.wait()

    def stop(self) -> None:
        self.halt()
        shutil.rmtree(self._folder, ignore_errors=True)
