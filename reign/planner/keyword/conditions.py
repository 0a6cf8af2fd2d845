"""Conditions and times: ``if it validates``, ``unless secrets are found``, ``once it is up``, ``after that``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from reign.planner.keyword import english, questions
from reign.planner.keyword.clauses import Clause, Role
from reign.planner.keyword.discourse import Discourse
from reign.planner.keyword.drafts import Draft
from reign.planner.keyword.frame import Match
from reign.planner.keyword.inflection import singular
from reign.planner.keyword.normalise import Shape, Token
from reign.planner.keyword.vocabulary import Head, Vocabulary

#: Said of a thing, these are an outcome; said of an address or a folder, a check.
_PLAIN_OUTCOME = english.WENT_WELL - {"validates", "validated", "valid", "answers", "responds", "healthy", "alive"}
_SMALL = english.ARTICLES | english.AUXILIARIES | english.PREPOSITIONS | english.POLITE | english.PRONOUNS | {"i", "we"}


class Reads(Protocol):
    """The part of Understanding that conditions need."""

    text: str
    vocabulary: Vocabulary

    def ranked(self, clause: Clause, discourse: Discourse, lent: Sequence[Sequence[Token]] = ()) -> list[Match]: ...


@dataclass
class Condition:
    """What must hold: that what came before went well (or wrong), or that a check passes (or fails)."""

    well: bool = True
    check: Match | None = None
    approval: bool = False
    tokens: list[Token] = field(default_factory=list)


def condition(
    clause: Clause,
    reader: Reads,
    discourse: Discourse,
    lent: Sequence[Sequence[Token]] = (),
    alone: bool = False,
    before: Sequence[Draft] = (),
) -> Condition:
    """Reads an if, unless, when or after. Raises NotUnderstood: a condition is never passed over.

    ``alone``: nothing was said before it whose outcome it could mean, so a check comes first. ``before``: the tasks
    whose outcome it could mean.
    """
    words = [token.word for token in clause.body]
    turned = clause.role is Role.UNLESS
    if any(word in english.APPROVAL for word in words):
        return Condition(approval=True, tokens=clause.body)
    if (ran := _command(clause, reader, discourse)) is not None:
        end = 1 if clause.body[0].shape is Shape.CODE else _bare(clause.body, reader)
        return Condition(well=_outcome(clause.body[end:], discourse) != turned, check=ran, tokens=clause.body)
    outcome = _outcome(clause.body, discourse)
    own = alone or any(word in english.ITS for word in words)  # "once its checks have passed": a check, if there is one
    pronoun = any(word in english.PRONOUNS for word in words)
    check = next((m for m in reader.ranked(clause, discourse, lent) if m.fits and m.stated), None)
    own = own or (check is not None and bool(before) and _is_apart(check, words, before))
    own = own or (check is not None and _names_its_own(check, clause.body, before) and _specific(words))
    if outcome is not None and not own and (not pronoun or not _specific(words)):
        return Condition(well=outcome != turned, tokens=clause.body)
    if check is not None:
        return Condition(well=check.positive != turned, check=check, tokens=clause.body)
    if outcome is not None:
        return Condition(well=outcome != turned, tokens=clause.body)
    said = questions.phrase(reader.text, clause.tokens)
    raise questions.ask(
        reader.text,
        f"the condition {clause.role.value} {said} is not understood",
        "what should be checked?",
        ["if it validates", "if http://127.0.0.1:8080/ answers", "if that fails"],
    )


def _command(clause: Clause, reader: Reads, discourse: Discourse) -> Match | None:
    """```npm test` succeeds``: a command that was not spoken of yet, to be run for how it ends."""
    first = clause.body[0] if clause.body else None
    if first is None or clause.head is not None:
        return None
    end = 1 if first.shape is Shape.CODE else _bare(clause.body, reader)
    if not end or len(clause.body) <= end or _outcome(clause.body[end:], discourse) is None:
        return None
    if first.shape is not Shape.CODE:
        last = clause.body[end - 1]
        first = Token(reader.text[first.start : last.end], first.start, last.end, Shape.CODE)
    if discourse.spoken_of(first.text):
        return None
    run = Head("run", (replace(first, text="run", end=first.start, shape=Shape.WORD),))
    ranked = reader.ranked(replace(clause, role=Role.DO, head=run, body=[first]), discourse)
    return next((match for match in ranked if match.fits), None)


def _bare(body: Sequence[Token], reader: Reads) -> int:
    """``if MAKE TEST fails``: where a command line without quotes ends, or 0 if none begins the words."""
    if body[0].word not in reader.vocabulary.programs:
        return 0
    ends = english.WENT_WELL | english.WENT_WRONG | english.AUXILIARIES | english.NEGATIONS
    return next((at for at in range(1, len(body)) if body[at].word in ends), 0)


def _is_apart(check: Match, words: Sequence[str], before: Sequence[Draft]) -> bool:
    """Whether a check is named that is none of the tasks before, of a thing that they do not name: ``apply ./x and undo
    the rollout of web if THE ROLLOUT fails``.
    """
    known = {noun for draft in before for noun in draft.entry.nouns}
    if not any((singular(word),) in check.entry.nouns - known for word in words if word in english.OUTCOME_NOUNS):
        return False
    ids = {draft.id for draft in before}
    meant = [entity for fill in check.fills.values() for entity in fill.entities if entity is not None]
    return bool(meant) and not any(entity.task in ids for entity in meant)


def _names_its_own(check: Match, body: Sequence[Token], before: Sequence[Draft]) -> bool:
    """``show ./a and ./b, and IF ./b IS VALID, ...``: a check of a value that is named, and none that was made."""
    named = any(token.shape is Shape.TYPED for token in body)
    return named and not any(draft.uses == check.operation for draft in before)


def _specific(words: Sequence[str]) -> bool:
    """Whether the predicate names a check of its own rather than any good end."""
    return not any(word in _PLAIN_OUTCOME or word in english.WENT_WRONG or word in english.FOUND for word in words)


def _outcome(body: Sequence[Token], discourse: Discourse) -> bool | None:
    """Whether the words say that what came before went well or wrong; None if they speak of something else."""
    well = wrong = found = some = False
    denied = 0
    for token in body:
        word = token.word
        if word in english.WENT_WRONG:
            wrong = True
        elif word in english.NEGATIONS:
            denied += 1
        elif word in english.FOUND:
            found = True
        elif word in english.WENT_WELL:
            well = True
        elif word in english.FINDINGS:
            some = True
        elif not _says_nothing(token, discourse):
            return None
    there = any(token.word == "there" for token in body)
    if some and (found or there):
        return denied % 2 == 1
    if (found or there) and denied:
        return True
    if wrong:
        return denied % 2 == 1
    if well:
        return denied % 2 == 0
    return None if denied or some or found else True


def _says_nothing(token: Token, discourse: Discourse) -> bool:
    word = token.word
    if token.shape is Shape.PUNCT or word in _SMALL or word in english.OUTCOME_NOUNS or word in english.DEFINITE:
        return True
    return discourse.spoken_of(token.text) or discourse.is_thing(singular(word))
