"""`reign plan` with a model, and `reign usage`, as a user has them."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from reign.cli import thinking
from reign.cli.main import main
from reign.cli.thinking import line, shown
from reign.planner.llm.ports import Told
from tests.fakes.llm.anthropic import Anthropic
from tests.fakes.llm.script import Answer, Failure, plan, question
from tests.fakes.llm.server import Vendor

WEB = {"uses": "docker.run", "with": {"image": "nginx", "name": "web"}, "because": "run nginx as web"}
DROP = {"uses": "docker.remove", "with": {"name": "web"}, "because": "run nginx as web", "needs": ["web"]}


class Cli:
    """`reign` in this very process: the SDKs need seconds to load, and every command of a user loads them anew."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys, self.monkeypatch = capsys, monkeypatch
        for name in os.environ:
            if name.startswith(("REIGN_", "ANTHROPIC_", "OPENAI_", "OLLAMA_")) and name != "REIGN_EXTRA_AGENTS":
                monkeypatch.delenv(name)
        monkeypatch.chdir(folder)
        self.set(REIGN_DATA_DIR=str(folder / "data"), COLUMNS="200")

    def set(self, **variables: str) -> None:
        for name, value in variables.items():
            self.monkeypatch.setenv(name, value)

    def use(self, vendor: Vendor) -> None:
        self.set(REIGN_LLM_BASE_URL=vendor.url, ANTHROPIC_API_KEY="sk-ant-x")

    def __call__(self, *argv: str) -> tuple[int, str, str]:
        self.monkeypatch.setattr(sys, "argv", ["reign", *argv])
        with pytest.raises(SystemExit) as ended:
            main()
        said = self.capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    def json(self, *argv: str) -> dict[str, Any]:
        code, out, err = self(*argv, "-o", "json")
        assert code == 0, err
        found: dict[str, Any] = json.loads(out)
        return found


@pytest.fixture
def reign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(tmp_path, monkeypatch, capsys)


def test_a_key_is_all_that_it_takes_and_what_only_the_model_proposed_is_marked(reign: Cli) -> None:
    answer = Answer(arguments=plan(web=WEB, drop=DROP).arguments, input_tokens=10_000, output_tokens=200)
    with Vendor(Anthropic(), [answer]) as vendor:
        reign.use(vendor)
        found = reign.json("plan", "run nginx as web")
        assert found["source"] == "llm:anthropic:claude-sonnet-5-5"
        marks = {task["id"]: task.get("proposed_by") for task in found["tasks"]}
        assert marks == {"web": None, "drop": "model"}
        assert found["explanation"][0]["text"] == "run nginx as web"

        code, out, err = reign("plan", "--explain", "run nginx as web")
        assert (code, err) == (0, "")
        assert "proposed by the model alone" in out
        assert "drop: only the model proposed to take this away" in out
        assert len(vendor.asked) == 1  # the second time it is kept

        spent = reign.json("usage")
        assert spent["today"]["requests"] == 1
        assert spent["today"]["input_tokens"] == 10_000
        assert spent["today"]["money"] > 0
        code, out, _ = reign("usage")
        assert code == 0
        assert "claude-sonnet-5-5" in out
        assert "left today: 1989800 of 2000000 tokens" in out

        by_words = reign.json("plan", "--planner", "keyword", "run nginx as web")
        assert by_words["source"] == "keyword"
        assert len(vendor.asked) == 1


def test_a_question_and_a_failure_have_their_exit_codes(reign: Cli) -> None:
    with Vendor(Anthropic(), [question("which shop?", "restart shop-a"), Failure(401)]) as vendor:
        reign.use(vendor)
        code, _, err = reign("plan", "restart the shop of ours")
        assert code == 3
        assert "which shop?" in err
        assert "restart shop-a" in err
        code, _, err = reign("plan", "frobnicate the quux")
        assert code == 3
        assert "does not accept the key (HTTP 401)" in err
        assert "Traceback" not in err


def test_a_model_that_is_wanted_and_not_there_is_told(reign: Cli) -> None:
    code, _, err = reign("plan", "--planner", "llm", "run nginx as web")
    assert code == 2
    assert "there is no model to plan with" in err
    assert "--planner keyword" in err


def test_a_wrong_model_and_a_wrong_planner_are_told(reign: Cli) -> None:
    reign.set(REIGN_LLM_MODEL="antropic:claude")
    code, _, err = reign("plan", "run nginx as web")
    assert code == 2
    assert "did you mean 'anthropic'?" in err
    reign.set(REIGN_PLANNER="magic")
    code, _, err = reign("plan", "run nginx")
    assert code == 2
    assert "REIGN_PLANNER" in err


def test_usage_without_a_state_says_what_is_missing(reign: Cli) -> None:
    reign.set(REIGN_DATABASE_URL="postgresql://nobody@127.0.0.1:1/none", REIGN_API_PORT="1")
    code, _, err = reign("usage")
    assert code == 7
    assert "the state cannot be read here" in err


def test_what_a_model_does_is_told_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    told = Told("arriving", "anthropic:m", round=1, operations=("docker.build", "docker.run"))
    assert line(told) == "anthropic:m answers (round 2): docker.build, docker.run"
    assert line(Told("waiting", "m", "5 s: is [overloaded]")) == "m waits: 5 s: is \\[overloaded]"
    with shown() as progress:  # no terminal: nothing is shown
        progress(told)
    terminal = Console(file=io.StringIO(), force_terminal=True, width=200)
    monkeypatch.setattr(thinking, "errors", terminal)
    with shown() as progress:
        progress(told)
    assert "answers (round 2)" in terminal.file.getvalue()  # type: ignore[attr-defined]
