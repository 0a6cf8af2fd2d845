"""Reading plan files: YAML as people mean it, with the place of every fault, and nothing that breaks the reader."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reign.core import planfile
from reign.core.check import InvalidPlan

PLAN = "name: web\ntasks:\n  build:\n    uses: docker.build\n    with: {context: ./web}\n"


def content(text: str) -> Any:
    return planfile.load(text)[0]


def problem(text: str) -> dict[str, Any]:
    with pytest.raises(InvalidPlan) as caught:
        planfile.parse(text)
    first: dict[str, Any] = caught.value.details["problems"][0]
    return first


def test_a_plan_and_its_places() -> None:
    plan, places = planfile.parse(PLAN)
    assert plan.tasks["build"].with_ == {"context": "./web"}
    assert places[()] == (1, 1)
    assert places["tasks", "build", "uses"] == (4, 5)
    assert places["tasks", "build", "with", "context"] == (5, 12)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("on", "on"), ("no", "no"), ("true", True), ("False", False), ("TRUE", "TRUE"), ("~", None), ("", None),
        ("2222:22", "2222:22"), ("1:30", "1:30"), ("2020-01-01", "2020-01-01"), ("=", "="), ("12", 12), ("-3", -3),
        ("0x1f", 31), ("0644", 420), ("1.5", 1.5), ("1.", 1.0), (".5", 0.5), ("1.5e3", 1500.0), ("1.2.3", "1.2.3"),
        ("[1, 'a']", [1, "a"]), ("{b: {c: 1}}", {"b": {"c": 1}}), ("'1'", "1"), ("!!str 1", "1"),
    ],
)  # fmt: skip
def test_scalars(written: str, value: Any) -> None:
    found = content(f"a: {written}")["a"]
    assert (found, type(found)) == (value, type(value))


def test_keys_are_texts() -> None:
    assert content("80: a\ntrue: b\n1.5: c") == {"80": "a", "true": "b", "1.5": "c"}


def test_json_is_yaml() -> None:
    assert content('{"a": [1, {"b": null}]}') == {"a": [1, {"b": None}]}


def test_aliases_and_merges() -> None:
    text = "base: &base {k: 1, l: 2}\nother: &other {k: 3, m: 4}\n"
    assert content(text + "x: *base")["x"] == {"k": 1, "l": 2}
    assert content(text + "x: {<<: *base, k: 9}")["x"] == {"k": 9, "l": 2}
    assert content(text + "x: {<<: [*base, *other]}")["x"] == {"k": 1, "l": 2, "m": 4}


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("a: [1", 2, 1, "this is not YAML"),
        ("a: 1\nb: 2\na: 3", 3, 1, "the key 'a' stands twice"),
        ("a:\n  ? [1]\n  : 2", 2, 5, "a key must be a text or a number"),
        ("a: 1\n~: 2", 2, 1, "a key must be a text or a number"),
        ("a: !!int x", 1, 4, "'x' is not a value"),
        ("a: !!bool maybe", 1, 4, "'maybe' is not a value"),
        ("a: !!timestamp soon", 1, 4, "'soon' is not a value"),
        ("a: !!timestamp 2020-01-01", 1, 4, "is not a value"),
        ("a: !!binary aGFsbG8=", 1, 4, "is not a value"),
        ("a: .inf", 1, 4, "'.inf' is not a value"),
        ("a: .nan", 1, 4, "'.nan' is not a value"),
        ("a: 0x" + "f" * 400, 1, 4, "is not a value"),
        ("a: " + "9" * 5000, 1, 4, "is not a value"),
        ("a: !!python/object:os.system x", 1, 4, "this is not YAML"),
        ("a: {<<: 3}", 1, 9, "`<<` merges"),
        ("a: {<<: [3]}", 1, 9, "`<<` merges"),
        ("a: &a {<<: *a}", 1, 4, "`<<` is nested"),
        ("a: &a [*a]", 1, 4, "nested deeper"),
        ("[" * 100_000, 1, 62, "nested deeper"),
        ("a:\n" + "".join(" " * i + "b:\n" for i in range(1, 200)), 62, 62, "nested deeper"),
    ],
)
def test_faults_have_their_place(text: str, line: int, column: int, message: str) -> None:
    found = problem(text)
    assert message in found["message"]
    assert (found["line"], found["column"]) == (line, column)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the plan is empty"),
        ("# nothing", "the plan is empty"),
        ("\x00", "this is not YAML"),
        ("\ud800", "not Unicode"),
        ("just words", "not a text"),
        ("[]", "not a list"),
        ("a: " + "x" * (8 * 1024 * 1024), "the plan has 8 MB"),
    ],
)
def test_what_is_no_plan(text: str, message: str) -> None:
    assert message in problem(text)["message"]


def test_what_aliases_unfold_to_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planfile, "MAX_VALUES", 5000)
    bomb = "a0: &a0 [1]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 40))
    merges = "a0: &a0 {k: 1}\n" + "".join(f"a{i}: &a{i} {{<<: [*a{i - 1}, *a{i - 1}]}}\n" for i in range(1, 40))
    for text in (bomb, merges):
        assert "more than 5000 values" in problem(text)["message"]


_WORDS = st.sampled_from(
    ["name", "tasks", "uses", "with", "a", ": ", "\n", "\n  ", "- ", "? ", "{", "}", "[", "]", ",", "&a ", "*a", "<<",
     "'", '"', "|", "!!int ", "!!set ", "!!binary ", "!!timestamp ", "!x ", "1", "1:2", "0x", ".inf", "~", "#", "%",
     "---", "\t", "\\x", "\u2028", "é", "docker.build", "null", "true", "2020-13-40", "0b", "_"]
)  # fmt: skip


@settings(max_examples=120, deadline=None)
@given(st.lists(_WORDS, max_size=16).map("".join) | st.text(max_size=20))
def test_whatever_is_written_only_invalid_plan_is_raised(text: str) -> None:
    with contextlib.suppress(InvalidPlan):
        planfile.parse(text)
