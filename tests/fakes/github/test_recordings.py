"""The fake answers recorded requests as GitHub did."""

from __future__ import annotations

import pytest

from tests.fakes.github.openapi import OpenApi
from tests.fakes.github.recordings import OUTSIDE, Replay, Scenario, recorded_world

REPLAYED = (
    "add-and-remove-repository-collaborator",
    "add-labels-to-issue",
    "branch-protection",
    "create-file",
    "create-status",
    "errors",
    "get-content",
    "get-organization",
    "get-repository",
    "get-root",
    "git-refs",
    "labels",
    "lock-issue",
    "paginate-issues",
    "release-assets",
    "release-assets-conflict",
    "rename-repository",
    "search-issues",
)


@pytest.mark.parametrize("name", REPLAYED)
def test_a_recorded_scenario_is_answered_alike(
    name: str, recordings: dict[str, Scenario], github_description: OpenApi | None
) -> None:
    server, clock = recorded_world(github_description)
    with server:
        assert Replay(server, clock).run(recordings[name]) == []
    assert server.violations == []


def test_every_scenario_is_replayed_or_said_to_be_outside(recordings: dict[str, Scenario]) -> None:
    assert set(recordings) == {*REPLAYED, *OUTSIDE}


def test_a_difference_is_noticed(recordings: dict[str, Scenario]) -> None:
    server, clock = recorded_world(None)
    with server:
        server.world.account("octokit-fixture-user-a").zone = clock().tzinfo  # type: ignore[assignment]
        differences = Replay(server, clock).run(recordings["create-file"])
    # A commit signed in another time zone is another commit.
    assert any("/commit/sha" in difference for difference in differences)
