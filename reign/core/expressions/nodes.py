"""The syntax tree of an expression: its nodes, and what can be asked of a tree without evaluating it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from reign.core.errors import InvalidInput

MAX_LENGTH = 10_000
MAX_DEPTH = 50  # of parentheses, indexes and calls in each other
MAX_CHAIN = 200  # of operators and keys that apply to each other's values
MAX_TEXT = 1_000_000  # characters an expression may grow a text to


class ExpressionError(InvalidInput):
    code = "invalid_expression"


class Missing(ExpressionError):
    """A name or key that is not there; ``??`` and ``default()`` turn it into the other value."""


@dataclass(frozen=True, slots=True)
class Literal:
    value: Any


@dataclass(frozen=True, slots=True)
class Name:
    name: str


@dataclass(frozen=True, slots=True)
class Index:
    of: Node
    key: Node


@dataclass(frozen=True, slots=True)
class Call:
    function: str
    args: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Unary:
    operand: Node


@dataclass(frozen=True, slots=True)
class Binary:
    operator: str
    left: Node
    right: Node


Node = Literal | Name | Index | Call | Unary | Binary


def source(node: Node) -> str:
    """A readable form of ``node``, for messages."""
    match node:
        case Literal(value):
            return json.dumps(value)
        case Name(name):
            return name
        case Index(of, Literal(str(key))):
            return f"{source(of)}.{key}"
        case Index(of, key):
            return f"{source(of)}[{source(key)}]"
        case Call(name, args):
            return f"{name}({', '.join(map(source, args))})"
        case Unary(operand):
            return f"!{source(operand)}"
        case Binary(operator, left, right):
            return f"{source(left)} {operator} {source(right)}"


def children(node: Node) -> tuple[Node, ...]:
    """The nodes right below ``node``."""
    match node:
        case Index(of, key):
            return (of, key)
        case Unary(operand):
            return (operand,)
        case Binary(_, left, right):
            return (left, right)
        case Call(_, args):
            return args
        case _:
            return ()


def walk(node: Node) -> Iterator[Node]:
    """``node`` and all nodes below it."""
    yield node
    for child in children(node):
        yield from walk(child)


def paths(node: Node) -> Iterator[tuple[str, ...]]:
    """The dotted names that the expression reads, as far as they are written out: ``('tasks','build','result')``."""
    match node:
        case Name(name):
            yield (name,)
        case Index(of, key):
            if isinstance(key, Literal) and (inner := list(paths(of))) and not isinstance(of, Call | Binary):
                yield (*inner[0], str(key.value))
            else:
                yield from paths(of)
                yield from paths(key)
        case _:
            for child in children(node):
                yield from paths(child)
