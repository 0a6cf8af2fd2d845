"""What is remembered of finished attempts, of requests, and of repairs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "memory_episodes",
        sa.Column("id", _ID, primary_key=True, autoincrement=True),
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("pattern", sa.Text(), nullable=False),
        sa.Column("same", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("ok", sa.Boolean(), nullable=False),
        sa.Column("sort", sa.Text()),
        sa.Column("signature", sa.Text()),
        sa.Column("message", sa.Text()),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("worked", sa.Boolean(), nullable=False),
        sa.Column("recovered", sa.Float()),
        sa.Column("requester", sa.Text(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.UniqueConstraint("run", "task", "attempt"),
    )
    op.create_index("memory_episodes_by_operation", "memory_episodes", ["operation", "pattern", "at"])
    op.create_index("memory_episodes_by_time", "memory_episodes", ["at"])
    op.create_table(
        "memory_requests",
        sa.Column("id", _ID, primary_key=True, autoincrement=True),
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("operations", sa.Text(), nullable=False),
        sa.Column("ok", sa.Boolean(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.UniqueConstraint("run"),
    )
    op.create_index("memory_requests_by_time", "memory_requests", ["at"])
    op.create_table(
        "memory_repairs",
        sa.Column("id", _ID, primary_key=True, autoincrement=True),
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("sort", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("recipe", sa.Text(), nullable=False),
        sa.Column("worked", sa.Boolean(), nullable=False),
        sa.Column("requester", sa.Text(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.UniqueConstraint("run", "round", "task"),
    )
    op.create_index("memory_repairs_by_failure", "memory_repairs", ["operation", "signature", "at"])
    op.create_table(
        "memory_cursor",
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("value", sa.BigInteger(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("memory_cursor")
    op.drop_table("memory_repairs")
    op.drop_table("memory_requests")
    op.drop_table("memory_episodes")
