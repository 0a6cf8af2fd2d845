"""Idioms as the plain words that they stand for: ``and call it web`` as ``called web``, ``this folder`` as ``.``."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

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
_AND_THEN = english.AND | {"then"}
_JOINS = frozenset({",", ".", ";", "?"})
_LOOKS = (("have", "a", "look", "at"), ("take", "a", "look", "at"), ("have", "a", "look", "into"))
_ALL_OF_THE = (("all", "of", "these"), ("all", "of", "the"), ("both", "of", "the"))
_THOSE = (("them",), ("these",), ("those",))
_AFTER_BACK = english.POLITE | english.AND | {"to", "again", "", "with", "on", "in"}
_BEHIND_ONE = english.NAMING | {"from", "with", "as", "using", "of"}
_HASTE = frozenset({"now", "asap", "immediately", "urgently"})
_PLAIN_NAME = re.compile(r"[A-Za-z][\w-]*(?:/[\w.-]+)*")
_VERSION = re.compile(r"\d{1,3}(?:\.\d{1,3}){0,2}(?:-[a-z]+)?")
_VALUES = frozenset({Shape.WORD, Shape.TYPED, Shape.QUOTED})


class Reading(NamedTuple):
    """What stands for the words from a place up to ``end``, and for so many of the tokens made before it."""

    made: Sequence[Token]
    end: int
    back: int = 0


@dataclass(frozen=True)
class Place:
    """Where an idiom may begin: the tokens as they came, those made of what stands before, and the vocabulary."""

    tokens: Sequence[Token]
    at: int
    before: Sequence[Token]
    vocabulary: Vocabulary

    @cached_property
    def words(self) -> tuple[str, ...]:
        return tuple(token.word for token in self.tokens[self.at : self.at + 8])

    def word(self, text: str, length: int, shape: Shape = Shape.WORD) -> Token:
        """A token that stands for the next ``length`` ones."""
        return _word(text, self.tokens, self.at, self.at + length, shape)


def plain(tokens: Sequence[Token], vocabulary: Vocabulary) -> list[Token]:
    """The tokens with idioms replaced."""
    tokens = [token for at, token in enumerate(tokens) if not _hurries(tokens, at)]
    result: list[Token] = []
    at = 0
    while at < len(tokens):
        place = Place(tokens, at, result, vocabulary)
        found = next((read for idiom in _IDIOMS if (read := idiom(place)) is not None), Reading([tokens[at]], at + 1))
        del result[len(result) - found.back :]
        result += found.made
        at = found.end
    return result


def _hurries(tokens: Sequence[Token], at: int) -> bool:
    """``run make test NOW``: a last word that says only how soon, and is no name."""
    if tokens[at].word not in _HASTE or at == 0:
        return False
    ends = at + 1 == len(tokens) or tokens[at + 1].shape in (Shape.PUNCT, Shape.BREAK)
    return ends and tokens[at - 1].word not in english.PREPOSITIONS | english.NAMING | {"as", "be"}


def _arrow(place: Place) -> Reading | None:
    """``fix -> main``: from here to there."""
    if place.words[0] != "->" or place.vocabulary.head_at(place.tokens, place.at + 1) is not None:
        return None
    to = place.word("to", 1)
    if _comes_from(place.before, place.tokens[place.at + 1 : place.at + 2]):
        left = place.before[-1]
        return Reading([_word("from", (left,), 0, 1), left, to], place.at + 1, back=1)
    return Reading([to], place.at + 1)


def _and_call_it(place: Place) -> Reading | None:
    """``run nginx, and call it web``."""
    words = place.words
    if words[0] not in ("call", "name") or len(words) < 3 or words[1] not in english.IT:
        return None
    return Reading([place.word("called", 2)], place.at + 2, back=_trailing(place.before, _JOINS, _AND_THEN))


def _name_is(place: Place) -> Reading | None:
    """``start the container, name is db``."""
    if place.words[:2] != ("name", "is") or len(place.words) < 3 or not place.before:
        return None
    if place.before[-1].word in english.PREPOSITIONS:
        return None
    return Reading([place.word("called", 2)], place.at + 2, back=_trailing(place.before, {","}, ()))


def _all_of(place: Place) -> Reading | None:
    """``all of these containers: a, b``; ``restart all three: a, b and c``; ``each of them``."""
    words, at = place.words, place.at
    if words[:3] in _ALL_OF_THE and words[3:4] not in ((), ("",)):
        return Reading([], at + 2)
    if words[:2] == ("each", "of") and words[2:3] in _THOSE:
        return Reading([place.word("them", 3)], at + 3)
    if words[:2] in (("both", "of"), ("all", "of")) and words[2:3] in _THOSE:
        return Reading([place.word("both" if words[0] == "both" else "them", 3)], at + 3)
    if words[0] == "all" and len(words) > 2:
        number, colon = place.tokens[at + 1 : at + 3]
        return Reading([], at + 3) if number.shape is Shape.NUMBER and colon.text == ":" else None
    return None


def _have_a_look(place: Place) -> Reading | None:
    return Reading([place.word("show", 4)], place.at + 4) if place.words[:4] in _LOOKS else None


def _workspace(place: Place) -> Reading | None:
    """``terraform workspace new blue``: as its command line has it."""
    words, at = place.words, place.at
    if words[0] != "workspace" or words[1:2] == () or words[1] not in _WORKSPACE_VERBS:
        return None
    if not any(place.vocabulary.is_cue(token) for token in place.before[-3:]):
        return None
    return Reading([_word(_WORKSPACE_VERBS[words[1]], place.tokens, at + 1, at + 2), place.tokens[at]], at + 2)


def _number(place: Place) -> Reading | None:
    """``issue number 12``."""
    following = place.tokens[place.at + 1 : place.at + 2]
    if place.words[0] != "number" or not place.before or not place.vocabulary.is_noun(place.before[-1]):
        return None
    return Reading([], place.at + 1) if following and following[0].shape is Shape.NUMBER else None


def _nothing(place: Place) -> Reading | None:
    """What people say besides: ``sorry to bother you``, ``if possible``."""
    found = next((words for words in _NOTHING if place.words[: len(words)] == words), None)
    return Reading([], place.at + len(found)) if found else None


def _back(place: Place) -> Reading | None:
    """``scale it back down to 2``: back is no name."""
    words = place.words
    if words[:2] not in (("back", "down"), ("back", "up")) or (words[2:3] or ("",))[0] not in _AFTER_BACK:
        return None
    before = place.before[-1].word if place.before else ""
    return Reading([], place.at + 1) if before and before not in _AND_THEN else None


def _as_well_as(place: Place) -> Reading | None:
    return Reading([place.word("and", 3)], place.at + 3) if place.words[:3] == ("as", "well", "as") else None


def _the_result(place: Place) -> Reading | None:
    """``build it and run the result``."""
    shown = bool(place.before) and place.before[-1].word in _SHOWING
    if place.words[:2] != ("the", "result") or place.words[2:3] == ("of",) or shown:
        return None
    return Reading([place.word("it", 2)], place.at + 2)


def _field(place: Place) -> Reading | None:
    """A ticket's ``Where: namespace shop``."""
    if place.words[0] not in ("where", "location", "target") or not place.before:
        return None
    if place.before[-1].shape is not Shape.BREAK or [t.text for t in place.tokens[place.at + 1 : place.at + 2]] != [
        ":"
    ]:
        return None
    return Reading([place.word("in", 2)], place.at + 2, back=1)


def _should_it_fail(place: Place) -> Reading | None:
    """``should it fail, undo it``; ``should anything go wrong``."""
    words = place.words
    if words[0] != "should" or len(words) < 3 or words[1] not in _THAT or words[2] not in ("fail", "go", "break"):
        return None
    length = 3 + (words[2:4] == ("go", "wrong"))
    return Reading([place.word(word, length) for word in ("if", "that", "fails")], place.at + length)


def _restart_policy(place: Place) -> Reading | None:
    """``restart unless stopped``, ``restart: on failure``."""
    if place.words[:2] not in (("unless", "stopped"), ("on", "failure")) or not place.before:
        return None
    if place.before[-1].word not in ("restart", "restarts", "restarted", "restarting"):
        return None
    return Reading([place.word("-".join(place.words[:2]), 2, Shape.TYPED)], place.at + 2)


def _up_and_running(place: Place) -> Reading | None:
    """``up and RUNNING``; ``show me WHAT IS running``."""
    if place.words[:3] == ("up", "and", "running"):
        return Reading([], place.at + 2)
    asked = place.words[:2] in (("what", "is"), ("what", "are")) and place.before
    return Reading([], place.at + 2) if asked and place.before[-1].shape is Shape.WORD else None


def _trailing(before: Sequence[Token], texts: Set[str], words: Collection[str]) -> int:
    """How many of the last tokens are of these."""
    count = 0
    while count < len(before) and (before[-1 - count].text in texts or before[-1 - count].word in words):
        count += 1
    return count


def _word(text: str, tokens: Sequence[Token], at: int, end: int, shape: Shape = Shape.WORD) -> Token:
    return Token(text, tokens[at].start, tokens[end - 1].end, shape)


def _ended(place: Place) -> Reading | None:
    """``on success``, ``in case of failure`` as the condition that they are."""
    tokens, at, before = place.tokens, place.at, place.before
    for words, outcome in _OUTCOMES.items():
        end = at + len(words)
        if tuple(token.word for token in tokens[at:end]) != words:
            continue
        if before and before[-1].word in ("restart", "restarts", "policy"):
            return None
        said = [_word(word, tokens, at, end) for word in ("if", *outcome)]
        if before and before[-1].shape not in (Shape.PUNCT, Shape.BREAK):
            return Reading(said, end)
        return Reading([*said, Token(",", tokens[end - 1].end, tokens[end - 1].end, Shape.PUNCT)], end)
    return None


def _comes_from(before: Sequence[Token], behind: Sequence[Token]) -> bool:
    """``fix-cart -> main``: whether plain names stand on both sides of an arrow, and nothing governs the first."""
    if not before or not behind or (len(before) > 1 and before[-2].word in english.PREPOSITIONS):
        return False
    sides = (before[-1], behind[0])
    return all(t.shape in (Shape.WORD, Shape.TYPED) and _PLAIN_NAME.fullmatch(t.text) for t in sides)


def _equals(place: Place) -> Reading | None:
    """``replicas = 3`` as ``replicas=3``; ``CODEOWNERS = 'x'`` as that with this."""
    tokens, at, vocabulary = place.tokens, place.at, place.vocabulary
    if at + 2 >= len(tokens) or tokens[at + 1].text != "=" or tokens[at].shape not in (Shape.WORD, Shape.TYPED):
        return None
    if vocabulary.is_noun(tokens[at]):
        return Reading([_word(f"{tokens[at].text}={tokens[at + 2].text}", tokens, at, at + 3, Shape.PAIR)], at + 3)
    return Reading([tokens[at], _word("with", tokens, at + 1, at + 2)], at + 2)


def _elided(place: Place) -> Reading | None:
    """``443 is open while 21 and 23 are not``: the state that was said before."""
    tokens, at, before = place.tokens, place.at, place.before
    ends = at + 2 == len(tokens) or (tokens[at + 2 : at + 3] and tokens[at + 2].shape in (Shape.PUNCT, Shape.BREAK))
    if not ends or [t.word for t in tokens[at : at + 2]] not in (["are", "not"], ["is", "not"]):
        return None
    state = next((b for a, b in reversed(list(pairwise(before))) if a.word in ("is", "are", "be") and b.word), None)
    if state is None or state.word in english.NEGATIONS:
        return None
    return Reading([*tokens[at : at + 2], _word(state.text, tokens, at, at + 2)], at + 2)


def _needless(place: Place) -> Reading | None:
    """``a new ONE called x``; ``do not delete a; move it INSTEAD``."""
    tokens, at, before = place.tokens, place.at, place.before
    words = [token.word for token in tokens[at : at + 4]]
    begin = 1 if words[0] in ("a", "an") else 0
    if words[begin : begin + 2] in (["new", "one"], ["fresh", "one"], ["another", "one"]):
        return Reading([], at + begin + 2) if set(words[begin + 2 : begin + 3]) & _BEHIND_ONE else None
    if words[0] == "all" and tokens[at + 1 : at + 2] and tokens[at + 1].shape is Shape.NUMBER:
        end = at + 4 if words[2:4] in (["of", "them"], ["of", "these"], ["of", "those"]) else at + 2
        follow = english.AND | english.PREPOSITIONS - {"of"}
        stops = end >= len(tokens) or tokens[end].shape in (Shape.PUNCT, Shape.BREAK) or tokens[end].word in follow
        if stops and (end >= len(tokens) or tokens[end].text != ":"):
            return Reading([_word("them", tokens, at, min(end, len(tokens)))], end)  # "wait for ALL THREE"
    ends = at + 1 == len(tokens) or tokens[at + 1].shape in (Shape.PUNCT, Shape.BREAK)
    if words[0] == "instead" and ends and any(token.word in ("not", "never") for token in before):
        return Reading([], at + 1)
    return None


def _variable(place: Place) -> Reading | None:
    """``DB_PASS from secret://env/X``, ``DEBUG set to 1`` as ``KEY=value``; ``password via KEY=value`` as the pair."""
    tokens, at, before = place.tokens, place.at, place.before
    token = tokens[at]
    if token.shape is Shape.WORD and [t.word for t in tokens[at + 1 : at + 2]] in (["via"], ["through"]):
        pair = tokens[at + 2] if at + 2 < len(tokens) else None
        if pair is not None and pair.shape is Shape.PAIR and before and before[-1].word not in english.PREPOSITIONS:
            return Reading([_word("with", tokens, at, at + 2), pair], at + 3)
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
    return Reading(([pair] if linked else [_word("with", tokens, at, at + 1), pair]), end + 1)


def _relative(place: Place) -> Reading | None:
    """``which is in ./ops``, ``that lives under ./x``: the place alone."""
    tokens, at = place.tokens, place.at
    if tokens[at].word not in ("which", "that") or at + 2 >= len(tokens) or at == 0:
        return None
    end = at + 1
    while end < min(len(tokens), at + 4) and tokens[end].word in _LIES:
        end += 1
    if end == at + 1 or end >= len(tokens):
        return None
    follows = tokens[end].word
    return Reading([], end) if follows in _PLACING or follows in english.PLACED | english.NAMING else None


def _this_machine(place: Place) -> Reading | None:
    """``off this machine``, ``on the host``: where all of the work goes on."""
    tokens, at, before = place.tokens, place.at, place.before
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
    return Reading([], at + 3)


def _status(place: Place) -> Reading | None:
    """``http://x is 200``, ``to be 200``, ``is not 200``: what an address returns."""
    tokens, at, before = place.tokens, place.at, place.before
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
    return Reading([*denied, _word("returns", tokens, at, end)], end)


def _split_noun(place: Place) -> Reading | None:
    """``name space``, ``work flow``, ``docker file``: one noun that was written as two."""
    tokens, at, vocabulary = place.tokens, place.at, place.vocabulary
    if at + 1 >= len(tokens) or tokens[at].shape is not Shape.WORD or tokens[at + 1].shape is not Shape.WORD:
        return None
    first, second = tokens[at].word, tokens[at + 1].word
    apart = (singular(first), singular(second))
    whole = first + second
    if apart in vocabulary.nouns or (singular(whole),) not in vocabulary.nouns or len(first) < 4 or len(second) < 4:
        return None
    return Reading([_word(whole, tokens, at, at + 2)], at + 2)


def _people_need(place: Place) -> Reading | None:
    """``our team needs x`` as ``need x``: who needs it adds nothing."""
    tokens, at, before = place.tokens, place.at, place.before
    if before and before[-1].shape not in (Shape.PUNCT, Shape.BREAK):
        return None
    end = at
    while end < min(len(tokens), at + 3) and (tokens[end].word in english.ARTICLES or tokens[end].word in _PEOPLE):
        end += 1
    if end == at or end >= len(tokens) or tokens[end - 1].word not in _PEOPLE:
        return None
    if tokens[end].word not in ("need", "needs", "want", "wants", "require", "requires"):
        return None
    return Reading([_word("need", tokens, at, end + 1)], end + 1)


def _here(place: Place) -> Reading | None:
    """``in the current directory``, ``this folder``."""
    tokens, at, before = place.tokens, place.at, place.before
    begin = at + 1 if tokens[at].word == "the" else at
    end = begin
    while end < min(len(tokens), begin + 3) and tokens[end].word in _HERE:
        end += 1
    if end > begin and end < len(tokens) and tokens[end].word in _PROJECTS and tokens[begin].word != "same":
        if before and before[-1].word in ("in", "of"):
            return Reading([], end + 1)  # where all of the work goes on
        return Reading([_word(".", tokens, at, end + 1, Shape.TYPED)], end + 1)
    said = end > begin and end < len(tokens) and tokens[end].word in _FOLDERS
    if not said or not before or before[-1].word not in _BEFORE_HERE or tokens[begin].word == "same":
        return None
    follows = tokens[end + 1] if end + 1 < len(tokens) else None
    if follows is not None and follows.shape in (Shape.TYPED, Shape.QUOTED):
        return None  # "in the working directory ./x"
    return Reading([_word(".", tokens, at, end + 1, Shape.TYPED)], end + 1)


def _without(place: Place) -> Reading | None:
    """``without any cache`` where ``no-cache`` is a choice of some operation."""
    tokens, at, negative = place.tokens, place.at, place.vocabulary.negative
    for words in _WITHOUT:
        end = at + len(words)
        if tuple(token.word for token in tokens[at:end]) != words:
            continue
        while end < len(tokens) and tokens[end].word in _AFTER_WITHOUT:
            end += 1
        if end < len(tokens) and f"no-{tokens[end].word}" in negative:
            return Reading([_word(f"no-{tokens[end].word}", tokens, at, end + 1, Shape.TYPED)], end + 1)
    return None


def _mounted(place: Place) -> Reading | None:
    """``dbdata mounted at /data`` and ``mount dbdata at /data`` as ``dbdata:/data``."""
    tokens, at, before = place.tokens, place.at, place.before
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
    return Reading([_word("with", tokens, at, source + 1), _word(text, tokens, source, to + 2, Shape.TYPED)], to + 2)


def _version(place: Place) -> Reading | None:
    """``postgres 16`` as ``postgres:16``, where the word is a well-known image and the number counts nothing."""
    tokens, at, vocabulary = place.tokens, place.at, place.vocabulary
    if tokens[at].word not in vocabulary.images or at + 1 >= len(tokens):
        return None
    number = tokens[at + 1]
    follows = tokens[at + 2].word if at + 2 < len(tokens) else ""
    counts = (singular(follows),) in vocabulary.nouns and singular(follows) != follows
    if not _VERSION.fullmatch(number.text) or number.shape not in (Shape.NUMBER, Shape.TYPED) or counts:
        return None
    return Reading([_word(f"{tokens[at].word}:{number.text}", tokens, at, at + 2, Shape.TYPED)], at + 2)


#: The first that reads something at a place is right: what is more special stands before what is more general.
_IDIOMS: tuple[Callable[[Place], Reading | None], ...] = (
    _arrow, _equals, _needless, _elided, _and_call_it, _all_of, _have_a_look, _workspace, _ended, _number, _nothing,
    _back, _as_well_as, _the_result, _field, _name_is, _should_it_fail, _restart_policy, _up_and_running,
    _variable, _relative, _this_machine, _status, _split_noun, _people_need, _here, _without, _mounted, _version,
)  # fmt: skip
