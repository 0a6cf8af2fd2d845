"""The few system calls that the standard library has no name for."""

from __future__ import annotations

import ctypes
import os
import struct

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
PR_SET_SECCOMP = 22
PR_CAPBSET_DROP = 24
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_CLEAR_ALL = 4
_CAPABILITY_VERSION_3 = 0x20080522
_LAST_CAPABILITY = 63
_CAPSET = {"x86_64": 126, "aarch64": 91}

_libc = ctypes.CDLL(None, use_errno=True)


def prctl(option: int, second: int = 0, third: int = 0, fourth: int = 0, fifth: int = 0) -> None:
    """prctl(2). Raises OSError."""
    arguments = [ctypes.c_ulong(value & 0xFFFFFFFFFFFFFFFF) for value in (second, third, fourth, fifth)]
    if _libc.prctl(ctypes.c_int(option), *arguments) != 0:
        raise _error("prctl")


def syscall(number: int, *arguments: object) -> int:
    """A system call by number. Raises OSError."""
    result = int(_libc.syscall(ctypes.c_long(number), *arguments))
    if result < 0:
        raise _error(f"system call {number}")
    return result


def drop_capabilities() -> None:
    """Give up every capability for good, those of root included."""
    for capability in range(_LAST_CAPABILITY + 1):
        try:
            prctl(PR_CAPBSET_DROP, capability)
        except OSError:  # past the last one that this kernel knows, or never held
            continue
    try:
        prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
        header = struct.pack("Ii", _CAPABILITY_VERSION_3, 0)
        syscall(_CAPSET[os.uname().machine], header, struct.pack("6I", 0, 0, 0, 0, 0, 0))
    except KeyError:
        return  # no_new_privs and the empty bounding set remain


def _error(what: str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, f"{what}: {os.strerror(number)}")
