"""Kept content: once under its SHA-256, and not to be read out of the database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from reign.core.errors import InvalidInput, NotFound, Unavailable
from reign.store import blobs as kept
from reign.store import schema
from reign.store.blobs import SqlBlobs
from reign.store.database import Database
from reign.store.tables import blobs

SECRET = b"correct-horse-battery-staple"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path}/state.db")
    schema.upgrade(made)
    yield made
    made.close()


def test_content_comes_back_and_is_kept_once(database: Database) -> None:
    store = SqlBlobs(database, 1.0, b"key")
    ref = store.put(SECRET)
    assert store.put(SECRET) == ref
    assert SqlBlobs(database, 2.0, b"key").get(ref) == SECRET
    with database.read() as tx:
        assert tx.execute(sa.select(sa.func.count()).select_from(blobs)).scalar_one() == 1


def test_a_secret_does_not_stand_in_the_database(database: Database, tmp_path: Path) -> None:
    SqlBlobs(database, 1.0, b"key").put(SECRET)
    database.close()
    assert not any(SECRET in path.read_bytes() for path in tmp_path.glob("state.db*"))


def test_what_cannot_be_read_says_why(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    store = SqlBlobs(database, 1.0, b"key")
    ref = store.put(SECRET)
    with pytest.raises(Unavailable, match="another key") as failure:
        SqlBlobs(database, 1.0, b"other").get(ref)
    assert "REIGN_SIGNING_KEY" in (failure.value.hint or "")
    with pytest.raises(NotFound):
        store.get("blob:none")
    monkeypatch.setattr(kept, "LIMIT", 10)
    with pytest.raises(InvalidInput, match="too large"):
        store.put(SECRET)
