"""What Flower is told of tasks that came without a message: those that a worker went on with by itself.

Their events are gathered and sent together, from the worker's pulse: each alone would cost more than a short task.
"""

from __future__ import annotations

import contextlib
from typing import Any

from celery import Celery

from reign.store.claims import Claim


class Teller:
    """Sends the events of one worker process. What the broker does not take is not told: Flower is for looking only."""

    def __init__(self, app: Celery, hostname: str) -> None:
        self._dispatcher = app.events.Dispatcher(
            app.connection_for_write(),
            hostname=hostname,
            buffer_while_offline=False,
            buffer_group={"task"},
            buffer_limit=500,
        )

    def began(self, run: str, claim: Claim) -> None:
        """A task was handed over here, and runs now."""
        entry = f"{run}.{claim.task}"
        self._send("task-received", uuid=entry, name=f"{run}/{claim.task} {claim.uses}", args="()", kwargs="{}")
        self._send("task-started", uuid=entry)

    def ended(self, run: str, claim: Claim, failure: str | None, seconds: float) -> None:
        """A task that :meth:`began` has ended. ``failure``: what Flower shows if it did not succeed."""
        entry = f"{run}.{claim.task}"
        if failure is None:
            self._send("task-succeeded", uuid=entry, result="None", runtime=seconds)
        else:
            self._send("task-failed", uuid=entry, exception=failure, traceback="")

    def _send(self, kind: str, **fields: Any) -> None:
        with contextlib.suppress(Exception):
            self._dispatcher.send(kind, **fields)

    def flush(self) -> None:
        """Send what was gathered."""
        with contextlib.suppress(Exception):
            self._dispatcher.flush(errors=False)

    def close(self) -> None:
        self.flush()
        with contextlib.suppress(Exception):
            self._dispatcher.close()
            self._dispatcher.connection.release()
