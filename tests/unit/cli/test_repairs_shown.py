"""How repairs and what memory says are drawn, asked for and told."""

from __future__ import annotations

import io
import sys
from typing import Any

import pytest

from reign.cli import memory, repair, repairing
from reign.cli.output import Format
from reign.core.errors import InvalidInput, Refused, Unavailable

FAILURE = {
    "task": "run", "uses": "docker.run", "class": "missing_prerequisite", "message": "no [image]", "hint": "look",
    "proposal": "it is built", "source": "operation",
}  # fmt: skip
BUILD = {"uses": "docker.build", "with": {"context": "."}}
FOUND: dict[str, Any] = {
    "run": "calm-otter",
    "failures": [FAILURE, {**FAILURE, "task": "other", "proposal": None, "source": None}],
    "diff": [
        {"task": "build", "kind": "added", "path": "", "before": None, "after": BUILD},
        {"task": "run", "kind": "changed", "path": "with.port", "before": 1, "after": None},
    ],
    "risks": ["build asks: it costs"],
    "proposed": True,
}  # fmt: skip


class Asked:
    """A client that answers, or is away."""

    def __init__(self, answer: dict[str, Any] | None) -> None:
        self.answer = answer

    def get(self, path: str) -> dict[str, Any]:
        if self.answer is None:
            raise Unavailable("away")
        return self.answer


def test_a_repair_is_drawn(capsys: pytest.CaptureFixture[str]) -> None:
    repair.show_repair(FOUND)
    told = capsys.readouterr().out
    for words in (
        "no [image]", "(missing prerequisite)", "→ it is built (by operation)", "look", "+ build  docker.build",
        "context: .", "~ run  port: 1 → nothing", "risk: build asks: it costs",
    ):  # fmt: skip
        assert words in told
    repair.show_repair({**FOUND, "risks": []})
    assert "adds no risk" in capsys.readouterr().out


@pytest.mark.parametrize("source", ["model", "memory"])
def test_what_is_guessed_is_not_granted_unseen(source: str) -> None:
    assert not repair.guessed(FOUND)
    guess = {**FOUND, "failures": [{**FAILURE, "source": source}]}
    assert repair.guessed(guess)
    assert repair.guessed({**guess, "diff": [{**FOUND["diff"][1]}]})
    more_time = {"task": "run", "kind": "changed", "path": "timeout", "before": 1, "after": 2}
    assert not repair.guessed({**guess, "diff": [more_time]})
    other = {**FOUND, "failures": [FAILURE, {**FAILURE, "source": source, "proposal": None}]}
    assert not repair.guessed(other), "it is not part of the repair"


class Going:
    """A client whose run is repaired after some looks, or never."""

    def __init__(self, *answers: dict[str, Any]) -> None:
        self.answers = list(answers)
        self.name = "calm-otter"
        self.looked = 0
        self.data: dict[str, Any] = {"ended_at": 1.0}
        self.ends: list[float] = []  # what later looks find

    def get(self, path: str) -> dict[str, Any]:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def refresh(self) -> None:
        self.looked += 1
        self.data = {"ended_at": self.ends.pop(0) if self.ends else self.data["ended_at"]}


def test_a_run_that_is_repaired_on_its_own_is_waited_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repairing, "_LOOK_EVERY", 0.0)
    failed, goes_on = {**FOUND, "state": "failed", "on_its_own": True}, {**FOUND, "state": "running"}
    run = Going(failed, failed, goes_on)
    assert repairing.is_repaired(run, run)  # type: ignore[arg-type]
    told = capsys.readouterr().out
    assert told.count("it is repaired on its own: it is built") == 1
    assert run.looked == 1, "its state is asked for again"
    for never in (Going({**failed, "on_its_own": False}), Asked(None)):
        assert not repairing.is_repaired(never, run)  # type: ignore[arg-type]
    monkeypatch.setattr(repairing, "_PATIENCE", 0.05)
    assert not repairing.is_repaired(Going(failed), run, quiet=True)  # type: ignore[arg-type]
    assert capsys.readouterr().out == ""


def test_a_run_that_was_repaired_and_failed_again_between_two_looks_is_followed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = Going({**FOUND, "state": "failed", "on_its_own": False, "rounds": 2})
    run.ends = [2.0, 2.0]
    assert repairing.is_repaired(run, run)  # type: ignore[arg-type]
    assert not repairing.is_repaired(run, run), "and then its end is its end"  # type: ignore[arg-type]
    repair.tell(run, "calm-otter")  # type: ignore[arg-type]
    assert "repaired before: 2 times" in capsys.readouterr().out


def test_a_proposed_repair_is_told_and_silence_else(capsys: pytest.CaptureFixture[str]) -> None:
    repair.tell(Asked(FOUND), "calm-otter")  # type: ignore[arg-type]
    assert "reign repair calm-otter" in capsys.readouterr().out
    for answer in (None, {**FOUND, "proposed": False}):
        repair.tell(Asked(answer), "calm-otter")  # type: ignore[arg-type]
        assert capsys.readouterr().out == ""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_somebody_must_be_there_to_say_yes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal("n\n"))
    with pytest.raises(Refused, match="not repaired"):
        repair._ask(Format.TEXT)
    with pytest.raises(InvalidInput):
        repair._ask(Format.JSON)
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    repair._ask(Format.TEXT)
    monkeypatch.setattr(sys, "stdin", Terminal("n\n"))
    with pytest.raises(Refused, match="nothing was forgotten"):
        memory.forget(everything=True)


def test_what_memory_says_of_a_task() -> None:
    advice = {
        "estimate": "~2s (from 8 runs)",
        "notes": ["it failed [red]"],
        "adds": {"retry": {"attempts": 4, "delay": 20.0}, "timeout": 90.0, "approval": "required"},
        "why": {"retry": "a", "timeout": "b", "approval": "c"},
    }
    lines = "\n".join(memory.memory_lines(advice))
    for words in ("~2s (from 8 runs)", "4 tries, 20s apart", "timeout: 1m30s", "approval: required", "\\[red]"):
        assert words in lines
    assert memory.memory_lines({}) == []


def test_an_operation_is_drawn_with_what_helped(capsys: pytest.CaptureFixture[str]) -> None:
    helped = {"reason": "log in", "worked": 2, "of": 3, "run": "wise-owl"}
    failure = {"count": 2, "of": 9, "message": "no", "class": "transient", "runs": ["a"], "signature": "f"}
    memory._operation(
        {
            "operation": "docker.pull",
            "success": {"rate": 0.8, "low": 0.4, "high": 0.9},
            "confidence": 0.5,
            "seconds": {"median": 2.0, "p90": 3.0, "count": 7},
            "failures": [{**failure, "helped": helped}, {**failure, "helped": None}],
        }
    )
    told = capsys.readouterr().out
    assert "80% (40% to 90%), confidence 50%" in told
    assert "helped 2 of 3 times, run wise-owl" in told
    memory._operation({"operation": "docker.pull", "success": None})
    assert "nothing is known" in capsys.readouterr().out
