"""Fixtures of the GitHub agent's tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engines.github import Place, on_fake
from tests.fakes.github import GitHubServer
from tests.fakes.github.fixtures import github_description, github_server
from tests.integration.github.hands import Hands

__all__ = ["github_description", "github_server", "hands", "place"]


@pytest.fixture
def place(github_server: GitHubServer) -> Place:
    """Always the fake: these tests make it fail, and write to its main branch."""
    return on_fake(github_server)


@pytest.fixture
def hands(place: Place, tmp_path: Path) -> Hands:
    """The agent's operations, run against ``place``."""
    return Hands(place, tmp_path)
