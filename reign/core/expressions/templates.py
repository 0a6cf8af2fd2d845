"""Texts, and objects of texts, that contain expressions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from reign.core.expressions.evaluation import evaluate
from reign.core.expressions.functions import text_of
from reign.core.expressions.nodes import MAX_TEXT, ExpressionError, Node, paths
from reign.core.expressions.parser import parse

_OPEN = re.compile(r"(\$?)\$\{\{")


@lru_cache(maxsize=20_000)
def split(text: str) -> tuple[str | Node, ...]:
    """A text as its literal pieces (str) and expressions (Node). Raises ExpressionError for an open ``${{``."""
    if "${{" not in text:
        return (text,)
    pieces: list[str | Node] = []
    position = 0
    while match := _OPEN.search(text, position):
        if match.group(1):
            pieces.append(text[position : match.start()] + "${{")
            position = match.end()
            continue
        close = _closing(text, match.end())
        if match.start() > position:
            pieces.append(text[position : match.start()])
        pieces.append(parse(text[match.end() : close]))
        position = close + 2
    if position < len(text):
        pieces.append(text[position:])
    return tuple(pieces)


def _closing(text: str, start: int) -> int:
    """Where the ``}}`` stands that closes an expression; one inside a quoted text does not."""
    quote = ""
    escaped = False
    for i in range(start, len(text) - 1):
        if escaped:
            escaped = False
        elif quote:
            escaped = text[i] == "\\" and quote == '"'
            quote = "" if text[i] == quote else quote
        elif text[i] in "'\"":
            quote = text[i]
        elif text.startswith("}}", i):
            return i
    raise ExpressionError(f"'${{{{' is not closed by '}}}}' in {text[:60]!r}")


def has_expression(value: Any) -> bool:
    """Whether any text in ``value`` (a JSON-like value; keys too) holds an expression."""
    return any("${{" in text for text in texts(value))


def texts(value: Any) -> Iterator[str]:
    """All texts in a JSON-like value, keys of objects included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from texts(key)
            yield from texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from texts(item)


def expressions(value: Any) -> Iterator[Node]:
    """All expressions in a JSON-like value."""
    for text in texts(value):
        if "${{" in text:
            yield from (piece for piece in split(text) if not isinstance(piece, str))


def fill(value: Any, scope: Mapping[str, Any], only: frozenset[str] | None = None) -> Any:
    """``value`` with its expressions evaluated. With ``only``, an expression is left as written unless all the root
    names that it reads are in ``only``: so parameters can be bound when a plan is made and results when a task runs."""
    if isinstance(value, str):
        return _fill_text(value, scope, only)
    if isinstance(value, Mapping):
        filled = {_key(fill(key, scope, only)): fill(item, scope, only) for key, item in value.items()}
        if len(filled) < len(value):
            raise ExpressionError(f"two of the keys {', '.join(map(repr, map(str, value)))[:200]} have become the same")
        return filled
    if isinstance(value, list | tuple):
        return [fill(item, scope, only) for item in value]
    return value


def _key(value: Any) -> Any:
    return value if isinstance(value, str) else text_of(value)


def _fill_text(text: str, scope: Mapping[str, Any], only: frozenset[str] | None) -> Any:
    if "${{" not in text:
        return text
    pieces = split(text)
    if only is None:
        return _filled(text, [p if isinstance(p, str) else evaluate(p, scope) for p in pieces])
    if any({path[0] for path in paths(p)} - only for p in pieces if not isinstance(p, str)):
        return text  # all or nothing: a text half bound could change what the other half means
    return escape(_filled(text, [p if isinstance(p, str) else evaluate(p, scope) for p in pieces]))


def _filled(text: str, pieces: list[Any]) -> Any:
    if len(pieces) == 1:
        return pieces[0]
    filled = "".join(map(text_of, pieces))
    if len(filled) > MAX_TEXT:
        raise ExpressionError(f"the text {text[:40]!r}... grew past {MAX_TEXT} characters")
    return filled


def escape(value: Any) -> Any:
    """``value`` with ``${{`` written so that a later :func:`fill` gives it back: data never becomes an expression."""
    if isinstance(value, str):
        return value.replace("${{", "$${{")
    if isinstance(value, Mapping):
        return {escape(key): escape(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [escape(item) for item in value]
    return value
