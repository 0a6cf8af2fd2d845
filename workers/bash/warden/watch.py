"""The parent's side: start the command, watch what it uses, pass on a stop, end all that is left, say how it went."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from workers.bash.warden import stay, tree
from workers.bash.warden.cell import CANNOT_START, enter
from workers.bash.warden.guard import Guard
from workers.bash.warden.kernel import PR_SET_CHILD_SUBREAPER, PR_SET_PDEATHSIG, prctl
from workers.bash.warden.order import Limits, Order, Verdict
from workers.bash.warden.shared import Shared

_LOOK_EVERY = 0.05  # seconds; a fork bomb doubles a few times between two looks
_LOOK_EVERY_LATER = 0.5  # ... once it has been quiet for a while
_SETTLED_AFTER = 10.0
_MANY = 64  # so many processes are no quiet any more


@dataclass
class Watch:
    """One command under way."""

    order: Order
    child: int
    status: int  # what bubblewrap reports on
    guard: Guard
    log: stay.Log | None = None
    started: float = field(default_factory=time.monotonic)
    killed: str | None = None
    stop_at: float | None = None
    look_at: float = 0.0
    ended: int | None = None  # wait status
    shared: Shared = field(default_factory=Shared)
    told: dict[str, int] = field(default_factory=dict)  # what bubblewrap said of its child

    def to_the_end(self) -> Verdict:
        """Wait for the command, keeping it within its limits; afterwards nothing of it is left."""
        with selectable(self.child) as handle:
            while self.ended is None:
                self._wait(handle)
                self._collect()
                self._enforce()
        left = len(self._outside_walls())
        self.guard.closed = True
        tree.end_all(os.getpid(), meanwhile=self._refuse)
        if self.log:
            self.log.drain()
        return self._verdict(left)

    def stop(self, *_: object) -> None:
        """Ask the command to end; what has not in ``grace`` seconds is killed."""
        if self.stop_at is None:
            self.stop_at = time.monotonic() + self.order.grace
            tree.send(self._outside_walls(), signal.SIGTERM)

    def _wait(self, handle: int) -> None:
        """Until something happens or it is time to look: the child's end, a line of its output, one that asks."""
        busy = time.monotonic() - self.started < _SETTLED_AFTER or self.stop_at is not None
        waiting = select.poll()
        waiting.register(handle, select.POLLIN)
        if self.log and self.log.open:
            waiting.register(self.log.source, select.POLLIN)
        if self.guard.key is not None:
            waiting.register(self.guard.key, select.POLLIN)
        for ready, event in waiting.poll(1000 * (_LOOK_EVERY if busy else _LOOK_EVERY_LATER)):
            if self.log and ready == self.log.source:
                self.log.pump()
            elif ready == self.guard.key:
                self._at_the_gate(event)

    def _at_the_gate(self, event: int) -> None:
        if event & select.POLLIN:
            if not self.guard.answer(self._room):
                self.killed = self.killed or too_many(self.order.limits)
        else:
            self.guard.drop()  # everybody who could ask is gone

    def _room(self) -> int:
        most = self.order.limits.processes
        return most - len(tree.below(os.getpid(), most + 1)) if most else 1_000_000

    def _refuse(self) -> None:
        """Nobody comes to be any more; those that ask are told so, or they would wait for ever."""
        while self.guard.key is not None:
            waiting = select.poll()
            waiting.register(self.guard.key, select.POLLIN)
            events = waiting.poll(0)
            if not events:
                return
            self._at_the_gate(events[0][1])

    def _collect(self) -> None:
        self.ended = tree.reap().get(self.child)

    def _enforce(self) -> None:
        if self.ended is not None or (time.monotonic() < self.look_at and self.killed is None):
            return
        self.look_at = time.monotonic() + _LOOK_EVERY
        most = self.order.limits.processes
        pids = tree.below(os.getpid(), most + 1 if most else 100_000)  # a bomb grows while it is being counted
        memory = self.order.limits.memory
        reason = over(self.order.limits, pids, shared=self.shared.held(pids, memory) if memory else 0)
        if reason and self.killed is None:
            self.killed = reason
        if self.killed:
            self.guard.closed = True
        if self.killed or (self.stop_at is not None and time.monotonic() >= self.stop_at):
            tree.send([*self._first(), self.child, *pids], signal.SIGKILL)

    def _first(self) -> list[int]:
        """The first process of bubblewrap's namespace, if there is one: with it the kernel ends all others at once."""
        if self.order.walls.kind != "bubblewrap":
            return []
        self._listen()
        return [self.told["child-pid"]] if "child-pid" in self.told else []

    def _outside_walls(self) -> list[int]:
        """The command's processes without bubblewrap's own two, whose end would kill the command unasked."""
        pids = tree.below(os.getpid())
        if self.order.walls.kind != "bubblewrap":
            return pids
        self._listen()
        own = {self.child, self.told.get("child-pid")}
        return [pid for pid in pids if pid not in own]

    def _verdict(self, left: int) -> Verdict:
        assert self.ended is not None
        self._listen()
        code = os.waitstatus_to_exitcode(self.ended)
        started = CANNOT_START not in self.told
        if self.order.walls.kind == "bubblewrap":
            started = "exit-code" in self.told or code < 0 or self.killed is not None
            code = self.told.get("exit-code", code)
        exit_code = code if code >= 0 else 128 - code
        return Verdict(started, exit_code, killed=self.killed, left=left, asked=self.stop_at is not None)

    def _listen(self) -> None:
        """Take in what the child says if it fails to become the command, and what bubblewrap says of its own child."""
        os.set_blocking(self.status, False)
        with contextlib.suppress(BlockingIOError):
            while reported := os.read(self.status, 65536):
                for line in reported.splitlines():
                    self.told.update({k: v for k, v in json.loads(line).items() if isinstance(v, int)})


def over(limits: Limits, pids: list[int], *, shared: int = 0) -> str | None:
    """The limit that these processes together, and ``shared`` bytes of no process, are over, in words."""
    if limits.processes and len(pids) > limits.processes:
        return too_many(limits)
    if limits.memory and sum(map(tree.own_memory, pids)) + shared > limits.memory:
        return f"more than {limits.memory // 2**20} MiB of memory"
    return None


def too_many(limits: Limits) -> str:
    return f"more than {limits.processes} processes"


@contextlib.contextmanager
def selectable(pid: int) -> Iterator[int]:
    """A descriptor that becomes readable when ``pid`` ends."""
    handle = os.pidfd_open(pid)
    try:
        yield handle
    finally:
        os.close(handle)


def main(path: Path) -> int:
    """Carry out the order at ``path``; the exit code is the command's."""
    order = Order.read(path)
    path.unlink()
    told = -1
    if order.stay:
        told = stay.detach()
    else:
        follow_parent()
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    status, status_inside = os.pipe()
    secrets = stay.secrets_to_hide()
    log = stay.Log.open_at(order.stay, secrets) if order.stay else None
    from_child, to_warden = socket.socketpair()
    child = os.fork()
    if child == 0:
        os.close(status)
        from_child.close()
        enter(order, status_inside, to_warden, log.sink if log else None)
    os.close(status_inside)
    to_warden.close()
    with contextlib.suppress(OSError):  # who asks at the gate must not wait for a turn on a busy machine
        os.setpriority(os.PRIO_PROCESS, 0, -15)
    with from_child:
        watch = Watch(order, child, status, Guard(from_child), log)
    signal.signal(signal.SIGTERM, watch.stop)
    signal.signal(signal.SIGINT, watch.stop)
    if order.stay:
        stay.begin(order.stay, child, told)
    verdict = watch.to_the_end()
    verdict.write(Path(order.verdict))
    if order.stay:
        stay.finish(order.stay)
    return verdict.exit_code


def follow_parent() -> None:
    """Clean up when the worker dies, whatever killed it: SIGTERM instead of the SIGKILL that tools get by default."""
    parent = os.getppid()
    prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit(1)
