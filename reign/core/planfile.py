"""Plan files: YAML (or JSON, which is YAML) to the plan's content, with the line and column of every key.

YAML 1.2's idea of scalars is used (a bare ``on``, ``no``, ``=`` or ``22:22`` is a text), duplicate keys are refused,
and the size of a file, its depth and the number of values that aliases may unfold to are bounded before anything is
built.
"""

from __future__ import annotations

import math
import re
from typing import Any

import yaml

from reign.core.check import InvalidPlan, Place, Problem, parse_plan
from reign.core.plan import Plan

MAX_BYTES = 8 * 1024 * 1024
MAX_VALUES = 500_000
MAX_DEPTH = 60
_MERGE = "tag:yaml.org,2002:merge"

try:
    from yaml import CSafeLoader as _BaseLoader
except ImportError:  # PyYAML without libyaml
    from yaml import SafeLoader as _BaseLoader  # type: ignore[assignment]


class _Loader(_BaseLoader):
    """Safe loader with YAML 1.2 booleans and numbers, and no timestamps."""


_Loader.yaml_implicit_resolvers = {
    first: [
        (tag, pattern)
        for tag, pattern in resolvers
        if not tag.endswith((":bool", ":timestamp", ":value", ":int", ":float"))
    ]
    for first, resolvers in _BaseLoader.yaml_implicit_resolvers.items()
}
for _tag, _pattern, _first in (
    ("bool", r"true|True|false|False", "tTfF"),
    ("int", r"[-+]?(?:0b[01_]+|0[0-7_]+|0|[1-9][0-9_]*|0x[0-9a-fA-F_]+)", "-+0123456789"),
    ("float", r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?", "-+0123456789."),
    ("float", r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)", "-+."),
):  # fmt: skip
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), list(_first))


def load(text: str) -> tuple[Any, dict[Place, tuple[int, int]]]:
    """``(content, locations)`` of a plan file. Raises InvalidPlan with line and column for what is not YAML."""
    try:
        encoded = len(text.encode())
    except UnicodeEncodeError as error:
        raise InvalidPlan([Problem((), f"the plan is not Unicode text: {error.reason}", "save it as UTF-8")]) from None
    if encoded > MAX_BYTES:
        size = len(text) / 1024 / 1024
        raise InvalidPlan(
            [Problem((), f"the plan has {size:.0f} MB; at most {MAX_BYTES // 1024 // 1024} MB are read", "split it")]
        )
    loader = None
    try:
        _refuse_deep(text)
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            raise InvalidPlan([Problem((), "the plan is empty", "see `reign schema` and the examples")])
        reader = _Reader(loader)
        return reader.value(node, ()), reader.locations
    except yaml.YAMLError as error:
        raise _not_yaml(error) from None
    finally:
        if loader is not None:
            loader.dispose()


def _refuse_deep(text: str) -> None:
    """The composer recurses in C, where a deep text would end the whole process: depth is looked at in the events."""
    loader = _Loader(text)
    depth = 0
    try:
        while loader.check_event():
            event = loader.get_event()
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > MAX_DEPTH + 1:
                    raise InvalidPlan([Problem((), f"the plan is nested deeper than {MAX_DEPTH}")], _at((), event))
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
    finally:
        loader.dispose()


def _at(place: Place, part: Any) -> dict[Place, tuple[int, int]]:
    return {place: (part.start_mark.line + 1, part.start_mark.column + 1)}


def parse(text: str) -> tuple[Plan, dict[Place, tuple[int, int]]]:
    """The Plan in a plan file, and where its parts stand. Raises InvalidPlan."""
    content, locations = load(text)
    return parse_plan(content, locations), locations


def _not_yaml(error: yaml.YAMLError) -> InvalidPlan:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    locations: dict[Place, tuple[int, int]] = {(): (mark.line + 1, mark.column + 1)} if mark else {}
    return InvalidPlan([Problem((), f"this is not YAML: {problem}", "check indentation and quotes")], locations)


class _Reader:
    def __init__(self, loader: Any) -> None:
        self.loader = loader
        self.locations: dict[Place, tuple[int, int]] = {}
        self.values = 0

    def value(self, node: yaml.Node, at: Place) -> Any:
        self.values += 1
        if self.values > MAX_VALUES:
            raise InvalidPlan([Problem((), f"the plan holds more than {MAX_VALUES} values")])
        if len(at) > MAX_DEPTH:
            raise InvalidPlan([Problem(at[:3], f"the plan is nested deeper than {MAX_DEPTH}")], self.locations)
        self.locations.setdefault(at, (node.start_mark.line + 1, node.start_mark.column + 1))
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, at)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*at, i)) for i, item in enumerate(node.value)]
        return self.scalar(node, at)

    def scalar(self, node: yaml.Node, at: Place) -> str | int | float | None:
        """The value of a scalar, if JSON has such a value too: a plan is sent and kept as JSON."""
        try:
            value = self.loader.construct_object(node)
        except (ValueError, LookupError, TypeError, AttributeError):  # what an explicit tag makes of a wrong text
            value = ...
        if isinstance(value, float) and not math.isfinite(value):
            value = ...
        if isinstance(value, int) and value.bit_length() > 1024:
            value = ...
        if value is None or isinstance(value, str | int | float):
            return value
        raise self.wrong(node, at, f"{str(node.value)[:40]!r} is not a value that a plan can hold", "quote it")

    def wrong(self, node: yaml.Node, at: Place, message: str, hint: str | None = None) -> InvalidPlan:
        return InvalidPlan([Problem(at, message, hint)], _at(at, node))

    def mapping(self, node: yaml.MappingNode, at: Place) -> dict[str, Any]:
        content: dict[str, Any] = {}
        for name, (key_node, value_node) in self.pairs(node, at, 0).items():
            place = (*at, name)
            self.locations[place] = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
            content[name] = self.value(value_node, place)
        return content

    def pairs(self, node: yaml.MappingNode, at: Place, depth: int) -> dict[str, tuple[yaml.Node, yaml.Node]]:
        """The keys of a mapping with those that it merges (``<<``), which its own take the place of."""
        if depth > MAX_DEPTH:
            raise self.wrong(node, at, f"`<<` is nested deeper than {MAX_DEPTH}")
        self.values += len(node.value)
        if self.values > MAX_VALUES:
            raise InvalidPlan([Problem((), f"the plan holds more than {MAX_VALUES} values")])
        own: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        merged: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        for key_node, value_node in node.value:
            if key_node.tag == _MERGE:
                several = isinstance(value_node, yaml.SequenceNode)
                for source in value_node.value if several else [value_node]:
                    if not isinstance(source, yaml.MappingNode):
                        raise self.wrong(value_node, at, "`<<` merges an object or a list of objects")
                    for name, pair in self.pairs(source, at, depth + 1).items():
                        merged.setdefault(name, pair)
                continue
            name = self.key(key_node, at)
            if name in own:
                first = own[name][0].start_mark.line + 1
                raise self.wrong(
                    key_node, (*at, name), f"the key {name!r} stands twice", f"the first is on line {first}"
                )
            own[name] = (key_node, value_node)
        return merged | own

    def key(self, node: yaml.Node, at: Place) -> str:
        key = self.scalar(node, at) if isinstance(node, yaml.ScalarNode) else None
        if key is None:
            raise self.wrong(node, at, "a key must be a text or a number")
        return str(key).lower() if isinstance(key, bool) else str(key)
