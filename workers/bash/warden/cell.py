"""The child's side: between fork and exec it closes the walls around itself and becomes the command."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import socket
import traceback
from pathlib import Path

from workers.bash.warden import guard, landlock, seccomp
from workers.bash.warden.kernel import PR_SET_NO_NEW_PRIVS, PR_SET_PDEATHSIG, drop_capabilities, prctl
from workers.bash.warden.order import Limits, Order

#: What the child says if it could not become the command.
CANNOT_START = "cannot-start"


def enter(order: Order, status: int, to_warden: socket.socket, output: int | None) -> None:
    """Never returns. ``status``: where a failure, or bubblewrap, reports; ``output``: where stdout and stderr go."""
    try:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        os.setsid()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        if output is not None:
            os.dup2(output, 1)
            os.dup2(output, 2)
        _limit(order.limits)
        # A fork that waits at the gate is one that a signal can interrupt, and dash takes that for "Cannot fork"; so it
        # stands only where nothing else holds a bomb. Who is not root is held by RLIMIT_NPROC, and bubblewrap's process
        # namespace dies as a whole. On a bare host the gate would keep sudo from working.
        if order.walls.kind == "landlock" and os.getuid() == 0:
            guard.post(to_warden)
        else:
            to_warden.send(guard.NONE)
        to_warden.close()
        _ENTER[order.walls.kind](order, status)
    except FileNotFoundError as error:
        os.write(2, f"{error.filename or order.argv[0]} is not there\n".encode())
    except OSError as error:
        os.write(2, f"{order.argv[0]} cannot be started: {error}\n".encode())
    except BaseException:
        traceback.print_exc()
    os.write(status, f'{{"{CANNOT_START}": 1}}\n'.encode())
    os._exit(126)


_SLACK = 64  # processes
_HEEDS_WITHIN = 3  # seconds of processor time


def _limit(limits: Limits) -> None:
    wanted = {
        # Address space would be the stricter one, but Go, Java and Node reserve far more of it than they use.
        resource.RLIMIT_DATA: limits.memory,
        resource.RLIMIT_FSIZE: limits.file_size,
        resource.RLIMIT_NOFILE: limits.open_files,
        resource.RLIMIT_CPU: limits.cpu,
    }
    if limits.processes and os.getuid() != 0:
        # The kernel counts all processes of the user and does not hold root to it: the gate is for that. A little more
        # than the limit, so that a bomb is seen to be over it, and ended, instead of trying for ever.
        wanted[resource.RLIMIT_NPROC] = limits.processes + _SLACK + _processes_of(os.getuid())
    for which, value in wanted.items():
        if value:
            _, most = resource.getrlimit(which)
            # SIGXCPU first, which says what it is, and SIGKILL for what does not heed it.
            hard = value + _HEEDS_WITHIN if which == resource.RLIMIT_CPU else value
            hard = hard if most == resource.RLIM_INFINITY else min(hard, most)
            resource.setrlimit(which, (min(value, hard), hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _processes_of(user: int) -> int:
    count = 0
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            with contextlib.suppress(OSError):
                if process.stat().st_uid == user:
                    count += sum(1 for _ in (process / "task").iterdir())
    return count


def _none(order: Order, _: int) -> None:
    os.chdir(order.cwd)
    os.execvpe(order.argv[0], order.argv, os.environ)  # noqa: S606 - becoming the command is the point


def _bubblewrap(order: Order, status: int) -> None:
    os.set_inheritable(status, True)
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    landlock.scope()
    options = [*order.walls.options, "--json-status-fd", str(status)]
    if seccomp.supported():
        code = os.memfd_create("filter", 0)
        os.write(code, seccomp.program())
        os.lseek(code, 0, os.SEEK_SET)
        options += ["--seccomp", str(code)]
    os.execv(options[0], [*options, "--chdir", order.cwd, "--", *order.argv])  # noqa: S606


def _landlock(order: Order, _: int) -> None:
    os.chdir(order.cwd)
    walls = order.walls
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    if os.getuid() == 0:
        drop_capabilities()
    landlock.restrict(walls.read, walls.write, network=walls.network)
    seccomp.install(seccomp.program(sockets=walls.network, truncate=landlock.abi() >= 3))
    os.execvpe(order.argv[0], order.argv, os.environ)  # noqa: S606 - becoming the command is the point


_ENTER = {"none": _none, "bubblewrap": _bubblewrap, "landlock": _landlock}
