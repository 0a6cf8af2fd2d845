"""Tokens: what stays whole, what numbers in words become."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reign.planner.keyword.normalise import Shape, tokenise


def texts(text: str) -> list[str]:
    return [token.text for token in tokenise(text)]


@pytest.mark.parametrize(
    "text, expected",
    [
        ("run `df -h` now", ["run", "df -h", "now"]),
        ("titled 'Release 1', please", ["titled", "Release 1", ",", "please"]),
        ('titled "it\'s done"', ["titled", "it's done"]),
        ("say “hi there” now", ["say", "hi there", "now"]),
        ("pull ghcr.io/acme/api:2.3.1.", ["pull", "ghcr.io/acme/api:2.3.1", "."]),
        ("check http://localhost:8080/a,b?c=1 now", ["check", "http://localhost:8080/a,b?c=1", "now"]),
        ("web1,web2, web3", ["web1", ",", "web2", ",", "web3"]),
        ('with A="x y" and B=2', ["with", "A=x y", "and", "B=2"]),
        ("build . as x:1", ["build", ".", "as", "x:1"]),
        ("copy .env to ../b/", ["copy", ".env", "to", "../b/"]),
        ("don't stop", ["do", "not", "stop"]),
        ("what's up", ["what", "is", "up"]),
        ("a -> b", ["a", "->", "b"]),
        ("a && b & c", ["a", "then", "b", "and", "c"]),
        ("run it (in ./x)", ["run", "it", "in", "./x"]),
        ("stop — then go", ["stop", ",", "then", "go"]),
        ("delete *.log", ["delete", "*.log"]),
        ("an 'open quote", ["an", "'open", "quote"]),
        ('an "open quote', ["an", ",", "open", "quote"]),
        ("``", [","]),
        ("wait...", ["wait", ".", ".", "."]),
        ("... --- .", [",", "."]),
    ],
)
def test_what_stays_whole(text: str, expected: list[str]) -> None:
    assert texts(text) == expected


@pytest.mark.parametrize(
    "text, value",
    [
        ("5", 5),
        ("#12", 12),
        ("three", 3),
        ("twenty-five", 25),
        ("twenty five", 25),
        ("two hundred", 200),
        ("two hundred five", 205),
        ("a dozen", 12),
        ("a couple of", 2),
        ("zero", 0),
        ("one hundred thousand", 100_000),
    ],
)
def test_numbers(text: str, value: int) -> None:
    [token] = tokenise(text)
    assert (token.shape, token.value) == (Shape.NUMBER, value)


@pytest.mark.parametrize(
    "text, seconds",
    [
        *(("30s", 30), ("1h30m", 5400), ("250ms", 0.25), ("30 seconds", 30), ("two minutes", 120), ("a minute", 60)),
        *(("half an hour", 1800), ("an hour", 3600), ("a second", 1)),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    [token] = tokenise(text)
    assert (token.shape, token.value) == (Shape.DURATION, seconds)


def test_a_second_network_is_no_duration() -> None:
    assert texts("a second network") == ["a", "second", "network"]


def test_one_after_an_article_is_no_number() -> None:
    assert tokenise("the other one")[-1].shape is Shape.NUMBER
    assert tokenise("that one")[-1].shape is Shape.WORD


def test_two_numbers_in_a_row_stay_two() -> None:
    assert [token.value for token in tokenise("seven eight")] == [7, 8]


def test_ranges_stand_after_the_plural_only() -> None:
    assert texts("ports 8000 to 8010") == ["ports", "8000-8010"]
    assert texts("port 8080 to 80") == ["port", "8080", "to", "80"]


def test_possessives_are_marked() -> None:
    api, logs = tokenise("api's logs")
    assert (api.text, api.possessive, logs.possessive) == ("api", True, False)
    assert tokenise("the servers' logs")[1].possessive


def test_lines_and_bullets() -> None:
    tokens = tokenise("1. stop web\n2. start web\n- restart api\nand db")
    breaks = [token.text for token in tokens if token.shape is Shape.BREAK]
    assert breaks == ["then", "\n", "\n"]
    assert "1." not in texts("1. stop web")


@given(st.text(max_size=200))
def test_tokens_lie_in_the_text_and_do_not_go_back(text: str) -> None:
    at = 0
    for token in tokenise(text):
        assert 0 <= token.start <= token.end <= len(text)
        assert token.start >= at or token.end >= at
        at = token.start
