"""The catalog, and the JSON Schema that is made of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest

from reign.core import planfile
from reign.core.check import checked
from reign.core.errors import InvalidInput, NotFound
from reign.core.schema import plan_schema
from reign.executor.registry import catalog
from tests.unit.core.operations import CATALOG, BuildInputs

EXAMPLES = Path(__file__).parents[3] / "examples"


def test_a_catalog_is_a_mapping_in_order() -> None:
    assert list(CATALOG) == ["bash.run", "docker.build", "docker.run"]
    assert len(CATALOG) == 3
    assert CATALOG.agents == ["bash", "docker"]
    assert CATALOG["docker.build"].agent == "docker"
    assert CATALOG["docker.build"].required == ["context"]
    assert CATALOG.find("bash.run") is CATALOG["bash.run"]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("docker.biuld", "did you mean 'docker.build'?"),
        ("doker.build", "did you mean 'docker.build'?"),
        ("docker.zzz", "did you mean 'docker.run'?"),
        ("qqq", "known: bash.run, docker.build, docker.run"),
    ],
)
def test_the_right_name_is_near(name: str, hint: str) -> None:
    with pytest.raises(NotFound) as caught:
        CATALOG.find(name)
    assert caught.value.hint in (hint, "known: bash.run, docker.build, docker.run")
    if "zzz" not in name:
        assert caught.value.hint == hint


def test_an_empty_catalog_points_at_the_command() -> None:
    assert type(CATALOG)([]).hint("a.b") == "see `reign operations`"


def test_inputs_are_parsed() -> None:
    assert CATALOG.parse("docker.build", {"context": ".", "from": "dev"}) == BuildInputs(context=".", from_="dev")
    with pytest.raises(InvalidInput, match="docker.build needs the input 'context'"):
        CATALOG.parse("docker.build", {})


def test_a_description_holds_schemas() -> None:
    found = CATALOG["docker.build"].describe()
    assert (found["undo"], found["effect"], found["agent"]) == ("exact", "change", "docker")
    assert "context" in found["inputs"]["properties"]
    assert "image" in found["result"]["properties"]


def faults(content: Any, schema: dict[str, Any] | None = None) -> list[str]:
    validator = jsonschema.Draft202012Validator(schema or plan_schema(CATALOG))
    return [error.json_path for error in validator.iter_errors(content)]


def plan(**task: Any) -> dict[str, Any]:
    return {"name": "web", "tasks": {"a": task}}


def test_the_schemas_are_schemas() -> None:
    for one in (CATALOG, catalog()):
        jsonschema.Draft202012Validator.check_schema(plan_schema(one))


@pytest.mark.parametrize(
    "task",
    [
        {"uses": "bash.run"},
        {"uses": "bash.run", "with": {"port": 5}, "timeout": "5m", "retry": {"attempts": 3, "delay": "1s"}},
        {"uses": "bash.run", "with": {"port": "${{ params.port }}"}, "timeout": 5, "needs": "b", "if": "always()"},
        {"uses": "docker.build", "with": {"context": ".", "size": {"cpu": 1}, "from": "x"}, "needs": ["b"]},
        {"uses": "docker.build", "with": {"context": ".", "ports": {"a": "${{ params.port }}"}}},
        {"uses": "docker.build", "undo_of": {"run": "r", "task": "t"}},
    ],
)
def test_what_the_schema_takes(task: dict[str, Any]) -> None:
    assert faults(plan(**task)) == []


@pytest.mark.parametrize(
    "task",
    [
        {"uses": "bash.nothing"},
        {"uses": "docker.build"},
        {"uses": "docker.build", "with": {}},
        {"uses": "docker.build", "with": {"context": ".", "contxt": "."}},
        {"uses": "docker.build", "with": {"context": ".", "size": {"cpu": "many"}}},
        {"uses": "bash.run", "with": {"port": "eighty"}},
        {"uses": "bash.run", "on_failure": "ignore"},
        {"uses": "bash.run", "approval": "yes"},
    ],
)
def test_what_the_schema_refuses(task: dict[str, Any]) -> None:
    assert faults(plan(**task))


#: What an example has to be told.
_GIVEN = {"repository": "acme/shop", "pull_request": 7}


def test_the_examples_hold_to_the_check_and_to_the_schema() -> None:
    schema = plan_schema(catalog())
    found = sorted(EXAMPLES.glob("*/plan.yaml"))
    assert found
    for path in found:
        text = path.read_text()
        parsed, places = planfile.parse(text)
        needed = {name: _GIVEN[name] for name, value in parsed.params.items() if value is None}
        checked(parsed, catalog(), needed, locations=places)
        assert faults(planfile.load(text)[0], schema) == [], path
