"""examples/review-app: one plan through terraform, docker, validation and github, by a whole REIGN, and taken back."""

from __future__ import annotations

import shutil
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from reign.core import planfile
from reign.core.states import RunState
from tests.engines import terraform as engines
from tests.engines.docker import docker_engine
from tests.engines.github import Place, on_fake
from tests.engines.installation import Installation
from tests.fakes.github import GitHubServer
from tests.fakes.github.fixtures import github_description, github_server
from tests.integration.docker.conftest import world
from tests.integration.docker.world import World, free_port

__all__ = ["docker_engine", "github_description", "github_server", "world"]

EXAMPLE = Path(__file__).parents[3] / "examples" / "review-app"


@pytest.fixture
def place(github_server: GitHubServer) -> Place:
    return on_fake(github_server)


@pytest.fixture
def installation(world: World, place: Place, tmp_path: Path) -> Iterator[Installation]:
    engines.terraform()
    shutil.copytree(EXAMPLE, tmp_path / "examples" / "review-app", ignore=shutil.ignore_patterns(".terraform*"))
    found = Installation(tmp_path)
    try:
        found.prepare()
        found.start_worker("docker", "validation", DOCKER_HOST=world.engine.host)
        found.start_worker("terraform", "github", GITHUB_TOKEN=place.token, GITHUB_API_URL=place.url)
        yield found
    finally:
        found.close()


def test_a_pull_request_gets_a_place_to_look_at(
    installation: Installation, world: World, place: Place, tmp_path: Path
) -> None:
    place.commit(place.branch("more"), {"more.txt": "more\n"})
    number, port = place.pull("more"), free_port()
    content, _ = planfile.load((EXAMPLE / "plan.yaml").read_text())
    assert isinstance(content, dict)
    given = {"repository": place.repo, "pull_request": number, "port": port}
    run = installation.submit(content, params=given)
    assert installation.wait(run, 120).state is RunState.SUCCEEDED, (installation.tasks(run), installation.log())
    greeting = f"Review of pull request {number}"
    assert greeting in urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10).read().decode()
    [comment] = place.of_repo("GET", f"/issues/{number}/comments")
    assert f"{greeting}: http://127.0.0.1:{port}/" in comment["body"]

    back = installation.general.rollback(run.name)
    assert installation.wait(back, 120).state is RunState.SUCCEEDED, (installation.tasks(back), installation.log())
    assert place.of_repo("GET", f"/issues/{number}/comments") == []
    assert [c for c in world.client.containers.list(all=True) if c.name == f"review-{number}"] == []
    states = list((tmp_path / "examples" / "review-app").rglob("*.tfstate"))
    assert all('"resources": []' in state.read_text() for state in states)
