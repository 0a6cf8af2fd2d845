"""Fixtures of the engine's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines.installation import Installation
from tests.integration.databases import database_url, postgres

__all__ = ["database_url", "installation", "postgres"]


@pytest.fixture
def installation(tmp_path: Path, database_url: str) -> Iterator[Installation]:
    """Broker and schema; the test starts the workers that it wants."""
    made = Installation(tmp_path, database_url=database_url, lease=2.0, heartbeat=0.3)
    made.prepare()
    yield made
    made.close()
