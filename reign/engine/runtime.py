"""What a process of the control or data plane has in hand: the state, the broker, and how to reach both.

Celery and the Redis client are imported when they are first needed: what only plans or looks starts without them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from reign.broker.messages import Signer
from reign.config import Settings
from reign.executor import registry
from reign.security import sealed
from reign.store.anchors import Anchors
from reign.store.audit import Journal
from reign.store.database import Database

if TYPE_CHECKING:
    from celery import Celery

    from reign.broker.redis import Redis
    from reign.engine.dispatch import Dispatcher


@dataclass
class Runtime:
    """Made once in each process, after the fork; connections open at first use."""

    settings: Settings

    def __post_init__(self) -> None:
        sealed.unlock(str(self.settings.data_dir.absolute()), lambda: self.settings.key)

    @cached_property
    def seal(self) -> sealed.Seal:
        return sealed.Seal(self.settings.key)

    @cached_property
    def database(self) -> Database:
        return Database(self.settings.database, journal=self.journal)

    @cached_property
    def journal(self) -> Journal:
        return Journal(self.settings.key, Anchors(self.settings.heads, self.settings.key))

    @cached_property
    def redis(self) -> Redis:
        from reign.broker.redis import Redis

        return Redis(self.settings)

    @cached_property
    def app(self) -> Celery:
        from reign.broker.app import make_app

        return make_app(self.settings, registry.names())

    @cached_property
    def signer(self) -> Signer:
        return Signer(self.settings.key)

    @cached_property
    def dispatcher(self) -> Dispatcher:
        from reign.engine.dispatch import Dispatcher

        return Dispatcher(self.app, self.signer, self.redis)

    def close(self) -> None:
        """Close what has been opened."""
        if "database" in self.__dict__:
            self.database.close()
        if "redis" in self.__dict__:
            self.redis.close()
        if "app" in self.__dict__:
            self.app.close()
