"""The warden in a process of its own, as it always is; forked, so that what it does there can be measured."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.context import ForkProcess
from pathlib import Path
from typing import Any

import pytest

from tests.engines.bash import need
from workers.bash.boundary import Kind, bubblewrap
from workers.bash.warden.order import Limits, Order, Stay, Verdict, Walls
from workers.bash.warden.watch import main

FORK = multiprocessing.get_context("fork")


def in_child(function: Callable[..., Any], *arguments: Any) -> int:
    """Exit code of a child that runs ``function``: what it returns, or 1 if it raises."""
    child = FORK.Process(target=lambda: os.sys.exit(function(*arguments)))  # type: ignore[attr-defined]
    child.start()
    child.join(30)
    assert child.exitcode is not None
    return child.exitcode


def soon(condition: Callable[[], Any]) -> Any:
    until = time.monotonic() + 10
    while not (found := condition()):
        assert time.monotonic() < until, "it did not come to be"
        time.sleep(0.02)
    return found


@dataclass
class Warden:
    """Orders for one kind of walls."""

    kind: str
    folder: Path

    def walls(self) -> Walls:
        if self.kind == "bubblewrap":
            found = bubblewrap()
            shown = ["--bind", "/", "/", "--dev", "/dev", "--proc", "/proc"]
            return Walls("bubblewrap", options=[found.program, *found.options, *shown])
        if self.kind == "landlock":
            return Walls("landlock", read=["/"], write=[str(self.folder), "/dev/null", "/nowhere"], network=True)
        return Walls()

    def order(self, command: str, stay: Stay | None = None, **limits: int) -> Path:
        argv = ["bash", "-c", command]
        verdict = str(self.folder / "verdict.json")
        order = Order(argv, str(self.folder), verdict, self.walls(), Limits(**limits), grace=1.0, stay=stay)
        return order.write(self.folder / "order.json")

    def start(self, command: str, stay: Stay | None = None, **limits: int) -> ForkProcess:
        path = self.order(command, stay, **limits)
        child = FORK.Process(target=lambda: os.sys.exit(main(path)))  # type: ignore[attr-defined]
        child.start()
        return child

    def run(self, command: str, **limits: int) -> int:
        child = self.start(command, **limits)
        child.join(30)
        assert child.exitcode is not None
        return child.exitcode

    def keep(self, command: str, stay: Stay) -> int:
        """The exit code of the one that the worker waits for; the one that stays holds all else to be waited on."""
        child = self.start(command, stay)
        assert child.pid
        return os.waitstatus_to_exitcode(os.waitpid(child.pid, 0)[1])

    @property
    def verdict(self) -> Verdict:
        found = Verdict.read(self.folder / "verdict.json")
        assert found is not None
        return found


@pytest.fixture(params=["none", "landlock", "bubblewrap"])
def warden(request: pytest.FixtureRequest, tmp_path: Path) -> Warden:
    if request.param != "none":
        need(Kind(request.param))
    return Warden(request.param, tmp_path)
