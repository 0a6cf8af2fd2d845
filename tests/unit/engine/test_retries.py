"""What is tried again: what may be, and what its author says may be."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from reign.core.plan import Plan
from reign.core.states import RunState
from reign.engine import views
from reign.engine.amendment import amend
from reign.engine.preview import preview
from reign.engine.repair import risks
from reign.executor import FailureKind, Proposal, PutBack, TaskFailed, registry
from tests.agents import probe
from tests.engines.inline import Inline

NOW = {"attempts": 3, "delay": 0, "jitter": 0}


def tried(inline: Inline, command: str, **task: Any) -> tuple[RunState, int]:
    """How a command's run ended, and how often it ran."""
    counted = f"echo >> count; {command}"
    run = inline.run({"name": "t", "tasks": {"a": {"uses": "bash.run", "with": {"command": counted}, **task}}})
    return run.state, len((inline.folder / "count").read_text().splitlines())


def test_a_command_runs_again_if_its_author_says_so(inline: Inline) -> None:
    second_time = '[ "$(wc -l < count)" -ge 2 ]'
    assert tried(inline, second_time, retry=NOW) == (RunState.SUCCEEDED, 2)


@pytest.mark.parametrize(("retry", "times"), [(None, 1), (NOW, 3)])
def test_a_command_that_fails_for_good_runs_as_often_as_that(inline: Inline, retry: Any, times: int) -> None:
    said = {"retry": retry} if retry else {}
    assert tried(inline, "exit 3", **said) == (RunState.FAILED, times)


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (PutBack(90, "the rate limit is used up"), "the rate limit is used up"),
        (TaskFailed("the engine is away", kind=FailureKind.TRANSIENT), "the engine is away"),
    ],
)
def test_what_goes_on_later_says_when_and_why(
    inline: Inline, monkeypatch: pytest.MonkeyPatch, raised: Exception, told: str
) -> None:
    def apply(*_: Any) -> None:
        raise raised

    monkeypatch.setattr(probe.Fail, "apply", apply)
    later = {"uses": "probe.fail", "retry": {"attempts": 2, "delay": "90s", "jitter": 0}}
    run = inline.run({"name": "t", "tasks": {"a": later, "b": {"uses": "probe.noop"}}})
    with inline.runtime.database.read() as tx:
        waits = views.run_detail(tx, run, seen_since=0.0)["waits_for"]
        paused, over = (views.pauses_view(tx, time.time() + after) for after in (0, 120))
    assert (list(paused), over) == (["probe"], {})
    assert paused["probe"] == {
        "tasks": 1, "first": f"{run.name}/a", "seconds": pytest.approx(90, abs=10), "reason": told
    }  # fmt: skip
    [sentence] = [one for one in waits if one.startswith("a ")]
    assert re.fullmatch(rf"a goes on in (8\d|90) s: {told}", sentence)


def test_a_repair_that_lets_a_command_run_again_is_a_risk() -> None:
    def added(uses: str, inputs: dict[str, Any], **task: Any) -> list[str]:
        plan = Plan.model_validate({"name": "t", "tasks": {"a": {"uses": uses, "with": inputs, **task}}})
        amended = amend(plan, {"a": Proposal(reason="r", retry_attempts=3)}, ["a"])
        catalog = registry.catalog()
        return risks(preview(plan, catalog), preview(amended.plan, catalog), amended)

    assert added("bash.run", {"command": "true"}) == ["a would run again after any failure"]
    assert added("bash.run", {"command": "true"}, retry={"attempts": 2}) == []
    assert added("bash.write_file", {"path": "x", "content": "y"}) == []
