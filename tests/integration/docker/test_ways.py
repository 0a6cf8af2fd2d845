"""The ways to an engine: a socket, DOCKER_HOST, a context, TLS; and the lines of `reign doctor`."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reign.executor import FailureKind, TaskFailed
from reign.executor.testing import make_context
from tests.integration.docker.world import World
from workers.docker import AGENT
from workers.docker.engine import engine


def version(folder: Path, **options: Any) -> str:
    with engine(make_context(folder, options=options), "ask for its version") as client:
        return str(client.version()["Version"])


def test_host_and_environment(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = world.client.version()["Version"]
    assert version(tmp_path, host=world.engine.host) == there
    monkeypatch.setenv("DOCKER_HOST", world.engine.host)
    assert version(tmp_path) == there
    lines = {check.name: check for check in AGENT.checks()}
    assert lines["docker engine"].ok
    assert there in lines["docker engine"].detail


def test_contexts(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from docker.context import ContextAPI

    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    (tmp_path / "config.json").write_text("{}")
    ContextAPI.create_context("tests", host=world.engine.host)
    there = world.client.version()["Version"]
    assert version(tmp_path, context="tests") == there
    with pytest.raises(TaskFailed, match="there is no docker context 'test'") as caught:
        version(tmp_path, context="test")
    assert caught.value.hint == "did you mean 'tests'?"
    ContextAPI.set_current_context("tests")
    assert version(tmp_path) == there
    monkeypatch.setenv("DOCKER_CONTEXT", "tets")
    with pytest.raises(TaskFailed, match="there is no docker context 'tets'"):
        version(tmp_path)
    ContextAPI.set_current_context("default")
    monkeypatch.setenv("DOCKER_CONTEXT", "tests")
    assert version(tmp_path) == there


def test_by_the_ssh_program(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not world.engine.host.startswith("unix://"):
        pytest.skip("needs an engine on a socket")
    program = tmp_path / "bin" / "ssh"
    program.parent.mkdir()
    program.write_text(_SSH.format(python=sys.executable, socket=world.engine.host.removeprefix("unix://")))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    there = world.client.version()["Version"]
    assert version(tmp_path, host="ssh://me@example.test") == there
    assert (tmp_path / "bin" / "asked").read_text() == "-l me -p 22 -- example.test docker system dial-stdio"
    program.write_text("#!/bin/sh\nexit 255\n")
    with pytest.raises(TaskFailed, match="no Docker Engine answers at ssh://me@example.test") as caught:
        version(tmp_path, host="ssh://me@example.test")
    assert "ssh me@example.test docker version" in (caught.value.hint or "")


# What `ssh HOST docker system dial-stdio` does, to the engine of the tests.
_SSH = """#!{python}
import contextlib, os, pathlib, socket, sys, threading
pathlib.Path(__file__).with_name("asked").write_text(" ".join(sys.argv[1:]))
engine = socket.socket(socket.AF_UNIX)
engine.connect("{socket}")
def up():
    while data := os.read(0, 65536):
        engine.sendall(data)
    engine.shutdown(socket.SHUT_WR)
threading.Thread(target=up, daemon=True).start()
with contextlib.suppress(BrokenPipeError):
    while data := engine.recv(65536):
        os.write(1, data)
"""


def test_a_socket_that_may_not_be_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("socket.socket.connect", refuse)
    with pytest.raises(TaskFailed, match="may not use the Docker Engine") as caught:
        version(tmp_path, host="unix:///var/run/docker.sock")
    assert caught.value.kind is FailureKind.PERMISSION
    assert "group docker" in (caught.value.hint or "")


# --- TLS: a door with certificates before the socket


def _certificates(folder: Path, program: str) -> None:
    def openssl(*arguments: str) -> None:
        subprocess.run([program, *arguments], cwd=folder, check=True, capture_output=True)

    for name in ("ca", "other"):
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                "-addext", "keyUsage=critical,keyCertSign",
                "-keyout", f"{name}-key.pem", "-out", f"{name}.pem")  # fmt: skip
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\n")
    for name, more in (("server", ["-extfile", "names"]), ("client", [])):
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", f"{name}-key.pem",
                "-out", f"{name}.csr")  # fmt: skip
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca-key.pem", "-CAcreateserial",
                "-days", "2", "-out", f"{name}-cert.pem", *more)  # fmt: skip
    for trusted, holder in (("good", "ca"), ("bad", "other")):
        (folder / trusted).mkdir()
        shutil.copy(folder / f"{holder}.pem", folder / trusted / "ca.pem")
        shutil.copy(folder / "client-cert.pem", folder / trusted / "cert.pem")
        shutil.copy(folder / "client-key.pem", folder / trusted / "key.pem")


@contextlib.contextmanager
def _door(folder: Path, to: Path) -> Iterator[int]:
    """Lets clients with a certificate through to the engine's socket."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server-cert.pem", folder / "server-key.pem")
    context.load_verify_locations(folder / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED

    def pass_on(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def serve(plain: socket.socket) -> None:
        with (
            contextlib.suppress(OSError),
            context.wrap_socket(plain, server_side=True) as client,
            socket.socket(socket.AF_UNIX) as inside,
        ):
            inside.connect(str(to))
            threading.Thread(target=pass_on, args=(client, inside), daemon=True).start()
            pass_on(inside, client)

    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield int(listener.getsockname()[1])
        listener.shutdown(socket.SHUT_RDWR)


def test_tls(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = shutil.which("openssl")
    if program is None or not world.engine.host.startswith("unix://"):
        pytest.skip("needs openssl and an engine on a socket")
    _certificates(tmp_path, program)
    there = world.client.version()["Version"]
    with _door(tmp_path, Path(world.engine.host.removeprefix("unix://"))) as port:
        host = f"tcp://127.0.0.1:{port}"
        assert version(tmp_path, host=host, cert_path=str(tmp_path / "good")) == there
        with pytest.raises(TaskFailed, match="is not trusted: .*certificate verify failed") as caught:
            version(tmp_path, host=host, cert_path=str(tmp_path / "bad"))
        assert caught.value.kind is FailureKind.PERMISSION
        with pytest.raises(TaskFailed, match="TLS is asked for, but the folder for it holds no ca.pem"):
            version(tmp_path, host=host, cert_path=str(tmp_path))
        with pytest.raises(TaskFailed, match="for another name"):
            version(tmp_path, host=f"tcp://localhost:{port}", cert_path=str(tmp_path / "good"))
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "other.pem"))
        monkeypatch.setenv("DOCKER_HOST", host)
        monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
        monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path / "good"))
        assert version(tmp_path) == there
