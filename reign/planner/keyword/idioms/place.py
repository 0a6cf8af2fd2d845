"""Where an idiom may begin, and what is read there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from reign.planner.keyword.normalise import Shape, Token
from reign.planner.keyword.vocabulary import Vocabulary


class Reading(NamedTuple):
    """What stands for the words from a place up to ``end``, and for so many of the tokens made before it."""

    made: Sequence[Token]
    end: int
    back: int = 0


@dataclass(frozen=True)
class Place:
    """Where an idiom may begin: the tokens as they came, those made of what stands before, and the vocabulary."""

    tokens: Sequence[Token]
    at: int
    before: Sequence[Token]
    vocabulary: Vocabulary

    @cached_property
    def words(self) -> tuple[str, ...]:
        return tuple(token.word for token in self.tokens[self.at : self.at + 8])

    def word(self, text: str, length: int, shape: Shape = Shape.WORD) -> Token:
        """A token that stands for the next ``length`` ones."""
        return as_word(text, self.tokens, self.at, self.at + length, shape)


def as_word(text: str, tokens: Sequence[Token], at: int, end: int, shape: Shape = Shape.WORD) -> Token:
    return Token(text, tokens[at].start, tokens[end - 1].end, shape)
