"""Where GitHub's description is stricter than GitHub is, each with how that is known.

Kept short on purpose: a difference that is not listed here is taken for a fault of ours.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Schema = dict[str, Any]

SCHEMAS = ("components", "schemas")
JSON_BODY = ("requestBody", "content", "application/json", "schema")
LABELS = ("paths", "/repos/{owner}/{repo}/issues/{issue_number}/labels")
PROTECTION = ("paths", "/repos/{owner}/{repo}/branches/{branch}/protection", "put", *JSON_BODY)
INSTALLATIONS = ("paths", "/app/installations", "get", "responses", "200", "content", "application/json", "schema")


def _nullable(schema: Schema) -> Schema:
    return {**schema, "nullable": True}


def _also_a_list(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "array", "items": {"type": "string"}}]}


def _nulls_for_off(schema: Schema) -> Schema:
    properties = {name: _nullable(part) for name, part in schema["properties"].items()}
    return {**schema, "properties": properties}


def _without_contexts(schema: Schema) -> Schema:
    return {**schema, "required": [name for name in schema["required"] if name != "contexts"]}


def _any_text(schema: Schema) -> Schema:
    return {"type": "string"}


def _installation(schema: Schema) -> Schema:
    return {"type": "array", "items": {"$ref": "#/components/schemas/installation"}}


CORRECTIONS: tuple[tuple[tuple[str, ...], Callable[[Schema], Schema]], ...] = (
    # An issue without a text has the body null, in a search as anywhere else; the issue's own schema says so.
    ((*SCHEMAS, "issue-search-result-item", "properties", "body"), _nullable),
    # A label without a description has null; the recorded labels scenario shows it, the label's own schema says so.
    (
        (*SCHEMAS, "pull-request-simple", "properties", "labels", "items", "properties", "description"),
        _nullable,
    ),
    # The account of a listed installation is described as a user and an enterprise at once.
    (INSTALLATIONS, _installation),
    # "You can also pass an array of labels directly", says the text of the property; PyGithub does.
    ((*LABELS, "post", *JSON_BODY), _also_a_list),
    ((*LABELS, "put", *JSON_BODY), _also_a_list),
    # "Returns workflow runs created within the given date-time range", in the syntax of searches.
    (("components", "parameters", "created", "schema"), _any_text),
    # PyGithub sends null for what is not asked for, and `checks` without the `contexts` that are closing down.
    (PROTECTION, _nulls_for_off),
    ((*PROTECTION, "properties", "required_status_checks"), _without_contexts),
)


def corrected(description: dict[str, Any]) -> dict[str, Any]:
    """The description with the corrections made in place. Raises KeyError for a place that is gone."""
    for place, correct in CORRECTIONS:
        parent: Any = description
        for part in place[:-1]:
            parent = parent[part]
        parent[place[-1]] = correct(parent[place[-1]])
    return description
