"""Redis itself: is it there, how long are the queues, and the hints that wake those who wait."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import redis
import redis.asyncio

from reign.broker.app import queue_name
from reign.config import Settings
from reign.core.errors import ReignError, Unavailable

#: Publish/subscribe channel: the id of a run whose state changed. A hint only; who misses it looks a little later.
CHANNEL = "reign.changed"


def _url(settings: Settings) -> str:
    return settings.broker.replace("redis+socket://", "unix://", 1)


def shown(url: str) -> str:
    """A broker URL without its password."""
    head, at, tail = url.rpartition("@")
    return f"{head.split('://')[0]}://***@{tail}" if at else url


@contextmanager
def translated(settings: Settings) -> Iterator[None]:
    """Errors of the Redis client as Unavailable."""
    try:
        yield
    except (redis.RedisError, OSError) as error:
        raise Unavailable(
            f"the broker {shown(settings.broker)} does not answer: {error}",
            hint="start the embedded one with `reign up`, or check REIGN_BROKER_URL",
        ) from error


class Redis:
    """A small client for one process."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.client = redis.Redis.from_url(
            _url(settings), socket_timeout=settings.socket_timeout, socket_connect_timeout=settings.socket_timeout
        )

    def ping(self) -> None:
        """Raises Unavailable if the broker does not answer."""
        with translated(self._settings):
            self.client.ping()

    def lengths(self, agents: Iterable[str]) -> dict[str, int]:
        """Messages waiting in the queue of each agent. Raises Unavailable."""
        names = list(agents)
        with translated(self._settings):
            pipe = self.client.pipeline(transaction=False)
            for agent in names:
                pipe.llen(queue_name(agent))
            return dict(zip(names, pipe.execute(), strict=True))

    def length(self, agent: str) -> int:
        """Messages waiting in the queue of an agent, or 0 if the broker does not say. Never raises: it is a hint."""
        try:
            return self.lengths([agent])[agent]
        except ReignError:
            return 0

    def changed(self, run_ids: Sequence[int]) -> None:
        """Tell whoever waits that these runs have changed. Never raises: it is a hint."""
        try:
            pipe = self.client.pipeline(transaction=False)
            for run_id in run_ids:
                pipe.publish(CHANNEL, run_id)
            pipe.execute()
        except (redis.RedisError, OSError):
            return

    def close(self) -> None:
        self.client.close()


def subscriber(settings: Settings) -> redis.asyncio.Redis:
    """An asyncio client for subscribing to ``CHANNEL``."""
    return redis.asyncio.Redis.from_url(_url(settings), socket_connect_timeout=settings.socket_timeout)
