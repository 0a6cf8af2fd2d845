"""Runs in the flaky world: one arm plans with what memory says, the other as if every run were the first."""

from __future__ import annotations

import statistics
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.memory_bench import world
from reign.core.catalog import Catalog
from reign.core.check import checked, parse_plan
from reign.core.plan import Plan, Retry, Task
from reign.executor import registry
from reign.executor.assessing import assess
from reign.memory.advice import Advice, Facts, KnownRepair, advise, with_additions
from reign.memory.episodes import Episode, evidence
from reign.memory.recipes import Applied, best
from reign.memory.shape import pattern, plain, same_inputs, signature
from reign.store import memory, schema
from reign.store.database import Database

START = 1_700_000_000.0
_KEY = b"benchmark"
_QUICK = 1.0  # seconds after which a failure is told
_LOOKS = 600.0  # seconds until a person has seen a failed run, found out and gone on
_REMEMBERED = 60.0  # seconds until a person has read a repair that memory proposes


@dataclass
class Score:
    """What an arm came to. Seconds are simulated."""

    runs: int = 0
    attempts: int = 0
    failed_attempts: int = 0
    interventions: int = 0  # times that a person had to find out what is wrong
    seconds: float = 0.0
    errors: list[float] = field(default_factory=list)  # of estimates, as a share of what it took

    def as_dict(self) -> dict[str, float | int]:
        """The score, rounded."""
        return {
            "runs": self.runs,
            "attempts": self.attempts,
            "failed_attempts": self.failed_attempts,
            "interventions": self.interventions,
            "hours": round(self.seconds / 3600, 2),
            "estimate_error": round(statistics.median(self.errors), 3) if self.errors else 1.0,
        }


class Arm:
    """One way through the same world. Without memory an estimate is the mean of the operation so far."""

    def __init__(self, seed: int, database: Database | None, people: int) -> None:
        self.seed = seed
        self.database = database
        self.people = people
        self.score = Score()
        self.catalog: Catalog = registry.catalog()
        self._so_far: dict[str, list[float]] = defaultdict(list)

    def run(self, number: int) -> None:
        """One run of the plan of one project, to its success."""
        projects = list(world.PROJECTS)
        project = projects[number % len(projects)]
        now = START + number * world.DAYS_APART * 86_400
        plan = checked(parse_plan({"name": "world", "tasks": world.tasks(project)}), self.catalog)
        advice = self._advice(plan, now)
        plan = with_additions(plan, advice)
        self.score.runs += 1
        for name, task in plan.tasks.items():
            now = self._task(number, project, name, task, advice.get(name), now)

    def _advice(self, plan: Plan, now: float) -> dict[str, Advice]:
        if self.database is None:
            return {}
        found = {}
        with self.database.read() as tx:
            for name, task in plan.tasks.items():
                kind = pattern(task.uses, task.with_)
                seen = memory.episodes(tx, task.uses)
                known = evidence(task.uses, seen, kind, same_inputs(task.uses, task.with_, _KEY), now)
                if known is None:
                    continue
                spec, own = self.catalog.find(task.uses), assess(task, self.catalog)
                mark = signature(task.uses, world.MISSING)
                recipe = best(memory.repairs(tx, task.uses, mark), now)
                helped = (
                    {mark: KnownRepair(mark, recipe.reason, recipe.worked, recipe.of, recipe.run)} if recipe else {}
                )
                found[name] = advise(task, known, Facts(spec.timeout, spec.retry, own.effect, own.undo), helped)
        return found

    def _task(self, number: int, project: str, name: str, task: Task, told: Advice | None, now: float) -> float:
        decided = world.fate(self.seed, number, task.uses, project)
        self._estimate(task, told, decided)
        spec = self.catalog.find(task.uses)
        policy, limit = task.retry or spec.retry, task.timeout or spec.timeout
        # The preview says what helped: whoever reads it puts that into the plan before anything fails.
        ready = not decided.needs or (told is not None and any("What helped" in note for note in told.notes))
        hangs, began = decided.hangs, now
        first_failure: float | None = None
        tries = attempt = 0
        while True:
            attempt += 1
            tries += 1
            self.score.attempts += 1
            failure, took, sort = self._try(decided, now - began, ready, hangs, limit)
            recovered = now - first_failure if first_failure is not None and failure is None else None
            self._remember(number, name, task, attempt, failure, sort, took, recovered, now + took)
            now += took
            self.score.seconds += took
            if failure is None:
                self._so_far[task.uses].append(took)
                return now
            first_failure = first_failure if first_failure is not None else now
            self.score.failed_attempts += 1
            if sort == "transient" and failure != world.HUNG and tries < policy.attempts:
                wait = _wait(policy, tries)
            else:
                wait, tries = self._go_on(number, task, failure, now), 0
                ready, hangs = ready or failure == world.MISSING, False
            now += wait
            self.score.seconds += wait

    def _try(
        self, decided: world.Fate, since: float, ready: bool, hangs: bool, limit: float
    ) -> tuple[str | None, float, str | None]:
        """``(failure, seconds, class)`` of one attempt."""
        if since < decided.away_for:
            return world.AWAY, _QUICK, "transient"
        if not ready:
            return world.MISSING, _QUICK, "unknown"
        if hangs or decided.seconds > limit:
            return world.HUNG, limit, "transient"
        return None, decided.seconds, None

    def _estimate(self, task: Task, told: Advice | None, decided: world.Fate) -> None:
        known = self._so_far[task.uses]
        guess = told.seconds if told is not None and told.seconds is not None else None
        if guess is None and known:
            guess = statistics.fmean(known)
        if guess is not None:
            self.score.errors.append(abs(guess - decided.seconds) / decided.seconds)

    def _go_on(self, number: int, task: Task, failure: str, now: float) -> float:
        """A run that failed: somebody looks, repairs and goes on; what helped is remembered. Returns the seconds."""
        mark = signature(task.uses, failure)
        known = None
        if self.database is not None:
            with self.database.read() as tx:
                known = best(memory.repairs(tx, task.uses, mark), now)
            if failure == world.MISSING:
                applied = Applied(
                    operation=task.uses, signature=mark, sort="unknown", reason="make the folder first", source="model",
                    recipe={"before": [{"id": "make", "uses": "bash.make_directory", "with": {"path": "./cache"}}]},
                    worked=True, run=f"run-{number}", round=1, task="prepare", by=self._who(number), at=now,
                )  # fmt: skip
                with self.database.write() as tx:
                    memory.add_repair(tx, applied)
        if known is not None:
            return _REMEMBERED
        self.score.interventions += 1
        return _LOOKS

    def _who(self, number: int) -> str:
        return f"person-{number % self.people}"

    def _remember(
        self, number: int, name: str, task: Task, attempt: int, failure: str | None, sort: str | None, took: float,
        recovered: float | None, at: float,
    ) -> None:  # fmt: skip
        if self.database is None:
            return
        episode = Episode(
            operation=task.uses, pattern=pattern(task.uses, task.with_), same=same_inputs(task.uses, task.with_, _KEY),
            environment="dev", ok=failure is None, sort=sort,
            signature=signature(task.uses, failure) if failure else None, message=plain(failure) if failure else None,
            seconds=took, worked=True, recovered=recovered, run=f"run-{number}", task=name, by=self._who(number), at=at,
        )  # fmt: skip
        with self.database.write() as tx:
            memory.add(tx, [(episode, attempt)])


def _wait(policy: Retry, tries: int) -> float:
    return policy.wait(tries, 0.5)


@contextmanager
def _database() -> Iterator[Database]:
    with tempfile.TemporaryDirectory(prefix="reign-memory-") as folder:
        made = Database(f"sqlite:///{Path(folder) / 'state.db'}")
        schema.upgrade(made)
        yield made
        made.close()


def replay(seed: int, runs: int, *, with_memory: bool, people: int = 3) -> Score:
    """``runs`` runs in the world of ``seed``, by ``people`` requesters in turn."""
    if not with_memory:
        arm = Arm(seed, None, people)
        for number in range(runs):
            arm.run(number)
        return arm.score
    with _database() as database:
        arm = Arm(seed, database, people)
        for number in range(runs):
            arm.run(number)
        return arm.score
