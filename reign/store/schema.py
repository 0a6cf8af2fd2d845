"""The schema's version: brought up to date under the write lock, refused when it is newer than the program.

Alembic is imported where it is used: a look at a request needs none of it.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from reign.core.errors import Conflict
from reign.store.database import Database, Transaction

if TYPE_CHECKING:
    from alembic.config import Config


def _config(tx: Transaction | None = None) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    if tx is not None:
        config.attributes["connection"] = tx
    return config


@cache
def revisions() -> tuple[str, ...]:
    """All revisions that this program knows, the newest first."""
    from alembic.script import ScriptDirectory

    return tuple(script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions())


def head() -> str:
    """The newest revision that this program knows."""
    return revisions()[0]


def knows(revision: str) -> bool:
    """Whether this program knows a revision."""
    return revision in revisions()


def current(tx: Transaction) -> str | None:
    """The revision of the database; None if it is empty."""
    from alembic.migration import MigrationContext

    return MigrationContext.configure(tx).get_current_revision()


def upgrade(database: Database, revision: str = "head") -> str | None:
    """Bring the schema to ``revision``; several processes may try at once, one of them does it.

    Returns the revision that was there before. Raises Conflict if the database is newer than the program.
    """
    from alembic import command

    with database.write() as tx:
        if not database.is_sqlite:
            tx.execute(sa.text("SELECT pg_advisory_xact_lock(7249171)"))
        before = current(tx)
        if before is not None and not knows(before):
            raise Conflict(
                f"the database has schema {before}, which this version of reign does not know",
                hint="install the newer version that made it, or restore a backup",
            )
        if before != head() or revision != "head":
            command.upgrade(_config(tx), revision)
        return before


def build(tx: Transaction, revision: str) -> None:
    """Bring the schema to ``revision`` within a transaction. Raises Conflict for one that this program lacks."""
    from alembic import command

    if revision != "head" and not knows(revision):
        raise Conflict(
            f"schema {revision} is not known to this version of reign", hint="install the newer version that made it"
        )
    command.upgrade(_config(tx), revision)


def downgrade(database: Database, revision: str) -> None:
    """Take the schema back to an earlier revision."""
    from alembic import command

    with database.write() as tx:
        command.downgrade(_config(tx), revision)
