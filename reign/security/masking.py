"""Masking by value: once a secret has been resolved, neither it nor a usual encoding of it is written anywhere."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, quote_plus

MASK = "***"
#: Shorter values would mask ordinary words and give the secret away by the holes.
SHORTEST = 4


class Masker:
    """Knows the secret values of one attempt, and the reference that each came from."""

    def __init__(self, secrets: Mapping[str, str] | None = None) -> None:
        """``secrets``: reference (``secret://...``) -> value."""
        self._references: dict[str, str] = {}
        self._pattern: re.Pattern[str] | None = None
        for reference, value in (secrets or {}).items():
            self.add(reference, value)

    def add(self, reference: str, value: str) -> None:
        """Mask ``value`` from now on; several lines are masked line by line too, as logs come in lines."""
        for text in {value, value.strip(), *(line.strip() for line in value.splitlines())}:
            if len(text) < SHORTEST:
                continue
            for form in _forms(text):
                self._references[form] = self._references.get(form) or (reference if form == value else "")
        ordered = sorted(self._references, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    @property
    def longest(self) -> int:
        """Characters of the longest masked form; streams keep that many back so that a chunk border hides nothing."""
        return max(map(len, self._references), default=0)

    def mask(self, text: str) -> str:
        """``text`` with every secret replaced by ``***``."""
        return self._pattern.sub(MASK, text) if self._pattern else text

    def record(self, value: Any) -> Any:
        """A JSON-like value fit to be stored: a whole secret becomes its reference again, so that an undo can resolve
        it anew; one inside a longer text, or in another encoding, becomes ``***``."""
        if self._pattern is None:
            return value
        if isinstance(value, str):
            return self._references.get(value) or self.mask(value)
        if isinstance(value, Mapping):
            return {self.mask(str(key)): self.record(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.record(item) for item in value]
        return value


def _forms(text: str) -> set[str]:
    """The text and how it looks in base64 (at each of the three alignments), URLs and JSON."""
    raw = text.encode()
    forms = {
        text,
        quote(text, safe=""),
        quote_plus(text),
        json.dumps(text)[1:-1],
        json.dumps(text, ensure_ascii=False)[1:-1],
    }
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        forms.add(encode(raw).decode())
        for shift in range(3):
            # In a longer text the alignment is unknown; what is sure is the part that no neighbour's bits reach.
            encoded = encode(b"\0" * shift + raw).decode().rstrip("=")
            start = (0, 2, 3)[shift]
            end = len(encoded) - (0 if (len(raw) + shift) % 3 == 0 else 1)
            if end - start >= 8:
                forms.add(encoded[start:end])
    return {form for form in forms if len(form) >= SHORTEST}
