"""A worker that comes before the database or the broker waits and says for what; it is whole once they are there."""

from __future__ import annotations

from pathlib import Path

import pytest

from reign.config import Settings
from reign.core.errors import Unavailable
from reign.engine.runtime import Runtime
from reign.store import schema, workers
from workers import main


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = Settings.load(data_dir=tmp_path / "data", broker_url="redis://127.0.0.1:1/0")
    made.writable_data_dir()
    return made


def test_what_is_missing_is_said(settings: Settings) -> None:
    runtime = Runtime(settings)
    assert "has no tables, and this worker needs" in str(main.missing(runtime))
    schema.upgrade(runtime.database, schema.revisions()[1])
    assert f"has schema {schema.revisions()[1]}, and" in str(main.missing(runtime))
    schema.upgrade(runtime.database)
    assert "the broker redis://127.0.0.1:1/0 does not answer" in str(main.missing(runtime))
    runtime.close()


def test_it_is_said_once_and_then_there_is_an_end(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    answers = iter(["no broker", "no broker", "no database", None])
    monkeypatch.setattr(main, "missing", lambda _: next(answers))
    monkeypatch.setattr(main, "_LOOK_AGAIN", 0)
    main.wait_for_the_rest(settings)
    assert [record.getMessage() for record in caplog.records] == ["waiting: no broker", "waiting: no database"]


def test_a_process_that_could_not_connect_connects_later(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    pool = main.Pool(settings, ["bash"], "bash@here")
    pool.open_early()
    assert "no such table: workers" in caplog.text
    with pytest.raises(Unavailable):
        pool.open()
    runtime = Runtime(settings)
    schema.upgrade(runtime.database)
    pool.open()
    with runtime.database.read() as tx:
        assert [worker.agents for worker in workers.listing(tx)] == [("bash",)]
    pool.close()
    with runtime.database.read() as tx:
        assert workers.listing(tx) == []
    runtime.close()
