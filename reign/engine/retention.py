"""Retention: the leading service archives the events and logs of old runs, a few at a time."""

from __future__ import annotations

import gzip
import json
import logging
import os
import time
from pathlib import Path

from reign.core.errors import Unavailable
from reign.engine.runtime import Runtime
from reign.store import retention
from reign.store.retention import Archived
from reign.store.runs import RunRecord

log = logging.getLogger(__name__)

_EVERY = 60.0  # seconds between looks
_AT_ONCE = 20  # runs in one look


class Retention:
    """Does nothing where ``retain`` is 0."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._next = 0.0

    @property
    def folder(self) -> Path:
        """Where archives are written: ``YYYY-MM/RUN.jsonl.gz`` below it."""
        return self._runtime.settings.data_dir.absolute() / "archive"

    def tick(self) -> int:
        """Archive some old runs if it is time; returns how many. Raises Unavailable, also for a full disk."""
        if not self._runtime.settings.retain or time.monotonic() < self._next:
            return 0
        done = self.archive(_AT_ONCE)
        if done < _AT_ONCE:
            self._next = time.monotonic() + _EVERY
        return done

    def archive(self, most: int) -> int:
        """Archive up to ``most`` runs, and prune what archived runs have left. First the file, then its note in the
        state, then the rows: a death between leaves nothing lost and nothing twice."""
        now = time.time()
        database = self._runtime.database
        with database.read() as tx:
            old = retention.old(tx, now - self._runtime.settings.retain, most)
        for run in old:
            made = self._write(run, now)
            with database.write() as tx:
                retention.note(tx, made)
        with database.read() as tx:
            left = retention.unpruned(tx, most)
        for run_id in left:
            pruned = False
            while not pruned:
                with database.write() as tx:
                    pruned = retention.prune(tx, run_id)
        return len(old)

    def _write(self, run: RunRecord, now: float) -> Archived:
        counts = {"event": 0, "log": 0}
        name = f"{time.strftime('%Y-%m', time.gmtime(run.created_at))}/{run.name}.jsonl.gz"
        path = self.folder / name
        keep = self._runtime.settings.archive
        try:
            if keep:
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            partial = path.with_suffix(".part") if keep else Path(os.devnull)
            with self._runtime.database.read() as tx, gzip.open(partial, "wt", encoding="utf-8") as file:
                for line in retention.lines(tx, run):
                    counts[line["kind"]] = counts.get(line["kind"], 0) + 1
                    file.write(json.dumps(line, ensure_ascii=False, default=str) + "\n")
            if keep:
                with partial.open("rb") as written:
                    os.fsync(written.fileno())
                partial.replace(path)
        except OSError as error:
            raise Unavailable(
                f"{path} cannot be written: {error.strerror}", hint="make room; nothing is lost"
            ) from None
        return Archived(run.id, name if keep else None, counts["event"], counts["log"], now)
