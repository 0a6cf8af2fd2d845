"""Memory may add; it never takes away, whatever it has seen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reign.core.catalog import Effect
from reign.core.plan import Plan, Retry, Task
from reign.core.resource import Undo
from reign.memory.advice import Advice, Facts, KnownRepair, advise, whole, with_additions
from reign.memory.episodes import Episode, Evidence, evidence
from tests.unit.memory.builders import DAY, GOOD, NOW, PATIENT, bad, good

FACTS = Facts(timeout=1800.0, retry=Retry(), effect=Effect.CHANGE, undo=Undo.EXACT)


def known(seen: list[Episode]) -> Evidence:
    found = evidence("docker.build", seen, "a" * 16, "", NOW)
    assert found is not None
    return found


def task(**given: Any) -> Task:
    return Task.model_validate({"uses": "docker.build", "with": {"context": ".", "tag": "a:1"}, **given})


def test_an_estimate_says_where_it_comes_from() -> None:
    found = advise(task(), known(good(8, seconds=12.0)), FACTS, {})
    assert found.estimate == "~12s (from 8 runs)"
    assert found.seconds == 12.0
    assert found.runs == ("good-0", "good-1", "good-2")
    assert advise(task(), known(good(1, seconds=2.0)), FACTS, {}).estimate == "~2s (from 1 run)"
    wide = known(good(6, seconds=10.0) + good(4, seconds=60.0))
    assert advise(task(), wide, FACTS, {}).estimate == "~10s, up to 1m (from 10 runs)"


def test_other_commands_tell_a_range_and_nothing_more() -> None:
    """Echoes that took a tenth of a second, and failed now and then, say nothing of a command that never ran."""
    free = replace(FACTS, reruns=True, undo=Undo.NONE)
    others = good(15, pattern="b" * 16, seconds=0.1) + good(5, pattern="c" * 16, seconds=9.0) + bad(9, pattern="b" * 16)
    found = advise(task(), known(others), free, {})
    assert found.estimate == "not known for this command; others took 100ms to 9s (from 20 runs)"
    assert (found.seconds, found.notes, found.adds, found.confidence) == (None, (), {}, 0.0)
    found = advise(task(), known(good(1, pattern="b" * 16, seconds=0.1)), free, {})
    assert found.estimate == "not known for this command; others took 100ms (from 1 run)"
    assert advise(task(), known(bad(3, pattern="b" * 16)), free, {}) == Advice()
    assert advise(task(), known(others), FACTS, {}).seconds == 0.1, "a build is a build"


def test_one_run_of_just_this_tells_more_than_many_of_others() -> None:
    free = replace(FACTS, reruns=True)
    once = good(1, seconds=50.0, run="long")
    found = advise(task(), known([*once, *good(20, pattern="b" * 16, seconds=0.1)]), free, {})
    assert (found.estimate, found.seconds, found.runs) == ("~50s (from 1 run)", 50.0, ("long",))
    assert 0 < found.confidence < 0.5
    assert found.adds == {}


def test_an_end_for_what_hangs_needs_enough_runs_of_just_this() -> None:
    few = good(2, same="c" * 16, seconds=1.0)
    found = evidence("docker.build", [*few, *good(20, seconds=10.0)], "a" * 16, "c" * 16, NOW)
    assert found is not None
    assert (found.level, found.estimate and found.estimate.level) == ("shape", "same")
    assert "timeout" not in advise(task(), found, FACTS, {}).adds


def test_a_failure_that_came_back_is_told_with_what_helped() -> None:
    found = advise(task(), known(good(6) + bad(3)), FACTS, {})
    assert found.notes == (
        "docker.build failed 3 of 9 times lately: the registry is away; see run bad-0, bad-1, bad-2",
    )
    helped = {"f" * 16: KnownRepair("f" * 16, "log in first", 2, 3, "wise-owl")}
    found = advise(task(), known(good(6) + bad(3)), FACTS, helped)
    assert found.notes[0].endswith(". What helped 2 of 3 times: log in first (run wise-owl)")
    assert advise(task(), known(good(9) + bad(1)), FACTS, {}).notes == (), "once is no pattern"


def test_failures_that_pass_get_more_tries_that_wait_as_long_as_it_took() -> None:
    found = advise(task(), known(good(4, recovered=9.0) + bad(4)), FACTS, {})
    assert found.adds["retry"]["attempts"] == 4
    assert found.adds["retry"]["delay"] == 9.0
    assert "retry" not in advise(task(), known(good(8)), FACTS, {}).adds
    patient = {"attempts": 9, "delay": 60}
    assert "retry" not in advise(task(retry=patient), known(good(4, recovered=9.0) + bad(4)), FACTS, {}).adds
    own = replace(FACTS, reruns=True)
    failing = known(good(4, recovered=9.0) + bad(4))
    assert "retry" not in advise(task(), failing, own, {}).adds, "only its author knows whether it may run again"
    assert "retry" in advise(task(retry={"attempts": 2}), failing, own, {}).adds


def test_what_hangs_gets_an_end_and_what_is_slow_does_not() -> None:
    found = advise(task(), known(good(20, seconds=10.0)), FACTS, {})
    assert found.adds["timeout"] == 100.0
    assert "timeout" not in advise(task(), known(good(20, seconds=100.0)), FACTS, {}).adds, "near the operation's own"
    assert "timeout" not in advise(task(timeout=900), known(good(20)), FACTS, {}).adds, "the plan has said it"
    assert "timeout" not in advise(task(), known(good(5)), FACTS, {}).adds, "too little is known"


def test_what_mostly_fails_and_is_not_undone_asks_first() -> None:
    mostly = known(good(1) + bad(12))
    facts = Facts(1800.0, Retry(), Effect.CHANGE, Undo.COMPENSATING)
    found = advise(task(), mostly, facts, {})
    assert found.adds["approval"] == "required"
    assert "bad-0" in found.why["approval"]
    assert "approval" not in advise(task(), mostly, FACTS, {}).adds
    reading = Facts(1800.0, Retry(), Effect.READ, Undo.UNNEEDED)
    assert "approval" not in advise(task(), mostly, reading, {}).adds


retries = st.builds(Retry, attempts=st.integers(1, 100), delay=st.floats(0, 400), max_delay=st.floats(0, 400))
tasks = st.builds(
    Task,
    uses=st.just("docker.build"),
    with_=st.just({"context": ".", "tag": "a:1"}),
    retry=st.none() | retries,
    timeout=st.none() | st.floats(1, 5000),
    approval=st.none() | st.just("required"),
)
episodes = st.builds(
    Episode, operation=st.just("docker.build"), pattern=st.sampled_from(["a" * 16, "b" * 16]), same=st.just(""),
    environment=st.just("dev"), ok=st.booleans(), sort=st.sampled_from(["transient", "conflict", None]),
    signature=st.sampled_from(["f" * 16, None]), message=st.text(max_size=300), seconds=st.floats(0, 1e6),
    worked=st.booleans(), recovered=st.none() | st.floats(0, 1e6), run=st.text(min_size=1, max_size=5),
    task=st.just("t"), by=st.sampled_from("abc"), at=st.floats(NOW - 300 * DAY, NOW),
)  # fmt: skip
facts = st.builds(
    Facts, timeout=st.floats(1, 5000), retry=retries, effect=st.sampled_from(Effect), undo=st.sampled_from(Undo)
)
anything = st.fixed_dictionaries(
    {}, optional={"retry": retries.map(Retry.model_dump), "timeout": st.floats(1, 1e5), "approval": st.just("required")}
)


def no_weaker(before: Task, after: Task, default: Retry) -> None:
    """Everything that protected still does, and nothing but retry, timeout and approval is different."""
    was, now = before.retry or default, after.retry or default
    assert now.attempts >= was.attempts
    assert now.delay >= was.delay
    assert now.max_delay >= was.max_delay or now.max_delay >= now.delay
    assert after.timeout == before.timeout or before.timeout is None
    assert after.approval == "required" or before.approval is None
    same = {"retry": None, "timeout": None, "approval": None}
    assert before.model_copy(update=same) == after.model_copy(update=same)


@PATIENT
@given(tasks, st.lists(episodes, min_size=1, max_size=40), facts)
def test_advice_never_takes_anything_away(before: Task, seen: list[Episode], own: Facts) -> None:
    found = advise(before, known([GOOD, *seen]), own, {})
    plan = Plan(name="p", tasks={"t": before})
    after = with_additions(plan, {"t": found}).tasks["t"]
    no_weaker(before, after, own.retry)
    assert after.timeout is None or before.timeout is not None or after.timeout <= own.timeout


@PATIENT
@given(tasks, anything)
def test_even_forged_advice_cannot_weaken_a_plan(before: Task, adds: dict[str, Any]) -> None:
    plan = Plan(name="p", tasks={"t": before, "u": before})
    after = with_additions(plan, {"t": Advice(adds=adds)})
    if before.retry is not None:
        no_weaker(before, after.tasks["t"], Retry())
    assert after.tasks["t"].approval == "required" or before.approval is None
    assert after.tasks["u"] == before
    assert list(after.tasks) == ["t", "u"]


def test_a_plan_takes_as_long_as_its_longest_path() -> None:
    plan = Plan(
        name="p", tasks={"a": task(), "b": task(), "c": task(needs=["a"]), "d": task(needs=["b", "c"])}
    )  # fmt: skip
    times = {"a": 1.0, "b": 10.0, "c": 2.0, "d": 5.0}
    advice = {name: Advice(seconds=seconds) for name, seconds in times.items()}
    assert whole(plan, advice) == 15.0
    assert whole(plan, {**advice, "c": Advice()}) is None
