"""What is deployed, how it came to be, and the way back: command line and API on a REIGN in this process."""

from __future__ import annotations

import asyncio
import json
import re
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from starlette.testclient import TestClient

from reign.api.app import make_api
from reign.api.wakeups import Watch
from reign.cli import main, output
from reign.cli import state as command
from reign.client import Client
from reign.config import Surroundings
from reign.engine.rehearse import Rehearsals
from reign.engine.retention import Retention
from tests.engines.inline import Inline

PLAN = """\
name: files
params: {text: one}
tasks:
  a: {uses: bash.write_file, with: {path: a, content: "${{ params.text }}"}}
  b: {uses: bash.copy_file, with: {source: "${{ tasks.a.result.path }}", destination: b}}
"""


class Said(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Hands:
    """Types commands. A thread does what workers and the service would."""

    def __init__(self, inline: Inline, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.inline = inline
        self.folder = inline.folder
        self._capsys = capsys
        self._monkeypatch = monkeypatch
        self._over = threading.Event()
        self._working = threading.Thread(target=self._work)
        self.working = threading.Event()
        self.working.set()
        self._working.start()

    def _work(self) -> None:
        service = Rehearsals(self.inline.runtime, self.inline.general)
        while not self._over.wait(0.01):
            if self.working.is_set():
                self.inline.work()
                service.proceed()
                self.inline.general.roll_back_failed()

    def stop(self) -> None:
        self._over.set()
        self._working.join()

    def __call__(self, *argv: str) -> Said:
        self._monkeypatch.setattr(sys, "argv", ["reign", *argv])
        with pytest.raises(SystemExit) as ended:
            main.main()
        out, err = self._capsys.readouterr()
        return Said(int(ended.value.code or 0), out, err)


# What the client says about patience means nothing to an API in the same process.
pytestmark = pytest.mark.filterwarnings("ignore:You should not use the 'timeout' argument")


@pytest.fixture
def reign(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Hands]:
    world = tmp_path / "world"
    world.mkdir()
    (world / "plan.yaml").write_text(PLAN)
    inline = Inline(world)
    monkeypatch.setenv("REIGN_DATA_DIR", str(inline.settings.data_dir))
    monkeypatch.setattr(output.console, "width", 200)
    monkeypatch.chdir(world)
    monkeypatch.setattr("reign.api.app.Runtime", lambda _: inline.runtime)
    monkeypatch.setattr(Watch, "changed", lambda *_: asyncio.sleep(0.01))
    api = make_api(inline.settings)

    def connect(self: Client, *_: Any, **__: Any) -> None:
        self.url, self._http = "http://testserver", TestClient(api)

    monkeypatch.setattr(Client, "__init__", connect)
    hands = Hands(inline, capsys, monkeypatch)
    yield hands
    hands.stop()
    inline.close()


def test_a_run_that_takes_itself_back_is_followed_until_it_has(reign: Hands) -> None:
    (reign.folder / "fails.yaml").write_text(
        "name: fails\non_failure: rollback\ntasks:\n"
        "  a: {uses: bash.write_file, with: {path: a, content: x}}\n"
        "  b: {uses: bash.run, needs: [a], with: {command: exit 3}}\n"
    )
    said = reign("run", "fails.yaml", "--yes")
    back = re.search(r"it takes itself back: run (\S+)", said.out)
    assert said.code == 1
    assert back
    assert f"it was taken back by {back[1]}" in said.err
    assert f"run {back[1]} ✓ succeeded" in said.out
    assert not (reign.folder / "a").exists()


def test_what_is_there_and_how_it_came_to_be(reign: Hands) -> None:
    assert "nothing is recorded yet" in reign("resources").out
    assert "no points yet" in reign("points").out
    assert reign("run", "plan.yaml", "--yes").code == 0
    assert reign("run", "plan.yaml", "--yes", "-p", "text=two").code == 0
    (reign.folder / "b").unlink()
    told = reign("resources").out
    assert re.search(r"world/a +dev +[a-z0-9-]+/a bash.write_file", told)
    listed = reign("resources", "-o", "json").json
    assert [(item["address"].rpartition("/")[2], item["standing"]) for item in listed] == [("a", None), ("b", None)]

    told = reign("history", "world/a").out
    assert "v1 created" in told
    assert "v2 changed" in told
    assert "~ content" in told
    assert "asked for" in told
    assert "+ path: a" in told
    versions = reign("history", "world/a", "-o", "json").json["versions"]
    assert [item["kind"] for item in versions] == ["created", "changed"]
    assert versions[1]["inputs"]["content"] == "two"
    assert versions[1]["asked"] == [{"path": "content", "before": "one", "after": "two"}]
    reign("rollback", "@latest", "--yes")
    undone = reign("history", "world/a", "-o", "json").json["versions"][2]
    assert (undone["inputs"], undone["asked"], undone["kind"]) == (None, [], "changed")
    assert reign("run", "plan.yaml", "--yes", "-p", "text=two").code == 0
    assert reign("history", "world/z").code == 5

    told = reign("blast", "world/a").out
    assert "world/b" in told
    assert "read a's result" in told
    assert reign("blast", "world/a", "-o", "json").json["dependants"][0]["distance"] == 1
    assert "nothing that is recorded depends on it" in reign("blast", "world/b").out


def test_a_narrow_window_folds_no_address(reign: Hands, monkeypatch: pytest.MonkeyPatch) -> None:
    reign("run", "plan.yaml", "--yes")
    monkeypatch.setattr(output.console, "width", 80)
    told = reign("resources").out
    assert f"bash:file/{reign.folder}/a\n" in told
    assert re.search(r"^   dev  [a-z0-9-]+/a bash.write_file  .* ago$", told, re.MULTILINE)


def test_a_mistyped_environment_is_told(reign: Hands) -> None:
    reign("run", "plan.yaml", "--yes", "--env", "staging")
    assert "nothing is recorded in stagin yet; did you mean 'staging'?" in reign("resources", "--env", "stagin").out
    assert "no points in stagin yet; did you mean 'staging'?" in reign("points", "--env", "stagin").out
    assert "nothing is recorded in dev yet; `reign run`" in reign("resources", "--env", "dev").out
    assert "did you mean 'staging'?" in reign("drift", "--env", "stagin").err
    reign.inline.settings.environments = {"production": Surroundings()}
    (reign.folder / "reign.toml").write_text("[environments.production]\n")
    said = "prodution is an environment that reign.toml does not name; did you mean 'production'?"
    assert said in reign("run", "plan.yaml", "--yes", "--env", "prodution").out.replace("\n", " ")
    run = next(item["name"] for item in reign("runs", "-o", "json").json if item["environment"] == "staging")
    assert said in reign("promote", run, "--to", "prodution", "--yes").out.replace("\n", " ")


def test_where_the_logs_of_an_old_run_are_is_told(reign: Hands) -> None:
    assert reign("run", "plan.yaml", "--yes").code == 0
    assert "archive" not in reign("show", "@latest").out
    reign.inline.settings.retain = 1e-9
    Retention(reign.inline.runtime).archive(10)
    said = re.compile(r"its events and logs were taken out .* ago, and are in archive/[0-9-]+/[a-z0-9-]+\.jsonl\.gz")
    assert said.search(reign("logs", "@latest").out)
    assert said.search(reign("show", "@latest").out)
    assert reign("logs", "@latest", "-o", "json").json == []


def test_points_and_the_way_back(reign: Hands) -> None:
    reign("run", "plan.yaml", "--yes")
    assert "come back to it: reign rollback --to good --env dev" in reign("checkpoint", "good").out
    assert "did you mean 'dev'?" in reign("checkpoint", "elsewhere", "--env", "dve").out
    assert reign("checkpoint", "good", "-o", "json").code == 6
    assert reign("checkpoint", "other", "-o", "json").json["name"] == "other"
    reign("run", "plan.yaml", "--yes", "-p", "text=two")
    told = reign("points").out
    assert re.search(r"good +dev +checkpoint", told)
    assert re.search(r"dev +apply files", told)
    assert len(reign("points", "--env", "dev", "-o", "json").json) == 4
    assert reign("rollback").code == 2
    assert reign("rollback", "x", "--to", "good").code == 2
    assert "nobody is there to say yes" in reign("rollback", "--to", "good").err
    assert reign("rollback", "--to", "bad", "--yes").code == 5
    assert "dev has one: --env dev" in reign("rollback", "--to", "good", "--env", "prod").err
    done = reign("rollback", "--to", "good", "--yes")
    assert done.code == 0
    assert "undo-a" in done.out
    assert (reign.folder / "b").read_text() == "one"
    again = reign("rollback", "--to", "good", "--yes")
    assert again.code == 6
    assert "cancel each other out" in again.out
    assert reign("rollback", "@latest", "--yes", "-o", "json").json["kind"] == "rollback"
    assert (reign.folder / "a").read_text() == "two"


def test_what_cannot_be_taken_back_is_said_before(reign: Hands, monkeypatch: pytest.MonkeyPatch) -> None:
    reign("checkpoint", "start")
    (reign.folder / "run.yaml").write_text("name: x\ntasks: {run: {uses: bash.run, with: {command: touch made}}}\n")
    assert reign("run", "run.yaml", "--yes").code == 0
    told = reign("rollback", "--to", "start", "--yes")
    assert told.code == 6
    assert "cannot be taken back: run: no `undo` command" in told.out
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr(command.typer, "confirm", lambda _: False)
    reign("run", "plan.yaml", "--yes")
    assert reign("rollback", "@latest").code == 4


def test_drift_is_shown_accepted_and_fixed(reign: Hands) -> None:
    assert reign("drift").code == 6
    reign("run", "plan.yaml", "--yes")
    told = reign("drift")
    assert (told.code, told.out.strip()) == (0, "2 resources in dev: 2 as recorded, 0 not, 0 unknown")
    assert "as recorded" in reign("resources").out
    (reign.folder / "a").write_text("three")
    (reign.folder / "b").unlink()
    told = reign("drift")
    assert told.code == 1
    assert "missing bash:file/" in told.out
    assert "~ size: 3 → 5" in told.out
    assert "2 of 2 resources are not as recorded" in told.err
    found = reign("drift", "-o", "json")
    assert (found.code, found.json["drifted"]) == (1, 2)
    assert reign("drift", "--run", found.json["run"], "-o", "json").json == found.json
    assert reign("drift", "--fix", "--accept").code == 2
    assert reign("drift", "--within", "soon").code == 2
    assert "accepted: " in reign("drift", "world/a", "--accept", "--yes").out
    fixed = reign("drift", "--fix", "--yes")
    assert fixed.code == 0
    assert "restore-1-file-b" in fixed.out
    assert (reign.folder / "b").read_text() == "one"
    assert (reign.folder / "a").read_text() == "three"
    reign("rollback", "@latest", "--yes")
    (reign.folder / "b").unlink(missing_ok=True)
    reign("drift", "world/b", "--accept", "--yes")
    assert "recorded as removed, and is not there" in reign("drift", "world/b").out
    (reign.folder / "a").write_text("four")
    done = reign("drift", "--accept", "--yes", "-o", "json")
    assert [item.rpartition("/")[2] for item in done.json["accepted"]] == ["a"]


def test_what_nobody_looks_at_is_unknown_in_time(reign: Hands) -> None:
    reign("run", "plan.yaml", "--yes")
    reign.working.clear()
    told = reign("drift", "--within", "50ms")
    assert told.code == 7
    assert "2 unknown" in told.out
    assert reign("drift", "--within", "50ms", "-o", "json").code == 7


def test_what_cannot_be_restored_is_left_alone(reign: Hands) -> None:
    made = "name: x\ntasks: {run: {uses: bash.run, with: {command: touch made, creates: made}}}\n"
    (reign.folder / "run.yaml").write_text(made)
    assert reign("run", "run.yaml", "--yes").code == 0
    (reign.folder / "made").unlink()
    told = reign("drift", "--fix", "--yes")
    assert told.code == 6
    assert "left alone: bash:file/" in told.out
    assert "bash.run cannot bring it back" in told.err
    reign("run", "plan.yaml", "--yes")
    (reign.folder / "a").unlink()
    told = reign("drift", "--fix", "--yes")
    assert (told.code, (reign.folder / "a").read_text()) == (1, "one")


def test_a_plan_is_rehearsed_and_the_proof_is_shown(reign: Hands) -> None:
    told = reign("rehearse", "plan.yaml", "--yes")
    assert told.code == 0, told
    assert told.out.count("✓ came back") == 2
    assert "absent → there → absent" in told.out
    report = reign("rehearse", "plan.yaml", "--yes", "-o", "json")
    assert (report.code, report.json["came_back"]) == (0, True)
    assert [path.name for path in reign.folder.iterdir()] == ["plan.yaml"]
    (reign.folder / "bad.yaml").write_text(PLAN.replace("destination: b", "destination: plan.yaml/x"))
    told = reign("rehearse", "bad.yaml", "--yes")
    assert told.code == 1
    assert "✓ came back" in told.out
    assert reign("rehearse", "bad.yaml", "--yes", "-o", "json").code == 1
    (reign.folder / "out.yaml").write_text(PLAN.replace("path: a", "path: /etc/motd"))
    told = reign("rehearse", "out.yaml", "--yes")
    assert told.code == 4
    assert "outside of the work folder" in told.err


def test_what_a_rehearsal_leaves_is_said(reign: Hands, monkeypatch: pytest.MonkeyPatch) -> None:
    from reign.executor import registry

    monkeypatch.setattr(registry.operation("bash.write_file"), "restore", lambda *_: None, raising=False)
    told = reign("rehearse", "plan.yaml", "--yes")
    assert told.code == 1
    assert "did not come back" in told.out
    assert "not everything" in told.err
