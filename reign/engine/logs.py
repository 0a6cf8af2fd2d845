"""Log lines of attempts on their way to the state: buffered, bounded, and written together."""

from __future__ import annotations

import threading
import time
from typing import Any

from reign.store.claims import Claim
from reign.store.database import Database
from reign.store.tables import logs

_LINE = 4000  # characters kept of a line


class LogSink:
    """Collects what one process's attempts print; a thread flushes it a few times a second."""

    def __init__(self, database: Database, limit: int) -> None:
        self._database = database
        self._limit = limit
        self._rows: list[dict[str, Any]] = []
        self._count = 0
        self._claim: Claim | None = None
        self._stands = ""
        self._guard = threading.Lock()

    def start(self, claim: Claim) -> None:
        """Lines from now on belong to this attempt."""
        self._claim, self._count, self._stands = claim, 0, ""

    def add(self, stream: str, text: str) -> None:
        claim = self._claim
        if claim is None:
            return
        if stream == "progress":
            if text == self._stands:  # whoever polls says the same each time
                return
            self._stands = text
        self._count += 1
        if self._count > self._limit:
            if self._count > self._limit + 1:
                return
            text = f"... more than {self._limit} lines; the rest is left out ..."
        row = {
            "run_id": claim.run_id,
            "task_id": claim.task_id,
            "attempt": claim.attempt,
            "at": time.time(),
            "stream": stream,
            "text": text if len(text) <= _LINE else text[:_LINE] + " ...",
        }
        with self._guard:
            self._rows.append(row)

    def flush(self) -> bool:
        """Write what has been collected; True if there was any. Kept for the next time if the database is away."""
        if not self._rows:
            return False
        with self._guard:
            rows, self._rows = self._rows, []
        try:
            with self._database.write() as tx:
                tx.execute(logs.insert(), rows)
        except Exception:
            with self._guard:
                self._rows = rows + self._rows
            raise
        return True
