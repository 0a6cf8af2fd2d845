"""The parent's side: start the command, watch what it uses, pass on a stop, end all that is left, say how it went."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from workers.bash.warden import stay, tree
from workers.bash.warden.cell import CANNOT_START, enter
from workers.bash.warden.kernel import PR_SET_CHILD_SUBREAPER, PR_SET_PDEATHSIG, prctl
from workers.bash.warden.order import Limits, Order, Verdict

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
    log: stay.Log | None = None
    started: float = field(default_factory=time.monotonic)
    killed: str | None = None
    stop_at: float | None = None
    ended: int | None = None  # wait status
    told: dict[str, int] = field(default_factory=dict)  # what bubblewrap said of its child

    def to_the_end(self) -> Verdict:
        """Wait for the command, keeping it within its limits; afterwards nothing of it is left."""
        with selectable(self.child) as handle:
            while self.ended is None:
                self._wait(handle)
                self._collect()
                self._enforce()
        left = len(self._outside_walls())
        tree.end_all(os.getpid())
        tree.reap()
        if self.log:
            self.log.drain()
        return self._verdict(left)

    def stop(self, *_: object) -> None:
        """Ask the command to end; what has not in ``grace`` seconds is killed."""
        if self.stop_at is None:
            self.stop_at = time.monotonic() + self.order.grace
            tree.send(self._outside_walls(), signal.SIGTERM)

    def _wait(self, handle: int) -> None:
        busy = time.monotonic() - self.started < _SETTLED_AFTER or self.stop_at is not None
        readable = [handle, *([self.log.source] if self.log and self.log.open else [])]
        ready, _, _ = select.select(readable, [], [], _LOOK_EVERY if busy else _LOOK_EVERY_LATER)
        if self.log and self.log.source in ready:
            self.log.pump()

    def _collect(self) -> None:
        self.ended = tree.reap().get(self.child)

    def _enforce(self) -> None:
        if self.ended is not None:
            return
        pids = tree.below(os.getpid())
        reason = over(self.order.limits, pids)
        if reason and self.killed is None:
            self.killed = reason
        if self.killed or (self.stop_at is not None and time.monotonic() >= self.stop_at):
            tree.send([self.child, *pids], signal.SIGKILL)

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
        code = os.waitstatus_to_exitcode(self.ended)
        if self.order.walls.kind != "bubblewrap":
            return Verdict(started=code != CANNOT_START, exit_code=code, killed=self.killed, left=left)
        self._listen()
        inner = self.told.get("exit-code")
        if inner is not None and inner > 128 and inner - 128 in signal.valid_signals():
            inner = 128 - inner  # bubblewrap tells of a signal as shells do
        return Verdict(
            started=inner is not None or code < 0 or self.killed is not None,
            exit_code=code if inner is None else inner,
            killed=self.killed,
            left=left,
        )

    def _listen(self) -> None:
        """Take in what bubblewrap says: the number of its child, and the command's exit code if it ever ran."""
        os.set_blocking(self.status, False)
        with contextlib.suppress(BlockingIOError):
            while reported := os.read(self.status, 65536):
                for line in reported.splitlines():
                    self.told.update({k: v for k, v in json.loads(line).items() if isinstance(v, int)})


def over(limits: Limits, pids: list[int]) -> str | None:
    """The limit that these processes together are over, in words."""
    if limits.processes and len(pids) > limits.processes:
        return f"more than {limits.processes} processes"
    if limits.memory and sum(map(tree.own_memory, pids)) > limits.memory:
        return f"more than {limits.memory // 2**20} MiB of memory"
    return None


@contextlib.contextmanager
def selectable(pid: int) -> Iterator[int]:
    """A descriptor that becomes readable when ``pid`` ends."""
    handle = os.pidfd_open(pid)
    try:
        yield handle
    finally:
        os.close(handle)


def main(path: Path) -> int:
    """Carry out the order at ``path``; the exit code is the command's (128 + number if a signal ended it)."""
    order = Order.read(path)
    path.unlink()
    told = -1
    if order.stay:
        told = stay.detach()
    else:
        follow_parent()
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    status, status_inside = os.pipe()
    log = stay.Log.open_at(order.stay) if order.stay else None
    child = os.fork()
    if child == 0:
        os.close(status)
        enter(order, status_inside, log.sink if log else None)
    os.close(status_inside)
    watch = Watch(order, child, status, log)
    signal.signal(signal.SIGTERM, watch.stop)
    signal.signal(signal.SIGINT, watch.stop)
    if order.stay:
        stay.begin(order.stay, child, told)
    verdict = watch.to_the_end()
    verdict.write(Path(order.verdict))
    if order.stay:
        stay.finish(order.stay)
    return verdict.exit_code if verdict.exit_code >= 0 else 128 - verdict.exit_code


def follow_parent() -> None:
    """Clean up when the worker dies, whatever killed it: SIGTERM instead of the SIGKILL that tools get by default."""
    parent = os.getppid()
    prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit(1)
