"""The other places of a plan in which a value stands that was sealed in one: the same value is sealed there too.

A reference is replaced by exactly the text that it stands for, so what runs stays the same. What is left alone is a
value that names something in the plan as well (``name: wordpress`` beside ``DB_PASSWORD=wordpress``): a name is no
secret, and sealed it would name nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from reign.security.secretlike import can_be_hidden
from reign.security.secrets import REFERENCE

#: Shorter values are found in too many places that have nothing to do with them.
_SHORTEST = 8
#: Inputs and fields that say what something is called, or where it is.
_NAMES = (
    "name|container_name|hostname|host|project|image|tag|target|repo|repository|branch|ref|release|chart|namespace|"
    "network|networks|service|volume|volumes|workspace|path|file|filename|directory|context|dockerfile|source|"
    "destination|cwd|workdir|user|username"
)
_NAMING = re.compile(_NAMES)
_EXPRESSION = re.compile(r"\$?\$\{\{(?:'[^']*'|\"(?:\\.|[^\"\\])*\"|(?!\}\}).)*\}\}", re.DOTALL)
_QUOTED = re.compile(r"'[^']*'|\"(?:\\.|[^\"\\])*\"")


class Repeats:
    """Finds the values of ``wanted`` and puts what ``seal`` gives for them in their places."""

    def __init__(self, wanted: Iterable[str], seal: Callable[[str], str], *parts: Any) -> None:
        """``parts``: all of the plan that is looked into, as it is told which of the values name something there."""
        found = {value for value in wanted if len(value) >= _SHORTEST and can_be_hidden(value)}
        self.names = {value for value in found if any(_names(value, key, text) for key, text in _texts(parts, ""))}
        words = sorted(found - self.names, key=lambda value: (-len(value), value))
        self._seal = seal
        self._pattern = re.compile("|".join((REFERENCE.pattern, *map(_whole, words)))) if words else None

    def sealed(self, value: Any, *, template: bool = True) -> Any:
        """``value`` with references in it. ``template``: its texts may hold expressions, whose words stay."""
        if self._pattern is None:
            return value
        if isinstance(value, str):
            return self._template(value) if template else self._plain(value)
        if isinstance(value, Mapping):
            return {key: self.sealed(item, template=template) for key, item in value.items()}
        return [self.sealed(item, template=template) for item in value] if isinstance(value, list) else value

    def condition(self, text: Any) -> Any:
        """An ``if``, which is an expression with or without its braces."""
        return self._expression(text) if isinstance(text, str) else text

    def _template(self, text: str) -> str:
        at, pieces = 0, []
        for match in _EXPRESSION.finditer(text):
            literal = match[0].startswith("$$")
            pieces += [self._plain(text[at : match.start()]), (self._plain if literal else self._expression)(match[0])]
            at = match.end()
        return "".join((*pieces, self._plain(text[at:])))

    def _expression(self, text: str) -> str:
        return _QUOTED.sub(lambda match: self._plain(match[0]), text)

    def _plain(self, text: str) -> str:
        if self._pattern is None:
            return text
        return self._pattern.sub(lambda match: match[0] if match[1] else self._seal(match[0]), text)


def _whole(value: str) -> str:
    """A value of letters only as a word by itself; another one anywhere, as in ``mysql -pVALUE``."""
    return rf"(?<![\w-]){re.escape(value)}(?![\w-])" if value.isalpha() else re.escape(value)


def _texts(value: Any, key: str) -> Iterator[tuple[str, str]]:
    """Every text of a value, with the key that it stands under."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, Mapping):
        for name, item in value.items():
            if _NAMING.fullmatch(key):  # ``networks: {NAME: [alias]}``
                yield key, str(name)
            yield from _texts(item, str(name))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item, key)


def _names(value: str, key: str, text: str) -> bool:
    if value not in text:
        return False
    if _NAMING.fullmatch(key):
        return re.search(_whole(value), text) is not None
    return re.search(rf"\b(?:{_NAMES})\b[\"']?[:=\s]\s*[\"']?{re.escape(value)}(?![\w-])", text) is not None
