"""The functions that an expression may call, and how a value becomes text."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from typing import Any

from reign.core.expressions.nodes import MAX_TEXT, ExpressionError


def text_of(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise ExpressionError(f"a value cannot be written as text: {error}") from None


def _length(value: Any) -> int:
    if not isinstance(value, str | list | dict):
        raise ExpressionError("length() takes a text, a list or an object")
    return len(value)


def _contains(of: Any, item: Any) -> bool:
    if isinstance(of, str):
        return text_of(item).lower() in of.lower()
    return item in of if isinstance(of, list | dict) else False


def _from_json(text: Any) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError, RecursionError) as error:
        raise ExpressionError(f"fromJSON() got a text that is not JSON: {error}") from None


def _join(items: Any, separator: Any = ",") -> str:
    if not isinstance(items, list):
        raise ExpressionError("join() takes a list")
    between = text_of(separator)
    if len(between) * len(items) > MAX_TEXT:
        raise ExpressionError(f"join() would grow a text past {MAX_TEXT} characters")
    return between.join(map(text_of, items))


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "length": _length,
    "contains": _contains,
    "startsWith": lambda text, prefix: text_of(text).lower().startswith(text_of(prefix).lower()),
    "endsWith": lambda text, suffix: text_of(text).lower().endswith(text_of(suffix).lower()),
    "join": _join,
    "lower": lambda text: text_of(text).lower(),
    "upper": lambda text: text_of(text).upper(),
    "trim": lambda text: text_of(text).strip(),
    "split": lambda text, separator: text_of(text).split(text_of(separator) or None),
    "toJSON": lambda value: json.dumps(value, ensure_ascii=False),
    "fromJSON": _from_json,
    "quote": lambda value: shlex.quote(text_of(value)),  # one word of a POSIX shell, whatever is in it
    "default": lambda value, other: other if value in (None, "") else value,
}
#: What a task's ``if`` may ask of the tasks that it needs; their presence lifts the implied ``success()``.
STATUS_FUNCTIONS = ("success", "failure", "always")
