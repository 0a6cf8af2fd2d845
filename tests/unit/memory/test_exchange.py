"""Exports are read back as they were, and what is not an export is refused line by line."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from reign.core.errors import InvalidInput
from reign.memory import exchange
from tests.unit.memory.builders import GOOD, NOW, bad
from tests.unit.memory.test_recipes import ONE


def text(*lines: str) -> str:
    return "\n".join([exchange.head(), *lines])


def test_what_is_written_is_read_and_marked() -> None:
    lines = [exchange.episode_line(GOOD, 2), exchange.episode_line(bad()[0], 1), exchange.repair_line(ONE)]
    marked = [
        (replace(GOOD, by="import:ada"), 2),
        (replace(bad()[0], by="import:ada"), 1),
        replace(ONE, by="import:ada"),
    ]
    assert list(exchange.read(text(*lines), NOW)) == marked
    assert exchange.episode_line(replace(GOOD, same="c" * 16), 1) == exchange.episode_line(GOOD, 1), "no keyed digest"


def line(**given: Any) -> str:
    return json.dumps(json.loads(exchange.episode_line(GOOD, 1)) | given)


@pytest.mark.parametrize(
    "wrong, why",
    [
        ("not json", "line 2 of the import is not JSON"),
        ("[" * 100_000, "line 2 of the import is not JSON"),
        ("{}", "line 2"),
        (line(seconds=-1), "seconds"),
        (line(seconds=1e300), "seconds"),
        (line(operation="rm -rf /"), "operation"),
        (line(message="x" * 301), "message"),
        (line(pattern="zz"), "pattern"),
        (line(surprise=1), "surprise"),
        (line(at=NOW + 30 * 86_400), "future"),
        (exchange.repair_line(replace(ONE, recipe={"x": "y" * 20_000})), "too large"),
    ],
)
def test_a_wrong_line_is_named(wrong: str, why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        list(exchange.read(text(wrong), NOW))


def test_what_is_no_export_or_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for nothing in ("", "{}\n", line()):
        with pytest.raises(InvalidInput, match="no export"):
            list(exchange.read(nothing, NOW))
    monkeypatch.setattr(exchange, "MAX_LINES", 2)
    with pytest.raises(InvalidInput, match="at most 2"):
        list(exchange.read(text(line(), line()), NOW))
    monkeypatch.setattr(exchange, "MAX_BYTES", 10)
    with pytest.raises(InvalidInput, match="MB"):
        list(exchange.read(text(line()), NOW))


def test_empty_lines_do_no_harm() -> None:
    assert len(list(exchange.read(text("", line(), " "), NOW))) == 1


def test_an_export_of_any_size_is_read_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "_PART_LINES", 3)
    lines = [exchange.episode_line(GOOD, number) for number in range(1, 9)]
    whole = text(*lines) + "\n"
    parts = list(exchange.parts(whole))
    assert [before for _, before in parts] == [0, 3, 6]
    found = [item for part, before in parts for item in exchange.read(part, NOW, before)]
    assert found == list(exchange.read(whole, NOW))
    wrong = list(exchange.parts(text(*lines[:7], "nonsense")))[-1]
    with pytest.raises(InvalidInput, match="line 9 of the import"):
        list(exchange.read(*wrong[:1], NOW, wrong[1]))
    monkeypatch.setattr(exchange, "_PART_CHARACTERS", len(lines[0]))
    assert len(list(exchange.parts(whole))) == 8


def test_ends_of_lines_within_a_message_are_no_ends_of_entries() -> None:
    odd = replace(GOOD, ok=False, sort="unknown", message="a\u2028b\x85c\x0bd")
    [(read, _)] = [item for item in exchange.read(text(exchange.episode_line(odd, 1)), NOW) if isinstance(item, tuple)]
    assert read.message == "a b c d", "a plan prints it within a line"
