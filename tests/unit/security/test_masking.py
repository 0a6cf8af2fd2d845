"""Masking by value: a secret does not show in any usual clothing."""

from __future__ import annotations

import base64
import json
import re
import shlex
from urllib.parse import quote, quote_plus

import pytest

from reign.security.masking import MASK, Masker

SECRET = 'p@ss wörd/"42"+&'
REFERENCE = "secret://env/TOKEN"


def masker(value: str = SECRET) -> Masker:
    return Masker({REFERENCE: value})


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode(),
        quote(SECRET, safe="").lower(),
        quote(SECRET),
        SECRET.encode().hex(),
        SECRET.encode().hex().upper(),
        shlex.quote("it's a secret"),
    ],
)
def test_each_form_is_masked(form: str) -> None:
    found = Masker({REFERENCE: SECRET, "secret://env/B": "it's a secret"})
    assert found.mask(f"<{form}> and {form}").replace("'", "") == f"<{MASK}> and {MASK}"


@pytest.mark.parametrize(
    "form",
    [
        "p%40ss!w(o)r*d%2F%3D%3A%2B%26%3C'%22x",  # encodeURIComponent
        "p@ss!w(o)r*d/=:+&%3C'%22x",  # encodeURI
        "p%40ss!w(o)r*d%2F%3D%3A+&%3C'%22x",  # a password in a URL, as browsers write it
        "p%40ss!w(o)r*d%2F=:+&%3C'%22x",  # and as Go does
        "p%40ss%21w%28o%29r%2Ad%2F%3D%3A%2B%26%3C%27%22x",
        "p@ss!w(o)r*d/=:+&amp;&lt;&#x27;&quot;x",
        "p@ss!w(o)r*d/=:+&amp;&lt;&#39;&#34;x",
        "p&#64;ss&#33;w&#40;o&#41;r&#42;d&#47;&#61;&#58;&#43;&#38;&#60;&#39;&#34;x",
        "p@ss!w(o)r*d/=:+&amp;&lt;'\"x",
    ],
)
def test_every_way_to_write_it_in_a_url_or_a_page_is_masked(form: str) -> None:
    hidden = Masker({"secret://env/A": "p@ss!w(o)r*d/=:+&<'\"x"})
    assert hidden.mask(f"https://user:{form}@host/") == f"https://user:{MASK}@host/"
    assert hidden.mask(re.sub("%[0-9A-F]{2}", lambda found: found.group().lower(), form)) == MASK


@pytest.mark.parametrize("before", ["", "u", "us", "use", "user:"])
@pytest.mark.parametrize("after", ["", "x", "xy", "xyz"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_base64_is_masked_at_every_alignment(before: str, after: str, encode: object) -> None:
    text = encode((before + SECRET + after).encode()).decode()  # type: ignore[operator]
    masked = masker().mask(text)
    assert MASK in masked
    left = masked.split(MASK)
    assert len("".join(left)) <= len(base64.b64encode((before + after).encode())) + 4


def test_what_is_too_short_is_left() -> None:
    assert masker("abc").mask("abc") == "abc"
    assert Masker().mask("text") == "text"
    assert Masker().longest == 0


def test_lines_are_masked_one_by_one() -> None:
    found = masker(" first line\nsecond line\n\nab\n")
    assert found.mask("a first line b") == f"a {MASK} b"
    assert found.mask("second line") == MASK
    assert found.mask("ab") == "ab"


def test_a_stream_that_holds_back_the_longest_form_shows_nothing() -> None:
    found = masker("topsecret-token")
    text = "a topsecret-token b " * 3
    for size in range(1, 40):
        shown, held = "", ""
        for i in range(0, len(text), size):
            held = found.mask(held + text[i : i + size])
            cut = max(0, len(held) - found.longest)
            shown, held = shown + held[:cut], held[cut:]
        assert shown + found.mask(held) == f"a {MASK} b " * 3


def test_a_longer_secret_wins_over_its_part() -> None:
    found = Masker({"secret://env/A": "hunter", "secret://env/B": "hunter2-long"})
    assert found.mask("x hunter2-long hunter") == f"x {MASK} {MASK}"


def test_records_keep_the_reference() -> None:
    found = masker("hunter2x")
    encoded = base64.b64encode(b"hunter2x").decode()
    assert found.record({"hunter2x": ["hunter2x", ("a hunter2x",), 5, encoded], "n": None}) == {
        MASK: [REFERENCE, [f"a {MASK}"], 5, MASK],
        "n": None,
    }
    assert Masker().record({"a": ("b",)}) == {"a": ("b",)}


def test_a_secret_that_is_a_line_of_another_keeps_its_reference() -> None:
    found = Masker({"secret://env/ALL": "line-one\nline-two", "secret://env/TWO": "line-two"})
    assert found.record("line-two") == "secret://env/TWO"
    assert found.record("line-one") == MASK
