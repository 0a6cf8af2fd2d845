"""What the warden is told to do: read from a file that only its user can read."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Limits:
    """Ceilings for a command and all that it starts; 0 means none."""

    memory: int = 0  # bytes of own memory: each process, and all together
    processes: int = 0  # all together
    file_size: int = 0  # bytes of the largest file that may be written
    open_files: int = 0  # each process
    cpu: int = 0  # seconds, each process


@dataclass
class Walls:
    """The boundary: ``kind`` is bubblewrap (``options`` is its command line), landlock (the lists) or none."""

    kind: str = "none"
    options: list[str] = field(default_factory=list)
    read: list[str] = field(default_factory=list)
    write: list[str] = field(default_factory=list)
    network: bool = False


@dataclass
class Stay:
    """For a process that outlives the worker: where its record and log go. ``cap``: bytes of log kept, in two files."""

    record: str = ""
    log: str = ""
    cap: int = 0
    token: str = ""
    about: dict[str, Any] = field(default_factory=dict)


@dataclass
class Order:
    """One command, its walls and limits, where the verdict is written, and the seconds between SIGTERM and SIGKILL."""

    argv: list[str]
    cwd: str
    verdict: str
    walls: Walls = field(default_factory=Walls)
    limits: Limits = field(default_factory=Limits)
    grace: float = 3.0
    stay: Stay | None = None

    def write(self, path: Path) -> Path:
        """Leave it at ``path``, for this user only."""
        path.touch(mode=0o600)
        path.write_text(json.dumps(asdict(self)))
        return path

    @classmethod
    def read(cls, path: Path) -> Order:
        given = json.loads(path.read_text())
        given["walls"] = Walls(**given["walls"])
        given["limits"] = Limits(**given["limits"])
        given["stay"] = Stay(**given["stay"]) if given["stay"] else None
        return cls(**given)


@dataclass
class Verdict:
    """How it ended, for the worker: ``started`` says whether the command itself ever ran behind its walls."""

    started: bool
    exit_code: int  # 128 + number if a signal ended it, as shells tell
    killed: str | None = None  # the limit that it went over, in words
    left: int = 0  # processes that it left behind and that were ended
    asked: bool = False  # somebody asked it to end

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self)))

    @classmethod
    def read(cls, path: Path) -> Verdict | None:
        """None if the warden itself was ended before it could say."""
        try:
            return cls(**json.loads(path.read_text()))
        except (OSError, ValueError):
            return None
