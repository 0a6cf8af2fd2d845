"""The guard at the gate of fork: the kernel asks the warden before any process of a command makes another one.

RLIMIT_NPROC counts all processes of a user and does not hold root to it; a count taken now and then loses the race with
a fork bomb. Here no process comes to be without leave, and once leave is refused the rest can be ended in peace.
Source: the kernel's Documentation/userspace-api/seccomp_filter.rst, "Userspace Notification".
"""

from __future__ import annotations

import array
import contextlib
import ctypes
import errno
import fcntl
import os
import socket
import struct
from collections.abc import Callable

from workers.bash.warden import seccomp
from workers.bash.warden.kernel import PR_SET_NO_NEW_PRIVS, prctl, syscall

_SECCOMP = {"x86_64": 317, "aarch64": 277}
_SET_MODE_FILTER, _NEW_LISTENER = 1, 1 << 3
_WAIT_KILLABLE = 1 << 5  # once the warden has taken the question, only a deadly signal interrupts who asked
_RECEIVE, _SEND = 0xC0502100, 0xC0182101  # SECCOMP_IOCTL_NOTIF_RECV, SECCOMP_IOCTL_NOTIF_SEND
_NOTICE_SIZE, _CONTINUE = 80, 1
#: The child's word that there is a gate, or none.
UP, NONE = b"+", b"-"


def post(to_warden: socket.socket) -> None:
    """In the child, before it becomes the command: put the gate up and hand its key to the warden.

    Without a kernel that can do it (5.5), the word that there is none is handed over instead.
    """
    try:
        prctl(PR_SET_NO_NEW_PRIVS, 1)
        code = seccomp.gate()
        with seccomp.as_program(code) as program:
            try:
                key = _install(program, _NEW_LISTENER | _WAIT_KILLABLE)
            except OSError:  # a kernel before 5.19
                key = _install(program, _NEW_LISTENER)
    except (OSError, KeyError):
        to_warden.send(NONE)
        return
    to_warden.sendmsg([UP], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [key]))])
    os.close(key)


def _install(program: ctypes.Array[ctypes.c_char], flags: int) -> int:
    number = _SECCOMP[os.uname().machine]
    return int(syscall(number, ctypes.c_uint(_SET_MODE_FILTER), ctypes.c_uint(flags), program))


class Guard:
    """The warden's side of the gate."""

    def __init__(self, from_child: socket.socket) -> None:
        """Waits for the child's word; ``key`` is None where there is no gate."""
        self.key: int | None = None
        self.closed = False
        self._leaves = 0  # how many more may come to be before somebody counts again
        word, ancillary, _, _ = from_child.recvmsg(1, socket.CMSG_SPACE(4))
        if word == UP and ancillary:
            self.key = array.array("i", ancillary[0][2])[0]

    def answer(self, room: Callable[[], int]) -> bool:
        """Deal with one that asks; ``room()`` counts how many more there may be. False if leave was refused."""
        assert self.key is not None
        notice = bytearray(_NOTICE_SIZE)
        try:
            fcntl.ioctl(self.key, _RECEIVE, notice)
        except OSError as error:
            if error.errno == errno.ENOENT:  # it was ended while it asked
                return True
            self.drop()
            return True
        if self._leaves <= 0 and not self.closed:
            self._leaves = room()
        refused = self.closed or self._leaves <= 0
        self._leaves -= 1
        (number,) = struct.unpack_from("=Q", notice)
        reply = struct.pack("=QqiI", number, 0, -errno.EAGAIN if refused else 0, 0 if refused else _CONTINUE)
        with contextlib.suppress(OSError):
            fcntl.ioctl(self.key, _SEND, bytearray(reply))
        return not refused

    def drop(self) -> None:
        """Nobody is left to ask."""
        if self.key is not None:
            os.close(self.key)
            self.key = None
