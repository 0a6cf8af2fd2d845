from __future__ import annotations

from pathlib import Path

import pytest

from workers.bash.hidden import hidden_places, readable_around


def test_hidden_places_are_there_and_without_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / ".ssh").symlink_to(tmp_path / "elsewhere")
    (tmp_path / ".netrc").symlink_to(tmp_path / "gone")
    monkeypatch.setenv("HOME", str(tmp_path))
    places = hidden_places([tmp_path / "more", tmp_path / "elsewhere"])
    assert tmp_path / "elsewhere" in places
    assert all(place.exists() and not place.is_symlink() for place in places)
    assert tmp_path / ".netrc" not in places


def test_what_is_readable_is_all_but_the_hidden(tmp_path: Path) -> None:
    for name in ("a/secret/x", "a/b/y", "c/z"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    hidden = [tmp_path / "a" / "secret"]
    assert readable_around(hidden, tmp_path) == [tmp_path / "a" / "b", tmp_path / "c"]
    assert readable_around([], tmp_path) == [tmp_path]
    assert readable_around([tmp_path], tmp_path) == []
    assert readable_around([tmp_path / "c" / "z" / "deeper"], tmp_path / "c" / "z") == []
