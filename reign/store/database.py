"""Connections and transactions, with the settings that make SQLite and PostgreSQL behave alike under load."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import psycopg
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from reign.core.errors import ReignError, Unavailable
from reign.store import pending

BUSY_TIMEOUT = 30.0  # seconds that a writer waits for another one
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.0003, 0.003  # seconds between two tries
_SQLITE = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=NORMAL",
    "PRAGMA foreign_keys=OFF",
    "PRAGMA temp_store=MEMORY",
)

#: A server that vanishes without a word is noticed in half a minute; the system's own defaults take two hours.
_KEEPALIVE = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 30_000}

Transaction = Connection

#: What the drivers themselves raise when the database is away, full or being restarted.
_DRIVER_ERRORS = (sqlite3.OperationalError, psycopg.OperationalError)


class Collision(Exception):
    """Another transaction has just written what there may be only one of."""


class Sealer(Protocol):
    """What ends a writing transaction: the audit's journal."""

    def forget(self, tx: Transaction) -> None: ...

    def seal(self, tx: Transaction) -> tuple[int, str] | None: ...

    def anchor(self, head: tuple[int, str]) -> None: ...


class Database:
    """One database of one process. Make it after the fork: children do not share connections.

    ``write()`` is a transaction that holds the write lock from its start (BEGIN IMMEDIATE on SQLite), ``read()`` one
    that does not wait for writers. Both raise Unavailable when the database does not answer. Without a ``journal``
    (tools and tests that have no key) nothing is audited.
    """

    def __init__(self, url: str, *, pool_size: int = 4, journal: Sealer | None = None) -> None:
        self.url = sa.make_url(url)
        self._journal = journal
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        #: How often a server has stopped answering: then what was committed unhurriedly may be gone (store.pending).
        self.losses = 0
        if self.is_sqlite:
            self.engine = sa.create_engine(
                self.url, connect_args={"timeout": BUSY_TIMEOUT, "check_same_thread": False}, pool_size=pool_size
            )
            event.listen(self.engine, "connect", _on_sqlite_connect)
            event.listen(self.engine, "begin", _on_sqlite_begin)
        else:
            self.engine = sa.create_engine(
                self.url,
                pool_size=pool_size,
                max_overflow=pool_size,
                pool_pre_ping=False,
                # What psycopg has prepared itself it would throw away, ours with it, after each rollback.
                connect_args={"connect_timeout": 5, "prepare_threshold": None, **_KEEPALIVE},
            )
            event.listen(self.engine, "connect", _on_postgres_connect)
            event.listen(self.engine, "before_cursor_execute", _before_others)
        self._reader = self.engine.execution_options(reign_read=True)
        if not self.is_sqlite:
            self._reader = self.engine.execution_options(isolation_level="AUTOCOMMIT")

    @property
    def shown(self) -> str:
        """The URL without its password."""
        return self.url.render_as_string(hide_password=True)

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """A transaction that is committed at the end, or rolled back on any error."""
        head = None
        with self._translated(), self.engine.begin() as tx:
            if self._journal is not None:
                self._journal.forget(tx)
            if not self.is_sqlite:
                pending.begin(tx)
            try:
                yield tx
                if self._journal is not None:
                    head = self._journal.seal(tx)
                if not self.is_sqlite:
                    pending.commit(tx, hurried=head is not None)
            except _DRIVER_ERRORS as error:
                if not self.is_sqlite:
                    tx.invalidate()  # a statement of the hot path failed: SQLAlchemy has not seen it
                raise self._unavailable(error) from error
            finally:
                if not self.is_sqlite and not tx.invalidated:
                    pending.give_up(tx)
        if head is not None and self._journal is not None:
            self._journal.anchor(head)

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """A connection for looking only."""
        with self._translated(), self._reader.connect() as tx:
            yield tx

    @contextmanager
    def snapshot(self) -> Iterator[Transaction]:
        """A connection for looking that sees one moment of the whole database, however long it looks."""
        engine = self._reader if self.is_sqlite else self.engine.execution_options(isolation_level="REPEATABLE READ")
        with self._translated(), engine.connect() as tx:
            tx.exec_driver_sql("SELECT 1")  # the moment is that of the first look
            if not self.is_sqlite:  # what is read goes to a file or a client that may be slow, and holds nobody up
                tx.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
            yield tx

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except ReignError:
            raise
        except (sqlite3.IntegrityError, psycopg.errors.UniqueViolation, IntegrityError) as error:
            raise Collision(str(error)) from error
        except _DRIVER_ERRORS as error:
            raise self._unavailable(error) from error
        except DBAPIError as error:
            if isinstance(error, OperationalError) or _is_damage(error.orig) or error.connection_invalidated:
                if error.connection_invalidated or not self.is_sqlite:
                    self.engine.pool.dispose() if hasattr(self.engine.pool, "dispose") else None
                raise self._unavailable(error.orig or error) from error
            raise
        except sqlite3.DatabaseError as error:
            if _is_damage(error):
                raise self._unavailable(error) from error
            raise

    def _unavailable(self, error: BaseException) -> Unavailable:
        if not self.is_sqlite:
            self.losses += 1
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        return Unavailable(f"the database {self.shown} does not answer: {reason}", hint=_hint(reason))

    def close(self) -> None:
        self.engine.dispose()


def upsert(tx: Transaction, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that can say what to do on a conflict, in the database's own dialect."""
    return sqlite.insert(table) if tx.dialect.name == "sqlite" else postgresql.insert(table)


def _is_damage(error: BaseException | None) -> bool:
    """Whether SQLite says that its file is damaged; it has no class of its own for that."""
    return type(error) is sqlite3.DatabaseError


def _hint(reason: str) -> str:
    if "malformed" in reason or "not a database" in reason:
        return "`reign state verify` says what is damaged, `reign state restore` brings a backup back"
    if "disk" in reason or "full" in reason or "space" in reason:
        return "make room on its disk; nothing is lost"
    if "readonly" in reason or "unable to open" in reason or "permission" in reason.lower():
        return "check that its folder is there and writable, or set REIGN_DATABASE_URL"
    if "no such table" in reason or "does not exist" in reason:
        return "run `reign state upgrade`"
    if "lock" in reason:
        return "another process holds a lock on it; this goes on when that has ended"
    return "is it running? `reign doctor` looks"


def _on_postgres_connect(connection: Any, _record: Any) -> None:
    for name, value in pending.SETTINGS.items():
        connection.execute("SELECT set_config(%s, %s, false)", (name, value))
    connection.commit()


def _on_sqlite_connect(connection: Any, _record: Any) -> None:
    assert isinstance(connection, sqlite3.Connection)
    connection.isolation_level = None  # we say BEGIN ourselves: the driver's own would come too late for IMMEDIATE
    for pragma in _SQLITE:
        connection.execute(pragma)


def _on_sqlite_begin(connection: Connection) -> None:
    # On the driver: SQLAlchemy takes longer to run these statements than SQLite.
    raw: Any = connection.connection.driver_connection
    if connection.get_execution_options().get("reign_read", False):
        raw.execute("BEGIN")
        return
    raw.execute("PRAGMA busy_timeout=0")
    try:
        _begin_writing(raw)
    finally:
        raw.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT * 1000:.0f}")


def _begin_writing(raw: sqlite3.Connection) -> None:
    """Take the write lock. Raises OperationalError if others hold it for longer than BUSY_TIMEOUT.

    SQLite's own wait sleeps longer each time, up to 100 ms: who writes now and then stands behind those who write all
    the time. Transactions here take about a millisecond; two tries are never much further apart than that.
    """
    give_up = time.monotonic() + BUSY_TIMEOUT
    pause = _SHORTEST_PAUSE
    while True:
        try:
            raw.execute("BEGIN IMMEDIATE")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > give_up:
                raise
        time.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_PAUSE)


def _before_others(connection: Connection, *_: Any) -> None:
    """A statement that SQLAlchemy runs itself comes after those of the hot path that wait."""
    pending.settle(connection)
