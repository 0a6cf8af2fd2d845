"""What the tests of the bash agent need: a boundary of each kind, and a look at processes from outside."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from tests.engines.required import missing
from workers.bash.boundary import Kind, bubblewrap, landlocked

#: What REIGN_REQUIRE calls them.
_ENGINE = {Kind.BUBBLEWRAP: "bwrap", Kind.LANDLOCK: "landlock"}


def need(kind: Kind) -> None:
    """Skip, or fail where it is required, without that boundary."""
    found = bubblewrap() if kind is Kind.BUBBLEWRAP else landlocked()
    if found.kind is not kind:
        missing(_ENGINE[kind], found.why)


def processes_about(folder: Path) -> list[str]:
    """Command lines of living processes that were started in, or with something from, ``folder``."""
    about, found = os.fsencode(folder), []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            command = (entry / "cmdline").read_bytes()
            if command and (about in command or about in (entry / "environ").read_bytes()):
                found.append(command.replace(b"\0", b" ").decode(errors="replace"))
    return found
