"""The parts of a clause around its verb: groups of words with the preposition that governs them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from reign.planner.keyword import english
from reign.planner.keyword.inflection import singular
from reign.planner.keyword.normalise import Shape, Token
from reign.planner.keyword.vocabulary import Vocabulary

_LONG_PREPOSITIONS: dict[str, list[tuple[str, ...]]] = {}
for _words in sorted(english.LONG_PREPOSITIONS, key=len, reverse=True):
    _LONG_PREPOSITIONS.setdefault(_words[0], []).append(_words)


_ENDS = english.PREPOSITIONS | english.POLITE | english.AND


@dataclass
class Mention:
    """``to workspace staging``: its preposition, its words, and whether it goes on a list ("web1, web2 and web3")."""

    preposition: str = ""
    tokens: list[Token] = field(default_factory=list)
    group: int = 0  # mentions of one list have the same
    joined: bool = False  # a further part of a list
    definite: bool = False
    indefinite: bool = False
    reference: Token | None = None  # a pronoun: "it", "both", "there"
    named: set[int] = field(default_factory=set)  # places in ``tokens`` right after "called"
    lent: bool = False  # said for several clauses at once, or in another one

    @property
    def empty(self) -> bool:
        return not self.tokens and self.reference is None


class _Reader:
    def __init__(self, tokens: Sequence[Token], vocabulary: Vocabulary, marks: Mapping[int, str], lent: bool) -> None:
        self.tokens = tokens
        self.vocabulary = vocabulary
        self.marks = marks
        self.lent = lent
        self.found: list[Mention] = []
        self.group = 1
        self.current = Mention(group=self.group, lent=lent)

    def read(self) -> list[Mention]:
        at = 0
        while at < len(self.tokens):
            at += self._step(at)
        self._close()
        return [mention for mention in self.found if not mention.empty]

    def _close(self, preposition: str = "", joined: bool = False) -> Mention:
        """Ends the present mention and begins another."""
        if not self.current.empty:
            self.found.append(self.current)
        if not joined:
            self.group += 1
        self.current = Mention(preposition=preposition, group=self.group, joined=joined, lent=self.lent)
        return self.current

    def _step(self, at: int) -> int:
        """Takes in what stands at ``at``; how many tokens that were."""
        token = self.tokens[at]
        word = token.word
        if at in self.marks:
            self._close(self.marks[at])
            return 1
        if token.text == ":" and token.shape is Shape.PUNCT:
            self._close()
            return 1
        if token.shape in (Shape.PUNCT, Shape.BREAK) or word in english.AND:
            preposition = self.current.preposition or (self.found[-1].preposition if self.found else "")
            self._close(preposition, joined=True)
            return 1
        for words in _LONG_PREPOSITIONS.get(word, ()):
            if tuple(t.word for t in self.tokens[at : at + len(words)]) == words:
                self._close(english.LONG_PREPOSITIONS[words])
                return len(words)
        if word in english.NAMING and self._names_noun(at):
            self.current.named.add(len(self.current.tokens))
            return 1
        if word in english.PREPOSITIONS and not self._is_name(at):
            self._close(word)
            return 1
        if word in english.ITS:
            preposition = self.current.preposition
            self._refer(token, "of")
            self._close(preposition).definite = True
            return 1
        if self._is_pronoun(at):
            self._refer(token, self.current.preposition)
            return 1
        if word in english.DEFINITE | english.ARTICLES and not self._is_letter(at):
            if self.current.tokens:
                self._close()
            self.current.definite = self.current.definite or word in english.DEFINITE
            self.current.indefinite = self.current.indefinite or word in english.INDEFINITE
            return 1
        if word in english.INDEFINITE and not self.current.tokens and not self._is_letter(at):
            self.current.indefinite = True
            return 1
        if token.shape is Shape.FLAG and self.current.tokens:
            self._close()
        self.current.tokens.append(token)
        if token.possessive:
            preposition = self.current.preposition
            self.current.preposition = "of"
            self._close(preposition).definite = True
        return 1

    def _refer(self, token: Token, preposition: str) -> None:
        if not self.current.empty:
            self._close()
        self.current.preposition = preposition
        self.current.reference = token
        self._close()

    def _names_noun(self, at: int) -> bool:
        """Whether "called" belongs to a noun right before it: ``a network called x``, not ``nginx:1.27 called x``."""
        tokens = self.current.tokens
        if not tokens or self.current.named:
            return False
        noun = self.vocabulary.close_noun(tokens[-1].word) or singular(tokens[-1].word)
        return (noun,) in self.vocabulary.nouns

    def _is_letter(self, at: int) -> bool:
        """Whether an article is a name: ``containers a, b and c``."""
        if self.tokens[at].word != "a":
            return False
        if at + 1 == len(self.tokens):
            return at > 0 and (self.tokens[at - 1].word in english.AND | {"as"} or self.tokens[at - 1].text == ",")
        called = at > 0 and self.tokens[at - 1].word in english.NAMING | {"as"}
        if called and self.tokens[at + 1].word in english.PREPOSITIONS:
            return True  # "as a on port 81"
        following = self.tokens[at + 1]  # right behind it, for a verb may have been taken out
        near = following.start <= self.tokens[at].end + 1
        one = following.shape is Shape.WORD and len(following.text) == 1  # "with arguments a b c"
        return near and (one or following.shape is Shape.PUNCT or following.word in english.AND)

    def _is_name(self, at: int) -> bool:
        """Whether a preposition is what something is called: ``a branch called about``."""
        return len(self.current.tokens) in self.current.named and bool(self.current.tokens)

    def _is_pronoun(self, at: int) -> bool:
        word = self.tokens[at].word
        if word not in english.PRONOUNS:
            return False
        if at == 0 and word in ("that", "there") and len(self.tokens) > 1:
            return False  # "check that ...", "are there any ...?"
        if word == "both" and at + 1 < len(self.tokens) and self._plural_alone(at + 1):
            return True  # "wait for both rollouts"
        if word in ("that", "this", "these", "those", "both") and at + 1 < len(self.tokens):
            following = self.tokens[at + 1]
            if following.shape in (Shape.WORD, Shape.TYPED, Shape.NUMBER, Shape.QUOTED):
                ends = english.PREPOSITIONS | english.AND | english.AUXILIARIES | english.POLITE
                return following.word in ends and following.word != ""
        if word in ("there", "here"):
            around = {self.tokens[i].word for i in (at - 1, at + 1) if 0 <= i < len(self.tokens)}
            return not around & {"is", "are", "be", "was", "were"}
        return True

    def _plural_alone(self, at: int) -> bool:
        """Whether a noun in the plural stands here and ends its mention."""
        token = self.tokens[at]
        behind = self.tokens[at + 1] if at + 1 < len(self.tokens) else None
        ends = behind is None or behind.shape is Shape.PUNCT or behind.word in _ENDS
        plural = token.shape is Shape.WORD and singular(token.word) != token.word
        return ends and plural and self.vocabulary.is_noun(token)


def mentions(
    tokens: Sequence[Token], vocabulary: Vocabulary, marks: Mapping[int, str] | None = None, lent: bool = False
) -> list[Mention]:
    """The mentions in a clause's words; ``marks`` are places where a predicate stands, which governs what follows."""
    return _Reader(tokens, vocabulary, marks or {}, lent).read()
