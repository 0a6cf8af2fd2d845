"""A real Docker Engine for tests: the one that is there, or a private one.

Used as it is: the engine that ``DOCKER_HOST`` or the current context names, if it answers. Otherwise, as root and with
``dockerd`` installed, one is started on a socket and data folder of its own, shared by all test processes of the
machine and stopped when the last of them ends. Images need no registry: they are made of a static busybox.

``python -m tests.engines.docker`` starts one by hand, prints its ``DOCKER_HOST`` and stops it on Ctrl-C.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import io
import os
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.engines.required import missing

#: What tests build on; made locally, so that no registry is needed.
BUSYBOX = "busybox:local"
HTTPD = "httpd:local"
#: Also made, where nothing has that name yet, because examples build on it.
USUAL_BUSYBOX = "busybox:1.36"
_MARK = "reign.test.content"  # a label by which images of an older make are known
_START_WITHIN = 30.0  # seconds; about 1 is usual


class NoEngine(Exception):
    """Why there is no Docker Engine for the tests."""


@dataclass(frozen=True)
class DockerEngine:
    """An engine that answers. ``private``: started for the tests, nothing of anybody else's is on it."""

    host: str
    private: bool

    @property
    def options(self) -> dict[str, Any]:
        """The settings of the docker agent that lead to this engine."""
        return {"host": self.host}

    def client(self) -> Any:
        import docker

        return docker.DockerClient(base_url=self.host, version="auto")


def answers(host: str | None) -> str | None:
    """The address of the engine at ``host`` (default: as the environment says) if it answers."""
    import docker
    from docker.context import ContextAPI

    found = host or os.environ.get("DOCKER_HOST") or ContextAPI.kwargs_from_context().get("base_url")
    address = str(found or "unix:///var/run/docker.sock")
    if address.startswith("unix://") and not _listens(Path(address.removeprefix("unix://"))):
        return None
    try:
        client = docker.DockerClient(base_url=host, version="auto", timeout=5) if host else docker.from_env(timeout=5)
    except Exception:  # any failure means the same here: not usable
        return None
    client.close()
    return address


def _listens(path: Path) -> bool:
    """Whether a socket can be connected to; the SDK leaves one open for each try that fails."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


# --- the private engine


def _folder() -> Path:
    return Path(tempfile.gettempdir()) / f"reign-test-docker-{os.getuid()}"


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return True


def _users(folder: Path) -> list[Path]:
    """The marks of the processes that use the engine; those of ended processes are removed."""
    users = folder / "users"
    users.mkdir(exist_ok=True)
    for mark in list(users.iterdir()):
        if not _alive(int(mark.name)):
            mark.unlink(missing_ok=True)
    return list(users.iterdir())


def _daemon(folder: Path) -> int | None:
    """The pid of the private dockerd, if it runs."""
    with contextlib.suppress(OSError, ValueError):
        pid = int((folder / "dockerd.pid").read_text())
        if _alive(pid) and b"dockerd" in Path(f"/proc/{pid}/cmdline").read_bytes():
            return pid
    return None


def _start(folder: Path, host: str) -> None:
    program = shutil.which("dockerd")
    if program is None:
        raise NoEngine("no engine answers and dockerd is not installed (Debian: apt install docker.io)")
    if os.geteuid() != 0:
        raise NoEngine("no engine answers and only root can start a private dockerd")
    if os.uname().sysname != "Linux":
        raise NoEngine("no engine answers, and dockerd runs on Linux only")
    for leftover in ("docker.sock", "dockerd.pid"):
        (folder / leftover).unlink(missing_ok=True)
    arguments = [
        program,
        *("--host", host),
        *("--data-root", str(folder / "data")),
        *("--exec-root", str(folder / "exec")),
        *("--pidfile", str(folder / "dockerd.pid")),
        *("--log-level", "warn"),
    ]
    log = folder / "dockerd.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            arguments, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    deadline = time.monotonic() + _START_WITHIN
    while time.monotonic() < deadline and process.poll() is None:
        if (folder / "docker.sock").exists() and answers(host):
            return
        time.sleep(0.1)
    _end(process.pid)
    last = " / ".join(log.read_text(errors="replace").strip().splitlines()[-2:])
    raise NoEngine(f"dockerd does not start here: {last}")


def _end(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + 20
    while _alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):  # it is this process's child only if this one started it
        os.waitpid(pid, 0)


@contextlib.contextmanager
def running_engine() -> Iterator[DockerEngine]:
    """An engine for as long as the block lasts. Raises NoEngine with the reason."""
    if found := answers(None):
        engine = DockerEngine(found, private=False)
        _make_images(engine)
        yield engine
        return
    folder = _folder()
    host = f"unix://{folder / 'docker.sock'}"
    mark = folder / "users" / str(os.getpid())
    with _locked(folder):
        others = _users(folder)
        if _daemon(folder) is None or not answers(host):
            _start(folder, host)
        engine = DockerEngine(host, private=True)
        if not others:
            _clean(engine)
        _make_images(engine)
        mark.touch()
    try:
        yield engine
    finally:
        with _locked(folder):
            mark.unlink(missing_ok=True)
            pid = _daemon(folder)
            if pid is not None and not _users(folder):
                _clean(engine)  # dockerd would wait 10 s for each container that ignores SIGTERM
                _end(pid)


def _clean(engine: DockerEngine) -> None:
    """Take away what a test run that was killed left on the private engine."""
    client = engine.client()
    try:
        for container in client.containers.list(all=True, ignore_removed=True):
            container.remove(force=True, v=True)
        client.networks.prune()
        client.volumes.prune()
    finally:
        client.close()


# --- images


def _static_busybox() -> Path:
    for name in ("/bin/busybox", "/usr/bin/busybox"):
        path = Path(name)
        # A dynamic program names its loader; a static one runs in an otherwise empty image.
        if path.exists() and b"/ld-linux" not in path.read_bytes()[:4096]:
            return path
    raise NoEngine("no static busybox to make images of (Debian: apt install busybox-static)")


def _root_filesystem() -> bytes:
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w") as archive:
        for folder in ("bin", "etc", "tmp", "var", "var/www", "data", "proc", "dev", "sys"):
            info = tarfile.TarInfo(folder)
            info.type, info.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
            archive.addfile(info)
        busybox = _static_busybox().read_bytes()
        info = tarfile.TarInfo("bin/busybox")
        info.size, info.mode = len(busybox), 0o755
        archive.addfile(info, io.BytesIO(busybox))
        listed = subprocess.run([_static_busybox(), "--list"], capture_output=True, text=True, check=True).stdout
        for applet in listed.split():
            if applet == "busybox":
                continue
            info = tarfile.TarInfo(f"bin/{applet}")
            info.type, info.linkname = tarfile.SYMTYPE, "busybox"
            archive.addfile(info)
        for name, content in (
            ("etc/passwd", b"root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n"),
            ("etc/group", b"root:x:0:\nnobody:x:65534:\n"),
            ("var/www/index.html", b"it works\n"),
        ):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return output.getvalue()


def _make_images(engine: DockerEngine) -> None:
    content = _root_filesystem()
    mark = hashlib.sha256(content).hexdigest()[:16]
    client = engine.client()
    try:
        made = {
            tag for image in client.api.images(filters={"label": f"{_MARK}={mark}"}) for tag in image["RepoTags"] or ()
        }
        path = ["ENV PATH=/bin", f"LABEL {_MARK}={mark}"]
        for tag, changes in (
            (BUSYBOX, [*path, 'CMD ["sh"]']),
            (HTTPD, [*path, "EXPOSE 80", 'CMD ["httpd", "-f", "-p", "80", "-h", "/var/www"]']),
        ):
            if tag not in made:
                repository, _, name = tag.partition(":")
                client.api.import_image_from_data(content, repository=repository, tag=name, changes=changes)
        there = {tag for image in client.api.images() for tag in image["RepoTags"] or ()}
        if USUAL_BUSYBOX not in there or (engine.private and USUAL_BUSYBOX not in made):
            client.api.tag(BUSYBOX, *USUAL_BUSYBOX.split(":"))
    finally:
        client.close()


# --- for pytest and by hand


@pytest.fixture(scope="session")
def docker_engine() -> Iterator[DockerEngine]:
    """A real engine with the local images; skips (or fails, see REIGN_REQUIRE) where there is none."""
    with contextlib.ExitStack() as stack:
        try:
            engine = stack.enter_context(running_engine())
        except NoEngine as error:
            missing("docker", str(error))
        yield engine


def main() -> int:
    ending = {signal.SIGINT, signal.SIGTERM}
    try:
        with running_engine() as engine:
            signal.pthread_sigmask(signal.SIG_BLOCK, ending)
            print(f"DOCKER_HOST={engine.host}", flush=True)
            signal.sigwait(ending)
    except NoEngine as error:
        print(f"no Docker Engine: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
