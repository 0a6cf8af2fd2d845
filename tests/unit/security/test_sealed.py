"""Sealed values: the same token for the same value, the value for the right key alone, masked in every form."""

from __future__ import annotations

import base64

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from reign.core.errors import InvalidInput
from reign.security import sealed, secrets
from reign.security.masking import Masker
from reign.security.sealed import Seal

SEAL = Seal(b"k" * 64)


@pytest.fixture(autouse=True)
def _only_this_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealed, "_KEYS", {"here": lambda: b"k" * 64})


@given(st.text(min_size=1), st.booleans())
def test_what_is_sealed_opens_as_it_was(text: str, quoted: bool) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    reference = SEAL.seal(text, quoted=quoted)
    found = SEAL.open(reference.removeprefix(sealed.PREFIX))
    assert found is not None
    assert (yaml.safe_load(f"value: {found.value}")["value"] if quoted else found.value) == text


def test_the_same_value_gives_the_same_token_and_another_another() -> None:
    assert SEAL.seal("hunter2") == SEAL.seal("hunter2")
    assert SEAL.seal("hunter2") != SEAL.seal("hunter3")
    assert SEAL.seal("hunter2") != Seal(b"other" * 16).seal("hunter2")


def test_a_reference_stands_within_a_text_and_its_value_is_masked() -> None:
    masker = Masker()
    text = f"postgres://app:{SEAL.seal('hunter2!')}@db/app"
    assert secrets.resolve(text, masker) == "postgres://app:hunter2!@db/app"
    assert masker.mask("it is hunter2!") == "it is ***"
    assert masker.record("hunter2!") == SEAL.seal("hunter2!")


def test_of_a_base64_value_both_forms_are_masked_and_known_by_reference() -> None:
    masker = Masker()
    encoded = base64.b64encode(b"hunter2!").decode()
    assert secrets.resolve({"a": [SEAL.seal(encoded, base64=True)]}, masker) == {"a": [encoded]}
    assert masker.mask(f"{encoded} hunter2!") == "*** ***"
    assert masker.record("hunter2!") == SEAL.seal("hunter2!")
    # What is no text after all is masked as it stands.
    raw = base64.b64encode(b"\xff\xfe\x00\x01").decode()
    assert secrets.resolve(SEAL.seal(raw, base64=True), masker) == raw
    assert masker.mask(raw) == "***"


def test_a_quoted_value_is_masked_without_its_quotes() -> None:
    masker = Masker()
    text = f"password: {SEAL.seal('a: b # c', quoted=True)}\n"
    assert yaml.safe_load(secrets.resolve(text, masker)) == {"password": "a: b # c"}
    assert masker.mask("a: b # c") == "***"


def test_another_key_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealed, "_KEYS", {"there": lambda: b"other" * 16})
    reference = SEAL.seal("hunter2")
    with pytest.raises(InvalidInput, match="sealed under another signing key") as told:
        secrets.resolve(reference, Masker())
    assert "REIGN_SIGNING_KEY" in (told.value.hint or "")
    assert reference not in told.value.message
    assert "\n" not in told.value.message


@pytest.mark.parametrize("token", ["AA.", "A.", "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB."])
def test_what_was_changed_does_not_open(token: str) -> None:
    with pytest.raises(InvalidInput, match="or changed since"):
        secrets.resolve(f"secret://sealed/{token}", Masker())


def test_what_was_cut_off_is_told() -> None:
    with pytest.raises(InvalidInput, match="not a whole sealed value"):
        secrets.resolve(SEAL.seal("hunter2")[:-1], Masker())


def test_it_is_allowed_wherever_the_plan_is() -> None:
    assert secrets.permitted(SEAL.seal("hunter2"), ["secret://vault/prod/"])


def test_only_sealed_values_are_unsealed() -> None:
    kept = {"a": [SEAL.seal("hunter2"), 3], "b": "secret://env/NAME"}
    assert sealed.unsealed(kept) == {"a": ["hunter2", 3], "b": "secret://env/NAME"}
