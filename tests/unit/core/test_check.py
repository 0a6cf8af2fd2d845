"""What is wrong with a plan: everything at once, with its place and a way out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, Field

from reign.core.catalog import OperationInputs
from reign.core.check import InvalidPlan, Problem, checked, describe, input_problems, parse_plan
from reign.core.plan import Plan
from tests.unit.core.operations import CATALOG


def plan(params: dict[str, Any] | None = None, **tasks: Any) -> dict[str, Any]:
    return {"name": "web", "params": params or {}, "tasks": tasks}


def problems(data: Any, given: dict[str, Any] | None = None) -> list[tuple[str, str, str | None]]:
    with pytest.raises(InvalidPlan) as caught:
        checked(parse_plan(data), CATALOG, given)
    return [(p.place, p.message, p.hint) for p in caught.value.problems]


RUN = {"uses": "bash.run"}


@pytest.mark.parametrize(
    ("data", "place", "message", "hint"),
    [
        (None, "plan", "not nothing", None),
        ([], "plan", "not a list", None),
        ("x", "plan", "not a text", None),
        (5, "plan", "not a number", None),
        (object(), "plan", "not something else", None),
        ({"name": "a"}, "plan", "the key 'tasks' is missing", None),
        (
            {"name": "a", "tasks": {}},
            "tasks",
            "a plan has at least one task",
            "tasks: {NAME: {uses: docker.run, with: {...}}}",
        ),
        (
            {"name": "a", "tasks": []},
            "tasks",
            "a plan has at least one task",
            "tasks: {NAME: {uses: docker.run, with: {...}}}",
        ),
        ({"name": "-", "tasks": {"a": RUN}}, "name", "'-' is not a valid name", "letters"),
        ({"name": "a", "environment": "A B", "tasks": {"a": RUN}}, "environment", "not a valid name", "letters"),
        ({"name": "a", "tasks": {"1": RUN}}, "tasks.1", "'1' is not a valid task id", "letters"),
        (plan(a={"uses": "Docker"}), "tasks.a.uses", "not a valid operation name", "agent.verb_object"),
        (plan(a={"uses": "bash.run", "need": []}), "tasks.a.need", "unknown key 'need'", "did you mean 'needs'?"),
        (plan(a={"uses": "bash.run", "zzzz": 1}), "tasks.a.zzzz", "unknown key 'zzzz'", "known: uses, with"),
        ({"name": "a", "task": {}, "tasks": {"a": RUN}}, "task", "unknown key 'task'", "did you mean 'tasks'?"),
        (plan(a={**RUN, "timeout": "soon"}), "tasks.a.timeout", "'soon' is not a duration", None),
        (
            plan(a={**RUN, "retry": {"attempts": 0}}),
            "tasks.a.retry.attempts",
            "greater than or equal to 1, not '0'",
            None,
        ),
    ],
)
def test_structure(data: Any, place: str, message: str, hint: str | None) -> None:
    found = problems(data)[0]
    assert found[0] == place
    assert message in found[1]
    assert (hint or "") in (found[2] or "")
    assert (hint is None) == (found[2] is None)


@pytest.mark.parametrize(
    ("task", "place", "message", "hint"),
    [
        ({"with": {"port": "${{ 1 + }}"}}, "with.port", "unexpected '+'", None),
        ({"if": "1 +"}, "if", "unexpected '+'", None),
        ({"if": "${{ 1 + }}"}, "if", "unexpected '+'", None),
        ({"locks": ["${{ ! }}"]}, "locks", "expected a value", None),
        ({"for_each": "${{ ! }}"}, "for_each", "expected a value", None),
        ({"with": {"port": "${{ parms.x }}"}}, "with.port", "reads 'parms'", "did you mean 'params'?"),
        ({"with": {"port": "${{ item }}"}}, "with.port", "only in a task with `for_each`", "add for_each"),
        ({"with": {"port": "${{ params.prot }}"}}, "with.port", "no parameter 'prot'", "did you mean 'port'?"),
        ({"if": "tasks == 1"}, "if", "must be followed by a task's id", "tasks.ID"),
        ({"if": "tasks.a.result.x"}, "if", "cannot refer to itself", None),
        ({"for_each": "${{ tasks.bb.result }}"}, "for_each", "no task 'bb'", "did you mean 'b'?"),
        ({"with": {"port": "${{ tasks.b.port }}"}}, "with.port", "no 'port'", "tasks.b.result.port"),
        ({"locks": ["${{ tasks.x.result }}"]}, "", "no task 'x'", "known: a, b"),
        ({"needs": ["a"]}, "needs", "cannot need itself", "take 'a' out"),
        ({"needs": ["bb"]}, "needs", "no task 'bb'", "did you mean 'b'?"),
        ({"needs": ["b"]}, "needs", "in a circle: a -> b -> a", "take one"),
        ({"uses": "bash.rum"}, "uses", "no operation 'bash.rum'", "did you mean 'bash.run'?"),
        ({"with": {"prot": 1}}, "with.prot", "bash.run has no input 'prot'", "did you mean 'port'?"),
        ({"with": {"zzz": 1}}, "with.zzz", "no input 'zzz'", "inputs: port"),
        ({"with": {"port": 0}}, "with.port", "greater than or equal to 1", "reign operations bash.run"),
        ({"uses": "docker.build"}, "with", "needs the input 'context'", "reign operations"),
        ({"uses": "docker.build", "with": {"context": ".", "tag": "latest"}}, "with", "tags are pinned", "reign"),
        ({"uses": "docker.build", "with": {"context": ".", "size": {}}}, "with.size", "needs the input 'cpu'", "reign"),
    ],
)
def test_tasks(task: dict[str, Any], place: str, message: str, hint: str | None) -> None:
    data = plan({"port": 80}, a={**RUN, **task}, b={**RUN, "needs": ["a"] if task.get("needs") == ["b"] else []})
    found = problems(data)[0]
    assert found[0] == ("tasks.a." + place).rstrip(".")
    assert message in found[1]
    assert (hint or "") in (found[2] or "")


def test_parameters() -> None:
    data = plan({"port": None, "name": "x"}, a=RUN)
    assert problems(data, {"nam": 1}) == [
        ("params.nam", "the plan has no parameter 'nam'", "did you mean 'name'?"),
        ("params.port", "parameter 'port' needs a value", "give it with --param port=VALUE"),
    ]
    assert problems(plan(a=RUN), {"x": 1})[0][2] == "the plan has no parameters"
    assert problems(plan(a={**RUN, "if": "params.x"}))[0][2] == "add it: params: {x: ...}"


def test_an_expression_that_fails_when_it_is_bound() -> None:
    found = problems(plan({"p": 1}, a={**RUN, "with": {"port": "${{ params.p.x }}"}}))
    assert found[0][:2] == ("params", "params.p has no 'x': it is not an object")


def test_a_long_circle_is_shown_short() -> None:
    tasks = {f"t{i}": {**RUN, "needs": [f"t{(i + 1) % 20}"]} for i in range(20)}
    assert "t5 -> ... -> t16" in problems(plan(**tasks))[0][1]


def test_a_good_plan_is_bound() -> None:
    tasks = {
        "a": {"uses": "docker.build", "with": {"context": "${{ params.dir }}"}},
        "b": {**RUN, "with": {"port": "${{ tasks.a.result.port }}"}, "if": "${{ run.id }} "},
        "c": {"uses": "docker.build", "undo_of": {"run": "r", "task": "t"}},
        "d": {**RUN, "for_each": ["x"], "with": {"port": "${{ item }}"}},
    }
    bound = checked(Plan.model_validate(plan({"dir": None}, **tasks)), CATALOG, {"dir": "./web"}, "prod")
    assert bound.environment == "prod"
    assert bound.tasks["a"].with_ == {"context": "./web"}
    assert bound.tasks["b"].needs == ("a",)


def test_a_problem_is_told_with_the_nearest_known_place() -> None:
    problem = Problem(("tasks", "a", "with"), "wrong", "right")
    assert describe(problem, {("tasks",): (3, 1), (): (1, 1)})["text"] == "line 3, column 1: tasks.a.with: wrong"
    assert describe(problem, {("x",): (1, 1)})["line"] is None
    assert describe(problem, None)["text"] == "tasks.a.with: wrong"
    error = InvalidPlan([problem, problem], {("tasks", "a", "with"): (4, 2)})
    assert str(error) == "line 4, column 2: tasks.a.with: wrong (and 1 more) (right)"


def test_a_wrong_name_deeper_down_is_told_with_the_nearest() -> None:
    class Limits(BaseModel):
        model_config = ConfigDict(extra="forbid")
        cpus: float | None = None

    class Inputs(OperationInputs):
        name: str
        ports: list[int] = Field(default_factory=list)
        limits: Limits | None = None
        by_name: dict[str, Limits] = Field(default_factory=dict)

    spec = replace(CATALOG["docker.run"], inputs=Inputs)
    (problem,) = input_problems(spec, {"name": "a", "limits": {"cpu": 1}})
    assert (problem.message, problem.hint) == ("limits has no 'cpu'", "did you mean 'cpus'?")
    (problem,) = input_problems(spec, {"name": "a", "by_name": {"x": {"zzz": 1}}})
    assert (problem.message, problem.hint) == ("x has no 'zzz'", "known: cpus")
    assert not input_problems(spec, {"name": "a", "ports": None, "limits": None, "by_name": None})
    (problem,) = input_problems(spec, {"name": None, "ports": None})
    assert problem.message == "docker.run needs the input 'name'"


def test_inputs_that_are_right() -> None:
    assert input_problems(CATALOG["bash.run"], {"port": 1}) == []
    assert input_problems(CATALOG["bash.run"], {"port": "${{ x }}"}) == []


@pytest.mark.parametrize(
    ("pattern", "value", "said"),
    [
        (r"^[a-z]+$", "bad tag", "'bad tag' is not a valid tag: ' ' cannot stand in it"),
        (r"^[a-z]([a-z-]*[a-z])?$", "-a-b", "'-a-b' is not a valid tag: '-' cannot begin or end it"),
        (r"^[a-z]+$", "A B", "'A B' is not a valid tag"),
        (r"^\p{Ll}+$", "A", "'A' is not a valid tag"),
    ],
)
def test_a_text_of_the_wrong_form_is_told_without_the_pattern(pattern: str, value: str, said: str) -> None:
    class Inputs(OperationInputs):
        tag: str = Field(pattern=pattern)

    [problem] = input_problems(replace(CATALOG["bash.run"], inputs=Inputs), {"tag": value})
    assert problem.message == said
