"""The agents' words: they name inputs that there are, leave nothing unasked, and their examples are understood."""

from __future__ import annotations

import pytest

from reign.core.catalog import Catalog, Effect, OperationInputs, OperationResult, OperationSpec
from reign.core.lexicon import Gives, Kind, Phrase, Slot, unknown_inputs
from reign.core.resource import Undo
from reign.executor import registry
from reign.planner import PlanRequest
from reign.planner.keyword import KeywordPlanner
from tests.unit.planner.keyword.support import only, propose

OPERATIONS = [spec for spec in registry.catalog().values() if spec.phrases]
EXAMPLES = [(spec.name, phrase.example) for spec in OPERATIONS for phrase in spec.phrases if phrase.example]


def test_every_operation_of_the_six_agents_has_words() -> None:
    agents = {"docker", "kubernetes", "terraform", "github", "bash", "validation"}
    assert [spec.name for spec in registry.catalog().values() if spec.agent in agents and not spec.phrases] == []


@pytest.mark.parametrize("spec", OPERATIONS, ids=lambda spec: spec.name)
def test_words_fit_the_inputs(spec: OperationSpec) -> None:
    known = {field.alias or name for name, field in spec.inputs.model_fields.items()}
    assert list(unknown_inputs(spec.phrases, known)) == []
    for phrase in spec.phrases:
        said = {name.partition(".")[0] for slot in phrase.slots for name in slot.inputs} | set(phrase.sets)
        assert set(spec.required) <= said
        assert all(slot.ask for slot in phrase.slots if slot.required)


@pytest.mark.parametrize("name, example", EXAMPLES)
def test_examples_are_understood(name: str, example: str) -> None:
    assert only(example)[0] == name


def test_unknown_inputs_are_found() -> None:
    phrase = Phrase(verbs=("x",), slots=(Slot("a.b"), Slot("c"), Slot("@option")), sets={"d": 1})
    assert list(unknown_inputs((phrase,), {"a"})) == ["c", "d"]


class BrewInputs(OperationInputs):
    drink: str
    cups: int = 1


class ServeInputs(OperationInputs):
    drink: str
    to: str


def test_a_new_agent_brings_its_own_words() -> None:
    drink = Slot("drink", labels=("drink",), bare=True, required=True, things=("drink",), ask="what?")
    brew = Phrase(
        verbs=("brew",),
        slots=(drink, Slot("cups", Kind.NUMBER, labels=("cup",))),
        gives=(Gives("drink", "{drink}"),),
        example="brew two cups of espresso",
    )
    serve = Phrase(verbs=("serve",), slots=(drink, Slot("to", after=("to",), required=True, ask="to whom?")))

    def spec(name: str, inputs: type[OperationInputs], phrase: Phrase) -> OperationSpec:
        return OperationSpec(name, name, inputs, OperationResult, Undo.NONE, Effect.CHANGE, phrases=(phrase,))

    catalog = Catalog([spec("coffee.brew", BrewInputs, brew), spec("coffee.serve", ServeInputs, serve)])
    plan = KeywordPlanner(catalog).plan(PlanRequest("please brew two cups of espresso and serve it to anna")).plan
    assert [(task.uses, task.with_) for task in plan.tasks.values()] == [
        ("coffee.brew", {"drink": "espresso", "cups": 2}),
        ("coffee.serve", {"drink": "espresso", "to": "anna"}),
    ]
    assert plan.tasks["serve"].needs == ("brew",)


def test_short_and_other_words_for_the_same() -> None:
    said = {
        "ship web:1 to r.io/web:1": "docker.push",
        "ship release v1.0 of acme/x": "github.create_release",
        "apply ./app.yaml to ns qa": "kubernetes.apply",
        "wake the container nightly up": "docker.start",
        "which terraform workspaces exist in ./app?": "terraform.list_workspaces",
    }
    for text, uses in said.items():
        assert [task.uses for task in propose(text).plan.tasks.values()] == [uses], text
