"""Hints reach who listens, nobody waits for their answers, and a broker that is away or cuts them off stops nobody."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reign.broker.redis import CHANNEL, Hints
from tests.engines.installation import Installation, until


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Installation]:
    made = Installation(tmp_path)
    made.start_broker()
    yield made
    made.close()


@pytest.fixture
def heard(broker: Installation) -> Iterator[Any]:
    """Messages of the channel, as they come."""
    listener = broker.runtime.redis.client.pubsub(ignore_subscribe_messages=True)
    listener.subscribe(CHANNEL)
    until(lambda: broker.runtime.redis.client.pubsub_numsub(CHANNEL)[0][1] == 1)
    yield lambda: until(lambda: listener.get_message(timeout=0.05))["data"]
    listener.close()


def test_each_run_is_heard_of(broker: Installation, heard: Any) -> None:
    broker.runtime.redis.changed([7, 8])
    broker.runtime.redis.changed([9])
    assert [heard(), heard(), heard()] == [b"7", b"8", b"9"]


def test_a_connection_that_was_cut_is_made_again(broker: Installation, heard: Any) -> None:
    redis = broker.runtime.redis
    redis.changed([1])
    assert heard() == b"1"
    redis.client.client_kill_filter(_type="normal", skipme=True)
    until(lambda: len(redis.client.client_list(_type="normal")) == 1)
    redis.changed([2])
    assert heard() == b"2"


def test_without_a_broker_nothing_is_raised_and_nothing_kept(broker: Installation) -> None:
    redis = broker.runtime.redis
    redis.changed([1])
    assert broker.valkey is not None
    broker.valkey.terminate()
    broker.valkey.wait()
    for _ in range(3):
        redis.changed([2])
    redis.close()


def test_who_does_not_answer_is_told_no_more(broker: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker that takes everything and answers nothing: what is outstanding stays bounded."""
    monkeypatch.setattr(Hints, "_MOST", 5)
    client = broker.runtime.redis.client
    client.client_pause(10_000, all=True)
    hints = Hints(client.connection_pool)
    connection = client.connection_pool.get_connection()
    monkeypatch.setattr(client.connection_pool, "get_connection", lambda: connection)
    for _ in range(20):
        hints.send([("PUBLISH", CHANNEL, 1)])
    assert hints._outstanding == 5
    hints.close()
