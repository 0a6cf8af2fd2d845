"""Idioms as the plain words that they stand for: ``and call it web`` as ``called web``, ``this folder`` as ``.``."""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from itertools import pairwise

from reign.planner.keyword import english
from reign.planner.keyword.inflection import singular
from reign.planner.keyword.normalise import Shape, Token
from reign.planner.keyword.vocabulary import Vocabulary

_FOLDERS = frozenset({"folder", "directory", "dir"})
_PROJECTS = frozenset({"repo", "repository", "project", "checkout", "codebase"})
_HERE = frozenset({"current", "this", "present", "same", "working"})
_BEFORE_HERE = frozenset({"in", "from", "of", "at", "inside", "under", "on", "scan", "build", "the", "whole", "entire"})
_WITHOUT = (("without",), ("with", "no"))
_AFTER_WITHOUT = frozenset({"any", "the", "using", "use", "a"})
#: Nouns of the machine at which the planner works.
_MACHINES = frozenset({"machine", "host", "computer", "laptop", "box", "workstation"})
_LIES = frozenset({"is", "are", "lives", "live", "lies", "sits", "resides", "stays", "was", "were", "can", "be"})
_PLACING = frozenset({"in", "at", "under", "inside", "within", "from", "to", "on", "into", "with", "as"})
_KEY = re.compile(r"[A-Z][A-Z0-9]*_[A-Z0-9_]*[A-Z0-9]|[A-Z]{4,}")
_WORKSPACE_VERBS = {"new": "create", "delete": "delete", "list": "list", "create": "create", "remove": "delete"}
_IN_CASE = (("on",), ("upon",), ("in", "case", "of"), ("in", "case", "of", "a"), ("in", "the", "event", "of"))
_OUTCOMES = {
    **{(*lead, "success"): ("it", "succeeds") for lead in _IN_CASE},
    **{
        (*lead, word): ("that", "fails")
        for lead in (*_IN_CASE, ("in", "the", "event", "of", "a"))
        for word in ("failure", "error", "errors", "problems")
    },
}
_SHOWING = frozenset({"show", "me", "us", "see", "display", "print", "report"})
_THAT = frozenset({"it", "this", "that", "anything", "something", "one", "they", "any"})
_ENV = frozenset({"variable", "variables", "env", "environment"})
_PEOPLE = frozenset(
    {
        *("team", "teams", "customer", "customers", "marketing", "developer", "developers", "devs", "qa", "boss"),
        *("manager", "managers", "management", "colleague", "colleagues", "department", "client", "clients"),
        *("product", "guys", "people", "everybody", "everyone", "they", "he", "she", "company", "squad", "frontend"),
        *("backend", "platform", "ops", "sales", "support", "finance", "security", "data", "testers", "users"),
    }
)
_MOUNT = frozenset({"mount", "mounting", "map", "mapping", "bind"})
_MOUNTED = frozenset({"mounted", "mapped", "bound"})
_ONTO = frozenset({"at", "to", "on", "under", "into", "in", "as", "onto"})
_LINKED = english.AND | {"with", "using", "has", "have"}
_NOTHING = tuple(
    tuple(line.split())
    for line in (
        *("sorry to bother you", "sorry for bothering you", "excuse me", "sorry to disturb you", "sorry but"),
        *("if you do not mind", "if it is not too much trouble", "if it is not too much to ask", "if that is ok"),
        *("when you have time", "when you have a minute", "when you have a moment", "when you get a chance"),
        *(
            "whenever you can",
            "whenever you have time",
            "no rush",
            "no hurry",
            "at your convenience",
            "if that is okay",
        ),
        *("as soon as possible", "as fast as possible", "can you help me", "can you help", "can somebody help"),
        *("when you find the time", "if it is possible", "if at all possible", "as quickly as possible"),
        "if possible",
        "when possible",
        "if you can",
        "when you can",
        "if you like",
        "if i may",
    )
)
_AFTER_BACK = english.POLITE | english.AND | {"to", "again", "", "with", "on", "in"}
_BEHIND_ONE = english.NAMING | {"from", "with", "as", "using", "of"}
_HASTE = frozenset({"now", "asap", "immediately", "urgently"})
_PLAIN_NAME = re.compile(r"[A-Za-z][\w-]*(?:/[\w.-]+)*")
_VERSION = re.compile(r"\d{1,3}(?:\.\d{1,3}){0,2}(?:-[a-z]+)?")
_VALUES = frozenset({Shape.WORD, Shape.TYPED, Shape.QUOTED})


def plain(tokens: Sequence[Token], vocabulary: Vocabulary) -> list[Token]:
    """The tokens with idioms replaced."""
    tokens = [token for at, token in enumerate(tokens) if not _hurries(tokens, at)]
    result: list[Token] = []
    at = 0
    while at < len(tokens):
        at = _replace(tokens, at, vocabulary, result)
    return result


def _hurries(tokens: Sequence[Token], at: int) -> bool:
    """``run make test NOW``: a last word that says only how soon, and is no name."""
    if tokens[at].word not in _HASTE or at == 0:
        return False
    ends = at + 1 == len(tokens) or tokens[at + 1].shape in (Shape.PUNCT, Shape.BREAK)
    return ends and tokens[at - 1].word not in english.PREPOSITIONS | english.NAMING | {"as", "be"}


def _replace(tokens: Sequence[Token], at: int, vocabulary: Vocabulary, result: list[Token]) -> int:
    """Appends what stands for the words at this place; where to go on."""
    words = tuple(token.word for token in tokens[at : at + 8])
    if words[0] == "->" and vocabulary.head_at(tokens, at + 1) is None:
        if _comes_from(result, tokens[at + 1 : at + 2]):
            left = result.pop()
            result += [_word("from", (left,), 0, 1), left]
        result.append(_word("to", tokens, at, at + 1))
        return at + 1
    if (
        said := _equals(tokens, at, vocabulary) or _needless(tokens, at, result) or _elided(tokens, at, result)
    ) is not None:
        result += said[0]
        return said[1]
    if words[0] in ("call", "name") and at + 2 < len(tokens) and words[1] in english.IT:
        while result and (result[-1].text in (",", ".", ";", "?") or result[-1].word in ("and", "then")):
            result.pop()
        result.append(_word("called", tokens, at, at + 2))
        return at + 2
    if (
        words[:3] in (("all", "of", "these"), ("all", "of", "the"), ("both", "of", "the"))
        and len(words) > 3
        and words[3]
    ):
        return at + 2  # "all of these containers: a, b"
    if words[:4] in (("have", "a", "look", "at"), ("take", "a", "look", "at"), ("have", "a", "look", "into")):
        result.append(_word("show", tokens, at, at + 4))
        return at + 4
    if words[:2] == ("each", "of") and words[2:3] in (("them",), ("these",), ("those",)):
        result.append(_word("them", tokens, at, at + 3))
        return at + 3
    tool = words[0] == "workspace" and any(vocabulary.is_cue(token) for token in result[-3:])
    if tool and words[1:2] and words[1] in _WORKSPACE_VERBS:  # "terraform workspace new blue"
        result += [_word(_WORKSPACE_VERBS[words[1]], tokens, at + 1, at + 2), tokens[at]]
        return at + 2
    if (ended := _ended(tokens, at, result)) is not None:
        result += ended[0]
        return ended[1]
    if words[:1] == ("all",) and len(words) > 2 and tokens[at + 1].shape is Shape.NUMBER and tokens[at + 2].text == ":":
        return at + 3  # "restart all three: a, b and c"
    if words[0] == "number" and result and vocabulary.is_noun(result[-1]) and tokens[at + 1 : at + 2]:
        at += tokens[at + 1].shape is Shape.NUMBER  # "issue number 12"
    for nothing in _NOTHING:
        if words[: len(nothing)] == nothing:
            return at + len(nothing)
    if words[:2] in (("back", "down"), ("back", "up")) and (words[2:3] or ("",))[0] in _AFTER_BACK:
        behind_verb = bool(result) and bool(result[-1].word) and result[-1].word not in english.AND | {"then"}
        at += behind_verb  # "scale it back down to 2"
    if words[:2] in (("both", "of"), ("all", "of")) and words[2:3] in (("them",), ("these",), ("those",)):
        result.append(_word("both" if words[0] == "both" else "them", tokens, at, at + 3))
        return at + 3
    if words[:3] == ("as", "well", "as"):
        result.append(_word("and", tokens, at, at + 3))
        return at + 3
    if words[:2] == ("the", "result") and words[2:3] != ("of",) and not (result and result[-1].word in _SHOWING):
        result.append(_word("it", tokens, at, at + 2))
        return at + 2
    field = words[0] in ("where", "location", "target") and bool(tokens[at + 1 : at + 2]) and tokens[at + 1].text == ":"
    if field and result and result[-1].shape is Shape.BREAK:
        result[-1] = _word("in", tokens, at, at + 2)
        return at + 2  # a ticket's "Where: namespace shop"
    if words[:2] == ("name", "is") and len(words) > 2 and result and result[-1].word not in english.PREPOSITIONS:
        while result and result[-1].text == ",":
            result.pop()
        result.append(_word("called", tokens, at, at + 2))
        return at + 2  # "start the container, name is db"
    if words[0] == "should" and words[1:2] and words[1] in _THAT and words[2:3] and words[2] in ("fail", "go", "break"):
        wrong = words[2] == "go" and words[3:4] == ("wrong",)
        result += [_word(word, tokens, at, at + 3 + wrong) for word in ("if", "that", "fails")]
        return at + 3 + wrong  # "should it fail, undo it"
    policy = words[:2] if words[:2] in (("unless", "stopped"), ("on", "failure")) else ()
    if policy and result and result[-1].word in ("restart", "restarts", "restarted", "restarting"):
        result.append(_word("-".join(policy), tokens, at, at + 2, Shape.TYPED))
        return at + 2
    if words[:3] == ("up", "and", "running"):
        at += 2
    elif words[:2] in (("what", "is"), ("what", "are")) and result and result[-1].shape is Shape.WORD:
        return at + 2
    for replaced in (
        _variable(tokens, at, result),
        _relative(tokens, at),
        _this_machine(tokens, at, result),
        _status(tokens, at, result),
        _split_noun(tokens, at, vocabulary),
        _people_need(tokens, at, result),
        _here(tokens, at, result),
        _without(tokens, at, vocabulary.negative),
        _mounted(tokens, at, result),
        _version(tokens, at, vocabulary),
    ):
        if replaced is not None:
            made, end = replaced
            result += made
            return end
    result.append(tokens[at])
    return at + 1


def _word(text: str, tokens: Sequence[Token], at: int, end: int, shape: Shape = Shape.WORD) -> Token:
    return Token(text, tokens[at].start, tokens[end - 1].end, shape)


def _ended(tokens: Sequence[Token], at: int, before: Sequence[Token]) -> tuple[list[Token], int] | None:
    """``on success``, ``in case of failure`` as the condition that they are."""
    for words, outcome in _OUTCOMES.items():
        end = at + len(words)
        if tuple(token.word for token in tokens[at:end]) != words:
            continue
        if before and before[-1].word in ("restart", "restarts", "policy"):
            return None
        said = [_word(word, tokens, at, end) for word in ("if", *outcome)]
        if before and before[-1].shape not in (Shape.PUNCT, Shape.BREAK):
            return said, end
        return [*said, Token(",", tokens[end - 1].end, tokens[end - 1].end, Shape.PUNCT)], end
    return None


def _comes_from(before: Sequence[Token], behind: Sequence[Token]) -> bool:
    """``fix-cart -> main``: whether plain names stand on both sides of an arrow, and nothing governs the first."""
    if not before or not behind or (len(before) > 1 and before[-2].word in english.PREPOSITIONS):
        return False
    sides = (before[-1], behind[0])
    return all(t.shape in (Shape.WORD, Shape.TYPED) and _PLAIN_NAME.fullmatch(t.text) for t in sides)


def _equals(tokens: Sequence[Token], at: int, vocabulary: Vocabulary) -> tuple[list[Token], int] | None:
    """``replicas = 3`` as ``replicas=3``; ``CODEOWNERS = 'x'`` as that with this."""
    if at + 2 >= len(tokens) or tokens[at + 1].text != "=" or tokens[at].shape not in (Shape.WORD, Shape.TYPED):
        return None
    if vocabulary.is_noun(tokens[at]):
        return [_word(f"{tokens[at].text}={tokens[at + 2].text}", tokens, at, at + 3, Shape.PAIR)], at + 3
    return [tokens[at], _word("with", tokens, at + 1, at + 2)], at + 2


def _elided(tokens: Sequence[Token], at: int, before: Sequence[Token]) -> tuple[list[Token], int] | None:
    """``443 is open while 21 and 23 are not``: the state that was said before."""
    ends = at + 2 == len(tokens) or (tokens[at + 2 : at + 3] and tokens[at + 2].shape in (Shape.PUNCT, Shape.BREAK))
    if not ends or [t.word for t in tokens[at : at + 2]] not in (["are", "not"], ["is", "not"]):
        return None
    state = next((b for a, b in reversed(list(pairwise(before))) if a.word in ("is", "are", "be") and b.word), None)
    if state is None or state.word in english.NEGATIONS:
        return None
    return [*tokens[at : at + 2], _word(state.text, tokens, at, at + 2)], at + 2


def _needless(tokens: Sequence[Token], at: int, before: Sequence[Token]) -> tuple[list[Token], int] | None:
    """``a new ONE called x``; ``do not delete a; move it INSTEAD``."""
    words = [token.word for token in tokens[at : at + 4]]
    begin = 1 if words[0] in ("a", "an") else 0
    if words[begin : begin + 2] in (["new", "one"], ["fresh", "one"], ["another", "one"]):
        return ([], at + begin + 2) if set(words[begin + 2 : begin + 3]) & _BEHIND_ONE else None
    if words[0] == "all" and tokens[at + 1 : at + 2] and tokens[at + 1].shape is Shape.NUMBER:
        end = at + 4 if words[2:4] in (["of", "them"], ["of", "these"], ["of", "those"]) else at + 2
        follow = english.AND | english.PREPOSITIONS - {"of"}
        stops = end >= len(tokens) or tokens[end].shape in (Shape.PUNCT, Shape.BREAK) or tokens[end].word in follow
        if stops and (end >= len(tokens) or tokens[end].text != ":"):
            return [_word("them", tokens, at, min(end, len(tokens)))], end  # "wait for ALL THREE"
    ends = at + 1 == len(tokens) or tokens[at + 1].shape in (Shape.PUNCT, Shape.BREAK)
    if words[0] == "instead" and ends and any(token.word in ("not", "never") for token in before):
        return [], at + 1
    return None


def _variable(tokens: Sequence[Token], at: int, before: Sequence[Token]) -> tuple[list[Token], int] | None:
    """``DB_PASS from secret://env/X``, ``DEBUG set to 1`` as ``KEY=value``; ``password via KEY=value`` as the pair."""
    token = tokens[at]
    if token.shape is Shape.WORD and [t.word for t in tokens[at + 1 : at + 2]] in (["via"], ["through"]):
        pair = tokens[at + 2] if at + 2 < len(tokens) else None
        if pair is not None and pair.shape is Shape.PAIR and before and before[-1].word not in english.PREPOSITIONS:
            return [_word("with", tokens, at, at + 2), pair], at + 3
    if not _KEY.fullmatch(token.text) or token.shape not in (Shape.WORD, Shape.TYPED):
        return None
    end = at + 1
    while end < min(len(tokens), at + 5) and tokens[end].word in (
        "set",
        "to",
        "from",
        "is",
        "equals",
        "equal",
        "being",
    ):
        end += 1
    if end == at + 1 or end >= len(tokens) or tokens[end].shape in (Shape.PUNCT, Shape.BREAK):
        return None
    value = tokens[end]
    said = [t.word for t in tokens[at + 1 : end]]
    if not (value.text.startswith("secret://") or said[:1] in (["set"], ["is"], ["equals"], ["equal"])):
        return None
    pair = Token(f"{token.text}={value.text}", token.start, value.end, Shape.PAIR)
    linked = bool(before) and (before[-1].word in _LINKED or before[-1].text == "," or before[-1].word in _ENV)
    return ([pair] if linked else [_word("with", tokens, at, at + 1), pair]), end + 1


def _relative(tokens: Sequence[Token], at: int) -> tuple[list[Token], int] | None:
    """``which is in ./ops``, ``that lives under ./x``: the place alone."""
    if tokens[at].word not in ("which", "that") or at + 2 >= len(tokens) or at == 0:
        return None
    end = at + 1
    while end < min(len(tokens), at + 4) and tokens[end].word in _LIES:
        end += 1
    if end == at + 1 or end >= len(tokens):
        return None
    follows = tokens[end].word
    return ([], end) if follows in _PLACING or follows in english.PLACED | english.NAMING else None


def _this_machine(tokens: Sequence[Token], at: int, before: Sequence[Token]) -> tuple[list[Token], int] | None:
    """``off this machine``, ``on the host``: where all of the work goes on."""
    words = [token.word for token in tokens[at : at + 3]]
    if not before or len(words) < 3 or words[0] not in ("on", "from", "off", "of", "onto"):
        return None
    if words[1] not in ("the", "this", "my", "our") or words[2] not in _MACHINES or before[-1].word in _PLACING:
        return None
    follows = tokens[at + 3] if at + 3 < len(tokens) else None
    if follows is not None and not (
        follows.shape in (Shape.PUNCT, Shape.BREAK)
        or follows.word in _PLACING | english.AND | {"then", "going", "mapped", "forwarded", "pointing"}
    ):
        return None
    return [], at + 3


def _status(tokens: Sequence[Token], at: int, before: Sequence[Token]) -> tuple[list[Token], int] | None:
    """``http://x is 200``, ``to be 200``, ``is not 200``: what an address returns."""
    end = at
    while end < min(len(tokens), at + 5) and tokens[end].word in ("to", "is", "be", "being", "not"):
        end += 1
    said = [token.word for token in tokens[at:end]]
    if not ({"is", "be", "being"} & set(said)) or end >= len(tokens) or not before or "://" not in before[-1].text:
        return None
    number = tokens[end]
    if number.shape is not Shape.NUMBER or not 100 <= int(number.value or 0) <= 599:
        return None
    denied = [token for token in tokens[at:end] if token.word == "not"]
    return [*denied, _word("returns", tokens, at, end)], end


def _split_noun(tokens: Sequence[Token], at: int, vocabulary: Vocabulary) -> tuple[list[Token], int] | None:
    """``name space``, ``work flow``, ``docker file``: one noun that was written as two."""
    if at + 1 >= len(tokens) or tokens[at].shape is not Shape.WORD or tokens[at + 1].shape is not Shape.WORD:
        return None
    first, second = tokens[at].word, tokens[at + 1].word
    apart = (singular(first), singular(second))
    whole = first + second
    if apart in vocabulary.nouns or (singular(whole),) not in vocabulary.nouns or len(first) < 4 or len(second) < 4:
        return None
    return [_word(whole, tokens, at, at + 2)], at + 2


def _people_need(tokens: Sequence[Token], at: int, before: Sequence[Token]) -> tuple[list[Token], int] | None:
    """``our team needs x`` as ``need x``: who needs it adds nothing."""
    if before and before[-1].shape not in (Shape.PUNCT, Shape.BREAK):
        return None
    end = at
    while end < min(len(tokens), at + 3) and (tokens[end].word in english.ARTICLES or tokens[end].word in _PEOPLE):
        end += 1
    if end == at or end >= len(tokens) or tokens[end - 1].word not in _PEOPLE:
        return None
    if tokens[end].word not in ("need", "needs", "want", "wants", "require", "requires"):
        return None
    return [_word("need", tokens, at, end + 1)], end + 1


def _here(tokens: Sequence[Token], at: int, before: Sequence[Token]) -> tuple[list[Token], int] | None:
    """``in the current directory``, ``this folder``."""
    begin = at + 1 if tokens[at].word == "the" else at
    end = begin
    while end < min(len(tokens), begin + 3) and tokens[end].word in _HERE:
        end += 1
    if end > begin and end < len(tokens) and tokens[end].word in _PROJECTS and tokens[begin].word != "same":
        if before and before[-1].word in ("in", "of"):
            return [], end + 1  # where all of the work goes on
        return [_word(".", tokens, at, end + 1, Shape.TYPED)], end + 1
    said = end > begin and end < len(tokens) and tokens[end].word in _FOLDERS
    if not said or not before or before[-1].word not in _BEFORE_HERE or tokens[begin].word == "same":
        return None
    follows = tokens[end + 1] if end + 1 < len(tokens) else None
    if follows is not None and follows.shape in (Shape.TYPED, Shape.QUOTED):
        return None  # "in the working directory ./x"
    return [_word(".", tokens, at, end + 1, Shape.TYPED)], end + 1


def _without(tokens: Sequence[Token], at: int, negative: Set[str]) -> tuple[list[Token], int] | None:
    """``without any cache`` where ``no-cache`` is a choice of some operation."""
    for words in _WITHOUT:
        end = at + len(words)
        if tuple(token.word for token in tokens[at:end]) != words:
            continue
        while end < len(tokens) and tokens[end].word in _AFTER_WITHOUT:
            end += 1
        if end < len(tokens) and f"no-{tokens[end].word}" in negative:
            return [_word(f"no-{tokens[end].word}", tokens, at, end + 1, Shape.TYPED)], end + 1
    return None


def _mounted(tokens: Sequence[Token], at: int, before: Sequence[Token]) -> tuple[list[Token], int] | None:
    """``dbdata mounted at /data`` and ``mount dbdata at /data`` as ``dbdata:/data``."""
    first = tokens[at]
    linked = not before or before[-1].word in _LINKED or before[-1].text == ","
    if (first.word in _MOUNT and linked) or (first.word == "serving" and before):
        source = at + 1
        while source < len(tokens) and tokens[source].word in english.ARTICLES | {"volume", "folder", "directory"}:
            source += 1
        to = source + 1
    elif linked and before and first.shape in _VALUES:
        source, to = at, at + 2
        if at + 1 >= len(tokens) or tokens[at + 1].word not in _MOUNTED:
            return None
    else:
        return None
    if to + 1 >= len(tokens) or tokens[source].shape not in _VALUES or tokens[to].word not in _ONTO:
        return None
    inside = tokens[to + 1]
    if inside.shape is not Shape.TYPED or not inside.text.startswith("/") or ":" in tokens[source].text:
        return None
    text = f"{tokens[source].text}:{inside.text}"
    return [_word("with", tokens, at, source + 1), _word(text, tokens, source, to + 2, Shape.TYPED)], to + 2


def _version(tokens: Sequence[Token], at: int, vocabulary: Vocabulary) -> tuple[list[Token], int] | None:
    """``postgres 16`` as ``postgres:16``, where the word is a well-known image and the number counts nothing."""
    if tokens[at].word not in vocabulary.images or at + 1 >= len(tokens):
        return None
    number = tokens[at + 1]
    follows = tokens[at + 2].word if at + 2 < len(tokens) else ""
    counts = (singular(follows),) in vocabulary.nouns and singular(follows) != follows
    if not _VERSION.fullmatch(number.text) or number.shape not in (Shape.NUMBER, Shape.TYPED) or counts:
        return None
    return [_word(f"{tokens[at].word}:{number.text}", tokens, at, at + 2, Shape.TYPED)], at + 2
