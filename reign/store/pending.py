"""Statements that wait: on PostgreSQL what answers nothing is sent along with the next statement that does.

A round trip costs about as much as the statement that it carries, and the hot path has ten statements a task. They are
kept (store.wire) until one of them is asked for its answer; the server carries them out in order, and an error in one
undoes the transaction as ever. SQLite has no trips to save: there nothing waits.

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
from sqlalchemy.engine import Connection

from reign.store.wire import Answer, Line, Statement

# In a connection's ``info``: while it is in a transaction that writes, and for as long as it lives.
_TRIP, _LINE = "reign.trip", "reign.line"
#: Of every connection of ours. A statement is planned once a connection, for good: planning took longer than running.
#: A plan made while the tables were small must then suit them when they have grown, so it goes by the keys in any case.
#: That a commit waits for the disk is asked for by each that has to (:func:`commit`), which is most of them.
#: A process that is frozen inside a transaction (SIGSTOP, a paused machine) would hold the others up for ever: the
#: server ends its session. And who waits for a lock gives up as it would on SQLite (store.database.BUSY_TIMEOUT).
SETTINGS = {
    "idle_in_transaction_session_timeout": "20s",
    "lock_timeout": "30s",
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "synchronous_commit": "off",
    "jit": "off",
    "client_encoding": "UTF8",
}
_BEGIN = Statement(b"BEGIN ISOLATION LEVEL READ COMMITTED")
_HURRY = Statement(b"SET LOCAL synchronous_commit TO on")
_COMMIT = Statement(b"COMMIT")

Insert = Callable[[Any, list[Any]], object]


class _Trip:
    """What one transaction has under way."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.unhurried = False
        self._last: dict[Insert, list[Any]] = {}

    def send(self, statement: Statement, values: Sequence[bytes | None] | None = None) -> Answer:
        if self.line.idle:
            self.line.send(_BEGIN)
        return self.line.send(statement, values)

    @property
    def empty(self) -> bool:
        """Whether the transaction has done nothing at all."""
        return not self._last and self.line.idle

    def keep(self, insert: Insert, rows: Sequence[Any]) -> None:
        self._last.setdefault(insert, []).extend(rows)

    def kept(self) -> Mapping[Insert, list[Any]]:
        kept, self._last = self._last, {}
        return kept


def begin(tx: Connection) -> None:
    """A transaction begins that writes."""
    tx.info[_TRIP] = _Trip(_line(tx))


def answered(tx: Connection, statement: Statement, values: Sequence[bytes | None]) -> Answer:
    """What a statement answers; on a connection that is in no transaction that writes, it is there already."""
    trip = tx.info.get(_TRIP)
    if trip is not None:
        answer: Answer = trip.send(statement, values)
        return answer
    line = _line(tx)
    answer = line.send(statement, values)
    line.leave()
    return answer


def add(tx: Connection, statement: Statement, values: Sequence[bytes | None]) -> None:
    """Have a statement carried out, whatever it answers."""
    tx.info[_TRIP].send(statement, values)


def at_the_end(tx: Connection, insert: Insert, rows: Sequence[Any]) -> None:
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
        trip.line.leave()


def commit(tx: Connection, *, hurried: bool) -> None:
    """Send what is left and commit, in one round trip. ``hurried``: the commit waits for the disk in any case."""
    trip = tx.info[_TRIP]
    if trip.empty:
        return
    _send_kept(tx, trip)
    if hurried or not trip.unhurried:
        trip.send(_HURRY)
    trip.send(_COMMIT)  # psycopg's own commit() would be a trip more
    tx.info.pop(_TRIP).line.leave()


def give_up(tx: Connection) -> None:
    """The transaction ends otherwise: nothing of it is under way any more."""
    trip = tx.info.pop(_TRIP, None)
    if trip is not None:
        with contextlib.suppress(psycopg.Error):
            trip.line.leave()


def _send_kept(tx: Connection, trip: _Trip) -> None:
    for insert, rows in trip.kept().items():
        insert(tx, rows)


def _line(tx: Connection) -> Line:
    found = tx.info.get(_LINE)
    if found is None:
        driver: Any = tx.connection.driver_connection
        found = tx.info[_LINE] = Line(driver)
    line: Line = found
    return line
