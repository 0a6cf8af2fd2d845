"""What sort of failure it was, by rules: the kind that the agent gave it, then the words of its message."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from reign.executor import FailureKind


class FailureClass(StrEnum):
    """What may be done about a failure depends on its class."""

    TRANSIENT = "transient"
    WRONG_INPUT = "wrong_input"
    MISSING_PREREQUISITE = "missing_prerequisite"
    PERMISSION = "permission"
    CONFLICT = "conflict"
    UNKNOWN = "unknown"


_OF_KIND = {
    FailureKind.TRANSIENT: FailureClass.TRANSIENT,
    FailureKind.TIMED_OUT: FailureClass.TRANSIENT,
    FailureKind.WRONG_INPUT: FailureClass.WRONG_INPUT,
    FailureKind.MISSING_PREREQUISITE: FailureClass.MISSING_PREREQUISITE,
    FailureKind.PERMISSION: FailureClass.PERMISSION,
    FailureKind.CONFLICT: FailureClass.CONFLICT,
}

#: Words that mean the same wherever they come from, for failures whose agent could not tell. The first match counts.
_WORDS = (
    (FailureClass.PERMISSION, r"permission denied|forbidden|unauthori[sz]ed|access denied|not permitted|\b40[13]\b"),
    (FailureClass.CONFLICT, r"already (in use|exists|allocated)|address in use|\bis taken\b|conflict|locked by"),
    (
        FailureClass.TRANSIENT,
        (
            r"timed? ?out|temporar(y|ily)|connection (refused|reset|aborted|closed)|try again|too many requests|"
            r"rate limit|broken pipe|\b(429|50[234])\b|unavailable|no route to host|name resolution"
        ),
    ),
    (
        FailureClass.MISSING_PREREQUISITE,
        (
            r"not (installed|initiali[sz]ed)|please run|command not found|has not been|must be created first|"
            r"initiali[sz]ation required"
        ),
    ),
    (
        FailureClass.WRONG_INPUT,
        r"invalid|no such (file|directory)|does not exist|not found|unknown (option|flag|argument)|syntax error|usage:",
    ),
)
_COMPILED = tuple((found, re.compile(pattern, re.IGNORECASE)) for found, pattern in _WORDS)


def classify(error: Mapping[str, Any]) -> FailureClass:
    """The class of a recorded failure (``TaskFailed.as_dict``)."""
    try:
        known = _OF_KIND.get(FailureKind(str(error.get("kind"))))
    except ValueError:
        known = None
    if known is not None:
        return known
    if error.get("kind") == FailureKind.CHECK_FAILED:
        return FailureClass.UNKNOWN  # its words tell what was looked for, not what went wrong
    message = str(error.get("message", ""))[:2000]
    return next((found for found, pattern in _COMPILED if pattern.search(message)), FailureClass.UNKNOWN)
