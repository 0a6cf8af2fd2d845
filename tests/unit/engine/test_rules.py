"""Repairs that fit every agent."""

from __future__ import annotations

from typing import Any

import pytest

from reign.core.plan import Task
from reign.engine.classify import FailureClass, classify
from reign.engine.rules import general_repair
from reign.executor import Proposal, registry


def repair(error: dict[str, Any], inputs: dict[str, Any] | None = None, **given: Any) -> Proposal | None:
    task = Task.model_validate({"uses": "docker.run", "with": inputs or {}, **given})
    return general_repair(error, classify(error), task, registry.catalog().find("docker.run"))


def test_what_may_pass_is_tried_again() -> None:
    found = repair({"kind": "transient", "message": "away", "retryable": True})
    assert found is not None
    assert (found.retry_attempts, found.sure) == (3, True)
    found = repair({"kind": "transient", "message": "away", "retryable": False}, retry={"attempts": 7})
    assert found is not None
    assert (found.retry_attempts, found.sure) == (7, False)


def test_what_took_too_long_gets_more_time() -> None:
    found = repair({"kind": "timed_out", "message": "not done after 30 s"}, timeout=30)
    assert found is not None
    assert (found.timeout, found.sure) == (60.0, False)
    assert "30 s were not enough" in found.reason


@pytest.mark.parametrize(
    ("own", "given", "inputs", "whole"),
    [
        ("20s", 30, {"timeout": 30.0}, None),
        (4, 30, {"timeout": 8.0}, None),
        ("2m", 30, {}, 60.0),
        ("${{ params.patience }}", 30, {}, 60.0),
    ],
)
def test_what_runs_out_first_gets_more_time(own: Any, given: int, inputs: dict[str, Any], whole: float | None) -> None:
    found = repair({"kind": "timed_out", "message": "not done"}, {"timeout": own}, timeout=given)
    assert found is not None
    assert (found.inputs, found.timeout) == (inputs, whole)


@pytest.mark.parametrize(
    "inputs, expected",
    [
        ({"image": "shopp:1", "name": "web"}, {"image": "shop:1"}),
        ({"env": {"BASE": "shopp:1"}}, {"env": {"BASE": "shop:1"}}),
        ({"list": ["a", "shopp:1"]}, {"list": ["a", "shop:1"]}),
    ],
)
def test_the_nearest_name_goes_where_the_wrong_one_stands(inputs: dict[str, Any], expected: dict[str, Any]) -> None:
    error = {"kind": "wrong_input", "message": "there is no image 'shopp:1'", "hint": "did you mean 'shop:1'?"}
    found = repair(error, inputs)
    assert found is not None
    assert (found.inputs, found.sure) == (expected, False)


def test_a_guess_is_not_made_where_it_could_be_two_places_or_none() -> None:
    error = {"kind": "wrong_input", "message": "there is no 'a'", "hint": "did you mean 'b'?"}
    assert repair(error, {"x": "a", "y": "a"}) is None
    assert repair(error, {"x": "c"}) is None
    assert repair({**error, "hint": "look again"}, {"x": "a"}) is None


def test_permission_is_not_repaired() -> None:
    assert repair({"kind": "permission", "message": "denied", "hint": "did you mean 'b'?"}, {"x": "denied"}) is None
    assert classify({"kind": "permission"}) is FailureClass.PERMISSION
