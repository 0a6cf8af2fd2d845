"""Secret references: found, resolved where they are used, and known to the masker before anything else."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as NoRing
from keyring.errors import KeyringLocked

from reign.config import Settings
from reign.core.errors import InvalidInput, NotFound, Refused
from reign.core.plan import Plan, Task
from reign.engine.environments import check_secrets
from reign.security.masking import Masker
from reign.security.secrets import BackendAway, references, resolve


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


class Ring(KeyringBackend):
    """A keyring in memory."""

    priority = 1  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.entries = {("shop/db", "admin"): "from-the-ring"}
        self.locked = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise KeyringLocked("it is locked")
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.entries[service, username] = password


@pytest.fixture
def ring() -> Iterator[Ring]:
    before = keyring.get_keyring()
    made = Ring()
    keyring.set_keyring(made)
    yield made
    keyring.set_keyring(before)


class TestKeyring:
    def test_an_entry(self, ring: Ring) -> None:
        masker = Masker()
        assert resolve("secret://keyring/shop/db/admin", masker) == "from-the-ring"
        assert masker.mask("from-the-ring") == "***"

    def test_what_is_not_there(self, ring: Ring) -> None:
        with pytest.raises(NotFound, match="no such entry") as caught:
            resolve("secret://keyring/shop/other", Masker())
        assert caught.value.hint == "keyring set shop other"
        with pytest.raises(InvalidInput, match="names no entry"):
            resolve("secret://keyring/shop", Masker())

    def test_a_locked_ring(self, ring: Ring) -> None:
        ring.locked = True
        with pytest.raises(BackendAway, match="it is locked"):
            resolve("secret://keyring/shop/db/admin", Masker())

    def test_a_machine_without_any_ring(self, ring: Ring) -> None:
        keyring.set_keyring(NoRing())
        with pytest.raises(InvalidInput, match="have no keyring") as caught:
            resolve("secret://keyring/shop/db/admin", Masker())
        assert "PYTHON_KEYRING_BACKEND" in (caught.value.hint or "")

    def test_without_the_package(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "keyring", None)
        with pytest.raises(InvalidInput, match="no keyring package") as caught:
            resolve("secret://keyring/shop/db/admin", Masker())
        assert caught.value.hint == "pip install 'reign[keyring]'"


def test_only_what_an_environment_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROD_TOKEN", "of-production")
    monkeypatch.setenv("DEV_TOKEN", "of-development")
    allowed = ("secret://env/PROD_", "secret://file/run/prod/")
    assert resolve({"a": ["secret://env/PROD_TOKEN"]}, Masker(), allowed) == {"a": ["of-production"]}
    for reference in ("secret://env/DEV_TOKEN", "secret://file/run/prod/../dev/token"):
        with pytest.raises(Refused, match="is not allowed"):
            resolve(reference, Masker(), allowed)
    with pytest.raises(Refused) as caught:
        resolve("secret://env/DEV_TOKEN", Masker(), ())
    assert caught.value.hint == "allowed: none"


@pytest.mark.parametrize(
    ("reference", "message", "hint"),
    [
        ("secret://volt/kv/app#k", "there is no secret backend 'volt'", "did you mean 'vault'?"),
        ("secret://vault/kv/app", "names no value", "secret://vault/MOUNT/PATH#KEY, or PATH?version=N#KEY"),
        ("secret://keyring/shop", "names no entry", "secret://keyring/SERVICE/NAME"),
    ],
)
def test_a_plan_whose_reference_leads_nowhere_is_told_before_it_runs(reference: str, message: str, hint: str) -> None:
    plan = Plan.model_validate({"name": "x", "tasks": {"a": {"uses": "bash.run", "with": {"env": {"X": reference}}}}})
    with pytest.raises(InvalidInput, match=f"task a: .*{message}") as caught:
        check_secrets(Settings(), plan)
    assert caught.value.hint == hint
    for fine in ("secret://env/NOWHERE", "secret://vault/kv/${{ tasks.b.result.path }}#k", "secret://vault/kv/a#b"):
        check_secrets(
            Settings(),
            plan.model_copy(update={"tasks": {"a": Task.model_validate({"uses": "bash.run", "with": {"env": fine}})}}),
        )
