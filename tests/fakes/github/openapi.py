"""Checks requests and answers against GitHub's OpenAPI description.

jsonschema-rs does it, and validators are compiled once for each operation when it is first met: openapi-core
and prism both want the dereferenced description (73 MB) in memory before the first request.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from functools import cache
from typing import Any

from jsonschema_rs import Draft202012Validator, ValidationError, ValidationErrorKind

from tests.fakes.github.corrections import corrected
from tests.fakes.github.description import openapi_description
from tests.fakes.github.exchange import Answer, Request
from tests.fakes.github.routing import Route, Router
from tests.fakes.github.schema import Schemas

LONGEST_SHOWN = 5


@dataclass(frozen=True)
class Violation:
    """Something that is not as GitHub describes it; `side` is request or answer."""

    side: str
    operation: str
    detail: str

    def __str__(self) -> str:
        return f"{self.side} of {self.operation}: {self.detail}"


class OpenApi:
    """GitHub's description, by operation."""

    def __init__(self, description: dict[str, Any]) -> None:
        self._description = description
        self._schemas = Schemas(description["components"]["schemas"])
        self._validators: dict[tuple[str, str], Draft202012Validator] = {}
        self._lock = threading.Lock()
        self._router = Router(
            Route(method.upper(), path, _unreachable)
            for path, operations in description["paths"].items()
            for method in operations
        )

    def find(self, method: str, path: str) -> str | None:
        """The path template that GitHub describes for a request, None if there is none."""
        found = self._router.find("api", method, path)
        return None if found is None else found[0].template

    def operation(self, method: str, template: str) -> dict[str, Any] | None:
        found: dict[str, Any] | None = self._description["paths"].get(template, {}).get(method.lower())
        return found

    def check_request(self, method: str, template: str, request: Request) -> list[Violation]:
        operation = self.operation(method, template)
        if operation is None:
            return []
        name = f"{method} {template}"
        details = self._check_query(operation, request)
        content = self._resolve(operation.get("requestBody", {})).get("content", {})
        if "application/json" in content:
            validator = self._validator(name, "request", content["application/json"]["schema"], True)
            if request.body or self._resolve(operation["requestBody"]).get("required"):
                details += _errors(validator, json.loads(request.body or b"null"))
        elif not content and request.body not in (b"", b"{}", b"null"):
            details.append("has a body, but none is described")
        return [Violation("request", name, detail) for detail in details]

    def _check_query(self, operation: dict[str, Any], request: Request) -> list[str]:
        known = {
            one["name"]: one["schema"]
            for one in map(self._resolve, operation.get("parameters", []))
            if one["in"] == "query"
        }
        details = []
        for name, value in request.query.items():
            if name not in known:
                details.append(f"query parameter {name!r} is not described")
                continue
            validator = self._schemas.validator(known[name], closed=True)
            if not any(validator.is_valid(reading) for reading in _readings(value)):
                details.append(f"query parameter {name}={value!r} is not as described")
        return details

    def check_answer(self, method: str, template: str, answer: Answer) -> list[Violation]:
        operation = self.operation(method, template)
        if operation is None:
            return []
        name = f"{method} {template}"
        described = operation["responses"].get(str(answer.status))
        if described is None:
            if answer.status < 300:
                return [Violation("answer", name, f"status {answer.status} is not described")]
            return self._check_error(name, answer)
        content = self._resolve(described).get("content", {})
        if answer.status >= 400:
            return self._check_error(name, answer)
        # Some answers come in several shapes by media type; what is not JSON is described as a string.
        shapes = [one["schema"] for one in content.values() if one.get("schema", {}).get("type") != "string"]
        schema = shapes[0] if len(shapes) == 1 else {"anyOf": shapes}
        if not shapes or answer.raw is not None:
            undue = answer.body is not None and not content
            return [Violation("answer", name, f"{answer.status} has a body, but none is described")] * undue
        validator = self._validator(name, str(answer.status), schema, True)
        return [Violation("answer", name, detail) for detail in _errors(validator, answer.body)]

    def _check_error(self, name: str, answer: Answer) -> list[Violation]:
        """Errors share a few shapes, and GitHub answers more of them than each operation lists."""
        if answer.status < 400 or answer.raw is not None:
            return []
        shapes = ["basic-error"]
        if answer.status == 422:
            shapes = ["validation-error", "validation-error-simple"]
        schema = {"anyOf": [{"$ref": f"#/components/schemas/{shape}"} for shape in shapes]}
        validator = self._validator("error", ",".join(shapes), schema, False)
        return [Violation("answer", name, detail) for detail in _errors(validator, answer.body)]

    def _validator(self, name: str, part: str, schema: dict[str, Any], closed: bool) -> Draft202012Validator:
        with self._lock:
            if (name, part) not in self._validators:
                self._validators[name, part] = self._schemas.validator(schema, closed)
            return self._validators[name, part]

    def _resolve(self, item: dict[str, Any]) -> dict[str, Any]:
        reference = item.get("$ref")
        if reference is None:
            return item
        found: Any = self._description
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]
        resolved: dict[str, Any] = found
        return resolved


@cache
def published() -> OpenApi:
    """The description of api.github.com. Raises MaterialMissing."""
    return OpenApi(corrected(openapi_description()))


def _errors(validator: Draft202012Validator, instance: Any) -> list[str]:
    found = []
    for error in map(_closest, validator.iter_errors(instance)):
        place = "/".join(str(part) for part in error.instance_path) or "the whole"
        found.append(f"{place}: {error.message[:300]}")
        if len(found) == LONGEST_SHOWN:
            break
    return found


def _closest(error: ValidationError) -> ValidationError:
    """Of a value that fits no alternative: what is wrong with the alternative it comes closest to."""
    if not isinstance(error.kind, ValidationErrorKind.AnyOf):
        return error
    alternatives = [_closest(errors[0]) for errors in error.kind.context if errors]
    return max(alternatives, key=lambda one: len(one.instance_path), default=error)


def _readings(value: str) -> list[Any]:
    """What a query string may stand for."""
    readings: list[Any] = [value, value.split(",")]
    if value.lstrip("-").isdigit():
        readings.append(int(value))
    if value in ("true", "false"):
        readings.append(value == "true")
    return readings


def _unreachable(call: Any) -> Answer:
    raise AssertionError(f"the description has no handlers: {call}")
