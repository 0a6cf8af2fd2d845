"""JSON Schema errors as a person would put them: the deepest cause, its place, and one short sentence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from workers.validation.yamltext import Place

_LONGEST = 300


def errors(validator: Any, content: Any) -> Iterator[tuple[Place, str]]:
    """``(place, sentence)`` for each fault that a jsonschema validator finds."""
    said = set()
    for error in validator.iter_errors(content):
        for leaf in _leaves(error):
            place: Place = tuple(leaf.absolute_path)
            sentence = _sentence(leaf)
            if (place, sentence) not in said:
                said.add((place, sentence))
                yield place, sentence


def _leaves(error: Any) -> list[Any]:
    """The causes of an error: of several alternatives, those of the one that comes closest."""
    from jsonschema.exceptions import best_match

    if not error.context:
        return [error]
    best = best_match([error])
    branch = next((part.schema_path[0] for part in error.context if _holds(part, best)), None)
    near = [part for part in error.context if part.schema_path[0] == branch] if branch is not None else [best]
    return [leaf for part in near for leaf in _leaves(part)]


def _holds(error: Any, wanted: Any) -> bool:
    return error is wanted or any(_holds(part, wanted) for part in error.context or ())


def _sentence(error: Any) -> str:
    shown, wanted = repr(error.instance), error.validator_value
    kind = error.validator
    if kind == "type":
        kinds = " or ".join(wanted) if isinstance(wanted, list) else wanted
        return f"{_short(shown)} is not of type {kinds}"
    if kind in ("enum", "const"):
        choices = wanted if isinstance(wanted, list) else [wanted]
        return f"{_short(shown)} is not one of {', '.join(map(str, choices[:12]))}"
    if kind == "pattern":
        return f"{_short(shown)} does not match {_short(wanted)}"
    return _short(error.message, _LONGEST)


def _short(text: str, longest: int = 60) -> str:
    return text if len(text) <= longest else text[: longest - 3] + "..."
