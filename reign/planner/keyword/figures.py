"""Figures of speech as the plain words that they stand for: ``keep an eye on it`` as ``watch it``."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from reign.planner.keyword import english
from reign.planner.keyword.normalise import Shape, Token

_GOOD = (
    *("great", "nice", "good", "cool", "lovely", "awesome", "super", "perfect", "fantastic", "ideal", "helpful"),
    *("amazing", "wonderful", "brilliant", "appreciated", "kind", "best"),
)
_TELLERS = (
    *("let me know", "let us know", "tell me", "tell us", "ping me", "notify me", "inform me", "alert me", "ping us"),
    *("give me a shout", "give me a heads up", "give me a ping", "drop me a line", "report back", "shout", "call me"),
)
_WHO = ("you", "u", "we", "someone", "somebody", "anyone")
_FREE = ("a minute", "a moment", "a second", "a sec", "a min", "a chance", "some time", "time", "a spare minute")
_FINDS = ("have", "get", "find", "got", "have got", "have found")


def _combined(*parts: Sequence[str]) -> list[str]:
    return [" ".join(word for word in words if word) for words in product(*parts)]


_PLAIN: dict[str, str] = {
    **dict.fromkeys(("keep an eye on", "have an eye on", "keep watch over", "keep watching", "keep tabs on"), "watch"),
    **dict.fromkeys(_combined(_TELLERS, ("when", "once", "as soon as")), "wait until"),
    **{
        f"{ask} {who} {maybe}": f"{ask} {who}"
        for ask in ("can", "could", "would", "will")
        for who in _WHO
        for maybe in ("maybe", "perhaps", "possibly")
    },
    **{
        f"{who} {how} {wish} to": f"{who} {wish} to"
        for who in ("i", "we")
        for how in ("only", "just", "really", "simply", "actually", "basically")
        for wish in ("want", "need", "have")
    },
    **{f"{all_} {who} need is": f"{who} need" for all_ in ("what", "all") for who in ("i", "we")},
    **dict.fromkeys(
        _combined(("i", "we"), ("want", "need", "would like", "would love"), ("to know if", "to know whether")),
        "check whether",
    ),
    **dict.fromkeys(_combined(("can", "could", "may"), ("we", "i"), ("have", "get")), "i need"),
    **dict.fromkeys(
        _combined(("i", "we"), ("want", "need", "would like", "would love"), ("to know how", "to know what")),
        "show how",
    ),
    **dict.fromkeys(("let us try", "let us have", "let us get", "lets try", "lets have"), "i need"),
    **dict.fromkeys(
        _combined(
            ("", "can you", "could you", "would you"), ("do",), ("me", "us"), ("a",), ("favour", "favor"), ("and",)
        ),
        "please",
    ),
    **dict.fromkeys(("do you think you could", "do you think we could", "do you think you can"), "please"),
    **dict.fromkeys(("i was told to", "i was asked to", "i have been asked to", "i have been told to"), "please"),
    **dict.fromkeys(_combined(("", "i", "we"), ("guess",), ("we", "you", "i"), ("should",)), "please"),
    **dict.fromkeys(("gives back", "comes back with", "sends back", "hands back", "spits out"), "returns"),
    **dict.fromkeys(
        _combined(("turn", "turns", "show", "shows", "pop", "pops", "come", "comes"), ("up in",)), "found in"
    ),
    **dict.fromkeys(
        _combined(
            ("for",), ("it", "them", "that", "this"), ("to",), ("finish", "complete", "end", "settle", "be done")
        ),
        "for it",
    ),
    **dict.fromkeys(("before anything else", "before all else", "before everything else"), "first"),
    **dict.fromkeys(("double-check", "double check", "doublecheck"), "check"),
    **dict.fromkeys(_combined(("i", "we"), ("will",), ("need", "want")), "i need"),
    **dict.fromkeys(("give back", "come back with", "send back"), "return"),
    **dict.fromkeys(
        [
            *_combined(
                ("", "it"),
                ("would be", "will be", "might be"),
                _GOOD,
                ("if",),
                ("you", "someone", "we", "somebody"),
                ("could", "can", "would"),
            ),
            *_combined(("when", "whenever", "if", "once"), ("you", "someone", "anyone", "somebody"), _FINDS, _FREE),
            *_combined(
                ("while", "since", "as", "when"), ("you are", "we are", "i am", ""), ("at it", "at that", "on it")
            ),
        ],
        "",
    ),
}
_BY_FIRST: dict[str, list[tuple[tuple[str, ...], tuple[str, ...]]]] = {}
for _said in sorted(_PLAIN, key=lambda said: -len(said.split())):
    _BY_FIRST.setdefault(_said.split()[0], []).append((tuple(_said.split()), tuple(_PLAIN[_said].split())))

_CHECKED = frozenset({"script", "manifest", "dockerfile", "workflow", "syntax", "yaml", "terraform"})
_LEAVES = frozenset({"go", "die", "disappear", "vanish"})
_OBLIGED = frozenset({"must", "should", "can", "may", "could", "has", "have", "needs", "need"})
_ENOUGH = frozenset(
    {"enough", "fine", "plenty", "sufficient", "ok", "okay", "good", "great", "perfect", "suffice", "do"}
)
_TAGS = frozenset(
    {("would", "you"), ("will", "you"), ("can", "you"), ("could", "you"), ("shall", "we"), ("would", "u")}
)
_ENDED = frozenset(
    {
        *("finishes", "finished", "finish", "done", "completes", "completed", "complete", "ends", "ended", "over"),
        *("through", "passes", "passed", "succeeds", "succeeded", "green", "settles", "settled"),
    }
)
_AGREED = frozenset(
    {
        *("discussed", "agreed", "promised", "mentioned", "planned", "requested", "announced", "said", "talked"),
        *("explained", "told", "written", "arranged", "decided"),
    }
)
_REPORTS = (("let", "me", "know"), ("let", "us", "know"), ("tell", "me"), ("tell", "us"), ("report", "back"))
_WATCHES = frozenset({"watch", "follow", "monitor", "track"})


def plain(tokens: Sequence[Token]) -> list[Token]:
    """The tokens with figures of speech replaced."""
    result: list[Token] = []
    at = 0
    while at < len(tokens):
        end, words = _figure(tokens, at, result)
        if end == at:
            result.append(tokens[at])
            end = at + 1
        else:
            start, over = tokens[at].start, tokens[end - 1].end
            result += [w if isinstance(w, Token) else Token(w, start, over, Shape.WORD) for w in words]
            if not words and not result and end < len(tokens) and tokens[end].text in (",", ":"):
                end += 1  # "when you have a minute: ..."
        at = end
    return result


def _figure(tokens: Sequence[Token], at: int, before: Sequence[Token]) -> tuple[int, tuple[str | Token, ...]]:
    """Where a figure of speech ends that begins here, and what it stands for; ``at`` if none does."""
    if (ports := _ports(tokens, at, before)) is not None:
        return ports
    for said, words in _BY_FIRST.get(tokens[at].word.partition(" ")[0], ()):
        end = _matches(tokens, at, said)
        if end and not (before and before[-1].word in english.NAMING | {"as"}):
            return end, words
    for end, words in (
        (_passes(tokens, at), ("is", "valid")),
        (_leaves(tokens, at), ("must", "be", "removed")),
        (_suffices(tokens, at, before), ()),
        (_tag(tokens, at, before), ()),
        (_as_agreed(tokens, at, before), ()),
        (_reported(tokens, at, before), ()),
        (_until_over(tokens, at, before), ()),
    ):
        if end:
            return end, words
    return at, ()


def _ports(tokens: Sequence[Token], at: int, before: Sequence[Token]) -> tuple[int, tuple[str | Token, ...]] | None:
    """``ports on 10.0.0.5: OPEN 22,443 CLOSED 21`` as a statement of each."""
    behind = at + 1 + (at + 1 < len(tokens) and tokens[at + 1].text in (":", "="))
    if tokens[at].word not in ("open", "closed", "shut") or not any(t.word in ("port", "ports") for t in before):
        return None
    last = before[-1]
    if not (last.shape in (Shape.PUNCT, Shape.BREAK, Shape.NUMBER) or last.word in english.AND):
        return None
    end = behind
    while end < len(tokens) and (
        tokens[end].shape is Shape.NUMBER
        or ((tokens[end].text == "," or tokens[end].word in english.AND) and _is_number(tokens, end + 1))
    ):
        end += 1
    if end == behind or not _is_number(tokens, behind):
        return None
    comma = [] if last.shape in (Shape.PUNCT, Shape.BREAK) else [Token(",", last.end, last.end, Shape.PUNCT)]
    return end, (*comma, *tokens[behind:end], "are", tokens[at])


def _is_number(tokens: Sequence[Token], at: int) -> bool:
    return at < len(tokens) and tokens[at].shape is Shape.NUMBER


def _matches(tokens: Sequence[Token], at: int, said: tuple[str, ...]) -> int:
    """Where the run ends; a token may be several words ("a minute" is one)."""
    number = 0
    while number < len(said) and at < len(tokens) and tokens[at].word:
        words = tuple(tokens[at].word.split())
        if said[number : number + len(words)] != words:
            return 0
        number += len(words)
        at += 1
    return at if number == len(said) else 0


def _ends(tokens: Sequence[Token], at: int) -> bool:
    return at >= len(tokens) or tokens[at].shape in (Shape.PUNCT, Shape.BREAK) or tokens[at].word in english.AND


def _passes(tokens: Sequence[Token], at: int) -> int:
    """``./deploy.sh PASSES THE SCRIPT CHECK``"""
    words = [token.word for token in tokens[at : at + 4]]
    if words[0] not in ("passes", "pass") or words[1:2] not in (["the"], ["its"], ["a"]):
        return 0
    return at + 4 if len(words) == 4 and words[2] in _CHECKED and words[3] in ("check", "validation", "lint") else 0


def _leaves(tokens: Sequence[Token], at: int) -> int:
    """``the container ftp must go``: at the end, so that "must go to port 80" is none."""
    if tokens[at].word not in _OBLIGED:
        return 0
    end = at + 1 + (tokens[at + 1 : at + 2] != [] and tokens[at + 1].word == "to")
    if end >= len(tokens) or tokens[end].word not in _LEAVES:
        return 0
    end += 2 if end + 1 < len(tokens) and tokens[end + 1].word == "away" else 1
    return end if _ends(tokens, end) and at > 1 and tokens[at - 1].shape not in (Shape.PUNCT, Shape.BREAK) else 0


def _suffices(tokens: Sequence[Token], at: int, before: Sequence[Token]) -> int:
    """``2 replicas SHOULD BE ENOUGH``, ``a tcp check WILL DO``."""
    end = at
    while end < min(len(tokens), at + 3) and tokens[end].word in ("should", "will", "would", "is", "are", "be"):
        end += 1
    if end == at or end >= len(tokens) or tokens[end].word not in _ENOUGH or not _ends(tokens, end + 1):
        return 0
    if tokens[end].word in ("do", "suffice") and tokens[at].word not in ("should", "will", "would"):
        return 0
    start = len(before)
    while start > 0 and before[start - 1].shape not in (Shape.PUNCT, Shape.BREAK):
        start -= 1
    amount = start > 0 and any(token.shape is Shape.NUMBER for token in before[start : start + 4])
    checks = bool(before[start:]) and before[-1].word in ("check", "test", "ping", "scan")
    return end + 1 if amount or checks else 0


def _tag(tokens: Sequence[Token], at: int, before: Sequence[Token]) -> int:
    """``restart web, WOULD YOU?``"""
    words = tuple(token.word for token in tokens[at : at + 2])
    end = at + 2
    if end < len(tokens) and tokens[end].word in ("please", "pls"):
        end += 1
    apart = bool(before) and before[-1].text == ","
    return end if words in _TAGS and apart and (end >= len(tokens) or tokens[end].text in ("?", ".", "!")) else 0


def _as_agreed(tokens: Sequence[Token], at: int, before: Sequence[Token]) -> int:
    """``AS DISCUSSED ON THE PHONE: ...``"""
    apart = not before or before[-1].shape in (Shape.PUNCT, Shape.BREAK)
    if tokens[at].word not in ("as", "like") or not apart or at + 1 >= len(tokens):
        return 0
    end = at + 1 + (tokens[at + 1].word in ("we", "i", "already", "you"))
    if end >= len(tokens) or tokens[end].word not in _AGREED:
        return 0
    while end < min(len(tokens), at + 7) and tokens[end].shape is Shape.WORD:
        end += 1
    return end + 1 if end < len(tokens) and tokens[end].text in (",", ":") else 0


def _reported(tokens: Sequence[Token], at: int, before: Sequence[Token]) -> int:
    """``LET ME KNOW IF ANYTHING FAILS``, ``tell me how it went``: what every run does."""
    words = [token.word for token in tokens[at : at + 3]]
    teller = next((run for run in _REPORTS if tuple(words[: len(run)]) == run), None)
    if teller is None or (before and before[-1].shape not in (Shape.PUNCT, Shape.BREAK) and before[-1].word != "and"):
        return 0
    begin = end = at + len(teller)
    if end >= len(tokens) or tokens[end].word not in ("if", "whether", "how", "should"):
        return 0
    small = english.OUTCOME_NOUNS | english.WENT_WELL | english.WENT_WRONG | english.PRONOUNS | english.AUXILIARIES
    small |= {"if", "whether", "how", "should", "not", "went", "goes", "the", "any", "step", "anything", "something"}
    while end < len(tokens) and tokens[end].word in small:
        end += 1
    return end if end > begin + 1 and _ends(tokens, end) and not (end < len(tokens) and tokens[end].word) else 0


def _until_over(tokens: Sequence[Token], at: int, before: Sequence[Token]) -> int:
    """``watch the run UNTIL IT IS DONE``: what watching is."""
    if tokens[at].word not in ("until", "till") or not any(token.word in _WATCHES for token in before[-12:]):
        return 0
    end = at + 1
    small = english.IT | english.THEM | english.ARTICLES | english.AUXILIARIES | {"run", "everything", "all"}
    while end < min(len(tokens), at + 6) and tokens[end].word in small:
        end += 1
    return end + 1 if end < len(tokens) and tokens[end].word in _ENDED and _ends(tokens, end + 1) else 0
