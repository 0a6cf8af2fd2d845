"""Fixtures around the server; a conftest imports those it uses."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import github
import pytest

from tests.engines.required import missing
from tests.fakes.github.description import MaterialMissing, recorded_scenarios
from tests.fakes.github.openapi import OpenApi, published
from tests.fakes.github.recordings import Scenario, scenarios
from tests.fakes.github.server import GitHubServer

Client = Callable[..., github.Github]


@pytest.fixture(scope="session")
def github_description() -> OpenApi | None:
    """GitHub's OpenAPI description; None if it cannot be had and REIGN_REQUIRE does not name github."""
    try:
        return published()
    except MaterialMissing as problem:
        if "github" in map(str.strip, os.environ.get("REIGN_REQUIRE", "").split(",")):
            missing("github", str(problem))
        return None


@pytest.fixture
def openapi(github_description: OpenApi | None) -> OpenApi:
    """For tests of the checks themselves: skipped without the description."""
    if github_description is None:
        missing("github", "GitHub's OpenAPI description could not be fetched by npm")
    return github_description


@pytest.fixture
def recordings() -> dict[str, Scenario]:
    """Recorded exchanges with GitHub by scenario; skipped without them."""
    try:
        return scenarios(recorded_scenarios())
    except MaterialMissing as problem:
        missing("github", str(problem))


@pytest.fixture
def github_server(github_description: OpenApi | None) -> Iterator[GitHubServer]:
    """A GitHub with the user mona; fails the test for whatever differs from GitHub's description."""
    with GitHubServer(github_description) as server:
        server.add_user("mona")
        yield server
        assert not server.violations, "\n".join(str(one) for one in server.violations)


@pytest.fixture
def client(github_server: GitHubServer) -> Iterator[Client]:
    """Makes PyGithub clients without its retries and pauses: `client()` is mona with every scope."""
    made: list[github.Github] = []

    def make(
        token: str | None = None, base_url: str | None = None, auth: github.Auth.Auth | None = None
    ) -> github.Github:
        chosen = auth or github.Auth.Token(token or github_server.add_token("mona"))
        made.append(
            github.Github(
                base_url=base_url or github_server.url,
                auth=chosen,
                retry=None,
                seconds_between_requests=None,
                seconds_between_writes=None,
            )
        )
        return made[-1]

    yield make
    for one in made:
        one.close()
