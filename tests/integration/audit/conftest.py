"""Fixtures of the tests of the state: a database of each kind with the schema in it, a broker, and nobody at work."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from reign.broker import embedded
from reign.broker.redis import Redis
from reign.config import Settings
from reign.core.errors import ReignError
from reign.engine.general import ReignGeneral
from reign.engine.runtime import Runtime
from reign.planner.choose import make_planner
from reign.store import schema
from reign.store.database import Database
from tests.engines.installation import end, until
from tests.integration.databases import database_url, postgres

__all__ = ["broker_url", "database_url", "general", "here", "postgres", "runtime", "template"]


@dataclass(frozen=True)
class Here:
    """An installation in hand."""

    runtime: Runtime
    general: ReignGeneral


@pytest.fixture(scope="session")
def broker_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One Valkey for all: it only takes messages here."""
    settings = Settings.load(data_dir=tmp_path_factory.mktemp("broker"))
    process = subprocess.Popen(
        embedded.command(settings), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )

    def answers() -> bool:
        try:
            Redis(settings).ping()
        except ReignError:
            return False
        return True

    until(answers)
    yield settings.broker
    end(process, signal.SIGTERM)


@pytest.fixture
def runtime(tmp_path: Path, database_url: str, broker_url: str) -> Iterator[Runtime]:
    """An installation's state, empty."""
    settings = Settings.load(data_dir=tmp_path / "data", database_url=database_url, broker_url=broker_url)
    made = Runtime(settings)
    schema.upgrade(made.database)
    yield made
    made.close()


@pytest.fixture
def general(runtime: Runtime) -> ReignGeneral:
    return ReignGeneral(runtime, make_planner)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with the schema in it, to be copied."""
    path = tmp_path_factory.mktemp("template") / "state.db"
    database = Database(f"sqlite:///{path}")
    schema.upgrade(database)
    database.close()
    return path


@pytest.fixture
def here(tmp_path: Path, template: Path, broker_url: str) -> Iterator[Here]:
    """An installation on SQLite alone, where the kind of database makes no difference."""
    data = tmp_path / "data"
    data.mkdir()
    shutil.copy(template, data / "reign.db")
    made = Runtime(Settings.load(data_dir=data, broker_url=broker_url))
    yield Here(made, ReignGeneral(made, make_planner))
    made.close()
