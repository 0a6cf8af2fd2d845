"""examples/terraform-local, task by task as its plan file says, and taken back."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from reign.core import dag, expressions, planfile
from reign.core.check import checked
from reign.core.resource import Observation
from reign.executor import registry
from reign.executor.testing import run_operation
from tests.engines import terraform as engines
from tests.integration.terraform.world import OPERATIONS, World

EXAMPLE = Path(__file__).parents[3] / "examples" / "terraform-local"


@pytest.fixture(params=["terraform", "tofu"])
def example(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    binary = engines.terraform() if request.param == "terraform" else engines.tofu()
    (tmp_path / "infra").mkdir()
    world = World(tmp_path, binary, engines.plugins())
    folder = tmp_path / "examples" / "terraform-local"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("*.html", "*.tfstate*", ".terraform*"))
    world.directory = folder
    return world


def run_plan(world: World, **params: Any) -> tuple[dict[str, Any], dict[str, tuple[Any, Observation]]]:
    """Every task in order; the results, and for each changing task its inputs and what was there before."""
    text = (world.directory / "plan.yaml").read_text()
    plan = checked(planfile.parse(text)[0], registry.catalog(), params)
    results: dict[str, Any] = {}
    before: dict[str, tuple[Any, Observation]] = {}
    for name in dag.order(plan.needs):
        task = plan.tasks[name]
        scope = {"params": plan.params, "tasks": {done: {"result": result} for done, result in results.items()}}
        operation = OPERATIONS[task.uses]
        inputs = operation.Inputs.model_validate(expressions.fill(task.with_, scope))
        if operation.pure:
            made = operation.apply(world.context(task=name), inputs, ())
        else:
            [seen] = operation.inspect(world.context(task=name), inputs)
            before[name] = (inputs, seen)
            made = run_operation(operation, world.context(task=name), inputs)
        results[name] = made.model_dump(mode="json", by_alias=True)
    return results, before


def take_back(world: World, before: dict[str, tuple[Any, Observation]]) -> None:
    inputs, seen = before["apply"]
    operation, ctx = OPERATIONS["terraform.apply"], world.context()
    operation.restore(ctx, inputs, [seen], operation.inspect(ctx, inputs))


def test_the_example_step_by_step(example: World) -> None:
    page = example.directory / "page.html"
    files = sorted(path.name for path in example.directory.iterdir())

    results, first = run_plan(example)
    assert results["plan"]["changes"] == {"add": 3, "change": 0, "destroy": 0, "replace": 0, "import": 0}
    assert results["outputs"]["outputs"] == {"page": str(page), "editors": ["ada", "grace"]}
    assert page.read_text() == "<h1>Hello</h1>\n<p>by ada, grace</p>\n"

    results, second = run_plan(example, title="Hello again")
    assert results["plan"]["changes"]["replace"] == 1
    assert [change["reason"] for change in results["plan"]["resources"]] == [
        "it cannot be changed in place: triggers_replace"
    ]
    assert page.read_text().startswith("<h1>Hello again</h1>")

    take_back(example, second)
    assert page.read_text() == "<h1>Hello</h1>\n<p>by ada, grace</p>\n"
    take_back(example, first)
    assert not page.exists()
    assert sorted(path.name for path in example.directory.iterdir()) == files
