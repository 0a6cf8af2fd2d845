"""Remembering: the leading general makes episodes of ended runs, in batches; plans get what is known of such tasks."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from reign.core.catalog import Catalog, Effect
from reign.core.errors import Unavailable
from reign.core.plan import Plan, Task
from reign.engine.classify import classify
from reign.engine.preview import Preview, preview
from reign.engine.runtime import Runtime
from reign.executor import Proposal, registry
from reign.memory.advice import Advice, Facts, KnownRepair, advise, whole, with_additions
from reign.memory.episodes import Episode, Evidence, evidence
from reign.memory.recipes import Applied, best, closed, opened
from reign.memory.requests import LONGEST, PastRequest, similar
from reign.memory.shape import pattern, plain, same_inputs, signature
from reign.store import amend as amending
from reign.store import memory as kept
from reign.store.database import Transaction
from reign.store.memory import FinishedAttempt

log = logging.getLogger(__name__)

EVERY = 2.0  # seconds between two looks for runs that have ended
SETTLED = 3.0  # seconds after which an event is read
_BATCH = 20  # runs
_PRUNE_EVERY = 3600.0
_KINDS = 50  # kinds of task of a plan that are looked up


class Remembering:
    """Writes memory from what has happened, and reads it for what is planned."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._looked = 0.0
        self._pruned = 0.0

    @property
    def on(self) -> bool:
        return self._runtime.settings.memory != "off"

    # --- writing ----------------------------------------------------------------------------------------------------

    def tick(self) -> int:
        """Remember a batch of runs that have ended, now and then; returns how many. Raises Unavailable."""
        if not self.on or time.monotonic() - self._looked < EVERY:
            return 0
        self._looked = time.monotonic()
        return self.remember(time.time())

    def remember(self, now: float, settled: float = SETTLED) -> int:
        """Remember the next batch of runs that ended at least ``settled`` seconds ago."""
        with self._runtime.database.read() as tx:
            at = kept.cursor(tx)
            ended, to = kept.ended_since(tx, at, now - settled, _BATCH)
        if to == at and not ended:
            return 0
        for run_id in ended:
            self._one(run_id)
        with self._runtime.database.write() as tx:
            kept.move_cursor(tx, to)
            if time.monotonic() - self._pruned > _PRUNE_EVERY or self._pruned == 0.0:
                self._pruned = time.monotonic()
                settings = self._runtime.settings
                kept.prune(tx, now - settings.memory_days * 86_400.0, settings.memory_rows)
        return len(ended)

    def _one(self, run_id: int) -> None:
        """A run that cannot be remembered is left out; it must not keep the others from it."""
        try:
            with self._runtime.database.write() as tx:
                self._remember(tx, run_id)
        except Unavailable:
            raise
        except Exception:
            log.exception("run %d is not remembered", run_id)

    def _remember(self, tx: Transaction, run_id: int) -> None:
        run = kept.run_of(tx, run_id)
        if run is None or run.kind != "apply":
            return
        found = kept.finished_attempts(tx, run_id)
        repairs = amending.repairs_of(tx, run_id)
        kept.add(tx, episodes_of(run, found, repairs, self._runtime.settings.key))
        if run.ended_at is None:
            return  # it has gone on meanwhile: what helped is seen when it ends again
        for repair in applied_of(run, found, repairs):
            kept.add_repair(tx, repair)
        if run.request:
            uses = tuple(dict.fromkeys(attempt.uses for attempt in found))
            ok = run.state == "succeeded"
            kept.add_request(tx, PastRequest(run.request[:LONGEST], run.plan_name, uses, ok, run.name, run.ended_at))

    # --- reading ----------------------------------------------------------------------------------------------------

    def about(self, shown: Preview, catalog: Catalog, request: str | None) -> dict[str, Any]:
        """What a preview shows: ``{memory: {task: advice}, expected_seconds, similar}``; empty if nothing is known or
        the state cannot be read (a plan needs no database)."""
        if not self.readable():
            return {}
        try:
            advice = self.advice(shown, catalog)
            with self._runtime.database.read() as tx:
                past = similar(request, kept.requests(tx)) if request else []
        except Unavailable as error:
            log.info("memory cannot be read: %s", error)
            return {}
        return {
            "memory": {name: found.as_dict() for name, found in advice.items()},
            "expected_seconds": whole(shown.plan, advice),
            "similar": [{**item.as_dict(), "alike": round(score, 2)} for item, score in past],
        }

    def added(self, plan: Plan, catalog: Catalog) -> tuple[Plan, list[str]]:
        """With REIGN_MEMORY=apply: the plan with what memory adds to it, and a sentence for each addition."""
        if self._runtime.settings.memory != "apply" or not self.readable():
            return plan, []
        try:
            advice = self.advice(preview(plan, catalog), catalog)
        except Unavailable as error:
            log.info("memory cannot be read: %s", error)
            return plan, []
        notes = [
            f"memory adds {key} to {name}: {found.why[key]}" for name, found in advice.items() for key in found.adds
        ]
        return with_additions(plan, advice), notes

    def readable(self) -> bool:
        """Whether there may be something to read; asking must make neither a database nor its folder."""
        _, local, path = self._runtime.settings.database.partition("sqlite:///")
        return self.on and not (local and not Path(path).exists())

    def advice(self, shown: Preview, catalog: Catalog) -> dict[str, Advice]:
        """What memory says of each task that it knows something about. Raises Unavailable."""
        known: dict[tuple[str, str, str], Evidence | None] = {}
        seen: dict[tuple[str, str], list[Episode]] = {}
        helped: dict[str, Mapping[str, KnownRepair]] = {}
        found: dict[str, Advice] = {}
        now = time.time()
        with self._runtime.database.read() as tx:
            for task in shown.tasks:
                if task.task.undo_of is not None:
                    continue
                kind = (task.task.uses, pattern(task.task.uses, task.task.with_))
                if kind not in seen:
                    if len(seen) >= _KINDS:
                        continue
                    closest = kept.episodes(tx, *kind)
                    others = kept.episodes(tx, kind[0]) if len(closest) < kept.READ else []
                    seen[kind] = list(dict.fromkeys([*closest, *others]))
                    helped.setdefault(kind[0], _helped(kept.repairs(tx, kind[0]), now))
                same = same_inputs(task.task.uses, task.task.with_, self._runtime.settings.key)
                if (*kind, same) not in known:
                    known[*kind, same] = evidence(kind[0], seen[kind], kind[1], same, now)
                facts = known[*kind, same]
                if facts is not None:
                    spec = catalog.find(task.task.uses)
                    this = task.assessment
                    own = Facts(spec.timeout, spec.retry, this.effect, this.undo, spec.reruns)
                    found[task.id] = advise(task.task, facts, own, helped[kind[0]])
        return found

    def recall(self, task: Task, error: Mapping[str, Any]) -> tuple[Proposal, str] | None:
        """A repair that has helped against such a failure before, fitted to this task's inputs."""
        if not self.on:
            return None
        mark = signature(task.uses, str(error.get("message", "")))
        with self._runtime.database.read() as tx:
            applied = kept.repairs(tx, task.uses, mark)
        recipe = best(applied, time.time())
        if recipe is None:
            return None
        told = f"{recipe.reason} (helped {recipe.worked} of {recipe.of} times, see run {recipe.run})"
        try:
            body = closed(recipe.recipe, task.with_)
            return Proposal.model_validate({**body, "reason": told[:500], "sure": False}), recipe.run
        except (LookupError, TypeError, ValidationError) as wrong:
            log.info("a remembered repair does not fit: %s", wrong)
            return None


def _helped(applied: Sequence[Applied], now: float) -> dict[str, KnownRepair]:
    found = {}
    for mark in dict.fromkeys(item.signature for item in applied):
        recipe = best([item for item in applied if item.signature == mark], now)
        if recipe is not None:
            found[mark] = KnownRepair(mark, recipe.reason, recipe.worked, recipe.of, recipe.run)
    return found


def episodes_of(
    run: Any, found: Sequence[FinishedAttempt], repairs: Sequence[Mapping[str, Any]], key: bytes
) -> list[tuple[Episode, int]]:
    """The episodes of a run's attempts. What was cancelled or lost with its worker says nothing of the operation."""
    changed_at = {line["task"]: repair["at"] for repair in repairs for line in repair.get("diff", ())}
    first_failure: dict[str, float] = {}
    episodes = []
    for attempt in found:
        ok = attempt.outcome == "succeeded"
        failed = attempt.outcome == "failed" or (attempt.outcome in ("ready", "again") and bool(attempt.error))
        if not ok and not failed:
            continue
        uses, inputs = attempt.uses, attempt.spec.get("with", {})
        error = attempt.error or {}
        message = str(error.get("message", ""))
        recovered = None
        if failed:
            first_failure.setdefault(attempt.task, attempt.ended_at)
        elif attempt.task in first_failure and attempt.task not in changed_at:
            recovered = max(0.0, attempt.started_at - first_failure[attempt.task])
        as_now = attempt.started_at >= changed_at.get(attempt.task, 0.0)
        episode = Episode(
            operation=uses,
            pattern=pattern(uses, inputs),
            same=same_inputs(uses, inputs, key) if as_now else "",
            environment=run.environment,
            ok=ok,
            sort=classify(error).value if failed else None,
            signature=signature(uses, message) if failed else None,
            message=plain(message) if failed else None,
            seconds=max(0.0, attempt.ended_at - attempt.started_at),
            worked=attempt.intent or not ok or _reads(uses),
            recovered=recovered,
            run=run.name,
            task=attempt.task,
            by=run.requested_by,
            at=attempt.ended_at,
        )
        episodes.append((episode, attempt.number))
    return episodes


def _reads(uses: str) -> bool:
    """Whether the operation changes nothing: then each success did what it does."""
    spec = registry.catalog().get(uses)
    return spec is not None and spec.effect is Effect.READ


def applied_of(run: Any, found: Sequence[FinishedAttempt], repairs: Sequence[Mapping[str, Any]]) -> list[Applied]:
    """The repairs of a run, each with whether its failure did not come back."""
    applied = []
    for repair in repairs:
        for failure in repair.get("failures", ()):
            later = [a for a in found if a.task == failure["task"] and a.started_at >= repair["at"]]
            mark = signature(failure["uses"], str(failure["message"]))
            first = later[0] if later else None
            again = first is not None and signature(first.uses, str((first.error or {}).get("message", ""))) == mark
            inputs = first.spec.get("with", {}) if first else {}
            recipe = {key: value for key, value in failure["proposal"].items() if key not in ("reason", "sure")}
            given = failure["proposal"].get("inputs", {})
            own = {key: value for key, value in inputs.items() if key not in given}
            applied.append(
                Applied(
                    operation=failure["uses"],
                    signature=mark,
                    sort=failure["class"],
                    reason=str(failure["proposal"].get("reason", ""))[:300],
                    source=str(failure["source"]),
                    recipe=opened(recipe, own),
                    worked=first is not None and (first.outcome == "succeeded" or not again),
                    run=run.name,
                    round=int(repair["round"]),
                    task=failure["task"],
                    by=run.requested_by,
                    at=float(repair["at"]),
                )
            )
    return applied
