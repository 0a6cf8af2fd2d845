"""Statements of the hot path in a transaction: what is sent, when it is answered, and what a commit waits for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from reign.core.errors import Unavailable
from reign.store import events, pending
from reign.store.database import Collision, Database, Transaction
from reign.store.hot import Hot, Rows
from reign.store.tables import events as event_rows
from reign.store.tables import metadata, outbox

_ROWS = Rows(outbox, ("task_id", "attempt", "due"))
_PUT = Hot(outbox.insert(), ("task_id", "attempt", "due"))
_TAKE = Hot(outbox.delete().where(outbox.c.task_id == sa.bindparam("task")).returning(outbox.c.attempt))


def row(task_id: int, attempt: int = 0) -> dict[str, float]:
    return {"task_id": task_id, "attempt": attempt, "due": 1.0}


def stored(tx: Transaction) -> list[int]:
    return list(tx.execute(sa.select(outbox.c.task_id).order_by(outbox.c.task_id)).scalars())


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url)
    metadata.create_all(made.engine)
    yield made
    made.close()


def test_what_waits_is_seen_by_what_comes_after_and_by_others_after_the_commit(database: Database) -> None:
    with database.write() as tx:
        _PUT.later(tx, row(1))
        _ROWS.add(tx, [row(task) for task in range(2, 40)])
        assert stored(tx) == list(range(1, 40)), "also for a statement that SQLAlchemy runs"
        _PUT.later(tx, row(40))
    with database.read() as tx:
        assert stored(tx) == list(range(1, 41))


def test_an_answer_is_there_when_it_is_asked_for_and_stays(database: Database) -> None:
    with database.write() as tx:
        _PUT.later(tx, row(1, 7))
        taken, nothing = _TAKE.ask(tx, {"task": 1}), _TAKE.ask(tx, {"task": 2})
        _PUT.later(tx, row(1, 8))
        assert taken().attempt == taken().attempt == 7
        assert nothing() is None
        assert _TAKE.one(tx, {"task": 1}).attempt == 8
        assert _TAKE.all(tx, {"task": 1}) == []


def test_rows_that_are_gathered_come_with_the_commit_in_their_order(database: Database) -> None:
    with database.write() as tx:
        for number in range(20):
            events.add(
                tx, [events.row(1, None, f"run.{number}", 1.0), events.row(1, None, f"run.{number}b", 1.0, {"a": 1})]
            )
        assert len(events.of_run(tx, 1)) == 40
    with database.read() as tx:
        found = events.of_run(tx, 1)
    assert [event.kind for event in found] == [f"run.{number}{b}" for number in range(20) for b in ("", "b")]
    assert found[1].data == {"a": 1}


def put(database: Database, *numbers: int, then: Exception | None = None) -> None:
    with database.write() as tx:
        for number in numbers:
            _PUT.later(tx, row(number))
        events.add(tx, [events.row(1, None, "run.queued", 1.0)])
        _TAKE.one(tx, {"task": 99})
        if then:
            raise then


def test_what_ends_in_an_error_has_not_been(database: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        put(database, 1, then=ZeroDivisionError())
    with pytest.raises(Collision):
        put(database, 2, 2)
    put(database, 4)  # and the connection is as good as before
    with database.read() as tx:
        assert stored(tx) == [4]
        assert tx.execute(sa.select(sa.func.count()).select_from(event_rows)).scalar_one() == 1


def test_nothing_done_is_nothing_sent(database: Database) -> None:
    with database.write():
        pass
    with database.write() as tx:
        pending.unhurried(tx)


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_a_commit_waits_for_the_disk_unless_it_may_be_lost(database: Database) -> None:
    written = [sa.text("SELECT pg_current_wal_insert_lsn()"), sa.text("SELECT pg_current_wal_flush_lsn() >= :all")]

    def on_disk(number: int, *, unhurried: bool) -> bool:
        with database.write() as tx:
            _PUT.later(tx, row(number))
            everything = tx.execute(written[0]).scalar_one()
            if unhurried:
                pending.unhurried(tx)
        with database.read() as tx:
            return bool(tx.execute(written[1], {"all": everything}).scalar_one())

    assert all(on_disk(number, unhurried=False) for number in range(20))
    assert not all(on_disk(number, unhurried=True) for number in range(20, 40))


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_a_server_that_is_gone_is_noted(database: Database) -> None:
    def lose() -> None:
        with database.write() as tx:
            _PUT.later(tx, row(1))
            tx.connection.driver_connection.close()  # type: ignore[union-attr]

    assert database.losses == 0
    with pytest.raises(Unavailable):
        lose()
    assert database.losses == 1
    put(database, 2)
    with database.read() as tx:
        assert stored(tx) == [2]


def test_who_stays_in_a_transaction_does_not_hold_the_others_up_for_ever(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    if database.is_sqlite:
        pytest.skip("SQLite has no server that could end it")
    with database.write() as tx:
        _PUT.later(tx, row(1))
    monkeypatch.setitem(pending.SETTINGS, "idle_in_transaction_session_timeout", "300ms")
    frozen = Database(database.url.render_as_string(hide_password=False))

    def overtaken() -> None:
        with frozen.write() as tx:
            assert _TAKE.one(tx, {"task": 1}) is not None
            with database.write() as other:  # waits for the row that the first one holds
                assert _TAKE.one(other, {"task": 1}) is not None

    with pytest.raises(Unavailable):
        overtaken()
    with frozen.write() as tx:
        assert stored(tx) == []
    frozen.close()


def test_a_lock_that_is_held_for_too_long_is_told(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    if database.is_sqlite:
        pytest.skip("SQLite's wait is its own: store.database.BUSY_TIMEOUT")
    with database.write() as tx:
        _PUT.later(tx, row(1))
    monkeypatch.setitem(pending.SETTINGS, "lock_timeout", "200ms")
    hasty = Database(database.url.render_as_string(hide_password=False))
    with database.write() as tx:
        assert _TAKE.one(tx, {"task": 1}) is not None
        with pytest.raises(Unavailable, match="lock timeout") as raised, hasty.write() as other:
            _TAKE.one(other, {"task": 1})
    assert "another process" in str(raised.value.hint)
    hasty.close()
