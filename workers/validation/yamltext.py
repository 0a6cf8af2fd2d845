"""YAML documents with the line and column of each part, for findings that point at it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

try:
    from yaml import CSafeLoader as _Loader
except ImportError:  # PyYAML without libyaml
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]

Place = tuple[str | int, ...]
MAX_VALUES = 200_000  # aliases let a small file stand for an endless one


class _Core(_Loader):
    """YAML 1.2's idea of true and false: a bare ``on`` is a text, as GitHub reads it."""


_Core.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith((":bool", ":timestamp"))]
    for first, resolvers in _Loader.yaml_implicit_resolvers.items()
}
_Core.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)


class NotYaml(Exception):
    """``line`` and ``column`` are from 1."""

    def __init__(self, message: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.message, self.line, self.column = message, line, column


@dataclass(frozen=True)
class Document:
    """One document of a YAML text."""

    content: Any
    locations: dict[Place, tuple[int, int]] = field(default_factory=dict)
    twice: list[tuple[str, int, int]] = field(default_factory=list)  # keys that stand twice: name, line, column

    def at(self, place: Place) -> tuple[int, int]:
        """Line and column of a part, or of the nearest part around it that has a place."""
        while place not in self.locations:
            if not place:
                return 1, 1
            place = place[:-1]
        return self.locations[place]


def documents(text: str, *, core: bool = False) -> list[Document]:
    """The documents of a YAML text that are not empty; ``core`` for YAML 1.2's booleans. Raises NotYaml."""
    loader = (_Core if core else _Loader)(text)
    try:
        found = []
        while loader.check_node():
            node = loader.get_node()
            document = Document(None)
            for count, _ in enumerate(_note(document, node, ())):
                if count > MAX_VALUES:
                    raise NotYaml(f"it stands for more than {MAX_VALUES} values")
            content = loader.construct_document(node)
            if content is not None:
                found.append(Document(content, document.locations, document.twice))
        return found
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise NotYaml(f"this is not YAML: {problem}", *((mark.line + 1, mark.column + 1) if mark else ())) from None
    except (RecursionError, ValueError) as error:
        # A value such as the date 2024-13-99 is well-formed YAML and still no date.
        raise NotYaml(str(error) if isinstance(error, ValueError) else "it is nested too deep") from None
    finally:
        loader.dispose()


def _note(document: Document, node: Any, at: Place) -> Iterator[None]:
    """Write down where each part stands; yields once for each, so that the caller can count."""
    yield
    if len(at) > 100:
        raise NotYaml("it is nested too deep")
    document.locations.setdefault(at, (node.start_mark.line + 1, node.start_mark.column + 1))
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _note(document, item, (*at, index))
    elif isinstance(node, yaml.MappingNode):
        names = set()
        for key, value in node.value:
            name, mark = str(key.value), key.start_mark
            if name in names and name != "<<":
                document.twice.append((name, mark.line + 1, mark.column + 1))
            names.add(name)
            document.locations[(*at, name)] = (mark.line + 1, mark.column + 1)
            yield from _note(document, value, (*at, name))
