"""Alembic migrations of the state; run by :mod:`reign.store.schema`."""
