"""``reign schedule`` and ``reign locks``, as a person uses them: commands in this process, against a whole REIGN."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from typer.testing import CliRunner

from reign.cli.main import app
from reign.core.errors import ReignError
from tests.engines.installation import until
from tests.integration.surfaces.conftest import Up

PLAN = """\
name: note
tasks:
  write: {uses: bash.write_file, with: {path: scheduled.txt, content: "again"}}
"""
SLEEP = """\
name: sleep
tasks:
  hold: {uses: probe.append, with: {ledger: slow, line: held, seconds: 30}}
"""


@dataclass
class Shell:
    """The command line in the folder of a running REIGN."""

    up: Up

    def reign(self, *argv: str) -> str:
        """What a command prints. Raises the error that it ends with."""
        done = CliRunner().invoke(app, argv)
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == 0, done.output
        return done.output

    def json(self, *argv: str) -> Any:
        return json.loads(self.reign(*argv, "-o", "json"))


@pytest.fixture
def shell(up: Up, monkeypatch: pytest.MonkeyPatch) -> Shell:
    for name, value in up.environment.items():
        if name.startswith("REIGN_"):
            monkeypatch.setenv(name, value)
    monkeypatch.chdir(up.folder)
    monkeypatch.setenv("COLUMNS", "200")
    return Shell(up)


def test_a_schedule_from_add_to_remove(shell: Shell, up: Up) -> None:
    (up.folder / "note.yaml").write_text(PLAN)
    made = shell.json("schedule", "add", "notes", "every 1s", "note.yaml", "--timezone", "Europe/Berlin")
    assert made["next_due"] is not None
    assert made["what"] == "note"

    def ran() -> bool:
        return any(firing["state"] == "submitted" for firing in shell.json("schedule", "show", "notes")["firings"])

    until(ran, every=0.2)
    until((up.folder / "scheduled.txt").exists)
    assert shell.json("schedule", "pause", "notes")["paused"] is True
    assert "paused" in shell.reign("schedule", "list")
    assert "next in" in shell.reign("schedule", "resume", "notes")
    shell.reign("schedule", "pause", "notes")
    fired = shell.json("schedule", "run-now", "notes")
    assert shell.json("show", fired["run"])["requested_by"] == "schedule notes"
    assert fired["run"] in shell.reign("schedule", "show", "notes")
    assert "`reign show" in shell.reign("schedule", "run-now", "notes")
    assert "gone" in shell.reign("schedule", "remove", "notes")
    with pytest.raises(ReignError, match="there is no schedule"):
        shell.reign("schedule", "show", "notes")


def test_a_schedule_may_look_for_drift(shell: Shell) -> None:
    made = shell.json("schedule", "add", "looks", "@daily", "--action", "drift", "--env", "nowhere")
    assert (made["action"], made["what"], made["environment"]) == ("drift", "drift", "nowhere")
    with pytest.raises(ReignError, match="nothing is recorded in nowhere"):
        shell.reign("schedule", "run-now", "looks")
    assert shell.json("schedule", "show", "looks")["firings"][0]["state"] == "failed"
    shell.reign("schedule", "remove", "looks")


def test_what_is_wrong_with_a_schedule_is_said(shell: Shell, up: Up) -> None:
    (up.folder / "note.yaml").write_text(PLAN)
    for argv, words in (
        (("x", "every blue moon", "note.yaml"), "is not a duration"),
        (("x", "@daily", "note.yaml", "--timezone", "Mars"), "there is no time zone"),
        (("x", "@daily", "note.yaml", "--misfire", "twice"), "misfire"),
        (("x", "@daily"), "there is no request"),
        (("x", "@daily", "note.yaml", "--action", "fly"), "takes no request"),
        (("x", "@daily", "--action", "fly"), "there is no action 'fly'"),
    ):
        with pytest.raises(ReignError) as caught:
            shell.reign("schedule", "add", *argv)
        assert caught.value.exit_code == 2
        assert words in caught.value.message
    assert shell.json("schedule", "list") == []
    assert "no schedules" in shell.reign("schedule", "list")


def test_locks_say_who_holds_what(shell: Shell, up: Up) -> None:
    (up.folder / "sleep.yaml").write_text(SLEEP)
    assert "no resource is locked" in shell.reign("locks")
    run = shell.json("run", "sleep.yaml", "--yes", "--detach")["name"]
    (lock,) = until(lambda: shell.json("locks"), every=0.2)
    assert (lock["resource"], lock["run"], lock["task"]) == ("probe:line/held", run, "hold")
    assert (lock["uses"], lock["waiting"], lock["alive"]) == ("probe.append", [], True)
    assert shell.json("locks", "docker:") == []
    assert run in shell.reign("locks")
    shell.reign("cancel", run)
    until(lambda: shell.json("locks") == [], every=0.2)
