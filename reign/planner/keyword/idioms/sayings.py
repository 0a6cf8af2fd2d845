"""Idioms that are ways of talking: ``and call it web``, ``should it fail``, ``all three``, ``sorry to bother you``."""

from __future__ import annotations

from collections.abc import Collection, Sequence, Set
from itertools import pairwise

from reign.planner.keyword import english
from reign.planner.keyword.idioms.place import Place, Reading, as_word
from reign.planner.keyword.normalise import Shape, Token

_LIES = frozenset({"is", "are", "lives", "live", "lies", "sits", "resides", "stays", "was", "were", "can", "be"})
_PLACING = frozenset({"in", "at", "under", "inside", "within", "from", "to", "on", "into", "with", "as"})
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
_PEOPLE = frozenset(
    {
        *("team", "teams", "customer", "customers", "marketing", "developer", "developers", "devs", "qa", "boss"),
        *("manager", "managers", "management", "colleague", "colleagues", "department", "client", "clients"),
        *("product", "guys", "people", "everybody", "everyone", "they", "he", "she", "company", "squad", "frontend"),
        *("backend", "platform", "ops", "sales", "support", "finance", "security", "data", "testers", "users"),
    }
)
_NOTHING = tuple(
    tuple(line.split())
    for line in (
        *("sorry to bother you again", "sorry for bothering you again", "sorry to disturb you again"),
        *("just to be safe", "to be safe", "just to be sure", "to be on the safe side", "pretty please"),
        *("to be honest", "as you know", "for what it is worth", "if you ask me", "as always", "as usual"),
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
_AS_WELL_AS = (("as", "well", "as"), ("together", "with"), ("along", "with"))
_AFTER_THEM = frozenset({"both", "them", "these", "those", "all"})
_PICKED = {word: f"@{word}" for word in ("first", "second", "third", "fourth", "last", "former", "latter", "other")}
_BEHIND_PICKED = (
    english.PREPOSITIONS | english.AND | {"then", "but", "again", "too", "only", "instead", "afterwards", "down"}
)
_SHARED_PLACES = frozenset({"in", "on", "under", "into", "from"})
_REPLACED = frozenset({"stop", "remove", "delete", "kill", "destroy", "uninstall", "drop", "take"})
_TURN_UP = (("turn", "up"), ("show", "up"), ("come", "up"), ("be", "found"), ("appear",), ("be", "there"))
_MAKING = frozenset({"make", "do", "take", "perform", "create"})
_LOOKS = (("have", "a", "look", "at"), ("take", "a", "look", "at"), ("have", "a", "look", "into"))
_ALL_OF_THE = (("all", "of", "these"), ("all", "of", "the"), ("both", "of", "the"))
_THOSE = (("them",), ("these",), ("those",))
_AFTER_BACK = english.POLITE | english.AND | {"to", "again", "", "with", "on", "in"}
_BEHIND_ONE = english.NAMING | {"from", "with", "as", "using", "of"}


def and_call_it(place: Place) -> Reading | None:
    """``run nginx, and call it web``."""
    words = place.words
    if words[0] not in ("call", "name") or len(words) < 3 or words[1] not in english.IT:
        return None
    back = _trailing(place.before, _JOINS, _AND_THEN)
    said = place.before[: len(place.before) - back]
    counted = len(said) > 1 and said[-2].shape is Shape.NUMBER  # "... with 2 REPLICAS, and call it web": not those
    apart = [place.word(",", 2, Shape.PUNCT)] if counted else []
    return Reading([*apart, place.word("called", 2)], place.at + 2, back=back)


def name_is(place: Place) -> Reading | None:
    """``start the container, name is db``."""
    if place.words[:2] != ("name", "is") or len(place.words) < 3 or not place.before:
        return None
    if place.before[-1].word in english.PREPOSITIONS:
        return None
    return Reading([place.word("called", 2)], place.at + 2, back=_trailing(place.before, {","}, ()))


def all_of(place: Place) -> Reading | None:
    """``all of these containers: a, b``; ``restart all three: a, b and c``; ``each of them``."""
    words, at = place.words, place.at
    if words[:3] in _ALL_OF_THE and words[3:4] not in ((), ("",)):
        return Reading([], at + 2)
    if words[:2] == ("one", "of") and place.before and place.before[-1].word in ("every", "each"):
        listed = words[2:3] not in _THOSE
        return Reading([] if listed else [place.word("them", 3)], at + 2 + (not listed), back=1)
    if words[:2] == ("each", "of") and words[2:3] in _THOSE:
        return Reading([place.word("them", 3)], at + 3)
    if words[:2] in (("both", "of"), ("all", "of")) and words[2:3] in _THOSE:
        return Reading([place.word("both" if words[0] == "both" else "them", 3)], at + 3)
    if words[0] == "all" and len(words) > 2:
        number, colon = place.tokens[at + 1 : at + 3]
        return Reading([], at + 3) if number.shape is Shape.NUMBER and colon.text == ":" else None
    return None


def have_a_look(place: Place) -> Reading | None:
    if place.words[:4] not in _LOOKS:
        return None
    looked_at = place.tokens[place.at + 4 : place.at + 5]
    file = looked_at and looked_at[0].shape is Shape.TYPED and "/" in looked_at[0].text
    return Reading([place.word("check" if file else "show", 4)], place.at + 4)


def number(place: Place) -> Reading | None:
    """``issue number 12``."""
    following = place.tokens[place.at + 1 : place.at + 2]
    if place.words[0] != "number" or not place.before or not place.vocabulary.is_noun(place.before[-1]):
        return None
    return Reading([], place.at + 1) if following and following[0].shape is Shape.NUMBER else None


def nothing(place: Place) -> Reading | None:
    """What people say besides: ``sorry to bother you``, ``if possible``."""
    found = next((words for words in _NOTHING if place.words[: len(words)] == words), None)
    return Reading([], place.at + len(found)) if found else None


def back(place: Place) -> Reading | None:
    """``scale it back down to 2``: back is no name."""
    words = place.words
    if words[:2] not in (("back", "down"), ("back", "up")) or (words[2:3] or ("",))[0] not in _AFTER_BACK:
        return None
    before = place.before[-1].word if place.before else ""
    return Reading([], place.at + 1) if before and before not in _AND_THEN else None


def as_well_as(place: Place) -> Reading | None:
    """``the container web TOGETHER WITH its volume``."""
    found = next((words for words in _AS_WELL_AS if place.words[: len(words)] == words), None)
    return Reading([place.word("and", len(found))], place.at + len(found)) if found and place.before else None


def after_them(place: Place) -> Reading | None:
    """``run a and b, and AFTER BOTH run c``: then."""
    words, length = place.words, 2
    if words[0] != "after" or len(words) < 3 or words[1] not in _AFTER_THEM:
        return None
    length += (words[1], words[2]) == ("all", "three") or words[2:4] == ("of", "them")
    length += words[2:4] == ("of", "them")
    at = place.at + length
    if place.tokens[at : at + 1] and place.tokens[at].text == ",":
        return Reading([place.word("then", length)], at)
    head = place.vocabulary.head_at(place.tokens, at)
    governs = at + 1 < len(place.tokens) and place.tokens[at + 1].shape not in (Shape.PUNCT, Shape.BREAK)
    known = head is not None and head.lemma in place.vocabulary.by_verb
    return Reading([place.word("then", length)], at) if known and governs else None


def if_ok(place: Place) -> Reading | None:
    """``IF OK `make test```: as notes say that something hangs on what came before."""
    tokens, at = place.tokens, place.at
    if place.words[0] != "if" or at + 2 >= len(tokens) or tokens[at + 2].shape is not Shape.CODE:
        return None
    if tokens[at + 1].word not in english.WENT_WELL:
        return None
    made = [place.word(word, 2) for word in ("if", "that", "works")]
    return Reading([*made, place.word(",", 2, Shape.PUNCT), place.word("run", 2)], at + 2)


def so_often(place: Place) -> Reading | None:
    """``run nginx TWICE, as a and as b``: as often as there are names."""
    times = {"twice": 2, "thrice": 3}.get(place.words[0])
    if times is None or place.words[1:2] not in (("as",), ("",)):
        return None
    rest = place.tokens[place.at + 1 :]
    end = next((i for i, token in enumerate(rest) if token.text in (".", ";", "!")), len(rest))
    named = sum(token.word == "as" for token in rest[:end])
    comma = rest[:1] and rest[0].text == "," and rest[1:2] and rest[1].word == "as"
    return Reading([], place.at + 1 + bool(comma)) if named == times else None


def by_script(place: Place) -> Reading | None:
    """``MAKE A BACKUP WITH scripts/backup.sh``: to run it."""
    words, at, tokens = place.words, place.at, place.tokens
    if words[0] not in _MAKING or words[1:2] not in (("a",), ("an",), ("the",)) or at + 4 >= len(tokens):
        return None
    noun, means = tokens[at + 2], tokens[at + 4]
    known = place.vocabulary.is_noun(noun) or noun.shape is not Shape.WORD
    script = means.shape is Shape.CODE or (means.shape is Shape.TYPED and means.text.endswith((".sh", ".bash", ".py")))
    if known or words[3] not in ("with", "using", "via", "through") or not script:
        return None
    return Reading([place.word("run", 4)], at + 4)


def beforehand(place: Place) -> Reading | None:
    """``build ./api, and scan it BEFORE``."""
    if place.words[0] != "before" or not place.before:
        return None
    ends = place.at + 1 == len(place.tokens) or place.tokens[place.at + 1].text in (".", "!", "?", ";")
    return Reading([place.word("beforehand", 1)], place.at + 1) if ends else None


def but_only(place: Place) -> Reading | None:
    """``show the logs of web, BUT ONLY the last 5 lines``: what follows says how many."""
    words, at, before = place.words, place.at, place.before
    if words[:2] != ("but", "only") or not before or len(place.tokens) < at + 4:
        return None
    amount = [token for token in place.tokens[at + 2 : at + 6] if token.shape is Shape.NUMBER]
    if not amount or words[2] in ("if", "when", "after", "once"):
        return None
    return Reading([] if before[-1].text == "," else [place.word(",", 2, Shape.PUNCT)], at + 2)


def both_there(place: Place) -> Reading | None:
    """``install a and b, BOTH in namespace lab``: a place behind a list holds for all of it."""
    words, before = place.words, place.before
    if words[0] not in ("both", "all") or not before or before[-1].text != ",":
        return None
    return Reading([], place.at + 1, back=1) if words[1:2] and words[1] in _SHARED_PLACES else None


def of_each(place: Place) -> Reading | None:
    """``the last lines OF EACH``, where nothing follows that each could go with."""
    before, at = place.before, place.at
    if place.words[0] != "each" or not before or before[-1].word not in ("of", "for", "from", "on", "in", "to"):
        return None
    ends = at + 1 == len(place.tokens) or place.tokens[at + 1].shape in (Shape.PUNCT, Shape.BREAK)
    return Reading([place.word("them", 1)], at + 1) if ends else None


def picked(place: Place) -> Reading | None:
    """``the former``, ``the second one``, ``only the last one``: one of several that were named together."""
    words, tokens = place.words, place.tokens
    only = words[0] == "only"  # as "only" is said of what is picked, it takes nothing else out
    begin = place.at + only
    if words[only : only + 1] != ("the",) or len(words) < only + 2 or words[only + 1] not in _PICKED:
        return None
    which = words[only + 1]
    if which == "other" and place.before and place.before[-1].word in ("after", "by"):
        return None  # "one after the other"
    end = begin + 2 + (words[only + 2 : only + 3] == ("one",))
    behind = tokens[end] if end < len(tokens) else None
    apart = behind is None or behind.shape in (Shape.PUNCT, Shape.BREAK) or behind.word in _BEHIND_PICKED
    sure = which in ("former", "latter") or end > begin + 2 or _both_ends(tokens, which)
    if not (apart and sure):
        return None
    if behind is not None and behind.word == "only":
        end += 1
    return Reading([place.word(_PICKED[which], end - place.at)], end)


def _both_ends(tokens: Sequence[Token], which: str) -> bool:
    """``the second, then the first``: both are spoken of, so neither is a name."""
    others = set(_PICKED) - {which}
    return any(a.word == "the" and b.word in others for a, b in pairwise(tokens))


def the_result(place: Place) -> Reading | None:
    """``build it and run the result``."""
    shown = bool(place.before) and place.before[-1].word in _SHOWING
    if place.words[:2] != ("the", "result") or place.words[2:3] == ("of",) or shown:
        return None
    return Reading([place.word("it", 2)], place.at + 2)


def field(place: Place) -> Reading | None:
    """A ticket's ``Where: namespace shop``."""
    if place.words[0] not in ("where", "location", "target") or not place.before:
        return None
    if place.before[-1].shape is not Shape.BREAK or [t.text for t in place.tokens[place.at + 1 : place.at + 2]] != [
        ":"
    ]:
        return None
    return Reading([place.word("in", 2)], place.at + 2, back=1)


def should_it_fail(place: Place) -> Reading | None:
    """``should it fail, undo it``; ``should anything go wrong``."""
    words = place.words
    found = next((run for run in _TURN_UP if words[2 : 2 + len(run)] == run), None)
    if words[0] == "should" and len(words) > 2 and words[1] in ("any", "something", "anything", "one") and found:
        made = [place.word(word, 2 + len(found)) for word in ("if", words[1], "is", "found")]
        return Reading(made, place.at + 2 + len(found))
    if words[0] != "should" or len(words) < 3 or words[1] not in _THAT or words[2] not in ("fail", "go", "break"):
        return None
    length = 3 + (words[2:4] == ("go", "wrong"))
    return Reading([place.word(word, length) for word in ("if", "that", "fails")], place.at + length)


def up_and_running(place: Place) -> Reading | None:
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


def ended(place: Place) -> Reading | None:
    """``on success``, ``in case of failure`` as the condition that they are."""
    tokens, at, before = place.tokens, place.at, place.before
    for words, outcome in _OUTCOMES.items():
        end = at + len(words)
        if tuple(token.word for token in tokens[at:end]) != words:
            continue
        if before and before[-1].word in ("restart", "restarts", "policy"):
            return None
        said = [as_word(word, tokens, at, end) for word in ("if", *outcome)]
        if before and before[-1].shape not in (Shape.PUNCT, Shape.BREAK):
            return Reading(said, end)
        return Reading([*said, Token(",", tokens[end - 1].end, tokens[end - 1].end, Shape.PUNCT)], end)
    return None


def elided(place: Place) -> Reading | None:
    """``443 is open while 21 and 23 are not``: the state that was said before."""
    tokens, at, before = place.tokens, place.at, place.before
    ends = at + 2 == len(tokens) or (tokens[at + 2 : at + 3] and tokens[at + 2].shape in (Shape.PUNCT, Shape.BREAK))
    if not ends or [t.word for t in tokens[at : at + 2]] not in (["are", "not"], ["is", "not"]):
        return None
    state = next((b for a, b in reversed(list(pairwise(before))) if a.word in ("is", "are", "be") and b.word), None)
    if state is None or state.word in english.NEGATIONS:
        return None
    return Reading([*tokens[at : at + 2], as_word(state.text, tokens, at, at + 2)], at + 2)


def needless(place: Place) -> Reading | None:
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
        stops = stops or tokens[end].word in place.vocabulary.by_state  # "check that ALL THREE answer"
        if stops and (end >= len(tokens) or tokens[end].text != ":"):
            return Reading([as_word("them", tokens, at, min(end, len(tokens)))], end)  # "wait for ALL THREE"
    if words[0] in ("itself", "themselves") and before and place.vocabulary.is_noun(before[-1]):
        return Reading([], at + 1)
    ends = at + 1 == len(tokens) or tokens[at + 1].shape in (Shape.PUNCT, Shape.BREAK)
    if words[0] == "instead" and ends and _replaces(before):
        return Reading([], at + 1)
    return None


def _replaces(before: Sequence[Token]) -> bool:
    """Whether an earlier clause denies something or takes it away: ``STOP WEB and run api instead``."""
    denied = any(token.word in ("not", "never") for token in before)
    last = next((at for at in range(len(before) - 1, -1, -1) if not before[at].word or before[at].word in _AND_THEN), 0)
    return denied or any(token.word in _REPLACED for token in before[:last])


def relative(place: Place) -> Reading | None:
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


def people_need(place: Place) -> Reading | None:
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
    return Reading([as_word("need", tokens, at, end + 1)], end + 1)
