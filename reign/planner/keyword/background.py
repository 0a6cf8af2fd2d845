"""Statements that tell how things stand, ``the container 'gateway' hangs``: they name things and ask for nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from reign.core.lexicon import Kind
from reign.planner.keyword import english, values
from reign.planner.keyword.clauses import Clause, Role
from reign.planner.keyword.inflection import Form, singular
from reign.planner.keyword.normalise import Shape, Token
from reign.planner.keyword.vocabulary import Vocabulary

_SUBJECTS = english.DEFINITE | {
    *("it", "they", "there", "he", "she", "users", "customers", "someone", "somebody", "people", "something", "we"),
    *("everyone", "everybody", "colleagues", "a", "an", "today", "yesterday", "currently", "apparently"),
    *("unfortunately", "sadly", "sorry", "i", "monitoring", "alerting", "as", "have", "had"),
    *("am", "are", "is", "was", "were"),  # whose subject was taken for a beginning: "I AM new here"
}
STANDS = frozenset(
    {
        *("is", "are", "was", "were", "am", "has", "have", "had", "seems", "seem", "looks", "keeps", "hangs", "hang"),
        *("crashed", "crashes", "stuck", "died", "dies", "lags", "leaks", "misbehaves", "misbehaving", "complain"),
        *("complains", "complained", "reported", "reports", "broke", "breaks", "failed", "fails", "noticed", "got"),
        *("approved", "confirmed", "agreed", "expires", "expire", "expired", "costs", "cost", "changed", "moved"),
    }
)
#: What makes a statement a wish, an order or a limit, which is never passed over.
WISHES = frozenset(
    {
        *("should", "must", "shall", "need", "needs", "needed", "want", "wants", "wanted", "require", "requires"),
        *("required", "supposed", "expected", "ought", "may", "might", "can", "cannot", "could", "will", "would"),
        *("please", "to", "never", "only", "except", "but", "unless", "until", "without", "instead", "allowed", "let"),
        *("forbidden", "ensure", "wish", "like", "going", "planned", "due", "if", "both", "all", "every", "each"),
    }
)
#: Wishes that are none in "we no longer need x", and in "y must stay".
_NEEDS = frozenset({"need", "needs", "needed", "use", "uses", "used", "want", "wants"})
_STAYS = frozenset({"stay", "stays", "remain", "remains"})
_MUST = frozenset({"must", "should", "shall", "has", "to", "needs", "will"})
_SUBJECT = 3  # words
_BEFORE_PAST = frozenset({"was", "were", "been", "had", "already", "got", "is", "are"})


def is_background(clause: Clause, vocabulary: Vocabulary) -> bool:
    """Whether the clause is a statement without a wish, an action or a value in it."""
    body = clause.body
    having = clause.head is not None and clause.head.tokens[0].word in ("have", "had")
    if clause.role is not Role.DO or clause.negated or (clause.question and not having):
        return False
    if not body or (clause.head is not None and not (clause.copied or having)):
        return False
    words = [token.word for token in body]
    told = len(body) > 1 and (words[0] in _SUBJECTS or has_unknown_subject(body, vocabulary))
    over, stays = _is_over(words), words[-1:] and words[-1] in _STAYS and words[0] not in english.PRONOUNS
    told = told or over or stays or (singular(words[0]),) in vocabulary.thing_labels
    wishes = WISHES - (_NEEDS if over else frozenset()) - (_MUST if stays else frozenset())
    if not told or not (having or over or stays or STANDS & set(words)) or wishes & set(words):
        return False
    named = {token for _, token in things(body, vocabulary)}
    return all(
        token in named
        or token.shape is Shape.PUNCT
        or values.read(Kind.REPO, token) is not None
        or (over and values.looks_like_path(token.text))
        or (token.shape is Shape.WORD and ((over and token.word in _NEEDS) or not acts(body, at, vocabulary)))
        for at, token in enumerate(body)
    )


def _is_over(words: Sequence[str]) -> bool:
    """``we no longer need x``, ``nobody uses x any more``."""
    return "anymore" in words or any(pair in (("no", "longer"), ("any", "more")) for pair in pairwise(words))


def has_unknown_subject(body: Sequence[Token], vocabulary: Vocabulary) -> bool:
    """Whether what stands before the first finite verb are words that no operation knows: "black friday IS coming"."""
    at = next((at for at, token in enumerate(body[: _SUBJECT + 1]) if token.word in STANDS), 0)
    return at > 0 and all(_is_unknown(token, vocabulary) for token in body[:at])


def _is_unknown(token: Token, vocabulary: Vocabulary) -> bool:
    """A word that no operation knows, and so the subject of a statement: "COSTS are too high"."""
    known = vocabulary.first_words.get(token.word) or vocabulary.is_noun(token) or vocabulary.is_cue(token)
    small = english.QUANTIFIERS | english.LIMITING | english.AND
    return token.shape is Shape.WORD and not known and token.word not in small


def acts(body: Sequence[Token], at: int, vocabulary: Vocabulary) -> bool:
    """Whether a word is an operation's verb, and not what had happened before: "they WERE stopped yesterday"."""
    token = body[at]
    if token.word in english.AUXILIARIES or vocabulary.is_noun(token) or token.word in STANDS:
        return False
    bases = {base for base, _ in vocabulary.first_words.get(token.word, ())}
    if not any(verb.partition(" ")[0] in bases for verb in vocabulary.by_verb):
        return False
    if any(body[i].word in english.ARTICLES | english.DEFINITE for i in (at - 1, at - 2) if i >= 0):
        return False  # "our BUILD agent is full", "the load TEST is over"
    going_on = any(form is Form.GERUND for _, form in vocabulary.first_words[token.word])
    if going_on and at > 0 and body[at - 1].word in english.AUXILIARIES:
        return False  # "the customer is WAITING"
    return not (vocabulary.is_participle(token.word) and at > 0 and any(t.word in _BEFORE_PAST for t in body[:at]))


def things(body: Sequence[Token], vocabulary: Vocabulary) -> Iterator[tuple[set[str], Token]]:
    """What the words name by a noun beside a name: the kinds of thing that it can be, and the name."""
    for at in range(len(body)):
        for length in (3, 2, 1):
            label = tuple(singular(t.word) for t in body[at : at + length])
            kinds = vocabulary.thing_labels.get(label) if len(label) == length and all(label) else None
            if not kinds:
                continue
            if len(kinds) > 1:  # a deployment can be what a namespace can be, deleted, and is none
                places = {scoped for _, scoped in vocabulary.scopes}
                kinds = kinds & {" ".join(label)} or kinds - places or kinds
            behind = body[at + length] if at + length < len(body) else None
            if behind is not None and behind.word in english.NAMING and at + length + 1 < len(body):
                behind = body[at + length + 1]
            before = body[at - 1] if at else None
            found = next((t for t in (behind, before) if t is not None and _is_name(t, vocabulary)), None)
            if found is not None:
                yield kinds, found
            break


def _is_name(token: Token, vocabulary: Vocabulary) -> bool:
    if token.shape is Shape.NUMBER:
        return True
    if token.shape in (Shape.QUOTED, Shape.CODE, Shape.TYPED):
        return values.looks_like_path(token.text) or bool(token.text.strip())
    if token.shape is not Shape.WORD or token.word in STANDS | _SUBJECTS | english.ADJECTIVES | english.VAGUE:
        return False
    small = (english.PREPOSITIONS, english.POLITE, english.AUXILIARIES, english.PRONOUNS, english.LIMITING, english.AND)
    is_small = any(token.word in words for words in small)
    return not (is_small or vocabulary.is_noun(token) or vocabulary.is_participle(token.word))
