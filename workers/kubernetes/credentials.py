"""Where the library writes what a kubeconfig holds of keys and certificates: it gives them to OpenSSL as files."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path


def prefix() -> str:
    """What such folders begin with where pids mean what they mean here; the pid follows."""
    space = Path("/proc/self/ns/pid")
    return f"reign-kubeconfig-{space.stat().st_ino if space.exists() else 0}-"


@cache
def folder() -> Path:
    """A folder of this process for its user only. It goes with the process; what killed ones have left goes now."""
    for left in Path(tempfile.gettempdir()).glob(f"{prefix()}*"):
        owner = left.name.removeprefix(prefix()).partition("-")[0]
        if owner.isdigit() and not _lives(int(owner)):
            shutil.rmtree(left, ignore_errors=True)
    made = Path(tempfile.mkdtemp(prefix=f"{prefix()}{os.getpid()}-"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # somebody else's
        return True
    return True
