"""Statements that wait: on PostgreSQL what answers nothing is sent along with the next statement that does.

A round trip costs about as much as the statement that it carries, and the hot path has ten statements a task. psycopg's
pipeline mode sends several in one go; the server carries them out in order, and an error in one undoes the transaction
as ever. SQLite has no trips to save: there nothing waits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psycopg.pq import TransactionStatus
from sqlalchemy.engine import Connection

_WAITING = "reign.waiting"  # in a connection's ``info``: [(sql, parameters, whether they are many)]


def forget(tx: Connection) -> None:
    """A transaction begins: nothing waits that an earlier one has left behind."""
    tx.info.pop(_WAITING, None)


def add(tx: Connection, sql: str, parameters: Any, *, many: bool = False) -> None:
    """Have a statement carried out before the next one that answers, or with the commit."""
    tx.info.setdefault(_WAITING, []).append((sql, parameters, many))


def answered(tx: Connection, sql: str, parameters: Any) -> Any:
    """The cursor of a statement, carried out after those that wait, in one round trip."""
    raw = _driver(tx)
    begins = not raw.autocommit and raw.info.transaction_status is TransactionStatus.IDLE
    if not begins and not tx.info.get(_WAITING):
        return raw.execute(sql, parameters)
    with raw.pipeline():  # also takes the transaction's BEGIN along
        _send(raw, tx)
        return raw.execute(sql, parameters)


def settle(tx: Connection) -> None:
    """Carry out what waits, before a statement that goes its own way."""
    if tx.info.get(_WAITING):
        raw = _driver(tx)
        with raw.pipeline():
            _send(raw, tx)


def commit(tx: Connection) -> None:
    """Carry out what waits and commit, in one round trip."""
    if tx.info.get(_WAITING):
        raw = _driver(tx)
        with raw.pipeline():
            _send(raw, tx)
            raw.commit()


def _send(raw: Any, tx: Connection) -> None:
    waiting: Sequence[tuple[str, Any, bool]] = tx.info.pop(_WAITING, ())
    for sql, parameters, many in waiting:
        if many:
            raw.cursor().executemany(sql, parameters)
        else:
            raw.execute(sql, parameters)


def _driver(tx: Connection) -> Any:
    return tx.connection.driver_connection
