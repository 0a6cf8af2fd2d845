"""Plans and tasks: binding, digests, conditions and waits."""

from __future__ import annotations

from typing import Any

import pytest

from reign.core import expressions
from reign.core.plan import Plan, Retry, Task, slug


def task(**given: Any) -> Task:
    return Task.model_validate({"uses": "bash.run", **given})


def plan(**tasks: Any) -> Plan:
    return Plan.model_validate({"name": "web", "params": {"n": 1, "on": True}, "tasks": tasks})


def test_waits_grow_to_a_limit() -> None:
    retry = Retry(attempts=9, delay=2, backoff=3, max_delay=30, jitter=0.5)
    assert [retry.wait(attempt, 0.5) for attempt in (1, 2, 3, 4, 5000)] == [2, 6, 18, 30, 30]
    assert retry.wait(1, 0.0) == 1
    assert retry.wait(1, 0.75) == 2.5


def test_one_need_may_stand_alone() -> None:
    assert task(needs="a").needs == ("a",)
    assert task(needs=["a", "b"]).needs == ("a", "b")
    assert task().agent == "bash"


def test_conditions() -> None:
    assert task().condition is None
    assert task(**{"if": False}).condition == expressions.Literal(False)
    wrapped, bare = task(**{"if": " ${{ params.on }} "}), task(**{"if": "params.on"})
    assert wrapped.condition == bare.condition == expressions.parse("params.on")
    assert task(**{"if": "always() && true"}).asks_status()
    assert not task(**{"if": "params.on"}).asks_status()
    assert not task().asks_status()


def test_references_are_those_of_all_parts() -> None:
    made = task(**{"with": {"a": "${{ a.x }}"}, "for_each": "${{ b }}", "locks": ["${{ c }}"], "if": "d.y"})
    assert made.references() == [("a", "x"), ("b",), ("c",), ("d", "y")]


def test_binding() -> None:
    bound = plan(
        a={"uses": "bash.run", "with": {"x": "${{ params.n }}"}, "for_each": "${{ fromJSON('[1]') }}"},
        b={"uses": "bash.run", "if": "${{ params.on }}", "locks": ["port-${{ params.n }}"], "needs": ["a"]},
        c={"uses": "bash.run", "if": "params.on && always()", "with": {"y": "${{ tasks.b.result }}"}},
        d={"uses": "bash.run", "if": "tasks.a.result.x", "with": {"y": "$${{ x }}", "z": "${{ tasks.a.result }}"}},
    ).bind({"n": 5}, "prod")
    a, b, c, d = bound.tasks.values()
    assert (bound.environment, bound.params) == ("prod", {"n": 5, "on": True})
    assert (a.with_, a.for_each, a.needs) == ({"x": 5}, [1], ())
    assert (b.if_, b.locks, b.needs) == (True, ("port-5",), ("a",))
    assert (c.if_, c.needs) == ("params.on && always()", ("b",))
    assert (d.if_, d.with_["y"], d.needs) == ("tasks.a.result.x", "$${{ x }}", ("a",))


@pytest.mark.parametrize(
    ("default", "given", "bound"),
    [
        ("1.9", 2, "2"),
        ("no", True, "true"),
        (8080, "8081", 8081),
        (8080, "-1", -1),
        (0.5, "2.50", 2.5),
        (8080, "http", "http"),
        (0.5, "inf", "inf"),
        (True, "1", "1"),
        (None, "1.10", "1.10"),
        ({"a": 1}, 2, 2),
    ],
)
def test_a_parameter_is_of_the_kind_of_its_default(default: object, given: object, bound: object) -> None:
    made = Plan.model_validate({"name": "x", "params": {"p": default}, "tasks": {"a": {"uses": "bash.run"}}})
    found = made.bind({"p": given}).params["p"]
    assert (found, type(found)) == (bound, type(bound))


def test_a_digest_is_of_what_the_plan_says() -> None:
    one = plan(a={"uses": "bash.run"})
    assert one.digest == plan(a={"uses": "bash.run", "needs": []}).digest
    assert one.digest != plan(b={"uses": "bash.run"}).digest
    assert Plan.model_validate(one.as_file()).digest == one.digest
    assert one.as_file()["tasks"] == {"a": {"uses": "bash.run"}}
    assert one.needs == {"a": ()}


@pytest.mark.parametrize(
    ("text", "expected"), [("Build the Web!", "build-the-web"), ("?!", "plan"), ("a" * 50, "a" * 40), ("a b", "a-b")]
)
def test_slugs(text: str, expected: str) -> None:
    assert slug(text) == expected
