"""examples/script-pipeline.yaml from the command line, and taken back."""

from __future__ import annotations

from pathlib import Path

from tests.integration.surfaces.conftest import Up

EXAMPLE = Path(__file__).parents[3] / "examples" / "script-pipeline.yaml"


def test_the_pipeline_runs_and_is_taken_back(up: Up) -> None:
    done = up.reign("run", str(EXAMPLE), "--yes", "--param", "folder=measured")
    assert done.returncode == 0, done.stdout + done.stderr
    report = up.folder / "measured" / "report.md"
    assert report.read_text() == "5 days, 27.4 degrees on average.\nHot: Thu Fri\n"
    name = up.json("runs")[0]["name"]
    back = up.reign("rollback", name, "--yes")
    assert back.returncode == 0, back.stderr
    assert not (up.folder / "measured").exists()
