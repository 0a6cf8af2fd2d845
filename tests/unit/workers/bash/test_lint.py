from __future__ import annotations

from pathlib import Path

import pytest

from reign.executor import Cancelled
from reign.executor.testing import make_context
from workers.bash import lint


def test_without_shellcheck_or_for_other_shells_there_are_no_remarks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert lint.remarks_on(make_context(tmp_path), "ls $(pwd)", "pwsh") == []
    monkeypatch.setattr(lint, "shellcheck", lambda: None)
    assert lint.remarks_on(make_context(tmp_path), "ls $(pwd)", "bash") == []


@pytest.mark.parametrize("program", ["exit 1", "echo nonsense", "echo '{}'", "sleep 30"])
def test_a_shellcheck_that_misbehaves_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    fake = tmp_path / "shellcheck"
    fake.write_text(f"#!/bin/sh\n{program}\n")
    fake.chmod(0o755)
    monkeypatch.setattr(lint, "shellcheck", lambda: str(fake))
    monkeypatch.setattr(lint, "_SECONDS", 0.5)
    assert lint.remarks_on(make_context(tmp_path), "ls", "bash") == []


def test_a_cancel_is_not_swallowed(tmp_path: Path) -> None:
    ctx = make_context(tmp_path)
    ctx.cancelled.set()
    with pytest.raises(Cancelled):
        lint.remarks_on(ctx, "ls", "bash")


def test_the_program_is_found_beside_the_interpreter_or_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    assert lint.shellcheck() is not None
    monkeypatch.setattr(lint.sys, "executable", "/nowhere/python")
    monkeypatch.setenv("PATH", "/nowhere")
    assert lint.shellcheck() is None
