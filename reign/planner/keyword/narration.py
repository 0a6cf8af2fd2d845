"""What somebody tells of themselves or of what happened: ``I fixed the Dockerfile in ./api``, ``I'm trying to ...``."""

from __future__ import annotations

from collections.abc import Sequence

from reign.planner.keyword import background, english
from reign.planner.keyword.clauses import Clause, Role
from reign.planner.keyword.inflection import Form
from reign.planner.keyword.normalise import Shape, Token
from reign.planner.keyword.vocabulary import Vocabulary

_TELLERS = frozenset({"i", "we", "they", "he", "she", "somebody", "someone", "nobody", "you", "it", "that"})
_ADVERBS = frozenset({"just", "finally", "already", "also", "only", "recently", "now", "have", "has", "had", "never"})
_IRREGULAR = frozenset(
    {
        *("went", "wrote", "got", "made", "did", "broke", "forgot", "told", "said", "saw", "found", "took", "came"),
        *("lost", "left", "kept", "ran", "began", "thought", "heard", "gave", "met", "sent", "bought", "grew", "fell"),
        *("put", "built", "knew", "felt", "became", "was", "were", "had", "spent", "brought", "changed", "used"),
    }
)
_THINK = frozenset({"think", "believe", "guess", "suspect", "assume", "fear", "heard"})
#: What the speaker is up to; who is asked for something stands in another clause.
_AIMS = (
    *(("about", "to"), ("trying", "to"), ("want", "to", "see"), ("want", "to", "know"), ("want", "to", "try")),
    *(("want", "to", "find"), ("want", "to", "understand"), ("wanted", "to"), ("would", "like", "to", "see")),
    *(("would", "like", "to", "know"), ("want", "to", "debug"), ("going", "to"), ("planning", "to")),
)
_UNABLE = (("can", "not"), ("cannot",), ("could", "not"))
_THIRD = frozenset({"wants", "needs", "asks", "asked", "expects", "likes"})
_BACK = 6  # words


def is_told(clause: Clause, text: str, following: Sequence[Clause], vocabulary: Vocabulary) -> bool:
    """Whether a clause of this text that is no request tells something.

    A wish, a limit or an order in it makes it none. What is aimed at may hold values only where a request follows.
    """
    if clause.role is not Role.DO or not clause.tokens or clause.question:
        return False
    words = [token.word for token in clause.tokens]
    asked = any(other.role is Role.DO and other.head is not None and not other.negated for other in following)
    said = sentence_before(text, clause.tokens)[-_BACK:]
    spoken = text[clause.tokens[0].start : clause.tokens[-1].end].lower().split()  # with "shall" in "shall be removed"
    holds = any(token.shape not in (Shape.WORD, Shape.PUNCT, Shape.BREAK) for token in clause.tokens)
    if any(_ends_with(said, words, aim) for aim in _AIMS):
        return (asked or not holds) and bool(said) and said[0] in ("i", "we", "am", "are", *_ADVERBS)
    if any(_ends_with(said, words, unable) for unable in _UNABLE):
        return not holds and bool({"i", "we"} & set(said))
    if clause.negated or background.WISHES & {*words, *spoken} - {"to", "like", "all", "both", "every"}:
        return False
    if set(words) & (english.NAMING | {"titled", "as"}):
        return False  # what is called so may be meant
    if set(words) & english.LIMITING - {"out", "no", "never", "like", "nobody", "almost"}:
        return False
    while said and said[-1] in _ADVERBS:
        said.pop()
    whole = [*said[-1:], *words]
    if len(whole) < 2 or whole[0] not in _TELLERS | english.DEFINITE | english.ARTICLES | _THINK:
        return False
    if whole[0] in _TELLERS and whole[1] in _THINK:
        return any(_is_past(word, vocabulary) for word in whole[2:])
    at = next((i for i, word in enumerate(whole[1:5], 1) if word not in _ADVERBS and _is_verb(word, vocabulary)), 0)
    return at > 0 and _is_past(whole[at], vocabulary) and (at == 1 or whole[0] not in _TELLERS)


def wants_for_somebody(clause: Clause, vocabulary: Vocabulary) -> bool:
    """``the customer WANTS the new version today``: no value and no name in it, so nothing that could be done."""
    words = [token.word for token in clause.tokens]
    plain = all(token.shape in (Shape.WORD, Shape.PUNCT) for token in clause.tokens)
    third = any(word in _THIRD for word in words[1:4]) and bool(words) and words[0] in english.DEFINITE
    return plain and third and not any(background.things(clause.tokens, vocabulary))


def _ends_with(said: Sequence[str], words: Sequence[str], run: tuple[str, ...]) -> bool:
    """Whether the run stands where the clause begins: before it, or over its first words."""
    return any(
        tuple(said[len(said) - cut :]) == run[:cut] and tuple(words[: len(run) - cut]) == run[cut:]
        for cut in range(len(run), -1, -1)
        if cut <= len(said)
    )


def _is_past(word: str, vocabulary: Vocabulary) -> bool:
    forms = {form for _, form in vocabulary.first_words.get(word, ())}
    if Form.BASE in forms:
        return False
    return word in _IRREGULAR or Form.PAST in forms or (word.endswith("ed") and len(word) > 4)


def _is_verb(word: str, vocabulary: Vocabulary) -> bool:
    return bool(vocabulary.first_words.get(word)) or _is_past(word, vocabulary) or word in english.AUXILIARIES


def sentence_before(text: str, tokens: Sequence[Token]) -> list[str]:
    """The words of the text between the last end of a sentence, or comma, and the tokens."""
    if not tokens:
        return []
    raw = text[max(0, tokens[0].start - 120) : tokens[0].start].lower().replace("'m ", " am ").replace("n't ", " not ")
    for mark in (". ", "! ", "? ", "; ", ": ", "\n", ", "):
        raw = raw.rpartition(mark)[2]
    return raw.replace("'ve ", " have ").replace("'d ", " would ").replace("ca not", "can not").split()
