"""A supervisor that was killed: what it left is found by its record and ended, and nobody else."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from reign.cli.main import app
from reign.config import Settings
from reign.core.errors import Unavailable
from reign.local import leftovers, supervisor

#: Says that it is there, and stays.
STAYS = "import sys, time; print('up', flush=True); time.sleep(60)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + STAYS
#: Leaves a child of the same program in its session, which says that it is there.
PARENT = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {STAYS!r}])"

Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    with contextlib.ExitStack() as stack:

        def run(code: str, **environment: str) -> subprocess.Popen[bytes]:
            process = subprocess.Popen(
                [sys.executable, "-c", code],
                env={**os.environ, "REIGN_DATA_DIR": str(tmp_path)} | environment,
                stdout=subprocess.PIPE,
                start_new_session=True,
            )
            stack.callback(_gone, process)
            assert process.stdout is not None
            assert process.stdout.readline() == b"up\n"
            return process

        yield run


def _gone(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, 9)
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def _mark(process: subprocess.Popen[bytes], **other: Any) -> dict[str, Any]:
    return {**leftovers.mark(process.pid, [sys.executable, "-c", "x"]), **other}


def test_a_part_is_found_and_ended(start: Start, tmp_path: Path) -> None:
    process = start(STAYS)
    found = leftovers.left({"worker-bash": _mark(process)}, tmp_path)
    assert [(each.part, each.pid) for each in found] == [("worker-bash", process.pid)]
    assert leftovers.end(found) == ["worker-bash"]
    assert process.wait(5) == -15
    assert leftovers.left({"worker-bash": _mark(process)}, tmp_path) == []


def test_what_does_not_heed_is_killed(start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leftovers, "_GRACE", 0.1)
    process = start(STUBBORN)
    leftovers.end(leftovers.left({"api": _mark(process)}, tmp_path))
    assert process.wait(5) == -9


def test_a_pid_that_is_another_process_by_now_is_left_alone(start: Start, tmp_path: Path) -> None:
    process = start(STAYS, REIGN_DATA_DIR="/elsewhere")
    recorded = _mark(process)
    earlier = recorded["born"].rpartition(":")[0] + ":1"
    assert leftovers.left({"api": {**recorded, "born": earlier}}, tmp_path) == []
    assert leftovers.left({"api": {**recorded, "command": ["/usr/bin/other"]}}, tmp_path) == []
    assert leftovers.left({"api": {**recorded, "command": [sys.executable, "-m", "reign", "api"]}}, tmp_path) == []
    assert leftovers.left({"api": {**recorded, "born": "another-boot:pid:1"}}, tmp_path) == []
    assert leftovers.end([leftovers.Left("api", process.pid, earlier)]) == ["api"]
    assert process.poll() is None


@pytest.mark.parametrize(("home", "ours"), [("", True), ("/elsewhere", False)])
def test_the_children_of_a_part_that_is_gone(start: Start, tmp_path: Path, home: str, ours: bool) -> None:
    process = start(PARENT, **({"REIGN_DATA_DIR": home} if home else {}))
    recorded = _mark(process)
    process.wait(5)
    found = leftovers.left({"worker-docker": recorded}, tmp_path)
    assert [each.part for each in found] == (["worker-docker"] if ours else [])
    leftovers.end(found)
    assert leftovers.left({"worker-docker": recorded}, tmp_path) == []


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("REIGN_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("REIGN_API_PORT", "1")
    return Settings.load()


def _killed(settings: Settings, **marks: Any) -> None:
    state = {"pid": 4_194_300, "born": "gone", "marks": marks}
    (settings.data_dir / "up.json").write_text(json.dumps(state))


def reign(command: str) -> str:
    return CliRunner().invoke(app, [command], catch_exceptions=False, standalone_mode=False).output


def test_status_and_down_after_a_kill(start: Start, settings: Settings) -> None:
    process = start(STAYS)
    _killed(settings, valkey=_mark(process))
    with pytest.raises(Unavailable, match="its supervisor .pid 4194300. did not stop in order") as told:
        reign("status")
    assert told.value.hint == "it left valkey: `reign down` ends that; `reign up` starts it anew"
    assert "(pid 4194300) had not stopped in order; ended what it left: valkey" in reign("down")
    assert process.wait(5) == -15
    assert "nothing was running" in reign("down")
    assert supervisor.left_behind(settings) is None


def test_a_kill_that_left_nothing(settings: Settings) -> None:
    _killed(settings)
    with pytest.raises(Unavailable) as told:
        reign("status")
    assert told.value.hint == "it left nothing; `reign up` starts it anew"
    assert "nothing of it was left" in reign("down")
