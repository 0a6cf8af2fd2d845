"""Secret references: found, resolved where they are used, and known to the masker before anything else."""

from __future__ import annotations

from pathlib import Path

import pytest

from reign.core.errors import InvalidInput, NotFound
from reign.security.masking import Masker
from reign.security.secrets import references, resolve


def test_references_are_found_in_any_depth() -> None:
    value = {"a": ["x secret://env/A,", ("secret://file/b",)], "secret://env/KEY": 1, "n": 5, "t": "plain"}
    assert list(references(value)) == ["secret://env/A,", "secret://file/b"]


def test_the_environment_and_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("REIGN_TEST_TOKEN", "hunter2x")
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "token").write_text("from-file\n")
    masker = Masker()
    value = {
        "a": "Bearer secret://env/REIGN_TEST_TOKEN",
        "b": [f"secret://file{tmp_path}/token", ("secret://file/~/token", 1)],
        "c": "plain",
        "d": None,
    }
    assert resolve(value, masker) == {
        "a": "Bearer hunter2x",
        "b": ["from-file", ["from-file", 1]],
        "c": "plain",
        "d": None,
    }
    assert masker.mask("hunter2x from-file") == "*** ***"
    assert masker.record("hunter2x") == "secret://env/REIGN_TEST_TOKEN"


def test_what_is_not_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("REIGN_TEST_TOKEN", raising=False)
    (tmp_path / "binary").write_bytes(b"\xff\xfe\xff")
    for reference, message in [
        ("secret://env/REIGN_TEST_TOKEN", "has no REIGN_TEST_TOKEN"),
        (f"secret://file{tmp_path}/none", "No such file"),
        (f"secret://file{tmp_path}/binary", "it is not text"),
        ("secret://file/a\0b", "it is not text"),
    ]:
        with pytest.raises(NotFound) as caught:
            resolve(reference, Masker())
        assert message in caught.value.message
        assert caught.value.hint


def test_an_unknown_backend() -> None:
    with pytest.raises(InvalidInput) as caught:
        resolve("secret://evn/A", Masker())
    assert caught.value.hint == "did you mean 'env'?"
