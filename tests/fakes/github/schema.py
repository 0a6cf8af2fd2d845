"""OpenAPI 3.0 schemas as JSON Schema 2020-12."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from jsonschema_rs import Draft202012Validator

COMPONENTS = "#/components/schemas/"
KEPT = frozenset({
    "type", "format", "enum", "required", "minimum", "maximum", "minLength", "maxLength", "pattern",
    "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties",
})  # fmt: skip


class Schemas:
    """The components of a description; closed schemas refuse properties that are not described."""

    def __init__(self, components: dict[str, Any]) -> None:
        self._components = components
        self._converted: dict[tuple[str, bool], Any] = {}

    def validator(self, schema: dict[str, Any], closed: bool) -> Draft202012Validator:
        root = _convert(schema, closed)
        needed: dict[str, Any] = {}
        self._collect(root, needed)
        return Draft202012Validator({**root, "$defs": needed}, validate_formats=True)

    def _collect(self, converted: Any, needed: dict[str, Any]) -> None:
        for name, closed in _references(converted):
            key = _definition(name, closed)
            if key in needed:
                continue
            if (name, closed) not in self._converted:
                self._converted[name, closed] = _convert(self._components[name], closed)
            needed[key] = self._converted[name, closed]
            self._collect(needed[key], needed)


def _definition(name: str, closed: bool) -> str:
    return name if closed else f"{name}--open"


def _references(converted: Any) -> Iterator[tuple[str, bool]]:
    if isinstance(converted, dict):
        reference = converted.get("$ref")
        if isinstance(reference, str):
            name = reference.removeprefix("#/$defs/")
            yield name.removesuffix("--open"), not name.endswith("--open")
        for value in converted.values():
            yield from _references(value)
    elif isinstance(converted, list):
        for value in converted:
            yield from _references(value)


def _convert(schema: dict[str, Any], closed: bool) -> dict[str, Any]:
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(COMPONENTS)
        return {"$ref": f"#/$defs/{_definition(name, closed)}"}
    made: dict[str, Any] = {key: value for key, value in schema.items() if key in KEPT}
    if "properties" in schema:
        made["properties"] = {name: _convert(part, closed) for name, part in schema["properties"].items()}
    if "items" in schema:
        made["items"] = _convert(schema["items"], closed)
    extra = schema.get("additionalProperties")
    if extra is not None:
        made["additionalProperties"] = _convert(extra, closed) if isinstance(extra, dict) else extra
    if "allOf" in schema:
        # Each part sees the whole object, so only the whole may be closed.
        made["allOf"] = [_convert(part, False) for part in schema["allOf"]]
    # The alternatives of GitHub's oneOf overlap: a public user is a private one too, null is any nullable type.
    either = [*schema.get("anyOf", []), *schema.get("oneOf", [])]
    if either:
        made["anyOf"] = [_convert(part, closed) for part in either]
    if closed and extra is None and ("properties" in made or "allOf" in made):
        made["unevaluatedProperties"] = False
    return _nullable(made) if schema.get("nullable") else made


def _nullable(made: dict[str, Any]) -> dict[str, Any]:
    if "anyOf" in made or "allOf" in made or "type" not in made:
        return {"anyOf": [made, {"type": "null"}]}
    made["type"] = [made["type"], "null"]
    if "enum" in made and None not in made["enum"]:
        made["enum"] = [*made["enum"], None]
    return made
