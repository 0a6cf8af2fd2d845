"""Durations as people write them: ``30s``, ``5m``, ``1h30m``, ``250ms``, or a bare number of seconds."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def seconds(value: Any) -> float:
    """Seconds of a duration text or number. Raises ValueError for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("a duration is a number of seconds or a text such as '30s', '5m' or '1h30m'")
    if isinstance(value, int | float):
        try:
            return float(value)
        except OverflowError:
            raise ValueError("a duration is at most 30 days") from None
    text = value.strip().lower()
    if re.fullmatch(r"\d+(?:\.\d+)?", text):
        return float(text)
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"{value!r} is not a duration; write '30s', '5m' or '1h30m'")
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


def readable(value: float) -> str:
    """``0.25 -> '250ms'``, ``95 -> '1m35s'``; for people, rounded to what they care about."""
    if value < 1:
        return f"{value * 1000:.0f}ms"
    if value < 60:
        return f"{value:.1f}s".replace(".0s", "s")
    minutes, rest = divmod(round(value), 60)
    if minutes < 60:
        return f"{minutes}m{rest}s" if rest else f"{minutes}m"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes}m" if minutes else f"{hours}h"


#: Seconds; accepts what :func:`seconds` accepts, at most 30 days.
Duration = Annotated[
    float,
    BeforeValidator(seconds),
    Field(ge=0, le=30 * 86400),
    WithJsonSchema({"type": ["number", "string"], "minimum": 0, "maximum": 30 * 86400}),
]
