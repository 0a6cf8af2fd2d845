"""Processes that stay, as this machine knows them: a folder a name, with the record, the log and the last verdict."""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import signal
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reign.executor import Context, FailureKind, TaskFailed
from workers.bash.warden.order import Verdict
from workers.bash.warden.stay import boot, start_of

MARK = "REIGN_PROCESS"  # in the environment of the process: the token of its record
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_TAIL_BYTES = 64 * 1024


def checked_name(name: str) -> str:
    """Raises ValueError for a name that cannot be one of a folder."""
    if "${{" in name or _NAME.fullmatch(name):
        return name
    raise ValueError(f"{name!r} is no name for a process; use letters, digits, '.', '_' and '-' (at most 64)")


@dataclass(frozen=True)
class Kept:
    """A process that runs: the warden that keeps it, its own number, and how it was started."""

    keeper: int
    pid: int
    start: int | None  # of the process, in clock ticks since boot: with it, a number used again is told apart
    token: str
    about: dict[str, Any]


@dataclass(frozen=True)
class Shelf:
    """The folder of one name."""

    folder: Path

    @classmethod
    def of(cls, ctx: Context, name: str) -> Shelf:
        return cls(ctx.state_dir / "processes" / name)

    @property
    def record(self) -> Path:
        return self.folder / "record.json"

    @property
    def log(self) -> Path:
        return self.folder / "output.log"

    @property
    def verdict(self) -> Path:
        return self.folder / "ended.json"

    def prepare(self) -> None:
        """An empty desk for the next start; the log of the last one is kept as ``.1``."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.verdict.unlink(missing_ok=True)
        if self.log.exists():
            self.log.replace(self.log.with_name(self.log.name + ".1"))

    def kept(self) -> Kept | None:
        """The process that a warden keeps, or is just seeing to its end.

        A record of a dead warden, or of another boot of the machine, counts for nothing.
        """
        try:
            record = json.loads(self.record.read_text())
            keeper, child = record["keeper"], record["child"]
            if record["boot"] != boot() or start_of(keeper["pid"]) != keeper["start"]:
                return None
            return Kept(keeper["pid"], child["pid"], child["start"], record["token"], record["about"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def running(self) -> Kept | None:
        """The process, if it runs."""
        kept = self.kept()
        return kept if kept and kept.start is not None and start_of(kept.pid) == kept.start else None

    def last_token(self) -> str | None:
        """The token of the last record, whether its process lives or not."""
        try:
            return str(json.loads(self.record.read_text())["token"])
        except (OSError, ValueError, KeyError):
            return None

    def ended(self) -> Verdict | None:
        """How the last one ended; None if it runs or its keeper could not say."""
        return Verdict.read(self.verdict)

    def tail(self, lines: int) -> list[str]:
        """The last lines of output, the older file included."""
        found: deque[str] = deque(maxlen=lines)
        for path in (self.log.with_name(self.log.name + ".1"), self.log):
            with contextlib.suppress(OSError), path.open("rb") as file:
                file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
                found.extend(file.read().decode(errors="replace").splitlines())
        return list(found)

    def stop(self, ctx: Context, grace: float) -> bool:
        """End the process and all that belongs to it, what a killed warden left included; False if none ran.

        Raises TaskFailed if it cannot be signalled, Cancelled, TimedOut.
        """
        return self.end(ctx.check, grace)

    def end(self, check: Callable[[], None], grace: float) -> bool:
        """:meth:`stop` that calls ``check`` while it waits. Raises TaskFailed, and what ``check`` raises."""
        kept = self.kept()
        if kept is not None:
            _end(check, kept, grace)
        token = kept.token if kept else self.last_token()
        for pid in _marked(token) if token else []:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        for path in (self.record, *self.folder.glob("command.*")):  # a command may hold a secret
            path.unlink(missing_ok=True)
        return kept is not None


def names_of_all(state: Path) -> list[str]:
    """The names of what is kept below the agent's state folder."""
    return [folder.name for folder in sorted((state / "processes").glob("*")) if Shelf(folder).kept()]


def end_all(state: Path) -> list[str]:
    """End what is kept below the agent's state folder, for the end of a whole installation; returns the names."""
    ended = []
    for folder in sorted((state / "processes").glob("*")):
        with contextlib.suppress(TaskFailed):  # of another user
            if Shelf(folder).end(lambda: None, grace=5.0):
                ended.append(folder.name)
    return ended


def _end(check: Callable[[], None], kept: Kept, grace: float) -> None:
    """SIGTERM to the keeper, which passes it on and waits ``grace``; SIGKILL to a keeper that does not end."""
    try:
        handle = os.pidfd_open(kept.keeper)
    except ProcessLookupError:
        return
    try:
        ended = select.poll()
        ended.register(handle, select.POLLIN)
        signal.pidfd_send_signal(handle, signal.SIGTERM)
        waited = 0.0
        while not ended.poll(100):
            waited += 0.1
            if waited >= grace + 5:
                signal.pidfd_send_signal(handle, signal.SIGKILL)
                break
            check()
        ended.poll(5000)
    except ProcessLookupError:
        return
    except PermissionError:
        raise TaskFailed(
            f"the process belongs to another user: {kept.pid}", kind=FailureKind.PERMISSION, hint="stop it as that user"
        ) from None
    finally:
        os.close(handle)


def _marked(token: str) -> list[int]:
    """Processes of this user that carry the token: what a keeper that was killed may have left."""
    mark, found = f"{MARK}={token}".encode(), []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if mark in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
    return found
