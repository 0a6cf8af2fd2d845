"""The installed operations in as few words as a model needs: a line each, and one for each of its inputs."""

from __future__ import annotations

import json
import re
from collections.abc import Container, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

from reign.core.catalog import Catalog, OperationSpec
from reign.core.lexicon import Phrase

#: Characters of the list beyond which only the agents that a request may concern are described in full.
FULL_LIST = 90_000
_WORD = re.compile(r"[a-z][a-z0-9]+")


class Listing:
    """The list for a catalog; the schemas are read once."""

    def __init__(self, catalog: Catalog, limit: int = FULL_LIST) -> None:
        self.catalog = catalog
        self.limit = limit

    @cached_property
    def _full(self) -> Mapping[str, str]:
        return {name: "\n".join(describe(spec)) for name, spec in self.catalog.items()}

    def for_request(self, request: str, mentioned: Iterable[str] = ()) -> str:
        """The operations for one request. ``mentioned``: agents that are known to be meant."""
        if sum(map(len, self._full.values())) <= self.limit:
            return "\n".join(self._full.values())
        return self.for_agents(_relevant(self.catalog, request) | set(mentioned) or set(self.catalog.agents))

    def for_agents(self, agents: Container[str]) -> str:
        """The operations of these agents in full, of the others what they do."""
        lines = [self._full[name] if spec.agent in agents else _short(spec) for name, spec in self.catalog.items()]
        return "\n".join(lines)


def describe(spec: OperationSpec) -> Iterator[str]:
    """The lines of one operation."""
    yield _short(spec)
    schema = spec.inputs.model_json_schema(by_alias=True)
    required = set(schema.get("required", ()))
    definitions = schema.get("$defs", {})
    for name, field in schema.get("properties", {}).items():
        star = "*" if name in required else ""
        yield f"  {name}{star}: {_field(field, definitions)}"
    results = spec.result.model_json_schema(by_alias=True).get("properties", {})
    if results:
        yield f"  result: {', '.join(results)}"


def _short(spec: OperationSpec) -> str:
    return f"{spec.name} [{spec.effect.value}, undo {spec.undo.value}] {spec.summary}"


def _field(field: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    text = _type(field, definitions)
    default = field.get("default")
    if default not in (None, "", [], {}, ()):
        text += f" = {json.dumps(default, default=str)}"
    if about := field.get("description"):
        text += f" - {' '.join(str(about).split())}"
    return text


def _type(field: Mapping[str, Any], definitions: Mapping[str, Any], depth: int = 0) -> str:
    if "$ref" in field:
        named = definitions.get(str(field["$ref"]).rpartition("/")[2], {})
        return _type(named, definitions, depth + 1) if depth < 4 else "object"
    if "enum" in field:
        return "|".join(json.dumps(value) for value in field["enum"])
    if "const" in field:
        return json.dumps(field["const"])
    for key in ("anyOf", "oneOf", "allOf"):
        if key in field:
            kinds = [_type(option, definitions, depth) for option in field[key] if option.get("type") != "null"]
            return "|".join(dict.fromkeys(kinds)) or "null"
    kind = field.get("type")
    if isinstance(kind, list):
        return "|".join(kind)
    if kind == "array":
        return f"[{_type(field.get('items', {}), definitions, depth)}]"
    if kind == "object" and field.get("properties"):
        inner = (
            f"{name}{'*' if name in field.get('required', ()) else ''}: {_type(item, definitions, depth + 1)}"
            for name, item in field["properties"].items()
        )
        return "{" + ", ".join(inner) + "}" if depth < 4 else "object"
    if kind == "object" and isinstance(field.get("additionalProperties"), Mapping):
        return "{name: " + _type(field["additionalProperties"], definitions, depth) + "}"
    return str(kind or "any")


def _relevant(catalog: Catalog, request: str) -> set[str]:
    """Agents of whose words the request has one that few others use."""
    words = set(_WORD.findall(request.casefold()))
    by_agent: dict[str, set[str]] = {agent: {agent} for agent in catalog.agents}
    for spec in catalog.values():
        for phrase in spec.phrases:
            if isinstance(phrase, Phrase):
                said = " ".join((*phrase.objects, *phrase.about, *phrase.cues, *phrase.programs, *phrase.nouns))
                by_agent[spec.agent] |= set(_WORD.findall(said.casefold()))
    return {agent for agent, own in by_agent.items() if own & words}
