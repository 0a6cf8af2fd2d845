"""Diffs and pins: engines that answer, that fail, that break and that are silent."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from reign.config import Settings
from reign.core.errors import Conflict
from reign.core.plan import Plan
from reign.engine import previews
from reign.engine.preview import Preview, preview
from reign.executor import Context, FailureKind, TaskFailed, registry
from reign.executor.contract import Operation, Pinning
from tests.agents import probe

PLAN = {
    "name": "web",
    "tasks": {
        "look": {"uses": "probe.noop"},
        "add": {"uses": "probe.append", "needs": ["look"], "with": {"ledger": "l", "line": "x"}},
    },
}


class Telling(probe.Append):
    """An operation whose engine can be asked, in the place of one that cannot."""

    said: ClassVar[Any] = "+ line x\n"
    pinning: ClassVar = Pinning.ALWAYS

    def preview(self, ctx: Context, inputs: Any) -> str | None:
        if isinstance(self.said, Exception):
            raise self.said
        if callable(self.said):
            return str(self.said(ctx))
        return None if self.said is None else f"{self.said}{inputs.line}"

    def pins(self, ctx: Context, inputs: Any) -> Mapping[str, Any]:
        return {"ledger": "other", "cluster": "c-1"}


@pytest.fixture
def telling(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Telling]]:
    real = registry.operation
    monkeypatch.setattr(registry, "operation", lambda name: Telling() if name == "probe.append" else real(name))
    yield Telling
    Telling.said, Telling.pinning = "+ line x\n", Pinning.ALWAYS


def shown(plan: Mapping[str, Any] = PLAN) -> Preview:
    return preview(Plan.model_validate(plan), registry.catalog())


def settings(tmp_path: Path, timeout: float = 5.0, **given: Any) -> Settings:
    return Settings(data_dir=tmp_path, preview_timeout=timeout, **given)


def test_an_engine_that_answers(telling: type[Telling], tmp_path: Path) -> None:
    found = previews.rehearsed(shown(), settings(tmp_path), str(tmp_path))
    look, add = found.as_dict()["tasks"]
    assert "preview" not in look
    assert add["preview"] == {"diff": "+ line x\nx", "not_previewed": None}
    assert add["pins"] == {"cluster": "c-1"}  # what the plan says itself is not pinned to something else
    telling.said = None
    assert "preview" not in previews.rehearsed(shown(), settings(tmp_path), None).as_dict()["tasks"][1]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (TaskFailed("the engine is not there"), "the engine is not there"),
        (ValueError("x"), "its preview broke: ValueError"),
    ],
)
def test_an_engine_that_does_not(telling: type[Telling], tmp_path: Path, said: Exception, why: str) -> None:
    telling.said = said
    found = previews.rehearsed(shown(), settings(tmp_path), None).as_dict()["tasks"][1]
    assert found["preview"] == {"diff": None, "not_previewed": why}


@pytest.mark.parametrize(
    ("before", "kind", "told"),
    [
        ("probe.append", FailureKind.MISSING_PREREQUISITE, "no such thing; a task before it may change that"),
        ("probe.append", FailureKind.PERMISSION, "no such thing"),
        ("probe.noop", FailureKind.MISSING_PREREQUISITE, "no such thing"),
    ],
)
def test_what_an_earlier_task_may_bring(
    telling: type[Telling], tmp_path: Path, before: str, kind: FailureKind, told: str
) -> None:
    telling.said = TaskFailed("no such thing", kind=kind)
    add = {"uses": "probe.append", "needs": ["first"], "with": {"ledger": "b", "line": "y"}}
    given = {} if before == "probe.noop" else {"ledger": "a", "line": "x"}
    plan = {"name": "k", "tasks": {"first": {"uses": before, "with": given}, "add": add}}
    found = previews.rehearsed(shown(plan), settings(tmp_path), None).as_dict()["tasks"]
    assert next(task for task in found if task["id"] == "add")["preview"]["not_previewed"] == told


def test_a_silent_engine_is_not_waited_for(telling: type[Telling], tmp_path: Path) -> None:

    def silent(ctx: Context) -> None:
        ctx.progress("asking the engine")
        ctx.until(lambda: False)

    telling.said = staticmethod(silent)
    began = time.monotonic()
    found = previews.rehearsed(shown(), settings(tmp_path, 0.3), None).as_dict()["tasks"][1]
    assert time.monotonic() - began < 3
    assert found["preview"]["diff"] is None
    why = found["preview"]["not_previewed"]
    assert why.startswith("no answer within 0.3 s (it came to: asking the engine); it can be run for all that")
    assert "preview_timeout" in why
    assert "preview" not in previews.rehearsed(shown(), settings(tmp_path, 0), None).as_dict()["tasks"][1]


def test_an_engine_that_does_not_even_listen(telling: type[Telling], tmp_path: Path) -> None:
    awake = threading.Event()
    telling.said = staticmethod(lambda ctx: awake.wait(10))
    found = previews.rehearsed(shown(), settings(tmp_path, 0.2), None).as_dict()["tasks"][1]
    assert found["preview"]["not_previewed"].startswith("no answer within 0.2 s; ")
    awake.set()


def test_what_depends_on_a_result_is_not_asked_about(telling: type[Telling], tmp_path: Path) -> None:
    tasks: dict[str, Any] = {**PLAN["tasks"]}  # type: ignore[dict-item]
    tasks["add"] = {**tasks["add"], "with": {"ledger": "l", "line": "${{ tasks.look.result.value }}"}}
    found = previews.rehearsed(shown({**PLAN, "tasks": tasks}), settings(tmp_path), None).as_dict()["tasks"][1]
    assert found["preview"]["not_previewed"] == "what it is given is known only during the run"
    assert found["pins"] == {"cluster": "c-1"}
    telling.pinning = Pinning.SHOWN
    assert (
        "pins"
        not in previews.rehearsed(shown({**PLAN, "tasks": tasks}), settings(tmp_path), None).as_dict()["tasks"][1]
    )


def test_a_state_is_pinned_only_if_nothing_before_it_can_change_it(telling: type[Telling], tmp_path: Path) -> None:
    telling.pinning = Pinning.SHOWN
    assert previews.rehearsed(shown(), settings(tmp_path), None).tasks[1].pins == {"cluster": "c-1"}
    tasks: dict[str, Any] = {**PLAN["tasks"]}  # type: ignore[dict-item]
    tasks["look"] = {"uses": "probe.blind", "with": {"ledger": "l", "line": "y"}}
    assert previews.rehearsed(shown({**PLAN, "tasks": tasks}), settings(tmp_path), None).tasks[1].pins == {}
    assert previews.pins(shown(), settings(tmp_path), None) == {}


def test_a_long_diff_is_cut_and_secrets_are_masked(
    telling: type[Telling], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_SECRET", "hunter2hunter2")
    tasks: dict[str, Any] = {**PLAN["tasks"]}  # type: ignore[dict-item]
    tasks["add"] = {**tasks["add"], "with": {"ledger": "l", "line": "secret://env/A_SECRET"}}
    found = previews.rehearsed(shown({**PLAN, "tasks": tasks}), settings(tmp_path), None).as_dict()["tasks"][1]
    assert "hunter2" not in str(found)
    telling.said = "y" * (previews.MOST_SHOWN + 5)
    assert (
        len(previews.rehearsed(shown(), settings(tmp_path), None).as_dict()["tasks"][1]["preview"]["diff"])
        < previews.MOST_SHOWN + 50
    )


def test_a_submission_pins_what_is_told_at_once(telling: type[Telling], tmp_path: Path) -> None:
    found = shown()
    pins = previews.pins(found, settings(tmp_path), None)
    assert pins == {"add": {"cluster": "c-1"}}
    pinned = previews.pinned(found.plan, pins)
    assert pinned.tasks["add"].with_ == {"cluster": "c-1", "ledger": "l", "line": "x"}
    assert previews.pinned(found.plan, {}) is found.plan
    with pytest.raises(Conflict, match="no task 'gone'"):
        previews.pinned(found.plan, {"gone": {}})


def test_what_a_preview_keeps_is_there_for_it_alone() -> None:
    blobs = previews._Blobs()
    assert blobs.get(blobs.put(b"x")) == b"x"
    with pytest.raises(TaskFailed):
        blobs.get("other")


def test_operations_without_pins_have_none(tmp_path: Path) -> None:
    assert Operation().pins(None, None) == {}  # type: ignore[arg-type]
    assert previews.pins(shown(), settings(tmp_path), None) == {}
