"""A seccomp filter: system calls that no build or test needs and that reach for the kernel or for other programs.

Numbers are those of the kernel's own tables (arch/x86/entry/syscalls/syscall_64.tbl and
include/uapi/asm-generic/unistd.h).
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import socket
import struct
from collections.abc import Iterator, Sequence

from workers.bash.warden.kernel import PR_SET_SECCOMP, prctl

_ARCHITECTURE = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_X32 = 0x40000000
#: name -> (x86_64, aarch64); None where the architecture has no such call
_NUMBERS: dict[str, tuple[int | None, int | None]] = {
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272),
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51),
    "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430), "fsconfig": (431, 431),
    "fsmount": (432, 432), "fspick": (433, 433), "mount_setattr": (442, 442),
    "unshare": (272, 97), "setns": (308, 268), "open_by_handle_at": (304, 265),
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282), "io_uring_setup": (425, 425),
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
    "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106),
    "kexec_load": (246, 104), "kexec_file_load": (320, 294), "reboot": (169, 142),
    "swapon": (167, 224), "swapoff": (168, 225), "acct": (163, 89), "quotactl": (179, 60),
    "settimeofday": (164, 170), "clock_settime": (227, 112), "adjtimex": (159, 171), "clock_adjtime": (305, 266),
    "syslog": (103, 116), "iopl": (172, None), "ioperm": (173, None), "vhangup": (153, 58),
    "sethostname": (170, 161), "setdomainname": (171, 162), "lookup_dcookie": (212, 18), "nfsservctl": (180, 42),
}  # fmt: skip
_CLONE = (56, 220)
_FORK, _VFORK = (57, None), (58, None)
_CLONE3 = (435, 435)
_IOCTL = (16, 29)
_SOCKET = (41, 198)
_OPENAT2 = (437, 437)
_SHMGET, _MSGGET = (29, 194), (68, 186)
#: Calls that give a file its mode: numbers, the argument that holds it, and the one whose flags must ask for it.
_MODES: tuple[tuple[tuple[int | None, int | None], int, int | None], ...] = (
    ((90, None), 1, None),  # chmod
    ((91, 52), 1, None),  # fchmod
    ((268, 53), 2, None),  # fchmodat
    ((452, 452), 2, None),  # fchmodat2
    ((85, None), 1, None),  # creat
    ((133, None), 1, None),  # mknod
    ((259, 33), 2, None),  # mknodat
    ((2, None), 2, 1),  # open
    ((257, 56), 3, 2),  # openat
)
_SETUID, _CREATES = 0o4000, 0o100 | 0o20000000  # S_ISUID; O_CREAT, O_TMPFILE
_SEGMENT = 64 * 1024  # bytes; enough for the locks of databases
_TRUNCATE = (76, 45)
_THREAD = 0x00010000  # CLONE_THREAD
_NEW_NAMESPACES = 0x7E020000  # CLONE_NEW{NS,CGROUP,UTS,IPC,USER,PID,NET}
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C
_NETWORK_FAMILIES = (socket.AF_INET, socket.AF_INET6, 16)  # 16: AF_NETLINK, which name lookups use

_LOAD, _EQUAL, _ANY_BIT, _AT_LEAST, _RETURN = 0x20, 0x15, 0x45, 0x35, 0x06
_ALLOW, _ASK, _ERRNO, _KILL = 0x7FFF0000, 0x7FC00000, 0x00050000, 0x80000000
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT = 0, 4, 16


def _argument(index: int) -> int:
    return _ARGUMENTS_AT + 8 * index  # the low half, on the little-endian machines that are known here


def supported() -> bool:
    """Whether the tables know this machine."""
    return os.uname().machine in _ARCHITECTURE


def program(*, sockets: bool | None = None, truncate: bool = True) -> bytes:
    """The filter as BPF code.

    ``sockets``: None allows local ones and IP (a network namespace does the work), False refuses every new one, True
    allows IPv4 and IPv6 only. Others, such as vsock, are in no namespace and reach around a virtual machine's walls.
    Where there are no namespaces (not None), what would outlast the command in System V's memory is refused, too.
    ``truncate``: False refuses truncate(2) by path, which Landlock before ABI 3 does not see. No file gets the setuid
    bit: left in a work folder, it would lend the worker's rights to anybody.
    Raises KeyError on a machine that the tables do not know.
    """
    code, column = _beginning()
    refused = [numbers[column] for numbers in _NUMBERS.values()]
    if not truncate:
        refused.append(_TRUNCATE[column])
    if sockets is False:
        refused.append(_SOCKET[column])
    for number in refused:
        if number is not None:
            code += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _ERRNO | errno.EPERM)]
    # The flags of clone3 are behind a pointer; without it the C library takes clone, whose flags can be seen.
    code += [(_EQUAL, 0, 1, _CLONE3[column]), (_RETURN, 0, 0, _ERRNO | errno.ENOSYS)]
    code += _when(_CLONE[column], 0, [(_ANY_BIT, 0, 1, _NEW_NAMESPACES), (_RETURN, 0, 0, _ERRNO | errno.EPERM)])
    typing = [(_EQUAL, 0, 1, request) for request in (_TIOCSTI, _TIOCLINUX)]
    code += _when(_IOCTL[column], 1, [step for t in typing for step in (t, (_RETURN, 0, 0, _ERRNO | errno.EPERM))])
    code += _modes(column)
    if sockets is not None:
        code += [(_EQUAL, 0, 1, _MSGGET[column]), (_RETURN, 0, 0, _ERRNO | errno.EPERM)]
        code += _when(_SHMGET[column], 1, [(_AT_LEAST, 0, 1, _SEGMENT + 1), (_RETURN, 0, 0, _ERRNO | errno.EPERM)])
        code += _when(_SHMGET[column], 1, [(_AT_LEAST, 0, 1, 1), (_RETURN, 0, 0, _ERRNO | errno.EPERM)], half=4)
    if sockets is not False:
        families = (*_NETWORK_FAMILIES, *((socket.AF_UNIX,) if sockets is None else ()))
        allowed = [step for family in families for step in ((_EQUAL, 0, 1, int(family)), (_RETURN, 0, 0, _ALLOW))]
        code += _when(_SOCKET[column], 0, [*allowed, (_RETURN, 0, 0, _ERRNO | errno.EACCES)])
    code.append((_RETURN, 0, 0, _ALLOW))
    return b"".join(struct.pack("HBBI", *step) for step in code)


def _modes(column: int) -> list[tuple[int, int, int, int]]:
    """No setuid bit; openat2, whose mode is behind a pointer, is one that this kernel does not have."""
    code = [(_EQUAL, 0, 1, _OPENAT2[column]), (_RETURN, 0, 0, _ERRNO | errno.ENOSYS)]
    refused = [(_ANY_BIT, 0, 1, _SETUID), (_RETURN, 0, 0, _ERRNO | errno.EPERM)]
    for numbers, mode, flags in _MODES:
        number = numbers[column]
        if number is None:
            continue
        if flags is None:
            code += _when(number, mode, refused)
        else:
            then = [(_LOAD, 0, 0, _argument(mode)), *refused]
            code += _when(number, flags, [(_ANY_BIT, 0, len(then), _CREATES), *then])
    return code


def gate() -> bytes:
    """The filter that has the warden asked about every new process, though not about threads. Raises KeyError."""
    code, column = _beginning()
    for number in (_FORK[column], _VFORK[column]):
        if number is not None:
            code += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _ASK)]
    code += [(_EQUAL, 0, 1, _CLONE3[column]), (_RETURN, 0, 0, _ERRNO | errno.ENOSYS)]
    code += _when(_CLONE[column], 0, [(_ANY_BIT, 1, 0, _THREAD), (_RETURN, 0, 0, _ASK)])
    code.append((_RETURN, 0, 0, _ALLOW))
    return b"".join(struct.pack("HBBI", *step) for step in code)


def _beginning() -> tuple[list[tuple[int, int, int, int]], int]:
    """Refuse calls of another architecture's numbering, then load the number; and the column of this machine."""
    machine = os.uname().machine
    code = [
        (_LOAD, 0, 0, _ARCHITECTURE_AT),
        (_EQUAL, 1, 0, _ARCHITECTURE[machine]),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER_AT),
    ]
    if machine == "x86_64":
        code += [(_AT_LEAST, 0, 1, _X32), (_RETURN, 0, 0, _ERRNO | errno.ENOSYS)]
    return code, list(_ARCHITECTURE).index(machine)


def _when(
    number: int, argument: int, then: Sequence[tuple[int, int, int, int]], half: int = 0
) -> list[tuple[int, int, int, int]]:
    """Steps that look at one argument (``half``: 4 for its high half) and leave the number loaded for the next."""
    body = [(_LOAD, 0, 0, _argument(argument) + half), *then, (_LOAD, 0, 0, _NUMBER_AT)]
    return [(_EQUAL, 0, len(body), number), *body]


def install(code: bytes) -> None:
    """Put the filter on this process and all that it starts; no_new_privs must be set. Raises OSError."""
    with as_program(code) as program:
        prctl(PR_SET_SECCOMP, 2, ctypes.addressof(program))


@contextlib.contextmanager
def as_program(code: bytes) -> Iterator[ctypes.Array[ctypes.c_char]]:
    """The ``struct sock_fprog`` that the kernel takes; good inside the block only."""
    buffer = ctypes.create_string_buffer(code, len(code))
    header = struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(buffer))
    yield ctypes.create_string_buffer(header, len(header))
