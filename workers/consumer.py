"""Celery's consumer, with one habit changed: what it tells Flower of tasks goes out a few times a second, together.

By itself it sends the events of each task as soon as the loop turns: half of what a pool's parent process did.
"""

from __future__ import annotations

import time
from typing import Any

from celery.worker.consumer import Consumer as CelerysConsumer

#: Seconds for which events are gathered. Whoever looks at Flower does not see the difference.
GATHER = 0.1


class Consumer(CelerysConsumer):
    """Named by the setting ``worker_consumer``."""

    hub: Any
    event_dispatcher: Any
    _told_at = float("-inf")

    def on_send_event_buffered(self) -> None:  # type: ignore[override]  # its stub says otherwise
        """An event waits. Should the timer be lost, as when the broker was away, the next event sets another."""
        now = time.monotonic()
        if self.hub is not None and now >= self._told_at:
            self._told_at = now + GATHER
            self.hub.call_later(GATHER, self._tell)

    def shutdown(self) -> None:
        self._tell()
        super().shutdown()

    def _tell(self) -> None:
        if self.event_dispatcher is not None:
            self.event_dispatcher.flush()
