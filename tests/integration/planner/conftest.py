"""Fixtures of the planners' tests."""

from __future__ import annotations

from tests.integration.databases import database_url, postgres

__all__ = ["database_url", "postgres"]
