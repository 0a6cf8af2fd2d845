"""A conversation's pace, waits and time, without waiting."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest
from pydantic_ai.exceptions import (
    ModelConnectionError,
    ModelHTTPError,
    ModelOverloadedError,
    ModelQuotaExceededError,
    ModelRateLimitError,
)

from reign.planner.llm.answer import ProposedPlan
from reign.planner.llm.ports import BareDesk, Options, Told
from reign.planner.llm.talk import Talk, Unanswered, Wrong
from reign.planner.llm.vendors import parse
from tests.unit.planner.llm.models import MODEL, Call, Ledger, Scripted, proposed, task

GOOD = proposed(web=task("docker.run", image="nginx"))


@dataclass
class World:
    """A clock that only sleeping moves."""

    now: float = 1000.0
    slept: list[float] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def refused(status: int, kind: type[ModelRateLimitError | ModelOverloadedError], **headers: str) -> ModelHTTPError:
    return ModelHTTPError.for_category(kind, status_code=status, model_name="m", headers=headers)


def talk(calls: list[Call], **options: Any) -> tuple[Talk, World, Scripted, list[Told]]:
    world, script, told = World(), Scripted(calls), list[Told]()
    desk = Ledger(clock=lambda: world.now)
    made = Talk(desk, Options(MODEL, **options), "p", progress=told.append, clock=lambda: world.now, sleep=world.sleep)
    return made, world, script, told


def ask(made: Talk, script: Scripted) -> Any:
    return made.ask(
        script.model(), parse(MODEL), instructions="i", prompt="p", outputs={"propose_plan": ProposedPlan}, check=str
    )


def test_a_vendor_that_says_how_long_is_waited_for() -> None:
    made, world, script, told = talk([refused(429, ModelRateLimitError, **{"retry-after": "7"}), GOOD])
    assert "docker.run" in ask(made, script)
    assert world.slept[0] == 7.0
    assert made.desk.take(MODEL, 1) == 0.0
    assert any(t.kind == "waiting" and "asked too often (HTTP 429)" in t.text for t in told)


def test_overload_is_waited_out_longer_each_time() -> None:
    overloaded = refused(529, ModelOverloadedError)
    made, world, script, _ = talk([overloaded, overloaded, overloaded, GOOD])
    ask(made, script)
    assert [s for s in world.slept if s] == [1.0, 2.0, 4.0]
    assert [taken.state for taken in made.desk.settled] == ["failed"] * 3 + ["done"]  # type: ignore[attr-defined]


def test_tries_are_bounded() -> None:
    made, _, script, _ = talk([refused(529, ModelOverloadedError)])
    with pytest.raises(Unanswered, match=r"is overloaded \(HTTP 529\)"):
        ask(made, script)
    assert len(script.sent) == 5


def test_a_wait_beyond_the_time_that_is_left_is_not_begun() -> None:
    made, world, script, _ = talk([refused(429, ModelRateLimitError, **{"retry-after": "600"})], timeout=60)
    with pytest.raises(Unanswered, match="asked too often"):
        ask(made, script)
    assert world.slept == []
    made, world, script, _ = talk([GOOD], timeout=60)
    made.desk.hold(MODEL, 90)
    with pytest.raises(Unanswered, match="may be asked again only in 90 s"):
        ask(made, script)
    assert script.sent == []


def test_another_process_that_was_told_to_wait_is_heard() -> None:
    made, world, script, told = talk([GOOD])
    made.desk.hold(MODEL, 5)
    ask(made, script)
    assert world.slept == [5.0]
    assert told[0].kind == "waiting"


@pytest.mark.parametrize(
    ("error", "says", "tries"),
    [
        (ModelQuotaExceededError("m", "x"), "has no credit left", 1),
        (ModelConnectionError("m", "x"), "cannot be reached", 2),
        (ModelHTTPError(418, "m"), r"failed \(HTTP 418\)", 1),
        (ValueError("odd"), "could not be asked: odd", 1),
    ],
)
def test_what_waiting_does_not_help_is_not_asked_again(error: Exception, says: str, tries: int) -> None:
    made, _, script, _ = talk([error])
    with pytest.raises(Unanswered, match=says):
        ask(made, script)
    assert len(script.sent) == tries


def test_the_budget_counts_what_was_taken_before() -> None:
    made, _, script, _ = talk([GOOD], tokens_per_run=10_000, max_tokens=4000)
    made.tokens = 8000
    with pytest.raises(Unanswered, match="was not asked: the next request would pass the 10000 tokens"):
        ask(made, script)


def test_a_fault_in_every_round_ends_it() -> None:
    made, _, script, _ = talk([GOOD], rounds=1)

    def check(_: Any) -> Any:
        raise Wrong(["too blue", "too round"])

    with pytest.raises(Unanswered, match="gave no right answer in 2 tries: too blue"):
        made.ask(
            script.model(),
            parse(MODEL),
            instructions="i",
            prompt="p",
            outputs={"propose_plan": ProposedPlan},
            check=check,
        )
    assert "- too blue" in script.sent[1]
    assert "- too round" in script.sent[1]


def test_it_may_be_asked_from_inside_an_event_loop() -> None:
    async def inside() -> Any:
        made, _, script, _ = talk([GOOD])
        return ask(made, script)

    assert "docker.run" in asyncio.run(inside())


def test_a_bare_desk_keeps_nothing_but_the_vendors_wish() -> None:
    now = [0.0]
    desk = BareDesk(clock=lambda: now[0])
    desk.hold("m", 5)
    desk.hold("m", 2)
    assert desk.take("m", 1) == 5
    assert desk.take("other", 1) == 0
    desk.keep("k", "m", {})
    assert desk.answer("k") is None
    now[0] = 6
    assert desk.take("m", 1) == 0


def test_the_time_is_shared_with_the_model_that_comes_after() -> None:
    made, world, script, _ = talk([refused(429, ModelRateLimitError, **{"retry-after": "40"}), GOOD], timeout=60)

    def ask_sharing(share: int) -> Any:
        outputs = {"propose_plan": ProposedPlan}
        return made.ask(
            script.model(), parse(MODEL), instructions="i", prompt="p", outputs=outputs, check=str, share=share
        )

    with pytest.raises(Unanswered, match="asked too often"):
        ask_sharing(2)  # 40 s are more than its half
    assert world.slept == []
    assert "docker.run" in ask_sharing(1)
