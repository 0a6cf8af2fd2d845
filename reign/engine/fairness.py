"""Fairness: how many messages of one run may be in a pool's queue, and how many tasks may run at the same time.

A queue is first in, first out, so a run of thousands would stand before all that come later. Each run therefore has a
window: so many messages in a queue at a time. What is beyond it is held in the state. A worker goes on with held tasks
of the run whose message it took, without messages, for as long as it may hand over; then it puts the next one into the
queue: tokens, one for each message that was taken out. So runs share a pool in slices of that length, and few messages
keep it busy. What a process sets free itself while it goes on it also keeps held, where a message would be of no use:
while others wait for the pool already, or if all that it holds is short and done here before a message arrives.
Whoever stops looks once more, and leaves a message for what is still held: nobody else may be on the way to it.

Limits (of a run, an environment, a pool) are held exactly when a task is claimed; what finds no room is held too.

The leading service tops up what has no tokens left: after workers died, or a limit was raised.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from reign.config import Settings
from reign.engine.runtime import Runtime
from reign.store import holding, workers
from reign.store.claims import Claim
from reign.store.database import Transaction
from reign.store.holding import Limit
from reign.store.outbox import Posting
from reign.store.release import Ready
from reign.store.runs import RunInfo

#: A pool's window is at least so many messages for each of its processes, so that none finds the queue empty.
_A_PROCESS = 2
_LOOK_EVERY = 5.0  # seconds between looks at how many processes a pool has
_EMPTY_FOR = 0.05  # seconds for which who goes on does not ask again for held tasks of a run that had none
_CROWD_FOR = 0.05  # seconds between looks at the length of a queue
_SLOW = 1.0  # seconds that an operation takes of which nothing is known
_MESSAGE = 0.003  # seconds from the end of a task to the beginning of one that was sent to another process
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
    """What one process has taken out of a queue of one run and not put back yet (``count``), and about how many tasks
    it has left held in the same run and pool (``held``)."""

    count: int = 0
    held: int = 0
    empty_until: float = 0.0


@dataclass(slots=True)
class _Queue:
    """What a process knows of a pool's queue: so many messages wait, as was seen ``at`` and sent since."""

    waiting: int = 0
    at: float = float("-inf")


@dataclass
class Window:
    """The window of one process. ``released`` decides which of some tasks get a message now, ``ended`` which follow.

    ``waiting``: how many messages stand in a pool's queue, as far as the broker says so. ``agents``: whose tasks this
    process carries out.
    """

    settings: Settings
    waiting: Callable[[str], int] = lambda _: 0
    agents: Collection[str] = ()
    _tokens: dict[tuple[int, str], _Tokens] = field(default_factory=dict)
    _processes: dict[str, int] = field(default_factory=dict)
    _looked: float = float("-inf")
    _queues: dict[str, _Queue] = field(default_factory=dict)
    _paces: dict[str, float] = field(default_factory=dict)

    def released(
        self,
        tx: Transaction,
        run_id: int,
        ready: Sequence[Ready],
        most: int | None,
        now: float,
        *,
        first: bool = False,
        goes_on: Claim | None = None,
    ) -> list[Ready]:
        """Those of ``ready`` that get their message at once; the others are held in the caller's transaction.

        ``most``: how many tasks of the run may run at the same time, if that is limited. ``first``: they are the first
        of their run. ``goes_on``: what this process carries out now in the same run; then it may go on with these.
        """
        if not ready:
            return []
        send: list[Ready] = []
        held: list[Ready] = []
        for agent in {item.agent for item in ready}:
            mine = [item for item in ready if item.agent == agent]
            tokens = self._of(run_id, agent)
            if goes_on and agent == goes_on.agent:
                places = self._of_use(tx, goes_on, tokens.held + len(mine))
                self._queue(agent).waiting += min(places, len(mine))
            else:
                places = tokens.count
                if len(mine) > places:
                    size = self._size(tx, agent, most)
                    places += size if first else holding.places(tx, run_id, agent, size, len(mine))
                tokens.count = max(0, tokens.count - len(mine))
            send += mine[:places]
            held += mine[places:]
            if mine[places:]:
                tokens.held += len(mine[places:])
                tokens.empty_until = 0.0  # whatever was seen before: now there are some
        holding.hold(tx, held, now)
        return send

    def look(self, agent: str) -> None:
        """See how many messages wait for the pool, now and then. Not within a transaction: a broker may take long."""
        queue = self._queue(agent)
        if time.monotonic() - queue.at > _CROWD_FOR:
            queue.waiting, queue.at = self.waiting(agent), time.monotonic()

    def took(self, uses: str, seconds: float) -> None:
        """A task of this operation has ended here. Longer than before counts at once, shorter by and by."""
        self._paces[uses] = max(seconds, (self._paces.get(uses, _SLOW) + seconds) / 2)

    def _of_use(self, tx: Transaction, goes_on: Claim, held: int) -> int:
        """How many messages could be of use while this process goes on with a task and then with what is held: none if
        all that is done sooner than a message arrives, else as many as the pool can take beside those that wait."""
        if (held + 1) * self._paces.get(goes_on.uses, _SLOW) < _MESSAGE:
            return 0
        self._size(tx, goes_on.agent, None)
        return max(0, _A_PROCESS * self._processes[goes_on.agent] - self._queue(goes_on.agent).waiting)

    def _is_long(self, claim: Claim) -> bool:
        """Whether others may run dry while this process carries out the task."""
        return self._paces.get(claim.uses, _SLOW) > _CROWD_FOR

    def _queue(self, agent: str) -> _Queue:
        return self._queues.setdefault(agent, _Queue())

    def taken(self, run_id: int, agent: str) -> None:
        """A message of the run has been taken out of the pool's queue and was not followed by another of its chain."""
        tokens = self._of(run_id, agent)
        tokens.count = min(tokens.count + 1, self.settings.dispatch_window)

    def ended(self, tx: Transaction, run_id: int, agent: str, now: float, goes_on: Claim | None) -> list[Posting]:
        """The held tasks of the run that get their message now that one of its tasks has ended: as many as are of use
        to others if this process ``goes_on``, else one for each message that it took. It may be the last that had any.
        """
        found: list[Posting] = []
        for name in self._served(run_id, agent):
            tokens = self._of(run_id, name)
            if goes_on is None:
                most = max(tokens.count, min(1, tokens.held))
            elif name == goes_on.agent and self._is_long(goes_on) and time.monotonic() >= tokens.empty_until:
                most = self._of_use(tx, goes_on, 1)
            else:
                most = 0
            if most:
                found += self._let_go(tx, run_id, name, most, now)
        return found

    def _let_go(self, tx: Transaction, run_id: int, agent: str, most: int, now: float) -> list[Posting]:
        tokens = self._of(run_id, agent)
        found = holding.next_of_run(tx, run_id, agent, most)
        if found:
            tokens.count = max(0, tokens.count - len(found))
            tokens.held = max(0, tokens.held - len(found))
            self._queue(agent).waiting += len(found)
            holding.let_go(tx, found, now)
        else:
            tokens.held = 0
            tokens.empty_until = time.monotonic() + _EMPTY_FOR
        return found

    def next(self, tx: Transaction, run_id: int, agent: str) -> Ready | None:
        """The held task of the run that a process of the pool may go on with, without a message. It looks each time:
        another process may just have left tasks to whoever takes the next message, and this may be the last one."""
        for name in self._served(run_id, agent):
            tokens = self._of(run_id, name)
            found = holding.next_of_run(tx, run_id, name, 1)
            tokens.held = max(0, tokens.held - 1) if found else 0
            if found:
                return found[0].ready
        return None

    def _served(self, run_id: int, agent: str) -> list[str]:
        """The pool that has just ended a task, and others of this process for which it has held tasks of the run."""
        others = [name for name in self.agents if name != agent and self._of(run_id, name).held]
        return [agent, *others]

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
    """The limits at the claim: who finds no room is held, who leaves lets the next one in.

    ``agents``: whose tasks this process claims; a limit of another pool is none of its business.
    """

    def __init__(self, settings: Settings, agents: Collection[str]) -> None:
        self._settings = settings
        self._limited_here = not settings.pool_limits.keys().isdisjoint(agents)

    def limits(self, run: RunInfo, agent: str) -> list[Limit]:
        return limits_of(self._settings, run.id, run.environment, run.concurrency, agent)

    def may_limit(self, run: RunInfo) -> bool:
        """Whether any limit could hold for tasks of this run: if not, the claim costs nothing more."""
        return bool(run.concurrency or self._limited_here or run.environment in self._settings.environment_limits)

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
