"""Plan files: YAML (or JSON, which is YAML) to the plan's content, with the line and column of every key.

YAML 1.2's idea of true and false is used (a bare ``on`` or ``no`` is a text), duplicate keys are refused, and the
size of a file and the number of values that aliases may unfold to are bounded before anything is built.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from reign.core.check import InvalidPlan, Place, Problem, parse_plan
from reign.core.plan import Plan

MAX_BYTES = 8 * 1024 * 1024
MAX_VALUES = 500_000
MAX_DEPTH = 60

try:
    from yaml import CSafeLoader as _BaseLoader
except ImportError:  # PyYAML without libyaml
    from yaml import SafeLoader as _BaseLoader  # type: ignore[assignment]


class _Loader(_BaseLoader):
    """Safe loader with YAML 1.2 booleans and no timestamps."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith((":bool", ":timestamp"))]
    for first, resolvers in _BaseLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|false|False)$"), list("tTfF"))


def load(text: str) -> tuple[Any, dict[Place, tuple[int, int]]]:
    """``(content, locations)`` of a plan file. Raises InvalidPlan with line and column for what is not YAML."""
    if len(text) > MAX_BYTES or len(text.encode()) > MAX_BYTES:
        size = len(text) / 1024 / 1024
        raise InvalidPlan(
            [Problem((), f"the plan has {size:.0f} MB; at most {MAX_BYTES // 1024 // 1024} MB are read", "split it")]
        )
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            raise InvalidPlan([Problem((), "the plan is empty", "see `reign schema` and the examples")])
        reader = _Reader(loader)
        return reader.value(node, ()), reader.locations
    except yaml.YAMLError as error:
        raise _not_yaml(error) from None
    except RecursionError:
        raise InvalidPlan([Problem((), "the plan is nested too deep")]) from None
    finally:
        loader.dispose()


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
        return self.loader.construct_object(node)

    def mapping(self, node: yaml.MappingNode, at: Place) -> dict[str, Any]:
        self.loader.flatten_mapping(node)  # merge keys (<<)
        content: dict[str, Any] = {}
        merged = {id(key) for key, _ in node.value}
        for key_node, value_node in node.value:
            key = self.loader.construct_object(key_node)
            if isinstance(key, list | dict) or key is None:
                mark = key_node.start_mark
                raise InvalidPlan(
                    [Problem(at, "a key must be a text or a number")], {at: (mark.line + 1, mark.column + 1)}
                )
            name = str(key).lower() if isinstance(key, bool) else str(key)
            place = (*at, name)
            mark = key_node.start_mark
            if (
                name in content
                and id(key_node) in merged
                and self.locations.get(place) != (mark.line + 1, mark.column + 1)
            ):
                first = self.locations.get(place, (0, 0))[0]
                raise InvalidPlan(
                    [Problem(place, f"the key {name!r} stands twice", f"the first is on line {first}")],
                    {place: (mark.line + 1, mark.column + 1)},
                )
            self.locations[place] = (mark.line + 1, mark.column + 1)
            content[name] = self.value(value_node, place)
        return content
