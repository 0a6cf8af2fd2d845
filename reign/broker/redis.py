"""Redis itself: is it there, how long are the queues, and the hints that wake those who wait."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

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
        self._hints = Hints(self.client.connection_pool)

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
        self._hints.send([("PUBLISH", CHANNEL, run_id) for run_id in run_ids])

    def close(self) -> None:
        self._hints.close()
        self.client.close()


class Hints:
    """A connection for commands whose answers nobody needs: they are read when the next ones are sent.

    To wait for them took a fifth of a short run's time in a worker.
    """

    _MOST = 1000  # answers that may be outstanding; a broker that far behind is not told any more

    def __init__(self, pool: redis.ConnectionPool) -> None:
        self._pool = pool
        self._connection: Any = None
        self._outstanding = 0
        self._guard = threading.Lock()

    def send(self, commands: Sequence[tuple[Any, ...]]) -> None:
        """Send and do not wait. Never raises; what cannot be sent is dropped."""
        with self._guard:
            known = self._connection is not None
            if not self._sent(commands) and known:  # it was cut meanwhile; a new one may do
                self._sent(commands)

    def _sent(self, commands: Sequence[tuple[Any, ...]]) -> bool:
        try:
            if self._connection is None:
                self._connection = self._pool.get_connection()
            self._read()
            if self._outstanding < self._MOST:
                self._connection.send_packed_command(self._connection.pack_commands(commands))
                self._outstanding += len(commands)
        except (redis.RedisError, OSError):
            self._drop()
            return False
        return True

    def _read(self) -> None:
        while self._outstanding and self._connection.can_read(timeout=0):
            self._connection.read_response()
            self._outstanding -= 1

    def _drop(self) -> None:
        connection, self._connection, self._outstanding = self._connection, None, 0
        if connection is not None:
            connection.disconnect()
            self._pool.release(connection)

    def close(self) -> None:
        with self._guard:
            self._drop()


def subscriber(settings: Settings) -> redis.asyncio.Redis:
    """An asyncio client for subscribing to ``CHANNEL``."""
    return redis.asyncio.Redis.from_url(_url(settings), socket_connect_timeout=settings.socket_timeout)
