"""The expression language of plans: ``${{ tasks.build.result.image }}``, ``${{ params.port ?? 8080 }}``.

The words are those of a CI workflow. Operators, loosest first: ``??``, ``||``, ``&&``, ``== !=``, ``< <= > >=``, ``!``,
then ``.name`` and ``[index]``. Literals: numbers, 'texts', true, false, null. Functions: see ``FUNCTIONS``.
A text that is one whole expression keeps the value's type; otherwise each expression is put in as text.
``$${{`` stands for a literal ``${{``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from reign.core.errors import InvalidInput, did_you_mean

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


def _text(value: Any) -> str:
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
        return _text(item).lower() in of.lower()
    return item in of if isinstance(of, list | dict) else False


def _from_json(text: Any) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError, RecursionError) as error:
        raise ExpressionError(f"fromJSON() got a text that is not JSON: {error}") from None


def _join(items: Any, separator: Any = ",") -> str:
    if not isinstance(items, list):
        raise ExpressionError("join() takes a list")
    between = _text(separator)
    if len(between) * len(items) > MAX_TEXT:
        raise ExpressionError(f"join() would grow a text past {MAX_TEXT} characters")
    return between.join(map(_text, items))


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "length": _length,
    "contains": _contains,
    "startsWith": lambda text, prefix: _text(text).lower().startswith(_text(prefix).lower()),
    "endsWith": lambda text, suffix: _text(text).lower().endswith(_text(suffix).lower()),
    "join": _join,
    "lower": lambda text: _text(text).lower(),
    "upper": lambda text: _text(text).upper(),
    "trim": lambda text: _text(text).strip(),
    "split": lambda text, separator: _text(text).split(_text(separator) or None),
    "toJSON": lambda value: json.dumps(value, ensure_ascii=False),
    "fromJSON": _from_json,
    "default": lambda value, other: other if value in (None, "") else value,
}
#: What a task's ``if`` may ask of the tasks that it needs; their presence lifts the implied ``success()``.
STATUS_FUNCTIONS = ("success", "failure", "always")


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
        raise ExpressionError(f"{source(of)}[...] takes a text or a number, not {_text(key)[:40]}")
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
        raise ExpressionError(f"cannot compare {_text(value)!r} {operator} {_text(other)!r}") from None


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


# --- texts that contain expressions ------------------------------------------------------------------------------

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
    return value if isinstance(value, str) else _text(value)


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
    filled = "".join(map(_text, pieces))
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
