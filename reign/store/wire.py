"""PostgreSQL's wire: statements that are prepared once a connection and sent many at a time.

libpq's pipeline mode, as ``psycopg.pq`` gives it. psycopg's own pipeline sends each statement when it is asked for, so
that the server wakes for each; and what it does for one took as much Python as the rest of the hot path. Here they are
kept until somebody wants an answer. All else goes through psycopg's connection, which this leaves as it found it.
"""

from __future__ import annotations

import select
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import errors
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult

_GOOD = frozenset({ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK})

#: Seconds until a server that has not moved at all is given up. Longer than any wait of the server's own (locks:
#: store.pending), so that what runs into it is a server, or a way to it, that hangs.
SILENCE = 60.0

#: How the values of a column are read from PostgreSQL's texts, by the number of its type (pg_type.oid).
_READERS: dict[int, Callable[[bytes], Any]] = {
    16: b"t".__eq__,  # bool
    20: int,
    21: int,
    23: int,
    25: bytes.decode,  # text
    701: float,
    1043: bytes.decode,  # varchar
}


def text(value: Any) -> bytes | None:
    """A parameter as PostgreSQL reads it. Raises DataError for what has none."""
    if value is None:
        return None
    if isinstance(value, str):
        raw = value.encode()
        if b"\0" in raw:  # libpq would send what stands before it
            raise psycopg.DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes")
        return raw
    if isinstance(value, bool):
        return b"t" if value else b"f"
    if isinstance(value, int | float):
        return repr(value).encode()
    raise psycopg.DataError(f"no parameter of a hot statement: {type(value).__name__}")


@dataclass(frozen=True, slots=True)
class Statement:
    """``sql`` with ``$1``, ``$2`` ...; ``types``: the pg_type.oid of each, 0 where PostgreSQL is to find out."""

    sql: bytes
    types: tuple[int, ...] = ()


class Answer:
    """What a statement answers, as soon as its line has been read so far."""

    __slots__ = ("_line", "result")

    def __init__(self, line: Line) -> None:
        self._line = line
        self.result: PGresult | None = None

    def rows(self) -> list[tuple[Any, ...]]:
        """Wait for it. Raises psycopg's errors: its own, that of one before it, OperationalError after SILENCE."""
        if self.result is None:
            self._line.read_until(self)
        found = self.result
        assert found is not None
        columns = range(found.nfields)
        readers = [_READERS[found.ftype(column)] for column in columns]
        return [
            tuple(None if (raw := found.get_value(row, column)) is None else readers[column](raw) for column in columns)
            for row in range(found.ntuples)
        ]


class Line:
    """The statements of one connection that are under way. Open from the first that is sent until it is left."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._pg = connection.pgconn
        self._names: dict[Statement, bytes] = {}  # those that the server knows, or will when it comes to them
        self._prepared = 0
        #: In the order of the server's answers; a Statement stands for its preparation, None for a sync.
        self._due: deque[Answer | Statement | None] = deque()
        self._readable, self._either = select.poll(), select.poll()
        self._readable.register(self._pg.socket, select.POLLIN)
        self._either.register(self._pg.socket, select.POLLIN | select.POLLOUT)
        self.open = False

    @property
    def idle(self) -> bool:
        """Whether the connection is in no transaction, and nothing is under way."""
        return not self.open and self._pg.transaction_status == TransactionStatus.IDLE

    def send(self, statement: Statement, values: Sequence[bytes | None] | None = None) -> Answer:
        """Have a statement carried out after those before it."""
        if not self.open:
            self._pg.enter_pipeline_mode()
            self.open = True
        name = self._names.get(statement)
        if name is None:
            self._prepared += 1
            name = self._names[statement] = b"reign_%d" % self._prepared
            self._pg.send_prepare(name, statement.sql, statement.types)
            self._due.append(statement)
        self._pg.send_query_prepared(name, values)
        answer = Answer(self)
        self._due.append(answer)
        return answer

    def read_until(self, answer: Answer) -> None:
        """Read answers up to this one. Raises the first error of those; an answer that was lost with one stays lost."""
        if answer not in self._due:
            raise errors.PipelineAborted("a statement before it failed")
        self._sync()  # not a flush: until it meets a sync, the server does not count a client as idle, however long
        while answer.result is None:
            if error := self._take():
                raise error

    def leave(self) -> None:
        """Wait for all that is under way; the connection is psycopg's again. Raises the first error of those."""
        if not self.open:
            return
        self._sync()
        first = None
        while self._due:
            error = self._take()
            first = first or error
        self._pg.exit_pipeline_mode()
        self.open = False
        if first:
            raise first

    def _take(self) -> psycopg.Error | None:
        """Read what the first one that is due answers. Raises OperationalError if the server is gone."""
        result = self._result()
        if result is None:
            raise psycopg.OperationalError("the server has closed the connection")
        due = self._due.popleft()
        if due is None:
            return None  # nothing follows a sync's one answer
        while self._result() is not None:
            pass
        if result.status in _GOOD:
            if isinstance(due, Answer):
                due.result = result
            return None
        if isinstance(due, Statement):
            self._names.pop(due, None)
        if result.status == ExecStatus.PIPELINE_ABORTED:
            return errors.PipelineAborted("a statement before it failed")
        return errors.error_from_result(result)

    def _result(self) -> PGresult | None:
        while self._pg.is_busy():
            self._wait(self._readable)
        return self._pg.get_result()

    def _sync(self) -> None:
        self._pg.pipeline_sync()
        self._due.append(None)
        while self._pg.flush():
            self._wait(self._either)  # a server that cannot get rid of its answers takes no more statements

    def _wait(self, until: select.poll) -> None:
        if not until.poll(SILENCE * 1000):
            self._pg.finish()  # whoever tidies up would wait for it again
            raise psycopg.OperationalError(f"nothing came for {SILENCE:g} s")
        self._pg.consume_input()
