"""A file that SQLite cannot read is told as what it is, with the way back."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from reign.core.errors import Unavailable
from reign.store import schema
from reign.store.database import Database


def test_a_file_that_is_none_of_sqlites(tmp_path: Path) -> None:
    (tmp_path / "state.db").write_bytes(b"no database at all " * 100)
    database = Database(f"sqlite:///{tmp_path}/state.db")
    with pytest.raises(Unavailable, match="not a database") as caught, database.read() as tx:
        schema.current(tx)
    assert "`reign state restore`" in (caught.value.hint or "")
    database.close()


def test_a_file_with_a_torn_page(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    database = Database(f"sqlite:///{path}")
    with database.write() as tx:
        tx.execute(sa.text("CREATE TABLE t (x TEXT)"))
        for number in range(50):
            tx.execute(sa.text("INSERT INTO t VALUES (:x)"), {"x": str(number) * 500})
    database.close()
    content = bytearray(path.read_bytes())
    content[4096 * 2 :] = b"\xff" * (len(content) - 4096 * 2)
    path.write_bytes(content)
    with pytest.raises(Unavailable, match="malformed") as caught, database.read() as tx:
        tx.execute(sa.text("SELECT * FROM t")).all()
    assert "`reign state restore`" in (caught.value.hint or "")
    with pytest.raises(Unavailable, match="malformed"), database.read() as tx:  # as the hot path's statements raise it
        _plainly(tx)
    database.close()


def _plainly(tx: sa.Connection) -> None:
    raw = tx.connection.dbapi_connection
    assert raw is not None
    raw.cursor().execute("SELECT * FROM t").fetchall()
