"""Marks: what a task made is told from what another task, run or person made."""

from __future__ import annotations

from pathlib import Path

from reign.executor.testing import make_context
from workers.github import marks


def test_texts(tmp_path: Path) -> None:
    ctx = make_context(tmp_path, run="brave-otter-17", task="issue")
    text = marks.with_mark(ctx, "It smokes")
    assert text == "It smokes\n\n<!-- reign:brave-otter-17/issue -->"
    assert marks.is_marked(ctx, text)
    assert marks.of_run(make_context(tmp_path, run="brave-otter-17", task="other"), text)
    assert not marks.is_marked(make_context(tmp_path, run="brave-otter-17", task="issue[1]"), text)
    assert not marks.of_run(make_context(tmp_path, run="brave-otter-1", task="issue"), text)
    assert not marks.is_marked(ctx, None)
    assert marks.without_mark(text) == "It smokes"


def test_commits(tmp_path: Path) -> None:
    ctx = make_context(tmp_path, run="brave-otter-17", task="file")
    message = marks.with_trailer(ctx, "Write a file\n")
    assert message == "Write a file\n\nReign-Task: brave-otter-17/file"
    assert marks.with_trailer(ctx, "") == "Reign-Task: brave-otter-17/file"
    assert marks.commit_of_run(ctx, message)
    assert not marks.commit_of_run(make_context(tmp_path, run="brave-otter-1"), message)
    assert not marks.commit_of_run(ctx, "As Reign-Task: brave-otter-17/file said")


def test_a_commit_of_an_undo_belongs_to_both_runs(tmp_path: Path) -> None:
    undo = make_context(tmp_path, run="calm-fox-11", task="undo-file", undoes=("brave-otter-17", "file"))
    message = marks.with_trailer(undo, "Revert")
    assert marks.mark(undo) == "<!-- reign:brave-otter-17/file -->"
    for run in ("brave-otter-17", "calm-fox-11"):
        assert marks.commit_of_run(make_context(tmp_path, run=run), message)
