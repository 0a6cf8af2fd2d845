"""A phrase being fitted to a clause: what its slots hold so far, and which words that explains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from reign.core.lexicon import CHECK, WAIT, Kind, Slot
from reign.planner.keyword import english, values
from reign.planner.keyword.clauses import Clause, Role
from reign.planner.keyword.discourse import Discourse, Entity
from reign.planner.keyword.inflection import singular
from reign.planner.keyword.mentions import Mention
from reign.planner.keyword.normalise import Shape, Token
from reign.planner.keyword.vocabulary import Entry, Vocabulary

#: Kinds that only a name is: a label of such a slot tells what the clause is about.
NAMING = frozenset({Kind.NAME, Kind.REF, Kind.NUMBER})
#: Slots of these kinds take any number of values, joined or not.
_GATHERING = frozenset({Kind.PUBLISH, Kind.PAIRS, Kind.SETTINGS, Kind.MOUNT, Kind.ARGUMENTS})
#: Words that have their place in every sentence, and so are no names even behind a label.
_SMALL = (
    *(english.PLACED, english.POLITE, english.LIMITING, english.QUANTIFIERS, english.AUXILIARIES, english.PRONOUNS),
)
_SHORT = frozenset(english.SHORT.values()) - {"config", "tf"}
_ADVERBS = ("ally", "ively", "ately", "arily", "ently", "antly", "edly", "ously", "fully", "ably")


@dataclass
class Fill:
    """What a slot got, and from which words."""

    values: list[Any] = field(default_factory=list)
    tokens: list[Token] = field(default_factory=list)
    entities: list[Entity | None] = field(default_factory=list)
    groups: set[int] = field(default_factory=set)  # the lists that its values are from
    places: list[int] = field(default_factory=list)  # where in the text each value stands
    new: bool = False  # spoken of as something yet to be made: "a network called x"

    def in_order(self) -> None:
        """Sorts the values as they stand in the text: a label may have taken the last of a list first."""
        order = sorted(range(len(self.values)), key=self.places.__getitem__)
        self.values = [self.values[i] for i in order]
        self.entities = [self.entities[i] for i in order]


@dataclass
class Match:
    """How well a phrase fits a clause."""

    entry: Entry
    clause: Clause
    score: float = 0.0
    fills: dict[int, Fill] = field(default_factory=dict)
    used: set[Token] = field(default_factory=set)
    notes: list[tuple[Token, str]] = field(default_factory=list)  # word -> what it was taken for
    missing: list[Slot] = field(default_factory=list)
    unexplained: list[Token] = field(default_factory=list)  # values and words that matter, and fit nowhere
    passed_over: list[Token] = field(default_factory=list)  # words without which the meaning is the same
    unresolved: list[Token] = field(default_factory=list)  # pronouns that mean nothing said so far
    unsure: bool = False  # its object is a bare word that nothing shows to be such a thing
    positive: bool = True  # of a statement: it says that the check passes
    stated: bool = False  # one of the phrase's states was said

    @property
    def fits(self) -> bool:
        return not (self.missing or self.unexplained or self.unresolved or self.unsure)

    @property
    def operation(self) -> str:
        return self.entry.operation

    def speaks_of_later(self, earlier: Match) -> bool:
        """Whether only pronouns are open, and the earlier match makes something that they can mean."""
        if self.unexplained or self.unsure or not self.unresolved:
            return False
        given = {gives.thing for gives in earlier.entry.phrase.gives}
        wanted = {thing for slot in self.entry.slots for thing in slot.things}
        return bool(given & wanted) and all(given & set(slot.things) for slot in self.missing)

    def filled(self) -> set[str]:
        return {name for index in self.fills for name in self.entry.slots[index].inputs}


@dataclass
class Piece:
    """A word of a mention, and what the phrase knows it as."""

    token: Token
    label: tuple[int, ...] = ()  # the slots that it names
    length: int = 1
    known: bool = False  # label, noun, cue, choice or filler: not a value
    named: bool = False  # right after "called"
    tool: bool = False  # a tool's name that speaks for other operations
    choice: tuple[int, object] | None = None  # a value of a slot, by itself
    words: tuple[Token, ...] = ()  # that say the label or choice
    took: int | None = None  # the slot that this label found a value for


class Frame:
    """The work on one match: its parts fill slots, take notes and gather evidence here."""

    def __init__(
        self, entry: Entry, clause: Clause, discourse: Discourse, vocabulary: Vocabulary, spelling: dict[str, str]
    ) -> None:
        self.entry = entry
        self.slots = entry.slots
        self.clause = clause
        self.discourse = discourse
        self.vocabulary = vocabulary
        self.spelling = spelling  # words in the singular, misspelt nouns set right
        self.result = Match(entry, clause)
        self.mentions: list[Mention] = []
        self._pieces: dict[int, list[Piece]] = {}
        self.evidence = False  # something besides the verb says what the clause is about
        self.spoken = not entry.about  # what the phrase is about was said
        self.plurals: set[tuple[int, int]] = set()  # list, and the slot that a label in the plural at its end names
        self.alone: list[tuple[Piece, Mention]] = []  # labels without a value

    # --- words

    def word(self, token: Token) -> str:
        """A word in the singular, a misspelt noun set right."""
        word = token.word
        if token.shape is not Shape.WORD:
            return word
        if word not in self.spelling:
            self.spelling[word] = self.vocabulary.close_noun(word) or singular(word)
        return self.spelling[word]

    def pieces(self, mention: Mention) -> list[Piece]:
        return self._pieces[id(mention)]

    def set_pieces(self, mention: Mention, pieces: list[Piece]) -> None:
        self._pieces[id(mention)] = pieces

    def note(self, tokens: Sequence[Token], meaning: str | None = None) -> None:
        """Marks words as explained."""
        for token in tokens:
            if token not in self.result.used:
                self.result.used.add(token)
                self.result.notes.append((token, meaning or self.entry.operation))

    def prove(self, tokens: Sequence[Token], score: float) -> None:
        """Takes words as evidence of what the clause is about; a second noun adds nothing to the score."""
        if (not self.evidence or score < 6) and not set(tokens) <= self.result.used:
            self.result.score += score
        self.evidence = True
        self.note(tokens)

    @staticmethod
    def is_adverb(token: Token) -> bool:
        return token.shape is Shape.WORD and token.word.endswith(_ADVERBS)

    def is_small(self, token: Token) -> bool:
        known = token.shape is Shape.WORD and any(token.word in words for words in _SMALL)
        return known or self.is_adverb(token)

    def is_vague(self, token: Token) -> bool:
        """Whether a bare word names nothing in particular."""
        if token.text.isupper() and len(token.text) > 1:
            return False  # "the file VERSION"
        if self.vocabulary.is_participle(token.word) or token.word in english.WENT_WRONG - {"red"}:
            return True  # "it must be stopped and REMOVED", "pods that CRASH"
        if self._is_activity(token):
            return True
        return token.shape is Shape.WORD and (
            any(token.word in words for words in (english.VAGUE, english.KINDS, _SHORT)) or self.is_small(token)
        )

    def _is_activity(self, token: Token) -> bool:
        """``stop WORRYING``: right behind a verb that also governs what somebody does, where nothing says otherwise."""
        body = self.clause.body
        if self.clause.lemma not in english.ASPECT or not body or body[0] is not token or len(body) > 1:
            return False
        known = any(self.discourse.known(slot.things, token.text) for slot in self.slots if slot.things)
        return (
            token.shape is Shape.WORD and token.word.endswith("ing") and token.word not in english.TRADES and not known
        )

    def is_light(self, token: Token) -> bool:
        """Whether it is the verb of a clause that says its action as a noun: "web NEEDS a restart"."""
        return self.clause.head is None and self.vocabulary.is_light(token.word)

    def is_predicate(self, token: Token) -> bool:
        """Whether a bare word says how something is rather than what it is called: "make sure namespace x EXISTS"."""
        checks = self.clause.lemma in CHECK or self.clause.lemma in WAIT or self.clause.role is not Role.DO
        return checks and token.shape is Shape.WORD and token.word in english.WENT_WELL | english.WENT_WRONG

    def labels_other(self, mention: Mention, piece: Piece) -> bool:
        """Whether a word is another operation's noun with a value of its own beside it: ``volume`` in "volume data"."""
        if (self.word(piece.token),) not in self.vocabulary.nouns:
            return False
        return any(not other.known for other in self.pieces(mention) if other is not piece)

    # --- slots

    def read(self, slot: Slot, token: Token) -> values.Reading | None:
        """The token as a value of the slot; ``deployment/web`` is a name with its label."""
        if slot.kind in (Kind.NAME, Kind.REF) and token.shape is Shape.TYPED:
            prefix, slash, rest = token.text.partition("/")
            key = (singular(prefix.lower()),)
            if slash and rest and "/" not in rest and key in self.entry.labels:
                choice = self.entry.choices.get(key)
                if choice is not None and choice[0] not in self.result.fills:
                    self.fill(choice[0], choice[1], [token], 0, score=0)
                self.evidence = True
                return values.Reading(rest, 3)
        return None if slot.kind is Kind.ARGUMENTS else values.read(slot.kind, token)

    def is_open(self, index: int, mention: Mention) -> bool:
        """Whether the slot may take a value from this mention: it is free, gathers, or the value goes on its list."""
        slot = self.slots[index]
        fill = self.result.fills.get(index)
        if slot.kind in _GATHERING:
            return True
        if fill is None:
            return slot.kind is Kind.INNER or not (set(slot.inputs) & self.result.filled())
        return mention.joined and mention.group in fill.groups

    def fill(
        self,
        index: int,
        value: Any,
        tokens: Sequence[Token],
        group: int,
        score: float,
        entity: Entity | None = None,
    ) -> None:
        """Puts a value into a slot; only the first of a list counts for the score."""
        fill = self.result.fills.setdefault(index, Fill())
        slot = self.slots[index]
        known = entity or (self.discourse.known(slot.things, value) if slot.things and not fill.new else None)
        fill.values.append(value)
        fill.tokens += tokens
        fill.entities.append(known)
        fill.groups.add(group)
        fill.places.append(tokens[-1].start if tokens else fill.places[-1] if fill.places else 0)
        if len(fill.values) == 1:
            self.result.score += score
        if known is not None and tokens and slot.bare and slot.kind in NAMING:
            self.evidence = True
            self.result.score += 3
        self.note(tokens, f"{self.entry.operation} {'/'.join(slot.inputs)}")
