"""The value of an expression."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reign.core.errors import did_you_mean
from reign.core.expressions.functions import FUNCTIONS, text_of
from reign.core.expressions.nodes import (
    Binary,
    Call,
    ExpressionError,
    Index,
    Literal,
    Missing,
    Name,
    Node,
    Unary,
    source,
)


def evaluate(node: Node, scope: Mapping[str, Any]) -> Any:
    """The value of ``node``. ``scope`` maps the root names (params, tasks, item, run, environment, and for the
    status functions the keys ``success()`` and ``failure()``). Raises ExpressionError or Missing."""
    match node:
        case Literal(value):
            return value
        case Name(name):
            if name not in scope:
                raise Missing(f"unknown name {name!r}", hint=did_you_mean(name, [k for k in scope if "(" not in k]))
            return scope[name]
        case Index(of, key):
            return _index(of, evaluate(key, scope), scope)
        case Unary(operand):
            return not truthy(evaluate(operand, scope))
        case Binary(operator, left, right):
            return _binary(operator, left, right, scope)
        case Call("always", ()):
            return True
        case Call(("success" | "failure") as name, ()):
            return bool(scope.get(f"{name}()", name == "success"))
        case Call("default", (value, other)):
            return _binary("??", value, other, scope)
        case Call(name, args):
            return _call(name, [evaluate(arg, scope) for arg in args])


def _call(name: str, values: list[Any]) -> Any:
    try:
        return FUNCTIONS[name](*values)
    except (TypeError, KeyError, ValueError, RecursionError) as error:
        raise ExpressionError(f"{name}() was called with the wrong arguments: {error}") from None


def _index(of: Node, key: Any, scope: Mapping[str, Any]) -> Any:
    value = evaluate(of, scope)
    if isinstance(key, list | Mapping):
        raise ExpressionError(f"{source(of)}[...] takes a text or a number, not {text_of(key)[:40]}")
    if isinstance(value, Mapping):
        if key in value:
            return value[key]
        if str(key) in value:
            return value[str(key)]
        raise Missing(f"{source(of)} has no {key!r}", hint=did_you_mean(str(key), map(str, value)))
    if isinstance(value, list):
        try:
            return value[int(key)]
        except (ValueError, TypeError, IndexError, OverflowError):
            raise Missing(f"{source(of)} is a list of {len(value)} and has no item {key!r}") from None
    raise Missing(f"{source(of)} has no {key!r}: it is not an object")


def _binary(operator: str, left: Node, right: Node, scope: Mapping[str, Any]) -> Any:
    if operator == "??":
        try:
            value = evaluate(left, scope)
        except Missing:
            value = None
        return evaluate(right, scope) if value is None or value == "" else value
    value = evaluate(left, scope)
    if operator == "||":
        return value if truthy(value) else evaluate(right, scope)
    if operator == "&&":
        return evaluate(right, scope) if truthy(value) else value
    other = evaluate(right, scope)
    if operator in ("==", "!="):
        return (_comparable(value, other) == _comparable(other, value)) == (operator == "==")
    a, b = _comparable(value, other), _comparable(other, value)
    try:
        return {"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[operator]
    except TypeError:
        raise ExpressionError(f"cannot compare {text_of(value)!r} {operator} {text_of(other)!r}") from None


def _comparable(value: Any, other: Any) -> Any:
    """Numbers in texts compare as numbers when the other side is one, as in a CI workflow."""
    if isinstance(value, str) and isinstance(other, int | float) and not isinstance(other, bool):
        try:
            return float(value)
        except ValueError:
            return value
    return value


def truthy(value: Any) -> bool:
    """False are: false, null, 0, the empty text, list and object, and the text 'false'."""
    return bool(value) and value != "false"
