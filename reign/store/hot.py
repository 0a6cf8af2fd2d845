"""Statements of the hot path: written in SQLAlchemy Core, compiled once a dialect, run without SQLAlchemy.

SQLAlchemy's execution of a compiled statement costs about 60 us of Python, several times what SQLite needs for the
statement itself; eight statements a task made it the largest part of the engine's time. On SQLite they run on the
driver's own cursor, on PostgreSQL on its wire (store.wire). What these give up is small: parameters are plain numbers,
strings, booleans and None, and rows come as plain tuples with names.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.sql import visitors

from reign.store import pending, wire
from reign.store.database import Transaction

Parameters = Mapping[str, Any]


class Hot:
    """A statement to be run often. ``columns``: those that an INSERT sets."""

    def __init__(self, statement: Any, columns: Sequence[str] | None = None) -> None:
        self._statement = statement
        self._columns = list(columns) if columns is not None else None
        self._made: dict[str, _Compiled] = {}
        wanted = set(columns or ())

        def may_wait(parameter: Any) -> None:
            """A value that comes with each run is not there yet when the statement is compiled."""
            if parameter.required:
                wanted.add(parameter.key)
                parameter.required = False

        visitors.traverse(statement, {}, {"bindparam": may_wait})
        self._wanted = frozenset(wanted)

    def one(self, tx: Transaction, parameters: Parameters) -> Any:
        """The only row, with its columns as attributes, or None."""
        return self.ask(tx, parameters)()

    def ask(self, tx: Transaction, parameters: Parameters) -> Callable[[], Any]:
        """:meth:`one`, answered when the result is called for: what comes before that need not wait for it."""
        return self._compiled(tx).ask(tx, parameters)

    def all(self, tx: Transaction, parameters: Parameters) -> list[Any]:
        """All rows, with their columns as attributes."""
        return self._compiled(tx).all(tx, parameters)

    def later(self, tx: Transaction, parameters: Parameters) -> None:
        """Run it without asking how it went: on PostgreSQL without waiting for it (see store.pending)."""
        self._compiled(tx).later(tx, [parameters])

    def many(self, tx: Transaction, rows: Sequence[Parameters]) -> None:
        """Run it once for each of ``rows``, as :meth:`later` does."""
        self._compiled(tx).later(tx, rows)

    def _compiled(self, tx: Transaction) -> _Compiled:
        name = tx.dialect.name
        made = self._made.get(name)
        if made is None:
            kind = _OnSqlite if name == "sqlite" else _OnPostgres
            made = self._made[name] = kind(self._statement, self._columns, self._wanted, tx.dialect)
        return made


class Rows:
    """An INSERT of as many rows as come together. To PostgreSQL they go in few statements: each costs as much again as
    its row."""

    _AT_A_TIME = 16

    def __init__(self, table: sa.Table, columns: Sequence[str]) -> None:
        self._table = table
        self._columns = tuple(columns)
        self._each = Hot(table.insert(), columns)
        self._together = cache(self._of)

    def add(self, tx: Transaction, rows: Sequence[Mapping[str, Any]]) -> None:
        """``rows`` have all columns."""
        if tx.dialect.name == "sqlite":
            self._one_by_one(tx, rows)
        else:
            self._few_statements(tx, rows)

    def gather(self, tx: Transaction, rows: Sequence[Mapping[str, Any]]) -> None:
        """:meth:`add` for rows that nobody looks at in this transaction: they may come with its end."""
        if tx.dialect.name == "sqlite":
            self._one_by_one(tx, rows)
        else:
            pending.at_the_end(tx, self._few_statements, rows)

    def _one_by_one(self, tx: Transaction, rows: Sequence[Mapping[str, Any]]) -> None:
        if rows:
            self._each.many(tx, rows)

    def _few_statements(self, tx: Transaction, rows: Sequence[Mapping[str, Any]]) -> None:
        for start in range(0, len(rows), self._AT_A_TIME):
            part = rows[start : start + self._AT_A_TIME]
            values = {f"{name}_{place}": row[name] for place, row in enumerate(part) for name in self._columns}
            self._together(len(part)).later(tx, values)

    def _of(self, count: int) -> Hot:
        columns = self._table.c
        rows = [
            {name: sa.bindparam(f"{name}_{place}", type_=columns[name].type) for name in self._columns}
            for place in range(count)
        ]
        return Hot(self._table.insert().inline().values(rows))


class _Compiled(Protocol):
    """A statement as one of the databases wants it."""

    def ask(self, tx: Transaction, parameters: Parameters) -> Callable[[], Any]: ...

    def all(self, tx: Transaction, parameters: Parameters) -> list[Any]: ...

    def later(self, tx: Transaction, rows: Sequence[Parameters]) -> None: ...


class _OnSqlite:
    def __init__(self, statement: Any, columns: list[str] | None, wanted: Collection[str], dialect: Any) -> None:
        compiled = _compile(statement, columns, dialect)
        self._sql = str(compiled)
        self._order: list[str] = list(compiled.positiontup)
        self._constants = {name: value for name, value in compiled.params.items() if name not in wanted}
        self._row = _row_of(statement)

    def ask(self, tx: Transaction, parameters: Parameters) -> Callable[[], Any]:
        found = self._run(tx, parameters).fetchone()  # at once: it holds its tables until its rows are fetched
        row = None if found is None else self._row(found)
        return lambda: row

    def all(self, tx: Transaction, parameters: Parameters) -> list[Any]:
        return [self._row(found) for found in self._run(tx, parameters).fetchall()]

    def later(self, tx: Transaction, rows: Sequence[Parameters]) -> None:
        if len(rows) == 1:
            self._run(tx, rows[0])
            return
        cursor = _driver(tx).cursor()
        cursor.executemany(self._sql, [self._bound(row) for row in rows])
        cursor.close()

    def _run(self, tx: Transaction, parameters: Parameters) -> Any:
        return _driver(tx).execute(self._sql, self._bound(parameters))

    def _bound(self, parameters: Parameters) -> list[Any]:
        constants = self._constants
        return [parameters[name] if name in parameters else constants[name] for name in self._order]


class _OnPostgres:
    #: pg_type.oid of what a parameter is said to be; PostgreSQL finds out about others.
    _TYPES = ((sa.Boolean, 16), (sa.BigInteger, 20), (sa.SmallInteger, 21), (sa.Integer, 23), (sa.Float, 701))

    def __init__(self, statement: Any, columns: list[str] | None, wanted: Collection[str], _dialect: Any) -> None:
        dialect: Any = PGDialect_psycopg
        compiled = _compile(statement, columns, dialect(paramstyle="numeric_dollar"))
        self._order: list[str] = list(compiled.positiontup or ())
        types = tuple(self._type(compiled.binds.get(name)) for name in self._order)
        self._statement = wire.Statement(str(compiled).encode(), types)
        self._constants = {name: wire.text(compiled.params[name]) for name in self._order if name not in wanted}
        self._row = _row_of(statement)

    @classmethod
    def _type(cls, parameter: Any) -> int:
        declared = getattr(parameter, "type", None)  # those of an IN list are not declared one by one
        return next((number for kind, number in cls._TYPES if isinstance(declared, kind)), 0)

    def ask(self, tx: Transaction, parameters: Parameters) -> Callable[[], Any]:
        answer = pending.answered(tx, self._statement, self._bound(parameters))

        @cache
        def row() -> Any:
            found = answer.rows()
            return self._row(found[0]) if found else None

        return row

    def all(self, tx: Transaction, parameters: Parameters) -> list[Any]:
        answer = pending.answered(tx, self._statement, self._bound(parameters))
        return [self._row(found) for found in answer.rows()]

    def later(self, tx: Transaction, rows: Sequence[Parameters]) -> None:
        for parameters in rows:
            pending.add(tx, self._statement, self._bound(parameters))

    def _bound(self, parameters: Parameters) -> list[bytes | None]:
        constants, text = self._constants, wire.text
        return [text(parameters[name]) if name in parameters else constants[name] for name in self._order]


def _compile(statement: Any, columns: list[str] | None, dialect: Any) -> Any:
    return statement.compile(dialect=dialect, column_keys=columns, compile_kwargs={"render_postcompile": True})


def _row_of(statement: Any) -> Any:
    returned = statement.selected_columns if isinstance(statement, sa.Select) else statement.exported_columns
    return _row_type(tuple(column.key for column in returned))


@cache
def _row_type(names: tuple[str, ...]) -> Any:
    made: Any = namedtuple("Row", list(names))  # type: ignore[misc]
    return made._make


def _driver(tx: Transaction) -> Any:
    """The driver's connection under a transaction."""
    return tx.connection.driver_connection
