"""One REIGN for all tests of the surfaces, as `reign up` starts it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from reign.client import Client
from tests.engines.installation import AGENTS, until

POLICY = """\
rules:
  - {name: no-evil, match: {uses: probe.append, inputs: {line: "evil*"}}, decision: deny, reason: it is evil}
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Up:
    """A running `reign up` and its command line."""

    folder: Path
    environment: dict[str, str]
    url: str

    def reign(self, *argv: str, given: str | None = None, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "reign", *argv],
            cwd=self.folder,
            env={**self.environment, **env},
            input=given,
            stdin=None if given is not None else subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def json(self, *argv: str) -> Any:
        done = self.reign(*argv, "-o", "json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture(scope="session")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    folder = tmp_path_factory.mktemp("up")
    port = free_port()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("REIGN_")}
    environment = kept | {
        "REIGN_DATA_DIR": str(folder / "data"),
        "REIGN_API_PORT": str(port),
        "REIGN_FLOWER_PORT": "0",
        "REIGN_CONCURRENCY": "1",
        "REIGN_EXTRA_AGENTS": AGENTS,
        "REIGN_POLICY": str(folder / "policy.yaml"),
    }
    (folder / "policy.yaml").write_text(POLICY)
    with (folder / "up.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "reign", "up"], cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT
        )
    made = Up(folder, environment, f"http://127.0.0.1:{port}")
    client = Client(made.url)

    def ready() -> bool:
        assert process.poll() is None, (folder / "up.log").read_text()
        try:
            pools = client.get("/pools")
        except Exception:
            return False
        return all(pool["workers"] for pool in pools)

    until(ready, 120, every=0.2)
    yield made
    client.close()
    process.terminate()
    process.wait(60)
    end_left(folder)


def end_left(folder: Path) -> None:
    """Nothing may be left of it: no process, no socket."""
    assert not (folder / "data" / "up.json").exists()
    assert not (folder / "data" / "valkey.sock").exists()


@pytest.fixture
def client(up: Up) -> Iterator[Client]:
    with Client(up.url) as made:
        yield made
