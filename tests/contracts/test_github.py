"""The github agent's operations answer the contract's questions, on the stateful fake or at GitHub itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.contracts.suite import Case, OperationContract
from tests.engines.github import Place, place
from tests.fakes.github.fixtures import github_description, github_server
from workers.github import AGENT

__all__ = ["github_description", "github_server", "place"]
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
    files = {
        "README.md": "# new\n",
        "src/b.py": "b\n",
        "run.sh": None,
        "bin": {"content": "//8A", "encoding": "base64"},
    }
    return _case(place, "github.put_files", {"branch": place.base, "files": files})


def _put_workflow(place: Place) -> Case:
    return _case(place, "github.put_workflow", {"branch": place.base, "name": "ci", "content": WORKFLOW})


def _open_pull(place: Place) -> Case:
    inputs = {"head": f"{place.prefix}feature", "base": place.base, "title": f"{place.prefix}New", "labels": ["bug"]}
    return _case(place, "github.open_pull_request", inputs, arrange=lambda: _unit(_feature(place)))


def _merge(place: Place, method: str = "squash") -> Case:
    def arrange() -> None:
        place.pull(_feature(place))

    inputs = {"number": _next_number(place), "method": method}
    return _case(place, "github.merge_pull_request", inputs, arrange=arrange)


def _labels(place: Place) -> Case:
    inputs = {"number": _next_number(place), "labels": "bug, question"}
    return _case(place, "github.add_labels", inputs, arrange=lambda: _unit(place.issue()))


def _reviewers(place: Place) -> Case:
    server = place.fake
    server.add_user("hubot")
    repository = server.world.repository(place.repo)
    assert repository is not None
    repository.collaborators["hubot"] = "push"
    inputs = {"number": _next_number(place), "reviewers": ["hubot"]}
    return _case(place, "github.request_reviewers", inputs, arrange=lambda: _unit(place.pull(_feature(place))))


def _wait(place: Place) -> Case:
    inputs = {"number": _next_number(place), "appear_within": "100ms"}
    slow = {"repo": place.repo, "number": _next_number(place), "appear_within": "60s"}
    return _case(
        place, "github.wait_for_checks", inputs, arrange=lambda: _unit(place.pull(_feature(place))), slow_inputs=slow
    )


def _issue(place: Place) -> Case:
    return _case(place, "github.create_issue", {"title": f"{place.prefix}Disk full", "labels": ["bug"]})


def _comment(place: Place) -> Case:
    inputs = {"number": _next_number(place), "body": "fixed"}
    return _case(place, "github.comment_issue", inputs, arrange=lambda: _unit(place.issue()))


def _close(place: Place) -> Case:
    inputs = {"number": _next_number(place), "body": "done"}
    return _case(place, "github.close_issue", inputs, arrange=lambda: _unit(place.issue()))


def _dispatch(place: Place) -> Case:
    inputs = {"workflow": "ci.yml", "ref": place.base}
    return _case(place, "github.dispatch_workflow", inputs, arrange=lambda: _unit(_with_workflow(place)))


def _watch(place: Place) -> Case:
    def arrange() -> None:
        _with_workflow(place)
        place.fake.actions.advance_on_poll = True

    slow = {"repo": place.repo, "workflow": "none.yml", "ref": place.base}
    return _case(place, "github.watch_workflow", {"workflow": "ci.yml"}, arrange=arrange, slow_inputs=slow)


def _release(place: Place) -> Case:
    inputs = {"tag": f"{place.prefix}v1", "target": place.base, "body": "notes", "assets": [__file__]}
    return _case(place, "github.create_release", inputs)


def _feature(place: Place) -> str:
    """A branch with a change."""
    branch = place.branch("feature")
    place.commit(branch, {"feature.txt": "new\n", "README.md": "# better\n"})
    return branch


def _with_workflow(place: Place) -> str:
    assert place.fake
    return place.commit(place.base, {".github/workflows/ci.yml": WORKFLOW})


def _next_number(place: Place) -> int:
    newest = place.of_repo("GET", "/issues", state="all", per_page=1)
    return (newest[0]["number"] if newest else 0) + 1


def _unit(_: Any) -> None:
    return None


CASES: tuple[Callable[[Place], Case], ...] = (
    _create_repository, _create_branch, _delete_branch, _put_new, _put_over, _delete_file, _put_files, _put_workflow,
    _open_pull, _merge, _labels, _reviewers, _wait, _issue, _comment, _close, _dispatch, _watch, _release,
)  # fmt: skip


class TestGitHub(OperationContract):
    @pytest.fixture(params=CASES, ids=lambda make: make.__name__.strip("_"))
    def case(self, request: pytest.FixtureRequest, place: Place) -> Case:
        made: Case = request.param(place)
        return made


def test_every_operation_has_a_case(place: Place) -> None:
    assert {make(place).operation.name for make in CASES} == set(OPERATIONS)
