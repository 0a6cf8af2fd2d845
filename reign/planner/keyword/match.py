"""One clause against one phrase: which words fill which slot, what is missing, what is left unexplained."""

from __future__ import annotations

from collections.abc import Container, Sequence

from rapidfuzz.distance import OSA

from reign.core.lexicon import CHECK, Kind, Slot
from reign.planner.keyword import english, references, slots
from reign.planner.keyword.clauses import Clause, Role
from reign.planner.keyword.discourse import Discourse
from reign.planner.keyword.frame import NAMING, Frame, Match
from reign.planner.keyword.inflection import Form, singular
from reign.planner.keyword.mentions import Mention, mentions
from reign.planner.keyword.normalise import Shape, Token
from reign.planner.keyword.vocabulary import Entry, Vocabulary, Words

_NO_CONTENT = (
    *(english.ARTICLES, english.PREPOSITIONS, english.POLITE, english.AND, english.PLACED, english.ADJECTIVES),
)
_NAMES = frozenset({Shape.WORD, Shape.TYPED})
_SMALL = frozenset().union(*_NO_CONTENT, english.PRONOUNS)
_MATTERS = (english.LIMITING, english.QUANTIFIERS, english.VAGUE)
_LENT = 1000  # groups of lent mentions are counted from here, so that they join no list of the clause


class Matcher:
    """Matches the clauses of one request, whose ``text`` the tokens point into."""

    def __init__(self, vocabulary: Vocabulary, text: str) -> None:
        self.vocabulary = vocabulary
        self.text = text
        self.spelling: dict[str, str] = {}
        self.excused: set[Token] = set()  # words that another clause has explained already

    def match(
        self, entry: Entry, clause: Clause, discourse: Discourse, lent: Sequence[Sequence[Token]] = ()
    ) -> Match | None:
        """How ``entry`` fits, or None if it is out of the question. ``lent``: words said elsewhere that may count."""
        frame = Frame(entry, clause, discourse, self.vocabulary, self.spelling)
        body = _without_verb(frame)
        marks = _predicate(frame, body) if body is not None else None
        if body is None or marks is None:
            return None
        frame.mentions = mentions(body, self.vocabulary, marks)
        for number, tokens in enumerate(lent, 1):
            for mention in mentions(_lent(tokens, body, self.vocabulary), self.vocabulary, lent=True):
                mention.group += _LENT * number
                frame.mentions.append(mention)
        verb_at = clause.head.tokens[0].start if clause.head else 0
        slots.take_commands(frame, self.text, [token for token in body if token.start >= verb_at])
        for mention in frame.mentions:
            slots.read_words(frame, mention)
        _say_twice(frame)
        slots.take_labels(frame)
        slots.take_choices(frame)
        references.take_pronouns(frame, objects=True)
        slots.take_values(frame)
        references.take_lone_labels(frame)
        references.take_pronouns(frame, objects=False)
        references.take_what_was_left_out(frame)
        if not frame.spoken or (entry.phrase.object_needed and not frame.evidence):
            return None
        for mention in frame.mentions:
            if not mention.lent:
                self._leftovers(frame, mention)
        _judge(frame)
        return frame.result

    def _leftovers(self, frame: Frame, mention: Mention) -> None:
        """Sorts the words that nothing explains: some matter, and some may be passed over."""
        result = frame.result
        statement = result.stated or frame.clause.question or frame.clause.head is None
        described = any(t.shape is Shape.PAIR and t in result.used for t in mention.tokens)
        stray = bool(mention.preposition) and not any(t in result.used for t in mention.tokens)
        for at, token in enumerate(mention.tokens):
            word = token.word
            if self._describes(frame, mention, at):
                result.passed_over.append(token)
                continue
            if token in result.used or token in self.excused or (described and token.shape is Shape.WORD):
                continue  # "with the password KEY=value": the pair says it all
            if token.word in english.EACH and token == mention.tokens[-1] and len(mention.tokens) > 1:
                continue  # "to 3 replicas each"
            if frame.clause.question and word in english.HOLDS:
                continue  # "what does the state HOLD?"
            if word in english.ADJECTIVES and token == mention.tokens[-1] and self._named_by_noun(frame, mention, at):
                result.unexplained.append(token)  # "... on branch MAIN", where another branch was said
                continue
            small = token.shape is not Shape.NUMBER and any(word in words for words in _NO_CONTENT)
            empty = small or (statement and word in english.AUXILIARIES)
            if empty or frame.is_light(token) or frame.is_adverb(token):
                continue
            matters = (
                self._matters(frame, token)
                or (frame.clause.head is None and not result.stated)  # an unknown verb may be among them
                or frame.entry.spec.effect.value == "destroy"
                or (stray and mention.preposition != "for")
                or self._named_by_noun(frame, mention, at)
                or self._goes_with_name(frame, mention, at)
                or self._goes_with_new_name(frame, mention, at)
            )
            (result.unexplained if matters else result.passed_over).append(token)

    def _describes(self, frame: Frame, mention: Mention, at: int) -> bool:
        """A vague noun before the noun that is meant, "a DATABASE container", or a value said once already."""
        token = mention.tokens[at]
        if token in frame.result.used:
            return False
        said = (str(value) for fill in frame.result.fills.values() for value in fill.values)
        lent = token.shape is Shape.WORD and any(other.lent for other in frame.mentions)
        if (token.shape is Shape.TYPED or lent) and token.text in said:
            return True
        following = mention.tokens[at + 1] if at + 1 < len(mention.tokens) else None
        noun = following is not None and following in frame.result.used and self.vocabulary.is_noun(following)
        return noun and token.shape is Shape.WORD and token.word in english.VAGUE - english.QUANTIFIERS

    def _goes_with_name(self, frame: Frame, mention: Mention, at: int) -> bool:
        """Whether a word stands behind a name that nothing but its place made one: "shut down the data CENTER"."""
        token = mention.tokens[at]
        if at == 0 or token.shape is not Shape.WORD or mention.preposition or len(mention.tokens) != at + 1:
            return False
        before = mention.tokens[at - 1]
        bare = any(
            fill.tokens == [before] and frame.slots[i].kind in NAMING and frame.slots[i].bare
            for i, fill in frame.result.fills.items()
        )
        return bare and before.shape is Shape.WORD

    def _goes_with_new_name(self, frame: Frame, mention: Mention, at: int) -> bool:
        """Whether a word stands before one that was taken for a new thing's name: "an INTERNAL tool repository"."""
        tokens = mention.tokens
        if not mention.indefinite or at + 2 >= len(tokens) or not self.vocabulary.is_noun(tokens[at + 2]):
            return False
        return any(
            frame.slots[i].kind in NAMING and {tokens[at + 1], tokens[at + 2]} <= set(fill.tokens)
            for i, fill in frame.result.fills.items()
        )

    def _named_by_noun(self, frame: Frame, mention: Mention, at: int) -> bool:
        """Whether a word stands behind a place's noun and so names it: ``in workspace BLUE``."""
        if at == 0 or not mention.preposition or mention.tokens[at].shape is not Shape.WORD:
            return False
        noun = mention.tokens[at - 1]
        return noun in frame.result.used and (singular(noun.word),) in self.vocabulary.thing_labels

    def _matters(self, frame: Frame, token: Token) -> bool:
        """Whether a word may change what is meant: values, and words that operations know."""
        word, noun = token.word, (frame.word(token),)
        known = self.vocabulary
        return (
            token.shape is not Shape.WORD
            or any(word in words for words in _MATTERS)
            or noun in known.nouns
            or noun in known.cues
            or word in known.by_verb
            or word in known.by_state
        )


def _lent(lent: Sequence[Token], body: Sequence[Token], vocabulary: Vocabulary) -> Sequence[Token]:
    """``containers web and db: restart WEB``: of a list said before, what the clause itself names."""
    own = {token.text for token in body if token.shape in _NAMES and not vocabulary.is_noun(token)}
    named = [token for token in lent if token.text in own and token.shape in _NAMES and token.word not in _SMALL]
    if not named:
        return lent
    listed = [m for m in mentions(lent, vocabulary) if not m.preposition]
    others = {t for m in listed for t in m.tokens if t not in named and not vocabulary.is_noun(t)}
    return [token for token in lent if token not in others]


def _say_twice(frame: Frame) -> None:
    """``the logs of the pod a and THE LOGS of the container b``: what a phrase is about, said again, is more of it."""
    before: set[str] = set()
    for mention in frame.mentions:
        words = {frame.word(token): token for token in mention.tokens if (frame.word(token),) in frame.entry.about}
        if mention.joined and mention.definite and not mention.lent:
            frame.result.unexplained += [token for word, token in words.items() if word in before]
        before |= words.keys()


def _without_verb(frame: Frame) -> list[Token] | None:
    """The clause's words without those that are the phrase's verb; None if it has no such verb."""
    clause, entry, result = frame.clause, frame.entry, frame.result
    head = clause.head
    if head is not None and head.lemma in entry.phrase.verbs:
        result.score += 10 if head.read_as is None else 8
        result.score += 2 if _is_own_verb(clause, entry) else 0
        frame.note(head.tokens)
        said = [(singular(word),) for word in head.lemma.split()]
        frame.spoken = frame.spoken or any(word in entry.about for word in said)
        frame.evidence = any(word in entry.nouns for word in said)  # "branch off main" speaks of a branch
        return list(clause.body)
    if head is not None and head.lemma not in english.LIGHT:
        return None
    if head is None and _longest_state(entry, clause.body)[1] is not None:
        return list(clause.body)
    if clause.question and entry.spec.effect.value != "read":
        return None  # "who deleted the container web?" is no order
    for verb, start, end in frame.vocabulary.nominals(clause.body):
        if verb in entry.phrase.verbs:
            result.score += 9
            frame.note([*(head.tokens if head else ()), *clause.body[start:end]])
            return [*clause.body[:start], *clause.body[end:]]
    return None


def _is_own_verb(clause: Clause, entry: Entry) -> bool:
    """Whether the tool is called by the operation's own name: ``docker start mysql`` starts a container."""
    head = clause.head
    if head is None or head.lemma != entry.operation.partition(".")[2].replace("_", " "):
        return False
    before = [token for token in clause.body if token.end <= head.tokens[0].start]
    return bool(before) and (singular(before[-1].word),) in entry.cues


def _predicate(frame: Frame, body: Sequence[Token]) -> dict[int, str] | None:
    """Where the predicate of a statement stands, and what governs the words after it; None if it does not fit."""
    entry, clause, result = frame.entry, frame.clause, frame.result
    if not (entry.states or entry.fails):
        return {}
    at, state = _longest_state(entry, body, clause.lemma in CHECK, frame.vocabulary.known)
    verb_said = len(body) < len(clause.body) or (
        clause.lemma in entry.phrase.verbs and (not clause.question or clause.lemma == "show")
    )
    if state is None:
        return {} if verb_said and not entry.phrase.state_needed else None
    denials = [token for token in body if token.word in english.NEGATIONS]
    positive = (state in entry.states) == (len(denials) % 2 == 0)
    if not positive and clause.role is Role.DO and not clause.question:
        return {} if verb_said and clause.lemma not in CHECK else None  # "look for leaked keys" states nothing
    said = tuple(map(singular, state)) not in frame.vocabulary.nouns  # "six replicas of web" has no predicate
    result.positive, result.stated = positive, said
    result.score += 5 + len(state)
    frame.note([*body[at : at + len(state)], *denials])
    return dict.fromkeys(range(at, at + len(state)), state[0])


def _close_state(entry: Entry, word: str) -> str | None:
    """The one state of a word that a misspelt one can be."""
    if len(word) < 5 or not word.isalpha():
        return None
    states = {s[0] for s in entry.states | entry.fails if len(s) == 1 and len(s[0]) > 5 and s[0][0] == word[0]}
    near = {state for state in states if OSA.distance(word, state, score_cutoff=1) <= 1}
    return near.pop() if len(near) == 1 else None


def _longest_state(
    entry: Entry, body: Sequence[Token], clause_checks: bool = False, known: Container[str] = ()
) -> tuple[int, Words | None]:
    best: tuple[int, Words | None] = (0, None)
    for at in range(len(body)):
        if tuple(token.word for token in body[at : at + 2]) == ("up", "to"):
            continue  # "up to two minutes"
        for length in (3, 2, 1):
            words = tuple(token.word for token in body[at : at + length])
            if length == 1 and clause_checks and words[0] and words[0] not in known:
                words = (_close_state(entry, words[0]) or words[0],)
            if len(words) == length and (words in entry.states or words in entry.fails):
                if best[1] is None or length > len(best[1]):
                    best = (at, words)
                break
    return best


def _judge(frame: Frame) -> None:
    """What is missing, and the final score."""
    result, entry = frame.result, frame.entry
    for fill in result.fills.values():
        fill.in_order()
    result.missing = [slot for slot in entry.slots if slot.required and not _provided(frame, slot)]
    result.unexplained += _another_new(frame)
    said = (i for i, fill in result.fills.items() if fill.tokens and entry.slots[i].kind is not Kind.IMAGE)
    nominal = frame.clause.head is None or frame.clause.head.form is Form.NOUN
    result.unsure = result.unsure and (nominal or (not frame.evidence and next(said, None) is None))
    if len(result.passed_over) > max(2, len(result.used) + 1):
        result.unexplained += result.passed_over
        result.passed_over = []
    result.score += entry.phrase.weight + (frame.discourse.agent == entry.agent)
    result.score -= 8 * len(result.missing) + 6 * len(result.unexplained) + 5 * len(result.unresolved)
    result.score -= len(result.passed_over) + (4 if result.unsure else 0)


def _another_new(frame: Frame) -> list[Token]:
    """``want A PRIVATE REPO acme/x, with a branch called y``: a new thing as the object, of which only the place is
    taken.
    """
    first = frame.mentions[0] if frame.mentions else None
    if first is None or first.preposition or not first.indefinite or first.lent:
        return []
    taken = [i for i, fill in frame.result.fills.items() if set(fill.tokens) & set(first.tokens)]
    placed = bool(taken) and all(frame.slots[i].scope and not frame.slots[i].bare for i in taken)
    own = any((frame.word(token),) in frame.entry.nouns for token in first.tokens)
    return list(first.tokens) if placed and not own else []


def _provided(frame: Frame, slot: Slot) -> bool:
    """Whether a required slot has its inputs, or will get them from a default or another input."""
    filled = frame.result.filled()
    inherited = {n for fill in frame.result.fills.values() for e in fill.entities if e is not None for n in e.where}
    if set(slot.inputs) <= filled | inherited or slot.default is not None:
        return True
    return slot.taken is not None and slot.taken.input in filled
