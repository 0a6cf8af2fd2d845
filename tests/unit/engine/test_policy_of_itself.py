"""validation.policy without a plan judges the one that it stands in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reign.core.states import RunState
from tests.engines.inline import Inline

PLAN: dict[str, Any] = {
    "name": "itself",
    "params": {"image": "web:1"},
    "tasks": {
        "judge": {"uses": "validation.policy"},
        "web": {
            "uses": "docker.run",
            "needs": ["judge"],
            "if": "false",
            "with": {
                "image": "${{ params.image }}",
                "name": "web",
                "env": {"PASSWORD": "secret://env/JUDGED_PW", "URL": "db://u:secret://env/JUDGED_PW@db"},
                "privileged": True,
            },
        },
    },
}


@pytest.fixture
def reign(tmp_path: Path) -> Iterator[Inline]:
    work = tmp_path / "work"
    work.mkdir()
    made = Inline(work)
    yield made
    made.close()


def test_it_is_given_the_plan_of_its_run(reign: Inline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUDGED_PW", "open sesame")
    run = reign.run(PLAN)
    assert run.state is RunState.SUCCEEDED
    result = reign.tasks(run)["judge"].result
    assert [(found["task"], found["decision"]) for found in result["decisions"]] == [("judge", "allow"), ("web", "ask")]
    assert "privileged" in result["decisions"][1]["reason"]
    assert "secret" not in str(result["decisions"]), "a reference is not a secret in clear"
    assert b"open sesame" not in (reign.settings.data_dir / "reign.db").read_bytes()


def test_one_that_is_given_a_plan_judges_that(reign: Inline) -> None:
    (reign.folder / "other.yaml").write_text("name: o\ntasks: {t: {uses: validation.tcp, with: {host: a, port: 1}}}\n")
    run = reign.run({"name": "p", "tasks": {"judge": {"uses": "validation.policy", "with": {"path": "other.yaml"}}}})
    assert [found["task"] for found in reign.tasks(run)["judge"].result["decisions"]] == ["t"]
