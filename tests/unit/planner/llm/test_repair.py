"""A model's repair of a failed task."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic_ai.exceptions import ContentFilterError

from reign.core.plan import Plan
from reign.planner.repairing import Repairer, RepairRequest
from tests.unit.planner.llm.models import MODEL, OTHER, asking

PLAN = Plan.model_validate(
    {
        "name": "shop",
        "tasks": {
            "run": {
                "uses": "docker.run",
                "with": {"image": "shop:1", "name": "shop", "env": {"API_KEY": "qwertyuiop12"}},
            }
        },
    }
)
ERROR = {"message": "no such image: shop:1", "kind": "not_found", "hint": None, "details": {"log": "token=abcdefghij"}}
PULL = {"id": "pull", "uses": "docker.pull", "with": {"image": "shop:1"}}


def repair(*calls: Any, other: Any = (), error: dict[str, Any] = ERROR) -> tuple[Any, Any]:
    asked = asking(calls, other)
    return asked.planner.repair(RepairRequest(PLAN, "run", "missing", error, ("pulling helped in calm-fox",))), asked


def test_a_repair_is_proposed_in_the_engines_words() -> None:
    found, asked = repair(("propose_repair", {"reason": "the image is pulled first", "before": [PULL]}))
    assert found.before[0].uses == "docker.pull"
    assert not found.sure
    assert asked.desk.reserved[0].purpose == "repair"
    assert isinstance(asked.planner, Repairer)


def test_secrets_of_the_plan_and_of_the_error_are_not_told() -> None:
    _, asked = repair(("no_repair", {}))
    assert "no such image" in asked.sent[0]
    assert "calm-fox" in asked.sent[0]
    assert "qwertyuiop" not in asked.sent[0]
    assert "abcdefghij" not in asked.sent[0]


def test_nothing_is_an_answer() -> None:
    assert repair(("no_repair", {"why": "unknown"}))[0] is None


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"inputs": {"imagee": "x"}}, "imagee"),
        ({"inputs": {"env": {"API_KEY": "***"}}}, "is no value"),
        ({}, "it changes nothing"),
        ({"before": [{"id": "a", "uses": "docker.nothing"}]}, "there is no operation"),
        ({"before": [{"id": "a", "uses": "docker.remove", "with": {"name": "shop"}}]}, "takes nothing away"),
        ({"before": [{"id": "a", "uses": "bash.delete_file", "with": {"path": "/"}}]}, "takes nothing away"),
        ({"instead": {"id": "a", "uses": "docker.run", "with": {"image": "x"}}}, "needs the input"),
    ],
)
def test_a_wrong_repair_is_sent_back(wrong: dict[str, Any], why: str) -> None:
    good = ("propose_repair", {"reason": "more time", "timeout": 900})
    found, asked = repair(("propose_repair", {"reason": "because", **wrong}), good)
    assert found.timeout == 900
    assert why in asked.sent[1]


def test_a_model_that_does_not_answer_gives_no_repair_and_the_other_may() -> None:
    assert repair(ContentFilterError("no"))[0] is None
    found, asked = repair(
        ContentFilterError("no"), other=[("propose_repair", {"reason": "try again", "retry_attempts": 3})]
    )
    assert found.retry_attempts == 3
    assert [len(asked.models[name].sent) for name in (MODEL, OTHER)] == [1, 1]
