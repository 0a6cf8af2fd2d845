"""The walls, tried from inside: what a command sees, writes and reaches."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from reign.executor import TaskFailed
from tests.integration.bash.conftest import Bench
from workers.bash.boundary import Kind
from workers.bash.commands import Run
from workers.bash.sandbox import Profile, Sandbox
from workers.bash.shell import execute, script_file
from workers.bash.warden import landlock


@pytest.fixture
def listener() -> Iterator[int]:
    """The port of something on this machine that says hello."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                connection.sendall(b"hello\n")
                connection.close()

        threading.Thread(target=greet, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def test_it_writes_in_the_work_folder(bench: Bench) -> None:
    result = bench.run("mkdir -p a && echo hi > a/b && ln a/b a/c && mv a/c d && cat d")
    assert (result.exit_code, result.stdout) == (0, "hi\n")
    assert (bench.work / "d").read_text() == "hi\n"
    assert result.boundary.lower().startswith(bench.kind.value)


@pytest.mark.parametrize(
    "command",
    [
        "echo no > {out}/new",
        "echo no >> {out}/there",
        "rm {out}/there",
        "mv {out}/there .",
        "ln -s {out} way && echo no > way/new",
        "ln {out}/there mine && echo no > mine",
        "truncate -s 0 {out}/there",
        "mkdir {out}/folder",
        "mount --bind . {out} && echo no > {out}/new",
        "python3 -c 'import os; os.truncate(\"{out}/there\", 0)'",
    ],
)
def test_it_cannot_write_outside(bench: Bench, command: str) -> None:
    out = bench.folder / "out"
    out.mkdir()
    (out / "there").write_text("kept")
    bench.run(command.format(out=out))
    assert [path.name for path in out.iterdir()] == ["there"]
    assert (out / "there").read_text() == "kept"


@pytest.mark.parametrize("place", ["/etc", "/usr/bin", "/var/lib", "/"])
def test_it_cannot_write_in_the_system(bench: Bench, place: str) -> None:
    result = bench.run(f"touch {place}/reign-was-here")
    assert result.exit_code != 0
    assert not (Path(place) / "reign-was-here").exists()


def test_the_read_only_profile_writes_nothing_that_lasts(bench: Bench) -> None:
    bench.context()
    (bench.work / "there").write_text("kept")
    result = bench.run("cat there; echo no > there; touch new", sandbox="read-only")
    assert result.stdout == "kept"
    assert [(path.name, path.read_text()) for path in bench.work.iterdir()] == [("there", "kept")]


def test_its_temporary_files_are_its_own(bench: Bench) -> None:
    result = bench.run('file=$(mktemp) && echo x > "$file" && echo "$file" && touch "$HOME/x" && cat <(echo here)')
    path, here = result.stdout.split()
    assert here == "here"
    assert bench.kind is Kind.LANDLOCK or not Path(path).exists()
    assert not Path.home().joinpath("x").exists()


def test_no_network_unless_asked(bench: Bench, listener: int) -> None:
    reach = f"exec 3<>/dev/tcp/127.0.0.1/{listener} && cat <&3"
    assert bench.run(reach).stdout == ""
    assert bench.run(reach, sandbox="read-only").stdout == ""
    assert bench.run(reach, sandbox="network").stdout == "hello\n"


@pytest.mark.parametrize("family", ["AF_INET, socket.SOCK_DGRAM", "AF_INET6, socket.SOCK_STREAM"])
def test_other_sockets_reach_nothing_either(bench: Bench, listener: int, family: str) -> None:
    target = f"('{'::1' if '6' in family else '127.0.0.1'}', {listener})"
    code = (
        f"import socket; s = socket.socket(socket.{family}); s.connect({target}); s.send(b'x'); s.recv(1); print('out')"
    )
    result = bench.run(f'{sys.executable} -c "{code}"')
    assert (result.exit_code != 0, result.stdout) == (True, "")


@pytest.mark.parametrize("sandbox", ["workspace", "network"])
def test_sockets_that_know_no_files_and_no_networks_reach_nothing(bench: Bench, sandbox: str) -> None:
    """Abstract ones, which a shared network would share, and those to the host of a virtual machine."""
    if landlock.abi() < 6 and (bench.kind, sandbox) == (Kind.BUBBLEWRAP, "network"):
        pytest.skip("abstract sockets can be told apart from Landlock ABI 6")
    name = f"\0reign-{uuid4().hex}"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(name)
        server.listen()
        code = f"""import socket
for family, kind, place in ((1, 1, {name!r}), (40, 1, (2, 1)), (38, 5, ("hash", "sha256"))):
    try:
        with socket.socket(family, kind) as s:
            s.bind(place) if family == 38 else s.connect(place)
        print("in", family)
    except OSError as error:
        print("family", family, "is open") if family == 40 and error.errno not in (1, 13, 97) else None
"""
        assert bench.run(f"{sys.executable} - <<'E'\n{code}E", sandbox=sandbox).stdout == ""


def test_nothing_it_leaves_lends_the_rights_of_the_worker(bench: Bench) -> None:
    result = bench.run(
        "cp /bin/true a; chmod 4755 a; chmod u+s a; install -m 4755 /bin/true b; "
        f"{sys.executable} -c 'import os; os.open(\"c\", os.O_CREAT | os.O_WRONLY, 0o4755)'; "
        "chmod 755 a && touch d && chmod 0644 d && mkdir e && chmod 2775 e && echo fine"
    )
    assert result.stdout == "fine\n"
    assert [path.name for path in bench.work.iterdir() if path.stat().st_mode & 0o4000] == []


@pytest.mark.parametrize("size", [100 << 20, (1 << 32) + 56])
def test_no_shared_memory_outlasts_it(bench: Bench, size: int) -> None:
    code = (
        "import ctypes; c = ctypes.CDLL(None); c.shmget.argtypes = [ctypes.c_int, ctypes.c_size_t, ctypes.c_int]; "
        f"print(c.shmget(0, {size}, 0o1600) >= 0, c.shmget(0, 56, 0o1600) >= 0)"
    )
    before = Path("/proc/sysvipc/shm").read_text()
    result = bench.run(f'{sys.executable} -c "{code}"')
    left = set(Path("/proc/sysvipc/shm").read_text().splitlines()) - set(before.splitlines())
    for line in left:
        subprocess.run(["ipcrm", "-m", line.split()[1]], check=False, capture_output=True)
    assert result.stdout.split()[1] == "True"  # what databases lock with
    assert all(int(line.split()[3]) < 4096 for line in left)


def test_hidden_sockets_cannot_be_reached(bench: Bench) -> None:
    """As the socket of a container engine would be, even where the network is allowed."""
    door = bench.folder / "doors" / "engine.sock"
    door.parent.mkdir()
    bench.options["hide"] = [str(door.parent)]
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(door))
        server.listen()
        code = f"import socket; socket.socket(socket.AF_UNIX).connect('{door}'); print('in')"
        assert bench.run(f'{sys.executable} -c "{code}"', sandbox="network").stdout == ""


@pytest.mark.parametrize("sandbox", ["read-only", "workspace", "network"])
def test_it_sees_no_secrets(bench: Bench, monkeypatch: pytest.MonkeyPatch, sandbox: str) -> None:
    """Not even where the work folder is the home that holds them."""
    bench.context()
    for name in (".ssh/id_ed25519", ".aws/credentials", ".kube/config", ".netrc", ".config/gh/hosts.yml"):
        (bench.work / name).parent.mkdir(parents=True, exist_ok=True)
        (bench.work / name).write_text("precious")
    (bench.work / "notes").mkdir()
    (bench.work / "notes" / "today").write_text("ordinary")
    monkeypatch.setenv("HOME", str(bench.work))
    result = bench.run(
        "cat notes/today; grep -rs precious . /etc/shadow /etc/ssh; echo gone > .netrc; echo new > notes/new",
        sandbox=sandbox,
    )
    assert result.stdout == "ordinary"
    assert (bench.work / ".netrc").read_text() == "precious"
    assert (bench.work / "notes" / "new").exists() == (sandbox != "read-only")


def test_it_sees_nothing_of_reign_itself(bench: Bench) -> None:
    data = bench.folder / "data"
    data.mkdir()
    (data / "reign.db").write_text("precious")
    state = bench.context().state_dir
    (state / "record").write_text("precious")
    ctx = bench.context(private=[data])
    inputs = Run.Inputs(command=f"cat {data}/reign.db {state}/record {ctx.scratch}/*.json")
    script = script_file(ctx.scratch, inputs.command, inputs.shell)
    result = execute(ctx, inputs, Sandbox.of(ctx, Profile.WORKSPACE), script)
    assert (result.exit_code, result.stdout) == (1, "")


def test_its_environment_is_scrubbed(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "precious")
    monkeypatch.setenv("REIGN_TOKEN", "precious")
    result = bench.run("env; cat /proc/*/environ | tr '\\0' '\\n'", env={"MINE": "given"})
    assert "precious" not in result.stdout
    assert "MINE=given" in result.stdout


def test_it_cannot_touch_other_processes(bench: Bench) -> None:
    with subprocess.Popen(["sleep", "300"], env={"SECRET": "precious"}) as other:
        try:
            result = bench.run(
                f"cat /proc/{other.pid}/environ; kill -9 {other.pid}; kill -9 {os.getpid()}; "
                "grep -E 'CapEff|CapPrm|CapAmb' /proc/self/status | grep -v 0000000000000000"
            )
            assert result.stdout == ""
            assert other.poll() is None
        finally:
            other.kill()


def test_bubblewrap_shows_no_other_processes(bench: Bench) -> None:
    if bench.kind is not Kind.BUBBLEWRAP:
        pytest.skip("Landlock has no process namespace; signals and memory are closed all the same")
    result = bench.run("ls -d /proc/[0-9]* | wc -l")
    assert int(result.stdout) < 6


@pytest.mark.parametrize(
    "command", ["unshare --user true", "unshare --mount true", "mount -t tmpfs none .", "mknod disk b 254 0", "dmesg"]
)
def test_the_kernel_is_out_of_reach(bench: Bench, command: str) -> None:
    assert bench.run(command).exit_code != 0


def test_a_work_folder_that_is_the_whole_machine_is_refused(bench: Bench) -> None:
    bench.options["roots"] = ["/"]
    with pytest.raises(TaskFailed, match="whole machine writable"):
        bench.run("true")


def test_nested_sandboxes_and_builds_still_work(bench: Bench) -> None:
    """What ordinary builds do: pipes, subshells, threads, child processes, locks, sockets between their own."""
    code = (
        "import subprocess, threading, multiprocessing as m, socket, fcntl\n"
        "a, b = socket.socketpair(); a.send(b'x'); assert b.recv(1) == b'x'\n"
        "t = threading.Thread(target=lambda: None); t.start(); t.join()\n"
        "assert subprocess.run(['true']).returncode == 0\n"
        "fcntl.flock(open('lock', 'w'), fcntl.LOCK_EX)\n"
        "print('fine')\n"
    )
    bench.context()
    (bench.work / "build.py").write_text(code)
    assert bench.run("(echo a | cat >/dev/null) && python3 build.py").stdout == "fine\n"
