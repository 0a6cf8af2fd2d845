"""A missing engine excuses its tests on a laptop; where it is named in ``REIGN_REQUIRE`` it fails them."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def missing(engine: str, reason: str) -> NoReturn:
    """Skip the test because ``engine`` is not there, or fail it if ``REIGN_REQUIRE`` (comma list) names the engine."""
    required = {name.strip() for name in os.environ.get("REIGN_REQUIRE", "").split(",")}
    if engine in required:
        pytest.fail(f"{engine} is required and not there: {reason}", pytrace=False)
    pytest.skip(f"no {engine}: {reason}")
