"""Databases for tests: every test of the state runs on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests.engines.postgres import Missing, Postgres
from tests.engines.required import missing


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One server for the session."""
    try:
        server = Postgres()
        server.start()
    except Missing as error:
        missing("postgres", str(error))
    yield server
    server.stop()


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: object) -> str:
    """A fresh database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/state.db"
    server: Postgres = request.getfixturevalue("postgres")
    return server.database(f"t{uuid4().hex[:12]}")
