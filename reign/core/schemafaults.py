"""JSON Schema errors as a person would put them: the deepest cause, its place, and one short sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from reign.core.errors import nearest

#: From the outermost key to the innermost; an index for each place in a list.
Place = tuple[str | int, ...]

_LONGEST = 300
_ANOTHER_KIND = 10


def errors(validator: Any, content: Any) -> Iterator[tuple[Place, str]]:
    """``(place, sentence)`` for each fault that a jsonschema validator finds."""
    said = set()
    for error in validator.iter_errors(content):
        for leaf in _leaves(error):
            place: Place = (*leaf.absolute_path, *_unexpected(leaf)[:1])
            sentence = _sentence(leaf)
            if (place, sentence) not in said:
                said.add((place, sentence))
                yield place, sentence


def _leaves(error: Any) -> list[Any]:
    """The causes of an error: of several alternatives, those of the one that needs the fewest changes."""
    if not error.context:
        return [error]
    nearest = min(_branches(error), key=lambda branch: sum(map(_cost, branch)))
    return [leaf for part in nearest for leaf in _leaves(part)]


def _branches(error: Any) -> list[list[Any]]:
    """The errors of each alternative of anyOf or oneOf."""
    branches: dict[Any, list[Any]] = {}
    for part in error.context:
        branches.setdefault(part.schema_path[0], []).append(part)
    return list(branches.values())


def _cost(error: Any) -> int:
    """How much would have to change for an error to go.

    A value of another kind than the whole alternative was hardly meant for it.
    """
    if error.context:
        return min(sum(map(_cost, branch)) for branch in _branches(error))
    if error.validator == "additionalProperties":
        return len(_unexpected(error))
    return _ANOTHER_KIND if error.validator == "type" and not error.relative_path else 1


def _unexpected(error: Any) -> list[str]:
    """The keys of an object that its schema does not know, if that is the error."""
    if error.validator != "additionalProperties":
        return []
    known = error.schema.get("properties", ())
    patterns = error.schema.get("patternProperties", ())
    return [key for key in error.instance if key not in known and not any(re.search(p, key) for p in patterns)]


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
    if kind == "additionalProperties" and (keys := _unexpected(error)):
        close = nearest(keys[0], error.schema.get("properties", ()))
        said = f"{', '.join(map(repr, keys))} {'was' if len(keys) == 1 else 'were'} unexpected"
        return _short(f"{said}; did you mean {close!r}?" if close else said, _LONGEST)
    if kind == "oneOf" and not error.context:
        named = [name for part in wanted for name in part.get("required", ()) if name in error.instance]
        return f"only one of {' and '.join(map(repr, named))} may stand there" if named else _short(error.message)
    return _short(error.message, _LONGEST)


def _short(text: str, longest: int = 60) -> str:
    return text if len(text) <= longest else text[: longest - 3] + "..."
