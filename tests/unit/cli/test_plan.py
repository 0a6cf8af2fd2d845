"""``reign plan`` with no server: what it prints, and with which exit code it ends."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from reign.cli import main, show_plan


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REIGN_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("REIGN_PLANNER", "keyword")
    monkeypatch.chdir(tmp_path)


def reign(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *argv: str) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["reign", *argv])
    with pytest.raises(SystemExit) as ended:
        main.main()
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


def test_a_plan_with_a_refused_task_is_shown_and_ends_with_4(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, err = reign(capsys, monkeypatch, "plan", "--no-preview", "run `rm -rf /`")
    assert (code, "refused: It deletes the root" in out, "task run (bash.run)" in err) == (4, True, True)
    code, out, err = reign(capsys, monkeypatch, "plan", "--no-preview", "run `rm -rf /`", "-o", "json")
    assert code == 4
    assert json.loads(out)["tasks"][0]["refuses"]
    assert "task run (bash.run)" in err


def test_a_question_is_asked_with_what_could_be_answered(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, _, err = reign(capsys, monkeypatch, "plan", "restart")
    assert code == 3
    assert "which container?" in err
    assert "restart the container web" in err
    code, out, _ = reign(capsys, monkeypatch, "plan", "restart", "-o", "json")
    details = json.loads(out)["error"]["details"]
    assert code == 3
    assert details["question"] == "which container?"
    assert details["choices"]


def test_the_words_that_led_to_the_plan_are_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, _ = reign(capsys, monkeypatch, "plan", "--no-preview", "--explain", "restart the web container")
    assert code == 0
    assert "web → docker.restart name" in out


def test_a_reference_to_a_secret_is_shown_as_it_stands(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    reference = "secret://vault/kv/db?version=1#password"
    (tmp_path / "p.yaml").write_text(
        f"name: x\ntasks: {{a: {{uses: bash.run, with: {{command: ls, env: {{S: '{reference}'}}}}}}}}\n"
    )
    _, out, _ = reign(capsys, monkeypatch, "plan", "--no-preview", "p.yaml")
    assert reference in out


def test_a_password_in_a_request_is_on_no_screen(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    words = "run shop:1 as shop with DB_PASSWORD=hunter2-xyz"
    code, out, _ = reign(capsys, monkeypatch, "plan", "--no-preview", words, "--explain")
    assert code == 0
    assert '{"DB_PASSWORD": "secret://sealed/***"}' in out
    code, as_json, _ = reign(capsys, monkeypatch, "plan", "--no-preview", words, "-o", "json")
    assert json.loads(as_json)["tasks"][0]["with"]["env"]["DB_PASSWORD"].startswith("secret://sealed/")
    file = tmp_path / "p.yaml"
    env = "[DB_PASSWORD=postgres, COLOUR=green]"
    file.write_text(f"name: p\ntasks: {{a: {{uses: docker.run, with: {{image: 'a:1', name: a, env: {env}}}}}}}\n")
    _, shown, _ = reign(capsys, monkeypatch, "plan", "--no-preview", str(file))
    assert "DB_PASSWORD=***" in shown or '"DB_PASSWORD": "***"' in shown
    assert "green" in shown
    assert "hunter2" not in out + as_json + shown


def test_what_yes_does_not_answer_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "plan.yaml").write_text(
        "name: x\ntasks:\n  a: {uses: bash.write_file, approval: required, with: {path: a, content: b}}\n"
        "  b: {uses: bash.write_file, with: {path: c, content: d}}\n"
    )
    code, out, _ = reign(capsys, monkeypatch, "plan", "--no-preview", "plan.yaml")
    said = " ".join(out.replace("│", "").split())
    assert code == 0
    assert "asks: its author wants a person to approve it; answered by `reign approve RUN a`, not by `--yes`" in said
    assert out.count("asks:") == 1


def test_why_an_undo_is_not_exact_is_said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    manifest = "${{ tasks.render.result.stdout }}"
    tasks = {
        "render": {"uses": "bash.run", "with": {"command": "cat app.yaml"}},
        "apply": {"uses": "kubernetes.apply", "with": {"manifest": manifest}},
    }
    (tmp_path / "plan.yaml").write_text(json.dumps({"name": "rendered", "tasks": tasks}))
    code, out, _ = reign(capsys, monkeypatch, "plan", "--no-preview", "plan.yaml")
    assert code == 0
    assert "undo: what is applied is known only in the run" in " ".join(out.split())
    assert "1 only as a best effort (apply)" in out


def test_what_a_plan_is_pinned_to_is_told_by_names_and_first_letters(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, out, _ = reign(capsys, monkeypatch, "plan", "--no-preview", "-o", "json", "restart the web container")
    plan = json.loads(out)
    plan["tasks"][0]["pins"] = {"context": "arn:aws:eks:here", "pinned": {"serial": 3, "code": "0a" * 32, "none": None}}
    show_plan.show_plan(plan)
    assert "pinned to: context arn:aws:eks:here, serial 3, code 0a0a0a0a0a0a...\n" in capsys.readouterr().out
