"""Whatever is asked: a checked plan or one of our errors, the same each time, in time that grows with the text."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from benchmarks.planner_eval.cases import load
from reign.core import dag
from reign.core.check import checked
from reign.core.errors import ReignError
from reign.executor import registry
from reign.planner import PlanRequest
from reign.planner.keyword.planner import MAX_TEXT
from tests.unit.planner.keyword.support import planner

_CASES = load("requests")
_WORDS = sorted({word for case in _CASES for word in case.text.split()})
_words = st.lists(st.sampled_from(_WORDS), max_size=25).map(" ".join)
_texts = st.text(max_size=120)
_mixed = st.lists(st.one_of(st.sampled_from(_WORDS), st.text(max_size=8)), max_size=25).map(" ".join)
_mutated = st.tuples(
    st.sampled_from([case.text for case in _CASES]), st.integers(0, 200), st.integers(0, 200), st.text(max_size=3)
).map(lambda parts: parts[0][: parts[1]] + parts[3] + parts[0][parts[1] + parts[2] % 9 :])


def outcome(text: str) -> object:
    try:
        proposal = planner().plan(PlanRequest(text))
    except ReignError as error:
        return (type(error).__name__, error.message, str(error.details))
    assert checked(proposal.plan, registry.catalog()).tasks
    assert dag.cycle(proposal.plan.needs) is None
    assert all(text[note.start : note.end] == note.text for note in proposal.explanation)
    return (proposal.plan.digest, proposal.warnings)


@settings(max_examples=400, deadline=None)
@given(st.one_of(_words, _texts, _mixed, _mutated))
@example("if if if if")
@example("then then and then , , and")
@example("' ` \" “")
@example("in namespace")
@example("both of them and as well as")
def test_any_text_gives_a_plan_or_our_error_and_always_the_same(text: str) -> None:
    assert outcome(text) == outcome(text)


@pytest.mark.no_cover  # what is timed is the planner, not the tracer, which takes three times as long
@pytest.mark.parametrize(
    "piece",
    [
        *("restart web{n}, ", "run `x` and ", "if it works ", "scale w{n} to {n} and ", "then ", "'", "`", '"', "a,"),
        *("A{n}=1 ", "./a{n} ", "one hundred ", "github", "and ", "not ", "--a ", "w{n}/", "x", "(", "don't ", "\n- "),
        *("run nginx:1.27 as w{n} on port 80, then ", "to be restarted ", "web's ", "it ", "the container "),
    ],
)
def test_time_grows_with_the_text(piece: str) -> None:
    def seconds(characters: int) -> float:
        pieces, length, number = [], 0, 0
        while length < characters:
            pieces.append(piece.format(n=number))
            length += len(pieces[-1])
            number += 1
        text = "".join(pieces)[:characters]
        started = time.process_time()
        with suppress(ReignError):
            planner().plan(PlanRequest(text))
        return time.process_time() - started

    short, long = seconds(MAX_TEXT // 8), seconds(MAX_TEXT)
    assert long < 8 * 4 * max(short, 0.02)
