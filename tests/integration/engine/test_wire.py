"""PostgreSQL's wire: what is sent comes back, errors are told once, and the connection is psycopg's again."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any
from uuid import uuid4

import psycopg
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reign.store import wire
from reign.store.wire import Line, Statement
from tests.engines.postgres import Postgres

_SAME = Statement(b"SELECT $1::text, $2::bigint, $3, $4::boolean", (0, 20, 701, 16))
_PUT = Statement(b"INSERT INTO letters (number, body) VALUES ($1, $2) RETURNING body", (20, 0))


@pytest.fixture
def connection(postgres: Postgres) -> Iterator[psycopg.Connection[Any]]:
    url = (
        sa.make_url(postgres.database(f"w{uuid4().hex[:12]}"))
        .set(drivername="postgresql")
        .render_as_string(hide_password=False)
    )
    with psycopg.connect(url, autocommit=True, prepare_threshold=None) as made:
        made.execute("CREATE TABLE letters (number BIGINT PRIMARY KEY, body TEXT)")
        yield made


@pytest.fixture
def line(connection: psycopg.Connection[Any]) -> Line:
    return Line(connection)


def values(*given: Any) -> list[bytes | None]:
    return [wire.text(value) for value in given]


def numbers(connection: psycopg.Connection[Any]) -> list[int]:
    return [row[0] for row in connection.execute("SELECT number FROM letters ORDER BY number")]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    said=st.none() | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    whole=st.none() | st.integers(-(2**63), 2**63 - 1),
    broken=st.none() | st.floats(allow_nan=False),
    so=st.none() | st.booleans(),
)
def test_values_come_back_as_they_were(
    line: Line, said: str | None, whole: int | None, broken: float | None, so: bool | None
) -> None:
    answer = line.send(_SAME, values(said, whole, broken, so))
    line.leave()
    assert answer.rows() == [(said, whole, broken, so)]


@pytest.mark.parametrize("value", ["cut\0off", b"raw", object()])
def test_what_would_not_arrive_whole_is_not_sent(value: Any) -> None:
    with pytest.raises(psycopg.DataError):
        wire.text(value)


def test_more_than_fits_into_the_sockets_gets_through_both_ways(
    connection: psycopg.Connection[Any], line: Line
) -> None:
    answers = [line.send(_PUT, values(number, str(number % 10) * 300_000)) for number in range(60)]
    assert [len(answer.rows()[0][0]) for answer in answers] == [300_000] * 60
    line.leave()
    assert numbers(connection) == list(range(60))


def test_an_error_is_that_of_the_statement_that_failed_and_undoes_all_of_its_trip(
    connection: psycopg.Connection[Any], line: Line
) -> None:
    line.send(Statement(b"BEGIN"))
    first = line.send(_PUT, values(1, "first"))
    assert first.rows() == [("first",)]
    line.send(_PUT, values(1, "again"))
    after = line.send(_PUT, values(2, "after"))
    with pytest.raises(psycopg.errors.UniqueViolation):
        after.rows()
    with pytest.raises(psycopg.errors.PipelineAborted):
        line.leave()
    with pytest.raises(psycopg.errors.PipelineAborted):
        after.rows()
    assert not line.idle, "the transaction has failed and is there"
    connection.rollback()
    assert (line.idle, numbers(connection)) == (True, [])
    put = line.send(_PUT, values(3, "x"))
    line.leave()
    assert (put.rows(), numbers(connection)) == ([("x",)], [3])


def test_what_could_not_be_prepared_is_prepared_anew(connection: psycopg.Connection[Any], line: Line) -> None:
    late = Statement(b"SELECT count(*) FROM parcels")
    for _ in range(2):
        line.send(late)
        with pytest.raises(psycopg.errors.UndefinedTable):
            line.leave()
    connection.execute("CREATE TABLE parcels (number BIGINT)")
    for _ in range(2):
        answer = line.send(late)
        line.leave()
        assert answer.rows() == [(0,)]


def test_a_server_that_goes_away_is_an_error_of_the_connection(connection: psycopg.Connection[Any], line: Line) -> None:

    def use() -> None:
        for number in count():
            line.send(_PUT, values(number, "x"))
            line.leave()

    with psycopg.connect(connection.info.dsn, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", (connection.info.backend_pid,))
    with pytest.raises(psycopg.OperationalError):
        use()


def test_a_server_that_does_not_move_is_given_up(
    connection: psycopg.Connection[Any], line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "SILENCE", 0.2)
    answer = line.send(Statement(b"SELECT pg_sleep(30)"))
    with pytest.raises(psycopg.OperationalError, match="nothing came"):
        answer.rows()
    assert connection.closed
