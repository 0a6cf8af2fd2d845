"""Sealed content opens with its own key and with no other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reign.security.sealing import Sealer

SECRET = b"correct-horse-battery-staple"


@given(st.binary(max_size=2000))
def test_what_is_sealed_opens_again(content: bytes) -> None:
    assert Sealer(b"key").open(Sealer(b"key").seal(content)) == content


def test_nothing_of_it_shows_and_no_two_are_alike() -> None:
    sealer = Sealer(b"key")
    assert SECRET not in sealer.seal(SECRET)
    assert sealer.seal(SECRET) != sealer.seal(SECRET)


@given(st.binary(max_size=60))
def test_what_was_not_sealed_so_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="another key"):
        Sealer(b"key").open(content)


def test_another_key_and_a_changed_byte() -> None:
    sealed = Sealer(b"key").seal(SECRET)
    with pytest.raises(ValueError, match="another key"):
        Sealer(b"other").open(sealed)
    with pytest.raises(ValueError, match="another key"):
        Sealer(b"key").open(sealed[:-1] + bytes([sealed[-1] ^ 1]))
