"""A plan with repairs in it: what is added, what follows, and what is never touched."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reign.core.check import InvalidPlan, checked, parse_plan
from reign.core.plan import Plan
from reign.engine.amendment import amend
from reign.executor import PortMoved, Proposal, Step, registry
from tests.unit.memory.builders import PATIENT


def plan(**tasks: Any) -> Plan:
    return checked(
        parse_plan({"name": "p", "params": {"port": 8088, "size": 8088}, "tasks": tasks}), registry.catalog()
    )


def noop(value: Any = None, **given: Any) -> dict[str, Any]:
    return {"uses": "probe.noop", "with": {"value": value}, **given}


def step(wish: str, value: Any) -> Step:
    return Step.model_validate({"id": wish, "uses": "probe.noop", "with": {"value": value}})


def test_steps_come_before_the_task_one_after_the_other() -> None:
    before = plan(a=noop(1), b=noop(2, needs=["a"]), c=noop(3, needs=["b"]))
    repair = Proposal(reason="r", before=(step("x", 1), step("y", 2)))
    found = amend(before, {"b": repair}, {"b", "c"})
    assert list(found.plan.tasks) == ["a", "x", "y", "b", "c"]
    assert found.plan.tasks["y"].needs == ("x",)
    assert found.plan.tasks["b"].needs == ("a", "x", "y")
    assert (found.added, found.changed) == (("x", "y"), ("b",))
    assert [(d.task, d.kind, d.path) for d in found.diff] == [
        ("x", "added", ""),
        ("y", "added", ""),
        ("b", "changed", "needs"),
    ]


def test_two_tasks_that_need_the_same_share_the_step_and_names_stay_unique() -> None:
    before = plan(x=noop(1), a=noop(2), b=noop(3))
    repair = Proposal(reason="r", before=(step("x", 9),))
    found = amend(before, {"a": repair, "b": repair}, {"a", "b"})
    assert found.added == ("x-2",)
    assert found.plan.tasks["a"].needs == found.plan.tasks["b"].needs == ("x-2",)


def test_inputs_are_merged_and_never_become_expressions() -> None:
    before = plan(a={"uses": "docker.run", "with": {"image": "a:1", "name": "a", "env": {"X": "1"}}})
    found = amend(before, {"a": Proposal(reason="r", inputs={"env": {"X": "${{ params.port }}"}})}, {"a"})
    assert found.plan.tasks["a"].with_["env"] == {"X": "$${{ params.port }}"}
    assert found.plan.tasks["a"].with_["image"] == "a:1"
    assert [(d.path, d.before) for d in found.diff] == [("with.env.X", "1")]


def test_another_operation_retries_and_time() -> None:
    before = plan(a=noop(1, retry={"attempts": 2, "delay": 7}), b=noop(2), c=noop(3))
    repairs = {
        "a": Proposal(reason="r", retry_attempts=4),
        "b": Proposal(reason="r", timeout=9),
        "c": Proposal(
            reason="r", instead=Step.model_validate({"id": "c", "uses": "probe.sleep", "with": {"seconds": 1}})
        ),
    }
    found = amend(before, repairs, {"a", "b", "c"}).plan.tasks
    assert found["a"].retry is not None
    assert (found["a"].retry.attempts, found["a"].retry.delay) == (4, 7)
    assert found["b"].timeout == 9
    assert (found["c"].uses, found["c"].with_) == ("probe.sleep", {"seconds": 1})


MOVED = Proposal(
    reason="r",
    inputs={"ports": {"8089": 80}},
    moved=PortMoved(was=8088, now=8089),
)


def test_what_refers_to_a_port_follows_and_nothing_else_does() -> None:
    before = plan(
        run={"uses": "docker.run", "with": {"image": "a:1", "name": "a", "ports": {"8088": 80}}},
        done=noop("http://localhost:8088/", needs=["run"]),
        check=noop(
            ["http://127.0.0.1:8088/x", "http://127.0.0.1:80889/", "http://web:8088/", "8088", 8088], needs=["run"]
        ),
        port={"uses": "validation.tcp", "needs": ["check"], "with": {"host": "localhost", "port": 8088}},
        other=noop("http://localhost:8088/"),
    )
    found = amend(before, {"run": MOVED}, {"run", "check", "port", "other"})
    assert found.plan.tasks["check"].with_["value"] == [
        "http://127.0.0.1:8089/x", "http://127.0.0.1:80889/", "http://web:8088/", "8088", 8088,
    ]  # fmt: skip
    assert found.plan.tasks["port"].with_["port"] == 8089
    assert found.plan.tasks["done"].with_["value"] == "http://localhost:8088/", "it has succeeded"
    assert found.plan.tasks["other"].with_["value"] == "http://localhost:8088/", "it does not come after"
    assert found.plan.params == {"port": 8089, "size": 8088}
    assert found.changed == ("run", "check", "port")


def test_a_proposal_that_makes_no_plan_is_refused() -> None:
    with pytest.raises(InvalidPlan):
        amend(
            plan(a=noop(1)), {"a": Proposal(reason="r", instead=step("x", 1).model_copy(update={"uses": "no"}))}, {"a"}
        )


names = st.lists(st.sampled_from("abcdef"), min_size=1, max_size=6, unique=True)


@PATIENT
@given(names, st.data())
def test_other_tasks_and_edges_stay(chosen: list[str], data: st.DataObject) -> None:
    tasks = {name: noop(name, needs=chosen[:place][-1:]) for place, name in enumerate(chosen)}
    failed = data.draw(st.sampled_from(chosen))
    remaining = set(chosen[chosen.index(failed) :])
    proposal = data.draw(
        st.sampled_from(
            [
                Proposal(reason="r", before=(step("a", 1), step("b", 2))),
                Proposal(reason="r", retry_attempts=3),
                Proposal(reason="r", inputs={"value": "http://localhost:1/"}, moved=PortMoved(was=1, now=2)),
            ]
        )
    )
    before = plan(**tasks)
    found = amend(before, {failed: proposal}, remaining)
    again = checked(found.plan, registry.catalog())
    assert set(again.tasks) == set(chosen) | set(found.added)
    for name in chosen:
        assert set(before.tasks[name].needs) <= set(again.tasks[name].needs)
        if name not in remaining:
            assert again.tasks[name] == before.tasks[name]
