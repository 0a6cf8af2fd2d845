"""What is told of a run on the way, where there is no terminal."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from reign.cli import follow
from reign.core.errors import Unavailable


class Api:
    """Answers in turn; the last one ends the looking."""

    def __init__(self, over: threading.Event, *answers: list[str] | None) -> None:
        self._over = over
        self._answers: Iterator[list[str] | None] = iter(answers)

    def run(self, name: str) -> Any:
        answer = next(self._answers, None)
        if answer is None:
            raise Unavailable("away")
        if answer == ["the end"]:
            self._over.set()
        return SimpleNamespace(data={"waits_for": answer})


def test_each_sort_of_wait_is_told_once(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(follow, "_LOOK_EVERY", 0.001)
    over = threading.Event()
    pool = "no docker pool is there; start one with `reign worker docker`"
    api = Api(over, None, [pool], [pool, "12 tasks wait for their turn"], ["11 tasks wait for their turn"], ["the end"])
    follow._tell_waits(api, "calm-fox-1", over)  # type: ignore[arg-type]
    told = capsys.readouterr().out.splitlines()
    assert told == [f"waits: {pool}", "waits: 12 tasks wait for their turn", "waits: the end"]
