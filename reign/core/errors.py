"""The error family. Each error is one line for a person, a code for a program, and says what to do next.

| class          | exit code | HTTP | when                                                        |
|----------------|-----------|------|-------------------------------------------------------------|
| InvalidInput   | 2         | 422  | the request, plan or option is wrong; nothing was started   |
| NotUnderstood  | 3         | 422  | a request in words that no planner could turn into a plan   |
| Refused        | 4         | 403  | understood, and not allowed (policy, judge, approval denied)|
| NotFound       | 5         | 404  | a run, task, operation or resource of that name is not there|
| Conflict       | 6         | 409  | the present state does not permit it                        |
| Unavailable    | 7         | 503  | the API, broker, database or an engine does not answer      |
| RunFailed      | 1         | 200  | the run itself ended in failure                             |

Exit code 130 is a Ctrl-C, as in every shell.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from rapidfuzz import fuzz, process

_PART = 3  # letters
_PART_CUTOFF = 70.0  # below it a few letters of a long name are taken for the name (nosuch: create_branch)


class ReignError(Exception):
    """Base of all errors that are meant for a person.

    ``message`` says what is wrong and where, ``hint`` what to do next; both are single lines without secrets.
    """

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1
    http_status: ClassVar[int] = 500

    def __init__(self, message: str, *, hint: str | None = None, details: Any = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details = details

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message

    def as_dict(self) -> dict[str, Any]:
        """The shape that the API sends and ``-o json`` prints: ``{"error": {code, message, hint, details}}``."""
        return {"error": {"code": self.code, "message": self.message, "hint": self.hint, "details": self.details}}


class InvalidInput(ReignError):
    code, exit_code, http_status = "invalid_input", 2, 422


class NotUnderstood(ReignError):
    code, exit_code, http_status = "not_understood", 3, 422


class Refused(ReignError):
    code, exit_code, http_status = "refused", 4, 403


class NotFound(ReignError):
    code, exit_code, http_status = "not_found", 5, 404


class Conflict(ReignError):
    code, exit_code, http_status = "conflict", 6, 409


class Unavailable(ReignError):
    code, exit_code, http_status = "unavailable", 7, 503


class RunFailed(ReignError):
    code, exit_code, http_status = "run_failed", 1, 200


BY_CODE: dict[str, type[ReignError]] = {
    cls.code: cls
    for cls in (ReignError, InvalidInput, NotUnderstood, Refused, NotFound, Conflict, Unavailable, RunFailed)
}


def from_dict(body: dict[str, Any]) -> ReignError:
    """The error that ``as_dict`` described, as its own class again (used by the client)."""
    error = body.get("error") or {}
    code = str(error.get("code", ""))
    cls = InvalidInput if code.startswith("invalid_") else BY_CODE.get(code, ReignError)
    return cls(error.get("message", "unknown error"), hint=error.get("hint"), details=error.get("details"))


def nearest(name: str, known: Iterable[str], cutoff: float = 60.0) -> str | None:
    """The known name most like ``name`` as a whole (0-100 similarity at or above ``cutoff``), or else in a part of it
    (``run`` in ``bash.run``); None if there is no such."""
    names = list(known)
    found = process.extractOne(name, names, scorer=fuzz.ratio, processor=str.lower, score_cutoff=cutoff)
    if found is None:  # a part of a letter or two is in anything
        long_enough = [each for each in names if len(each) >= _PART] if len(name) >= _PART else []
        found = process.extractOne(name, long_enough, processor=str.lower, score_cutoff=max(cutoff, _PART_CUTOFF))
    return str(found[0]) if found else None


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """A hint sentence with the nearest right name, or with what there is to choose from when that is short."""
    names = sorted(known)
    close = nearest(name, names)
    if close:
        return f"did you mean {close!r}?"
    if 0 < len(names) <= 12:
        return "known: " + ", ".join(names)
    return None
