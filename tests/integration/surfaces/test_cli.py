"""The command line, as a person uses it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.integration.surfaces.conftest import Up, free_port

PLAN = """\
name: files
params: {text: hello}
tasks:
  write: {uses: bash.write_file, with: {path: note.txt, content: "${{ params.text }}"}}
  read: {uses: bash.run, needs: [write], with: {command: cat note.txt}}
"""


def test_plan_shows_and_runs_nothing(up: Up) -> None:
    (up.folder / "plan.yaml").write_text(PLAN)
    shown = up.json("plan", "plan.yaml")
    assert [task["id"] for task in shown["tasks"]] == ["write", "read"]
    assert shown["tasks"][0]["undo"] == "exact"
    assert shown["environment"] == "dev"
    assert "write" in up.reign("plan", "plan.yaml").stdout
    assert not (up.folder / "note.txt").exists()


def test_run_follow_show_logs_rollback(up: Up) -> None:
    (up.folder / "plan.yaml").write_text(PLAN)
    done = up.reign("run", "plan.yaml", "--yes", "--param", "text=again")
    assert done.returncode == 0, done.stderr
    assert (up.folder / "note.txt").read_text() == "again"
    name = up.json("runs")[0]["name"]
    assert f"reign rollback {name}" in done.stdout
    assert up.json("show", name)["state"] == "succeeded"
    assert any(line["text"] == "again" for line in up.json("logs", name))
    assert "again" in up.reign("logs", "@latest", "read").stdout
    back = up.reign("rollback", name, "--yes")
    assert back.returncode == 0, back.stderr
    assert not (up.folder / "note.txt").exists()


def test_exit_codes_and_one_clear_line(up: Up, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    cases = [
        ("name: x\ntasks: {a: {uses: bash.rnu}}\n", 2, "did you mean 'bash.run'?"),
        ("name: x\ntasks: {a: {uses: bash.run, with: {comand: ls}}}\n", 2, "did you mean 'command'?"),
        ("name: x\ntasks: [\n", 2, "line 3"),
        (
            "name: x\ntasks:\n  a: {uses: probe.noop, needs: [b]}\n  b: {uses: probe.noop, needs: [a]}\n",
            2,
            "a -> b -> a",
        ),
        ("name: x\ntasks: {a: {uses: probe.noop, needs: [c]}}\n", 2, "there is no task 'c'"),
    ]
    for text, code, words in cases:
        bad.write_text(text)
        done = up.reign("plan", str(bad))
        assert done.returncode == code, done.stderr
        assert words in done.stderr
        assert "Traceback" not in done.stderr
    assert up.reign("plan", "make it nice").returncode == 3
    assert up.reign("show", "no-such-run-1").returncode == 5
    assert up.reign("operations", "docker.biuld").returncode == 5
    assert up.reign("run", "plan.yaml").returncode == 2, "nobody is there to say yes"
    assert up.reign("nonsense").returncode == 2
    assert json.loads(up.reign("show", "no-such-run-1", "-o", "json").stdout)["error"]["code"] == "not_found"
    bad.write_text("name: x\ntasks: {a: {uses: probe.fail}}\n")
    failed = up.reign("run", str(bad), "--yes", "-o", "json")
    assert (failed.returncode, json.loads(failed.stdout)["state"]) == (1, "failed")
    assert "failed" in failed.stderr


def test_a_plan_of_fifty_megabytes_is_refused_in_a_line(up: Up, tmp_path: Path) -> None:
    big = tmp_path / "big.yaml"
    big.write_text("# " + "x" * (50 * 1024 * 1024))
    done = up.reign("plan", str(big))
    assert done.returncode == 2
    assert "50 MB" in done.stderr


def test_faults_of_the_surroundings(up: Up, tmp_path: Path) -> None:
    port = str(free_port())
    down = up.reign("runs", REIGN_API_PORT=port)
    assert down.returncode == 7
    assert "reign up" in down.stderr
    file = tmp_path / "file"
    file.write_text("")
    folder = up.reign("up", REIGN_DATA_DIR=str(file / "x"), REIGN_API_PORT=port)
    assert folder.returncode == 7
    assert "data folder" in folder.stderr
    taken = up.reign("up", REIGN_DATA_DIR=str(tmp_path / "other"))
    assert taken.returncode == 7
    assert "is taken" in taken.stderr
    assert up.reign("up").returncode == 6, "it is up already"
    assert up.reign("runs", REIGN_BROKR_URL="x").returncode == 2
    assert "REIGN_BROKER_URL" in up.reign("runs", REIGN_BROKR_URL="x").stderr


def test_status_operations_schema_doctor(up: Up) -> None:
    assert up.json("status")["ready"] is True
    assert {"docker.build", "bash.run", "validation.http"} <= {o["name"] for o in up.json("operations")}
    assert up.json("operations", "bash.run")["inputs"]["required"] == ["command"]
    assert json.loads(up.reign("schema").stdout)["title"] == "REIGN plan"
    assert "broker" in up.reign("doctor").stdout
