"""The kill drill: real kills on an installation of its own, and what it refuses."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from reign.cli.drill import drill
from reign.config import Settings
from reign.core.errors import Conflict, InvalidInput, Refused
from reign.local.drill import Drill, Report, Size, refuse_if_in_use
from tests.engines.installation import AGENTS, Installation

pytestmark = pytest.mark.chaos


def test_a_drill_kills_and_loses_nothing(tmp_path: Path) -> None:
    settings = Settings.load(data_dir=tmp_path, heartbeat=0.3, lease=2.0, max_attempts_lost=1000)
    said: list[str] = []
    size = Size(runs=2, kills=10, tasks=5, generals=1, workers=1, within=120.0, seed=3)
    report = Drill(settings, size, uses="probe.append", agents=AGENTS, say=said.append).run()
    found = report.as_dict()
    assert report.well, found | {"lost": report.lost_runs}
    assert found["kills"] == 10
    assert len(found["kills_by_target"]) >= 2, "of several kinds"
    assert found["recovery_worst_s"] >= found["recovery_median_s"] > 0
    assert said == ["10 kills"]
    assert [argv for argv in command_lines() if str(tmp_path) in argv] == []


def command_lines() -> Iterator[str]:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        if int(path.parent.name) != os.getpid():
            with contextlib.suppress(OSError):
                yield path.read_bytes().replace(b"\0", b" ").decode(errors="replace")


def test_a_broken_invariant_is_not_well() -> None:
    assert Report(Size()).well
    for broken in ({"lost_runs": ["x"]}, {"twice": 1}, {"missing": 1}, {"never_started": 1}, {"disordered": 1}):
        assert not Report(Size(), **broken).well  # type: ignore[arg-type]


def test_it_refuses_production_and_a_place_that_is_in_use(tmp_path: Path) -> None:
    settings = Settings.load(data_dir=tmp_path / "data")
    settings.writable_data_dir()
    with pytest.raises(Refused):
        refuse_if_in_use(settings, "Production")
    refuse_if_in_use(settings, "test")
    made = Installation(tmp_path)
    made.submit({"name": "foreign", "tasks": {"a": {"uses": "probe.noop"}}})
    with pytest.raises(Conflict):
        refuse_if_in_use(settings, "test")
    made.close()


def test_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REIGN_EXTRA_AGENTS", AGENTS)  # the command adds its own, here as in a shell
    with pytest.raises(Refused):
        drill(environment="prod")
    with pytest.raises(InvalidInput):
        drill(installed=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("REIGN_")}
    argv = [sys.executable, "-m", "reign", "drill", "--runs", "1", "--kills", "1", "--tasks", "2", "-o", "json"]
    done = subprocess.run(argv, env=kept, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert found["ok"]
    assert (found["runs"], found["kills"]) == (1, 1)
