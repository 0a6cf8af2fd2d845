"""Things that go wrong on the way: errors, delays and lost connections, on demand."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field

from tests.fakes.github.problems import Problem

# A gate that nobody opens lets go after this long, so that a failed test cannot hang the server.
GATE_SECONDS = 60.0


class Gate:
    """Holds one request until the test opens it, or for so many seconds."""

    def __init__(self, seconds: float = GATE_SECONDS) -> None:
        self.reached = threading.Event()
        self._open = threading.Event()
        self._seconds = seconds

    def open(self) -> None:
        self._open.set()

    def pass_through(self) -> None:
        self.reached.set()
        self._open.wait(self._seconds)


@dataclass
class Fault:
    """One planned failure of the next matching request.

    `after_applying` says whether the request has its effect all the same; `drop` closes the connection instead
    of answering.
    """

    method: str | None
    pattern: str
    problem: Problem | None = None
    drop: bool = False
    after_applying: bool = False
    gate: Gate | None = None
    left: int = 1
    name: str = field(default="fault")

    def matches(self, method: str, path: str) -> bool:
        return self.method in (None, method) and re.search(self.pattern, path) is not None


class Faults:
    """Planned faults, used up in the order they were planned."""

    def __init__(self) -> None:
        self._planned: list[Fault] = []
        self._gates: list[Gate] = []
        self._lock = threading.Lock()

    def plan(self, fault: Fault) -> Fault:
        with self._lock:
            self._planned.append(fault)
            if fault.gate is not None:
                self._gates.append(fault.gate)
        return fault

    def take(self, method: str, path: str) -> Fault | None:
        with self._lock:
            for fault in self._planned:
                if fault.matches(method, path):
                    fault.left -= 1
                    if fault.left <= 0:
                        self._planned.remove(fault)
                    return fault
        return None

    def unused(self) -> list[Fault]:
        """Planned faults that no request met."""
        with self._lock:
            return list(self._planned)

    def clear(self) -> None:
        """Forgets what is planned and lets go of every request that is held."""
        with self._lock:
            self._planned.clear()
            for gate in self._gates:
                gate.open()
