"""An image registry on loopback that asks for a name and a password: Debian's docker-registry."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.engines.required import missing

USERNAME = "tester"
PASSWORD = "open sesame"
_HASH = "$2b$04$PjaV0WJ0A.QUCdLCg/vtb.ihLBzNxiCiUnk1fhoWt3WCi70pmVbCC"  # bcrypt of PASSWORD
_START_WITHIN = 15.0  # seconds


@dataclass(frozen=True)
class Registry:
    """Its address as it stands in an image's name."""

    host: str
    username: str = USERNAME
    password: str = PASSWORD


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(host: str) -> bool:
    try:
        urllib.request.urlopen(f"http://{host}/v2/", timeout=1)
    except urllib.error.HTTPError as error:
        return error.code == 401
    except OSError:
        return False
    return True


@contextlib.contextmanager
def running_registry(folder: Path) -> Iterator[Registry]:
    """A registry for as long as the block lasts. Raises FileNotFoundError if the program is not installed."""
    program = shutil.which("docker-registry")
    if program is None:
        raise FileNotFoundError("docker-registry is not installed (Debian: apt install docker-registry)")
    host = f"127.0.0.1:{_free_port()}"
    (folder / "htpasswd").write_text(f"{USERNAME}:{_HASH}\n")
    (folder / "config.yml").write_text(
        f"""version: 0.1
log: {{level: error}}
storage:
  filesystem: {{rootdirectory: {folder / "images"}}}
  delete: {{enabled: true}}
http: {{addr: "{host}"}}
auth:
  htpasswd: {{realm: tests, path: {folder / "htpasswd"}}}
"""
    )
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, "serve", str(folder / "config.yml")], stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + _START_WITHIN
        while not _answers(host):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"docker-registry does not start: {(folder / 'log').read_text()[-500:]}")
            time.sleep(0.05)
        yield Registry(host)
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry with credentials; skips (or fails, see REIGN_REQUIRE) where the program is not installed."""
    with contextlib.ExitStack() as stack:
        try:
            found = stack.enter_context(running_registry(tmp_path_factory.mktemp("registry")))
        except FileNotFoundError as error:
            missing("registry", str(error))
        yield found
