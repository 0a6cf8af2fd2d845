"""All words of the installed operations, indexed, so that a clause meets only the phrases that can fit it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product

from rapidfuzz.distance import OSA

from reign.core.catalog import Catalog, OperationSpec
from reign.core.lexicon import ANY_PROGRAM, Kind, Phrase, Slot
from reign.planner.keyword import english
from reign.planner.keyword.inflection import Form, forms, singular
from reign.planner.keyword.normalise import Shape, Token

Words = tuple[str, ...]

#: Slots that every operation has: they become options of the task.
TASK_SLOTS = (
    Slot("@timeout", Kind.DURATION, labels=("timeout", "time limit"), after=("within",)),
    Slot("@retries", Kind.NUMBER, labels=("retry",)),
    Slot("@attempts", Kind.NUMBER, labels=("attempt", "try")),
    Slot("@approval", Kind.CHOICE, choices=dict.fromkeys(("approval", "confirmation", "permission"), "required")),
)


#: Kinds of slots whose nouns stand beside a name or a path.
_NAMED = frozenset({Kind.NAME, Kind.REF, Kind.PATH, Kind.REPO, Kind.NUMBER})


def spelling(label: str) -> Words:
    """A label as its words in the singular."""
    return tuple(singular(part) if not part.startswith("-") else part for part in label.lower().split())


def spellings(label: str) -> set[Words]:
    """A label as it stands, and with its words cut short: ``docker net``."""
    words = spelling(label)
    return set(product(*({word, english.SHORT.get(word, word)} for word in words)))


def _slipped(word: str, noun: str) -> bool:
    """Whether a letter of a short noun was left out, or two were swapped; another letter may be another word."""
    left_out = len(word) + 1 == len(noun) and any(noun[:at] + noun[at + 1 :] == word for at in range(1, len(noun)))
    return word[0] == noun[0] and (left_out or (sorted(word) == sorted(noun) and OSA.distance(word, noun) == 1))


@dataclass(frozen=True, eq=False)
class Entry:
    """A phrase of an operation, with its words ready to be looked up."""

    spec: OperationSpec
    phrase: Phrase
    slots: tuple[Slot, ...]
    labels: dict[Words, tuple[int, ...]]  # -> slots
    choices: dict[Words, tuple[int, object]]  # -> slot, value
    nouns: frozenset[Words]
    about: frozenset[Words]
    cues: frozenset[Words]
    filler: frozenset[str]
    states: frozenset[Words]
    fails: frozenset[Words]

    @cached_property
    def inputs(self) -> frozenset[str]:
        return frozenset(name for slot in self.slots for name in slot.inputs)

    @cached_property
    def places(self) -> frozenset[str]:
        """The inputs that say where the work goes on."""
        return frozenset(slot.inputs[0] for slot in self.slots if slot.scope)

    @cached_property
    def shared(self) -> frozenset[str]:
        """The inputs that hold for all of several when said with the last."""
        return frozenset(slot.inputs[0] for slot in self.slots if slot.shared)

    @property
    def operation(self) -> str:
        return self.spec.name

    @property
    def agent(self) -> str:
        return self.spec.agent

    @classmethod
    def of(cls, spec: OperationSpec, phrase: Phrase) -> Entry:
        slots = (*phrase.slots, *TASK_SLOTS)
        labels: dict[Words, list[int]] = defaultdict(list)
        choices: dict[Words, tuple[int, object]] = {}
        for index, slot in enumerate(slots):
            for label in slot.labels:
                for words in spellings(label):
                    if index not in labels[words]:
                        labels[words].append(index)
            if slot.input == "@timeout" and any("timeout" in other.labels for other in phrase.slots):
                labels[spelling("timeout")].remove(index)
            for word, value in slot.choices.items():
                choices[spelling(word)] = (index, value)
        return cls(
            spec=spec,
            phrase=phrase,
            slots=slots,
            labels={words: tuple(indexes) for words, indexes in labels.items()},
            choices=choices,
            nouns=frozenset(words for noun in phrase.nouns for words in spellings(noun)),
            about=frozenset(words for noun in phrase.about for words in spellings(noun)),
            cues=frozenset(spelling(cue) for cue in phrase.cues),
            filler=frozenset(singular(word) for word in phrase.filler),
            states=frozenset(tuple(state.split()) for state in phrase.states),
            fails=frozenset(tuple(state.split()) for state in phrase.fails),
        )


@dataclass(frozen=True)
class Head:
    """The verb of a clause. ``lemma`` has its particle; ``tokens`` are the words that say it."""

    lemma: str
    tokens: tuple[Token, ...]
    form: Form = Form.BASE
    read_as: str | None = None  # the right spelling of a verb that was misspelt


@dataclass
class Vocabulary:
    """Built once for a catalog."""

    entries: list[Entry] = field(default_factory=list)
    by_verb: dict[str, list[Entry]] = field(default_factory=lambda: defaultdict(list))
    by_state: dict[str, list[Entry]] = field(default_factory=lambda: defaultdict(list))  # by a state's first word
    first_words: dict[str, list[tuple[str, Form]]] = field(default_factory=lambda: defaultdict(list))
    rests: dict[str, set[Words]] = field(default_factory=lambda: defaultdict(set))  # verb -> what else belongs to it
    nouns: set[Words] = field(default_factory=set)
    cues: set[Words] = field(default_factory=set)
    cue_agents: dict[Words, set[str]] = field(default_factory=lambda: defaultdict(set))
    programs: set[str] = field(default_factory=set)
    first_of: dict[str, Entry] = field(default_factory=dict)  # operation -> its first phrase
    scopes: dict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set))  # agent, thing -> inputs
    thing_labels: dict[Words, set[str]] = field(default_factory=dict)  # noun -> the kinds of thing it names
    images: set[str] = field(default_factory=set)  # bare words that are well-known images
    choices: set[Words] = field(default_factory=set)  # words that are a value by themselves
    negative: set[str] = field(default_factory=set)  # choices such as "no-cache"
    known: set[str] = field(default_factory=set)  # single words that are spelt right

    @classmethod
    def of(cls, catalog: Catalog) -> Vocabulary:
        vocabulary = cls()
        for spec in catalog.values():
            for phrase in spec.phrases:
                vocabulary._add(Entry.of(spec, phrase))
        for word in (
            *english.STOP,
            *english.GO_ON,
            *english.RETRY,
            *english.INTRODUCES,
            *english.AMENDS,
            "ask",
            "wait",
        ):
            vocabulary._add_verb(word)
        vocabulary._finish()
        return vocabulary

    def _add(self, entry: Entry) -> None:
        self.entries.append(entry)
        self.first_of.setdefault(entry.operation, entry)
        for slot in entry.slots:
            for thing in slot.things if slot.scope else ():
                self.scopes[(entry.agent, thing)].add(slot.inputs[0])
        for slot in entry.slots:
            for label in slot.labels if slot.things and slot.kind in _NAMED else ():
                for words in spellings(label) if not label.startswith("-") else ():
                    self.thing_labels.setdefault(words, set()).update(slot.things)
        for verb in entry.phrase.verbs:
            self.by_verb[verb].append(entry)
            self._add_verb(verb)
        for state in entry.states | entry.fails:
            self.by_state[state[0]].append(entry)
        self.known |= {word for words in entry.choices for word in words} | entry.filler
        self.nouns |= entry.nouns | {w for w in entry.labels if not w[0].startswith("-")}
        for cue in entry.phrase.cues:
            words = spelling(cue)
            self.cues.add(words)
            self.cue_agents[words].add(entry.agent)
        self.programs |= set(entry.phrase.programs) - {ANY_PROGRAM}
        self.images |= {word for slot in entry.slots for word in slot.known if slot.kind is Kind.IMAGE}
        self.choices |= set(entry.choices)
        self.negative |= {words[0] for words in entry.choices if words[0].startswith("no-")}

    def _add_verb(self, verb: str) -> None:
        first, *rest = verb.split()
        if first not in self.rests:
            for form, kind in forms(first):
                self.first_words[form].append((first, kind))
        self.rests[first].add(tuple(rest))

    def _finish(self) -> None:
        for words in (*self.nouns, *self.cues):
            self.known |= set(words)
        for group in (
            *(english.PREPOSITIONS, english.ARTICLES, english.PRONOUNS, english.VAGUE, english.QUANTIFIERS),
            *(english.LIMITING, english.POLITE, english.AUXILIARIES, english.NEGATIONS, english.WENT_WELL),
            *(english.WENT_WRONG, english.FOUND, english.FINDINGS, english.ASKING, english.AND, english.GO_ON),
            *(self.first_words, english.UNITS, english.NUMBERS, self.programs, english.CONJUNCTIONS),
        ):
            self.known |= set(group)
        for table in (english.CONDITIONS, english.TIMES, english.REASONS, english.EXCLUSIONS):
            self.known |= {word for words in table for word in words}
        for lists in (english.THEN, english.LAST, english.FIRST, english.TOGETHER, english.LEAD_IN):
            self.known |= {word for words in lists for word in words}

    # --- looking up

    def head_at(
        self, tokens: Sequence[Token], at: int, accepted: Iterable[Form] = (Form.BASE,), fuzzy: bool = False
    ) -> Head | None:
        """The verb that begins at ``at``, with the words that belong to it where they follow at once."""
        if at >= len(tokens) or tokens[at].shape not in (Shape.WORD, Shape.TYPED):
            return None
        word = tokens[at].word
        read_as = None
        wanted = set(accepted)
        found = [(base, form) for base, form in self.first_words.get(word, ()) if form in wanted]
        if not found and fuzzy and (close := self._close_verb(word)):
            found, read_as = [(close, Form.BASE)], close
        best: Head | None = None
        for base, form in found:
            for rest in self.rests[base]:
                end = at + 1 + len(rest)
                if tuple(token.word for token in tokens[at + 1 : end]) != rest:
                    continue
                if best is None or len(rest) + 1 > len(best.tokens):
                    best = Head(" ".join((base, *rest)), tuple(tokens[at:end]), form, read_as)
        if best is None and found:  # a verb that wants a particle, which may stand further on
            base, form = found[0]
            best = Head(base, (tokens[at],), form, read_as)
        return best

    def _close_verb(self, word: str) -> str | None:
        """The one verb that a misspelt word can be."""
        if len(word) < 4 or not word.isalpha() or word in self.known or singular(word) in self.known:
            return None
        allowed = 1 if len(word) < 8 else 2
        near: dict[str, int] = {}
        for verb in self.rests:
            if len(verb) >= 4 and verb[0] in word[:2] and abs(len(verb) - len(word)) <= allowed:
                distance = OSA.distance(word, verb, score_cutoff=allowed)
                # Of a short word, another letter makes another word: to book is not to boot.
                if distance <= allowed and (len(word) > 4 or len(verb) > 4 or sorted(word) == sorted(verb)):
                    near[verb] = distance
        if not near:
            return None
        best = min(near.values())
        closest = [verb for verb, distance in near.items() if distance == best]
        return closest[0] if len(closest) == 1 else None

    def close_noun(self, word: str) -> str | None:
        """The noun that a misspelt word can be; longer words only, for names look like misspelt nouns."""
        if len(word) < 4 or not word.isalpha() or word in self.known or singular(word) in self.known:
            return None
        if len(word) < 6:
            short = {noun for words in self.nouns for noun in words if len(noun) == 5 and _slipped(word, noun)}
            return short.pop() if len(short) == 1 else None
        allowed = 1 if len(word) < 8 else 2
        near = {
            noun
            for words in (*self.nouns, *self.cues)
            for noun in words
            if len(noun) >= 6
            and noun[0] == word[0]
            and abs(len(noun) - len(word)) <= allowed
            and OSA.distance(singular(word), noun, score_cutoff=allowed) <= allowed
        }
        return near.pop() if len(near) == 1 else None

    def is_own_place(self, things: Iterable[str]) -> bool:
        """Whether only one agent's work goes on in such a place: a namespace speaks for kubernetes."""
        return any(len({agent for agent, scoped in self.scopes if scoped == thing}) == 1 for thing in things)

    def is_noun(self, token: Token) -> bool:
        return token.shape is Shape.WORD and (singular(token.word),) in self.nouns

    def noun_length(self, tokens: Sequence[Token], at: int) -> int:
        """How many words the longest noun has that begins here; 0 if none does."""
        words = tuple(singular(token.word) for token in tokens[at : at + 3])
        return max((n for n in (1, 2, 3) if n <= len(words) and words[:n] in self.nouns), default=0)

    def is_cue(self, token: Token) -> bool:
        return token.shape in (Shape.WORD, Shape.TYPED) and (singular(token.word),) in self.cues

    def is_participle(self, word: str) -> bool:
        """Whether the word is only the past form of verbs: "removed", but not "put"."""
        forms_ = self.first_words.get(word, ())
        return bool(forms_) and all(form is Form.PAST for _, form in forms_)

    def is_light(self, word: str) -> bool:
        """Whether the word is a form of a verb that only carries a noun's action."""
        return any(base in english.LIGHT for base, _ in self.first_words.get(word, ()))

    def candidates(self, head: Head | None, body: Sequence[Token]) -> list[Entry]:
        """The phrases that the verb, a noun of action after a light verb, or a state in the body calls up."""
        found: dict[int, Entry] = {}

        def add(entries: Iterable[Entry]) -> None:
            for entry in entries:
                found.setdefault(id(entry), entry)

        if head is not None:
            add(self.by_verb.get(head.lemma, ()))
        if head is None or head.lemma in english.LIGHT:
            for verb, _, _ in self.nominals(body):
                add(self.by_verb.get(verb, ()))
        if head is None:
            for token in body[:60]:
                add(self.by_state.get(token.word, ()))
        return list(found.values())

    def nominals(self, body: Sequence[Token], limit: int = 12) -> list[tuple[str, int, int]]:
        """Verbs said as nouns or in another form early in the body: ``(verb, start, end)``, nouns first."""
        found = []
        for at in range(min(len(body), limit)):
            head = self.head_at(body, at, Form)
            if head is not None and head.lemma in self.by_verb:
                found.append((head.form not in (Form.BASE, Form.NOUN), head.lemma, at, at + len(head.tokens)))
        return [(verb, start, end) for _, verb, start, end in sorted(found)]
