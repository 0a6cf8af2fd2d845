"""The state machines: closed, drawn in the documentation as they are, and how a run's state follows from its tasks'."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reign.core.states import (
    RUN_ENDED,
    RUN_TRANSITIONS,
    TASK_ENDED,
    TASK_MOVING,
    TASK_TRANSITIONS,
    TASK_WAITING,
    RunState,
    TaskState,
    outcome,
)

R, T = RunState, TaskState
PAGE = Path(__file__).parents[3] / "docs" / "state_machine.md"


def tables() -> list[dict[str, set[str]]]:
    found: list[dict[str, set[str]]] = []
    for line in PAGE.read_text().splitlines():
        if line.startswith("| from"):
            found.append({})
        elif line.startswith("|") and not line.startswith("|-"):
            sources, targets = (cell.strip() for cell in line.strip("|").split("|"))
            words = set(re.findall(r"[a-z_]+", re.sub(r"\(.*\)", "", targets)))
            for source in sources.split(", "):
                found[-1][source] = words
    return found


def test_the_page_shows_the_tables() -> None:
    tasks, runs = tables()
    assert tasks == {state.value: {t.value for t in after} for state, after in TASK_TRANSITIONS.items()}
    assert runs == {state.value: {t.value for t in after} for state, after in RUN_TRANSITIONS.items()}


def test_every_state_has_its_line_and_can_be_reached() -> None:
    assert set(TASK_TRANSITIONS) == set(T)
    assert set(RUN_TRANSITIONS) == set(R)
    assert {t for after in TASK_TRANSITIONS.values() for t in after} == set(T)
    assert {t for after in RUN_TRANSITIONS.values() for t in after} == set(R) - {R.QUEUED}


def test_the_sets_do_not_overlap() -> None:
    assert not TASK_ENDED & (TASK_WAITING | TASK_MOVING)
    assert {R.SUCCEEDED, R.FAILED, R.CANCELLED} == RUN_ENDED


@pytest.mark.parametrize(
    ("states", "cancelled", "expected"),
    [
        ([T.SUCCEEDED, T.SKIPPED], False, R.SUCCEEDED),
        ([T.SUCCEEDED, T.FAILED], False, R.FAILED),
        ([T.SUCCEEDED, T.CANCELLED], False, R.FAILED),
        ([T.SUCCEEDED, T.CANCELLED], True, R.CANCELLED),
        ([T.FAILED, T.RUNNING], False, None),
        ([T.NEEDS_ATTENTION, T.READY], False, None),
        ([T.NEEDS_ATTENTION, T.PENDING], False, R.NEEDS_ATTENTION),
        ([T.SUCCEEDED, T.PENDING], False, None),
        ([T.EXPANDED], True, None),
        ([], False, R.SUCCEEDED),
    ],
)
def test_the_outcome_of_a_run(states: list[T], cancelled: bool, expected: R | None) -> None:
    assert outcome(states, cancelled=cancelled) is expected
