"""`reign repair` and `reign memory` against a running REIGN."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from reign.cli.main import main
from tests.engines.installation import until
from tests.integration.surfaces.conftest import Up


@dataclass
class Done:
    returncode: int
    stdout: str
    stderr: str


@dataclass
class Here:
    """The command line in this very process, which is quicker than a process for each command."""

    folder: Path
    run: Callable[..., Done]

    def reign(self, *argv: str, given: str = "") -> Done:
        return self.run(argv, given)

    def json(self, *argv: str) -> Any:
        done = self.reign(*argv, "-o", "json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture
def here(up: Up, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Here:
    for name, value in up.environment.items():
        if name.startswith("REIGN_"):
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(up.folder)

    def run(argv: tuple[str, ...], given: str) -> Done:
        monkeypatch.setattr(sys, "argv", ["reign", *argv])
        monkeypatch.setattr(sys, "stdin", io.StringIO(given))
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return Done(ended.value.code, told.out, told.err)

    return Here(up.folder, run)


def plan_file(up: Here, name: str, ledger: str) -> str:
    tasks = {
        "works": {"uses": "probe.need", "with": {"ledger": ledger}},
        "after": {"uses": "probe.noop", "needs": ["works"]},
    }
    (up.folder / name).write_text(yaml.safe_dump({"name": "needs", "tasks": tasks}))
    return name


def remembered(up: Here, run: str) -> bool:
    return any(run in found["runs"] for found in up.json("memory", "show"))


def test_a_failed_run_is_repaired_and_remembered(here: Here) -> None:
    file = plan_file(here, "needs.yaml", "cli-ledger")
    failed = here.reign("run", file, "--yes")
    assert failed.returncode == 1
    assert "a repair is proposed: there is no ledger 'cli-ledger'; it is made first" in failed.stdout
    run = next(word for line in failed.stdout.splitlines() if "reign repair" in line for word in line.split()[-1:])

    shown = here.reign("show", run)
    assert f"reign repair {run}" in shown.stdout
    looked = here.json("repair", run, "--dry-run")
    assert (looked["proposed"], looked["safe"], looked["added"]) == (True, True, ["make"])
    drawn = here.reign("repair", run, "--dry-run").stdout
    assert "+ make  probe.append" in drawn
    assert '~ works  needs: nothing → ["make"]' in drawn
    assert "adds no risk" in drawn
    nobody = here.reign("repair", run)
    assert nobody.returncode == 2
    assert "nobody is there to say yes" in nobody.stderr

    done = here.reign("repair", run, "--yes")
    assert done.returncode == 0, done.stderr
    assert "succeeded make" in done.stdout
    again = here.reign("repair", run, "--yes")
    assert again.returncode == 6
    assert "only a failed run is repaired" in again.stderr
    until(lambda: remembered(here, run), 60, every=0.5)

    def helped() -> bool:
        known = here.json("memory", "show", "probe.need")["failures"]
        return bool(known and known[0]["helped"])

    until(helped, 60, every=0.5)
    drawn = here.reign("memory", "show", "probe.need").stdout
    assert "helped 1 of 1 times" in drawn
    assert "probe.need" in here.reign("memory", "show").stdout
    planned = here.reign("plan", file)
    assert "(from 1 run)" in planned.stdout
    assert here.json("plan", file)["memory"]["works"]["runs"] == [run]
    assert "no request in such words" in here.reign("memory", "show", "something", "else").stdout


def test_what_cannot_be_repaired_says_why(here: Here) -> None:
    (here.folder / "fails.yaml").write_text("name: fails\ntasks: {a: {uses: probe.fail, with: {retryable: false}}}\n")
    failed = here.reign("run", "fails.yaml", "--yes")
    assert failed.returncode == 1
    assert "a repair is proposed" not in failed.stdout
    refused = here.reign("repair", "@latest", "--yes")
    assert refused.returncode == 6
    assert "failed on purpose" in refused.stdout
    assert "no rule knows a way out" in refused.stderr


def test_memory_is_written_out_forgotten_and_read_in(here: Here, tmp_path: Path) -> None:
    plan_file(here, "once.yaml", "cli-other")
    here.reign("run", "once.yaml", "--yes")
    run = here.json("runs")[0]["name"]
    until(lambda: remembered(here, run), 60, every=0.5)
    file = tmp_path / "memory.jsonl"
    assert "entries are in" in here.reign("memory", "export", str(file)).stdout
    lines = file.read_text().splitlines()
    assert json.loads(lines[0])["what"] == "reign-memory"
    assert here.reign("memory", "export").stdout.splitlines()[0] == lines[0]

    assert here.reign("memory", "forget").returncode == 2
    assert here.reign("memory", "forget", "--all").returncode == 2
    assert here.json("memory", "forget", "probe.need")["forgotten"] >= 1
    assert "forgotten" in here.reign("memory", "forget", "--all", "--yes").stdout
    assert "nothing is known yet" in here.reign("memory", "show").stdout
    assert "nothing is known of it yet" in here.reign("memory", "show", "probe.noop").stdout
    taken = here.json("memory", "import", str(file))
    assert taken["attempts"] >= 1
    assert "are remembered" in here.reign("memory", "import", "-", given=file.read_text()).stdout
    file.write_text(lines[0] + "\n{}\n")
    wrong = here.reign("memory", "import", str(file))
    assert wrong.returncode == 2
    assert "line 2 of the import" in wrong.stderr
    assert here.reign("memory", "import", str(tmp_path / "none")).returncode == 2
