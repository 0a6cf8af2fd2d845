"""Lines as they come: wherever a secret is cut, no part of it that could be read is passed on."""

from __future__ import annotations

import base64
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reign.security.masking import MASK, SHORTEST, Masker
from reign.security.streaming import MaskedLines

SECRET = "topsecret-TOKEN/0123456789"
KEY = "-----BEGIN KEY-----\n" + "\n".join(f"{n:02d}" * 24 for n in range(12)) + "\nab\n-----END KEY-----\n"


def passed(masker: Masker, lines: list[str]) -> list[str]:
    found: list[str] = []
    stream = MaskedLines(masker, found.append)
    for line in lines:
        stream.add(line)
    stream.close()
    stream.close()
    return found


def leaked(secret: str, text: str) -> str:
    """The longest part of the secret that stands in the text."""
    parts = [secret[i:j] for i in range(len(secret)) for j in range(i + 1, len(secret) + 1)]
    return max((part for part in parts if part in text), key=len, default="")


@given(
    before=st.text(alphabet="xyz =:", max_size=20),
    after=st.text(alphabet="xyz =:", max_size=20),
    cuts=st.lists(st.integers(0, 80), max_size=4),
    encode=st.sampled_from(
        [str, lambda text: base64.b64encode(text.encode()).decode(), lambda text: text.encode().hex()]
    ),
)
def test_a_secret_cut_anywhere(before: str, after: str, cuts: list[int], encode: object) -> None:
    form = encode(SECRET)  # type: ignore[operator]
    text = before + form + after
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    lines = [text[a:b] for a, b in itertools.pairwise(places)]
    found = passed(Masker({"secret://env/A": SECRET}), lines)
    assert len(found) == len(lines)
    assert len(leaked(form, "".join(found))) < SHORTEST


def test_what_is_no_secret_is_passed_on_as_it_is() -> None:
    lines = ["first", "", "ends with top", "secrets are here", "topsec"]
    found = passed(Masker({"secret://env/A": SECRET}), lines)
    assert found == [*lines[:4], MASK]  # the last might go on
    assert passed(Masker(), lines) == lines


def test_a_line_is_held_only_while_a_secret_may_go_on() -> None:
    found: list[str] = []
    stream = MaskedLines(Masker({"secret://env/A": SECRET}), found.append)
    stream.add("plain")
    stream.add("it is topsecret-")
    assert found == ["plain"]
    stream.add("something else")
    assert found == ["plain", "it is topsecret-", "something else"]
    stream.add("a topsecret")
    stream.add("-TOKEN/0123456789 b")
    assert found[3:] == [f"a {MASK}", f"{MASK} b"]


@pytest.mark.parametrize("wrap", [0, 19, 64, 76])
def test_a_key_of_several_lines(wrap: int) -> None:
    masker = Masker({"secret://file/k": KEY})
    assert set(passed(masker, KEY.splitlines())) == {MASK}
    assert masker.mask(KEY) == "\n".join([MASK] * 15) + "\n"
    assert masker.mask(KEY.replace("\n", "\r\n")) == "\r\n".join([MASK] * 15) + "\r\n"
    encoded = base64.b64encode(KEY.encode()).decode()
    lines = [encoded[at : at + wrap] for at in range(0, len(encoded), wrap)] if wrap else [encoded]
    assert set(passed(masker, ["before", *lines, "after"])) == {"before", MASK, "after"}
    assert set(masker.mask("\n".join(["before", *lines, "after"])).split("\n")) == {"before", MASK, "after"}


def test_what_is_cut_out_of_the_middle_leaves_no_ends() -> None:
    masker = Masker({"secret://env/A": SECRET})
    text = "head topsecret-TO\n... 5123 bytes left out ...\n0123456789 tail"
    assert masker.mask(text) == f"head {MASK}\n... 5123 bytes left out ...\n{MASK} tail"
    plain = "head\n... 5123 bytes left out ...\ntail"
    assert masker.mask(plain) == plain


@pytest.mark.parametrize("width", range(SHORTEST, 41))
@pytest.mark.parametrize("secret", [SECRET + "!", "sup3r/secret+tok?en=="])  # whole groups of base64
def test_a_secret_that_follows_another_does_not_uncover_its_end(secret: str, width: int) -> None:
    masker = Masker({"secret://env/S": secret})
    encoded = base64.b64encode(secret.encode() * 6).decode()
    lines = [encoded[at : at + width] for at in range(0, len(encoded), width)]
    shown = passed(masker, lines)
    assert all(len(part) < SHORTEST for line in shown for part in line.split(MASK)), shown
