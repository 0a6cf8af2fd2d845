"""Vault's KV engine over HTTP: values, versions, namespaces, and each way in which it says no."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reign.core.errors import InvalidInput, NotFound, Refused, ReignError
from reign.security.masking import Masker
from reign.security.secrets import BackendAway, resolve
from tests.fakes.vault import TOKEN, Vault


@pytest.fixture
def vault(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Vault]:
    for name in ("VAULT_NAMESPACE", "VAULT_CACERT", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    with Vault().serving() as made:
        monkeypatch.setenv("VAULT_ADDR", made.address + "/")
        monkeypatch.setenv("VAULT_TOKEN", TOKEN)
        made.put("secret", "shop/db", {"password": "old-password"})
        made.put("secret", "shop/db", {"password": "new-password", "port": 5432, "hosts": ["a"]})
        yield made


def value(reference: str) -> str:
    found: str = resolve(reference, Masker())
    return found


def test_a_value_and_its_versions(vault: Vault) -> None:
    masker = Masker()
    assert resolve({"p": "secret://vault/secret/shop/db#password"}, masker) == {"p": "new-password"}
    assert masker.mask("it is new-password") == "it is ***"
    assert masker.record("new-password") == "secret://vault/secret/shop/db#password"
    assert value("secret://vault/secret/shop/db?version=1#password") == "old-password"
    assert value("secret://vault/secret/shop/db#port") == "5432"
    assert value("secret://vault/secret/shop/db#hosts") == '["a"]'
    assert vault.requests[0] == "/v1/secret/data/shop/db"


def test_a_namespace(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    vault.put("kv", "app", {"k": "of-team-a"}, namespace="team-a")
    with pytest.raises(NotFound):
        value("secret://vault/kv/app#k")
    monkeypatch.setenv("VAULT_NAMESPACE", "team-a")
    assert value("secret://vault/kv/app#k") == "of-team-a"


def test_the_token_of_vault_login(vault: Vault, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("VAULT_TOKEN")
    with pytest.raises(InvalidInput, match="no VAULT_TOKEN"):
        value("secret://vault/secret/shop/db#password")
    (tmp_path / ".vault-token").write_text(TOKEN + "\n")
    assert value("secret://vault/secret/shop/db#password") == "new-password"


def test_a_standby_sends_to_the_active_node(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    with Vault().serving() as standby:
        standby.redirect_to = vault.address
        monkeypatch.setenv("VAULT_ADDR", standby.address)
        assert value("secret://vault/secret/shop/db#password") == "new-password"


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("secret/shop/db#pasword", NotFound, "has no key 'pasword'"),
        ("secret/shop/none#k", NotFound, "there is no such secret"),
        ("secret/shop/db?version=9#k", NotFound, "there is no such secret"),
        ("secret/deleted#k", NotFound, "that version was deleted"),
        ("secret/destroyed#k", NotFound, "that version was destroyed"),
        ("secret/denied#k", Refused, "refuses: permission denied"),
        ("secret/shop/db", InvalidInput, "names no value"),
        ("secret#k", InvalidInput, "names no value"),
        ("secret/../sys/x#k", InvalidInput, "names no value"),
    ],
)
def test_what_cannot_be_had(vault: Vault, name: str, kind: type[ReignError], message: str) -> None:
    for path in ("deleted", "destroyed", "denied"):
        vault.put("secret", path, {"k": "value"})
    vault.delete("secret", "deleted")
    vault.delete("secret", "destroyed", destroy=True)
    vault.denied.add("denied")
    with pytest.raises(kind, match=message) as caught:
        value(f"secret://vault/{name}")
    assert "\n" not in caught.value.message
    assert TOKEN not in str(caught.value)


def test_when_vault_is_not_there(vault: Vault, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    reference = "secret://vault/secret/shop/db#password"
    vault.sealed = True
    with pytest.raises(BackendAway, match="503: Vault is sealed"):
        value(reference)
    vault.sealed = False
    monkeypatch.setenv("VAULT_TOKEN", "another")
    with pytest.raises(Refused, match="refuses: permission denied, invalid token"):
        value(reference)
    monkeypatch.setenv("VAULT_ADDR", "http://127.0.0.1:9")
    with pytest.raises(BackendAway, match="does not answer"):
        value(reference)
    monkeypatch.setenv("VAULT_CACERT", str(tmp_path / "none.pem"))
    with pytest.raises(InvalidInput, match="VAULT_CACERT"):
        value(reference)
    monkeypatch.delenv("VAULT_ADDR")
    with pytest.raises(InvalidInput, match="no VAULT_ADDR"):
        value(reference)


def test_an_engine_of_version_1(vault: Vault) -> None:
    vault.version_1.add("old")
    vault.put("old", "shop/db", {"password": "of-version-1"})
    assert value("secret://vault/old/shop/db#password") == "of-version-1"
    with pytest.raises(NotFound, match="no such secret"):
        value("secret://vault/old/shop/none#password")
    with pytest.raises(InvalidInput, match="keeps no versions"):
        value("secret://vault/old/shop/db?version=2#password")


def test_something_else_answers(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    vault.answer = lambda target, headers: (200, {"data": {"k": "v"}})  # type: ignore[method-assign]
    with pytest.raises(InvalidInput, match="not a secret of a KV engine"):
        value("secret://vault/secret/shop/db#password")
    vault.answer = lambda target, headers: (400, {"errors": ["unsupported operation"]})  # type: ignore[method-assign]
    with pytest.raises(InvalidInput, match="400: unsupported operation"):
        value("secret://vault/secret/shop/db#password")
