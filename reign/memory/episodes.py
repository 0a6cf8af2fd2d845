"""Episodes: one finished attempt each, and what many of them say about an operation with such inputs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from reign.memory.statistics import Rate, quantile, weights, wilson

_ENOUGH = 3.0  # attempts of today from which the closer level is believed
IMPORTED = "import:"  # how the requesters of attempts begin that another installation made
_CITED = 3  # runs that a sentence names


@dataclass(frozen=True, slots=True)
class Episode:
    """One attempt of a task. ``pattern`` and ``same`` say how alike inputs are (see ``shape``)."""

    operation: str
    pattern: str
    same: str
    environment: str
    ok: bool
    sort: str | None  # class of the failure
    signature: str | None
    message: str | None  # of the failure, without what varies
    seconds: float
    worked: bool  # it had something to do (what was already done is quick and tells nothing)
    recovered: float | None  # seconds from the first failure of the task to the start of this success
    run: str
    task: str
    by: str
    at: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """How long it takes: the 10th, the middle, the 90th and the 99th of a hundred, in seconds. ``level``: how alike the
    inputs are; ``weight``: how many attempts of today it is worth."""

    low: float
    median: float
    p90: float
    p99: float
    count: int
    runs: tuple[str, ...]
    level: str
    weight: float


@dataclass(frozen=True, slots=True)
class Pattern:
    """A failure that came back: how often of how many attempts, and where it can be looked at."""

    signature: str
    sort: str
    message: str
    count: int
    of: int
    rate: Rate
    runs: tuple[str, ...]


@dataclass(frozen=True)
class Evidence:
    """What is known of an operation with such inputs. ``level``: same, shape or operation (how alike they are)."""

    operation: str
    level: str
    count: int
    success: Rate
    transient: Rate
    estimate: Estimate | None
    recovery: float | None  # seconds after which three of four transient failures had passed
    failures: tuple[Pattern, ...]
    runs: tuple[str, ...]


def evidence(operation: str, seen: Sequence[Episode], pattern: str, same: str, now: float) -> Evidence | None:
    """What the closest episodes with enough weight say: the same inputs, else the same shape, else the operation.

    How long it takes is told by the closest of all, however few: one run of just this says more than many of others.
    """
    own = [episode for episode in seen if episode.operation == operation and episode.at <= now]
    levels = (
        ("same", [e for e in own if same and e.same == same]),
        ("shape", [e for e in own if e.pattern == pattern]),
        ("operation", own),
    )
    estimates = (_estimate(level, list(zip(chosen, _weights(chosen, now), strict=True))) for level, chosen in levels)
    estimate = next(filter(None, estimates), None)
    for level, chosen in levels:
        if chosen and (level == "operation" or sum(_weights(chosen, now)) >= _ENOUGH):
            return _evidence(operation, level, chosen, now, estimate)
    return None


def _weights(seen: Sequence[Episode], now: float) -> list[float]:
    return weights([(episode.at, episode.by) for episode in seen], now)


def _evidence(operation: str, level: str, seen: Sequence[Episode], now: float, estimate: Estimate | None) -> Evidence:
    weighed = list(zip(seen, _weights(seen, now), strict=True))
    total = sum(weight for _, weight in weighed)
    good = sum(weight for episode, weight in weighed if episode.ok)
    passing = sum(weight for episode, weight in weighed if episode.sort == "transient")
    recovered = [(e.recovered, weight) for e, weight in weighed if e.recovered is not None]
    return Evidence(
        operation=operation,
        level=level,
        count=len(seen),
        success=wilson(good, total),
        transient=wilson(passing, total),
        estimate=estimate,
        recovery=quantile(recovered, 0.75) if recovered else None,
        failures=_failures(weighed, total),
        runs=_cited(seen),
    )


def _estimate(level: str, weighed: Sequence[tuple[Episode, float]]) -> Estimate | None:
    done = [(episode, weight) for episode, weight in weighed if episode.ok and episode.worked]
    here = [(episode, weight) for episode, weight in done if not episode.by.startswith(IMPORTED)]
    if len(here) >= _ENOUGH:  # how long it takes elsewhere says little about this place
        done = here
    if not done:
        return None
    values = [(episode.seconds, weight) for episode, weight in done]
    cited = _cited([episode for episode, _ in done])
    low, median, p90, p99 = (quantile(values, share) for share in (0.1, 0.5, 0.9, 0.99))
    return Estimate(low, median, p90, p99, len(done), cited, level, sum(weight for _, weight in done))


def _failures(weighed: Sequence[tuple[Episode, float]], total: float) -> tuple[Pattern, ...]:
    groups: dict[str, list[tuple[Episode, float]]] = defaultdict(list)
    for episode, weight in weighed:
        if not episode.ok and episode.signature:
            groups[episode.signature].append((episode, weight))
    found = [
        Pattern(
            signature=signature,
            sort=group[-1][0].sort or "unknown",
            message=group[-1][0].message or "",
            count=len(group),
            of=len(weighed),
            rate=wilson(sum(weight for _, weight in group), total),
            runs=_cited([episode for episode, _ in group]),
        )
        for signature, group in groups.items()
    ]
    return tuple(sorted(found, key=lambda item: (-item.rate.value, item.signature)))


def _cited(seen: Sequence[Episode]) -> tuple[str, ...]:
    newest = sorted(seen, key=lambda episode: -episode.at)
    return tuple(dict.fromkeys(episode.run for episode in newest))[:_CITED]
