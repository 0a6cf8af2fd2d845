"""Fairness: how many messages of one run may be in a pool's queue, and how many tasks may run at the same time.

A queue is first in, first out, so a run of thousands would stand before all that come later. Each run therefore has a
window: so many messages in a queue at a time. What is beyond it is held in the state. A worker goes on with held tasks
of the run whose message it took, without messages, for as long as it may hand over; then it puts the next one into the
queue: tokens, one for each message that was taken out. So runs share a pool in slices of that length, and few messages
keep it busy. While more messages wait than a pool can take, a process keeps what it sets free in the same run for
itself in that way: a message of it would only stand in line behind them.

Limits (of a run, an environment, a pool) are held exactly when a task is claimed; what finds no room is held too.

The leading service tops up what has no tokens left: after workers died, or a limit was raised.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from reign.config import Settings
from reign.engine.runtime import Runtime
from reign.store import holding, workers
from reign.store.database import Transaction
from reign.store.holding import Limit
from reign.store.outbox import Posting
from reign.store.release import Ready
from reign.store.runs import RunInfo

#: A pool's window is at least so many messages for each of its processes, so that none finds the queue empty.
_A_PROCESS = 2
#: Messages that are let go together at most; publishing in batches is what makes the window cheap.
_BATCH = 8
_LOOK_EVERY = 5.0  # seconds between looks at how many processes a pool has
_EMPTY_FOR = 0.05  # seconds for which who goes on does not ask again for held tasks of a run that had none
_CROWD_FOR = 0.05  # seconds between looks at the length of a queue
_SWEEP_EVERY = 10.0  # seconds


def limits_of(settings: Settings, run_id: int, environment: str, concurrency: int | None, agent: str) -> list[Limit]:
    """The limits that a task of this run and pool is under; usually none."""
    found = []
    if concurrency:
        found.append(Limit("run", run_id, concurrency))
    if environment in settings.environment_limits:
        found.append(Limit("environment", environment, settings.environment_limits[environment]))
    if agent in settings.pool_limits:
        found.append(Limit("pool", agent, settings.pool_limits[agent]))
    return found


@dataclass(slots=True)
class _Tokens:
    """What one process has taken out of a queue of one run and not put back yet."""

    count: int = 0
    empty_until: float = 0.0


@dataclass
class Window:
    """The window of one process. ``released`` decides which of some tasks get a message now, ``ended`` which follow.

    ``waiting``: how many messages stand in a pool's queue, as far as the broker says so.
    """

    settings: Settings
    waiting: Callable[[str], int] = lambda _: 0
    _tokens: dict[tuple[int, str], _Tokens] = field(default_factory=dict)
    _processes: dict[str, int] = field(default_factory=dict)
    _looked: float = float("-inf")
    _crowds: dict[str, tuple[int, float]] = field(default_factory=dict)

    def released(
        self,
        tx: Transaction,
        run_id: int,
        ready: Sequence[Ready],
        most: int | None,
        now: float,
        *,
        first: bool = False,
        goes_on: bool = False,
    ) -> list[Ready]:
        """Those of ``ready`` that get their message at once; the others are held in the caller's transaction.

        ``most``: how many tasks of the run may run at the same time, if that is limited. ``first``: they are the first
        of their run. ``goes_on``: this process carries out another task of the run now, and may go on with these.
        """
        if not ready:
            return []
        send: list[Ready] = []
        held: list[Ready] = []
        for agent in {item.agent for item in ready}:
            mine = [item for item in ready if item.agent == agent]
            tokens = self._of(run_id, agent)
            places = 0
            if not (goes_on and self._crowded(tx, agent)):
                places = tokens.count
                if len(mine) > places:
                    size = self._size(tx, agent, most)
                    places += size if first else holding.places(tx, run_id, agent, size, len(mine))
                tokens.count = max(0, tokens.count - len(mine))
            send += mine[:places]
            held += mine[places:]
            if mine[places:]:
                tokens.empty_until = 0.0  # whatever was seen before: now there are some
        holding.hold(tx, held, now)
        return send

    def look(self, agent: str) -> None:
        """See how many messages wait for the pool, now and then. Not within a transaction: a broker may take long."""
        if time.monotonic() - self._crowds.get(agent, (0, float("-inf")))[1] > _CROWD_FOR:
            self._crowds[agent] = (self.waiting(agent), time.monotonic())

    def _crowded(self, tx: Transaction, agent: str) -> bool:
        """Whether more messages wait for the pool than its processes can take at once, as was last looked."""
        waiting, _ = self._crowds.get(agent, (0, 0.0))
        if not waiting:
            return False
        self._size(tx, agent, None)
        return waiting > _A_PROCESS * self._processes[agent]

    def taken(self, run_id: int, agent: str) -> None:
        """A message of the run has been taken out of the pool's queue and was not followed by another of its chain."""
        tokens = self._of(run_id, agent)
        tokens.count = min(tokens.count + 1, self.settings.dispatch_window)

    def ended(self, tx: Transaction, run_id: int, agent: str, now: float, *, goes_on: bool) -> list[Posting]:
        """The held tasks of the run that get their message now that one of its tasks has ended. Who ``goes_on`` gathers
        tokens until a batch is worth its trip; who does not leaves them all: it may be the last that had any."""
        tokens = self._of(run_id, agent)
        if tokens.count == 0:
            return []
        if goes_on and (time.monotonic() < tokens.empty_until or tokens.count < self._batch(tx, agent)):
            return []
        found = holding.next_of_run(tx, run_id, agent, tokens.count)
        if found:
            tokens.count -= len(found)
            holding.let_go(tx, found, now)
        else:
            tokens.empty_until = time.monotonic() + _EMPTY_FOR
        return found

    def _batch(self, tx: Transaction, agent: str) -> int:
        size = self._size(tx, agent, None)
        return max(1, min(_BATCH, size // (_A_PROCESS * max(1, self._processes[agent]))))

    def next(self, tx: Transaction, run_id: int, agent: str) -> Ready | None:
        """The held task of the run that a process of the pool may go on with, without a message. It looks each time:
        another process may just have left tasks to whoever takes the next message, and this may be the last one."""
        found = holding.next_of_run(tx, run_id, agent, 1)
        return found[0].ready if found else None

    def _of(self, run_id: int, agent: str) -> _Tokens:
        tokens = self._tokens.get((run_id, agent))
        if tokens is None:
            if len(self._tokens) >= 10_000:  # runs that are long over; a token that is lost is topped up
                self._tokens.clear()
            tokens = self._tokens[run_id, agent] = _Tokens()
        return tokens

    def _size(self, tx: Transaction, agent: str, most: int | None) -> int:
        if time.monotonic() - self._looked > _LOOK_EVERY or agent not in self._processes:
            self._looked = time.monotonic()
            self._processes = {agent: 0}
            for worker in workers.listing(tx):
                for name in worker.agents:
                    self._processes[name] = self._processes.get(name, 0) + 1
        size = max(self.settings.dispatch_window, _A_PROCESS * self._processes[agent])
        return min(size, most) if most else size


class Turnstile:
    """The limits at the claim: who finds no room is held, who leaves lets the next one in."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def limits(self, run: RunInfo, agent: str) -> list[Limit]:
        return limits_of(self._settings, run.id, run.environment, run.concurrency, agent)

    def may_limit(self, run: RunInfo) -> bool:
        """Whether any limit could hold for tasks of this run: if not, the claim costs nothing more."""
        return bool(
            run.concurrency or self._settings.pool_limits or run.environment in self._settings.environment_limits
        )

    def admits(self, tx: Transaction, run: RunInfo, task_id: int, now: float) -> bool:
        """Whether the task may be claimed now; if not, it is held in this transaction."""
        agent = holding.agent_of(tx, task_id)
        limits = self.limits(run, agent) if agent else []
        if not limits:
            return True
        holding.serialise(tx, limits)
        if all(holding.room(tx, limit) > 0 for limit in limits):
            return True
        holding.hold_one(tx, task_id, now)
        return False

    def left(self, tx: Transaction, run: RunInfo, agent: str, now: float) -> list[Posting]:
        """The task that takes the place of one that has just ended, if any waits for it."""
        limits = self.limits(run, agent)
        if not limits:
            return []
        holding.serialise(tx, limits)
        found = holding.next_under(tx, limits, run.id)
        holding.let_go(tx, found, now)
        return found


class TopUp:
    """What the leading service does for held tasks that nobody else lets go."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._swept = float("-inf")

    def tick(self) -> int:
        """Let held tasks go where a queue runs low, or where nothing of their run is left in it (all blocked by a lock,
        say); returns how many messages were sent. Raises Unavailable."""
        database, settings = self._runtime.database, self._runtime.settings
        with database.read() as tx:
            groups = holding.groups(tx)
        if not groups:
            return 0
        self._sweep()
        lengths = self._runtime.redis.lengths({group.agent for group in groups})
        low = settings.dispatch_window // 2
        with database.read() as tx:
            groups = [g for g in groups if lengths[g.agent] <= low or holding.idle(tx, g.run_id, g.agent)]
        if not groups:
            return 0
        now = time.time()
        found: list[Posting] = []
        with database.write() as tx:
            for group in groups:
                limits = limits_of(settings, group.run_id, group.environment, group.concurrency, group.agent)
                most = min([settings.dispatch_window, *(holding.room(tx, limit) for limit in limits)])
                if most > 0:
                    found += holding.next_of_run(tx, group.run_id, group.agent, most)
            holding.let_go(tx, found, now)
        self._runtime.dispatcher.send_all(found)
        return len(found)

    def _sweep(self) -> None:
        if time.monotonic() - self._swept > _SWEEP_EVERY:
            self._swept = time.monotonic()
            with self._runtime.database.write() as tx:
                holding.sweep(tx)
