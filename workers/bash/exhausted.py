"""What a failed command met, if its last words or its exit code tell: a limit, a full disk, no network.

A program says "MemoryError" or "File too large" and does not know whose limit that was; whoever reads it should.
"""

from __future__ import annotations

import re
import shutil
import signal
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from workers.bash.warden.order import Limits

_EXIT_CODES = {128 + signal.SIGXCPU: "cpu", 128 + signal.SIGXFSZ: "file_size"}
#: What C libraries, shells, Python, Java, Node, Go and C++ print where a limit stops them.
_WORDS = {
    "memory": r"MemoryError|OutOfMemory|bad_alloc|\b(?:can ?not|can't|could not|failed to) allocate|out of memory"
    r"|memory exhausted|\bENOMEM\b",
    "processes": r"\bcannot fork|\bfork: (?:retry: )?Resource temporarily unavailable|BlockingIOError: \[Errno 11\]"
    r"|can't start new thread",
    "open_files": r"Too many open files|\bEMFILE\b",
    "file_size": r"File too large|File size limit exceeded|\bEFBIG\b",
    "cpu": r"CPU time limit exceeded",
}
_FULL = r"No space left on device|\bENOSPC\b|Disk quota exceeded"
#: What resolvers and C libraries, curl, git, Python, Node and Go print where there is no network.
_NO_NETWORK = (
    r"Temporary failure in name resolution|Could not resolve (?:host|proxy)|Name or service not known|\bEAI_AGAIN\b"
    r"|getaddrinfo|unable to resolve host|bad address '|\bdial (?:tcp|udp)\b|Network is unreachable|\bENETUNREACH\b"
    r"|Connection refused|\bECONNREFUSED\b|Couldn't connect to server|Failed to connect to"
    r"|Cannot assign requested address"
)
_LITTLE = 16 << 20  # bytes; a disk with less room is full for most purposes


def met(limits: Limits, exit_code: int, said: Sequence[str], folder: Path) -> str | None:
    """In words, what stopped a command, or None. ``said``: its last lines; ``folder``: its work folder."""
    text = "\n".join(said)
    for name, value in asdict(limits).items():
        signalled = _EXIT_CODES.get(exit_code) == name
        if value and (signalled or re.search(_WORDS[name], text, re.IGNORECASE)):
            return (
                f"its limit is {in_words(name, value)}; `limits: {{{name}: ...}}` of the task gives more, "
                "up to what the operator of the bash agent allows"
            )
    if re.search(_FULL, text, re.IGNORECASE):
        if shutil.disk_usage(folder).free < _LITTLE:
            return f"the disk of {folder} is full: make room on it"
        return "in the sandbox /tmp is small, since it lies in memory: large files belong in the work folder"
    return None


def in_words(name: str, value: int) -> str:
    """A limit as people say it: "512 MiB of memory"."""
    if name in ("memory", "file_size"):
        of = "of memory" if name == "memory" else "for a file"
        return f"{value / 2**20:g} MiB {of}"
    return f"{value} {'s of processor time' if name == 'cpu' else name.replace('_', ' ')}"


def wants_network(said: Sequence[str]) -> bool:
    """Whether a command's last lines speak of a network that is not there."""
    return re.search(_NO_NETWORK, "\n".join(said), re.IGNORECASE) is not None
