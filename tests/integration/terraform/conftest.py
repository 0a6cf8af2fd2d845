"""Worlds on today's terraform, and for what every version must do alike on terraform 1.0 and OpenTofu too."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engines import terraform as engines
from tests.integration.terraform.world import World

EVERY: dict[str, Callable[[], str]] = {
    "terraform": engines.terraform,
    "terraform-1.0": engines.terraform_1_0,
    "tofu": engines.tofu,
}


@pytest.fixture
def world(tmp_path: Path) -> World:
    """On today's terraform."""
    return World(tmp_path, engines.terraform(), engines.plugins())


@pytest.fixture
def oldest_world(tmp_path: Path) -> World:
    """On the oldest terraform that the agent promises."""
    return World(tmp_path, engines.terraform_1_0(), engines.plugins())


@pytest.fixture(params=list(EVERY))
def every_world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    """On each of the products and versions that the agent promises."""
    return World(tmp_path, EVERY[request.param](), engines.plugins())
