"""Waking those who wait for a run: one subscription of this process, and a slow look for hints that were lost."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from reign.broker.redis import CHANNEL, subscriber
from reign.config import Settings

log = logging.getLogger(__name__)

#: Seconds after which a waiter looks by itself: hints are only hints.
LOOK_EVERY = 1.0


class Watch:
    """One request's ear for the hints of some runs."""

    def __init__(self) -> None:
        self._heard = asyncio.Event()
        self._of: set[int] = set()

    def hint(self, run_id: int) -> None:
        self._of.add(run_id)
        self._heard.set()

    async def changed(self, seconds: float = LOOK_EVERY) -> set[int]:
        """Return when one of the runs may have changed since this was last asked, at the latest after ``seconds``;
        which ones, as far as hints say so."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._heard.wait(), seconds)
        self._heard.clear()
        heard, self._of = self._of, set()
        return heard


class Wakeups:
    """Fans the broker's hints out to the requests that wait for a run."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._waiting: dict[int, set[Watch]] = defaultdict(set)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._listen())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    @contextmanager
    def watching(self, run_ids: Collection[int]) -> Iterator[Watch]:
        """Hints for these runs are heard from now on: who looks after this misses none."""
        watch = Watch()
        for run_id in run_ids:
            self._waiting[run_id].add(watch)
        try:
            yield watch
        finally:
            for run_id in run_ids:
                self._waiting[run_id].discard(watch)
                if not self._waiting[run_id]:
                    del self._waiting[run_id]

    async def _listen(self) -> None:
        while True:
            try:
                async with subscriber(self._settings) as client, client.pubsub() as pubsub:
                    await pubsub.subscribe(CHANNEL)
                    async for message in pubsub.listen():
                        if message["type"] == "message":
                            run_id = int(message["data"])
                            for watch in self._waiting.get(run_id, ()):
                                watch.hint(run_id)
            except asyncio.CancelledError:
                raise
            except Exception as error:
                log.debug("no hints from the broker: %s", error)
                await asyncio.sleep(LOOK_EVERY)
