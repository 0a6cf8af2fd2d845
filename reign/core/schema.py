"""The JSON Schema of plan files, with the operations that are installed: editors complete and check by it."""

from __future__ import annotations

from typing import Any

from reign.core.catalog import Catalog
from reign.core.plan import Plan

_EXPRESSION = {"type": "string", "pattern": r"\$\{\{"}


def plan_schema(catalog: Catalog) -> dict[str, Any]:
    """JSON Schema (2020-12) of a plan file: ``with`` is checked against the inputs of what ``uses`` names."""
    schema = Plan.model_json_schema(by_alias=True)
    task = schema["$defs"]["Task"]
    task["properties"]["uses"] = {
        "title": "Uses",
        "description": task["properties"]["uses"].get("description"),
        "oneOf": [{"const": spec.name, "description": spec.summary} for spec in catalog.values()],
    }
    task["properties"]["needs"] = {
        "description": "tasks that must succeed first",
        "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
    }
    task["properties"]["timeout"] = task["properties"]["timeout"] | {"type": ["string", "number", "null"]}
    task["properties"]["timeout"].pop("anyOf", None)
    for name in ("delay", "max_delay"):
        schema["$defs"]["Retry"]["properties"][name]["type"] = ["string", "number"]
    task["allOf"] = [
        _inputs(spec.name, spec.inputs.model_json_schema(by_alias=True), schema) for spec in catalog.values()
    ]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://reign.invalid/plan.schema.json",
        **schema,
        "title": "REIGN plan",
    }


def _inputs(uses: str, inputs: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """``if uses is X then with is ...``; every input may also be an expression."""
    prefix = uses.replace(".", "_") + "_"
    for name, definition in inputs.pop("$defs", {}).items():
        schema["$defs"][prefix + name] = _open(_renamed(definition, prefix))
    inputs = _open(_renamed(inputs, prefix))
    then: dict[str, Any] = {"properties": {"with": inputs}}
    if inputs.get("required"):
        then["anyOf"] = [{"required": [key]} for key in ("with", "undo_of", "observe_of", "restore_of")]
    return {"if": {"properties": {"uses": {"const": uses}}, "required": ["uses"]}, "then": then}


def _open(value: Any) -> Any:
    """A schema whose properties, items and values may each be an expression instead."""
    if isinstance(value, list):
        return [_open(item) for item in value]
    if not isinstance(value, dict):
        return value
    opened = {key: _open(item) if key in ("anyOf", "oneOf", "allOf") else item for key, item in value.items()}
    for key in ("items", "additionalProperties"):
        if isinstance(value.get(key), dict):
            opened[key] = {"anyOf": [_open(value[key]), _EXPRESSION]}
    if "properties" in value:
        opened["properties"] = {
            name: {"anyOf": [_open(item), _EXPRESSION], "description": item.get("description", "")}
            for name, item in value["properties"].items()
        }
    return opened


def _renamed(value: Any, prefix: str) -> Any:
    if isinstance(value, dict):
        return {
            key: item.replace("#/$defs/", "#/$defs/" + prefix) if key == "$ref" else _renamed(item, prefix)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_renamed(item, prefix) for item in value]
    return value
