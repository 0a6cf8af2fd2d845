"""What a supervisor that was killed left behind: its parts, told by the record that it kept of them.

A pid may be another process's by now. So nothing is signalled but a process with the recorded pid, start and program,
or one of that session with the same program and the data folder of this installation in its environment.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reign.engine import identity

_GRACE = 10.0  # seconds for an orderly end


@dataclass(frozen=True)
class Left:
    """A process of a part; ``born`` as :func:`identity.born` tells it."""

    part: str
    pid: int
    born: str


def mark(pid: int, command: Sequence[str]) -> dict[str, Any]:
    """What is recorded of a part: ``{pid, born, command}``."""
    return {"pid": pid, "born": identity.born(pid), "command": list(command)}


def left(marks: Mapping[str, Mapping[str, Any]], data_dir: Path) -> list[Left]:
    """The living processes of recorded parts (name -> :func:`mark`), those whose own parent is gone included."""
    if not any(identity.here(str(recorded["born"])) for recorded in marks.values()):
        return []  # of before a reboot
    home = f"REIGN_DATA_DIR={data_dir.absolute()}".encode()
    sessions = {recorded["pid"]: (name, recorded) for name, recorded in marks.items()}
    found = []
    for pid in _pids():
        with contextlib.suppress(OSError, KeyError):
            name, recorded = sessions[os.getsid(pid)]
            born = identity.born(pid)
            own = pid == recorded["pid"] and born == recorded["born"]
            # Python's parts keep their environment to be read; Valkey, which writes over it, has no children to leave.
            if born and _runs(pid, recorded["command"]) and (own or home in _environment(pid)):
                found.append(Left(name, pid, born))
    return found


def end(found: Sequence[Left]) -> list[str]:
    """SIGTERM, then SIGKILL; the names of the parts that lived."""
    with contextlib.ExitStack() as stack:
        handles = [handle for each in found if (handle := stack.enter_context(_handle(each))) is not None]
        for number, within in ((signal.SIGTERM, _GRACE), (signal.SIGKILL, 5.0)):
            handles = _alive(handles, 0)
            for handle in handles:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    signal.pidfd_send_signal(handle, number)
            handles = _alive(handles, within)
    return list(dict.fromkeys(each.part for each in found))


@contextlib.contextmanager
def _handle(each: Left) -> Iterator[int | None]:
    """A descriptor that means this very process, whatever its pid is used for later; None if it is gone."""
    try:
        handle = os.pidfd_open(each.pid)
    except OSError:
        yield None
        return
    try:
        yield handle if identity.born(each.pid) == each.born else None
    finally:
        os.close(handle)


def _alive(handles: Sequence[int], within: float) -> list[int]:
    """Those that have not ended after so many seconds."""
    until, left_over = time.monotonic() + within, list(handles)
    while left_over:
        waiting = select.poll()
        for handle in left_over:
            waiting.register(handle, select.POLLIN)
        ended = {handle for handle, _ in waiting.poll(max(0.0, until - time.monotonic()) * 1000)}
        left_over = [handle for handle in left_over if handle not in ended]
        if not ended:
            break
    return left_over


def _pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").glob("[0-9]*")]


def _runs(pid: int, command: Sequence[str]) -> bool:
    """Whether it is that program: with the same module if it is Python; Valkey rewrites its own arguments."""
    words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").replace("\0", " ").split(" ")
    known = 3 if command[1:2] == ["-m"] else 1
    return words[:known] == list(command[:known])


def _environment(pid: int) -> list[bytes]:
    return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
