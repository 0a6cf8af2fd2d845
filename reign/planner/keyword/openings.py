"""What stands before a clause's verb: order words, conditions, denials, politeness, the tool that is to be used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reign.core.lexicon import CHECK
from reign.planner.keyword import english
from reign.planner.keyword.clauses import Clause, Join, Role
from reign.planner.keyword.inflection import Form, singular
from reign.planner.keyword.normalise import Shape, Token
from reign.planner.keyword.vocabulary import Head, Vocabulary

_MOST = 40  # words before one verb; more is no sentence
_SMALL_SUBJECTS = frozenset({"please", "just", "kindly", "you", "we", "i", "also", "having"})
_NEEDED = frozenset({"needed", "necessary", "required", "wanted"})
_SENTENCE_END = frozenset(".;!?")
_ENDS_NO_CONDITION = english.ARTICLES | english.PREPOSITIONS | english.AUXILIARIES | english.NEGATIONS


class Sayings:
    """Runs of words with a meaning, found by their first word."""

    def __init__(self, runs: Mapping[tuple[str, ...], Any] | Iterable[tuple[str, ...]]) -> None:
        meanings = runs if isinstance(runs, Mapping) else dict.fromkeys(runs, True)
        self._by_first: dict[str, list[tuple[tuple[str, ...], Any]]] = {}
        for run in sorted(meanings, key=len, reverse=True):
            self._by_first.setdefault(run[0], []).append((run, meanings[run]))

    def at(self, tokens: Sequence[Token], at: int) -> tuple[int, Any]:
        """Length and meaning of the longest run at this place; (0, None) if there is none."""
        if at >= len(tokens):
            return 0, None
        for run, meaning in self._by_first.get(tokens[at].word, ()):
            if all(at + i < len(tokens) and tokens[at + i].word == word for i, word in enumerate(run)):
                return len(run), meaning
        return 0, None

    def length(self, tokens: Sequence[Token], at: int) -> int:
        return self.at(tokens, at)[0]


#: Order words that count wherever they stand, and those that count only where a clause may begin.
_ANYWHERE = Sayings(
    {
        **dict.fromkeys(english.THEN, Join.THEN),
        **dict.fromkeys(english.BEFORE_THAT, Join.BEFORE_PREVIOUS),
        **dict.fromkeys((run for run in english.OTHERWISE if run != ("else",)), Join.OTHERWISE),
    }
)
_AT_START = Sayings(
    {
        **dict.fromkeys(english.LAST, Join.LAST),
        **dict.fromkeys(english.FIRST, Join.FIRST),
        ("else",): Join.OTHERWISE,
    }
)
_LEAD_IN = Sayings(english.LEAD_IN)
_DENIALS = Sayings(english.DENIALS)
_SUBORDINATE = Sayings({**english.REASONS, **english.EXCLUSIONS, **english.TIMES, **english.CONDITIONS})
TOGETHER = Sayings(english.TOGETHER)
ONE_BY_ONE = Sayings(english.ONE_BY_ONE)
FIRST = Sayings(
    {**dict.fromkeys(english.FIRST, Join.FIRST), **dict.fromkeys(english.BEFORE_THAT, Join.BEFORE_PREVIOUS)}
)
LATER = Sayings((*english.LAST, *english.THEN))


def ends_sentence(token: Token) -> bool:
    if token.shape is Shape.BREAK:
        return token.text != "\n"
    return token.shape is Shape.PUNCT and token.text in _SENTENCE_END


def joins(token: Token) -> bool:
    return token.word in english.CONJUNCTIONS


@dataclass
class Opening:
    """What stands before a verb; ``at`` is the verb's place."""

    at: int
    fresh: bool  # a sentence begins
    role: Role = Role.DO
    join: Join | None = None
    separated: bool = False  # by a comma or a conjunction
    polite: bool = False
    together: bool = False
    negated: bool = False
    head: Head | None = None
    aside: list[Token] = field(default_factory=list)  # tool and noun before the verb: "docker network create"

    @property
    def hard(self) -> bool:
        """Whether an order word stands there, so that a clause begins whatever follows."""
        return self.join is not None

    @property
    def start(self) -> bool:
        """Whether a clause may begin."""
        return self.fresh or self.hard or self.separated


class Openings:
    """Finds where clauses begin in a request's tokens."""

    def __init__(self, tokens: Sequence[Token], vocabulary: Vocabulary) -> None:
        self.tokens = tokens
        self.vocabulary = vocabulary

    def find(self, at: int, fresh: bool, current: Clause | None, later: bool) -> Opening | None:
        """The beginning of a clause at this place, if one begins here.

        ``current`` is the clause that the words would belong to otherwise; ``later``: the request has clauses already.
        """
        opening = self._connectives(at, fresh, later)
        self._subordinator(opening, current)
        if opening.role is Role.DO:
            self._denial(opening)
        if opening.role not in (Role.IF, Role.UNLESS):
            self._find_head(opening, current)
        return opening if self._valid(opening, at, current) else None

    def at_end(self, at: int) -> bool:
        return at >= len(self.tokens) or ends_sentence(self.tokens[at]) or self.tokens[at].text == ","

    # --- the parts, in their order

    def _connectives(self, at: int, fresh: bool, later: bool) -> Opening:
        tokens, opening = self.tokens, Opening(at, fresh)
        while opening.at < min(len(tokens), at + _MOST):
            token = tokens[opening.at]
            length, join = _ANYWHERE.at(tokens, opening.at)
            if not length and opening.start:
                length, join = _AT_START.at(tokens, opening.at)
            if token.word == "next" and length == 1 and not self._orders(opening.at):
                break  # "the branches main and next"
            if token.word == "so" and _SUBORDINATE.length(tokens, opening.at):
                break  # "so that we have it"
            if token.text in (",", ":") or (token.shape is Shape.BREAK and not ends_sentence(token)):
                opening.separated, length = True, 1
            elif join is Join.FIRST:
                opening.join = Join.FIRST if not fresh or later else opening.join
            elif join is not None:
                opening.join = opening.join if join is Join.THEN and opening.join else join
            elif opening.start and (length := TOGETHER.length(tokens, opening.at)):
                opening.together = True
            elif opening.start and (length := self._ordinal(opening.at)):
                opening.join = opening.join or Join.THEN
            elif joins(token):
                opening.separated, length = True, 1
            elif opening.start and (length := _LEAD_IN.length(tokens, opening.at)):
                opening.polite = True
            elif opening.start and (length := self._inside_it(opening.at)):
                opening.aside += tokens[opening.at : opening.at + 2]
            elif opening.start and (length := self._tool_to(opening.at)):
                said = tokens[opening.at + 1 : opening.at + length - 1]
                if not self.vocabulary.is_cue(said[0]):
                    opening.aside.append(Token("in", tokens[opening.at].start, tokens[opening.at].end, Shape.WORD))
                opening.aside += said
            else:
                break
            opening.at += length
        return opening

    def _orders(self, at: int) -> bool:
        """Whether "next" says when rather than what: at the start of a sentence, or before a comma or a verb."""
        behind = self.tokens[at + 1] if at + 1 < len(self.tokens) else None
        begins = at == 0 or ends_sentence(self.tokens[at - 1])
        return begins or (behind is not None and (behind.text == "," or self._is_said(at + 1)))

    def _is_said(self, at: int) -> bool:
        return self.vocabulary.head_at(self.tokens, at, fuzzy=True) is not None or self._tools(at) > 0

    def _ordinal(self, at: int) -> int:
        """``second, pull x``: 1 or 2 tokens if a verb follows, else 0."""
        length = 1 if self.tokens[at].word in english.ORDINALS else 0
        if length and at + 1 < len(self.tokens) and self.tokens[at + 1].text == ",":
            length = 2
        return length if length and self.vocabulary.head_at(self.tokens, at + length) is not None else 0

    def _inside_it(self, at: int) -> int:
        """``inside it, deploy x``: how many tokens, or 0."""
        tokens = self.tokens
        if (
            at + 3 >= len(tokens)
            or tokens[at].word not in english.PREPOSITIONS
            or tokens[at + 1].word not in english.IT
        ):
            return 0
        length = 3 if tokens[at + 2].text == "," else 2
        return length if self.vocabulary.head_at(tokens, at + length) is not None else 0

    def _tool_to(self, at: int) -> int:
        """``use docker to``: how many tokens, or 0."""
        if self.tokens[at].word not in ("use", "using"):
            return 0
        named = next((end for end in range(at + 2, at + 7) if self._verb_after_to(end)), None)
        end = self._cues(at + 1)
        while end < len(self.tokens) and end > at + 1 and self.vocabulary.is_noun(self.tokens[end]):
            end += 1
        there = end > at + 1 and end < len(self.tokens) and self.tokens[end].word == "to"
        if not there and named is not None:
            return named - at + 1  # "use the container db to run x"
        return end - at + 1 if there else 0

    def _verb_after_to(self, at: int) -> bool:
        tokens = self.tokens
        found = at + 1 < len(tokens) and tokens[at].word == "to" and self.vocabulary.head_at(tokens, at + 1) is not None
        return found and not any(t.shape in (Shape.PUNCT, Shape.BREAK) for t in tokens[at - 1 : at])

    def _cues(self, at: int) -> int:
        end = at
        while end < min(len(self.tokens), at + _MOST) and self.vocabulary.is_cue(self.tokens[end]):
            end += 1
        return end

    def _subordinator(self, opening: Opening, current: Clause | None) -> None:
        length, role = _SUBORDINATE.at(self.tokens, opening.at)
        if not length or opening.at + length >= len(self.tokens):
            return
        asked = current is not None and current.lemma in (*CHECK, "tell", "show", "know") and not current.body
        if asked and role in ("if", "unless") and not opening.start:
            return  # "check if x answers" is no condition
        if role == "while" and current is not None and current.lemma in CHECK:
            return  # "22 is closed while 443 is open"
        if self.tokens[opening.at].word == "still" and self.tokens[opening.at + length].word not in english.PRONOUNS:
            return  # "we still need IT" is a reason, but "we still need a namespace x" a wish
        if length == 1 and self.tokens[opening.at].word == "no" and not self._denies_noun(opening):
            return
        if opening.at and self.tokens[opening.at - 1].word in english.NAMING | {"as"}:
            return  # a container called "once"
        opening.role = Role(role)
        begin = opening.at + length
        opening.at = self._small_subjects(begin)
        if begin < opening.at < len(self.tokens) - 1 and self.tokens[opening.at].word in ("have", "had"):
            opening.at += 1  # "after you have applied x"

    def _denies_noun(self, opening: Opening) -> bool:
        """``..., no ports``: behind a comma, and before a noun or verb that an operation knows."""
        following = self.tokens[opening.at + 1]
        known = self.vocabulary.is_noun(following) or following.word in self.vocabulary.first_words
        end = next((i for i in range(opening.at, len(self.tokens)) if self.at_end(i)), len(self.tokens))
        needless = end > 2 and self.tokens[end - 1].word in _NEEDED and self.tokens[end - 2].word in ("is", "are")
        return known and (needless or (opening.separated and not opening.fresh))  # "no plan is needed"

    def _denial(self, opening: Opening) -> None:
        length, _ = _DENIALS.at(self.tokens, opening.at)
        if length == 1 and self._has_noun(opening.at):
            return  # "leave a comment"
        if length and (opening.start or (length == 2 and self.tokens[opening.at].word == "do")):
            opening.negated = True
            opening.at = self._small_subjects(opening.at + length)

    def _has_noun(self, at: int) -> bool:
        """Whether the verb here is one of an operation, and what follows is what that operation is about."""
        behind = {(singular(token.word),) for token in self.tokens[at + 1 : at + 4]}
        return any(entry.about & behind for entry in self.vocabulary.by_verb.get(self.tokens[at].word, ()))

    def _small_subjects(self, at: int) -> int:
        end = at
        while end < min(len(self.tokens), at + _MOST) and self.tokens[end].word in _SMALL_SUBJECTS:
            end += 1
        return end

    # --- the verb

    def _shares_time(self, opening: Opening, current: Clause | None) -> bool:
        """``after scanning ./a AND LINTING ./b, ...``: a further deed of a time."""
        if current is None or current.head is None or current.role not in (Role.AFTER, Role.BEFORE, Role.WHILE):
            return False
        joined = opening.at > 0 and self.tokens[opening.at - 1].word in english.AND
        both = joined and opening.role is Role.DO and current.head.form is Form.GERUND
        head = self.vocabulary.head_at(self.tokens, opening.at, (Form.GERUND,)) if both else None
        return head is not None and head.lemma in self.vocabulary.by_verb

    def _find_head(self, opening: Opening, current: Clause | None) -> None:
        at, subordinate = opening.at, opening.role is not Role.DO
        if at >= len(self.tokens):
            return
        if opening.polite and self.tokens[at].word == "have" and self.tokens[at - 1].word == "to":
            opening.head = Head("want", (self.tokens[at],))  # "I would like to HAVE x"
            return
        words = [token.word for token in self.tokens[at : at + 4]]
        if opening.start and words[0] == "would" and words[1:2] and words[1] in ("like", "love", "prefer"):
            opening.head = Head("want", tuple(self.tokens[at : at + (4 if words[2:] == ["to", "have"] else 2)]))
            return
        certain = opening.fresh or opening.hard or opening.polite
        if self._shares_time(opening, current):
            opening.role = current.role if current is not None else opening.role
            subordinate = True
        forms = (Form.BASE, Form.GERUND) if subordinate or certain else (Form.BASE,)
        guess = certain or opening.negated or (opening.separated and self._has_arguments(at))
        head = self.vocabulary.head_at(self.tokens, at, forms, fuzzy=guess and not subordinate)
        if head is not None and head.lemma in ("want", "need") and self._wants_to_do(at + 1):
            opening.at = at = at + 1
            head = self.vocabulary.head_at(self.tokens, at)
        if head is None and opening.separated and not subordinate:
            head = self._amending(at)
        if subordinate and head is not None and head.form is Form.BASE:
            said_by = self.tokens[at - 1].word  # "before you restart web"; but "after build" is a noun
            head = head if said_by in ("you", "we", "i") else None
        aside = 0 if head is not None and not self.vocabulary.is_cue(self.tokens[at]) else self._tools(at)
        if head is not None and head.form is Form.GERUND and self.vocabulary.noun_length(self.tokens, at) > 1:
            head = None  # "rolling restart of web"
        behind = self.vocabulary.head_at(self.tokens, at + aside, forms, fuzzy=True) if aside else None
        if behind is not None:
            opening.aside += self.tokens[at : at + aside]
            opening.at += aside
            head = behind
        opening.head = head

    def _wants_to_do(self, at: int) -> bool:
        """``i want make a branch``: whether a verb follows at once, and no noun."""
        if at + 1 >= len(self.tokens) or self.vocabulary.is_noun(self.tokens[at]):
            return False
        if self.vocabulary.noun_length(self.tokens, at) > 1:
            return False  # "i need PULL REQUEST 5 merged"
        head = self.vocabulary.head_at(self.tokens, at)
        return head is not None and head.lemma in self.vocabulary.by_verb and self._has_arguments(at)

    def _amending(self, at: int) -> Head | None:
        """``deploy x with 2 replicas, EXPOSED on port 80``: what else is done with what was just made."""
        doing = self.vocabulary.head_at(self.tokens, at, (Form.GERUND,))
        follows = self.tokens[at + 1].word if at + 1 < len(self.tokens) else ""
        if doing is not None and doing.lemma in self.vocabulary.by_verb and follows in english.ARTICLES - {"some"}:
            return doing  # "install x in namespace y, CREATING the namespace first"
        head = self.vocabulary.head_at(self.tokens, at, (Form.PAST,))
        governs = at + 1 < len(self.tokens) and self.tokens[at + 1].word in english.PREPOSITIONS
        return head if head is not None and governs and head.lemma in english.AMENDS else None

    def _tools(self, at: int) -> int:
        """How many tokens name a tool, and perhaps a noun of it, in front of a verb: ``docker network``, ``gh pr``."""
        end = self._cues(at)
        if end == at:
            return 0
        while end + 1 < min(len(self.tokens), at + _MOST) and (
            self.vocabulary.head_at(self.tokens, end) is None or self._noun_of_tool(end)
        ):
            if self.tokens[end].shape is Shape.PAIR and self.tokens[end].text.startswith("-"):
                end += 1  # "terraform -chdir=./infra apply"
            elif self.tokens[end].shape is Shape.FLAG:
                end += 1 if self.tokens[end + 1].shape is Shape.FLAG else 2  # "docker compose -f FILE up"
            elif self.vocabulary.is_noun(self.tokens[end]):
                end += 1
            else:
                break
        return end - at

    def _noun_of_tool(self, at: int) -> bool:
        """``gh RELEASE create``: a noun that is a verb elsewhere, if another verb follows at once."""
        if not self.vocabulary.is_noun(self.tokens[at]) or at + 1 >= len(self.tokens):
            return False
        own = self.vocabulary.head_at(self.tokens, at)
        choice = (singular(self.tokens[at + 1].word),)
        if own is not None and any(choice in entry.choices for entry in self.vocabulary.by_verb.get(own.lemma, ())):
            return False  # "terraform PLAN destroy"
        return (own is None or len(own.tokens) == 1) and self.vocabulary.head_at(self.tokens, at + 1) is not None

    def _has_arguments(self, at: int) -> bool:
        """Whether the word here is followed by something that a verb could govern."""
        if at + 1 >= len(self.tokens):
            return False
        following = self.tokens[at + 1]
        ends = following.shape in (Shape.PUNCT, Shape.BREAK) or joins(following)
        return not ends and following.word not in english.PREPOSITIONS

    # --- whether a clause really begins

    def _valid(self, opening: Opening, at: int, current: Clause | None) -> bool:
        if opening.at >= len(self.tokens):
            return False
        if opening.fresh:
            return opening.at > at or opening.head is not None or opening.role is not Role.DO
        if opening.role is not Role.DO:
            once = opening.role is Role.AFTER and self.tokens[opening.at - 1].word == "once"
            return not (once and self.at_end(opening.at))  # "run it once"
        if opening.hard:
            if self._goes_on_list(opening, current):
                opening.head = None  # "run git pull, then make build"
            return not self.at_end(opening.at)
        if opening.head is None and opening.polite and opening.separated:
            return bool(self.vocabulary.nominals(self.tokens[opening.at : opening.at + 3]))  # "continue with a plan"
        if opening.head is None:
            return opening.negated and opening.separated and not self.at_end(opening.at)
        if opening.separated:
            long_noun = self.vocabulary.noun_length(self.tokens, opening.at) > 1
            more = self._goes_on_list(opening, current) or self._ends_list(opening, current)
            label = any(token.text == ":" for token in self.tokens[at : opening.at]) and self._is_label(
                opening, current
            )
            return not (long_noun or more or label or self._is_choice(opening, current))
        return opening.negated or self._ends_condition(opening, current)

    def _goes_on_list(self, opening: Opening, current: Clause | None) -> bool:
        """Whether the verb is one more program: ``run make lint, make test and make build``."""
        if current is None or opening.head is None or not current.body:
            return False
        programs = self.vocabulary.programs
        takes_commands = any(entry.phrase.programs for entry in self.vocabulary.by_verb.get(current.lemma, ()))
        return takes_commands and opening.head.tokens[0].word in programs and current.body[0].word in programs

    def _ends_list(self, opening: Opening, current: Clause | None) -> bool:
        """Whether the verb is one more name: ``create the namespaces dev and test``."""
        head = opening.head
        if current is None or head is None or len(head.tokens) > 1 or head.form is not Form.BASE:
            return False
        follows = self.tokens[opening.at + 1] if opening.at + 1 < len(self.tokens) else None
        if follows is not None and self._no_object(head, follows) and self.at_end(opening.at + 2):
            return len(current.body) > 1  # "auth, billing and SEARCH containers"
        if follows is not None and not (follows.shape in (Shape.PUNCT, Shape.BREAK) or follows.word in english.AND):
            return False
        names = [token for token in current.body if token.text != "," and token.word not in english.AND]
        plural = next(
            (at for at, t in enumerate(names) if self.vocabulary.is_noun(t) and singular(t.word) != t.word), None
        )
        counted = any(token.shape is Shape.NUMBER for token in names[:plural])  # "two docker volumes, LOGS and data"
        return (
            plural is not None
            and (len(names) - plural - 1 > 0 or (counted and follows is not None))
            and not any(token.word in english.PREPOSITIONS for token in names[plural:])
        )

    def _no_object(self, head: Head, noun: Token) -> bool:
        """Whether a noun in the plural is one that no operation of that verb knows."""
        words = (singular(noun.word),)
        if noun.shape is not Shape.WORD or words[0] == noun.word or words not in self.vocabulary.nouns:
            return False
        entries = self.vocabulary.by_verb.get(head.lemma, ())
        return not any(words in entry.nouns or words in entry.labels for entry in entries)

    def _is_choice(self, opening: Opening, current: Clause | None) -> bool:
        """Whether the verb stands alone and is a choice of the clause before: ``open a PR from a to b, draft``."""
        if current is None or opening.head is None or len(opening.head.tokens) > 1:
            return False
        word = (singular(opening.head.tokens[0].word),)
        entries = self.vocabulary.by_verb.get(current.lemma, ())
        if self.at_end(opening.at + 1):
            return any(word in entry.choices for entry in entries)
        if (
            opening.head.lemma == "label"
            and self.tokens[opening.at + 1].word not in english.ARTICLES | english.PRONOUNS
        ):
            return any(entry.slots[i].many for entry in entries for i in entry.labels.get(word, ()))
        value = (singular(self.tokens[opening.at + 1].word),)  # "..., restart always"
        return any(
            word in entry.labels and entry.choices.get(value, (None,))[0] in entry.labels[word] for entry in entries
        )

    def _is_label(self, opening: Opening, current: Clause | None) -> bool:
        """Whether the verb is a noun of what was said before the colon: ``new release for acme/cli: TAG v1.4.0``."""
        if current is None or not current.body or opening.head is None or len(opening.head.tokens) > 1:
            return False
        lemma = current.lemma or ("create" if current.body[0].word == "new" else "")
        behind = self.tokens[opening.at + 1] if opening.at + 1 < len(self.tokens) else None
        if behind is None or behind.word in english.ARTICLES | english.PRONOUNS or behind.shape is Shape.PUNCT:
            return False
        said = {(singular(token.word),) for token in current.body}
        entries = (e for e in self.vocabulary.by_verb.get(lemma, ()) if said & (e.nouns | e.cues))
        return any((opening.head.tokens[0].word,) in entry.labels for entry in entries)

    def _ends_condition(self, opening: Opening, current: Clause | None) -> bool:
        """Whether a verb follows a whole condition without a comma: ``if it validates apply it``."""
        if current is None or opening.head is None or opening.head.form is not Form.BASE:
            return False
        if self.vocabulary.noun_length(self.tokens, opening.at - 1) > 1:
            return False  # "the checks of pull REQUEST 5"
        body = current.body
        heading = current.head is None and len(body) > 1 and body[0].word in english.PREPOSITIONS
        if current.role is Role.DO and not heading:
            return False
        if not body:
            return False
        over = body[-1].word in english.WENT_WELL and len(body) > 1 and body[-2].word in english.AUXILIARIES
        if body[-1].word in _ENDS_NO_CONDITION and not over:
            return False
        return heading or current.head is not None or any(map(self.is_predicate, body[-_MOST:]))

    def is_predicate(self, token: Token) -> bool:
        word, known = token.word, self.vocabulary
        said = word in english.WENT_WELL or word in english.WENT_WRONG or word in english.FOUND
        return said or word in known.by_state or (word in known.first_words and word not in known.rests)
