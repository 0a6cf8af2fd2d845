"""GitHub's error answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

DOCUMENTATION = "https://docs.github.com/rest"


class Problem(Exception):
    """An error answer: status, message and, for 422, GitHub's field errors."""

    def __init__(
        self,
        status: int,
        message: str,
        errors: list[Any] | None = None,
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = dict(headers or {})
        self.body: dict[str, Any] = {"message": message}
        if errors is not None:
            self.body["errors"] = errors
        self.body |= {"documentation_url": DOCUMENTATION, "status": str(status), **(extra or {})}


def not_found() -> Problem:
    return Problem(404, "Not Found")


def field_error(resource: str, field: str, code: str = "invalid", message: str | None = None) -> dict[str, Any]:
    """One entry of a 422's `errors`; codes: missing, missing_field, invalid, already_exists, custom."""
    error = {"resource": resource, "code": code, "field": field}
    return error | {"message": message} if message is not None else error


def invalid(resource: str, field: str, code: str = "invalid", message: str | None = None) -> Problem:
    """422 Validation Failed with one field error."""
    return Problem(422, "Validation Failed", [field_error(resource, field, code, message)])


def refused(resource: str, message: str) -> Problem:
    """422 Validation Failed with a message of its own and no field."""
    return Problem(422, "Validation Failed", [{"resource": resource, "code": "custom", "message": message}])


def unprocessable(message: str) -> Problem:
    return Problem(422, message)
