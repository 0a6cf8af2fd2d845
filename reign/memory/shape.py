"""What is alike: the shape of a task's inputs, and the words of a failure without what changes from case to case."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
from typing import Any

from reign.core.resource import canonical
from reign.memory.commands import kind_of_command

_DEPTH = 3  # of nested inputs that count for the shape
_KEYS = 60  # of a shape at most
_COMMANDS = ("command", "script")  # inputs whose words are the work itself
MESSAGE = 300  # characters of a failure's message that are kept


def shape(uses: str, inputs: Mapping[str, Any]) -> str:
    """The operation with the names and kinds of its inputs, and no value of them: ``docker.run(image:text, ...)``.

    Whether a text names a secret, a file, a URL or comes from another task tells more than that it is a text; of a
    command it is its programs and the kinds of their arguments (see ``commands``).
    """
    parts = sorted(set(_parts(inputs, "", 0)))
    more = ", ..." if len(parts) > _KEYS else ""
    return f"{uses}({', '.join(parts[:_KEYS])}{more})"


def _parts(value: Any, at: str, depth: int) -> Iterator[str]:
    if at in _COMMANDS and isinstance(value, str | list | tuple) and _is_written(value):
        yield f"{at}:{kind_of_command(value)}"
    elif isinstance(value, Mapping) and depth < _DEPTH and at in ("", "resources", "retry", "health"):
        for key, item in value.items():
            yield from _parts(item, f"{at}.{key}" if at else str(key), depth + 1)
    else:
        yield f"{at}:{_kind(value)}"


def _is_written(value: Any) -> bool:
    """Whether the words themselves stand there, and not where they come from."""
    return not isinstance(value, str) or _text_kind(value) not in ("result", "secret")


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, Mapping):
        return f"object{_some(len(value))}"
    if isinstance(value, list | tuple):
        return f"list{_some(len(value))}"
    if isinstance(value, str):
        return _text_kind(value)
    return "nothing"


def _some(count: int) -> str:
    return "" if count == 1 else "-none" if count == 0 else "-many"


def _text_kind(value: str) -> str:
    if "${{" in value:
        return "result"
    if value.startswith("secret://"):
        return "secret"
    if re.match(r"https?://", value):
        return "url"
    return "path" if value.startswith(("./", "/", "~", "../")) or value == "." else "text"


def pattern(uses: str, inputs: Mapping[str, Any]) -> str:
    """A short name of the shape: 16 hex digits."""
    return hashlib.sha256(shape(uses, inputs).encode()).hexdigest()[:16]


def same_inputs(uses: str, inputs: Mapping[str, Any], key: bytes) -> str:
    """Tells equal inputs from others without telling what they are: 16 hex digits of an HMAC under the own key."""
    text = canonical([uses, inputs])
    return hmac.new(key, b"memory:" + text.encode(), hashlib.sha256).hexdigest()[:16]


_VARYING = (
    (re.compile(r"\"[^\"]*\"|(?<!\w)'[^']*'(?!\w)"), "'X'"),
    (re.compile(r"\bhttps?://\S+"), "URL"),
    (re.compile(r"(?<![\w])(?:\.{0,2}/)[\w./@%+-]+"), "PATH"),
    (re.compile(r"\bsha256:[0-9a-f]+|\b[0-9a-f]{12,}\b", re.IGNORECASE), "HEX"),
    (re.compile(r"\d+"), "N"),
    (re.compile(r"\s+"), " "),
)


def plain(message: str) -> str:
    """A message without names, numbers, paths and addresses, so that the same failure reads the same."""
    text = "".join(c if c.isprintable() else " " for c in message[:2000])
    for found, by in _VARYING:
        text = found.sub(by, text)
    return text.strip()[:MESSAGE]


def signature(uses: str, message: str) -> str:
    """A short name of a failure of an operation: 16 hex digits."""
    return hashlib.sha256(f"{uses}\n{plain(message)}".encode()).hexdigest()[:16]
