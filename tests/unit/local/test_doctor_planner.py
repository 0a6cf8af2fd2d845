"""What `reign doctor` says of the planner."""

from __future__ import annotations

from pathlib import Path

import pytest

from reign.config import Settings
from reign.core.catalog import Catalog
from reign.executor import registry
from reign.executor.contract import Check
from reign.local import doctor


@pytest.fixture(autouse=True)
def no_agents(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking at their engines takes seconds, and is not what is asked here."""
    monkeypatch.setattr(registry, "agents", dict)
    monkeypatch.setattr(registry, "catalog", lambda: Catalog([]))
    for name in ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "OLLAMA_HOST"):
        monkeypatch.delenv(name, raising=False)


def planner(folder: Path, **settings: object) -> Check:
    made = Settings.load(data_dir=folder, flower_port=0, api_port=0, **settings)
    return next(check for check in doctor.examine(made) if check.name == "planner")


def test_the_planner_in_use_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert planner(tmp_path, planner="auto").detail.startswith("keyword")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-x")
    assert planner(tmp_path, planner="auto").detail.startswith("openai:")


def test_a_model_that_is_wanted_and_cannot_be_asked_is_a_fault(tmp_path: Path) -> None:
    found = planner(tmp_path, planner="llm", llm_model="anthropic:x")
    assert not found.ok
    assert found.required
    assert "ANTHROPIC_API_KEY" in found.detail
