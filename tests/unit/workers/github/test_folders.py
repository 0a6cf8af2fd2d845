"""Local files that go to a repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from reign.executor import TaskFailed
from workers.github import folders


def test_what_git_ignores_stays(tmp_path: Path) -> None:
    for name in (".git/config", "a.txt", "build/x.o", "src/build/y.o", "src/b.txt", "c.log"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / ".gitignore").write_text("/build/\n*.log\n")
    assert list(folders.files_below(tmp_path)) == [".gitignore", "a.txt", "src/b.txt", "src/build/y.o"]


def test_what_is_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        (tmp_path / str(number)).write_text("xxx")
    monkeypatch.setattr(folders, "MOST_FILES", 3)
    with pytest.raises(TaskFailed, match="holds more than 3 files"):
        folders.files_below(tmp_path)
    monkeypatch.setattr(folders, "LARGEST_FILE", 2)
    with pytest.raises(TaskFailed, match="GitHub takes files of at most"):
        folders.read(tmp_path / "1")


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(TaskFailed, match="there is no"):
        folders.files_below(tmp_path / "none")
    with pytest.raises(TaskFailed, match="not the right kind"):
        folders.read(tmp_path)
