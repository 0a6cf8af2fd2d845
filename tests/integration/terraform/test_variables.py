"""Variables: of every type, from values, files and secrets."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reign.executor import FailureKind, TaskFailed
from reign.security.masking import Masker
from tests.integration.terraform.world import ONE, OPERATIONS, World

TYPES: dict[str, tuple[str, Any]] = {
    "text": ("string", 'quotes " and ${not.a.template} and %{if} and \\ and ü'),
    "number": ("number", 42.5),
    "flag": ("bool", False),
    "list": ("list(string)", ["a", "b"]),
    "set": ("set(number)", [1, 2, 3]),
    "map": ("map(string)", {"key with space": "x", "k": "y"}),
    "object": ("object({ name = string, ports = list(number) })", {"name": "n", "ports": [80, 443]}),
    "tuple": ("tuple([string, number])", ["a", 1]),
    "any": ("any", {"deep": {"er": [1, {"x": None}]}}),
    "nothing": ("string", None),
    "lines": ("string", "one\ntwo\n"),
}


def test_values_of_every_type_arrive_as_they_are(every_world: World) -> None:
    blocks = [
        f'variable "{name}" {{\n  type = {kind}\n  default = null\n}}\noutput "{name}" {{ value = var.{name} }}'
        for name, (kind, _) in TYPES.items()
    ]
    every_world.write("\n".join(blocks))
    values = {name: value for name, (_, value) in TYPES.items()}
    result = every_world.run("apply", variables=values)
    expected = {name: value for name, value in values.items() if value is not None}
    assert {name: value for name, value in result.outputs.items() if value is not None} == expected


def test_files_and_values_and_which_of_them_wins(world: World) -> None:
    names = ("auto", "first", "second", "given")
    world.write("\n".join(f'variable "{n}" {{}}\noutput "{n}" {{ value = var.{n} }}' for n in names))
    world.write("".join(f'{n} = "auto"\n' for n in names), "x.auto.tfvars")
    world.write('first = "file"\nsecond = "file"\ngiven = "file"\n', "a.tfvars")
    (world.folder / "b.json").write_text(json.dumps({"second": "later file", "given": "later file"}))
    result = world.run("apply", var_files=["a.tfvars", "b.json"], variables={"given": "value"})
    assert result.outputs == {"auto": "auto", "first": "file", "second": "later file", "given": "value"}


def test_an_undo_knows_the_files_of_then(world: World) -> None:
    world.write(ONE)
    world.write('what = "of then"\n', "a.tfvars")
    world.run("apply", var_files="a.tfvars")
    world.write('what = "of now"\n', "a.tfvars")
    _, before = world.change("apply", var_files="a.tfvars")
    assert world.run("output").outputs == {"what": "of now"}
    world.undo("apply", before, var_files="a.tfvars")
    assert world.run("output").outputs == {"what": "of then"}


def test_a_missing_value_says_which_and_where_to_give_it(world: World) -> None:
    world.write('variable "region" {}\n')
    with pytest.raises(TaskFailed, match=r"main.tf:1: No value for required variable.*region") as failure:
        world.run("plan")
    assert failure.value.kind is FailureKind.WRONG_INPUT
    assert failure.value.hint == "give it under `variables` or in a var_file"


def test_a_value_of_the_wrong_type_is_named(world: World) -> None:
    world.write('variable "count_of" { type = number }\n')
    with pytest.raises(TaskFailed, match="Invalid value for") as failure:
        world.run("plan", variables={"count_of": "many"})
    assert failure.value.kind is FailureKind.WRONG_INPUT


def test_a_variable_that_nothing_declares_is_refused_with_the_nearest_name(world: World) -> None:
    world.write(ONE)
    with pytest.raises(TaskFailed, match="declares no variable 'waht'") as failure:
        world.run("apply", variables={"waht": "x"})
    assert failure.value.hint == "did you mean 'what'?"


def test_a_missing_var_file_is_named(world: World) -> None:
    world.write(ONE)
    world.write("", "staging.tfvars")
    with pytest.raises(TaskFailed, match=r"no var_file stagin.tfvars") as failure:
        world.run("plan", var_files="stagin.tfvars")
    assert failure.value.hint == "did you mean 'staging.tfvars'?"


def test_a_secret_is_recorded_by_reference_and_resolved_again_for_an_undo(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.write(ONE + 'variable "plain" { default = "" }\n')
    monkeypatch.setenv("PASS_OF_TEST", "correct-horse")

    def context() -> Any:
        return world.context(masker=Masker({"secret://env/PASS_OF_TEST": "correct-horse"}))

    world.run("apply", context(), variables={"what": "correct-horse"})
    assert world.look(variables={"what": "correct-horse"}).state["applied"]["variables"] == {
        "what": "secret://env/PASS_OF_TEST"
    }
    _, before = world.change("apply", variables={"what": "other"})
    world.undo("apply", before, variables={"what": "other"})
    assert world.state()["outputs"]["what"]["value"] == "correct-horse"
    records = [path.read_text() for path in (world.folder / "state" / "records").glob("*.json")]
    assert records
    assert not any("correct-horse" in record for record in records)


def test_a_secret_inside_a_longer_text_is_not_put_back_wrongly(world: World) -> None:
    world.write(ONE)
    masker = Masker({"secret://env/PASS_OF_TEST": "correct-horse"})
    world.run("apply", world.context(masker=masker), variables={"what": "user:correct-horse@host"})
    _, before = world.change("apply", variables={"what": "other"})
    with pytest.raises(TaskFailed, match="was not kept"):
        world.undo("apply", before, variables={"what": "other"})
    assert world.run("output").outputs == {"what": "other"}


def test_a_saved_plan_takes_no_other_variables(world: World) -> None:
    world.write(ONE)
    plan = world.run("plan", variables={"what": "planned"})
    with pytest.raises(TaskFailed, match="not those that the plan was made with: what"):
        world.run("apply", plan_file=plan.plan_file, variables={"what": "other"})
    world.run("apply", plan_file=plan.plan_file, variables={"what": "planned"})
    assert world.run("output").outputs == {"what": "planned"}


def test_targets_limit_what_is_done_and_replace_makes_it_anew(world: World) -> None:
    world.write('resource "null_resource" "one" {}\nresource "null_resource" "two" {}\n')
    world.run("apply", targets="null_resource.one")
    assert world.objects() == ["null_resource.one"]
    plan = world.run("plan", targets="null_resource.one", replace=["null_resource.one"])
    assert [(c.action, c.reason) for c in plan.resources] == [("replace", "asked for")]
    with pytest.raises(TaskFailed, match="belong to the plan"):
        world.run("apply", targets="null_resource.two", plan_file=plan.plan_file)


@pytest.mark.parametrize("given", ["correct-horse", "user:correct-horse@host"], ids=["reference", "not kept"])
def test_a_saved_plan_carries_the_values_that_only_it_was_given(
    world: World, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    monkeypatch.setenv("PASS_OF_TEST", "correct-horse")

    def context() -> Any:
        return world.context(masker=Masker({"secret://env/PASS_OF_TEST": "correct-horse"}))

    world.write(ONE.replace('variable "what" { default = "first" }', 'variable "what" {}'))
    name = world.run("plan", context(), variables={"what": given}).plan_file
    world.write("this is broken meanwhile {")
    [before] = OPERATIONS["terraform.apply"].inspect(context(), world.inputs("apply", plan_file=name))
    assert not before.exists
    assert world.run("apply", context(), plan_file=name).resources == ["null_resource.one"]
    seen = world.look(plan_file=name)
    assert (seen.exists, seen.state["drift"]) == (True, [])
