"""JSON columns: text in the database, values in the program."""

from __future__ import annotations

import json
from typing import Any


def dump(value: Any) -> str | None:
    """Compact JSON; None stays NULL."""
    return None if value is None else json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=str)


def load(text: str | None) -> Any:
    return None if text is None else json.loads(text)
