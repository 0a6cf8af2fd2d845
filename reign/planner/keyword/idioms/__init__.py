"""Idioms as the plain words that they stand for: ``and call it web`` as ``called web``, ``this folder`` as ``.``."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from reign.planner.keyword import english
from reign.planner.keyword.idioms import sayings, things
from reign.planner.keyword.idioms.place import Place, Reading
from reign.planner.keyword.normalise import Shape, Token
from reign.planner.keyword.vocabulary import Vocabulary

_HASTE = frozenset({"now", "asap", "immediately", "urgently"})
#: The first that reads something at a place is right: what is more special stands before what is more general.
_IDIOMS: tuple[Callable[[Place], Reading | None], ...] = (
    things.arrow,
    things.equals,
    sayings.needless,
    sayings.elided,
    sayings.and_call_it,
    sayings.all_of,
    sayings.after_them,
    sayings.if_ok,
    sayings.so_often,
    sayings.by_script,
    sayings.but_only,
    sayings.both_there,
    sayings.beforehand,
    sayings.of_each,
    sayings.picked,
    sayings.have_a_look,
    things.workspace,
    sayings.ended,
    sayings.number,
    sayings.nothing,
    sayings.back,
    sayings.as_well_as,
    sayings.the_result,
    sayings.field,
    sayings.name_is,
    sayings.should_it_fail,
    things.restart_policy,
    sayings.up_and_running,
    things.variable,
    sayings.relative,
    things.this_machine,
    things.status,
    things.split_noun,
    sayings.people_need,
    things.here,
    things.without,
    things.mounted,
    things.version,
)


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
