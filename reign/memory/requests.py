"""Past requests that were put in much the same words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rapidfuzz import fuzz, process, utils

_ALIKE = 72.0  # of 100 (rapidfuzz token_set_ratio)
LONGEST = 500  # characters of a request that are kept and compared


@dataclass(frozen=True, slots=True)
class PastRequest:
    """What was asked for, what it became, and how that ended."""

    text: str
    plan: str
    operations: tuple[str, ...]
    ok: bool
    run: str
    at: float

    def as_dict(self) -> dict[str, Any]:
        return {
            "text": self.text,
            "plan": self.plan,
            "operations": list(self.operations),
            "ok": self.ok,
            "run": self.run,
            "at": self.at,
        }


def similar(text: str, past: Sequence[PastRequest], limit: int = 3) -> list[tuple[PastRequest, float]]:
    """The requests most like ``text`` with how alike they are (0 to 1), the same words once; the newest first among
    equals."""
    newest: dict[str, PastRequest] = {}
    for request in sorted(past, key=lambda item: -item.at):
        newest.setdefault(utils.default_process(request.text), request)
    known = list(newest.values())
    found = process.extract(
        text[:LONGEST],
        [request.text for request in known],
        scorer=fuzz.token_set_ratio,
        processor=utils.default_process,
        score_cutoff=_ALIKE,
        limit=limit,
    )
    return [(known[place], score / 100) for _, score, place in found]
