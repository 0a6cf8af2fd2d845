"""Statements that wait: on PostgreSQL what answers nothing is sent along with the next statement that does.

A round trip costs about as much as the statement that it carries, and the hot path has ten statements a task. In
psycopg's pipeline mode a statement is sent without waiting for the one before it; the server carries them out in order,
and an error in one undoes the transaction as ever. SQLite has no trips to save: there nothing waits.

Nor need every commit wait for the disk. What a transaction writes that could simply be done again (the claim and the
end of an attempt that changes nothing outside) is committed without waiting: PostgreSQL writes it some milliseconds
later, in order, and in any case before a later commit that does wait. It survives the death of every process of ours,
and is lost only if the database server itself dies in that moment, as with SQLite's ``synchronous=NORMAL``.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy.engine import Connection

_TRIP = "reign.trip"  # in a connection's ``info`` while it is in a transaction that writes
#: Of every connection of ours. A statement is planned once a connection, for good: planning took longer than running.
#: A plan made while the tables were small must then suit them when they have grown, so it goes by the keys in any case.
#: That a commit waits for the disk is asked for by each that has to (:func:`commit`), which is most of them.
SETTINGS = {"plan_cache_mode": "force_generic_plan", "enable_seqscan": "off", "synchronous_commit": "off", "jit": "off"}
_HURRY = "SET LOCAL synchronous_commit TO on"


class _Trip:
    """What one transaction has under way."""

    def __init__(self, raw: Any) -> None:
        self.raw = raw
        self.unhurried = False
        self._pipeline: Any = None  # a context; open if there is one
        self._last: dict[Callable[[Any, list[Any]], object], list[Any]] = {}

    def send(self, sql: str, parameters: Any, *, many: bool = False) -> Any:
        """The statement's cursor; who fetches from it waits for the answer."""
        if self._pipeline is None:  # also takes the transaction's BEGIN along
            self._pipeline = self.raw.pipeline()
            self._pipeline.__enter__()
        if not many:
            return self.raw.execute(sql, parameters)
        cursor = self.raw.cursor()
        cursor.executemany(sql, parameters)
        return cursor

    def leave(self) -> None:
        """Wait for all that has been sent, and go on without a pipeline. Raises what went wrong."""
        pipeline, self._pipeline = self._pipeline, None
        if pipeline is not None:
            pipeline.__exit__(None, None, None)

    @property
    def empty(self) -> bool:
        """Whether the transaction has done nothing at all."""
        return self._pipeline is None and not self._last and self.raw.info.transaction_status is TransactionStatus.IDLE

    def keep(self, insert: Callable[[Any, list[Any]], object], rows: Sequence[Any]) -> None:
        self._last.setdefault(insert, []).extend(rows)

    def kept(self) -> Mapping[Callable[[Any, list[Any]], object], list[Any]]:
        kept, self._last = self._last, {}
        return kept


def begin(tx: Connection) -> None:
    """A transaction begins that writes."""
    tx.info[_TRIP] = _Trip(_driver(tx))


def answered(tx: Connection, sql: str, parameters: Any) -> Any:
    """The cursor of a statement; on a connection that is in no transaction that writes, it has its answer already."""
    trip = tx.info.get(_TRIP)
    return _driver(tx).execute(sql, parameters) if trip is None else trip.send(sql, parameters)


def add(tx: Connection, sql: str, parameters: Any, *, many: bool = False) -> None:
    """Have a statement carried out, whatever it answers; ``many``: once for each of ``parameters``."""
    tx.info[_TRIP].send(sql, parameters, many=many)


def at_the_end(tx: Connection, insert: Callable[[Any, list[Any]], object], rows: Sequence[Any]) -> None:
    """Have ``insert(tx, rows)`` called with the rows of all such calls: before the commit, or a statement of others."""
    tx.info[_TRIP].keep(insert, rows)


def unhurried(tx: Connection) -> None:
    """This transaction need not have reached the disk when its commit is answered: all it says could be done again."""
    if (trip := tx.info.get(_TRIP)) is not None:
        trip.unhurried = True


def settle(tx: Connection) -> None:
    """Send what is left and wait for it, before a statement that goes its own way."""
    if (trip := tx.info.get(_TRIP)) is not None:
        _send_kept(tx, trip)
        trip.leave()


def commit(tx: Connection, *, hurried: bool) -> None:
    """Send what is left and commit, in one round trip. ``hurried``: the commit waits for the disk in any case."""
    trip = tx.info[_TRIP]
    if trip.empty:
        return
    _send_kept(tx, trip)
    if hurried or not trip.unhurried:
        trip.send(_HURRY, None)
    trip.send("COMMIT", None)  # psycopg's own commit() would wait for its answer, and then once more to leave
    tx.info.pop(_TRIP).leave()


def give_up(tx: Connection) -> None:
    """The transaction ends otherwise: nothing of it is under way any more."""
    trip = tx.info.pop(_TRIP, None)
    if trip is not None:
        with contextlib.suppress(psycopg.Error):
            trip.leave()


def _send_kept(tx: Connection, trip: _Trip) -> None:
    for insert, rows in trip.kept().items():
        insert(tx, rows)


def _driver(tx: Connection) -> Any:
    return tx.connection.driver_connection
