"""The expression language: what it means, what it refuses, and that data never becomes an expression."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reign.core import expressions as ex
from reign.core.errors import InvalidInput

SCOPE: dict[str, Any] = {
    "params": {"port": 8088, "name": "web", "empty": "", "list": [1, "two", 3.5], "7": "seven", "none": None},
    "tasks": {"build": {"result": {"image": "web:1", "ok": True}}},
    "environment": "dev",
    "item": {"a": {"b": 1}},
    "success()": False,
    "failure()": True,
}


def value(text: str, scope: dict[str, Any] = SCOPE) -> Any:
    return ex.evaluate(ex.parse(text), scope)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1", 1),
        ("-2.5", -2.5),
        ("'it''s'", "it's"),
        ('"a\\n\\"b\\""', 'a\n"b"'),
        ("true", True),
        ("null", None),
        ("params.port", 8088),
        ("params['name']", "web"),
        ("params.list[1]", "two"),
        ("params.list.0", 1),
        ("params.list['2']", 3.5),
        ("params[7]", "seven"),
        ("!params.empty", True),
        ("!!params.name", True),
        ("params.nothing ?? 'x'", "x"),
        ("params.empty ?? 'x'", "x"),
        ("params.none ?? 'x'", "x"),
        ("params.port ?? 1", 8088),
        ("default(params.nothing, 5)", 5),
        ("default(params.port, 5)", 8088),
        ("params.empty || 'x'", "x"),
        ("params.name || 'x'", "web"),
        ("params.name && 'x'", "x"),
        ("params.empty && params.nothing", ""),
        ("1 == 1 && 2 != 3", True),
        ("'8088' == params.port", True),
        ("params.port == '8088'", True),
        ("params.port == 'x'", False),
        ("true == '1'", False),
        ("1 < 2", True),
        ("2 <= 1", False),
        ("'10' > 9", True),
        ("2 >= 2", True),
        ("(1 == 2) || true", True),
        ("false || false == false", True),
        ("length(params.list)", 3),
        ("length('abc')", 3),
        ("contains('Hello', 'ELL')", True),
        ("contains(params.list, 1)", True),
        ("contains(params.port, 1)", False),
        ("startsWith('Abc', 'aB')", True),
        ("endsWith('Abc', 'C')", True),
        ("join(params.list)", "1,two,3.5"),
        ("join(params.list, ' ')", "1 two 3.5"),
        ("lower('A')", "a"),
        ("upper('a')", "A"),
        ("trim(' a ')", "a"),
        ("quote('a; b')", "'a; b'"),
        ("quote(params.list)", """'[1, "two", 3.5]'"""),
        ("split('a,b', ',')", ["a", "b"]),
        ("split('a b', '')", ["a", "b"]),
        ("toJSON(params.list)", '[1, "two", 3.5]'),
        ('fromJSON("{\\"a\\": [1]}").a[0]', 1),
        ("always()", True),
        ("success()", False),
        ("failure()", True),
    ],
)
def test_values(text: str, expected: Any) -> None:
    found = value(text)
    assert (found, type(found)) == (expected, type(expected))


def test_without_a_status_nothing_has_failed() -> None:
    assert value("success()", {}) is True
    assert value("failure()", {}) is False


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected a value but found the end"),
        ("1 +", "unexpected '+'"),
        ("1 2", "unexpected '2'"),
        ("(1", "expected ')' but found the end"),
        ("a[1", "expected ']'"),
        ("a.", "expected a name after '.'"),
        ("a.'b'", "expected a name after '.'"),
        (")", "expected a value but found ')'"),
        ("length(1", "expected ','"),
        ("lenght('a')", "unknown function 'lenght'"),
        ("(" * 60 + "1" + ")" * 60, "nested deeper"),
        ("a" + ".b" * 500, "chains longer"),
        ("!" * 500 + "a", "chains longer"),
        ("a" + " || a" * 500, "chains longer"),
        ('"\\q"', "is not a text"),
        ('"a\nb"', "is not a text"),
        ("9" * 5000, "is not a number"),
        ("x" * 10_001, "too long"),
    ],
)
def test_what_cannot_be_parsed(text: str, message: str) -> None:
    with pytest.raises(ex.ExpressionError, match="^[^\n]*") as caught:
        ex.parse(text)
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("parms.port", "unknown name 'parms'"),
        ("params.prot", "params has no 'prot'"),
        ("params.port.x", "params.port has no 'x': it is not an object"),
        ("params.list[9]", "params.list is a list of 3 and has no item 9"),
        ("params.list.x", "has no item 'x'"),
        ("params[params]", "takes a text or a number"),
        ("params.list[params.list]", "takes a text or a number"),
        ("params.list[fromJSON('1e999')]", "has no item inf"),
        ("length(1)", "length() takes"),
        ("lower()", "wrong arguments"),
        ("success(1)", "wrong arguments"),
        ("join('a')", "join() takes a list"),
        ("contains(params, params)", "wrong arguments"),
        ("fromJSON('{')", "not JSON"),
        ("fromJSON(1)", "not JSON"),
        (f"fromJSON('{'[' * 5000}')", "not JSON"),
        ("1 < 'x'", "cannot compare '1' < 'x'"),
    ],
)
def test_what_cannot_be_evaluated(text: str, message: str) -> None:
    with pytest.raises(ex.ExpressionError) as caught:
        value(text)
    assert message in caught.value.message


def test_a_wrong_name_is_met_with_the_right_one() -> None:
    with pytest.raises(ex.Missing) as caught:
        value("params.prot")
    assert caught.value.hint == "did you mean 'port'?"


def test_a_value_that_has_no_text() -> None:
    for text in ("x ${{ a }}", "${{ toJSON(a) }}"):
        with pytest.raises(ex.ExpressionError):
            ex.fill(text, {"a": [object()]})


def test_join_does_not_grow_without_end() -> None:
    with pytest.raises(ex.ExpressionError, match="past"):
        value("join(l, s)", {"l": ["x"] * 2000, "s": "-" * 1000})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("${{ params.port }}", 8088),
        ("${{ params.list }}", [1, "two", 3.5]),
        ("http://h:${{ params.port }}/", "http://h:8088/"),
        ("${{ params.none }}-${{ 2.0 }}-${{ params.list }}", '-2-[1, "two", 3.5]'),
        ("$${{ params.port }}", "${{ params.port }}"),
        ("$$${{ x", "$${{ x"),
        ("${{ 'a }} b' }}", "a }} b"),
        ('${{ "a\\" }} b" }}', 'a" }} b'),
        ("${{ 'a\\' }}", "a\\"),
        ({"${{ params.port }}": ["${{ 1 }}", 2]}, {"8088": [1, 2]}),
        (("${{ 1 }}",), [1]),
        (5, 5),
    ],
)
def test_fill(text: Any, expected: Any) -> None:
    assert ex.fill(text, SCOPE) == expected


def test_an_open_expression_and_keys_that_meet_are_refused() -> None:
    with pytest.raises(ex.ExpressionError, match="not closed"):
        ex.fill("a ${{ b '}} c", SCOPE)
    with pytest.raises(ex.ExpressionError, match="have become the same"):
        ex.fill({"${{ 1 }}": "a", "${{ '1' }}": "b"}, SCOPE)


def test_a_text_has_an_end() -> None:
    with pytest.raises(ex.ExpressionError, match="grew past"):
        ex.fill("a ${{ x }}", {"x": "y" * 1_000_001})


def test_only_some_roots() -> None:
    only = frozenset({"params"})
    assert ex.fill("${{ params.port }}", SCOPE, only) == 8088
    assert ex.fill("${{ params.port }} ${{ tasks.x }}", SCOPE, only) == "${{ params.port }} ${{ tasks.x }}"
    assert ex.fill("$${{ a }}", SCOPE, only) == "$${{ a }}"
    assert ex.fill("${{ params.x }}", {"params": {"x": "${{ tasks.y }}"}}, only) == "$${{ tasks.y }}"


def test_two_values_together_make_no_expression() -> None:
    bound = ex.fill("${{ params.a }}${{ params.b }}", {"params": {"a": "$", "b": "{{ 1 }}"}}, frozenset({"params"}))
    assert ex.fill(bound, {}) == "${{ 1 }}"


def test_paths_and_walk() -> None:
    def paths(text: str) -> set[tuple[str, ...]]:
        return set(ex.paths(ex.parse(text)))

    assert paths("tasks.build.result['image']") == {("tasks", "build", "result", "image")}
    assert paths("params[item.x] || !run.id") == {("params",), ("item", "x"), ("run", "id")}
    assert paths("fromJSON(params.a).b") == {("params", "a")}
    assert paths("(params.a ?? item).b") == {("params", "a"), ("item",)}
    assert paths("'a'.b") == set()
    assert paths("join(params.l, environment)") == {("params", "l"), ("environment",)}
    assert len(list(ex.walk(ex.parse("!a.b || length(c) == 1")))) == 9


def test_source_is_readable() -> None:
    text = '!tasks.a.result[0] && join(x, "-") == null'
    assert ex.source(ex.parse(text)) == '!tasks.a.result[0] && join(x, "-") == null'


def test_texts_and_expressions_of_a_value() -> None:
    made = {"k": ["a", ("${{ x }} ${{ y }}", 1)], "${{ z }}": None}
    assert list(ex.texts(made)) == ["k", "a", "${{ x }} ${{ y }}", "${{ z }}"]
    assert [ex.source(node) for node in ex.expressions(made)] == ["x", "y", "z"]
    assert ex.has_expression(made)
    assert not ex.has_expression({"a": 1})


_PIECES = st.sampled_from(
    ["${{", "}}", "$", "'", '"', "\\", "(", ")", "[", "]", ".", ",", "!", "??", "||", "&&", "==", "<", ">=", " ", "1",
     "-2.5", "true", "null", "params", "tasks", "x", "length", "join", "fromJSON", "default", "success", "contains",
     "toJSON", "'a'", '"\\u12"', "params.list", "params.empty", "\n", "é"]
)  # fmt: skip
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6) | st.lists(_PIECES, max_size=5).map("".join),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4) | _PIECES, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(st.lists(_PIECES, max_size=14).map("".join))
def test_whatever_is_written_only_invalid_input_is_raised(text: str) -> None:
    for written in (text, "${{" + text + "}}"):
        with contextlib.suppress(InvalidInput):
            ex.fill(written, SCOPE)


@settings(max_examples=80, deadline=None)
@given(_JSON)
def test_data_never_becomes_an_expression(data: Any) -> None:
    assert ex.fill(ex.escape(data), {}) == data
    bound = ex.fill({"a": "${{ params.x }}", "b": "<${{ params.x }}>"}, {"params": {"x": data}}, frozenset({"params"}))
    assert not list(ex.expressions(bound))
    filled = ex.fill(bound, {})
    assert filled == {"a": data, "b": ex.fill("<${{ x }}>", {"x": data})}


def test_escape_leaves_what_is_no_text() -> None:
    assert ex.escape((1, "${{", None)) == [1, "$${{", None]
