"""Workflow files, and runs whose progress the test decides."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import yaml

from tests.fakes.github.accounts import Account

WORKFLOW_FOLDER = ".github/workflows/"
FINISHED = "completed"


@dataclass(frozen=True)
class WorkflowFile:
    """What GitHub reads of a workflow: its name, triggers and jobs."""

    path: str
    name: str
    triggers: Mapping[str, Mapping[str, Any]]
    jobs: Mapping[str, Mapping[str, Any]]


def parse_workflow(path: str, content: bytes) -> WorkflowFile:
    """Raises ValueError for what GitHub would call an invalid workflow file."""
    try:
        document = yaml.safe_load(content.decode())
    except (yaml.YAMLError, UnicodeDecodeError) as problem:
        raise ValueError(f"You have an error in your yaml syntax: {problem}") from None
    if not isinstance(document, dict):
        raise ValueError("A mapping was expected")
    # YAML 1.1 reads the bare word `on` as true.
    on = document.get("on", document.get(True))
    jobs = document.get("jobs")
    if not on:
        raise ValueError("No event triggers defined in `on`")
    if not isinstance(jobs, dict) or not jobs:
        raise ValueError("The workflow must contain at least one job")
    for key, job in jobs.items():
        if not isinstance(job, dict) or not ({"runs-on", "uses"} & job.keys()):
            raise ValueError(f"Required property is missing: runs-on (job {key})")
    events = on if isinstance(on, dict) else dict.fromkeys([on] if isinstance(on, str) else on)
    triggers = {event: options or {} for event, options in events.items()}
    return WorkflowFile(path, str(document.get("name", path)), triggers, jobs)


@dataclass
class Workflow:
    id: int
    path: str
    name: str
    created_at: datetime
    updated_at: datetime
    state: str = "active"


@dataclass(frozen=True)
class Outcome:
    """How a run will end: `failing_step` names the step (of `failing_job`, or of any) that fails with `log`."""

    conclusion: str = "success"
    failing_step: str | None = None
    failing_job: str | None = None
    log: str = "Process completed with exit code 1."

    def fails(self, job: Job, step: Step) -> bool:
        if self.conclusion == "success" or self.failing_job not in (None, job.key, job.name):
            return False
        last_own = [own for own in job.steps if own.name not in ("Set up job", "Complete job")][-1]
        return step.name == self.failing_step if self.failing_step else step is last_own


@dataclass
class Step:
    number: int
    name: str
    status: str = "queued"
    conclusion: str | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    log: list[str] = field(default_factory=list)


@dataclass
class Job:
    """A job; its id is also the id of its check run, as on GitHub."""

    id: int
    key: str
    name: str
    needs: list[str]
    labels: list[str]
    steps: list[Step]
    created_at: datetime
    status: str = "queued"
    conclusion: str | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None

    def log_text(self) -> str:
        return "".join(_step_log(step) for step in self.steps)


@dataclass
class Run:
    """A workflow run; it stands still until `start`, `advance` or `finish` is called."""

    id: int
    workflow: Workflow
    number: int
    event: str
    branch: str
    sha: str
    actor: Account
    title: str
    jobs: list[Job]
    created_at: datetime
    updated_at: datetime
    clock: Callable[[], datetime]
    inputs: dict[str, Any] = field(default_factory=dict)
    pull_numbers: list[int] = field(default_factory=list)
    status: str = "queued"
    conclusion: str | None = None
    attempt: int = 1
    outcome: Outcome = field(default_factory=Outcome)
    cancel_requested: bool = False
    hidden_polls: int = 0

    @property
    def finished(self) -> bool:
        return self.status == FINISHED

    def start(self) -> None:
        """queued -> in_progress, with the jobs that need no other."""
        if self.status == "queued":
            self._become("in_progress")
            self._start_ready_jobs()

    def advance(self) -> None:
        """One transition: start, or one step of every job in progress."""
        if self.finished:
            return
        if self.cancel_requested:
            self._cancel()
            return
        if self.status == "queued":
            self.start()
            return
        for job in [job for job in self.jobs if job.status == "in_progress"]:
            self._advance_job(job)
        self._start_ready_jobs()
        if all(job.status == FINISHED for job in self.jobs):
            failed = any(job.conclusion == "failure" for job in self.jobs)
            self._become(FINISHED, "failure" if failed else "success")

    def finish(self, outcome: Outcome | str | None = None) -> None:
        """Runs to its end; a string is the conclusion."""
        if outcome is not None:
            self.outcome = Outcome(outcome) if isinstance(outcome, str) else outcome
        while not self.finished:
            self.advance()
        if self.outcome.conclusion not in ("success", "failure"):
            self.conclusion = self.outcome.conclusion

    def log_archive(self) -> bytes:
        """The ZIP of a run's logs: a file a job, and a folder a job with a file a step."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for index, job in enumerate(self.jobs):
                archive.writestr(f"{index}_{job.name}.txt", job.log_text())
                for step in job.steps:
                    archive.writestr(f"{job.name}/{step.number}_{step.name}.txt", _step_log(step))
        return packed.getvalue()

    def restart(self, only_failed: bool, next_id: Callable[[], int]) -> None:
        """A new attempt; jobs that succeeded keep their result if `only_failed`."""
        now = self.clock()
        self.attempt += 1
        self.cancel_requested = False
        for job in self.jobs:
            if only_failed and job.conclusion == "success":
                continue
            job.id, job.status, job.conclusion, job.created_at = next_id(), "queued", None, now
            job.started_at = job.completed_at = None
            job.steps = [Step(step.number, step.name) for step in job.steps]
        self._become("queued")

    def _become(self, status: str, conclusion: str | None = None) -> None:
        self.status, self.conclusion, self.updated_at = status, conclusion, self.clock()

    def _start_ready_jobs(self) -> None:
        by_key = {job.key: job for job in self.jobs}
        for job in self.jobs:
            needed = [by_key[key] for key in job.needs if key in by_key]
            if job.status != "queued" or not all(need.status == FINISHED for need in needed):
                continue
            now = self.clock()
            job.started_at = now
            if any(need.conclusion != "success" for need in needed):
                job.status, job.conclusion, job.completed_at, job.steps = FINISHED, "skipped", now, []
            else:
                job.status = "in_progress"
                self._start_step(job.steps[0])

    def _start_step(self, step: Step) -> None:
        step.status, step.started_at = "in_progress", self.clock()

    def _advance_job(self, job: Job) -> None:
        now = self.clock()
        current = next(step for step in job.steps if step.status == "in_progress")
        failed = self.outcome.fails(job, current)
        current.status, current.completed_at = FINISHED, now
        current.conclusion = "failure" if failed else "success"
        stamp = now.strftime("%Y-%m-%dT%H:%M:%S.0000000Z")
        lines = [f"##[group]{current.name}", "##[endgroup]"]
        lines += [*self.outcome.log.splitlines()[:-1], f"##[error]{self.outcome.log.splitlines()[-1]}"] * failed
        current.log = [f"{stamp} {line}" for line in lines]
        waiting = [step for step in job.steps if step.status == "queued"]
        if failed:
            for step in waiting[:-1]:
                step.status, step.conclusion = FINISHED, "skipped"
            waiting = waiting[-1:]
        if waiting:
            self._start_step(waiting[0])
            return
        lost = any(step.conclusion == "failure" for step in job.steps)
        job.status, job.conclusion, job.completed_at = FINISHED, "failure" if lost else "success", now

    def _cancel(self) -> None:
        now = self.clock()
        for job in self.jobs:
            if job.status != FINISHED:
                job.status, job.conclusion, job.completed_at = FINISHED, "cancelled", now
                job.started_at = job.started_at or now
                for step in job.steps:
                    if step.status != FINISHED:
                        step.status, step.conclusion, step.completed_at = FINISHED, "cancelled", now
        self._become(FINISHED, "cancelled")


def new_jobs(workflow: WorkflowFile, next_id: Callable[[], int], now: datetime) -> list[Job]:
    """The queued jobs of a workflow file; a matrix counts as one job."""
    jobs = []
    for key, job in workflow.jobs.items():
        names = ["Set up job", *(_step_name(step) for step in job.get("steps", [])), "Complete job"]
        if len(names) == 2:
            names.insert(1, f"Run {job.get('uses', key)}")
        needs, labels = job.get("needs", []), job.get("runs-on", [])
        jobs.append(
            Job(
                id=next_id(),
                key=key,
                name=str(job.get("name", key)),
                needs=[needs] if isinstance(needs, str) else list(needs),
                labels=[labels] if isinstance(labels, str) else list(labels),
                steps=[Step(number, name) for number, name in enumerate(names, 1)],
                created_at=now,
            )
        )
    return jobs


def _step_name(step: Mapping[str, Any]) -> str:
    if "name" in step:
        return str(step["name"])
    action = step.get("uses") or str(step.get("run", "")).strip().splitlines()[0]
    return f"Run {action}"


def _step_log(step: Step) -> str:
    return "".join(f"{line}\n" for line in step.log)
