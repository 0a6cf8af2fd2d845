"""An SQLite file that lost its end, down to one byte, is told from a sound one."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from reign.store.backup import sqlite_fault


@pytest.fixture
def state(tmp_path: Path) -> Path:
    path = tmp_path / "reign.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (x TEXT)")
        connection.executemany("INSERT INTO t VALUES (?)", [("x" * 500,)] * 100)
    connection.close()
    return path


@pytest.mark.parametrize("lost", [1, 100, 4096, 20_000])
def test_a_file_that_was_cut_off(state: Path, lost: int) -> None:
    assert sqlite_fault(state) is None
    content = state.read_bytes()
    state.write_bytes(content[:-lost])
    assert sqlite_fault(state) == f"it was cut off: {len(content) - lost} of its {len(content)} bytes are there"


def test_the_rest_may_be_in_the_log(state: Path) -> None:
    connection = sqlite3.connect(state)
    connection.execute("PRAGMA journal_mode = wal")
    connection.execute("INSERT INTO t VALUES ('y')")
    connection.commit()
    assert state.with_name("reign.db-wal").stat().st_size
    state.write_bytes(state.read_bytes()[:-10])
    assert "cut off" not in (sqlite_fault(state) or "")
    connection.close()
