"""From the text of an expression to its tree."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from reign.core.errors import did_you_mean
from reign.core.expressions.functions import FUNCTIONS, STATUS_FUNCTIONS
from reign.core.expressions.nodes import (
    MAX_CHAIN,
    MAX_DEPTH,
    MAX_LENGTH,
    Binary,
    Call,
    ExpressionError,
    Index,
    Literal,
    Name,
    Node,
    Unary,
    children,
)

_TOKEN = re.compile(
    r"\s*(?:(?P<number>-?\d+(?:\.\d+)?)|(?P<text>'(?:[^']|'')*'|\"(?:[^\"\\]|\\.)*\")"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_-]*)|(?P<op>\?\?|\|\||&&|==|!=|<=|>=|[<>!().,\[\]]))"
)
_BINDING = {"??": 1, "||": 2, "&&": 3, "==": 4, "!=": 4, "<": 5, "<=": 5, ">": 5, ">=": 5}


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = list(self._tokens())
        self.at = 0
        self.depth = 0

    def _tokens(self) -> Iterator[tuple[str, str, int]]:
        position = 0
        end = len(self.text.rstrip())
        while position < end:
            match = _TOKEN.match(self.text, position)
            if not match:
                bad = self.text[position:].strip()[:1]
                raise ExpressionError(f"unexpected {bad!r} in expression {self.text.strip()!r}")
            kind = match.lastgroup or ""
            yield kind, match.group(kind), match.start(kind)
            position = match.end()
        yield "end", "", end

    @property
    def token(self) -> tuple[str, str, int]:
        return self.tokens[self.at]

    def take(self, expected: str | None = None) -> tuple[str, str, int]:
        token = self.token
        if expected is not None and token[1] != expected:
            got = repr(token[1]) if token[1] else "the end"
            raise ExpressionError(f"expected {expected!r} but found {got} in expression {self.text.strip()!r}")
        self.at += 1
        return token

    def parse(self) -> Node:
        node = self.expression(0)
        if self.token[0] != "end":
            raise ExpressionError(f"unexpected {self.token[1]!r} in expression {self.text.strip()!r}")
        self.refuse_deep(node)
        return node

    def refuse_deep(self, root: Node) -> None:
        """Trees are walked by recursion, and a long chain (``a.b.c...``, ``a || b || ...``) is a deep tree too."""
        level: list[Node] = [root]
        for _ in range(MAX_CHAIN):
            level = [child for node in level for child in children(node)]
            if not level:
                return
        raise ExpressionError(f"expression with chains longer than {MAX_CHAIN}: {self.text.strip()[:40]!r}...")

    def expression(self, minimum: int) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise ExpressionError(f"expression nested deeper than {MAX_DEPTH}: {self.text.strip()[:40]!r}...")
        left = self.unary()
        while (binding := _BINDING.get(self.token[1], 0)) > minimum and self.token[0] == "op":
            operator = self.take()[1]
            left = Binary(operator, left, self.expression(binding))
        self.depth -= 1
        return left

    def unary(self) -> Node:
        negations = 0
        while self.token[1] == "!" and self.token[0] == "op":
            self.take()
            negations += 1
        node = self.postfix(self.primary())
        for _ in range(negations):
            node = Unary(node)
        return node

    def postfix(self, node: Node) -> Node:
        while True:
            kind, value, _ = self.token
            if kind == "op" and value == ".":
                self.take()
                kind, value, _ = self.take()
                if kind not in ("name", "number"):
                    raise ExpressionError(f"expected a name after '.' in expression {self.text.strip()!r}")
                node = Index(node, Literal(value))
            elif kind == "op" and value == "[":
                self.take()
                key = self.expression(0)
                self.take("]")
                node = Index(node, key)
            else:
                return node

    def primary(self) -> Node:
        kind, value, _ = self.take()
        if kind in ("number", "text"):
            return Literal(self.literal(kind, value))
        if kind == "name":
            if value in ("true", "false", "null"):
                return Literal({"true": True, "false": False, "null": None}[value])
            if self.token[1] == "(" and self.token[0] == "op":
                return self.call(value)
            return Name(value)
        if value == "(":
            node = self.expression(0)
            self.take(")")
            return node
        got = repr(value) if value else "the end"
        raise ExpressionError(f"expected a value but found {got} in expression {self.text.strip()!r}")

    def literal(self, kind: str, value: str) -> Any:
        if value[0] == "'":
            return value[1:-1].replace("''", "'")
        try:
            if kind == "number":
                return float(value) if "." in value else int(value)
            return json.loads(value)
        except ValueError:
            what = "text: quote it with ' or write it as JSON" if kind == "text" else "number"
            raise ExpressionError(f"{value[:40]} is not a {what}, in expression {self.text.strip()[:60]!r}") from None

    def call(self, name: str) -> Node:
        if name not in FUNCTIONS and name not in STATUS_FUNCTIONS:
            raise ExpressionError(
                f"unknown function {name!r} in expression {self.text.strip()!r}",
                hint=did_you_mean(name, [*FUNCTIONS, *STATUS_FUNCTIONS]),
            )
        self.take("(")
        args: list[Node] = []
        while self.token[1] != ")":
            args.append(self.expression(0))
            if self.token[1] != ")":
                self.take(",")
        self.take(")")
        return Call(name, tuple(args))


@lru_cache(maxsize=20_000)
def parse(text: str) -> Node:
    """The syntax tree of one expression (without ``${{ }}``). Raises ExpressionError."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"an expression of {len(text)} characters is too long; at most {MAX_LENGTH}")
    return _Parser(text).parse()
