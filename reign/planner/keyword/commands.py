"""Command lines in a sentence: ``run `df -h```, ``run make test in ./app``, ``start ./server.py on port 9000``."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass

from reign.core.lexicon import ANY_PROGRAM, Kind
from reign.planner.keyword import english, values
from reign.planner.keyword.inflection import singular
from reign.planner.keyword.normalise import Shape, Token
from reign.planner.keyword.vocabulary import Entry

_BEFORE = english.ARTICLES | english.POLITE | {"command", "commands", "following", "program", "shell", "bash"}


@dataclass(frozen=True)
class Line:
    text: str
    tokens: tuple[Token, ...]
    quoted: bool = False


def command_lines(
    text: str,
    body: Sequence[Token],
    entry: Entry,
    index: int,
    tools: Container[tuple[str, ...]],
    programs: Container[str],
) -> Iterator[Line]:
    """The command lines that stand as the object of the verb; ``index`` is the slot that they are for,
    ``programs`` all that any phrase knows.
    """
    after = entry.slots[index].after
    at = 0
    while at < len(body):
        token = body[at]
        if _belongs_elsewhere(body, at, entry, index):
            at += 1
            continue
        quoted = token.shape is Shape.CODE or (token.shape is Shape.QUOTED and _is_object(body, at, after, entry))
        if quoted:
            yield Line(token.text, (token,), quoted=True)
            at += 1
        elif entry.phrase.programs and _is_object(body, at, after, entry) and _is_program(body, at, entry, programs):
            end = _end(body, at, entry)
            if end == at + 1 and (singular(token.word),) in tools:
                at = end  # "run docker" names a tool, and no command
                continue
            yield Line(text[token.start : body[end - 1].end], tuple(body[at:end]))
            at = end
        else:
            at += 1


def _belongs_elsewhere(body: Sequence[Token], at: int, entry: Entry, index: int) -> bool:
    """Whether words before a command give it to another slot: ``undone by `rm a```."""
    said = english.LONG_PREPOSITIONS.get(tuple(token.word for token in body[max(at - 2, 0) : at]))
    return any(said in slot.after for number, slot in enumerate(entry.slots) if said and number != index)


def _is_object(body: Sequence[Token], at: int, after: Sequence[str], entry: Entry) -> bool:
    """Whether what stands here is the verb's object or goes on its list: only small words and commands before it."""
    before = [t for t in body[:at] if t.word not in _BEFORE and t.text != "," and t.shape is not Shape.FLAG]
    if not before:
        return True
    last = before[-1]
    if ANY_PROGRAM in entry.phrase.programs and all((t.word,) in entry.cues for t in before[:-1]):
        return last.word not in english.PREPOSITIONS  # "docker exec db psql -l"
    return last.word in english.AND or last.word in after or (at > 0 and body[at - 1].text == "," and at > 1)


def _is_program(body: Sequence[Token], at: int, entry: Entry, programs: Container[str]) -> bool:
    token = body[at]
    if token.shape not in (Shape.WORD, Shape.TYPED):
        return False
    if token.text in entry.phrase.programs:
        return True
    if ANY_PROGRAM in entry.phrase.programs:
        flag = at + 1 < len(body) and body[at + 1].shape is Shape.FLAG
        return token.text in programs or (flag and token.shape is Shape.WORD)
    return token.shape is Shape.TYPED and token.text.startswith(("./", "/", "../")) and not token.text.endswith("/")


def _end(body: Sequence[Token], at: int, entry: Entry) -> int:
    """Where a bare command line ends: before a list goes on, or where a preposition begins another input."""
    end = at + 1
    while end < len(body):
        token = body[end]
        following = body[end + 1] if end + 1 < len(body) else None
        if token.shape in (Shape.PUNCT, Shape.BREAK) or token.word in english.AND:
            break
        if token.word in english.PREPOSITIONS and following is not None and _other_input(token, body, end, entry):
            break
        end += 1
    return end


def _other_input(preposition: Token, body: Sequence[Token], at: int, entry: Entry) -> bool:
    """Whether the preposition at ``at`` leads to another slot of the phrase rather than into the command."""
    rest = [token for token in body[at + 1 : at + 4] if token.word not in english.ARTICLES]
    if not rest:
        return False
    for slot in entry.slots:
        if any((word.word,) == tuple(label.split()) for label in slot.labels for word in rest[:1]):
            return True
        if preposition.word not in slot.after:
            continue
        if slot.kind is Kind.CHOICE and rest[0].word in slot.choices:
            return True
        reading = values.read(slot.kind, rest[0])
        if reading is not None and (reading.strength >= 2 or preposition.word in ("as", "called", "named")):
            return True
    return preposition.word in ("as", "called", "named")
