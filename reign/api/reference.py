"""``/docs``: the API for people, written out of its own OpenAPI document. It loads nothing, so it needs no network."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from html import escape
from typing import Any

from fastapi import FastAPI
from fastapi.responses import HTMLResponse

_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
_STYLE = """
:root { color-scheme: light dark }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem }
code, .path { font-family: ui-monospace, monospace; font-size: .92em }
details { border-top: 1px solid #8884; padding: .4rem 0 }
summary { cursor: pointer }
summary .verb { display: inline-block; width: 4.2rem; font-weight: 600 }
summary .about, .dim { opacity: .7 }
table { border-collapse: collapse; margin: .4rem 0 .8rem 1.2rem }
th { text-align: left; font-weight: 500; opacity: .7 }
th, td { padding: .1rem 1.2rem .1rem 0; vertical-align: top }
details > p { margin: .4rem 1.2rem }
pre { background: #8882; padding: .6rem 1rem; overflow-x: auto }
"""
_INTRO = """
<p>Bodies and answers are JSON; the same description for programs is at <a href="/openapi.json">/openapi.json</a>.
Where a token is set (<code>REIGN_API_TOKEN</code>), send it as <code>Authorization: Bearer TOKEN</code>.</p>
<p>An error is <code>{"error": {"code", "message", "hint", "details"}}</code>: 422 wrong input or a request that was not
understood, 403 refused, 404 not there, 409 not possible in the present state, 503 something does not answer.</p>
<pre>curl -s localhost:8470/runs -H 'content-type: application/json' \\
     -d '{"request": "run `df -h`", "workdir": "/srv"}'
curl -s 'localhost:8470/runs/@latest?wait=30'</pre>
"""

Schema = Mapping[str, Any]


def reference_page(api: FastAPI) -> None:
    """Add the page to ``api``. Written at the first look, when all routes are there."""

    @cache
    def page() -> str:
        return reference(api.openapi())

    @api.get("/docs", include_in_schema=False)
    def docs() -> HTMLResponse:
        return HTMLResponse(page(), headers=_HEADERS)


def reference(document: Schema) -> str:
    """The whole page of an OpenAPI 3.1 document."""
    title = escape(f"{document['info']['title']} API {document['info']['version']}")
    groups: dict[str, list[str]] = {}
    for path, verbs in document["paths"].items():
        for verb, operation in verbs.items():
            group = (operation.get("tags") or ["other"])[0]
            groups.setdefault(group, []).append(_operation(verb, path, operation))
    schemas = document.get("components", {}).get("schemas", {})
    links = " · ".join(f'<a href="#{escape(name)}">{escape(name)}</a>' for name in groups)
    parts = [f'<h2 id="{escape(name)}">{escape(name)}</h2>' + "".join(found) for name, found in groups.items()]
    bodies = "".join(_schema(name, schema) for name, schema in sorted(schemas.items()))
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body>'
        f'<h1>{title}</h1>{_INTRO}<p>{links} · <a href="#bodies">bodies</a></p>{"".join(parts)}'
        f'<h2 id="bodies">Bodies</h2>{bodies}</body></html>'
    )


def _operation(verb: str, path: str, operation: Schema) -> str:
    text = str(operation.get("description") or operation.get("summary") or "")
    about, _, rest = text.partition("\n\n")
    parts = [f"<p>{_prose(rest)}</p>"] if rest else []
    if parameters := operation.get("parameters"):
        rows = ((p["name"], p["in"], {**p["schema"], **_described(p)}, p.get("required", False)) for p in parameters)
        parts.append(_table("parameter", rows))
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        parts.append(f"<p>Body ({escape(kind)}): {told(content.get('schema', {}))}</p>")
    return (
        f'<details><summary><span class="verb">{escape(verb.upper())}</span><span class="path">{escape(path)}</span> '
        f'<span class="about">{_prose(about)}</span></summary>{"".join(parts)}</details>'
    )


def _schema(name: str, schema: Schema) -> str:
    required = schema.get("required", ())
    rows = ((field, "", about, field in required) for field, about in schema.get("properties", {}).items())
    about = f"<p>{_prose(schema['description'])}</p>" if schema.get("description") else ""
    return (
        f'<details id="body-{escape(name)}" open><summary><code>{escape(name)}</code></summary>'
        f"{about}{_table('field', rows)}</details>"
    )


def _table(title: str, rows: Iterator[tuple[str, str, Schema, bool]]) -> str:
    lines = "".join(
        f"<tr><td><code>{escape(name)}</code>{' *' if required else ''}</td>"
        f'<td>{told(schema)}</td><td class="dim">{_rest(schema, place)}</td></tr>'
        for name, place, schema, required in rows
    )
    return f"<table><tr><th>{title} (* required)</th><th>type</th><th></th></tr>{lines}</table>"


def _described(parameter: Schema) -> dict[str, Any]:
    return {"description": parameter["description"]} if parameter.get("description") else {}


def _rest(schema: Schema, place: str) -> str:
    parts = [_prose(str(schema["description"]))] if schema.get("description") else []
    if schema.get("default") is not None:
        parts.append(f"default <code>{escape(json.dumps(schema['default']))}</code>")
    if place == "path":
        parts.append("in the path")
    return "; ".join(parts)


def told(schema: Schema) -> str:
    """The type of a schema in words, as HTML; a body of its own is a link."""
    if "$ref" in schema:
        name = escape(str(schema["$ref"]).rpartition("/")[2])
        return f'<a href="#body-{name}">{name}</a>'
    if several := schema.get("anyOf") or schema.get("oneOf"):
        return " or ".join(dict.fromkeys(told(each) for each in several if each.get("type") != "null"))
    if "enum" in schema or "const" in schema:
        return " | ".join(f"<code>{escape(str(value))}</code>" for value in schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "array":
        return f"list of {told(schema.get('items', {}))}"
    limits = [f"{word} {schema[key]:g}" for key, word in _LIMITS.items() if key in schema]
    return escape(str(schema.get("type", "anything"))) + (
        f" <span class='dim'>{', '.join(limits)}</span>" if limits else ""
    )


_LIMITS = {"minimum": "from", "maximum": "to", "exclusiveMinimum": "above", "maxLength": "at most"}


def _prose(text: str) -> str:
    """Text of a docstring: escaped, with its code marked."""
    return re.sub(r"`+([^`]+)`+", r"<code>\1</code>", escape(text))
