"""Repairs that fit every agent, for failures for which the operation itself proposed none."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from reign.core.catalog import OperationSpec
from reign.core.duration import seconds
from reign.core.plan import Task
from reign.engine.classify import FailureClass
from reign.executor import FailureKind, Proposal

TRIES = 3  # of a task whose failure was transient
_LONGEST = 86_400.0
_MEANT = re.compile(r"did you mean '([^']{1,200})'")


def general_repair(error: Mapping[str, Any], sort: FailureClass, task: Task, spec: OperationSpec) -> Proposal | None:
    """Once more for what was transient, more time for what took too long, the nearest right name for a misspelt one."""
    if error.get("kind") == FailureKind.TIMED_OUT:
        return _more_time(task, spec)
    if sort is FailureClass.TRANSIENT:
        tries = max(TRIES, (task.retry or spec.retry).attempts)
        return Proposal(
            reason="the failure may pass; it is tried again",
            retry_attempts=min(tries, 10),
            sure=bool(error.get("retryable")),
        )
    if sort in (FailureClass.WRONG_INPUT, FailureClass.UNKNOWN):
        return _nearest(error, task)
    return None


def _more_time(task: Task, spec: OperationSpec) -> Proposal:
    """Twice as much of what ran out: the task's time, or that of its input ``timeout`` where this is the shorter."""
    given, own = task.timeout or spec.timeout, _seconds(task.with_.get("timeout"))
    if own is not None and own < given:
        longer = min(own * 2, given)
        return Proposal(reason=f"{own:g} s were not enough; it gets {longer:g} s", inputs={"timeout": longer})
    longer = min(given * 2, _LONGEST)
    return Proposal(reason=f"{given:g} s were not enough; it gets {longer:g} s", timeout=longer)


def _seconds(value: Any) -> float | None:
    try:
        return seconds(value)
    except ValueError:
        return None


def _nearest(error: Mapping[str, Any], task: Task) -> Proposal | None:
    """The agent named what was meant: it goes where the wrong name stands, if that is one place only."""
    meant = _MEANT.search(str(error.get("hint") or ""))
    if meant is None:
        return None
    message = str(error.get("message", ""))
    places = [
        path for path, value in _leaves(task.with_) if isinstance(value, str) and value and f"'{value}'" in message
    ]
    if len(places) != 1:
        return None
    key = places[0][0]
    wrong = _at(task.with_, places[0])
    inputs = {key: _replaced(task.with_[key], places[0][1:], meant[1])}
    return Proposal(reason=f"{wrong!r} is not there; {meant[1]!r} is", inputs=inputs)


def _leaves(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, (*at, key))
    elif isinstance(value, list | tuple):
        for place, item in enumerate(value):
            yield from _leaves(item, (*at, place))
    else:
        yield at, value


def _at(value: Any, path: tuple[Any, ...]) -> Any:
    for part in path:
        value = value[part]
    return value


def _replaced(value: Any, path: tuple[Any, ...], by: str) -> Any:
    if not path:
        return by
    copy = list(value) if isinstance(value, list | tuple) else dict(value)
    copy[path[0]] = _replaced(value[path[0]], path[1:], by)
    return copy
