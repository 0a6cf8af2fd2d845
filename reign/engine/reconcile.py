"""The reconciler: makes the broker agree with the state, and the state with the workers that are really there."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterable

from reign.core.errors import Unavailable
from reign.engine import identity
from reign.engine.crash import CrashPoints
from reign.engine.dispatch import relay
from reign.engine.general import ReignGeneral
from reign.engine.rehearse import Rehearsals
from reign.engine.remembering import Remembering
from reign.engine.repair import Repairs
from reign.engine.runtime import Runtime
from reign.executor import registry
from reign.store import claims, outbox, recovery, workers
from reign.store.workers import Worker

log = logging.getLogger(__name__)

#: Seconds for which a message may be on its way before an empty queue means that it was lost.
LOST_AFTER = 3.0
_BATCH = 500


class Silence:
    """How long each beat has stood still, on this process's monotonic clock."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[int, float]] = {}

    def of(self, name: str, beat: int) -> float:
        """Seconds since ``name`` was first seen with this beat."""
        now = time.monotonic()
        known = self._seen.get(name)
        if known is None or known[0] != beat:
            self._seen[name] = (beat, now)
            return 0.0
        return now - known[1]

    def forget(self, names: Iterable[str]) -> None:
        for name in names:
            self._seen.pop(name, None)


class Reconciler:
    """One pass is :meth:`tick`; the service calls it while it leads."""

    def __init__(self, runtime: Runtime, general: ReignGeneral) -> None:
        self._runtime = runtime
        self._general = general
        self._remembering = Remembering(runtime)
        self._repairs = Repairs(runtime, general, recall=self._remembering.recall)
        self._rehearsals = Rehearsals(runtime, general)
        self._silence = Silence()
        self._crash = CrashPoints(runtime.settings)

    def tick(self) -> None:
        """Relay what is due, free what dead workers held, send lost messages again, finish runs. Raises Unavailable."""
        relay(self._runtime.database, self._runtime.dispatcher, reach=self._crash.reach)
        self.free_dead()
        self.send_lost()
        self.finish()
        self._repairs.apply_safe()
        self._general.roll_back_failed()
        self._rehearsals.proceed()
        self._remembering.tick()

    def excuse(self) -> None:
        """The state could not be written, so nobody could show that it lives: all silence counts from now."""
        self._silence = Silence()

    def free_dead(self) -> list[str]:
        """Free the claims of workers that have died or gone silent; returns those workers."""
        with self._runtime.database.read() as tx:
            known = workers.listing(tx)
            unknown = claims.holders(tx) - {worker.id for worker in known}
        dead = [worker.id for worker in known if self._dead(worker)]
        dead += [name for name in unknown if self._silence.of(name, 0) > self._runtime.settings.lease]
        if not dead:
            return []
        log.warning("workers are gone: %s", ", ".join(dead))
        with self._runtime.database.write() as tx:
            ready = recovery.free(tx, dead, self._runtime.settings.max_attempts_lost, time.time())
        self._silence.forget(dead)
        for run, items in ready.items():
            self._runtime.dispatcher.send(run, items)
        return dead

    def _dead(self, worker: Worker) -> bool:
        """A process on this very machine is looked at; one elsewhere is judged by its silence."""
        if identity.here(worker.born) and identity.born(worker.pid) != worker.born:
            return True
        return self._silence.of(worker.id, worker.beat) > self._runtime.settings.lease

    def send_lost(self) -> int:
        """Send again what has been ready for a while though its queue is empty; returns how many messages were sent."""
        lengths = self._runtime.redis.lengths(registry.catalog().agents)
        before = time.time() - LOST_AFTER
        sent = 0
        for agent, length in lengths.items():
            with self._runtime.database.read() as tx:
                lost = (
                    outbox.waiting(tx, agent, before, _BATCH)
                    if length == 0
                    else outbox.overtaken(tx, agent, before, _BATCH)
                )
            if lost and self._runtime.dispatcher.publish(lost):
                with self._runtime.database.write() as tx:
                    outbox.touch(tx, [posting.ready.task_id for posting in lost], time.time())
                sent += len(lost)
        if sent:
            log.warning("%d messages had been lost and were sent again", sent)
        return sent

    def finish(self) -> None:
        with self._runtime.database.write() as tx:
            finished = recovery.finish_stuck(tx, time.time())
        for run_id in finished:
            self._runtime.dispatcher.changed(run_id, ended=True)


def _gone(holder: str) -> bool:
    """Whether a leader was a process of this very machine and is not there any more."""
    _, pid, born = holder.split(" ") if holder.count(" ") == 2 else ("", "0", "")
    return identity.here(born) and identity.born(int(pid)) != born


class Leadership:
    """Of any number of services one leads; another takes over when its beat has stood still for a lease, or at once if
    its process has ended on this machine."""

    def __init__(self, runtime: Runtime, role: str) -> None:
        self._runtime = runtime
        self._role = role
        pid = os.getpid()
        self._me = f"{identity.worker_id()} {pid} {identity.born(pid)}"
        self._silence = Silence()
        self._rival: tuple[str, int] | None = None

    def held(self) -> bool:
        """Whether this process leads now. Raises Unavailable."""
        rival = self._rival
        silent = rival is not None and (
            _gone(rival[0]) or self._silence.of(rival[0], rival[1]) > self._runtime.settings.lease
        )
        with self._runtime.database.write() as tx:
            holder, beat = recovery.lead(tx, self._role, self._me, rival if silent else None)
        self._rival = None if holder == self._me else (holder, beat)
        if self._rival:
            self._silence.of(*self._rival)
        return holder == self._me

    def resign(self) -> None:
        try:
            with self._runtime.database.write() as tx:
                recovery.resign(tx, self._role, self._me)
        except Unavailable:
            return
