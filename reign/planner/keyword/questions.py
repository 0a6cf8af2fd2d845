"""What is said when a request is not understood: what is missing, what might be meant, how to say it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rapidfuzz import process

from reign.core.errors import NotUnderstood
from reign.planner.keyword.frame import Match
from reign.planner.keyword.normalise import Token
from reign.planner.keyword.vocabulary import Entry, Vocabulary

_SHOWN = 5
_LONGEST = 60  # characters of the request that an error repeats


def quoted(text: str) -> str:
    """A piece of the request on one line, cut where it is long."""
    line = " ".join(text.split())
    return repr(line if len(line) <= _LONGEST else line[: _LONGEST - 3] + "...")


def phrase(text: str, tokens: Sequence[Token]) -> str:
    """The request's own words from the first to the last of the tokens, quoted."""
    if not tokens:
        return quoted(text)
    return quoted(text[min(t.start for t in tokens) : max(t.end for t in tokens)])


def examples(entries: Iterable[Entry]) -> list[str]:
    """One example for each operation, the first few."""
    found: dict[str, str] = {}
    for entry in entries:
        example = next((phrase.example for phrase in (entry.phrase, *entry.spec.phrases) if phrase.example), "")
        if example:
            found.setdefault(entry.operation, example)
    return list(found.values())[:_SHOWN]


def suggestions(text: str, vocabulary: Vocabulary) -> list[str]:
    """Examples of requests that are most like this one."""
    every = [entry.phrase.example for entry in vocabulary.entries if entry.phrase.example]
    close = process.extract(text[:200], every, limit=_SHOWN, score_cutoff=45)
    return [found[0] for found in close] or every[:: max(len(every) // _SHOWN, 1)][:_SHOWN]


def not_understood(text: str, what: str, choices: Sequence[str]) -> NotUnderstood:
    """Nothing known fits the words."""
    hint = f"for example: {choices[0]!r}" if choices else "see `reign operations`"
    return NotUnderstood(
        f"{what} is not understood",
        hint=hint,
        details={"request": text[:1000], "question": "what should be done?", "suggestions": list(choices)},
    )


def off_topic(text: str, what: str, vocabulary: Vocabulary) -> NotUnderstood:
    """Nothing of it is known to any operation: what can be asked, one example for each agent."""
    common = sorted((e for e in vocabulary.entries if e.phrase.example), key=lambda e: -e.phrase.weight)
    found: dict[str, str] = {}
    for entry in common:
        found.setdefault(entry.agent, entry.phrase.example)
    shown = "; or ".join(repr(example) for example in list(found.values())[:3])
    return NotUnderstood(
        f"{what} is not understood: nothing in it is known to {_listed(sorted(found))}",
        hint=f"it can be asked: {shown}; `reign operations` shows all that can be done",
        details={"request": text[:1000], "question": "what should be done?", "suggestions": list(found.values())},
    )


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}" if len(names) > 1 else "".join(names)


def ask(text: str, message: str, question: str, choices: Sequence[str], **more: object) -> NotUnderstood:
    """Something is missing or open: the question, and what could be answered."""
    hint = f"for example: {choices[0]!r}" if len(choices) == 1 else "; or ".join(repr(c) for c in choices[:3])
    return NotUnderstood(
        f"{message}: {question}",
        hint=hint or None,
        details={"request": text[:1000], "question": question, "choices": list(choices), **more},
    )


def about(text: str, match: Match, rivals: Sequence[Match]) -> NotUnderstood:
    """Why the best match will not do."""
    said = phrase(text, match.clause.tokens)
    others = examples(m.entry for m in [match, *rivals])
    own = others[:1]
    if match.unresolved:
        word = phrase(text, match.unresolved[:1])
        return ask(text, said, f"what does {word} mean?", own or others, operation=match.operation)
    if match.unexplained:
        words = phrase(text, match.unexplained[:1])
        question = f"what does {words} mean for {match.operation}?"
        return ask(text, said, question, own, operation=match.operation, unexplained=words)
    if match.missing:
        slot = match.missing[0]
        question = slot.ask or f"which {slot.inputs[-1].replace('_', ' ')}?"
        choices = others if len(match.missing) > 1 or len(rivals) > 1 else own
        return ask(text, said, question, choices, operation=match.operation, missing=list(slot.inputs))
    question = "what is it: an image, a container, a command?"
    return ask(text, said, question, others, operation=match.operation)


def ambiguous(text: str, matches: Sequence[Match]) -> NotUnderstood:
    """Two operations fit equally well."""
    said = phrase(text, matches[0].clause.tokens)
    names = list(dict.fromkeys(match.operation for match in matches))
    question = " or ".join(names[:4]) + "?"
    return ask(text, said + " can mean several things", question, examples(m.entry for m in matches), operations=names)
