"""ANSI-C quoting ($'...') and brace expansion."""

from __future__ import annotations

import re

from workers.bash.judge.scanner import UnclearError, skip

_SIMPLE = {
    "a": "\a",
    "b": "\b",
    "e": "\x1b",
    "E": "\x1b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "\\": "\\",
    "'": "'",
    '"': '"',
    "?": "?",
}
_ESCAPE = re.compile(
    r"\\(?:x\{?(?P<hex>[0-9a-fA-F]{1,2})\}?|0?(?P<octal>[0-7]{1,3})|u(?P<u>[0-9a-fA-F]{1,4})"
    r"|U(?P<U>[0-9a-fA-F]{1,8})|c(?P<control>.)|(?P<simple>.))",
    re.DOTALL,
)
_RANGE = re.compile(r"(-?\d{1,9}|[A-Za-z])\.\.(-?\d{1,9}|[A-Za-z])(?:\.\.(-?\d{1,9}))?")
MOST_WORDS = 256
_MOST_BRACES = 200


def ansi_c(body: str) -> str:
    """The text that $'body' (or echo -e, or printf %b) stands for."""
    return _ESCAPE.sub(_unescape, body).split("\0", 1)[0]


def _unescape(match: re.Match[str]) -> str:
    code = match["hex"] or match["u"] or match["U"]
    if code:
        number = int(code, 16)
    elif match["octal"]:
        number = int(match["octal"], 8) & 0xFF
    elif match["control"]:
        number = ord(match["control"].upper()) & 0x1F
    else:
        return _SIMPLE.get(match["simple"], match[0])
    return chr(number) if number < 0x110000 and not 0xD800 <= number < 0xE000 else "?"


def braces(text: str) -> list[str]:
    """The words that brace expansion makes of one word, in raw (still quoted) form.

    Raises UnclearError past MOST_WORDS words.
    """
    if "{" not in text:
        return [text]
    if text.count("{") > _MOST_BRACES:
        raise UnclearError("too many braces in one word")
    at = 0
    while at < len(text):
        if text[at] != "{":
            at = skip(text, at)
            continue
        choices, end = _choices(text, at)
        if choices:
            tails = braces(text[end:])
            words = [text[:at] + middle + tail for choice in choices for middle in braces(choice) for tail in tails]
            if len(words) > MOST_WORDS:
                raise UnclearError("brace expansion of too many words")
            return words
        at += 1
    return [text]


def _choices(text: str, start: int) -> tuple[list[str], int]:
    """What the brace at `start` offers and the index after its end; nothing if it is no brace expansion."""
    parts: list[str] = []
    depth, at, begin = 1, start + 1, start + 1
    while at < len(text):
        here = text[at]
        if here == "{":
            depth += 1
        elif here == "}":
            depth -= 1
            if depth == 0:
                parts.append(text[begin:at])
                return (parts if len(parts) > 1 else _range(parts[0])), at + 1
        elif here == "," and depth == 1:
            parts.append(text[begin:at])
            begin = at + 1
        at = skip(text, at)
    return [], start + 1


def _range(body: str) -> list[str]:
    match = _RANGE.fullmatch(body)
    if not match:
        return []
    first, last = match[1], match[2]
    letters = first.isalpha() and last.isalpha()
    if not letters and (first.isalpha() or last.isalpha()):
        return []
    low, high = (ord(first), ord(last)) if letters else (int(first), int(last))
    step = max(1, abs(int(match[3] or 1)))
    if abs(high - low) // step >= MOST_WORDS:
        raise UnclearError("brace expansion of too many words")
    numbers = range(low, high + 1, step) if low <= high else range(low, high - 1, -step)
    width = max(len(first), len(last)) if first.lstrip("-").startswith("0") or last.lstrip("-").startswith("0") else 0
    return [chr(number) if letters else str(number).zfill(width) for number in numbers]
