"""A request cut into clauses: what is to be done, under which condition, in which order, and what is not to be done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from reign.core.lexicon import CHECK
from reign.planner.keyword import english
from reign.planner.keyword.inflection import Form
from reign.planner.keyword.normalise import Shape, Token
from reign.planner.keyword.vocabulary import Head, Vocabulary

_GERUND = (Form.BASE, Form.GERUND)
_SMALL_SUBJECTS = frozenset({"please", "just", "kindly", "you", "we", "i", "also", "having"})
_SENTENCE_END = frozenset(".;!?")


class Role(StrEnum):
    DO = "do"
    IF = "if"
    UNLESS = "unless"
    AFTER = "after"
    BEFORE = "before"
    WHILE = "while"
    WITHOUT = "without"
    BECAUSE = "because"
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
    separated: bool = False  # a comma, an "and" or the start of a sentence stands before it

    @property
    def tokens(self) -> list[Token]:
        """All of its words, in order."""
        return sorted({*(self.head.tokens if self.head else ()), *self.body}, key=lambda token: token.start)

    @property
    def lemma(self) -> str:
        return self.head.lemma if self.head else ""


@dataclass
class _Opening:
    """What stands before a clause's verb."""

    at: int
    role: Role = Role.DO
    join: Join | None = None
    separated: bool = False
    polite: bool = False
    together: bool = False
    negated: bool = False
    head: Head | None = None
    aside: list[Token] = field(default_factory=list)  # tool and noun before the verb: "docker network create"

    @property
    def hard(self) -> bool:
        return self.join is not None


def split(tokens: Sequence[Token], vocabulary: Vocabulary) -> list[Clause]:
    """The clauses of a request, in the order of the text."""
    parser = _Parser(_named(tokens), vocabulary)
    return _finished(parser.clauses(), vocabulary)


def _named(tokens: Sequence[Token]) -> list[Token]:
    """``and call it web`` as ``called web``; ``up and running`` as ``running``; ``what is in x`` as ``in x``."""
    result: list[Token] = []
    at = 0
    while at < len(tokens):
        if tokens[at].word in ("call", "name") and at + 2 < len(tokens) and tokens[at + 1].word in english.IT:
            while result and (result[-1].text == "," or result[-1].word in ("and", "then")):
                result.pop()
            result.append(Token("called", tokens[at].start, tokens[at + 1].end, Shape.WORD))
            at += 2
            continue
        words = tuple(token.word for token in tokens[at : at + 3])
        if words == ("up", "and", "running") or (
            words[:2] in (("what", "is"), ("what", "are")) and result and result[-1].shape is Shape.WORD
        ):
            at += 2
        if at >= len(tokens):
            break
        result.append(tokens[at])
        at += 1
    return result


class _Parser:
    def __init__(self, tokens: list[Token], vocabulary: Vocabulary) -> None:
        self.tokens = tokens
        self.vocabulary = vocabulary
        self.done: list[Clause] = []
        self.current: Clause | None = None
        self.sentence = 0

    def clauses(self) -> list[Clause]:
        at, fresh, join = 0, True, Join.START
        while at < len(self.tokens):
            token = self.tokens[at]
            if _ends_sentence(token):
                self._close()
                self.sentence += 1
                fresh, join = True, Join.THEN if token.text == "then" else Join.AND
                at += 1
                continue
            opening = self._opening(at, fresh)
            if opening is not None:
                at = self._begin(opening, join if fresh else Join.AND)
                fresh = False
                continue
            if marked := self._mark(at):
                at = marked
                continue
            if self.current is None:
                self.current = Clause(join=join, sentence=self.sentence)
                fresh = False
            self.current.body.append(token)
            at += 1
        self._close()
        return self.done

    def _begin(self, opening: _Opening, default: Join) -> int:
        """Starts a clause; the place where its body goes on."""
        self._close()
        self.current = Clause(
            role=opening.role,
            join=opening.join or default,
            head=opening.head,
            body=list(opening.aside),
            sentence=self.sentence,
            negated=opening.negated,
            together=opening.together,
            separated=opening.separated or opening.hard or not self.done or self.done[-1].sentence != self.sentence,
        )
        return opening.at + (len(opening.head.tokens) if opening.head else 0)

    def _close(self) -> None:
        clause = self.current
        self.current = None
        if clause is None:
            return
        while clause.body and (clause.body[-1].shape in (Shape.PUNCT, Shape.BREAK) or _joins(clause.body[-1])):
            clause.body.pop()
        if clause.body or clause.head or clause.role is not Role.DO:
            self.done.append(clause)

    # --- what stands before a verb

    def _opening(self, at: int, fresh: bool) -> _Opening | None:
        """The beginning of a clause at this place, if one begins here."""
        opening = self._connectives(at, fresh)
        start = fresh or opening.hard or opening.separated
        table_role = self._subordinator(opening, start)
        if table_role is None and (start or self._words(opening.at, ("do", "not"))):
            for denial in english.DENIALS:
                if self._words(opening.at, denial):
                    opening.negated = True
                    opening.at = self._polite(opening.at + len(denial))
                    break
        self._find_head(opening, start, fresh)
        return opening if self._valid(opening, at, fresh) else None

    def _connectives(self, at: int, fresh: bool) -> _Opening:
        opening = _Opening(at)
        while opening.at < len(self.tokens):
            token = self.tokens[opening.at]
            start = fresh or opening.hard or opening.separated
            if token.text in (",", ":") or (token.shape is Shape.BREAK and not _ends_sentence(token)):
                opening.separated = True
                opening.at += 1
            elif start and (length := self._any(opening.at, english.TOGETHER)):
                opening.together = True
                opening.at += length
            elif length := self._any(opening.at, english.BEFORE_THAT):
                opening.join, opening.at = Join.BEFORE_PREVIOUS, opening.at + length
            elif (length := self._any(opening.at, english.OTHERWISE)) and (start or token.word != "else"):
                opening.join, opening.at = Join.OTHERWISE, opening.at + length
            elif length := self._any(opening.at, english.THEN):
                opening.join, opening.at = opening.join or Join.THEN, opening.at + length
            elif start and (length := self._any(opening.at, english.LAST)):
                opening.join, opening.at = Join.LAST, opening.at + length
            elif start and (length := self._any(opening.at, english.FIRST)):
                opening.join = Join.FIRST if not fresh or self.done else opening.join
                opening.at += length
            elif start and (length := self._ordinal(opening.at)):
                opening.join, opening.at = opening.join or Join.THEN, opening.at + length
            elif token.word in english.CONJUNCTIONS:
                opening.separated = True
                opening.at += 1
            elif start and (length := self._any(opening.at, english.LEAD_IN)):
                opening.polite = True
                opening.at += length
            elif start and (tool := self._tool_to(opening.at)):
                opening.aside += self.tokens[opening.at + 1 : opening.at + tool - 1]
                opening.at += tool
            else:
                break
        return opening

    def _ordinal(self, at: int) -> int:
        """``second, pull x``: 1 or 2 tokens if a verb follows, else 0."""
        length = 1 if at < len(self.tokens) and self.tokens[at].word in english.ORDINALS else 0
        if length and at + 1 < len(self.tokens) and self.tokens[at + 1].text == ",":
            length = 2
        return length if length and self.vocabulary.head_at(self.tokens, at + length) is not None else 0

    def _tool_to(self, at: int) -> int:
        """``use docker to``: how many tokens, or 0."""
        if not (self._words(at, ("use",)) or self._words(at, ("using",))):
            return 0
        end = at + 1
        while end < len(self.tokens) and self.vocabulary.is_cue(self.tokens[end]):
            end += 1
        return end - at + 1 if end > at + 1 and self._words(end, ("to",)) else 0

    def _subordinator(self, opening: _Opening, start: bool) -> Role | None:
        after_check = (
            self.current is not None
            and self.current.lemma in (*CHECK, "tell", "show", "know")
            and not self.current.body
        )
        for table in (english.CONDITIONS, english.TIMES, english.EXCLUSIONS, english.REASONS):
            words = max((w for w in table if self._words(opening.at, w)), key=len, default=None)
            if words is None or opening.at + len(words) >= len(self.tokens):
                continue
            if after_check and table is english.CONDITIONS and not start:
                continue
            opening.role = Role(table[words])
            opening.at = self._polite(opening.at + len(words))
            return opening.role
        return None

    def _find_head(self, opening: _Opening, start: bool, fresh: bool) -> None:
        subordinate = opening.role is not Role.DO
        forms = _GERUND if subordinate or fresh or opening.hard or opening.polite else (Form.BASE,)
        if opening.role in (Role.IF, Role.UNLESS):
            return
        at = opening.at
        if start and self._words(at, ("would", "like")):
            opening.head = Head("want", tuple(self.tokens[at : at + 2]))
            return
        if start and opening.separated and not (fresh or opening.hard or opening.polite or opening.negated):
            fuzzy = self._has_arguments(at)
        else:
            fuzzy = start or opening.negated
        head = self.vocabulary.head_at(self.tokens, at, forms, fuzzy=fuzzy and not subordinate)
        if subordinate and head is not None and head.form is Form.BASE:
            said_by = self.tokens[at - 1].word  # "before you restart web"; but "after build" is a noun
            head = head if said_by in ("you", "we", "i") else None
        aside = 0 if head is not None and not self.vocabulary.is_cue(self.tokens[at]) else self._tools(at)
        if aside:
            behind = self.vocabulary.head_at(self.tokens, at + aside, forms, fuzzy=True)
            if behind is not None:
                opening.aside += self.tokens[at : at + aside]
                opening.at += aside
                head = behind
        opening.head = head

    def _tools(self, at: int) -> int:
        """How many tokens name a tool, and perhaps a noun of it, in front of a verb: ``docker network``, ``gh pr``."""
        end = at
        while end < len(self.tokens) and self.vocabulary.is_cue(self.tokens[end]):
            end += 1
        if end == at:
            return 0
        while end + 1 < len(self.tokens) and self.vocabulary.head_at(self.tokens, end) is None:
            if self.tokens[end].shape is Shape.FLAG:
                end += 1 if self.tokens[end + 1].shape is Shape.FLAG else 2  # "docker compose -f FILE up"
            elif self.vocabulary.is_noun(self.tokens[end]):
                end += 1
            else:
                break
        return end - at

    def _has_arguments(self, at: int) -> bool:
        """Whether the word here is followed by something that a verb could govern."""
        if at + 1 >= len(self.tokens):
            return False
        following = self.tokens[at + 1]
        return not (following.shape in (Shape.PUNCT, Shape.BREAK) or _joins(following)) and (
            following.word not in english.PREPOSITIONS
        )

    def _valid(self, opening: _Opening, at: int, fresh: bool) -> bool:
        if opening.at >= len(self.tokens):
            return False
        if fresh:
            return opening.at > at or opening.head is not None or opening.role is not Role.DO
        if opening.role is not Role.DO:
            return not (
                opening.role is Role.AFTER and self._words(opening.at - 1, ("once",)) and self._at_end(opening.at)
            )
        if opening.hard:
            if self._in_command_list(opening):
                opening.head = None  # "run git pull, then make build"
            return not self._at_end(opening.at)
        if opening.head is None:
            return opening.negated and opening.separated and not self._at_end(opening.at)
        if opening.separated:
            long_noun = self.vocabulary.noun_length(self.tokens, opening.at) > 1
            return not long_noun and not self._in_command_list(opening)
        return opening.negated or self._ends_condition(opening)

    def _at_end(self, at: int) -> bool:
        return at >= len(self.tokens) or _ends_sentence(self.tokens[at]) or self.tokens[at].text == ","

    def _in_command_list(self, opening: _Opening) -> bool:
        """Whether the word is one more program: ``run make lint, make test and make build``."""
        if self.current is None or opening.head is None:
            return False
        programs = self.vocabulary.programs
        takes_commands = any(entry.phrase.programs for entry in self.vocabulary.by_verb.get(self.current.lemma, ()))
        body = [token.word for token in self.current.body[:1]]
        return takes_commands and opening.head.tokens[0].word in programs and bool(body) and body[0] in programs

    def _ends_condition(self, opening: _Opening) -> bool:
        """Whether a verb follows a whole condition without a comma: ``if it validates apply it``."""
        clause = self.current
        if clause is None or opening.head is None or opening.head.form is not Form.BASE:
            return False
        body = clause.body
        heading = clause.head is None and len(body) > 1 and body[0].word in english.PREPOSITIONS
        if clause.role is Role.DO and not heading:
            return False
        if (
            not body
            or body[-1].word in english.ARTICLES | english.PREPOSITIONS | english.AUXILIARIES | english.NEGATIONS
        ):
            return False
        known = self.vocabulary
        return (
            heading
            or clause.head is not None
            or any(
                token.word in english.WENT_WELL | english.WENT_WRONG | english.FOUND
                or token.word in known.by_state
                or (token.word in known.first_words and token.word not in known.rests)
                for token in body
            )
        )

    def _mark(self, at: int) -> int | None:
        """Order words that belong to the clause they stand in: ``... in parallel``, ``... first``."""
        if self.current is None:
            return None
        begin = at
        while begin < len(self.tokens) and (_joins(self.tokens[begin]) or self.tokens[begin].text == ","):
            begin += 1
        if length := self._any(begin, english.TOGETHER):
            self.current.together = True
            return begin + length
        if length := self._any(begin, english.ONE_BY_ONE):
            self.current.one_by_one = True
            return begin + length
        for words, join in ((english.FIRST, Join.FIRST), (english.BEFORE_THAT, Join.BEFORE_PREVIOUS)):
            length = self._any(begin, words)
            if length and self._at_end(begin + length) and self.done:
                self.current.join = join
                return begin + length
        for words in (english.LAST, english.THEN):
            length = self._any(begin, words)
            if length and self._at_end(begin + length):
                return begin + length
        return None

    # --- words

    def _words(self, at: int, words: Sequence[str]) -> bool:
        if at < 0 or at + len(words) > len(self.tokens):
            return False
        return all(self.tokens[at + offset].word == word for offset, word in enumerate(words))

    def _any(self, at: int, lists: Sequence[Sequence[str]]) -> int:
        """The length of the longest of the lists that stands at this place, or 0."""
        return max((len(words) for words in lists if self._words(at, words)), default=0)

    def _polite(self, at: int) -> int:
        while at < len(self.tokens) and self.tokens[at].word in _SMALL_SUBJECTS:
            at += 1
        return at


def _ends_sentence(token: Token) -> bool:
    if token.shape is Shape.BREAK:
        return token.text != "\n"
    return token.shape is Shape.PUNCT and token.text in _SENTENCE_END


def _joins(token: Token) -> bool:
    return token.word in english.CONJUNCTIONS


# --- what only the neighbours tell


def _finished(clauses: list[Clause], vocabulary: Vocabulary) -> list[Clause]:
    previous: Clause | None = None
    for index, clause in enumerate(clauses):
        following = clauses[index + 1] if index + 1 < len(clauses) else None
        if clause.head is not None:
            _take_particle(clause, vocabulary)
        elif clause.role is Role.DO and clause.body:
            _headless(clause, previous, following, vocabulary)
        if clause.role is Role.DO and clause.head is not None:
            previous = clause
    return clauses


def _take_particle(clause: Clause, vocabulary: Vocabulary) -> None:
    """``take the stack down``: the rest of a verb that stands behind its object."""
    assert clause.head is not None
    base = clause.head.lemma
    if base not in vocabulary.rests:
        return
    for rest in sorted(vocabulary.rests[base]):
        if len(rest) != 1:
            continue
        for at, token in enumerate(clause.body):
            following = clause.body[at + 1] if at + 1 < len(clause.body) else None
            if token.word != rest[0] or at == 0 or clause.body[at - 1].word in english.PREPOSITIONS:
                continue
            ends = english.PREPOSITIONS | english.AND | english.POLITE
            if following is None or following.text == "," or following.word in ends:
                clause.head = Head(f"{base} {rest[0]}", (*clause.head.tokens, token), clause.head.form)
                del clause.body[at]
                return


def _passive(clause: Clause, vocabulary: Vocabulary) -> bool:
    """``web1 and web2 should be restarted``: the verb stands at the end, after "be"."""
    for at, token in enumerate(clause.body[:-1]):
        if token.word != "be":
            continue
        head = vocabulary.head_at(clause.body, at + 1, (Form.PAST,))
        if head is not None and head.lemma in vocabulary.by_verb:
            clause.head = head
            clause.body = [t for t in clause.body if t not in head.tokens and t.word not in english.AUXILIARIES]
            return True
    return False


def _headless(clause: Clause, previous: Clause | None, following: Clause | None, vocabulary: Vocabulary) -> None:
    """A clause without a verb: a heading, a question, or one that shares the verb of the clause before."""
    first = clause.body[0]
    if first.word in english.ASKING or first.word in english.QUESTION_STARTS:
        clause.question = True
        lemma = "show" if first.word in english.ASKING else "check"
        clause.head = Head(lemma, (first,))
        del clause.body[0]
        return
    same_sentence = previous is not None and previous.sentence == clause.sentence
    if same_sentence and previous is not None and previous.head is not None:
        clause.head, clause.copied = previous.head, True
        return
    if _passive(clause, vocabulary):
        return
    leads = following is not None and following.sentence == clause.sentence and following.role is Role.DO
    if leads and first.word in english.PREPOSITIONS:
        clause.role = Role.LEAD
