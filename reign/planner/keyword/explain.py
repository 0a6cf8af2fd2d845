"""Which words of a request led to what, for ``--explain``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reign.planner.keyword.normalise import Token
from reign.planner.protocol import Note, Proposal


def notes(text: str, read: Iterable[tuple[Token, str]]) -> tuple[Note, ...]:
    """One note for each run of neighbouring words with the same meaning, in the order of the text."""
    found: list[Note] = []
    seen: set[tuple[int, int, str]] = set()
    for token, meaning in sorted(read, key=lambda pair: (pair[0].start, pair[1])):
        if (token.start, token.end, meaning) in seen:
            continue
        seen.add((token.start, token.end, meaning))
        last = found[-1] if found else None
        if last is not None and last.meaning == meaning and not text[last.end : token.start].strip():
            found[-1] = Note(last.start, token.end, text[last.start : token.end], meaning)
        else:
            found.append(Note(token.start, token.end, text[token.start : token.end], meaning))
    return tuple(found)


def lines(proposal: Proposal) -> Iterator[str]:
    """The explanation as lines of two columns: the words, and what they became."""
    width = max((len(_one_line(note.text)) for note in proposal.explanation), default=0)
    for note in proposal.explanation:
        yield f"{_one_line(note.text):<{min(width, 40)}}  {note.meaning}"
    for warning in proposal.warnings:
        yield f"note: {warning}"


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 40 else line[:37] + "..."
