"""The requests that the planner was specified with come out exactly; those that measure it stay good."""

from __future__ import annotations

import pytest

from benchmarks.planner_eval import __main__ as evaluation
from benchmarks.planner_eval.cases import Case, load
from benchmarks.planner_eval.judge import judge, same
from reign.core.plan import Plan
from reign.planner import PlanRequest, Proposal
from tests.unit.planner.keyword.support import planner


@pytest.mark.parametrize("case", load("specified"), ids=lambda case: case.text[:40])
def test_specified(case: Case) -> None:
    verdict = judge(planner(), case)
    assert verdict.exact, verdict.why


@pytest.mark.no_cover  # thousands of requests: the tracer would take three times what the planner does
def test_the_measure_passes(capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluation.main(["specified", "requests", "heldout", "varied"]) == 0
    assert evaluation.main(["blind", "--every", "5"]) == 0, "a part of the largest; `make eval` has the whole"
    shown = capsys.readouterr().out
    assert "wrongly refused" in shown
    assert "docker.build" in shown


class Fixed:
    """A planner that always proposes the same plan."""

    def __init__(self, plan: Plan) -> None:
        self.fixed = plan

    def plan(self, request: PlanRequest) -> Proposal:
        return Proposal(self.fixed)


def test_the_measure_can_fail() -> None:
    case = next(case for case in load("specified") if len(case.order) == 2)
    right = planner().plan(PlanRequest(case.text)).plan
    assert judge(Fixed(right), case).exact
    flat = right.model_copy(
        update={"tasks": {name: task.model_copy(update={"needs": ()}) for name, task in right.tasks.items()}}
    )
    assert not judge(Fixed(flat), case).order
    assert judge(Fixed(flat), case).inputs
    fewer = right.model_copy(update={"tasks": dict(list(right.tasks.items())[:1])})
    assert not judge(Fixed(fewer), case).operations
    assert judge(Fixed(right), Case("x", refuse=True)).wrongly_accepted


def test_values_compare_as_the_requests_say() -> None:
    assert same({"8088": 80}, {"8088": "80"})
    assert not same(True, "True")
    assert not same([1], [1, 2])
