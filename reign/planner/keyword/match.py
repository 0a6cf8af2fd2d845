"""One clause against one phrase: which words fill which slot, what is missing, what is left unexplained."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from reign.core.lexicon import CHECK, WAIT, Kind, Slot
from reign.planner.keyword import english, values
from reign.planner.keyword.clauses import Clause, Role
from reign.planner.keyword.commands import command_lines
from reign.planner.keyword.discourse import Discourse, Entity
from reign.planner.keyword.inflection import singular
from reign.planner.keyword.mentions import Mention, mentions
from reign.planner.keyword.normalise import Shape, Token, tokenise
from reign.planner.keyword.vocabulary import Entry, Vocabulary, Words

#: Kinds that only a name is: a label of such a slot tells what the clause is about.
NAMING = frozenset({Kind.NAME, Kind.REF, Kind.NUMBER})
#: Slots of these kinds take any number of values, joined or not.
_GATHERING = frozenset({Kind.PUBLISH, Kind.PAIRS, Kind.SETTINGS, Kind.MOUNT, Kind.ARGUMENTS})
_SHAPED = frozenset(
    {Kind.URL, Kind.REPO, Kind.PAIRS, Kind.SETTINGS, Kind.ADDRESS, Kind.IMAGE, Kind.PUBLISH, Kind.MOUNT}
)
_CALLED = frozenset({"called", "named", "titled", "entitled"})
_NAMING_WORDS = _CALLED | {"as"}
_NEVER_NAMES = (
    english.PRONOUNS | english.QUANTIFIERS | {"usual", "same", "well", "possible", "needed", "follows", "one"}
)
_NO_CONTENT = (
    *(english.ARTICLES, english.PREPOSITIONS, english.POLITE, english.AND, english.PLACED, english.ADJECTIVES),
)


@dataclass
class Fill:
    """What a slot got, and from which words."""

    values: list[Any] = field(default_factory=list)
    tokens: list[Token] = field(default_factory=list)
    entities: list[Entity | None] = field(default_factory=list)
    groups: list[int] = field(default_factory=list)
    new: bool = False  # spoken of as something yet to be made: "a network called x"

    def add(self, value: Any, tokens: Sequence[Token], group: int, entity: Entity | None = None) -> None:
        self.values.append(value)
        self.tokens += tokens
        self.entities.append(entity)
        self.groups.append(group)


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

    def filled(self) -> set[str]:
        return {name for index in self.fills for name in self.entry.slots[index].inputs}


@dataclass
class _Piece:
    """A word of a mention, and what the phrase knows it as."""

    token: Token
    label: tuple[int, ...] = ()
    length: int = 1
    known: bool = False  # label, noun, cue, choice or filler: not a value
    named: bool = False  # right after "called"
    choice: tuple[int, object] | None = None  # a value of a slot, by itself
    words: tuple[Token, ...] = ()  # that say the choice
    took: int | None = None  # the slot that this label found a value for


class Matcher:
    """Matches the clauses of one request, whose ``text`` the tokens point into."""

    def __init__(self, vocabulary: Vocabulary, text: str) -> None:
        self.vocabulary = vocabulary
        self.text = text
        self.spelling: dict[str, str] = {}  # misspelt nouns -> how they were read
        self.excused: set[Token] = set()  # words that another clause has explained already

    def match(
        self, entry: Entry, clause: Clause, discourse: Discourse, lent: Sequence[Sequence[Token]] = ()
    ) -> Match | None:
        """How ``entry`` fits, or None if it is out of the question. ``lent``: words said elsewhere that may count."""
        return _Matching(self, entry, clause, discourse, lent).run()

    def word(self, token: Token) -> str:
        """A word in the singular, a misspelt noun set right."""
        word = token.word
        if token.shape is not Shape.WORD:
            return word
        if word not in self.spelling:
            self.spelling[word] = self.vocabulary.close_noun(word) or singular(word)
        return self.spelling[word]


class _Matching:
    def __init__(
        self, matcher: Matcher, entry: Entry, clause: Clause, discourse: Discourse, lent: Sequence[Sequence[Token]]
    ) -> None:
        self.matcher = matcher
        self.entry = entry
        self.clause = clause
        self.discourse = discourse
        self.result = Match(entry, clause)
        self.lent_tokens = lent
        self.pieces: dict[int, list[_Piece]] = {}
        self.evidence = False  # something besides the verb says what the clause is about
        self.shaped = False  # an input that looks like nothing else
        self.nominal: set[Token] = set()
        self.alone: list[tuple[_Piece, Mention, list[Token]]] = []  # labels without a value
        self.spoken = not entry.about  # whether what the phrase is about was said

    def run(self) -> Match | None:
        if not self._verb() or not self._state():
            return None
        found = mentions(self.body, self.matcher.vocabulary, self.marks)
        for group, tokens in enumerate(self.lent_tokens, 1):
            lent = mentions(tokens, self.matcher.vocabulary, lent=True)
            for mention in lent:
                mention.group += 1000 * group
            found += lent
        self.mentions = found
        verb_end = self.clause.head.tokens[0].start if self.clause.head else 0
        self.behind_verb = [token for token in self.body if token.start >= verb_end]
        self._take_commands()
        for mention in found:
            self._read_words(mention)
        self._take_labels()
        self._take_choices()
        self._take_references(first=True)
        self._take_values()
        for piece, mention, words in self.alone:
            self._label_alone(piece, mention, words)
        self._take_references()
        self._take_what_was_left_out()
        if not self._about():
            return None
        self._leftovers()
        self._judge()
        return self.result

    # --- verb and predicate

    def _verb(self) -> bool:
        """Finds what the clause has of the phrase's verbs; scores it."""
        clause, entry, result = self.clause, self.entry, self.result
        self.body = list(clause.body)
        head = clause.head
        if head is not None and head.lemma in entry.phrase.verbs:
            result.score += 10 if head.read_as is None else 8
            self._note(head.tokens, entry.operation)
            self.spoken = self.spoken or any((word,) in entry.about for word in head.lemma.split())
            return True
        if head is not None and head.lemma not in english.LIGHT:
            return False
        if head is None and self._longest_state()[1] is not None:
            return True
        for verb, start, end in self.matcher.vocabulary.nominals(self.body):
            if verb in entry.phrase.verbs:
                result.score += 9
                self.nominal = set(self.body[start:end])
                self._note([*(head.tokens if head else ()), *self.body[start:end]], entry.operation)
                del self.body[start:end]
                return True
        return False

    def _state(self) -> bool:
        """Finds the predicate of a statement, and whether it is denied."""
        entry, clause = self.entry, self.clause
        self.marks: dict[int, str] = {}
        if not (entry.states or entry.fails):
            return True
        at, state = self._longest_state()
        statement = clause.lemma not in entry.phrase.verbs or clause.question
        if state is None:
            return not (entry.phrase.state_needed or (statement and not self.nominal))
        denials = [t for t in self.body if t.word in english.NEGATIONS]
        self.result.positive = (state in entry.states) == (len(denials) % 2 == 0)
        if not self.result.positive and clause.role is Role.DO:
            if statement or clause.lemma in CHECK:
                return False
            self.result.positive = True
            return True
        self.result.stated = True
        self.marks[at] = state[0]
        for offset in range(1, len(state)):
            self.marks[at + offset] = state[0]
        self._note([*self.body[at : at + len(state)], *denials], entry.operation)
        self.result.score += 5 + len(state)
        return True

    def _longest_state(self) -> tuple[int, Words | None]:
        best: tuple[int, Words | None] = (0, None)
        for at in range(min(len(self.body), 200)):
            for length in (3, 2, 1):
                words = tuple(token.word for token in self.body[at : at + length])
                if len(words) == length and (words in self.entry.states or words in self.entry.fails):
                    if best[1] is None or length > len(best[1]):
                        best = (at, words)
                    break
        return best

    # --- words

    def _read_words(self, mention: Mention) -> None:
        """Looks up each word of a mention: label, noun, cue, choice, filler, or none of these."""
        pieces: list[_Piece] = []
        at = 0
        tokens = mention.tokens
        words = [self.matcher.word(token) for token in tokens]
        while at < len(tokens):
            piece = _Piece(tokens[at], named=at in mention.named, known=tokens[at] in self.result.used)
            if not piece.known and not piece.named and tokens[at].shape not in (Shape.QUOTED, Shape.CODE, Shape.PAIR):
                self._look_up(piece, tuple(words[at : at + 3]), tokens[at : at + 3])
            pieces.append(piece)
            at += piece.length
        self.pieces[id(mention)] = pieces

    def _look_up(self, piece: _Piece, words: Words, tokens: Sequence[Token]) -> None:
        entry = self.entry
        for length in range(len(words), 0, -1):
            key = words[:length]
            flag = (key[0].lstrip("-"),) if tokens[0].shape is Shape.FLAG and length == 1 else key
            if key in entry.labels or flag in entry.labels:
                piece.label, piece.length, piece.known = entry.labels.get(key) or entry.labels[flag], length, True
            if key in entry.choices:
                piece.choice, piece.words = entry.choices[key], tuple(tokens[:length])
                piece.length, piece.known = max(piece.length, length), True
            if key in entry.nouns:
                self._evidence(tokens[:length], 6)
                self.spoken = self.spoken or key in entry.about
                piece.length, piece.known = max(piece.length, length), True
            if key in self.matcher.vocabulary.cues and not piece.known:
                piece.length = length
                if key in entry.cues:
                    self._evidence(tokens[:length], 5)
                    piece.known = True
                    return
                self.result.score -= 12
                return
            if piece.known:
                return
        if words[0] in entry.filler or tokens[0].word in entry.filler:
            self._note(tokens[:1], entry.operation)
            piece.known = True

    def _take_choices(self) -> None:
        """Words that are a value themselves, unless they only labelled another slot: ``the shop NAMESPACE``."""
        for mention in self.mentions:
            for piece in self.pieces[id(mention)]:
                if piece.choice is None or (piece.took is not None and not self.entry.slots[piece.took].bare):
                    continue
                index, value = piece.choice
                if index not in self.result.fills:
                    self._fill(index, value, piece.words, 0, score=3)
                elif self.result.fills[index].values[0] != value:
                    self.result.unexplained += piece.words  # two kinds: the clause is to be read as two

    def _evidence(self, tokens: Sequence[Token], score: float) -> None:
        if not self.evidence or score < 6:
            self.result.score += score if not set(tokens) <= self.result.used else 0
        self.evidence = True
        self._note(tokens, self.entry.operation)

    # --- slots

    def _take_labels(self) -> None:
        """``namespace shop``, ``the shop namespace``, ``5 replicas``: a label takes the value beside it."""
        for mention in self.mentions:
            pieces = self.pieces[id(mention)]
            for at, piece in enumerate(pieces):
                if not piece.label:
                    continue
                words = [t for t in mention.tokens if t.start >= piece.token.start][: piece.length]
                order = [*range(at + 1, min(at + 2, len(pieces))), *range(at - 1, max(at - 2, -1), -1)]
                order += [i for i in range(len(pieces)) if i not in order and i != at]
                slots = sorted(piece.label, key=lambda index: not self._governs(index, mention))
                took = (i for i in slots if self._label_takes(i, at, pieces, order, mention, words))
                piece.took = next(took, None)
                if piece.took is None:
                    piece.took = self._takes_of(slots, mention, words)
                if piece.took is None:
                    self.alone.append((piece, mention, words))

    def _label_takes(
        self,
        index: int,
        label_at: int,
        pieces: list[_Piece],
        order: list[int],
        mention: Mention,
        words: Sequence[Token],
    ) -> bool:
        slot = self.entry.slots[index]
        for position, at in enumerate(order):
            piece = pieces[at]
            if piece.token in self.result.used or (piece.known and not piece.named):
                continue
            reading = self._read(slot, piece.token)
            if reading is None or (position > 1 and reading.strength < 3):
                continue
            beside = at > label_at or piece.named
            if not piece.named and (self._is_predicate(piece.token) or self._is_small(piece.token)):
                continue
            if not beside and (self._means_nothing(piece.token) or self._known_elsewhere(slot, piece.token)):
                continue
            if not self._open(index, mention):
                continue
            self._fill(index, reading.value, [*words, piece.token], mention.group, score=4 + reading.strength)
            fill = self.result.fills[index]
            fill.new = fill.new or (mention.indefinite and piece.named)
            return True
        return False

    @staticmethod
    def _is_small(token: Token) -> bool:
        """Whether a word has its place in every sentence, and so is no name even behind a label."""
        if token.shape is not Shape.WORD:
            return False
        word = token.word
        return (
            word in english.PLACED
            or word in english.POLITE
            or word in english.LIMITING
            or word in english.QUANTIFIERS
            or word in english.AUXILIARIES
            or word in english.PRONOUNS
        )

    def _takes_of(self, slots: Sequence[int], mention: Mention, words: Sequence[Token]) -> int | None:
        """``a timeout of 20 seconds``: the value stands behind "of"."""
        at = self.mentions.index(mention) + 1
        if at >= len(self.mentions) or self.mentions[at].preposition != "of" or words[-1] != mention.tokens[-1]:
            return None
        pieces = self.pieces[id(self.mentions[at])]
        for index in slots:
            reading = self._read(self.entry.slots[index], pieces[0].token) if pieces and not pieces[0].known else None
            if reading is not None and reading.strength > 1 and self._open(index, self.mentions[at]):
                self._fill(index, reading.value, [*words, pieces[0].token], mention.group, score=4 + reading.strength)
                return index
        return None

    def _governs(self, index: int, mention: Mention) -> bool:
        """Whether a mention's preposition, or its lack of one, is that of the slot."""
        slot = self.entry.slots[index]
        return mention.preposition in slot.after if mention.preposition else slot.bare

    def _is_predicate(self, token: Token) -> bool:
        """Whether a bare word says how something is rather than what it is called: "make sure namespace x EXISTS"."""
        checks = self.clause.lemma in CHECK or self.clause.lemma in WAIT or self.clause.role is not Role.DO
        return checks and token.shape is Shape.WORD and token.word in english.WENT_WELL | english.WENT_WRONG

    def _known_elsewhere(self, slot: Slot, token: Token) -> bool:
        """Whether a bare word is known as another slot's value: in ``an nginx container`` it is the image."""
        return any(token.word in other.known for other in self.entry.slots if other is not slot)

    def _label_alone(self, label: _Piece, mention: Mention, words: Sequence[Token]) -> None:
        """A label without a value: ``the image`` means the one spoken of; ``a pull request`` is only the object."""
        for index in label.label:
            slot = self.entry.slots[index]
            if not mention.definite or not slot.things or index in self.result.fills:
                continue
            several = singular(words[-1].word) != words[-1].word
            found = self.discourse.group(slot.things) if several else []
            latest = self.discourse.latest(slot.things)
            entities = found or ([latest] if latest else [])
            if entities:
                self._refer(index, entities, words, mention.group)
                return
        if tuple(self.matcher.word(token) for token in words) in self.entry.cues:
            self._evidence(words, 5)
        self._note(words, self.entry.operation)

    def _take_values(self) -> None:
        """Values without a label: by their preposition, by standing as the object, or by looking like nothing else."""
        for position, mention in enumerate(self.mentions):
            for piece in self.pieces[id(mention)]:
                if piece.known or piece.token in self.result.used:
                    continue
                if piece.token.shape is Shape.PAIR and self._take_pair(piece.token, mention):
                    continue
                index = self._continues_list(mention, position, piece)
                if index is None:
                    index = self._best_slot(mention, piece)
                if index is None:
                    continue
                slot = self.entry.slots[index]
                reading = self._read(slot, piece.token)
                assert reading is not None
                self._fill(index, reading.value, [piece.token], mention.group, score=reading.strength + 2)
                if (
                    reading.strength == 1
                    and slot.kind is Kind.IMAGE
                    and slot.bare
                    and not self._known_word(slot, piece)
                ):
                    self.result.unsure = True
                    self.result.score -= 1.5
                elif slot.known and str(reading.value).lower() in slot.known:
                    self.result.score += 1
                likely = not slot.like or re.search(slot.like, str(reading.value))
                self.result.score += 2 if slot.like and likely else 0
                self.evidence = self.evidence or (slot.tells and bool(likely))
                self.shaped = self.shaped or reading.strength == 3
        self._take_arguments()

    def _take_arguments(self) -> None:
        """The words behind a script's path, and those after "with arguments"."""
        for index, slot in enumerate(self.entry.slots):
            if slot.kind is not Kind.ARGUMENTS:
                continue
            for mention in self.mentions:
                pieces = self.pieces[id(mention)]
                labelled = any(index in piece.label for piece in pieces)
                if not (labelled or mention.preposition in ("", *slot.after)) or not self.result.fills:
                    continue
                for piece in pieces:
                    if piece.known or piece.token in self.result.used or piece.token.shape is Shape.PAIR:
                        continue
                    self._fill(index, piece.token.text, [piece.token], mention.group, score=1)

    def _known_word(self, slot: Slot, piece: _Piece) -> bool:
        known = self.discourse.known(slot.things, piece.token.text)
        return piece.token.lower in slot.known or piece.named or known is not None

    def _take_commands(self) -> None:
        """Command lines: in backticks or quotes, or bare ones whose program is known."""
        tools = self.matcher.vocabulary.cues
        for index, slot in enumerate(self.entry.slots):
            if slot.kind is not Kind.COMMAND or not slot.bare or index in self.result.fills:
                continue
            for line in command_lines(self.matcher.text, self.behind_verb, self.entry, index, tools):
                if not any(token in self.result.used for token in line.tokens):
                    self._fill(index, line.text, line.tokens, 0, score=4 if line.quoted else 1)
                    self.shaped = True

    def _take_pair(self, token: Token, mention: Mention) -> bool:
        """``replicas=3``: the slot that its key names, else the slot that gathers pairs."""
        key, text = values.pair(token)
        named = self.entry.labels.get((singular(key.lower()),)) or self.entry.labels.get(("--" + key.lower(),)) or ()
        own = [i for i, slot in enumerate(self.entry.slots) if key in slot.inputs]
        for index in (*own, *named):
            slot = self.entry.slots[index]
            parts = tokenise(text)
            if slot.kind in (Kind.PAIRS, Kind.SETTINGS) or len(parts) != 1 or index in self.result.fills:
                continue
            reading = self._read(slot, parts[0])
            if reading is not None:
                self._fill(index, reading.value, [token], mention.group, score=4)
                return True
        for index, slot in enumerate(self.entry.slots):
            if slot.kind is Kind.SETTINGS or slot.kind is Kind.PAIRS:
                label = self._label_before(mention, slot)
                if slot.labels and "label" in slot.labels and not label:
                    continue
                self._fill(index, (key, text), [token], mention.group, score=3)
                return True
        return False

    def _label_before(self, mention: Mention, slot: Slot) -> bool:
        pieces = self.pieces[id(mention)]
        return any(piece.label and self.entry.slots[piece.label[0]] is slot for piece in pieces)

    def _continues_list(self, mention: Mention, position: int, piece: _Piece) -> int | None:
        """The slot of the list that this mention goes on."""
        if any(p.label for p in self.pieces[id(mention)]):
            return None
        for index, fill in self.result.fills.items():
            if mention.group not in fill.groups or mention.group == 0:
                continue
            if not mention.joined and not self._labelled_behind(mention, index):
                continue
            slot = self.entry.slots[index]
            reading = self._read(slot, piece.token)
            if (
                reading is not None
                and not self._means_nothing(piece.token)
                and not self._clashes(slot, piece)
                and not self._labels_other(mention, piece)
            ):
                return index
        return None

    def _labelled_behind(self, mention: Mention, index: int) -> bool:
        """Whether a label in the plural at the end of the list holds for this part too: ``web and api containers``."""
        return any(
            index in piece.label and self.matcher.word(piece.token) != piece.token.word
            for other in self.mentions
            if other.group == mention.group and other is not mention
            for piece in self.pieces[id(other)][-1:]
        )

    @staticmethod
    def _clashes(slot: Slot, piece: _Piece) -> bool:
        """A list of names does not take up a path or an image, however much a name it could be."""
        return slot.kind is Kind.NAME and values.looks_like_path(piece.token.text)

    def _best_slot(self, mention: Mention, piece: _Piece) -> int | None:
        best: tuple[float, int] | None = None
        for index, slot in enumerate(self.entry.slots):
            score = self._suits(index, slot, mention, piece)
            if score is not None and (best is None or score > best[0]):
                best = (score, index)
        return best[1] if best else None

    def _suits(self, index: int, slot: Slot, mention: Mention, piece: _Piece) -> float | None:
        """How well an unlabelled value suits a slot, or None."""
        if slot.kind in (Kind.CHOICE, Kind.PAIRS, Kind.SETTINGS, Kind.COMMAND) and not (
            slot.kind is Kind.COMMAND and not slot.bare
        ):
            return None
        reading = self._read(slot, piece.token)
        if reading is None or not self._open(index, mention):
            return None
        if slot.only and not re.search(slot.only, piece.token.text):
            return None
        called = mention.preposition in _NAMING_WORDS and piece.token.word not in _NEVER_NAMES
        if not (piece.named or called) and (self._means_nothing(piece.token) or self._labels_other(mention, piece)):
            return None
        if self._is_predicate(piece.token):
            return None
        preposition = mention.preposition
        if preposition and preposition in slot.after:
            place = 4.0
        elif slot.bare and preposition in ("", "of", "for"):
            place = 3.0 if not preposition else 2.0
        elif reading.strength == 3 and slot.kind in _SHAPED:
            place = 1.0
        else:
            return None
        if reading.strength == 1 and piece.token.shape is Shape.WORD:
            if slot.kind is Kind.PATH and not preposition:
                return None
            if preposition in slot.after and mention.definite and not slot.bare and preposition not in _CALLED:
                return None
            if slot.kind in (Kind.HOST, Kind.URL) and not preposition:
                return None
        if (slot.like and re.search(slot.like, piece.token.text)) or slot.only:
            place += 0.5
        return place + reading.strength

    def _labels_other(self, mention: Mention, piece: _Piece) -> bool:
        """Whether a word is another operation's noun with a value of its own beside it: ``volume`` in "volume data"."""
        if (self.matcher.word(piece.token),) not in self.matcher.vocabulary.nouns:
            return False
        return any(not other.known for other in self.pieces[id(mention)] if other is not piece)

    def _open(self, index: int, mention: Mention) -> bool:
        """Whether the slot may take a value from this mention: it is free, gathers, or the value goes on its list."""
        slot = self.entry.slots[index]
        taken = self.result.filled()
        fill = self.result.fills.get(index)
        if fill is None:
            return slot.kind is Kind.INNER or not (set(slot.inputs) & taken) or slot.kind in _GATHERING
        return slot.kind in _GATHERING or (mention.joined and mention.group in fill.groups)

    def _read(self, slot: Slot, token: Token) -> values.Reading | None:
        if slot.kind in (Kind.NAME, Kind.REF) and token.shape is Shape.TYPED:
            prefix, slash, rest = token.text.partition("/")
            if slash and (singular(prefix.lower()),) in self.entry.labels and "/" not in rest:
                choice = self.entry.choices.get((singular(prefix.lower()),))
                if choice is not None and choice[0] not in self.result.fills:
                    self._fill(choice[0], choice[1], [token], 0, score=0)
                self.evidence = True
                return values.Reading(rest, 3)
        if slot.kind is Kind.ARGUMENTS:
            return None
        return values.read(slot.kind, token)

    @staticmethod
    def _means_nothing(token: Token) -> bool:
        word = token.word if token.shape is Shape.WORD else ""
        return bool(word) and (
            word in english.VAGUE
            or word in english.QUANTIFIERS
            or word in english.LIMITING
            or word in english.AUXILIARIES
            or word in english.POLITE
            or word in english.PRONOUNS
            or word in english.PLACED
        )

    def _fill(
        self,
        index: int,
        value: Any,
        tokens: Sequence[Token],
        group: int,
        score: float,
        entity: Entity | None = None,
    ) -> None:
        fill = self.result.fills.setdefault(index, Fill())
        slot = self.entry.slots[index]
        known = entity or (self.discourse.known(slot.things, value) if slot.things and not fill.new else None)
        fill.add(value, tokens, group, known)
        if not fill.values[1:]:
            self.result.score += score
        if known is not None and slot.bare and slot.kind in NAMING:
            self.evidence = True
            self.result.score += 3
        self._note(tokens, f"{self.entry.operation} {_shown(slot)}")

    def _note(self, tokens: Sequence[Token], meaning: str) -> None:
        for token in tokens:
            if token not in self.result.used:
                self.result.used.add(token)
                self.result.notes.append((token, meaning))

    # --- what other clauses said

    def _take_references(self, first: bool = False) -> None:
        """Pronouns; ``first``: only those that stand as the object, before values take its slot."""
        for mention in self.mentions:
            token = mention.reference
            if token is None or token in self.result.used or (first and mention.preposition):
                continue
            if token.word in self.entry.filler:
                continue
            if not self._resolve(token, mention) and not first and not self._is_expletive(token, mention):
                self.result.unresolved.append(token)

    def _is_expletive(self, token: Token, mention: Mention) -> bool:
        """ "it" that stands for nothing needed: the subject of a statement whose address is said, or borrowed words."""
        if token.word in english.ITS and any(fill.tokens for fill in self.result.fills.values()):
            return True
        return mention.lent or (
            self.result.stated and bool(self.result.fills) and token.word in ("it", "that", "there")
        )

    def _resolve(self, token: Token, mention: Mention) -> bool:
        best: tuple[float, int, list[Entity]] | None = None
        for index, slot in enumerate(self.entry.slots):
            if not slot.things or (set(slot.inputs) & self.result.filled() and not slot.many):
                continue
            entities = self._meant(token.word, slot)
            if not entities:
                continue
            score = float(entities[-1].step) + entities[-1].salience / 4
            if mention.preposition and mention.preposition in slot.after:
                score += 1000
            elif slot.bare and mention.preposition in ("", "of", "for", "to", "on"):
                score += 500 if not mention.preposition else 300
            elif token.word not in english.THERE and not (self.result.stated and slot.required):
                if mention.preposition or not slot.required:
                    continue
            if token.word in english.THERE:
                score += 2000 if slot.scope else 0
            if best is None or score > best[0]:
                best = (score, index, entities)
        if best is None:
            return False
        self._refer(best[1], best[2], [token], mention.group)
        return True

    def _meant(self, word: str, slot: Slot) -> list[Entity]:
        if word in english.THEM:
            found = self.discourse.group(slot.things, exactly=2 if word == "both" else None)
            return found if word != "both" or len(found) == 2 else []
        latest = self.discourse.latest(slot.things)
        return [latest] if latest else []

    def _refer(self, index: int, entities: list[Entity], tokens: Sequence[Token], group: int) -> None:
        slot = self.entry.slots[index]
        for number, entity in enumerate(entities):
            if slot.kind in NAMING and (slot.bare or slot.required):
                self.evidence = True
            value = (str(entity.value), None) if slot.kind is Kind.PUBLISH else entity.value
            self._fill(index, value, tokens if number == 0 else (), group, score=5, entity=entity)
        self.result.score += 2 * max(entity.salience for entity in entities)

    def _take_what_was_left_out(self) -> None:
        """Slots that nothing fills: where the agent is already at work, and what an earlier clause made."""
        for index, slot in enumerate(self.entry.slots):
            if set(slot.inputs) & self.result.filled():
                continue
            if slot.scope and (value := self.discourse.scope(self.entry.agent, slot.inputs[0])) is not None:
                known = self.discourse.known(slot.things, value)
                self._fill(index, value, (), 0, score=1, entity=known)
            elif slot.implicit or slot.required:
                self._imply(index, slot)

    def _imply(self, index: int, slot: Slot) -> None:
        latest = self.discourse.latest(slot.things) if slot.things else None
        if latest is None or slot.kind is Kind.PUBLISH:
            return
        inputs = {
            name: self.result.fills[i].values[0] for i in self.result.fills for name in self.entry.slots[i].inputs
        }
        if slot.implicit and any(inputs.get(name, value) != value for name, value in latest.where.items()):
            return
        self._fill(index, latest.value, (), 0, score=1, entity=latest)

    # --- judgement

    def _about(self) -> bool:
        """Whether a phrase that needs its object named has it named."""
        return self.spoken and (self.evidence or not self.entry.phrase.object_needed)

    def _leftovers(self) -> None:
        result = self.result
        destroys = self.entry.spec.effect.value == "destroy"
        statement = result.stated or self.clause.question or self.clause.head is None
        for mention in self.mentions:
            described = any(t.shape is Shape.PAIR and t in result.used for t in mention.tokens)
            alone = bool(mention.preposition) and not any(t in result.used for t in mention.tokens)
            for token in mention.tokens:
                if described and token.shape is Shape.WORD:
                    continue  # "with the password KEY=value"
                if token in result.used or mention.lent or token in self.matcher.excused:
                    continue
                word = token.word
                if any(word in group for group in _NO_CONTENT) or (statement and word in english.AUXILIARIES):
                    continue
                serious = (
                    token.shape is not Shape.WORD
                    or word in english.LIMITING
                    or word in english.QUANTIFIERS
                    or word in english.VAGUE
                    or (self.matcher.word(token),) in self.matcher.vocabulary.nouns
                    or (self.matcher.word(token),) in self.matcher.vocabulary.cues
                    or word in self.matcher.vocabulary.by_verb
                    or word in self.matcher.vocabulary.by_state
                    or destroys
                    or (alone and mention.preposition != "for")
                )
                (result.unexplained if serious else result.passed_over).append(token)

    def _judge(self) -> None:
        result, phrase = self.result, self.entry.phrase
        filled = result.filled()
        for slot in self.entry.slots:
            if not slot.required or set(slot.inputs) <= filled:
                continue
            if slot.default is not None or (slot.taken is not None and slot.taken.input in filled):
                continue
            if any(
                set(slot.inputs) <= set(other.inputs) and i in result.fills for i, other in enumerate(self.entry.slots)
            ):
                continue
            result.missing.append(slot)
        result.unsure = result.unsure and not (self.evidence or self._object_is_plain())
        if self.discourse.agent == self.entry.agent:
            result.score += 1
        content = len(result.used) + 1
        if len(result.passed_over) > max(2, content):
            result.unexplained += result.passed_over
            result.passed_over = []
        result.score += phrase.weight
        result.score -= 8 * len(result.missing) + 6 * len(result.unexplained) + 5 * len(result.unresolved)
        result.score -= len(result.passed_over) + (4 if result.unsure else 0)

    def _object_is_plain(self) -> bool:
        """Whether some other input shows what the clause is about: ``run myapp on port 8080 as web``."""
        others = [
            i for i, slot in enumerate(self.entry.slots) if i in self.result.fills and slot.kind is not Kind.IMAGE
        ]
        return any(self.result.fills[i].tokens for i in others)


def _shown(slot: Slot) -> str:
    return "/".join(slot.inputs)
