"""What the client library sends."""

from __future__ import annotations

from reign.client import _submission
from reign.core.plan import Plan

PLAN = Plan.model_validate({"name": "p", "tasks": {"a": {"uses": "probe.noop"}}})


def test_a_plan_that_was_made_of_words_goes_with_them() -> None:
    body = _submission(PLAN, None, None, "/srv", ("run nginx", "llm:x"))
    assert (body["plan"], body["request"], body["planned_by"]) == (PLAN.as_file(), "run nginx", "llm:x")


def test_words_and_plans_alone_go_alone() -> None:
    assert {"plan", "planned_by"}.isdisjoint(_submission("run nginx", None, None, None))
    assert {"request", "planned_by"}.isdisjoint(_submission(PLAN, None, None, None))
