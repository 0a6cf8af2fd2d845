"""A kill drill: real processes of an installation of its own, killed at random while runs go on; then the count.

Each task appends a line to a ledger through an operation whose inspect can see it. What is counted afterwards: runs
that did not end well, tasks that never started, lines that are missing or stand twice, lines before those they depend
on, and how long it took after each kill until work went on.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reign.broker import embedded
from reign.config import Settings
from reign.core.errors import Conflict, Refused, Unavailable
from reign.core.states import RunState
from reign.engine.general import ReignGeneral, Submission
from reign.engine.runtime import Runtime
from reign.executor.process import die_with_parent
from reign.local import drill_agent
from reign.planner.choose import make_planner
from reign.store import drills, runs, schema
from reign.store.runs import RunRecord

#: How often each target is chosen, of 100: children are cheap to start again, whole processes take a second or two.
TARGETS = {"child": 60, "worker": 15, "general": 10, "broker": 8, "wipe": 7}
READY_WITHIN = 30.0  # seconds


@dataclass(frozen=True)
class Size:
    """How large a drill is. It ends when all runs have ended and all kills were made, or after ``within`` seconds."""

    runs: int = 20
    kills: int = 40
    tasks: int = 8  # of each run
    workers: int = 2
    children: int = 2  # of each worker
    generals: int = 2
    at_once: int = 6  # runs under way
    within: float = 300.0
    seed: int = 1


@dataclass
class Kill:
    """One kill. ``recovered``: seconds until work went on."""

    target: str
    at: float
    claims: Mapping[int, int] = field(default_factory=dict)  # what the killed held: task id to attempt
    recovered: float | None = None


@dataclass
class Report:
    """What came of a drill."""

    size: Size
    runs: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    lost_runs: list[str] = field(default_factory=list)
    never_started: int = 0
    twice: int = 0
    missing: int = 0
    disordered: int = 0
    recoveries: list[tuple[str, float]] = field(default_factory=list)  # target and seconds
    unrecovered: int = 0
    wall: float = 0.0

    @property
    def well(self) -> bool:
        """Whether every invariant held."""
        broken = (self.never_started, self.twice, self.missing, self.disordered, self.unrecovered)
        return not self.lost_runs and not any(broken)

    def as_dict(self) -> dict[str, Any]:
        found = sorted(seconds for _, seconds in self.recoveries)
        worst: dict[str, float] = {}
        for target, seconds in self.recoveries:
            worst[target] = max(worst.get(target, 0.0), round(seconds, 2))
        return {
            "ok": self.well,
            "runs": self.runs,
            "kills": sum(self.kills.values()),
            "kills_by_target": dict(self.kills),
            "runs_lost": len(self.lost_runs),
            "tasks_never_started": self.never_started,
            "effects_twice": self.twice,
            "effects_missing": self.missing,
            "out_of_order": self.disordered,
            "never_recovered": self.unrecovered,
            "recovery_median_s": round(statistics.median(found), 2) if found else None,
            "recovery_p95_s": round(found[int(0.95 * (len(found) - 1))], 2) if found else None,
            "recovery_worst_s": round(found[-1], 2) if found else None,
            "recovery_worst_by_target_s": worst,
            "wall_s": round(self.wall, 1),
        }


class Drill:
    """One drill on the installation that ``settings`` describe; starts and ends its own processes, and no others."""

    def __init__(
        self,
        settings: Settings,
        size: Size,
        *,
        environment: str = "drill",
        uses: str = "drill.append",
        agents: str = drill_agent.LOADED_AS,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._settings = settings
        self._size = size
        self._environment = environment
        self._uses = uses
        self._agents = agents
        self._say = say
        self._folder = settings.writable_data_dir().absolute() / "drill"
        self._random = random.Random(size.seed)  # noqa: S311
        self._parts: dict[str, subprocess.Popen[bytes]] = {}
        self._runtime = Runtime(settings)
        self._general = ReignGeneral(self._runtime, make_planner)
        self._kills: list[Kill] = []

    def run(self) -> Report:
        """Do it. Raises Unavailable if the installation does not come up."""
        began = time.monotonic()
        report = Report(self._size)
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / "ledger").unlink(missing_ok=True)
        try:
            self._start()
            made = self._storm(began + self._size.within)
            self._settle(made, began + self._size.within)
            self._count(report, made)
        finally:
            self._end_all()
            self._runtime.close()
        report.wall = time.monotonic() - began
        return report

    # --- processes --------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        if self._settings.broker_url is None:
            self._spawn("broker")
            self._await(self._broker_answers, "the broker")
        schema.upgrade(self._runtime.database)
        for number in range(self._size.generals):
            self._spawn(f"general-{number}")
        for number in range(self._size.workers):
            self._spawn(f"worker-{number}")

    def _argv(self, name: str) -> list[str]:
        if name == "broker":
            return embedded.command(self._settings)
        if name.startswith("general"):
            return [sys.executable, "-m", "reign", "general"]
        agent = self._uses.partition(".")[0]
        return [sys.executable, "-m", "workers", agent, "-c", str(self._size.children), "--name", f"{name}@drill"]

    def _spawn(self, name: str) -> None:
        with (self._folder / f"{name}.log").open("ab") as log:
            self._parts[name] = subprocess.Popen(
                self._argv(name),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environ(),
                start_new_session=True,
                preexec_fn=die_with_parent,
            )

    def _environ(self) -> dict[str, str]:
        given = self._settings
        named = {
            "REIGN_DATA_DIR": str(given.data_dir.absolute()),
            "REIGN_EXTRA_AGENTS": self._agents,
            "REIGN_HEARTBEAT": str(given.heartbeat),
            "REIGN_LEASE": str(given.lease),
            "REIGN_MAX_ATTEMPTS_LOST": str(given.max_attempts_lost),
            "REIGN_FLOWER_PORT": "0",
        }
        if given.database_url:
            named["REIGN_DATABASE_URL"] = given.database_url
        if given.broker_url:
            named["REIGN_BROKER_URL"] = given.broker_url
        if given.signing_key:
            named["REIGN_SIGNING_KEY"] = given.signing_key.get_secret_value()
        kept = {name: value for name, value in os.environ.items() if not name.startswith("REIGN_")}
        return {**kept, **named}

    def _broker_answers(self) -> bool:
        try:
            self._runtime.redis.ping()
        except Unavailable:
            return False
        return True

    def _await(self, ready: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + READY_WITHIN
        while not ready():
            if time.monotonic() > deadline:
                raise Unavailable(f"{what} of the drill does not come up", hint=f"its log is in {self._folder}")
            time.sleep(0.05)

    def _end_all(self) -> None:
        for process in self._parts.values():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _restart_fallen(self) -> None:
        for name, process in self._parts.items():
            if process.poll() is not None:
                with contextlib.suppress(ProcessLookupError):  # what is left of its group
                    os.killpg(process.pid, signal.SIGKILL)
                self._spawn(name)

    # --- the storm --------------------------------------------------------------------------------------------------

    def _plan(self, number: int) -> dict[str, Any]:
        """A random DAG; lines are named so that no two runs share one."""
        tasks: dict[str, Any] = {}
        for i in range(self._size.tasks):
            needs = sorted(self._random.sample(range(i), min(i, self._random.randint(0, 2))))
            inputs = {"ledger": "ledger", "line": f"{number}.{i}", "seconds": round(self._random.uniform(0, 0.3), 2)}
            tasks[f"t{i}"] = {"uses": self._uses, "needs": [f"t{other}" for other in needs], "with": inputs}
        return {"name": f"drill {number}", "environment": self._environment, "tasks": tasks}

    def _storm(self, deadline: float) -> list[tuple[RunRecord, dict[str, Any]]]:
        """Submit runs and kill until there are enough of both."""
        made: list[tuple[RunRecord, dict[str, Any]]] = []
        rest = 0.0
        while time.monotonic() < deadline:
            self._restart_fallen()
            going = self._under_way(made)
            while len(made) < self._size.runs and going < self._size.at_once:
                plan = self._plan(len(made))
                made.append((self._submit(plan, len(made)), plan))
                going += 1
            enough = len(self._kills) >= self._size.kills
            if enough and len(made) >= self._size.runs:
                return made
            if not going and len(made) >= self._size.runs:
                plan = self._plan(len(made))  # kills are left and nothing to disturb: one more run
                made.append((self._submit(plan, len(made)), plan))
            # Kills are spread over the runs, and slower than the processes come up again.
            due = len(made) * self._size.kills / self._size.runs
            if not enough and len(self._kills) < max(1.0, due) and time.monotonic() > rest:
                self._strike()
                rest = time.monotonic() + self._random.uniform(0.2, 1.2)
            time.sleep(0.02)
        return made

    def _under_way(self, made: Sequence[tuple[RunRecord, dict[str, Any]]]) -> int:
        with self._runtime.database.read() as tx:
            return drills.open_of(tx, [run.id for run, _ in made[-50:]])

    def _submit(self, plan: dict[str, Any], number: int) -> RunRecord:
        key = f"drill-{self._folder}-{self._size.seed}-{number}-{os.getpid()}"
        return self._general.submit(
            Submission(plan=plan, workdir=str(self._folder), approve=None, idempotency_key=key, requested_by="drill")
        )

    def _strike(self) -> None:
        target = self._random.choices(list(TARGETS), list(TARGETS.values()))[0]
        if target in ("broker", "wipe") and self._settings.broker_url is not None:
            target = "child"  # a broker that was not started here is left alone
        kill = Kill(target, time.time())
        if target == "child":
            pid = self._child()
            if pid is None:
                return
            kill.claims = self._claims({pid})
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        elif target == "wipe":
            with contextlib.suppress(Exception):
                self._runtime.redis.client.flushall()
        else:
            name = self._random.choice([name for name in self._parts if name.startswith(target)])
            process = self._parts[name]
            kill.claims = self._claims({process.pid, *_children(process.pid)})
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self._kills.append(kill)
        if len(self._kills) % 10 == 0:
            self._say(f"{len(self._kills)} kills")

    def _child(self) -> int | None:
        """A child of some worker."""
        workers = [process.pid for name, process in self._parts.items() if name.startswith("worker")]
        found = [pid for worker in workers for pid in _children(worker)]
        return self._random.choice(found) if found else None

    def _claims(self, pids: set[int]) -> dict[int, int]:
        with self._runtime.database.read() as tx:
            return drills.claims_of(tx, pids)

    # --- the count --------------------------------------------------------------------------------------------------

    def _settle(self, made: Sequence[tuple[RunRecord, dict[str, Any]]], deadline: float) -> None:
        """Wait until all runs have ended."""
        while time.monotonic() < deadline:
            self._restart_fallen()
            with self._runtime.database.read() as tx:
                if not drills.open_of(tx, [run.id for run, _ in made]):
                    return
            time.sleep(0.1)

    def _count(self, report: Report, made: Sequence[tuple[RunRecord, dict[str, Any]]]) -> None:
        path = self._folder / "ledger"
        ledger = path.read_text().split() if path.exists() else []
        place = {line: number for number, line in reversed(list(enumerate(ledger)))}
        report.runs = len(made)
        report.kills = Counter(kill.target for kill in self._kills)
        report.twice = len(ledger) - len(place)
        with self._runtime.database.read() as tx:
            for run, plan in made:
                now = runs.by_id(tx, run.id)
                if now.state is not RunState.SUCCEEDED:
                    report.lost_runs.append(f"{run.name}: {now.state} {now.cause or ''}".strip())
                report.never_started += sum(task.attempt == 0 for task in runs.tasks_of(tx, run.id))
                lines = {name: task["with"]["line"] for name, task in plan["tasks"].items()}
                report.missing += sum(line not in place for line in lines.values())
                report.disordered += sum(
                    place.get(lines[other], -1) > place.get(lines[name], sys.maxsize)
                    for name, task in plan["tasks"].items()
                    for other in task["needs"]
                )
            for kill in self._kills:
                kill.recovered = drills.recovery(tx, kill.at, kill.claims)
        report.recoveries = [(kill.target, kill.recovered) for kill in self._kills if kill.recovered is not None]
        # A kill after the last task of all had ended disturbed nothing, and nothing had to go on.
        report.unrecovered = sum(kill.recovered is None and bool(kill.claims) for kill in self._kills)


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def refuse_if_in_use(settings: Settings, environment: str) -> None:
    """Raises Refused for an environment that looks like production, Conflict while runs of others are under way."""
    if environment.lower().startswith("prod"):
        raise Refused(
            f"a drill kills processes, and {environment} is no place for that", hint="name a test environment"
        )
    runtime = Runtime(settings)
    try:
        schema.upgrade(runtime.database)
        with runtime.database.read() as tx:
            others = drills.foreign(tx)
    finally:
        runtime.close()
    if others:
        raise Conflict(f"{others} runs are under way here", hint="wait for them, or add --yes")
