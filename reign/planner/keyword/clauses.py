"""A clause: what is to be done, under which condition, in which order, or what is not to be done."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from reign.planner.keyword.normalise import Token
from reign.planner.keyword.vocabulary import Head


class Role(StrEnum):
    DO = "do"
    IF = "if"
    UNLESS = "unless"
    AFTER = "after"
    BEFORE = "before"
    WHILE = "while"
    WITHOUT = "without"
    BECAUSE = "because"
    ASIDE = "aside"  # "..., it hangs again": tells how things are
    LEAD = "lead"  # "in namespace shop, ...": holds for the clauses that follow in its sentence


class Join(StrEnum):
    """How a clause follows the one before it."""

    START = "start"
    AND = "and"
    THEN = "then"
    LAST = "last"
    FIRST = "first"
    BEFORE_PREVIOUS = "before that"
    OTHERWISE = "otherwise"


@dataclass
class Clause:
    role: Role = Role.DO
    join: Join = Join.AND
    head: Head | None = None
    body: list[Token] = field(default_factory=list)
    sentence: int = 0
    negated: bool = False
    together: bool = False  # at the same time as what it is joined to
    one_by_one: bool = False  # the parts of its list one after the other
    copied: bool = False  # its verb is that of the clause before: "restart web, then api"
    question: bool = False
    headed: bool = False  # a colon stands before it
    first: bool = False  # of the request
    separated: bool = False  # a comma, an "and" or the start of a sentence stands before it

    @property
    def tokens(self) -> list[Token]:
        """All of its words, in order."""
        return sorted({*(self.head.tokens if self.head else ()), *self.body}, key=lambda token: token.start)

    @property
    def lemma(self) -> str:
        return self.head.lemma if self.head else ""
