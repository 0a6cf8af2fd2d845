"""examples/github-cicd.yaml: step by step, and by a whole REIGN whose rollback takes it back."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reign.core import dag, expressions, planfile
from reign.core.check import checked
from reign.core.errors import Conflict
from reign.core.states import RunState
from reign.engine.drift import DriftCheck
from reign.executor import registry
from reign.executor.testing import run_operation
from tests.engines.github import Place
from tests.engines.installation import Installation
from tests.integration.github.hands import OPERATIONS, Hands

EXAMPLE = Path(__file__).parents[3] / "examples" / "github-cicd.yaml"


@pytest.fixture
def runners(place: Place) -> Iterator[None]:
    """Where GitHub's own runners are missing, something that ends each run well."""
    server, over = place.fake, threading.Event()

    def work() -> None:
        while not over.wait(0.05):
            for repository in list(server.world.repositories.values()):
                for run in list(repository.runs):
                    run.finish()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    yield
    over.set()
    thread.join()


def plan_file() -> dict[str, Any]:
    content, _ = planfile.load(EXAMPLE.read_text())
    assert isinstance(content, dict)
    return content


@pytest.mark.usefixtures("runners")
def test_step_by_step_and_back(hands: Hands) -> None:
    place = hands.place
    world, repo = place.world(), "mona/hello-ci"
    plan = checked(planfile.parse(EXAMPLE.read_text())[0], registry.catalog(), {"repository": repo})
    results: dict[str, Any] = {}
    before: dict[str, Any] = {}
    order = dag.order(plan.needs)
    for name in order:
        task = plan.tasks[name]
        scope = {"params": plan.params, "tasks": {done: {"result": result} for done, result in results.items()}}
        operation, ctx = OPERATIONS[task.uses], hands.context(task=name)
        inputs = operation.Inputs.model_validate(expressions.fill(task.with_, scope))
        before[name] = (operation, inputs, list(operation.inspect(ctx, inputs)))
        results[name] = run_operation(operation, ctx, inputs).model_dump(mode="json")
        if not operation.pure:
            again = run_operation(operation, hands.context(task=name, attempt=2), inputs)
            assert again.model_dump(mode="json") == results[name], f"{name} is done, and a second try sees that"
    place.repo = repo
    assert results["checks"]["checks"] == {"test": "success"}
    assert set(place.tree("main")) == {
        ".github/workflows/ci.yml", ".gitignore", "README.md", "hello.py", "test_hello.py",
    }  # fmt: skip
    assert [one["state"] for one in place.of_repo("GET", "/pulls", state="all")] == ["closed"]
    for name in reversed(order):
        operation, inputs, seen = before[name]
        if not operation.pure:
            ctx = hands.context(run="calm-fox-11", task=f"undo-{name}", undoes=("brave-otter-17", name))
            operation.restore(ctx, inputs, seen, list(operation.inspect(ctx, inputs)))
    place.repo = "mona/shop"
    assert place.world() == world


@pytest.mark.usefixtures("runners")
def test_by_the_engine_and_taken_back_by_one_command(place: Place, tmp_path: Path) -> None:
    server, installation = place.fake, Installation(tmp_path, lease=2.0, heartbeat=0.3)
    try:
        installation.prepare()
        installation.start_worker("github", GITHUB_TOKEN=place.token, GITHUB_API_URL=place.url)
        run = installation.submit(plan_file(), params={"repository": "mona/hello-ci"})
        assert installation.wait(run).state is RunState.SUCCEEDED, installation.log()
        made = server.world.repository("mona/hello-ci")
        assert made is not None
        assert made.file("hello.py") is not None
        back = installation.general.rollback(run.name)
        assert installation.wait(back).state is RunState.SUCCEEDED, installation.log()
        with pytest.raises(Conflict, match="nothing is recorded"):  # the merge went with its repository
            DriftCheck(installation.runtime, installation.general).plan("dev")
    finally:
        installation.close()
    assert server.world.repository("mona/hello-ci") is None
    assert server.world.repository("mona/shop") is not None
    assert place.token not in installation.log()


def test_a_repository_that_others_use_stays(hands: Hands) -> None:
    hands.run("create_repository", name="mona/hello-ci")
    hands.place.repo = "mona/hello-ci"
    hands.place.commit("main", {"mine.txt": "keep\n"})
    with pytest.raises(Exception, match=r"mona/hello-ci stays: it holds the commit \w{8} on main"):
        hands.undo("create_repository")
