"""Repairs that are kept for the next such failure: what stood in them because of the task's own inputs is left open."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reign.core.resource import canonical
from reign.memory.statistics import weights

_OPEN = "$input"  # {"$input": ["namespace"]} stands for that input of the task


@dataclass(frozen=True, slots=True)
class Applied:
    """A repair that was applied to a failed task, and whether that failure did not come back."""

    operation: str
    signature: str
    sort: str
    reason: str
    source: str
    recipe: dict[str, Any]
    worked: bool
    run: str
    round: int
    task: str
    by: str
    at: float


@dataclass(frozen=True, slots=True)
class Recipe:
    """A repair with its record: it ``worked`` so often of ``of`` times."""

    recipe: dict[str, Any]
    reason: str
    worked: int
    of: int
    run: str


def opened(proposal: Any, inputs: Mapping[str, Any]) -> Any:
    """``proposal`` with each value that equals one of the task's inputs replaced by a reference to that input."""
    known = {canonical(value): list(path) for path, value in _leaves(inputs) if isinstance(value, str) and value}
    return _map(proposal, lambda text: {_OPEN: known[canonical(text)]} if canonical(text) in known else text)


def closed(recipe: Any, inputs: Mapping[str, Any]) -> Any:
    """The recipe for a task with these inputs. Raises LookupError if an input that it refers to is not there."""
    if isinstance(recipe, Mapping):
        if set(recipe) == {_OPEN}:
            value: Any = inputs
            for part in recipe[_OPEN]:
                value = value[part]
            return value
        return {key: closed(item, inputs) for key, item in recipe.items()}
    return [closed(item, inputs) for item in recipe] if isinstance(recipe, list | tuple) else recipe


def best(applied: Sequence[Applied], now: float) -> Recipe | None:
    """The recipe that helped most, if it helped more often than not; what many did counts for more than what one did
    often in a day."""
    weighed = zip(applied, weights([(item.at, item.by) for item in applied], now), strict=True)
    groups: dict[str, list[tuple[Applied, float]]] = defaultdict(list)
    for item, weight in weighed:
        groups[canonical(item.recipe)].append((item, weight))
    ranked = []
    for group in groups.values():
        good = sum(weight for item, weight in group if item.worked)
        total = sum(weight for _, weight in group)
        if total > 0 and good * 2 > total:
            newest = max((item for item, _ in group if item.worked), key=lambda item: item.at)
            count = sum(item.worked for item, _ in group)
            ranked.append((good, newest.at, Recipe(newest.recipe, newest.reason, count, len(group), newest.run)))
    return max(ranked, key=lambda entry: entry[:2])[2] if ranked else None


def _leaves(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, (*at, key))
    elif not isinstance(value, list | tuple):
        yield at, value


def _map(value: Any, change: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _map(item, change) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_map(item, change) for item in value]
    return change(value) if isinstance(value, str) else value
