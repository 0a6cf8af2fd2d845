"""Statements of the hot path: written in SQLAlchemy Core, compiled once a dialect, run on the driver's own cursor.

SQLAlchemy's execution of a compiled statement costs about 60 us of Python, several times what SQLite needs for the
statement itself; eight statements a task made it the largest part of the engine's time. What these give up is small:
parameters are plain numbers, strings, booleans and None, and rows come as plain tuples with names.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql import visitors

from reign.store import pending
from reign.store.database import Transaction


class Hot:
    """A statement to be run often. ``columns``: those that an INSERT sets."""

    def __init__(self, statement: Any, columns: Sequence[str] | None = None) -> None:
        self._statement = statement
        self._columns = columns
        self._made: dict[str, _Compiled] = {}
        wanted = set(columns or ())

        def may_wait(parameter: Any) -> None:
            """A value that comes with each run is not there yet when the statement is compiled."""
            if parameter.required:
                wanted.add(parameter.key)
                parameter.required = False

        visitors.traverse(statement, {}, {"bindparam": may_wait})
        self._wanted = frozenset(wanted)

    def one(self, tx: Transaction, parameters: Mapping[str, Any]) -> Any:
        """The only row, with its columns as attributes, or None."""
        return self.ask(tx, parameters)()

    def ask(self, tx: Transaction, parameters: Mapping[str, Any]) -> Callable[[], Any]:
        """:meth:`one`, answered when the result is called for: what comes before that need not wait for it."""
        cursor = self._cursor(tx, parameters)
        if not self._compiled(tx).waits:  # SQLite's statement holds its tables until its rows are fetched
            found = self._row(tx, cursor)
            return lambda: found
        return cache(lambda: self._row(tx, cursor))

    def all(self, tx: Transaction, parameters: Mapping[str, Any]) -> list[Any]:
        """All rows, with their columns as attributes."""
        made = self._compiled(tx)
        return [made.row(found) for found in self._cursor(tx, parameters).fetchall()]

    def later(self, tx: Transaction, parameters: Mapping[str, Any]) -> None:
        """Run it without asking how it went: on PostgreSQL without waiting for it (see store.pending)."""
        made = self._compiled(tx)
        if made.waits:
            pending.add(tx, made.sql, made.bind(parameters))
        else:
            _connection(tx).execute(made.sql, made.bind(parameters))

    def many(self, tx: Transaction, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run it once for each of ``rows``, as :meth:`later` does."""
        made = self._compiled(tx)
        bound = [made.bind(row) for row in rows]
        if made.waits:
            pending.add(tx, made.sql, bound, many=True)
            return
        cursor = _connection(tx).cursor()
        cursor.executemany(made.sql, bound)
        cursor.close()

    def _cursor(self, tx: Transaction, parameters: Mapping[str, Any]) -> Any:
        made = self._compiled(tx)
        if made.waits:
            return pending.answered(tx, made.sql, made.bind(parameters))
        return _connection(tx).execute(made.sql, made.bind(parameters))

    def _row(self, tx: Transaction, cursor: Any) -> Any:
        found = cursor.fetchone()
        return None if found is None else self._compiled(tx).row(found)

    def _compiled(self, tx: Transaction) -> _Compiled:
        name = tx.dialect.name
        made = self._made.get(name)
        if made is None:
            made = self._made[name] = _Compiled(self._statement, tx, self._columns, self._wanted)
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
        if len(rows) == 1:
            self._each.later(tx, rows[0])
        elif rows:
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


class _Compiled:
    def __init__(self, statement: Any, tx: Transaction, columns: Sequence[str] | None, wanted: Collection[str]) -> None:
        keys = list(columns) if columns is not None else None
        compiled = statement.compile(dialect=tx.dialect, column_keys=keys, compile_kwargs={"render_postcompile": True})
        self.sql = str(compiled)
        self._order = list(compiled.positiontup) if compiled.positional else None
        self.waits = tx.dialect.name != "sqlite"
        self._constants = {name: value for name, value in compiled.params.items() if name not in wanted}
        returned = statement.selected_columns if isinstance(statement, sa.Select) else statement.exported_columns
        self.row = _row_type(tuple(column.key for column in returned))

    def bind(self, parameters: Mapping[str, Any]) -> Any:
        if self._order is None:
            return {**self._constants, **parameters}
        constants = self._constants
        return [parameters[name] if name in parameters else constants[name] for name in self._order]


@cache
def _row_type(names: tuple[str, ...]) -> Any:
    made: Any = namedtuple("Row", list(names))  # type: ignore[misc]
    return made._make


def _connection(tx: Transaction) -> Any:
    """The driver's connection under a transaction: sqlite3's or psycopg's."""
    return tx.connection.driver_connection
