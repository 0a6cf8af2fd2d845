"""Backups of the state: one portable file for SQLite and PostgreSQL, so that a backup of one can be restored to the
other. Everything is read and written as rows, which a damaged page does not survive unseen.

The file is gzip over lines of JSON: a header ``{reign_backup, revision, at, ...}``; for each table ``{table, columns}``
and then a list for each row; last ``{rows, sha256}``, the hash of every line before it. Bytes stand as
``{"b64": ...}``. Tables are those of the database, not of the program: a backup made before a migration is whole.
"""

from __future__ import annotations

import base64
import contextlib
import gzip
import hashlib
import json
import os
import sqlite3
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from reign.core.errors import InvalidInput, ReignError
from reign.store import schema
from reign.store.database import Database, Transaction
from reign.store.tables import metadata

FORMAT = 1
_PAGE = 1000  # rows read and written at a time
_VERSION_TABLE = "alembic_version"


@dataclass(frozen=True)
class Summary:
    """What a sound backup holds."""

    path: Path
    header: dict[str, Any]
    rows: dict[str, int]

    @property
    def at(self) -> float:
        return float(self.header["at"])

    def as_dict(self) -> dict[str, Any]:
        shown = {key: value for key, value in self.header.items() if key != "signing_key"}
        return {"file": str(self.path), **shown, "with_key": "signing_key" in self.header, "rows": self.rows}


class Damaged(InvalidInput):
    """A file that is no backup, or not a whole one."""

    code = "invalid_backup"


# --- writing ---------------------------------------------------------------------------------------------------------


def write(database: Database, path: Path, about: Mapping[str, Any]) -> Summary:
    """Back the whole state up to ``path``, which is there whole or not at all. ``about`` goes into the header.

    Raises Unavailable, InvalidInput if the file cannot be written.
    """
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with database.snapshot() as tx:
            descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as raw:
                with gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=4, filename="", mtime=0) as out:
                    header = {"reign_backup": FORMAT, "revision": schema.current(tx), **about}
                    rows = _dump(tx, header, out)
                raw.flush()
                os.fsync(raw.fileno())
        partial.replace(path)
    except OSError as error:
        raise InvalidInput(f"the backup {path} cannot be written: {error.strerror}") from None
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()
    return Summary(path, header, rows)


def _dump(tx: Transaction, header: dict[str, Any], out: gzip.GzipFile) -> dict[str, int]:
    seen = hashlib.sha256()

    def line(value: Any) -> None:
        text = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
        seen.update(text)
        out.write(text)

    line(header)
    rows: dict[str, int] = {}
    for table in _tables(tx):
        line({"table": table.name, "columns": [column.name for column in table.c]})
        rows[table.name] = 0
        found = tx.execution_options(yield_per=_PAGE).execute(sa.select(table).order_by(*table.primary_key))
        for row in found:
            rows[table.name] += 1
            line([_written(value) for value in row])
    out.write(json.dumps({"rows": rows, "sha256": seen.hexdigest()}).encode() + b"\n")
    return rows


def _tables(tx: Transaction) -> list[sa.Table]:
    """The tables of REIGN that the database has, as it has them."""
    found = sa.MetaData()
    found.reflect(bind=tx, only=lambda name, _: name != _VERSION_TABLE)
    return [table for table in found.sorted_tables if table.name in metadata.tables]


def _written(value: Any) -> Any:
    if isinstance(value, bytes | memoryview):
        return {"b64": base64.b64encode(bytes(value)).decode()}
    return value


# --- reading ---------------------------------------------------------------------------------------------------------


def verify(path: Path) -> Summary:
    """What is in a backup, every line of it read and hashed. Raises Damaged."""
    seen = hashlib.sha256()
    header: dict[str, Any] | None = None
    rows: dict[str, int] = {}
    table = ""
    whole: Summary | None = None
    with _lines(path) as lines:
        for text, value in lines:  # to the end, as gzip checks its own only there
            if whole is not None:
                raise Damaged(f"{path} was changed: it goes on after its end")
            if header is None:
                header = _header(path, value)
            elif isinstance(value, dict) and "sha256" in value:
                if value["sha256"] != seen.hexdigest() or value["rows"] != rows:
                    raise Damaged(f"{path} was changed or damaged: its checksum is wrong")
                whole = Summary(path, header, rows)
            elif isinstance(value, dict):
                table = str(value["table"])
                rows[table] = 0
            else:
                rows[table] += 1
            seen.update(text)
    if whole is None:
        raise Damaged(f"{path} is not whole: its end is missing")
    return whole


def header_of(path: Path) -> dict[str, Any]:
    """The first line only. Raises Damaged."""
    with _lines(path) as lines:
        for _, value in lines:
            return _header(path, value)
    raise Damaged(f"{path} is empty")


def _header(path: Path, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or "reign_backup" not in value:
        raise Damaged(f"{path} is not a backup of REIGN", hint="`reign state backup` writes one")
    if value["reign_backup"] != FORMAT:
        raise Damaged(f"{path} is a backup of format {value['reign_backup']}; this version knows {FORMAT}")
    return value


@contextmanager
def _lines(path: Path) -> Iterator[Iterator[tuple[bytes, Any]]]:
    """Lines with what they say; every way in which a file can be damaged becomes Damaged."""
    try:
        with gzip.open(path, "rb") as file:
            yield ((text, json.loads(text)) for text in file)
    except ReignError:
        raise
    except FileNotFoundError:
        raise Damaged(f"there is no file {path}", hint="`reign state backups` lists them") from None
    except (gzip.BadGzipFile, zlib.error, EOFError):
        raise Damaged(f"{path} is damaged, or not a backup of REIGN") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = getattr(error, "strerror", None) or "a line of it cannot be read"
        raise Damaged(f"{path} is damaged: {reason}") from None


# --- restoring -------------------------------------------------------------------------------------------------------


def restore(database: Database, path: Path) -> Summary:
    """Put a backup in the place of all that the database holds, and bring it to this program's schema.

    One transaction on both databases: it is there whole, or nothing has changed. Raises Damaged, Conflict if the backup
    is of a newer program.
    """
    found = verify(path)
    with database.write() as tx:
        _drop(tx)
        schema.build(tx, found.header["revision"])
        with _lines(path) as lines:
            _load(tx, lines)
        _set_sequences(tx)
        schema.build(tx, "head")
    return found


def _drop(tx: Transaction) -> None:
    found = sa.MetaData()
    found.reflect(bind=tx, only=lambda name, _: name in metadata.tables or name == _VERSION_TABLE)
    found.drop_all(tx)


def _load(tx: Transaction, lines: Iterator[tuple[bytes, Any]]) -> None:
    there = {table.name: table for table in _tables(tx)}
    insert: Callable[[list[Any]], None] = lambda page: None  # noqa: E731
    page: list[Any] = []
    next(lines)  # the header
    for _, value in lines:
        if isinstance(value, list):
            page.append(value)
            if len(page) < _PAGE:
                continue
        insert(page)
        page = []
        if isinstance(value, dict) and "table" in value:
            insert = _inserter(tx, there[value["table"]], value["columns"])


def _inserter(tx: Transaction, table: sa.Table, columns: list[str]) -> Callable[[list[Any]], None]:
    if tx.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first():
        tx.execute(table.delete())  # what the migrations put there

    def insert(page: list[Any]) -> None:
        if page:
            rows = [{name: _read(tx, item) for name, item in zip(columns, row, strict=True)} for row in page]
            tx.execute(table.insert(), rows)

    return insert


def _read(tx: Transaction, value: Any) -> Any:
    if isinstance(value, dict):
        return base64.b64decode(value["b64"])
    if isinstance(value, str) and "\0" in value and tx.dialect.name != "sqlite":
        return value.replace("\0", "\ufffd")  # PostgreSQL's text holds no NUL
    return value


def _set_sequences(tx: Transaction) -> None:
    """Numbers that the database gives go on after the highest that was restored."""
    if tx.dialect.name == "sqlite":
        return
    for table in _tables(tx):
        for column in table.primary_key:
            name = tx.execute(sa.select(sa.func.pg_get_serial_sequence(table.name, column.name))).scalar_one()
            if name is not None:
                highest = tx.execute(sa.select(sa.func.max(column))).scalar_one()
                tx.execute(sa.select(sa.func.setval(name, highest or 1, highest is not None)))


# --- the file of an SQLite state -------------------------------------------------------------------------------------

_MAGIC = b"SQLite format 3\0"


def sqlite_fault(path: Path) -> str | None:
    """What is wrong with an SQLite file, in a few words; None if it is sound, or not there at all."""
    try:
        with path.open("rb") as file:
            start = file.read(100)
    except FileNotFoundError:
        return None
    except OSError as error:
        return str(error.strerror)
    if not start:
        return "it is empty"
    if not start.startswith(_MAGIC):
        return "it is not an SQLite file any more"
    if short := _cut_off(path, start):
        return short
    try:
        connection = sqlite3.connect(path, timeout=5)
        try:
            said = [str(row[0]) for row in connection.execute("PRAGMA quick_check(1)")]
        finally:
            connection.close()
    except sqlite3.OperationalError as error:
        return None if "locked" in str(error) else str(error)
    except sqlite3.DatabaseError as error:
        return str(error)
    return None if said == ["ok"] else " ".join(said[0].replace("*** in database main ***", "").split())


def _cut_off(path: Path, header: bytes) -> str | None:
    """SQLite reads what is missing of the last page as zeros, and finds nothing wrong with them. With a write-ahead log
    beside it a file may be shorter than its header says: the log has the rest. https://sqlite.org/fileformat2.html
    """
    log = path.with_name(f"{path.name}-wal")
    if (log.exists() and log.stat().st_size) or header[24:28] != header[92:96]:
        return None
    page = int.from_bytes(header[16:18])
    expected = int.from_bytes(header[28:32]) * (65536 if page == 1 else page)
    there = path.stat().st_size
    return f"it was cut off: {there} of its {expected} bytes are there" if there < expected else None
