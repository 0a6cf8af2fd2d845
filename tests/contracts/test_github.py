"""The github agent's operations answer the contract's questions, on the stateful fake or at GitHub itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.contracts.suite import Case, OperationContract
from tests.engines.github import Place
from workers.github import AGENT

pytest_plugins = ()
OPERATIONS = {operation.name: operation() for operation in AGENT.operations}
WORKFLOW = "on: [push, workflow_dispatch]\njobs:\n  test:\n    runs-on: ubuntu-latest\n    steps: [{run: make test}]\n"


def _case(place: Place, name: str, inputs: dict[str, Any], **more: Any) -> Case:
    given = {"repo": place.repo, **inputs} if name != "github.create_repository" else inputs
    return Case(OPERATIONS[name], given, world=place.world, options=place.options, **more)


def _create_repository(place: Place) -> Case:
    return _case(place, "github.create_repository", {"name": f"{place.prefix}payments", "description": "money"})


def _create_branch(place: Place) -> Case:
    return _case(place, "github.create_branch", {"branch": f"{place.prefix}feature", "from": place.base})


def _delete_branch(place: Place) -> Case:
    return _case(
        place, "github.delete_branch", {"branch": f"{place.prefix}old"}, arrange=lambda: _unit(place.branch("old"))
    )


def _put_new(place: Place) -> Case:
    return _case(place, "github.put_file", {"branch": place.base, "path": "docs/a b.md", "content": "ünï\n"})


def _put_over(place: Place) -> Case:
    return _case(place, "github.put_file", {"branch": place.base, "path": "run.sh", "content": "#!/bin/sh\ntrue\n"})


def _delete_file(place: Place) -> Case:
    return _case(place, "github.delete_file", {"branch": place.base, "path": "src/app.py"})


def _put_files(place: Place) -> Case:
    files = {"README.md": "# new\n", "src/b.py": "b\n", "run.sh": None, "bin": {"content": "//8A", "encoding": "base64"}}
    return _case(place, "github.put_files", {"branch": place.base, "files": files})


def _put_workflow(place: Place) -> Case:
    return _case(place, "github.put_workflow", {"branch": place.base, "name": "ci", "content": WORKFLOW})


def _unit(_: Any) -> None:
    return None


CASES: tuple[Callable[[Place], Case], ...] = (
    _create_repository, _create_branch, _delete_branch, _put_new, _put_over, _delete_file, _put_files, _put_workflow,
)  # fmt: skip


class TestGitHub(OperationContract):
    @pytest.fixture(params=CASES, ids=lambda make: make.__name__.strip("_"))
    def case(self, request: pytest.FixtureRequest, place: Place) -> Case:
        made: Case = request.param(place)
        return made


@pytest.mark.usefixtures("place")
def test_every_operation_has_a_case(place: Place) -> None:
    assert {make(place).operation.name for make in CASES} == set(OPERATIONS)
