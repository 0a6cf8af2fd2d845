"""A state to work on in-process: a real SQLite file, no broker."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reign.config import Settings
from reign.engine.runtime import Runtime
from reign.store import schema


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Runtime]:
    """A runtime with an empty, current state."""
    made = Runtime(Settings.load(data_dir=tmp_path / "data"))
    made.settings.writable_data_dir()
    schema.upgrade(made.database)
    yield made
    made.close()
