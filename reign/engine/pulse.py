"""The pulse of a worker process: it shows that the process lives, and tells the running attempt when it must end."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from reign.config import Settings
from reign.core.errors import Unavailable
from reign.engine import identity
from reign.executor.context import Context
from reign.store import workers
from reign.store.claims import Claim
from reign.store.database import Database
from reign.store.workers import Worker

log = logging.getLogger(__name__)

_LOOK_EVERY = 0.5  # seconds between looks at the cancel flag
_KILL_GRACE = 30.0  # seconds past its deadline after which an attempt that does not listen takes the process with it


class Pulse:
    """One thread per worker process. Time is measured on the monotonic clock only."""

    def __init__(
        self, settings: Settings, database: Database, chores: Sequence[Callable[[], object]], agents: tuple[str, ...]
    ) -> None:
        self.worker = identity.worker_id()
        self._settings = settings
        self._database = database
        self._chores = chores  # what is done with every look: log lines written, hints caught up
        self._agents = agents
        self._known = False  # registered under its present name
        self._current: tuple[Claim, Context] | None = None
        self._given_up: Claim | None = None
        self._losses = database.losses
        self._busy = threading.Lock()  # held while a message is carried out
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="pulse", daemon=True)
        self._last_beat = time.monotonic()

    def start(self) -> None:
        """Register this process and begin to beat. Raises Unavailable if the database does not answer."""
        self._register()
        self._thread.start()

    def stop(self) -> None:
        """Beat no more and leave the register."""
        self._stopped.set()
        self._thread.join(timeout=5)
        try:
            with self._database.write() as tx:
                workers.strike_off(tx, [self.worker])
        except Unavailable:
            log.warning("the database is away; this worker will be struck off by its silence")

    @contextmanager
    def watch(self, claim: Claim, ctx: Context) -> Iterator[None]:
        """While inside, the attempt is told when its run is cancelled or its claim lost."""
        self._current = (claim, ctx)
        try:
            yield
        finally:
            self._current = None

    @contextmanager
    def busy(self) -> Iterator[None]:
        """While inside, a message is carried out: claims are made under one name."""
        with self._busy:
            self._renew_if_in_doubt()
            yield

    def renew(self) -> None:
        """Go on under a new name. After the database failed nobody here knows what it holds for this worker: a claim
        may have been committed without an answer. The old name falls silent; the reconciler frees what it holds."""
        self.worker, self._known, self._losses = identity.worker_id(), False, self._database.losses

    def _renew_if_in_doubt(self) -> None:
        """When a database server has died, the end of an attempt that was already answered may be gone with it."""
        if self._database.losses != self._losses:
            self.renew()

    def _register(self) -> None:
        now = time.time()
        pid = os.getpid()
        record = Worker(self.worker, identity.boot_id(), pid, identity.born(pid) or "", self._agents, 0, now, now)
        with self._database.write() as tx:
            workers.register(tx, record)
        self._known = True

    def _beat(self) -> None:
        next_beat = time.monotonic() + self._settings.heartbeat
        wait = min(_LOOK_EVERY, self._settings.heartbeat)
        while not self._stopped.wait(wait):
            try:
                for chore in self._chores:
                    chore()
                self._look()
                if self._busy.acquire(blocking=False):
                    try:
                        self._renew_if_in_doubt()
                    finally:
                        self._busy.release()
                if time.monotonic() >= next_beat:
                    next_beat = time.monotonic() + self._settings.heartbeat
                    self._count_up()
            except Unavailable as error:
                self._give_up_in_time(str(error))
            except Exception:
                log.exception("the pulse stumbled")

    def _count_up(self) -> None:
        if not self._known:
            self._register()
        with self._database.write() as tx:
            known = workers.beat(tx, self.worker, time.time())
        if not known:  # struck off, as after a long stop of the whole machine: what was claimed belongs to others now
            self._end("this worker was taken for dead; another one has the task")
            self._register()
        self._last_beat = time.monotonic()

    def _look(self) -> None:
        current = self._current
        if current is None:
            return
        claim, ctx = current
        if time.monotonic() > ctx.deadline + _KILL_GRACE:
            log.error("%s/%s does not end %d s after its deadline; ending this process", ctx.run, ctx.task, _KILL_GRACE)
            os._exit(70)
        with self._database.read() as tx:
            state = workers.look(tx, claim.task_id, claim.fence)
        if self._current is not current:
            return
        if not state.held:
            self._end("another worker has this task now")
        elif state.cancel:
            self._end("the run was cancelled")

    def _give_up_in_time(self, reason: str) -> None:
        """Without the database nobody sees this worker live. Shortly before others may take its task, it lets go.

        Not on SQLite: there is no network in between, so where this worker cannot write (a full disk), no other can.
        """
        if self._database.is_sqlite:
            return
        current = self._current
        if current is not None and time.monotonic() - self._last_beat > self._settings.lease * 0.8:
            self._given_up = current[0]
            self._end(f"lost the database for too long: {reason}")

    def gave_up(self, claim: Claim) -> bool:
        """Whether the attempt was ended because nobody could see this worker live: as if it had died in it."""
        return self._given_up is claim

    def _end(self, reason: str) -> None:
        current = self._current
        if current is not None and not current[1].cancelled.is_set():
            current[1].cancel_reason = reason
            current[1].cancelled.set()
