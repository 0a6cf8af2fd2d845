"""Migrations, up and down, with data in every table, from each revision that there has ever been."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from reign.core.errors import Conflict
from reign.store import schema
from reign.store.database import Database, Transaction
from reign.store.tables import metadata

ROWS = 3
Content = dict[str, dict[tuple[Any, ...], dict[str, Any]]]


def tables(tx: Transaction) -> list[sa.Table]:
    found = sa.MetaData()
    found.reflect(bind=tx, only=lambda name, _: name != "alembic_version")
    return found.sorted_tables


def value(column: sa.Column[Any], number: int) -> Any:
    """A value of the column's kind, another one for each number; texts are JSON."""
    kind = column.type.python_type
    if kind is bool:
        return bool(number % 2)
    if kind is bytes:
        return f"{column.name}{number}".encode()
    if kind is str:
        return f'"{column.name}{number}"'
    return kind(1000 + number)


def fill(tx: Transaction) -> None:
    for table in tables(tx):
        rows = [{column.name: value(column, number) for column in table.c} for number in range(ROWS)]
        tx.execute(table.insert(), rows)


def content(tx: Transaction) -> Content:
    """All rows of all tables by primary key."""
    found: Content = {}
    for table in tables(tx):
        names = [column.name for column in table.primary_key]
        rows = [dict(row._mapping) for row in tx.execute(sa.select(table))]
        found[table.name] = {tuple(row[name] for name in names): row for row in rows}
    return found


def missing(before: Content, after: Content) -> list[str]:
    """What stood in a place that is still there, and does not any more."""
    return [
        f"{table}.{column} of {key}: {old!r} -> {after[table].get(key, {}).get(column)!r}"
        for table, rows in before.items()
        if table in after
        for key, row in rows.items()
        for column, old in row.items()
        if key not in after[table] or (column in after[table][key] and after[table][key][column] != old)
    ]


def test_each_revision_goes_up_to_the_head_and_back_with_its_data(database_url: str) -> None:
    database = Database(database_url.replace("postgresql://", "postgresql+psycopg://"))
    for revision in reversed(schema.revisions()):
        with database.write() as tx:
            schema.build(tx, revision)
            fill(tx)
        with database.read() as tx:
            before = content(tx)
        assert schema.upgrade(database) == revision
        with database.read() as tx:
            upgraded = content(tx)
            assert compare_metadata(MigrationContext.configure(tx), metadata) == []
        assert missing(before, upgraded) == [], f"{revision} to the head"
        schema.downgrade(database, revision)
        with database.read() as tx:
            after = content(tx)
            assert schema.current(tx) == revision
        assert set(after) == set(before)
        assert missing(before, after) == [], f"the head back to {revision}"
        schema.downgrade(database, "base")
        with database.read() as tx:
            assert tables(tx) == []
    database.close()


def test_a_database_of_a_newer_program_is_refused(database_url: str) -> None:
    database = Database(database_url.replace("postgresql://", "postgresql+psycopg://"))
    schema.upgrade(database)
    with database.write() as tx:
        tx.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(Conflict, match="schema 9999"):
        schema.upgrade(database)
    with pytest.raises(Conflict, match="9999"), database.write() as tx:
        schema.build(tx, "9999")
    database.close()
