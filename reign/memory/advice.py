"""What memory says about a plan: estimates, warnings that cite their runs, and what it would add.

It may add retries, timeouts and approvals. It never takes one away: tries are never fewer and waits never shorter than
the plan has them, a timeout that stands stays, and an approval that is required stays required.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from reign.core import dag
from reign.core.catalog import Effect
from reign.core.duration import readable
from reign.core.plan import Plan, Retry, Task
from reign.core.resource import Undo
from reign.memory.episodes import Evidence, Pattern
from reign.memory.statistics import confidence

_TRIES = 4
_LONGEST_WAIT = 120.0  # seconds that memory makes a second try wait at most
_SOME = 4.0  # attempts of today that a warning needs
_MANY = 8.0  # that a timeout needs
_MARGIN = 10.0  # times the 99th of a hundred: a timeout is for what hangs, not for what is slow
_SHORTEST = 60.0  # seconds of a timeout
_TOLD = 140  # characters of a failure's message in a warning


@dataclass(frozen=True, slots=True)
class Facts:
    """What the operation itself says: its default timeout and retry, its effect and undo with these inputs, and whether
    it does whatever its author wrote (``reruns``): then a ``retry`` means any failure, and others' tell nothing."""

    timeout: float
    retry: Retry
    effect: Effect
    undo: Undo
    reruns: bool = False


@dataclass(frozen=True, slots=True)
class KnownRepair:
    """A repair that was applied after a failure of that signature: how often it helped, of how many times."""

    signature: str
    reason: str
    worked: int
    of: int
    run: str


@dataclass(frozen=True)
class Advice:
    """About one task. ``adds``: what memory would set of it (retry, timeout, approval), each with why."""

    estimate: str | None = None
    seconds: float | None = None
    confidence: float = 0.0
    notes: tuple[str, ...] = ()
    adds: Mapping[str, Any] = field(default_factory=dict)
    why: Mapping[str, str] = field(default_factory=dict)
    runs: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """``{estimate, seconds, confidence, notes, adds, why, runs}``."""
        return {
            "estimate": self.estimate,
            "seconds": self.seconds,
            "confidence": round(self.confidence, 3),
            "notes": list(self.notes),
            "adds": dict(self.adds),
            "why": dict(self.why),
            "runs": list(self.runs),
        }


def advise(task: Task, known: Evidence, facts: Facts, repairs: Mapping[str, KnownRepair]) -> Advice:
    """What the evidence says about ``task``; ``repairs`` by the signature of the failure that they helped against."""
    if facts.reruns and known.level == "operation":
        return _of_others(known)
    adds: dict[str, Any] = {}
    why: dict[str, str] = {}
    notes = [_warning(known, pattern, repairs) for pattern in known.failures[:2] if _worth_telling(known, pattern)]
    if retry := _retry(task, known, facts):
        adds["retry"] = retry
        why["retry"] = f"{known.operation} fails for a while now and then; {_share(known.transient)}"
    if (limit := _timeout(task, known, facts)) is not None and known.estimate is not None:
        adds["timeout"] = limit
        why["timeout"] = f"99 of 100 were done in {readable(known.estimate.p99)} (from {known.estimate.count})"
    if _should_ask(task, known, facts):
        adds["approval"] = "required"
        why["approval"] = f"{known.operation} succeeded only {_share(known.success)}; see {_runs(known.runs)}"
    seconds = known.estimate.median if known.estimate else None
    return Advice(_estimate(known), seconds, known.success.confidence, tuple(notes), adds, why, known.runs)


def _of_others(known: Evidence) -> Advice:
    """About a command of which too little is known: how long it took, if it ever ran, else the range of all others.
    How often others failed says nothing of it."""
    found = known.estimate
    if found is None:
        return Advice()
    if found.level == "operation":
        took = f"{readable(found.low)} to {readable(found.p99)}" if found.count > 1 else readable(found.median)
        told = f"not known for this command; others took {took} ({_from(found.count)})"
        return Advice(told, None, 0.0, runs=found.runs)
    return Advice(_estimate(known), found.median, confidence(found.weight), runs=found.runs)


def _from(count: int) -> str:
    return "from 1 run" if count == 1 else f"from {count} runs"


def _estimate(known: Evidence) -> str | None:
    found = known.estimate
    if found is None:
        return None
    up_to = f", up to {readable(found.p90)}" if found.p90 > 1.5 * found.median and found.count > 2 else ""
    return f"~{readable(found.median)}{up_to} ({_from(found.count)})"


def _worth_telling(known: Evidence, pattern: Pattern) -> bool:
    return pattern.count >= 2 and known.success.weight >= _SOME / 2 and pattern.rate.value >= 0.1


def _warning(known: Evidence, pattern: Pattern, repairs: Mapping[str, KnownRepair]) -> str:
    message = pattern.message if len(pattern.message) <= _TOLD else pattern.message[: _TOLD - 1] + "…"
    told = f"{known.operation} failed {pattern.count} of {pattern.of} times lately: {message}; see run "
    told += _runs(pattern.runs)
    repair = repairs.get(pattern.signature)
    if repair is None or repair.worked * 2 <= repair.of:
        return told
    return f"{told}. What helped {repair.worked} of {repair.of} times: {repair.reason} (run {repair.run})"


def _runs(names: tuple[str, ...]) -> str:
    return ", ".join(names)


def _share(rate: Any) -> str:
    return f"{rate.value:.0%} of the time (95 % interval {rate.low:.0%} to {rate.high:.0%})"


def _retry(task: Task, known: Evidence, facts: Facts) -> dict[str, Any] | None:
    """More tries that wait longer, where failures are known to pass; none of what only its author may run again."""
    if facts.reruns and task.retry is None:
        return None
    if known.transient.low < 0.02 or known.transient.weight < _SOME or known.recovery is None:
        return None
    now = task.retry or facts.retry
    attempts = max(now.attempts, _TRIES)
    delay = max(now.delay, min(known.recovery, _LONGEST_WAIT))
    if (attempts, delay) == (now.attempts, now.delay):
        return None
    longest = max(now.max_delay, delay)
    return now.model_copy(update={"attempts": attempts, "delay": delay, "max_delay": longest}).model_dump(mode="json")


def _timeout(task: Task, known: Evidence, facts: Facts) -> float | None:
    """A shorter end for what hangs; only where the plan itself says nothing, and never longer than the operation's."""
    if task.timeout is not None or known.estimate is None:
        return None
    if min(known.success.weight, known.estimate.weight) < _MANY or "operation" in (known.level, known.estimate.level):
        return None
    limit = max(_SHORTEST, _MARGIN * known.estimate.p99)
    return float(round(limit)) if limit < facts.timeout / 2 else None


def _should_ask(task: Task, known: Evidence, facts: Facts) -> bool:
    """Whether what mostly fails and is not exactly undone should ask a person first."""
    return (
        task.approval is None
        and facts.effect is not Effect.READ
        and facts.undo in (Undo.COMPENSATING, Undo.NONE)
        and known.success.weight >= _SOME
        and known.success.high < 0.5
    )


def with_additions(plan: Plan, advice: Mapping[str, Advice]) -> Plan:
    """The plan with what memory adds. Whatever ``adds`` holds, nothing of the plan becomes weaker."""
    tasks = {name: _added(task, advice[name].adds) if name in advice else task for name, task in plan.tasks.items()}
    return plan.model_copy(update={"tasks": tasks})


def _added(task: Task, adds: Mapping[str, Any]) -> Task:
    update: dict[str, Any] = {}
    if "retry" in adds:
        wanted = Retry.model_validate(adds["retry"])
        now = task.retry or wanted
        update["retry"] = now.model_copy(
            update={
                "attempts": max(now.attempts, wanted.attempts),
                "delay": max(now.delay, wanted.delay),
                "max_delay": max(now.max_delay, wanted.max_delay),
            }
        )
    if "timeout" in adds and task.timeout is None:
        update["timeout"] = float(adds["timeout"])
    if adds.get("approval") == "required":
        update["approval"] = "required"
    return task.model_copy(update=update) if update else task


def whole(plan: Plan, advice: Mapping[str, Advice]) -> float | None:
    """Seconds that the plan takes along its longest path; None unless every task on the way has an estimate."""
    ends: dict[str, float] = {}
    for name in dag.order(plan.needs):
        known = advice.get(name)
        if known is None or known.seconds is None:
            return None
        ends[name] = known.seconds + max((ends[other] for other in plan.tasks[name].needs), default=0.0)
    return max(ends.values(), default=None)
