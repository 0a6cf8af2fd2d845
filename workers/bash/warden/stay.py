"""A process that stays: cut loose from the worker, recorded with its identity, its output kept within a cap."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from workers.bash.warden.order import Stay

_CHUNK = 65536
_LINE_MOST = 1 << 20  # bytes of a line that is waited for
HIDE = "REIGN_HIDE"  # reference to value, as JSON: what must not be in the log


def detach() -> int:
    """Double fork into a session of its own; what comes back is where :func:`begin` tells that it stands.

    The process that the worker waits for ends here, once it has been told: the worker ends its tool's whole group,
    and until then that is still ours.
    """
    heard, told = os.pipe()
    if os.fork():
        os.close(told)
        os._exit(0 if os.read(heard, 1) else 1)
    os.close(heard)
    os.setsid()
    if os.fork():
        os._exit(0)
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    return told


def start_of(pid: int) -> int | None:
    """When the process started, in clock ticks since boot (field 22 of /proc/PID/stat); None if it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    state, *fields = stat.rpartition(")")[2].split()
    return None if state in "ZX" else int(fields[18])


def boot() -> str:
    """Which boot of this machine it is: process numbers mean nothing across two of them."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def begin(order: Stay, child: int, told: int) -> None:
    """Record who keeps the process, written whole or not at all, and let the worker go on."""
    keeper = os.getpid()
    record = {
        "keeper": {"pid": keeper, "start": start_of(keeper)},
        "child": {"pid": child, "start": start_of(child)},
        "boot": boot(),
        "token": order.token,
        "about": order.about,
    }
    path = Path(order.record)
    draft = path.with_name(f".{path.name}.{keeper}")
    with contextlib.suppress(FileNotFoundError):
        draft.unlink()
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(record))
    draft.rename(path)
    os.write(told, b"1")
    os.close(told)


def finish(order: Stay) -> None:
    """The process has ended: its record goes, unless another one has taken the name meanwhile."""
    path = Path(order.record)
    with contextlib.suppress(OSError, ValueError):
        if json.loads(path.read_text()).get("token") == order.token:
            path.unlink()


class Hiding:
    """Masks what a process prints, line by line, before it reaches a disk."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        from reign.security.masking import Masker
        from reign.security.streaming import MaskedLines

        self._ready: list[str] = []
        self._lines = MaskedLines(Masker(secrets), self._ready.append)
        self._begun = b""

    def masked(self, data: bytes) -> bytes:
        """What of it and of what came before may be written by now: whole lines that end within no secret."""
        *lines, self._begun = (self._begun + data).split(b"\n")
        if len(self._begun) > _LINE_MOST:
            lines, self._begun = [*lines, self._begun], b""
        for line in lines:
            self._lines.add(line.decode(errors="surrogateescape"))
        return self._taken()

    def rest(self) -> bytes:
        """What is left when nothing follows."""
        if self._begun:
            self._lines.add(self._begun.decode(errors="surrogateescape"))
            self._begun = b""
        self._lines.close()
        return self._taken()

    def _taken(self) -> bytes:
        found = "".join(f"{line}\n" for line in self._ready).encode(errors="surrogateescape")
        self._ready.clear()
        return found


def secrets_to_hide() -> dict[str, str]:
    """Taken out of this process's environment, where :data:`HIDE` brought them, so that no child inherits them."""
    found: dict[str, str] = json.loads(os.environ.pop(HIDE, "{}"))
    return found


@dataclass
class Log:
    """The output of a process in two files of half the cap each: the current one and the one before (``.1``)."""

    path: Path
    half: int
    source: int
    sink: int
    file: int
    size: int
    hiding: Hiding | None = None
    open: bool = True

    @classmethod
    def open_at(cls, order: Stay, secrets: Mapping[str, str]) -> Log:
        path = Path(order.log)
        source, sink = os.pipe()
        os.set_blocking(source, False)
        file = _create(path)
        size = os.fstat(file).st_size
        return cls(path, max(1, order.cap // 2), source, sink, file, size, Hiding(secrets) if secrets else None)

    def pump(self) -> bool:
        """Move what is waiting into the file; False if nothing was."""
        if self.sink >= 0:
            os.close(self.sink)  # the child has its own by now; ours would keep the pipe open for ever
            self.sink = -1
        try:
            data = os.read(self.source, _CHUNK)
        except BlockingIOError:
            return False
        if not data:
            self.open = False
            return False
        self._write(self.hiding.masked(data) if self.hiding else data)
        return True

    def drain(self) -> None:
        """The last words of a process that has ended."""
        while self.open and self.pump():
            pass
        if self.hiding:
            self._write(self.hiding.rest())

    def _write(self, data: bytes) -> None:
        if self.size and self.size + len(data) > self.half:
            self._turn()
        with contextlib.suppress(OSError):  # a full disk costs lines of the log, not the process
            self.size += os.write(self.file, data[-self.half :])

    def _turn(self) -> None:
        os.close(self.file)
        self.path.replace(self.path.with_name(self.path.name + ".1"))
        self.file, self.size = _create(self.path), 0


def _create(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
