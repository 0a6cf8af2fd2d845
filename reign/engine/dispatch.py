"""Dispatch: from outbox rows to messages. The row is written with the state change and removed after the publish."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence

from celery import Celery
from kombu.exceptions import BatchPublishError, OperationalError  # type: ignore[attr-defined]

from reign.broker.messages import Signer
from reign.broker.redis import Redis
from reign.engine.canvas import canvas
from reign.store import outbox
from reign.store.database import Database, Transaction
from reign.store.outbox import Posting
from reign.store.release import Ready

log = logging.getLogger(__name__)

#: Seconds between two hints that a run has changed: a hint a task was a fifth of a short task's time.
HINT_EVERY = 0.05


class Dispatcher:
    """Publishes what a process has released itself, right after its commit; the relay sends what was left behind."""

    def __init__(self, app: Celery, signer: Signer, redis: Redis) -> None:
        self._app = app
        self._signer = signer
        self._redis = redis
        self._sent: set[tuple[int, int]] = set()
        self._guard = threading.Lock()
        self._hinted: dict[int, float] = {}
        self._unhinted: set[int] = set()

    def publish(self, postings: Sequence[Posting]) -> bool:
        """Send the messages. False if the broker does not take them: their outbox rows stand for the relay."""
        if not postings:
            return True
        try:
            # One pipeline for the whole group: a round trip a message took longer than all the rest.
            with self._app.producer_pool.acquire(block=True) as producer, producer.batch():  # type: ignore[attr-defined]
                canvas(self._app, self._signer, postings).apply_async(producer=producer, add_to_parent=False)
        except (OperationalError, BatchPublishError, OSError) as error:
            log.warning("the broker did not take %d messages; they will be sent again: %s", len(postings), error)
            return False
        return True

    def send(self, run: str, ready: Sequence[Ready]) -> None:
        """Publish what a commit released, and remember that its outbox rows may go."""
        self.send_all([Posting(run, item) for item in ready])

    def send_all(self, postings: Sequence[Posting]) -> None:
        """:meth:`send` for tasks of any runs."""
        if postings and self.publish(postings):
            with self._guard:
                self._sent.update((posting.ready.task_id, posting.ready.attempt) for posting in postings)

    def tidy(self, tx: Transaction) -> None:
        """Remove the outbox rows of what has been published, in whichever transaction comes next."""
        if self._sent:
            with self._guard:
                sent, self._sent = self._sent, set()
            outbox.remove(tx, sent)

    @property
    def untidy(self) -> bool:
        return bool(self._sent)

    def changed(self, run_id: int, *, ended: bool = False) -> None:
        """Wake those who follow the run: at once if it has ``ended``, else not more often than they can look."""
        now = time.monotonic()
        if not ended and now - self._hinted.get(run_id, 0.0) < HINT_EVERY:
            self._unhinted.add(run_id)
            return
        if len(self._hinted) > 1000:
            self._hinted.clear()
        self._hinted[run_id] = now
        self._unhinted.discard(run_id)
        self._redis.changed([run_id])

    def catch_up(self) -> None:
        """Give the hints that were kept back. Called by the worker's pulse."""
        kept, self._unhinted = self._unhinted, set()
        if kept:
            self._redis.changed(list(kept))


def relay(
    database: Database, dispatcher: Dispatcher, limit: int = 500, reach: Callable[[str], None] = lambda _: None
) -> int:
    """Publish what is due in the outbox; returns how many messages were sent. ``reach`` is told where a test may let
    the process die: there the messages are sent and the rows stand, so they are sent once more."""
    with database.write() as tx:
        postings = outbox.due(tx, time.time(), limit)
    if not postings or not dispatcher.publish(postings):
        return 0
    reach("relay-after-publish")
    with database.write() as tx:
        outbox.remove(tx, [(posting.ready.task_id, posting.ready.attempt) for posting in postings])
    return len(postings)
