"""The child's side, up to where it becomes another program."""

from __future__ import annotations

import errno
import os
import resource
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import coverage
import pytest

from tests.engines.bash import need
from tests.unit.workers.bash.warden.conftest import Warden, in_child
from workers.bash.boundary import Kind
from workers.bash.warden import cell, guard, kernel, landlock, seccomp, tree
from workers.bash.warden.guard import Guard
from workers.bash.warden.order import Limits, Order

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")

#: Where a child leaves what it measured of itself.
_MEASURED = coverage.Coverage.current()
OWN = [str(Path.cwd()), *([str(Path(_MEASURED.get_data().data_filename()).parent)] if _MEASURED else [])]


def refused(act: Callable[[], object], *numbers: int) -> bool:
    try:
        act()
    except OSError as error:
        return error.errno in numbers
    return False


def test_landlock_opens_what_is_listed_and_nothing_else(tmp_path: Path) -> None:
    need(Kind.LANDLOCK)
    for name in ("read", "write", "closed"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("x")

    def inside() -> int:
        landlock.restrict([str(tmp_path / "read"), sys.prefix], [str(tmp_path / "write"), *OWN], network=False)
        assert (tmp_path / "read" / "file").read_text() == "x"
        assert refused(lambda: (tmp_path / "read" / "file").write_text("y"), errno.EACCES)
        (tmp_path / "write" / "new").write_text("y")
        assert refused(lambda: (tmp_path / "closed" / "file").read_text(), errno.EACCES)
        with socket.socket() as reaching:
            assert landlock.abi() < 4 or refused(lambda: reaching.connect(("127.0.0.1", 9)), errno.EACCES)
        return 0

    assert in_child(inside) == 0


def test_every_capability_goes() -> None:
    def inside() -> int:
        kernel.drop_capabilities()
        status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":" in line)
        return 0 if all(int(status[f"Cap{which}"], 16) == 0 for which in ("Eff", "Prm", "Amb")) else 2

    if os.getuid() == 0:
        assert in_child(inside) == 0


@pytest.mark.parametrize(("sockets", "unix", "inet"), [(None, True, True), (True, False, True), (False, False, False)])
def test_seccomp_lets_through_what_it_should(sockets: bool | None, unix: bool, inet: bool) -> None:
    if not seccomp.supported():
        pytest.skip("an unknown processor")

    def opens(family: int) -> bool:
        try:
            socket.socket(family).close()
        except OSError:
            return False
        return True

    def inside() -> int:
        kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
        seccomp.install(seccomp.program(sockets=sockets, truncate=False))
        assert (opens(socket.AF_UNIX), opens(socket.AF_INET)) == (unix, inet)
        assert refused(lambda: os.truncate("/etc/hostname", 0), errno.EPERM)
        assert refused(lambda: kernel.syscall(101, 0, 0, 0, 0), errno.EPERM) or os.uname().machine != "x86_64"
        assert (
            subprocess.run([sys.executable, "-c", "import threading as t; x = t.Thread(); x.start()"]).returncode == 0
        )
        return 0

    assert in_child(inside) == 0


def test_the_gate_is_answered_until_it_is_closed() -> None:
    def inside(ours: socket.socket, theirs: socket.socket) -> int:
        ours.close()
        guard.post(theirs)
        first = os.fork()
        if first == 0:
            os._exit(0)
        os.waitpid(first, 0)
        return 0 if refused(os.fork, errno.EAGAIN) else 2

    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        os._exit(inside(ours, theirs))
    theirs.close()
    gate = Guard(ours)
    if gate.key is None:
        os.waitpid(pid, 0)
        pytest.skip("this kernel has no user notification, or a gate stands around the tests already")
    assert gate.answer(lambda: 1)
    assert not gate.answer(lambda: 0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    gate.drop()
    gate.drop()
    ours.close()


def test_without_a_gate_the_warden_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard.seccomp, "gate", lambda: (_ for _ in ()).throw(KeyError("riscv64")))
    monkeypatch.setattr(guard, "prctl", lambda *_: None)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        guard.post(theirs)
        assert Guard(ours).key is None


def test_limits_are_set_within_what_is_allowed() -> None:
    def inside() -> int:
        cell._limit(Limits(memory=1 << 33, processes=5, file_size=1 << 40, open_files=50, cpu=100))
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (50, 50)
        assert resource.getrlimit(resource.RLIMIT_CORE) == (0, 0)
        cell._limit(Limits(open_files=5000))
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (50, 50)
        return 0

    assert in_child(inside) == 0
    assert cell._processes_of(os.getuid()) >= 1


def test_it_becomes_the_command_or_says_that_it_could_not(warden: Warden, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that is done before the exec, in a child that is stopped there."""
    reading, writing = os.pipe()
    ours, theirs = socket.socketpair()

    def stopped(*_: object) -> None:
        raise PermissionError(errno.EACCES, "stopped here")

    real = os._exit

    def leave(code: int) -> None:
        monkeypatch.setattr(cell.os, "_exit", real)  # the child's own end, which writes its coverage, comes later
        raise SystemExit(code)

    def inside(path: Path) -> int:
        os.close(reading)
        for name in ("execv", "execvpe"):
            monkeypatch.setattr(cell.os, name, stopped)
        monkeypatch.setattr(cell.os, "_exit", leave)
        monkeypatch.setattr(cell.landlock, "restrict", lambda *_, **__: None)  # the child still writes its coverage
        cell.enter(Order.read(path), writing, theirs, os.open(warden.folder / "said", os.O_WRONLY | os.O_CREAT))
        return 0

    # The gate must be answered as long as the child is there; without forks nobody asks.
    assert in_child(inside, warden.order("true")) == 126
    os.close(writing)
    assert cell.CANNOT_START.encode() in os.read(reading, 1000)
    assert "cannot be started: [Errno 13] stopped here" in (warden.folder / "said").read_text()
    for end in (ours, theirs):
        end.close()
    os.close(reading)


def test_the_tree_of_a_process_that_is_gone_is_empty() -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    assert tree.children(gone.pid) == []
    assert tree.below(gone.pid) == []
    assert tree.own_memory(gone.pid) == 0
    tree.send([gone.pid], 0)
    assert tree.own_memory(os.getpid()) > 0


def test_a_system_call_that_fails_raises() -> None:
    with pytest.raises(OSError, match="system call"):
        kernel.syscall(999_999)
    with pytest.raises(OSError, match="prctl"):
        kernel.prctl(9999)
