"""What a request says about the plan as a whole: its environment, and what happens when something fails."""

from __future__ import annotations

import re
from collections.abc import Sequence

from reign.planner.keyword import english
from reign.planner.keyword.clauses import Clause
from reign.planner.keyword.normalise import Shape, Token

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_WORDS = frozenset({"environment", "env"})
_NO_OBJECT = (
    *(english.POLITE, english.PRONOUNS, english.QUANTIFIERS, english.VAGUE, english.ARTICLES, english.APPROVAL),
    frozenset({"here", "with", "going", "on", "changes", "back", "for", "before"}),
)
_NOT_NAMES = frozenset({"variable", "variables", "is", "in", "to", "with", "and", "same", "this", "my", "our", "whole"})


def environment(tokens: Sequence[Token]) -> tuple[str | None, list[Token], list[Token]]:
    """``in the staging environment``: its name, the tokens without these words, and these words."""
    for at, token in enumerate(tokens):
        if token.word not in _WORDS:
            continue
        for name_at, begin, end in ((at - 1, at - 1, at + 1), (at + 1, at, at + 2)):
            if not 0 <= name_at < len(tokens) or not _is_name(tokens, name_at):
                continue
            if begin > 0 and tokens[begin - 1].word == "the":
                begin -= 1
            if begin > 0 and tokens[begin - 1].word in ("in", "on", "to", "for", "into", "of"):
                begin -= 1
            elif name_at < at:
                continue  # "a clean environment" names none
            taken = list(tokens[begin:end])
            return tokens[name_at].text.lower(), [*tokens[:begin], *tokens[end:]], taken
    return None, list(tokens), []


def _is_name(tokens: Sequence[Token], at: int) -> bool:
    token = tokens[at]
    if token.shape is Shape.QUOTED:
        return bool(_NAME.fullmatch(token.text))
    small = english.ARTICLES | english.PREPOSITIONS | english.POLITE | english.PRONOUNS | _NOT_NAMES
    return token.shape in (Shape.WORD, Shape.TYPED) and token.word not in small and bool(_NAME.fullmatch(token.word))


def without_object(clause: Clause) -> bool:
    """Whether the clause names nothing: "roll everything back", "stop", "undo it all"."""
    return all(
        token.shape in (Shape.PUNCT, Shape.WORD)
        and (not token.word or any(token.word in words for words in _NO_OBJECT))
        for token in clause.body
    )
