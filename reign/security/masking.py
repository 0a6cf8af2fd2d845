"""Masking by value: once a secret has been resolved, neither it nor a usual encoding of it is written anywhere."""

from __future__ import annotations

import base64
import json
import re
import shlex
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from html import escape
from itertools import groupby
from typing import Any
from urllib.parse import quote, quote_plus

MASK = "***"
#: Shorter values would mask ordinary words and give the secret away by the holes.
SHORTEST = 4
#: What a capped output has in the place of its middle (``executor.process.Capped``).
_GAP = re.compile(r"\.\.\. \d+ bytes left out \.\.\.")
#: What stays as it is where a text becomes part of a URL: RFC 3986's minimum, a path in Python, encodeURIComponent and
#: encodeURI (ECMA-262), a user or password by the URL standard of WHATWG, and by RFC 3986's grammar.
_LEFT_IN_URLS = ("", "/", "!'()*", ";,/?:@&=+$!'()*#", "!$&'()*+,", "!$&'()*+,;=:")
#: How programs write a sign in HTML that write all but letters and digits by number.
_HTML_CODES = ("&#{};", "&#x{:x};", "&#x{:X};")
_BREAK = re.compile(r"(\r?\n)")


class Masker:
    """Knows the secret values of one attempt, and the reference that each came from."""

    def __init__(self, secrets: Mapping[str, str] | None = None) -> None:
        """``secrets``: reference (``secret://...``) -> value."""
        self._values: dict[str, str] = {}
        self._references: dict[str, str] = {}
        self._forms: list[str] = []  # sorted
        self._pattern: re.Pattern[str] | None = None
        self._heads: re.Pattern[str] | None = None
        for reference, value in (secrets or {}).items():
            self.add(reference, value)

    def add(self, reference: str, value: str) -> None:
        """Mask ``value`` from now on; several lines are masked line by line too, as logs come in lines."""
        self._values[reference] = value
        joined = "".join(value.splitlines())
        for text in {value, value.strip(), joined, *(line.strip() for line in value.splitlines())}:
            if len(text) < SHORTEST:
                continue
            for form in _forms(text):
                self._references[form] = self._references.get(form) or (reference if form == value else "")
        self._pattern = None
        self._forms = []

    def _compiled(self) -> re.Pattern[str] | None:
        """What finds every form; made when it is first needed after the last ``add``."""
        if self._pattern is None and self._references:
            self._forms = sorted(self._references)
            self._pattern = re.compile(_any_of(self._forms))
            self._heads = re.compile(f"(?={_any_of(sorted({form[:SHORTEST] for form in self._forms}))})")
        return self._pattern

    @property
    def knows_any(self) -> bool:
        return bool(self._references)

    @property
    def values(self) -> dict[str, str]:
        """What it was told: reference to value. For a process that masks in its own name, and nothing else."""
        return dict(self._values)

    @property
    def longest(self) -> int:
        """Characters of the longest masked form: how far back a secret that a text ends within can begin."""
        return max(map(len, self._references), default=0)

    def mask(self, text: str) -> str:
        """``text`` with every secret replaced by ``***``, also one that is wrapped over several lines."""
        pattern = self._compiled()
        if pattern is None:
            return text
        if "\n" not in text:
            return pattern.sub(MASK, text)
        parts = _BREAK.split(text)
        lines, breaks = parts[::2], [*parts[1::2], ""]
        return "".join(line + end for line, end in zip(self._mask_lines(lines), breaks, strict=True))

    def _mask_lines(self, lines: Sequence[str]) -> list[str]:
        text = "".join(lines)
        hidden = self.hidden(text, lines)
        at = 0
        borders = []
        for line in lines:
            borders.append((at, at + len(line)))
            at += len(line)
        for (start, end), line in zip(borders, lines, strict=True):
            if _GAP.fullmatch(line.strip()):
                cut = self.partial(text[:start])
                hidden[cut:start] = b"\1" * (start - cut)
                over = self.rest(text[end:])
                hidden[end : end + over] = b"\1" * over
        return [shown(text, hidden, start, end) for start, end in borders]

    def hidden(self, text: str, lines: Sequence[str]) -> bytearray:
        """For each character of ``text``, the ``lines`` without their breaks, whether it belongs to a secret."""
        pattern = self._compiled()
        marks = bytearray(len(text))
        if pattern is not None:
            at = 0
            for line in lines:  # each for itself too: a find across a border must not hide one within a line
                _mark(marks, pattern, line, at)
                at += len(line)
            if len(lines) > 1:
                _mark(marks, pattern, text, 0)
        return marks

    def partial(self, text: str) -> int:
        """Where a secret begins that ``text`` may end within (``SHORTEST`` characters of it at least); its length if
        there is none."""
        if self._compiled() is None or self._heads is None:
            return len(text)
        begin = max(0, len(text) - self.longest + 1)
        for match in self._heads.finditer(text, begin):
            tail = text[match.start() :]
            place = bisect_left(self._forms, tail)
            if place < len(self._forms) and self._forms[place].startswith(tail) and self._forms[place] != tail:
                return match.start()
            if place + 1 < len(self._forms) and self._forms[place] == tail and self._forms[place + 1].startswith(tail):
                return match.start()
        return len(text)

    def rest(self, text: str) -> int:
        """How many characters of a secret ``text`` begins with, if it begins within one."""
        self._compiled()
        start = text[: self.longest]
        longest = 0
        for form in self._forms:
            for length in range(min(len(form) - 1, len(start)), max(longest, SHORTEST - 1), -1):
                if start.startswith(form[-length:]):
                    longest = length
                    break
        return longest

    def record(self, value: Any) -> Any:
        """A JSON-like value fit to be stored: a whole secret becomes its reference again, so that an undo can resolve
        it anew; one inside a longer text, or in another encoding, becomes ``***``."""
        if not self._references:
            return value
        if isinstance(value, str):
            return self._references.get(value) or self.mask(value)
        if isinstance(value, Mapping):
            return {self.mask(str(key)): self.record(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.record(item) for item in value]
        return value


def shown(text: str, hidden: bytearray, start: int, end: int) -> str:
    """A piece of ``text`` with ``***`` for each stretch that is hidden."""
    if not any(hidden[start:end]):
        return text[start:end]
    pieces = []
    at = start
    for secret, run in groupby(hidden[start:end]):
        length = sum(1 for _ in run)
        pieces.append(MASK if secret else text[at : at + length])
        at += length
    return "".join(pieces)


def _mark(marks: bytearray, pattern: re.Pattern[str], text: str, at: int) -> None:
    for match in pattern.finditer(text):
        start, end = at + match.start(), at + match.end()
        marks[start:end] = b"\1" * (end - start)


def _any_of(words: Sequence[str]) -> str:
    """A regular expression for the longest of the sorted, different ``words`` that stands at a place.

    Common beginnings are written once: an alternation of hundreds of words is tried one by one at every character.
    """
    first, last = words[0], words[-1]
    same = next((at for at, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    prefix = first[:same]
    rest = [word[len(prefix) :] for word in words]
    ends_here = not rest[0]
    branches = [_any_of(list(group)) for _, group in groupby(rest[1:] if ends_here else rest, key=lambda word: word[0])]
    if not branches:
        return re.escape(prefix)
    return f"{re.escape(prefix)}(?:{'|'.join(branches)}){'?' if ends_here else ''}"


def _forms(text: str) -> set[str]:
    """The text and how it looks in base64 (at each of its alignments), hex, URLs, HTML, JSON and a shell's trace."""
    raw = text.encode()
    forms = {
        text,
        *(quote(text, safe=left) for left in _LEFT_IN_URLS),
        quote_plus(text),
        escape(text),
        escape(text, quote=False),
        escape(text).replace("&quot;", "&#34;").replace("&#x27;", "&#39;"),
        *("".join(sign if sign.isalnum() else code.format(ord(sign)) for sign in text) for code in _HTML_CODES),
        json.dumps(text)[1:-1],
        json.dumps(text, ensure_ascii=False)[1:-1],
        shlex.quote(text).strip("'"),
        raw.hex(),
        raw.hex().upper(),
    }
    forms |= {re.sub("%[0-9A-F]{2}", lambda match: match.group().lower(), form) for form in forms if "%" in form}
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
