"""A request cut into clauses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from reign.core.lexicon import CHECK, SHOW, WAIT, Kind
from reign.planner.keyword import asides, courtesies, english, figures, idioms, openings, values
from reign.planner.keyword.clauses import Clause, Join, Role
from reign.planner.keyword.inflection import Form, singular
from reign.planner.keyword.normalise import Shape, Token
from reign.planner.keyword.openings import Opening, Openings
from reign.planner.keyword.vocabulary import Head, Vocabulary

_ASKS = frozenset((*CHECK, "tell", "show", "know"))
_WISHES = frozenset({"want", "need", "have", "get", "like", "wish", "see"})
_NAMES = frozenset({Shape.WORD, Shape.TYPED, Shape.QUOTED})
_WHO_ASKS = frozenset({"i", "we", "can", "could", "do", "does", "to", "would", "one", "should"})
_AMOUNTS = english.ARTICLES | {"last", "latest", "recent", "newest", "all"}
_BEFORE_THING = frozenset({"the", "its", "their"})
_HEADING = 4  # words
_MODALS = frozenset({"can", "could", "may", "might", "must", "shall", "should", "will"})
_BEHIND_IMAGE = frozenset({"as", "on", "container", "called", "named", "with", "at", "in", ""})
_AFTER_PARTICLE = english.PREPOSITIONS | english.AND | english.POLITE


def split(tokens: Sequence[Token], vocabulary: Vocabulary) -> list[Clause]:
    """The clauses of a request, in the order of the text."""
    said = courtesies.plain(figures.plain(asides.plain(tokens)), vocabulary)
    return _finished(_Splitter(idioms.plain(said, vocabulary), vocabulary).clauses(), vocabulary)


class _Splitter:
    def __init__(self, tokens: list[Token], vocabulary: Vocabulary) -> None:
        self.tokens = tokens
        self.openings = Openings(tokens, vocabulary)
        self.done: list[Clause] = []
        self.current: Clause | None = None
        self.sentence = 0

    def clauses(self) -> list[Clause]:
        at, fresh, join = 0, True, Join.START
        while at < len(self.tokens):
            token = self.tokens[at]
            if openings.ends_sentence(token):
                self._close()
                self.sentence += 1
                fresh, join = True, Join.THEN if token.text == "then" else Join.AND
                at += 1
                continue
            if aside := self._aside(at, fresh):
                at = aside
                continue
            opening = self.openings.find(at, fresh, self.current, later=bool(self.done))
            if opening is not None:
                at = self._begin(at, opening, join if fresh else Join.AND)
                fresh = False
                continue
            if marked := self._mark(at):
                at = marked
                continue
            if self._condition_over(at):
                self._close()
                at += 1
            if self.current is None:
                self.current = Clause(join=join, sentence=self.sentence)
                fresh = False
            self.current.body.append(self.tokens[at])
            at += 1
        self._close()
        return self.done

    def _aside(self, at: int, fresh: bool) -> int:
        """Takes a statement by the way as a clause of its own; where to go on, or 0."""
        vocabulary, begin = self.openings.vocabulary, at
        if fresh:
            end = asides.reason(self.tokens, at, vocabulary)
        elif self.tokens[at].text == "," and self.current is not None and self.current.role is Role.DO:
            begin = at + 1
            end = asides.remark(self.tokens, begin, vocabulary)
        else:
            return 0
        if end == begin:
            return 0
        self._close()
        self.done.append(Clause(role=Role.ASIDE, body=self.tokens[begin:end], sentence=self.sentence))
        return end

    def _begin(self, at: int, opening: Opening, default: Join) -> int:
        """Starts a clause; the place where its body goes on."""
        self._close()
        first = not self.done or self.done[-1].sentence != self.sentence
        self.current = Clause(
            role=opening.role,
            join=opening.join or default,
            head=opening.head,
            body=list(opening.aside),
            sentence=self.sentence,
            negated=opening.negated,
            together=opening.together,
            separated=opening.separated or opening.hard or first,
            headed=any(token.text == ":" for token in self.tokens[at : opening.at]),
        )
        return opening.at + (len(opening.head.tokens) if opening.head else 0)

    def _condition_over(self, at: int) -> bool:
        """``run `a` and, if it succeeds, `b```; ``remove web and, if that works, its network x``: a value or a thing
        after the condition's comma, for the verb before it.
        """
        current, tokens = self.current, self.tokens
        if current is None or current.role is Role.DO or tokens[at].text != "," or at + 1 >= len(tokens):
            return False
        following = tokens[at + 1]
        value = following.shape in (Shape.CODE, Shape.QUOTED, Shape.TYPED)
        value = value or following.word in _BEFORE_THING or self.openings.vocabulary.is_noun(following)
        return value and bool(self.done) and any(map(self.openings.is_predicate, current.body))

    def _close(self) -> None:
        clause = self.current
        self.current = None
        if clause is None:
            return
        while clause.body and (clause.body[-1].shape in (Shape.PUNCT, Shape.BREAK) or openings.joins(clause.body[-1])):
            clause.body.pop()
        if clause.body or clause.head or clause.role is not Role.DO:
            self.done.append(clause)

    def _mark(self, at: int) -> int | None:
        """Order words that belong to the clause they stand in: ``... in parallel``, ``... first``."""
        if self.current is None:
            return None
        tokens, begin = self.tokens, at
        while begin < min(len(tokens), at + 3) and (openings.joins(tokens[begin]) or tokens[begin].text == ","):
            begin += 1
        if length := openings.TOGETHER.length(tokens, begin):
            listed = any(token.text == "," or token.word in english.AND for token in self.current.body)
            # "stop a and b in parallel, and ...": the list, and not what follows
            self.current.together = not listed or self.current.join is Join.AND
            return begin + length
        if length := openings.ONE_BY_ONE.length(tokens, begin):
            self.current.one_by_one = True
            return begin + length
        length, join = openings.FIRST.at(tokens, begin)
        if length and self.openings.at_end(begin + length):
            self.current.join = join if self.done else self.current.join
            return begin + length
        if begin < len(tokens) and tokens[begin].word == "next" and begin > 0 and openings.joins(tokens[begin - 1]):
            return None  # "the branches main and next"
        length = openings.LATER.length(tokens, begin)
        if not length or not self.openings.at_end(begin + length):
            return None
        if self.current.join is Join.AND and self.done:
            self.current.join = Join.THEN
        return begin + length


# --- what only the neighbours tell


def _finished(clauses: list[Clause], vocabulary: Vocabulary) -> list[Clause]:
    """Verbs whose particle stands further on, clauses that share a verb, headings, questions."""
    previous: Clause | None = None
    result: list[Clause] = []
    for index, clause in enumerate(clauses):
        following = clauses[index + 1] if index + 1 < len(clauses) else None
        if several := _subject(clause, vocabulary) or _wish(clause, vocabulary):
            result += several
            previous = several[-1]
            continue
        if clause.head is not None:
            _wait_for_it(clause, previous)
            _take_particle(clause, vocabulary)
            _take_tool(clause, vocabulary)
            if clause.body and clause.body[0].word in ("if", "whether") and clause.lemma in _ASKS:
                del clause.body[0]
        elif clause.role is Role.DO and clause.body:
            if several := _passive(clause, vocabulary):
                result += several
                previous = several[-1]
                continue
            if not _participle(clause, previous, vocabulary) and not _nominal(clause, vocabulary):
                _headless(clause, previous, following, vocabulary)
        if clause.role is Role.DO and clause.head is not None:
            previous = clause
        result.append(clause)
    return result


def _wait_for_it(clause: Clause, previous: Clause | None) -> None:
    """``restart the deployment api and wait``: for what was said before."""
    if clause.lemma in WAIT and clause.head is not None and not clause.body and previous is not None:
        end = clause.head.tokens[-1].end
        clause.body = [Token("for", end, end, Shape.WORD), Token("it", end, end, Shape.WORD)]


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
            if following is None or following.text == "," or following.word in _AFTER_PARTICLE:
                clause.head = Head(f"{base} {rest[0]}", (*clause.head.tokens, token), clause.head.form)
                del clause.body[at]
                return


def _wish(clause: Clause, vocabulary: Vocabulary) -> list[Clause]:
    """``I want web stopped and removed``, ``we need ./demo built as x:1``: the participles are what is to be done."""
    body = clause.body
    if clause.lemma not in _WISHES or clause.role is not Role.DO or clause.negated or clause.head is None:
        return []
    up = next((at for at in range(1, len(body)) if body[at].word == "up"), 0)
    if up and values.read(Kind.IMAGE, body[up - 1]) is not None and ":" in body[up - 1].text:  # "need redis:7 UP as x"
        run = Head("run", clause.head.tokens, clause.head.form)
        return [replace(clause, head=run, body=[*body[:up], *body[up + 1 :]])]
    placed = False  # "PR 5 IN acme/x merged": what stands at the very end only
    for at in range(1, len(body)):
        placed = placed or body[at].word in english.PREPOSITIONS
        if body[at].word in english.PREPOSITIONS:
            continue
        before = {token.word for token in body[:at]} - english.ARTICLES - english.AUXILIARIES
        heads, end = [], at
        while (head := vocabulary.head_at(body, end, (Form.PAST,))) and _is_deed(head, vocabulary):
            heads.append(head)
            end += len(head.tokens)
            while end < len(body) and (body[end].text == "," or openings.joins(body[end])):
                end += 1
        of_list = end < len(body) and body[end].text == ":"  # "need to be deleted: a and b"
        if not heads or not (before or of_list) or (placed and end < len(body)):
            continue
        if end < len(body) and body[end].shape in _NAMES and body[end].word not in english.PREPOSITIONS:
            return []  # "I need a stopped container"
        rest = [token for token in (*body[:at], *body[end + of_list :]) if token.word not in ("to", "be")]
        joins = [clause.join, *(Join.THEN for _ in heads[1:])]
        return [replace(clause, head=h, body=list(rest), join=j) for h, j in zip(heads, joins, strict=True)]
    return []


def _is_deed(head: Head, vocabulary: Vocabulary) -> bool:
    word = head.tokens[0].word
    known = head.lemma in vocabulary.by_verb and vocabulary.is_participle(word)
    return known and word not in english.PLACED | english.ADJECTIVES - {"stopped"}


def _take_tool(clause: Clause, vocabulary: Vocabulary) -> None:
    """``check ./infra with terraform validate``: the tool's own verb says what is to be done."""
    body = clause.body
    if clause.lemma not in CHECK or len(body) < 3 or not vocabulary.is_cue(body[-2]):
        return
    head = vocabulary.head_at(body, len(body) - 1)
    if body[-3].word in ("with", "using", "via", "by") and head is not None and head.lemma in vocabulary.by_verb:
        clause.head = head
        clause.body = body[:-1]


def _subject(clause: Clause, vocabulary: Vocabulary) -> list[Clause]:
    """``branch x can be deleted``: a noun that looks like a verb, if "can be" and another verb follow."""
    head, words = clause.head, [token.word for token in clause.body]
    if head is None or len(head.tokens) != 1 or clause.role is not Role.DO or not vocabulary.is_noun(head.tokens[0]):
        return []
    modal = next((at for at, word in enumerate(words[:-2]) if word in _MODALS and words[at + 1] == "be"), None)
    if modal is None or modal == 0 or any(word in ("that", "if", "whether", "and") for word in words[:modal]):
        return []
    return _passive(replace(clause, head=None, body=[head.tokens[0], *clause.body]), vocabulary)


def _passive(clause: Clause, vocabulary: Vocabulary) -> list[Clause]:
    """``web1 and web2 should be stopped and removed``: verbs at the end, after "be"; the clauses that they make."""
    for at, token in enumerate(clause.body[:-1]):
        if token.word != "be":
            continue
        heads, end = [], at + 1
        while (head := vocabulary.head_at(clause.body, end, (Form.PAST,))) and head.lemma in vocabulary.by_verb:
            heads.append(head)
            end += len(head.tokens)
            while end < len(clause.body) and (clause.body[end].text == "," or openings.joins(clause.body[end])):
                end += 1
        if heads:
            rest = [t for t in (*clause.body[:at], *clause.body[end:]) if t.word not in english.AUXILIARIES]
            joins = [clause.join, *(Join.THEN for _ in heads[1:])]
            return [replace(clause, head=h, body=list(rest), join=j) for h, j in zip(heads, joins, strict=True)]
    return []


def _participle(clause: Clause, previous: Clause | None, vocabulary: Vocabulary) -> bool:
    """``it must be stopped, then removed``: a further verb of the clause before, with what that is about."""
    head = vocabulary.head_at(clause.body, 0, (Form.PAST,)) if previous is not None else None
    if head is None or previous is None or len(head.tokens) < len(clause.body) or head.lemma not in vocabulary.by_verb:
        return False
    clause.head, clause.body = head, list(previous.body)
    return True


def _nominal(clause: Clause, vocabulary: Vocabulary) -> bool:
    """``creation of a network called x``: the verb as a noun that governs the rest."""
    if len(clause.body) < 3 or clause.body[1].word != "of":
        return False
    head = vocabulary.head_at(clause.body, 0, (Form.NOUN,))
    if head is None or head.lemma not in vocabulary.by_verb:
        return False
    clause.head, clause.body = head, clause.body[2:]
    return True


def _headless(clause: Clause, previous: Clause | None, following: Clause | None, vocabulary: Vocabulary) -> None:
    """A clause without a verb: a heading, a question, or one that shares the verb of the clause before."""
    first = clause.body[0]
    if first.word in english.ASKING or first.word in english.QUESTION_STARTS:
        if any(token.word == "you" for token in clause.body[:3]):
            return  # what the planner thinks, can or is
        clause.question = True
        lemma = "show" if first.word in english.ASKING else "check"
        clause.head = Head(lemma, (first,))
        del clause.body[0]
        while first.word == "how" and len(clause.body) > 1 and clause.body[0].word in _WHO_ASKS:
            del clause.body[0]
        verb = vocabulary.head_at(clause.body, 0) if first.word == "how" and clause.body else None
        if verb is not None and verb.lemma in (*SHOW, *CHECK):  # how to change something is no order to do it
            clause.head, clause.body = verb, clause.body[len(verb.tokens) :]  # "how can I see the logs of web?"
        return
    if _is_titled(clause.body, vocabulary):
        clause.head = Head("create", (replace(first, text="create", end=first.start, shape=Shape.WORD),))
        return
    if first.word == "new" and any(vocabulary.is_noun(token) for token in clause.body[1:4]):
        clause.head = Head("create", (first,))  # "new issue in acme/shop: 'x'"
        del clause.body[0]
        return
    if previous is None and _runs_image(clause, vocabulary):
        clause.head = Head("run", (replace(first, text="run", end=first.start, shape=Shape.WORD),))
        return
    if first.shape is Shape.CODE and "run" in vocabulary.by_verb and previous is None:
        clause.head = Head(
            "run", (replace(first, text="run", end=first.start, shape=Shape.WORD),)
        )  # commands, and nothing said about them
        return
    if first.word in ("a", "an") and len(clause.body) == 2:
        head = vocabulary.head_at(clause.body, 1, (Form.BASE, Form.NOUN))
        if head is not None and head.lemma in vocabulary.by_verb:
            clause.head, clause.body = head, []  # "continue with a plan"
            return
    same_sentence = previous is not None and previous.sentence == clause.sentence
    if same_sentence and previous is not None and previous.head is not None:
        clause.head, clause.copied = previous.head, True
        return
    if previous is None and not (following is not None and following.headed) and _is_shown(clause.body, vocabulary):
        stated = any(token.word in ("is", "are") for token in clause.body[1:])  # "ports on x: 22 and 80 are open"
        lemma = "check" if stated else "show"
        clause.head = Head(lemma, (replace(first, text=lemma, end=first.start, shape=Shape.WORD),))
        return
    leads = following is not None and following.sentence == clause.sentence and following.role is Role.DO
    heading = len(clause.body) <= _HEADING and any(
        vocabulary.is_noun(token) or vocabulary.is_cue(token) for token in clause.body
    )  # "container api: restart it"
    if leads and (first.word in english.PREPOSITIONS or (heading and following is not None and following.headed)):
        clause.role = Role.LEAD


def _is_titled(body: Sequence[Token], vocabulary: Vocabulary) -> bool:
    """``issue acme/ops 'rotate certs'``: a thing that is made, where, and its title."""
    if len(body) < 3 or body[0].shape is not Shape.WORD or values.read(Kind.REPO, body[1]) is None:
        return False
    made = any((singular(body[0].word),) in entry.about for entry in vocabulary.by_verb.get("create", ()))
    return made and any(token.shape is Shape.QUOTED for token in body[2:])


def _runs_image(clause: Clause, vocabulary: Vocabulary) -> bool:
    """``redis:7 as cache on port 6380``: an image, and how it is to run here; Kubernetes would be named."""
    body = clause.body
    image = values.read(Kind.IMAGE, body[0])
    sure = image is not None and (image.strength == 3 or body[0].word in vocabulary.images)
    if (
        not sure
        or len(body) < 2
        or body[0].shape not in (Shape.TYPED, Shape.WORD)
        or values.looks_like_path(body[0].text)
    ):
        return False
    if body[1].word == "up":
        del body[1]
    words = {token.word for token in body}
    how = words & {"container", "port", "as", "called", "named"}
    others = words & {"kubernetes", "k8s", "cluster", "replicas", "namespace", "helm", "is", "are", "was"}
    return bool(how) and not others and body[1].word in _BEHIND_IMAGE


def _is_shown(body: Sequence[Token], vocabulary: Vocabulary) -> bool:
    """Whether a noun is all that need be said to be shown something: "PODS in namespace shop", "last 20 log LINES"."""
    at = 0
    while at < len(body) - 1 and (body[at].word in _AMOUNTS or body[at].shape is Shape.NUMBER):
        at += 1
    nouns = {tuple(singular(token.word) for token in body[at : at + length]) for length in (1, 2)}
    told = (entry for entry in vocabulary.by_verb.get("show", ()) if nouns & entry.about)
    return any(entry.spec.effect.value == "read" for entry in told)
