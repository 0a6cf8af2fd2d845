"""Whether a plan can be run: everything that is wrong with it, each problem with its place and a way out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from reign.core import dag, expressions
from reign.core.catalog import Catalog, OperationSpec
from reign.core.errors import InvalidInput, did_you_mean, nearest
from reign.core.plan import Plan, Task
from reign.core.results import unknown_fields

#: What an expression may read, and what stands below it.
ROOTS = ("params", "tasks", "item", "index", "environment", "run")
TASK_FIELDS = ("result", "state", "attempts")

Place = tuple[str | int, ...]


@dataclass(frozen=True)
class Problem:
    """One fault: where it is (keys from the root of the plan), what it is, what to do."""

    at: Place
    message: str
    hint: str | None = None

    @property
    def place(self) -> str:
        return ".".join(str(part) for part in self.at) or "plan"


class InvalidPlan(InvalidInput):
    """A plan with problems. ``problems`` holds all of them; line and column (1-based) are told where known."""

    code = "invalid_plan"

    def __init__(self, problems: list[Problem], locations: Mapping[Place, tuple[int, int]] | None = None) -> None:
        self.problems = problems
        lines = [describe(problem, locations) for problem in problems]
        more = f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""
        super().__init__(lines[0]["text"] + more, hint=problems[0].hint, details={"problems": lines})


def describe(problem: Problem, locations: Mapping[Place, tuple[int, int]] | None) -> dict[str, Any]:
    """``{text, place, message, hint, line, column}``; line and column are those of the nearest place that is known."""
    at = problem.at
    location = None
    while locations and location is None:
        location = locations.get(at)
        if not at:
            break
        at = at[:-1]
    where = f"line {location[0]}, column {location[1]}: " if location else ""
    return {
        "text": f"{where}{problem.place}: {problem.message}",
        "place": problem.place,
        "message": problem.message,
        "hint": problem.hint,
        "line": location[0] if location else None,
        "column": location[1] if location else None,
    }


def parse_plan(data: Any, locations: Mapping[Place, tuple[int, int]] | None = None) -> Plan:
    """A Plan out of the JSON-like content of a plan file. Raises InvalidPlan with every structural fault."""
    if not isinstance(data, Mapping):
        raise InvalidPlan([Problem((), f"a plan is an object with `name` and `tasks`, not {_kind(data)}")], locations)
    try:
        return Plan.model_validate(data)
    except ValidationError as error:
        raise InvalidPlan([_structural(e) for e in error.errors()], locations) from None


def checked(
    plan: Plan,
    catalog: Catalog,
    params: Mapping[str, Any] | None = None,
    environment: str | None = None,
    locations: Mapping[Place, tuple[int, int]] | None = None,
) -> Plan:
    """The plan bound to its parameters, if nothing is wrong with it. Raises InvalidPlan with all problems."""
    problems = [*_param_problems(plan, params or {}), *_expression_problems(plan)]
    if problems:
        raise InvalidPlan(problems, locations)
    try:
        bound = plan.bind(params, environment)
    except InvalidInput as error:
        raise InvalidPlan([Problem(("params",), error.message, error.hint)], locations) from None
    problems = [*_dag_problems(bound), *_operation_problems(bound, catalog), *_result_problems(bound, catalog)]
    if problems:
        raise InvalidPlan(problems, locations)
    return bound


def _param_problems(plan: Plan, given: Mapping[str, Any]) -> Iterator[Problem]:
    for name in given:
        if name not in plan.params:
            hint = did_you_mean(name, plan.params) or "the plan has no parameters"
            yield Problem(("params", name), f"the plan has no parameter {name!r}", hint)
    for name, default in plan.params.items():
        if default is None and given.get(name) is None:
            yield Problem(("params", name), f"parameter {name!r} needs a value", f"give it with --param {name}=VALUE")


def _expression_problems(plan: Plan) -> Iterator[Problem]:
    for task_id, task in plan.tasks.items():
        at: Place = ("tasks", task_id)
        try:
            references = task.references()
        except InvalidInput as error:
            yield Problem(_where_expression(task, at), error.message, error.hint)
            continue
        for path in references:
            if problem := _reference_problem(plan, task, task_id, path):
                yield Problem(_where_path(task, at, path), *problem)


def _reference_problem(plan: Plan, task: Task, task_id: str, path: tuple[str, ...]) -> tuple[str, str | None] | None:
    root, *rest = path
    if root not in ROOTS:
        return f"an expression reads {root!r}, which is not known here", did_you_mean(root, ROOTS)
    if root in ("item", "index") and task.for_each is None:
        return f"{root!r} has a value only in a task with `for_each`", "add for_each, or use another name"
    if root == "params" and rest and rest[0] not in plan.params:
        hint = did_you_mean(rest[0], plan.params) or f"add it: params: {{{rest[0]}: ...}}"
        return f"there is no parameter {rest[0]!r}", hint
    if root == "tasks":
        if not rest:
            return "`tasks` must be followed by a task's id", "write tasks.ID.result.NAME"
        if rest[0] == task_id:
            return "a task cannot refer to itself", None
        if rest[0] not in plan.tasks:
            return f"there is no task {rest[0]!r}", did_you_mean(rest[0], plan.tasks)
        if len(rest) > 1 and rest[1] not in TASK_FIELDS:
            return f"a task has no {rest[1]!r}", f"write tasks.{rest[0]}.result.{rest[1]}"
    return None


def _dag_problems(plan: Plan) -> Iterator[Problem]:
    known = True
    for task_id, task in plan.tasks.items():
        for other in task.needs:
            if other == task_id:
                known = False
                yield Problem(("tasks", task_id, "needs"), "a task cannot need itself", f"take {other!r} out")
            elif other not in plan.tasks:
                known = False
                yield Problem(
                    ("tasks", task_id, "needs"), f"there is no task {other!r}", did_you_mean(other, plan.tasks)
                )
    if known and (found := dag.cycle(plan.needs)):
        path = " -> ".join(found if len(found) <= 12 else [*found[:6], "...", *found[-5:]])
        yield Problem(
            ("tasks", found[0], "needs"), f"the tasks need each other in a circle: {path}", "take one `needs` out"
        )


def _operation_problems(plan: Plan, catalog: Catalog) -> Iterator[Problem]:
    for task_id, task in plan.tasks.items():
        spec = catalog.get(task.uses)
        if spec is None:
            at: Place = ("tasks", task_id, "uses")
            yield Problem(at, f"there is no operation {task.uses!r}", catalog.hint(task.uses))
            continue
        if task.original is not None:
            continue  # its inputs are those of the task that it is about
        for problem in input_problems(spec, task.with_):
            yield Problem(("tasks", task_id, "with", *problem.at), problem.message, problem.hint)


def _result_problems(plan: Plan, catalog: Catalog) -> Iterator[Problem]:
    for task_id, task in plan.tasks.items():
        for path, message, hint in unknown_fields(plan, task, catalog):
            yield Problem(_where_path(task, ("tasks", task_id), path), message, hint)


def input_problems(spec: OperationSpec, inputs: Mapping[str, Any]) -> list[Problem]:
    """What is wrong with the inputs of an operation; what still depends on an expression is not judged."""
    try:
        spec.inputs.model_validate(dict(inputs))
    except ValidationError as error:
        # A misspelt name comes before what is missing because of it: it is the one with the way out.
        wrong = sorted(error.errors(), key=lambda e: e["type"] == "missing")
        return [
            _input_problem(spec, e)
            for e in wrong
            if not (e["loc"] and expressions.has_expression(inputs.get(str(e["loc"][0]))))
        ]
    return []


def _input_problem(spec: OperationSpec, error: Any) -> Problem:
    place = _readable_place(error["loc"])
    known = [field.alias or name for name, field in spec.inputs.model_fields.items()]
    if error["type"] == "extra_forbidden" and len(place) == 1:
        close = nearest(str(place[0]), known)
        hint = f"did you mean {close!r}?" if close else "inputs: " + ", ".join(known)
        return Problem(place, f"{spec.name} has no input {str(place[0])!r}", hint)
    if error["type"] == "extra_forbidden":
        inside = sorted(_names_in(spec.inputs.model_fields[str(place[0])].annotation)) if place else []
        close = nearest(str(place[-1]), inside)
        hint = f"did you mean {close!r}?" if close else "known: " + ", ".join(inside)
        return Problem(place, f"{place[-2]} has no {str(place[-1])!r}", hint)
    if error["type"] == "missing":
        return Problem(
            place[:-1], f"{spec.name} needs the input {str(place[-1])!r}", f"see `reign operations {spec.name}`"
        )
    if error["type"] == "string_pattern_mismatch" and isinstance(error["input"], str):
        field = next((str(part) for part in reversed(place) if isinstance(part, str)), "text")
        said = f"{error['input'][:60]!r} is not a valid {field}{_not_in_it(error['input'], error['ctx']['pattern'])}"
        return Problem(place, said, f"see `reign operations {spec.name}`")
    return Problem(place, _sentence(error), f"see `reign operations {spec.name}`")


def _names_in(annotation: Any) -> set[str]:
    """The names of the fields of all models that a type is made of, however deep."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        fields = annotation.model_fields
        return set(fields).union(*(_names_in(field.annotation) for field in fields.values()))
    return set[str]().union(*(_names_in(part) for part in get_args(annotation)))


def _not_in_it(text: str, pattern: str) -> str:
    """The one character without which the text would do, if there is one."""
    for character in dict.fromkeys(text):
        for rest, where in ((text.strip(character), "begin or end it"), (text.replace(character, ""), "stand in it")):
            try:
                if re.search(pattern, rest):
                    return f": {character!r} cannot {where}"
            except re.error:  # the pattern's own engine knows more
                return ""
    return ""


def _structural(error: Any) -> Problem:
    place = tuple(part for part in error["loc"] if part != "[key]")
    if error["type"] == "extra_forbidden":
        model = Task if len(place) == 3 and place[0] == "tasks" else Plan
        known = [field.alias or name for name, field in model.model_fields.items()]
        close = get_close_matches(str(place[-1]), known, n=1)
        hint = f"did you mean {close[0]!r}?" if close else "known: " + ", ".join(known)
        return Problem(place, f"unknown key {str(place[-1])!r}", hint)
    if error["type"] == "missing":
        return Problem(place[:-1], f"the key {str(place[-1])!r} is missing", None)
    if error["type"] == "string_pattern_mismatch":
        return Problem(place, f"{error['input']!r} is not a valid {_pattern_of(place)}", _pattern_hint(place))
    if place == ("tasks",) and error["type"] in ("too_short", "dict_type"):
        return Problem(place, "a plan has at least one task", "tasks: {NAME: {uses: docker.run, with: {...}}}")
    return Problem(_readable_place(place), _sentence(error), None)


def _pattern_of(place: Place) -> str:
    if place and place[-1] == "uses":
        return "operation name"
    return "name" if place and place[0] in ("name", "environment") else "task id"


def _pattern_hint(place: Place) -> str:
    if place and place[-1] == "uses":
        return "write agent.verb_object, e.g. docker.build; see `reign operations`"
    return "letters, digits, '-' and '_', starting with a letter"


def _sentence(error: Any) -> str:
    value = error.get("input")
    shown = f", not {str(value)[:60]!r}" if isinstance(value, str | int | float) else ""
    message = str(error["msg"]).removeprefix("Value error, ")
    message = message if message[:2].isupper() else message[0].lower() + message[1:]
    return message if shown and str(value)[:20] in message else message + shown


def _readable_place(loc: tuple[Any, ...]) -> Place:
    """Pydantic's location without the names of union members and validators that it puts between."""
    return tuple(part for part in loc if isinstance(part, int) or not any(c in str(part) for c in "[]()"))


def _kind(data: Any) -> str:
    names = {list: "a list", str: "a text", type(None): "nothing", int: "a number", float: "a number"}
    return names.get(type(data), "something else")


def _where_expression(task: Task, at: Place) -> Place:
    """The input whose expression cannot be parsed."""
    parts = {("if",): task.if_, ("for_each",): task.for_each, ("locks",): list(task.locks)}
    places = {(*at, "with", name): value for name, value in task.with_.items()}
    for place, value in {**places, **{(*at, *key): value for key, value in parts.items()}}.items():
        try:
            for _ in expressions.expressions(value):
                pass
        except InvalidInput:
            return place
    return (*at, "if") if task.if_ is not None else at


def _where_path(task: Task, at: Place, path: tuple[str, ...]) -> Place:
    """The input that reads ``path``."""
    for name, value in task.with_.items():
        if any(path in list(expressions.paths(node)) for node in expressions.expressions(value)):
            return (*at, "with", name)
    if task.condition is not None and path in list(expressions.paths(task.condition)):
        return (*at, "if")
    return (*at, "for_each") if task.for_each is not None else at
