"""A lifeline from this process to what its tools start: if the process dies, however it dies, so do they.

The kernel ends a tool with its parent, but not what the tool has started in turn (providers of terraform, plugins,
hooks), which would go on changing things while another worker settles the attempt. A shell that reads a pipe from this
process learns of its death from the end of the pipe, and ends the process groups that were still under way.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

log = logging.getLogger(__name__)

_SCRIPT = """
trap '' HUP INT TERM
known=
while read -r act group; do
    rest=
    for one in $known; do [ "$one" = "$group" ] || rest="$rest $one"; done
    known=$rest
    if [ "$act" = + ]; then known="$known $group"; fi
done
for group in $known; do kill -s KILL -- "-$group" 2>/dev/null; done
"""


class Lifeline:
    """One for each process, with its shell started at the first use."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pipe: int | None = None
        os.register_at_fork(after_in_child=self._let_go)

    @contextmanager
    def holds(self, group: int) -> Iterator[None]:
        """While inside, the process group ends with this process."""
        self._tell(f"+ {group}\n")
        try:
            yield
        finally:
            self._tell(f"- {group}\n")

    def _tell(self, line: str) -> None:
        """Never raises: the tool runs already, and without a shell it still ends with its parent, if alone."""
        with self._lock:
            try:
                self._write(line.encode())
            except OSError as error:
                log.warning("what tools start may outlive this process: %s", error)

    def _write(self, line: bytes) -> None:
        if self._pipe is not None:
            try:
                os.write(self._pipe, line)
            except BrokenPipeError:  # somebody ended the shell
                os.close(self._pipe)
                self._pipe = None
            else:
                return
        self._pipe = _shell()
        os.write(self._pipe, line)

    def _let_go(self) -> None:
        """A forked child must not keep its parent's pipe open; it gets a line of its own."""
        self._lock = threading.Lock()
        if self._pipe is not None:
            with contextlib.suppress(OSError):
                os.close(self._pipe)
            self._pipe = None


def _shell() -> int:
    """Start the shell, in a session of its own; returns the end of the pipe to write to."""
    read, write = os.pipe()
    nowhere = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_WRONLY, 0) for number in (1, 2)]
    try:
        os.posix_spawn(
            "/bin/sh",
            ["sh", "-c", _SCRIPT],
            {},
            file_actions=[(os.POSIX_SPAWN_DUP2, read, 0), *nowhere],
            setsid=True,
        )
    except OSError:
        os.close(write)
        raise
    finally:
        os.close(read)
    return write


lifeline = Lifeline()
