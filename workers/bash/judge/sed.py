"""What a sed script runs, reads and writes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field


@dataclass(slots=True)
class SedEffects:
    """`runs`: shell texts ('' for the pattern space itself); `reads` and `writes`: files."""

    runs: list[str] = field(default_factory=list)
    reads: list[str] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)


_ADDRESS = re.compile(
    r"\s*(?:\d+(?:~\d+)?|\$|[+~]\d+|/(?:\\.|[^/\\\n])*/[IM]*|\\(.)(?:(?!\1).)*\1[IM]*)\s*,?\s*!?\s*", re.DOTALL
)


def effects(script: str) -> SedEffects:
    """Reads a sed script command by command; what it cannot read it passes over a character at a time."""
    found = SedEffects()
    at = 0
    while at < len(script):
        if script[at] in " \t\n;{}!,":
            at += 1
            continue
        address = _ADDRESS.match(script, at)
        if address and address.end() > at:
            at = address.end()
            continue
        at = _command(script, at, found)
    return found


def _command(script: str, at: int, found: SedEffects) -> int:
    """Reads the command at `at`; gives the index after it."""
    letter = script[at]
    newline = script.find("\n", at)
    line_end = len(script) if newline < 0 else newline
    if letter in "sy" and at + 1 < len(script):
        return _substitution(script, at, found)
    if letter == "e":
        found.runs.append(script[at + 1 : line_end].strip())
        return line_end
    if letter in "rR":
        found.reads.append(script[at + 1 : line_end].strip())
        return line_end
    if letter in "wW":
        found.writes.append(script[at + 1 : line_end].strip())
        return line_end
    if letter in "aic#":
        return line_end
    if letter in ":btT":
        end = re.compile(r"[;\n}]").search(script, at)
        return end.start() if end else len(script)
    return at + 1


def _substitution(script: str, at: int, found: SedEffects) -> int:
    delimiter = script[at + 1]
    parts: list[str] = []
    start = index = at + 2
    while index < len(script) and len(parts) < 2:
        if script[index] == "\\":
            index += 2
            continue
        if script[index] == delimiter:
            parts.append(script[start:index])
            start = index + 1
        index += 1
    flags = re.compile(r"[gpIiMm0-9]*(e?)[gpIiMm0-9e]*(?:w\s*(.*))?").match(script, min(index, len(script)))
    assert flags
    if script[at] == "s" and len(parts) == 2:
        if "e" in flags[0].split("w")[0]:
            found.runs.append(parts[1])
        if flags[2]:
            found.writes.append(flags[2].split("\n")[0].strip())
    return max(flags.end(), at + 1)
