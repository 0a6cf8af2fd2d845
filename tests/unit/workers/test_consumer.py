"""Events for Flower are gathered: one timer for many of them, and what is left goes out at the end."""

from __future__ import annotations

from typing import Any

import pytest

from workers import consumer
from workers.consumer import GATHER, Consumer


class Loop:
    """Celery's event loop, as far as timers go."""

    def __init__(self) -> None:
        self.timers: list[tuple[float, Any]] = []

    def call_later(self, seconds: float, what: Any) -> None:
        self.timers.append((seconds, what))


class Dispatcher:
    flushed = 0

    def flush(self) -> None:
        self.flushed += 1


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Consumer:
    """A consumer with a loop and a dispatcher, and connected to nothing."""
    found = Consumer.__new__(Consumer)
    found.hub, found.event_dispatcher = Loop(), Dispatcher()
    return found


def test_many_events_set_one_timer(made: Consumer, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(consumer.time, "monotonic", lambda: now[0])
    for _ in range(5):
        made.on_send_event_buffered()
    [(seconds, tell)] = made.hub.timers
    assert seconds == GATHER
    tell()
    assert made.event_dispatcher.flushed == 1
    now[0] += GATHER  # whether the timer came or was lost with a connection
    made.on_send_event_buffered()
    assert len(made.hub.timers) == 2


def test_before_the_loop_and_without_a_dispatcher_nothing_happens(made: Consumer) -> None:
    made.hub = None
    made.on_send_event_buffered()
    made.event_dispatcher = None
    made._tell()


def test_what_is_left_goes_out_at_the_end(made: Consumer, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = []
    monkeypatch.setattr(consumer.CelerysConsumer, "shutdown", lambda _: ended.append(1))
    made.shutdown()
    assert made.event_dispatcher.flushed == 1
    assert ended
