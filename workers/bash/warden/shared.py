"""Memory that belongs to no process: anonymous files (memfd) and mappings that processes share.

RLIMIT_DATA does not count it, nor does what a process holds for itself.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

#: What the kernel calls them, as links of descriptors and in lists of mappings.
_NAMES = ("/memfd:", "/dev/zero", "/SYSV")
_WORTH_A_LOOK = 4  # the machine's has grown by a quarter of the limit


def of_machine() -> int:
    """Bytes of shared memory on the whole machine, files in memory included; 0 where the kernel does not tell."""
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("Shmem:"):
                return int(line.split()[1]) * 1024
    return 0


class Shared:
    """The shared memory of one command's processes. A look at all of them is dear, so it takes a sign that it pays."""

    def __init__(self) -> None:
        self._before = of_machine()

    def held(self, pids: Iterable[int], limit: int) -> int:
        """Bytes, each piece counted once; 0 while the machine's has not grown by a quarter of ``limit``."""
        if of_machine() - self._before < limit // _WORTH_A_LOOK:
            return 0
        return held(pids)


def held(pids: Iterable[int]) -> int:
    """Bytes of shared memory that these processes have open or mapped, each piece counted once."""
    sizes: dict[str, int] = {}
    for pid in pids:
        with contextlib.suppress(OSError, ValueError):
            for piece, size in (*_opened(pid), *_mapped(pid)):
                sizes[piece] = max(sizes.get(piece, 0), size)
    return sum(sizes.values())


def _opened(pid: int) -> Iterator[tuple[str, int]]:
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            if str(descriptor.readlink()).startswith(_NAMES[0]):
                found = descriptor.stat()
                yield f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x} {found.st_ino}", found.st_blocks * 512


def _mapped(pid: int) -> Iterator[tuple[str, int]]:
    piece = ""
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        if piece and line.startswith("Rss:"):
            yield piece, int(line.split()[1]) * 1024
            piece = ""
        elif "-" in line.partition(" ")[0]:
            fields = line.split(None, 5)
            shared = len(fields) == 6 and fields[1].endswith("s") and fields[5].startswith(_NAMES)
            piece = f"{fields[3]} {fields[4]}" if shared else ""
