"""Idioms that name a thing or a value: ``fix -> main``, ``DEBUG set to 1``, ``this folder``, ``mounted at /data``."""

from __future__ import annotations

import re
from collections.abc import Sequence

from reign.planner.keyword import english
from reign.planner.keyword.idioms.place import Place, Reading, as_word
from reign.planner.keyword.inflection import singular
from reign.planner.keyword.normalise import Shape, Token

_FOLDERS = frozenset({"folder", "directory", "dir"})
_PROJECTS = frozenset({"repo", "repository", "project", "checkout", "codebase"})
_HERE = frozenset({"current", "this", "present", "same", "working"})
_BEFORE_HERE = frozenset({"in", "from", "of", "at", "inside", "under", "on", "scan", "build", "the", "whole", "entire"})
_WITHOUT = (("without",), ("with", "no"))
_AFTER_WITHOUT = frozenset({"any", "the", "using", "use", "a"})
#: Nouns of the machine at which the planner works.
_MACHINES = frozenset({"machine", "host", "computer", "laptop", "box", "workstation"})
_PLACING = frozenset({"in", "at", "under", "inside", "within", "from", "to", "on", "into", "with", "as"})
_KEY = re.compile(r"[A-Z][A-Z0-9]*_[A-Z0-9_]*[A-Z0-9]|[A-Z]{4,}")
_WORKSPACE_VERBS = {"new": "create", "delete": "delete", "list": "list", "create": "create", "remove": "delete"}
_ENV = frozenset({"variable", "variables", "env", "environment"})
_MOUNT = frozenset({"mount", "mounting", "map", "mapping", "bind"})
_MOUNTED = frozenset({"mounted", "mapped", "bound"})
_ONTO = frozenset({"at", "to", "on", "under", "into", "in", "as", "onto"})
_LINKED = english.AND | {"with", "using", "has", "have"}
_PLAIN_NAME = re.compile(r"[A-Za-z][\w-]*(?:/[\w.-]+)*")
_VERSION = re.compile(r"\d{1,3}(?:\.\d{1,3}){0,2}(?:-[a-z]+)?")
_VALUES = frozenset({Shape.WORD, Shape.TYPED, Shape.QUOTED})


def arrow(place: Place) -> Reading | None:
    """``fix -> main``: from here to there."""
    if place.words[0] != "->" or place.vocabulary.head_at(place.tokens, place.at + 1) is not None:
        return None
    to = place.word("to", 1)
    if _comes_from(place.before, place.tokens[place.at + 1 : place.at + 2]):
        left = place.before[-1]
        return Reading([as_word("from", (left,), 0, 1), left, to], place.at + 1, back=1)
    return Reading([to], place.at + 1)


def _comes_from(before: Sequence[Token], behind: Sequence[Token]) -> bool:
    """``fix-cart -> main``: whether plain names stand on both sides of an arrow, and nothing governs the first."""
    if not before or not behind or (len(before) > 1 and before[-2].word in english.PREPOSITIONS):
        return False
    sides = (before[-1], behind[0])
    return all(t.shape in (Shape.WORD, Shape.TYPED) and _PLAIN_NAME.fullmatch(t.text) for t in sides)


def equals(place: Place) -> Reading | None:
    """``replicas = 3`` as ``replicas=3``; ``CODEOWNERS = 'x'`` as that with this."""
    tokens, at, vocabulary = place.tokens, place.at, place.vocabulary
    if at + 2 >= len(tokens) or tokens[at + 1].text != "=" or tokens[at].shape not in (Shape.WORD, Shape.TYPED):
        return None
    if vocabulary.is_noun(tokens[at]):
        return Reading([as_word(f"{tokens[at].text}={tokens[at + 2].text}", tokens, at, at + 3, Shape.PAIR)], at + 3)
    return Reading([tokens[at], as_word("with", tokens, at + 1, at + 2)], at + 2)


def variable(place: Place) -> Reading | None:
    """``DB_PASS from secret://env/X``, ``DEBUG set to 1`` as ``KEY=value``; ``password via KEY=value`` as the pair."""
    tokens, at, before = place.tokens, place.at, place.before
    token = tokens[at]
    if token.shape is Shape.WORD and [t.word for t in tokens[at + 1 : at + 2]] in (["via"], ["through"]):
        pair = tokens[at + 2] if at + 2 < len(tokens) else None
        if pair is not None and pair.shape is Shape.PAIR and before and before[-1].word not in english.PREPOSITIONS:
            return Reading([as_word("with", tokens, at, at + 2), pair], at + 3)
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
    return Reading(([pair] if linked else [as_word("with", tokens, at, at + 1), pair]), end + 1)


def workspace(place: Place) -> Reading | None:
    """``terraform workspace new blue``: as its command line has it."""
    words, at = place.words, place.at
    if words[0] != "workspace" or words[1:2] == () or words[1] not in _WORKSPACE_VERBS:
        return None
    if not any(place.vocabulary.is_cue(token) for token in place.before[-3:]):
        return None
    return Reading([as_word(_WORKSPACE_VERBS[words[1]], place.tokens, at + 1, at + 2), place.tokens[at]], at + 2)


def version(place: Place) -> Reading | None:
    """``postgres 16``, ``postgres, version 16`` as ``postgres:16``, where the word is a well-known image and the number
    counts nothing.
    """
    tokens, at, vocabulary = place.tokens, place.at, place.vocabulary
    if tokens[at].word not in vocabulary.images:
        return None
    end = at + 1
    if [token.word or token.text for token in tokens[end : end + 2]] == [",", "version"]:
        end += 2
    elif tokens[end : end + 1] and tokens[end].word == "version":
        end += 1
    if end >= len(tokens):
        return None
    number = tokens[end]
    follows = tokens[end + 1].word if end + 1 < len(tokens) else ""
    counts = (singular(follows),) in vocabulary.nouns and singular(follows) != follows
    if not _VERSION.fullmatch(number.text) or number.shape not in (Shape.NUMBER, Shape.TYPED) or counts:
        return None
    return Reading([as_word(f"{tokens[at].word}:{number.text}", tokens, at, end + 1, Shape.TYPED)], end + 1)


def restart_policy(place: Place) -> Reading | None:
    """``restart unless stopped``, ``restart: on failure``."""
    if place.words[:2] not in (("unless", "stopped"), ("on", "failure")) or not place.before:
        return None
    if place.before[-1].word not in ("restart", "restarts", "restarted", "restarting"):
        return None
    return Reading([place.word("-".join(place.words[:2]), 2, Shape.TYPED)], place.at + 2)


def mounted(place: Place) -> Reading | None:
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
    return Reading(
        [as_word("with", tokens, at, source + 1), as_word(text, tokens, source, to + 2, Shape.TYPED)], to + 2
    )


def without(place: Place) -> Reading | None:
    """``without any cache`` where ``no-cache`` is a choice of some operation."""
    tokens, at, negative = place.tokens, place.at, place.vocabulary.negative
    for words in _WITHOUT:
        end = at + len(words)
        if tuple(token.word for token in tokens[at:end]) != words:
            continue
        while end < len(tokens) and tokens[end].word in _AFTER_WITHOUT:
            end += 1
        if end < len(tokens) and f"no-{tokens[end].word}" in negative:
            return Reading([as_word(f"no-{tokens[end].word}", tokens, at, end + 1, Shape.TYPED)], end + 1)
    return None


def status(place: Place) -> Reading | None:
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
    return Reading([*denied, as_word("returns", tokens, at, end)], end)


def split_noun(place: Place) -> Reading | None:
    """``name space``, ``work flow``, ``docker file``: one noun that was written as two."""
    tokens, at, vocabulary = place.tokens, place.at, place.vocabulary
    if at + 1 >= len(tokens) or tokens[at].shape is not Shape.WORD or tokens[at + 1].shape is not Shape.WORD:
        return None
    first, second = tokens[at].word, tokens[at + 1].word
    apart = (singular(first), singular(second))
    whole = first + second
    if apart in vocabulary.nouns or (singular(whole),) not in vocabulary.nouns or len(first) < 4 or len(second) < 4:
        return None
    return Reading([as_word(whole, tokens, at, at + 2)], at + 2)


def here(place: Place) -> Reading | None:
    """``in the current directory``, ``this folder``."""
    tokens, at, before = place.tokens, place.at, place.before
    begin = at + 1 if tokens[at].word == "the" else at
    end = begin
    while end < min(len(tokens), begin + 3) and tokens[end].word in _HERE:
        end += 1
    if end > begin and end < len(tokens) and tokens[end].word in _PROJECTS and tokens[begin].word != "same":
        if before and before[-1].word in ("in", "of"):
            return Reading([], end + 1)  # where all of the work goes on
        return Reading([as_word(".", tokens, at, end + 1, Shape.TYPED)], end + 1)
    said = end > begin and end < len(tokens) and tokens[end].word in _FOLDERS
    if not said or not before or before[-1].word not in _BEFORE_HERE or tokens[begin].word == "same":
        return None
    follows = tokens[end + 1] if end + 1 < len(tokens) else None
    if follows is not None and follows.shape in (Shape.TYPED, Shape.QUOTED):
        return None  # "in the working directory ./x"
    return Reading([as_word(".", tokens, at, end + 1, Shape.TYPED)], end + 1)


def this_machine(place: Place) -> Reading | None:
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
