"""Repairs that are kept: opened for the next task's inputs, and chosen by how often they helped."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reign.memory.recipes import Applied, best, closed, opened

NOW = 1_800_000_000.0
ONE = Applied(
    operation="kubernetes.apply", signature="f" * 16, sort="missing_prerequisite", reason="create it first",
    source="model", recipe={"before": [{"id": "n"}]}, worked=True, run="calm-otter", round=1, task="t",
    by="ada", at=NOW,
)  # fmt: skip


def test_what_came_from_the_inputs_is_left_open_and_filled_from_others() -> None:
    proposal: Any = {"before": [{"id": "ns", "uses": "k.c", "with": {"name": "shop", "labels": {"team": "a"}}}]}
    recipe = opened(proposal, {"namespace": "shop", "values": {"image": "x:1"}, "list": ["a"]})
    assert recipe["before"][0]["with"] == {"name": {"$input": ["namespace"]}, "labels": {"team": "a"}}
    filled = closed(recipe, {"namespace": "other"})
    assert filled["before"][0]["with"]["name"] == "other"
    with pytest.raises(LookupError):
        closed(recipe, {})


def test_the_recipe_that_helped_most_is_taken() -> None:
    other = {"before": [{"id": "m"}]}
    seen = [ONE, replace(ONE, run="b", by="bob"), replace(ONE, recipe=other, run="c")]
    found = best(seen, NOW)
    assert found is not None
    assert (found.recipe, found.worked, found.of) == (ONE.recipe, 2, 2)


def test_what_failed_as_often_as_it_helped_is_not_taken() -> None:
    assert best([ONE, replace(ONE, worked=False)], NOW) is None
    assert best([], NOW) is None


def test_one_requester_cannot_outvote_the_others_in_a_day() -> None:
    bad = {"instead": {"id": "evil"}}
    flood = [replace(ONE, recipe=bad, by="mallory", run=str(n)) for n in range(300)]
    others = [replace(ONE, by=f"user-{n}", at=NOW - n) for n in range(8)]
    found = best([*flood, *others], NOW)
    assert found is not None
    assert found.recipe == ONE.recipe
