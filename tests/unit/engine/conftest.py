"""A state to work on in-process: a real SQLite file, no broker."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reign.config import Settings
from reign.engine.runtime import Runtime
from reign.store import schema
from tests.engines.inline import Inline
from tests.integration.databases import database_url, postgres

__all__ = ["database_url", "either", "inline", "postgres", "runtime"]


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Runtime]:
    """A runtime with an empty, current state."""
    made = Runtime(Settings.load(data_dir=tmp_path / "data"))
    made.settings.writable_data_dir()
    schema.upgrade(made.database)
    yield made
    made.close()


@pytest.fixture
def inline(tmp_path: Path) -> Iterator[Inline]:
    """An engine that carries out runs in this process, in a work folder of its own."""
    (tmp_path / "world").mkdir()
    made = Inline(tmp_path / "world")
    yield made
    made.close()


@pytest.fixture
def either(tmp_path: Path, database_url: str) -> Iterator[Inline]:
    """:func:`inline` on each of the two databases."""
    (tmp_path / "world").mkdir()
    made = Inline(tmp_path / "world", database_url)
    yield made
    made.close()
