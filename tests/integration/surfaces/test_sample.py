"""What a newcomer does: `make run` twice, look at the page, see the tasks in Flower, take it back, stop everything."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from reign.config import Settings
from reign.local.supervisor import running
from tests.engines.installation import until
from tests.integration.surfaces.conftest import free_port

EXAMPLE = Path(__file__).parents[3] / "examples" / "hello-web"


@dataclass
class Newcomer:
    """A folder with the example in it, and a REIGN of its own."""

    folder: Path
    environment: dict[str, str]

    def reign(self, *argv: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "reign", *argv],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def leftovers(self) -> list[str]:
        """Command lines of processes that carry this REIGN's data folder in their environment."""
        mark, found = f"REIGN_DATA_DIR={self.environment['REIGN_DATA_DIR']}".encode(), []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and entry.name != str(os.getpid()):
                try:
                    if mark in (entry / "environ").read_bytes().split(b"\0"):
                        found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
                except OSError:
                    continue
        return found


@pytest.fixture
def newcomer(tmp_path: Path) -> Iterator[Newcomer]:
    shutil.copytree(EXAMPLE, tmp_path / "examples" / "hello-web", ignore=shutil.ignore_patterns("dist"))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("REIGN_")}
    made = Newcomer(
        tmp_path,
        kept
        | {
            "REIGN_DATA_DIR": str(tmp_path / "data"),
            "REIGN_API_PORT": str(free_port()),
            "REIGN_FLOWER_PORT": str(free_port()),
            "DOCKER_HOST": f"unix://{tmp_path}/no-engine.sock",
            "PATH": f"{Path(sys.executable).parent}:{kept['PATH']}",
        },
    )
    yield made
    made.reign("down")


def test_make_run_twice_and_down(newcomer: Newcomer) -> None:
    first = newcomer.reign("sample")
    assert first.returncode == 0, first.stdout + first.stderr
    address = re.search(r"http://127\.0\.0\.1:\d+/(?=\s|$)", first.stdout)
    assert address is not None
    assert "Hello from REIGN" in httpx.get(address[0], trust_env=False).text
    run = re.search(r"run (\S+) ✓ succeeded", first.stdout)
    assert run is not None
    assert f"reign rollback {run[1]}" in first.stdout
    assert f"/run/{run[1]}" in first.stdout

    flower = f"http://127.0.0.1:{newcomer.environment['REIGN_FLOWER_PORT']}/api/tasks"
    shown = until(lambda: [t for t in httpx.get(flower, trust_env=False).json().values() if run[1] in t["name"]])
    assert {task["state"] for task in shown} <= {"SUCCESS", "STARTED", "RECEIVED"}
    assert any("validation.scan_secrets" in task["name"] for task in shown)

    second = newcomer.reign("sample")
    assert second.returncode == 0, second.stdout + second.stderr

    assert newcomer.reign("down").returncode == 0
    assert running(Settings.load(data_dir=newcomer.folder / "data")) is None
    until(lambda: newcomer.leftovers() == [])
    with pytest.raises(httpx.TransportError):
        httpx.get(address[0], trust_env=False)


def test_it_is_taken_back(newcomer: Newcomer) -> None:
    assert newcomer.reign("sample").returncode == 0
    back = newcomer.reign("rollback", "@latest", "--yes")
    assert back.returncode == 0, back.stdout + back.stderr
    assert "undo-start-process" in back.stdout
