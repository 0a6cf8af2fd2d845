"""What is said by the way and asks for nothing: ``umm``, ``:)``, ``sorry, me again``; ``..., it's hanging again``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from reign.planner.keyword import background, english
from reign.planner.keyword.inflection import singular
from reign.planner.keyword.normalise import Shape, Token
from reign.planner.keyword.vocabulary import Vocabulary

_INTERJECTIONS = frozenset(
    {
        *("um", "umm", "uhm", "uh", "er", "erm", "err", "hm", "hmm", "hmmm", "mhm", "ugh", "argh", "gah", "meh", "oh"),
        *("ooh", "ah", "aha", "oops", "whoops", "damn", "dang", "wow", "phew", "yikes", "yay", "haha", "lol", "yes"),
        *(
            "yeah",
            "yep",
            "yup",
            "sure",
            "alright",
            "anyway",
            "anyways",
            "btw",
            "fyi",
            "sorry",
            "alas",
            "look",
            "listen",
        ),
        *(
            "ok",
            "okay",
            "hey",
            "right",
            "great",
            "cool",
            "perfect",
            "awesome",
            "guys",
            "folks",
            "well",
            "huh",
            "pls",
            "yo",
            "heya",
            "hiya",
            "sup",
        ),
        *("plz", "please", "k"),
    }
)
#: Whole sentences that only keep the talk going.
_SMALL_TALK = re.compile(
    r"(?:really|truly|honestly|(?:it is |just |only )?me again"
    r"|any(?:one|body) (?:around|there|here|up|awake|home)|are you (?:there|around)"
    r"|(?:i am |we are |quite |very |pretty |absolutely |really |completely )*(?:sure|certain|serious|positive)"
    r"|go(?: go| ahead| for it)*|(?:me|us) please|please|hope (?:that is|this is|it is) (?:ok|okay|fine|clear)"
    r"|(?:quick|small|little|one|a|another|next|simple|easy|question|favou?r|thing|request|task|for|you|me)+"
    r"|(?:can|could|would|will) (?:you|u|someone|somebody)(?: please)? (?:do|handle|arrange|manage|take care of)"
    r" (?:that|it|this)(?: for (?:me|us))?(?: please)?"
    r"|(?:one|two|a few|another|some)(?: more| last| other| final| quick| small| little)* (?:things?|requests?|tasks?)"
    r"|(?:that |it |this |all |everything )?(?:looks|looked|sounds|seems|works|worked|was)(?: very| really| pretty)?"
    r"(?: good| great| fine| ok| okay| right| perfect| fine to me| good to me| well)?"
    r"|how are you(?: doing)?(?: today)?|you know the drill|here (?:we|you) go|no worries|my bad|long story short)"
)
_CORRECTION = re.compile(
    r"(?:no wait|wait no|no sorry|sorry no|no i mean|i mean|i meant|scratch that|strike that|never ?mind"
    r"|forget (?:it|that)|on second thoughts?|or rather|make that|actually no|no actually"
    r"|correction|oh no|cancel that|disregard that) "
)
#: Predicates by which a statement behind something that destroys says why, and spares nothing.
_PAST = frozenset(
    {
        *(
            "over",
            "done",
            "finished",
            "gone",
            "obsolete",
            "old",
            "dead",
            "broken",
            "full",
            "unused",
            "useless",
            "stale",
        ),
        *("outdated", "deprecated", "approved", "duplicate", "stuck", "hanging", "complete", "completed", "empty"),
    }
)
#: Words of a statement that could tell a task something.
_TELLING = english.NAMING | frozenset(
    {
        *("titled", "tagged", "entitled", "labelled", "labeled", "excluded", "exempt", "spared", "kept", "untouched"),
        *("limits", "protected", "forbidden", "included", "next", "first", "last", "later", "before", "after", "as"),
    }
)
_PLACES = frozenset({"to", "into", "on", "onto", "at", "under", "with", "from", "in", "by", "using", "for"})
_SUBJECTS = frozenset(
    {"it", "that", "this", "they", "nobody", "everybody", "everyone", "someone", "somebody", "he", "she"}
)
_LATELY = frozenset({"just", "already", "now", "also", "finally", "all", "only", "recently"})
_TELLERS = frozenset({"we", "i", "they", "he", "she", "people", "customers", "users"})
_PRAISE = frozenset({"looks", "looked", "sounds", "seems", "works", "worked", "was"})
_CHECKS = frozenset({"check", "verify", "ensure", "confirm", "test", "sure", "see", "whether", "wait", "until"})
_NEEDS = frozenset({"needs", "uses", "wants", "misses", "reads", "cares", "remembers"})


def plain(tokens: Sequence[Token]) -> list[Token]:
    """The tokens without interjections and small talk; a text of nothing else is left as it is."""
    result: list[Token] = []
    sentence: list[Token] = []
    for token in tokens:
        sentence.append(token)
        if token.shape is Shape.BREAK or token.text in (".", "!", "?", ";", "…"):
            result += _said(sentence)
            sentence = []
    result += _said(sentence)
    while result and (result[0].shape is Shape.BREAK or result[0].text in (",", ".", "!", "?", ";", ":", "…")):
        del result[0]
    return result or list(tokens)


def _said(sentence: Sequence[Token]) -> list[Token]:
    """A sentence without the interjections that begin it; nothing of one that says nothing."""
    begin = 0
    while begin < len(sentence) and sentence[begin].word in _INTERJECTIONS and _stands_apart(sentence, begin):
        begin += 1
        while begin < len(sentence) and sentence[begin].text == ",":
            begin += 1
    rest = _without_chatter(_without_praise(sentence[begin:]))
    words = [token.word for token in rest if token.shape not in (Shape.PUNCT, Shape.BREAK)]
    if all(words) and (not words or _SMALL_TALK.fullmatch(" ".join(words))):
        return [token for token in rest if token.shape is Shape.BREAK]
    return rest


def _without_praise(sentence: Sequence[Token]) -> Sequence[Token]:
    """``LOOKS GOOD, go ahead and ...``: small talk up to the first comma."""
    end = next((at for at, token in enumerate(sentence) if token.shape in (Shape.PUNCT, Shape.BREAK)), 0)
    words = [token.word for token in sentence[:end]]
    idle = end and sentence[end].text == "," and all(words) and _PRAISE & set(words)
    return sentence[end + 1 :] if idle and _SMALL_TALK.fullmatch(" ".join(words)) else sentence


def _without_chatter(sentence: Sequence[Token]) -> list[Token]:
    """A sentence without what stands between its commas and is all interjections: ``restart web, YES PLEASE``."""
    result: list[Token] = []
    at = 0
    while at < len(sentence):
        end = at + 1
        while end < len(sentence) and sentence[end].shape not in (Shape.PUNCT, Shape.BREAK):
            end += 1
        chatter = sentence[at].text == "," and end > at + 1
        said = [token.word for token in sentence[at + 1 : end]]
        asked = all(said) and said[:1] and said[0] in ("can", "could", "would", "will")  # "..., could you do it"
        idle = all(word in _INTERJECTIONS for word in said) or (asked and _SMALL_TALK.fullmatch(" ".join(said)))
        if not (chatter and idle):
            result += sentence[at:end]
        at = end
    return result


def _stands_apart(sentence: Sequence[Token], at: int) -> bool:
    """Whether a word is no part of what follows: ``look, ...``, but ``look for secrets``."""
    following = sentence[at + 1] if at + 1 < len(sentence) else None
    if following is None or following.shape in (Shape.PUNCT, Shape.BREAK):
        return True
    return sentence[at].word not in {
        "look",
        "listen",
        "sure",
        "right",
        "perfect",
        "great",
        "well",
        "hey",
        "k",
        "please",
        "sorry",
    }


def correction(tokens: Sequence[Token]) -> list[Token]:
    """Words by which somebody takes back what was just said: ``restart web, no wait, api``; else nothing."""
    for at in range(1, len(tokens)):
        before, rest = tokens[at - 1], [token for token in tokens[at : at + 6] if token.text != ","]
        words = " ".join(token.word for token in rest)
        if before.shape not in (Shape.PUNCT, Shape.BREAK):
            continue
        if found := _CORRECTION.match(words + " "):
            return rest[: len(found[0].split())]
        sorry = tokens[at].word == "sorry" and at + 1 < len(tokens) and before.text == ","
        behind = rest[1] if len(rest) > 1 else None
        if sorry and behind is not None and behind.shape not in (Shape.WORD, Shape.PUNCT, Shape.BREAK):
            return rest[:2]
    return []


def remark(tokens: Sequence[Token], at: int, vocabulary: Vocabulary) -> int:
    """Where a statement by the way ends that begins here, behind a comma; ``at`` if none does.

    It holds no value, no wish and no word that operations know as a choice, for nothing of these is passed over.
    """
    end = _end(tokens, at)
    said = tokens[at:end]
    goes_on = end < len(tokens) and (tokens[end].text in (",", ":") or tokens[end].word == "->")
    if goes_on or len(said) < 2 or any(token.shape is not Shape.WORD for token in said):
        return at
    words = [token.word for token in said]
    unused = words[0] == "nobody" and (words[1] in _NEEDS or words[1:3] == ["is", "using"])
    subject = unused or (words[0] in _SUBJECTS and words[1] in background.STANDS) or _tells(said, vocabulary)
    if not subject and not background.has_unknown_subject(said, vocabulary):
        return at
    behind = said[3 * unused :]  # "nobody is using it"
    placed = (a.word in _PLACES and b.word not in english.DEFINITE | english.ARTICLES for a, b in pairwise(behind))
    if _TELLING & set(words) or any(placed) or words[-1] in _PLACES:
        return at
    if any(_destroys(token, vocabulary) for token in tokens[:at]) and not (unused or _PAST & set(words)):
        return at
    checked = any(token.word in _CHECKS for token in tokens[:at])
    if (background.WISHES & set(words[2 * unused :])) or (
        checked and any(word in vocabulary.by_state for word in words)
    ):
        return at
    told = any((singular(word),) in vocabulary.choices for word in words) or _names(said, vocabulary)
    acts = not unused and any(background.acts(said, i, vocabulary) for i in range(len(said)))
    return at if told or acts else end


def reason(tokens: Sequence[Token], at: int, vocabulary: Vocabulary) -> int:
    """Where a statement ends that begins a sentence and only gives a reason for what follows: ``..., so build it``."""
    end = _end(tokens, at)
    said = tokens[at:end]
    if len(said) < 3 or end + 1 >= len(tokens) or any(token.shape is not Shape.WORD for token in said):
        return at
    told = _narrates(said, vocabulary)
    follows = ("so", "please", "pls", "can", "could", "would") if told else ("so",)
    if not (tokens[end].word == "->" or (tokens[end].text == "," and tokens[end + 1].word in follows)):
        return at
    if told and not any(background.things(said, vocabulary)):
        return end
    words = {token.word for token in said}
    stands = words & (background.STANDS | {"want", "wants", "need", "needs", "am"})
    if not stands or words & english.LIMITING or _names(said, vocabulary) or vocabulary.head_at(said, 0) is not None:
        return at
    deeds = (i for i in range(len(said)) if not vocabulary.is_light(said[i].word))
    return at if any(background.acts(said, i, vocabulary) for i in deeds) else end


def _narrates(said: Sequence[Token], vocabulary: Vocabulary) -> bool:
    """``WE just MERGED everything``, ``I AM done with it``: what somebody did, or how they are, and no wish."""
    if said[0].word not in _TELLERS or {token.word for token in said} & background.WISHES - {"to", "all", "like"}:
        return False
    verb = next((token for token in said[1:4] if token.word not in _LATELY), None)
    if verb is None or verb.word in english.NEGATIONS:
        return False
    return verb.word in ("am", "are", "is", "was", "were", "have", "had") or vocabulary.is_participle(verb.word)


def _tells(said: Sequence[Token], vocabulary: Vocabulary) -> bool:
    """``WE EXPECT a lot of traffic tonight``: somebody does what no operation does."""
    verb = said[1]
    known = vocabulary.first_words.get(verb.word) or verb.word in english.AUXILIARIES
    return said[0].word in _TELLERS and not known and not vocabulary.is_noun(verb)


def _destroys(token: Token, vocabulary: Vocabulary) -> bool:
    bases = (base for base, _ in vocabulary.first_words.get(token.word, ()))
    return any(e.spec.effect.value == "destroy" for base in bases for e in vocabulary.by_verb.get(base, ()))


def _end(tokens: Sequence[Token], at: int) -> int:
    while at < len(tokens) and tokens[at].shape not in (Shape.PUNCT, Shape.BREAK) and tokens[at].word != "->":
        at += 1
    return at


def _names(said: Sequence[Token], vocabulary: Vocabulary) -> bool:
    """Whether one of the words is a noun or a tool of an operation, and not a verb's: "the load TEST"."""
    known = (t for t in said if vocabulary.is_noun(t) or vocabulary.is_cue(t))
    return any(token.word not in vocabulary.first_words for token in known)
