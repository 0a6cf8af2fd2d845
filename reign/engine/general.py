"""ReignGeneral: turns requests into plans and plans into runs, and answers for what becomes of them.

Everything that a user can ask for is one method here; the API, the CLI and the tests call the same ones.
"""

from __future__ import annotations

import getpass
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from reign.core.check import checked, parse_plan
from reign.core.errors import Conflict, InvalidInput, ReignError, Unavailable
from reign.core.names import run_name
from reign.core.plan import Plan
from reign.core.resource import digest
from reign.engine import environments, policing, previews, rollback, sealing
from reign.engine.compile import CompiledTask, compile_plan
from reign.engine.fairness import Window
from reign.engine.preview import Preview, preview
from reign.engine.remembering import Remembering
from reign.engine.rollback import Rollback
from reign.engine.runtime import Runtime
from reign.executor import registry
from reign.planner.protocol import Planner, PlanRequest
from reign.security.masking import Masker
from reign.security.sealed import Seal
from reign.store import audit, control, freezes, release, runs
from reign.store.database import Collision, Transaction
from reign.store.outbox import Posting
from reign.store.release import Ready
from reign.store.runs import NewRun, RunRecord

log = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(frozen=True)
class Submission:
    """What a user hands in: words or a plan, and how to run it.

    ``approve``: None grants everything that code asks for (the user has seen it); else the task ids that are granted.
    ``pins``: task id to inputs, as the plan that was shown has them; None: they are looked for at the submission.
    """

    request: str | None = None
    plan: Mapping[str, Any] | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    environment: str | None = None
    workdir: str | None = None
    approve: Sequence[str] | None = ()
    idempotency_key: str | None = None
    requested_by: str | None = None
    planned_by: str | None = None  # who made ``plan`` out of ``request``, as far as the one who submits says
    pins: Mapping[str, Mapping[str, Any]] | None = None


@dataclass(frozen=True)
class _New:
    """A run that is about to be recorded; ``known``: the one that its key stands for already."""

    submission: Submission
    plan: Plan | None = None
    approvals: Mapping[str, str] = field(default_factory=dict)
    source: str = ""
    workdir: str = ""
    kind: str = "apply"
    of_run: int | None = None
    template: dict[str, Any] | None = None
    known: RunRecord | None = None


class ReignGeneral:
    """The orchestrator service of one process."""

    def __init__(self, runtime: Runtime, planner: Callable[[], Planner]) -> None:
        self._runtime = runtime
        self._planner = planner
        self._window = Window(runtime.settings)
        self._remembering = Remembering(runtime)

    # --- planning ---------------------------------------------------------------------------------------------------

    def plan(
        self, submission: Submission, *, rehearse: bool = False, advised: bool = True
    ) -> tuple[Preview, dict[str, Any]]:
        """The checked plan and how it came about (``{source, explanation, warnings}``). Runs nothing, needs no broker.
        ``rehearse``: ask the engines what it would change, as far as they answer in time. ``advised``: memory may add
        to the plan, where the settings let it.

        Raises NotUnderstood for words that make no plan, InvalidPlan for a plan with faults.
        """
        shown, about, *_ = self._planned(submission, rehearse, advised)
        return shown, about

    def sealed(self, submission: Submission) -> Submission:
        """What is submitted, with the secrets that its plan holds in clear sealed. Raises InvalidPlan, InvalidInput."""
        if not sealing.concerns(submission.plan):
            return submission
        found = sealing.sealed(parse_plan(submission.plan), submission.params, self._seal)
        if not found.values:
            return submission
        words = submission.request and Masker(found.values).mask(submission.request)
        return replace(submission, plan=found.plan.as_file(), params=found.params, request=words)

    def to_keep(self, submission: Submission) -> Submission:
        """What may be stored of a submission that is to be made later: its secrets sealed. Words that hold one stand
        there without it, beside the plan that they make now. Raises what :meth:`submit` raises."""
        asked = self.sealed(submission)
        shown, _, _, hidden = self._planned(asked, False, False)
        shown.refusals()
        words = asked.request and hidden.mask(asked.request)
        return asked if words == asked.request else replace(asked, request=words, plan=shown.plan.as_file())

    def _seal(self) -> Seal:
        return self._runtime.seal

    def _planned(
        self, submission: Submission, rehearse: bool, advised: bool
    ) -> tuple[Preview, dict[str, Any], dict[str, Any] | None, Masker]:
        """Also what a promotion begins with (the plan before it was bound; None if only the bound one may be kept), and
        what hides the secrets that stood in the plan in clear."""
        catalog, settings = registry.catalog(), self._runtime.settings
        proposed: Mapping[str, str] = {}
        about: dict[str, Any] = {"source": submission.planned_by or "file", "explanation": [], "warnings": []}
        if submission.plan is not None:
            plan = parse_plan(submission.plan)
        elif submission.request and submission.request.strip():
            proposal = self._planner().plan(
                PlanRequest(
                    text=submission.request,
                    environment=submission.environment,
                    default_environment=self._runtime.settings.environment,
                )
            )
            plan, proposed = proposal.plan, proposal.proposed
            about = {
                "source": proposal.source,
                "explanation": [asdict(note) for note in proposal.explanation],
                "warnings": list(proposal.warnings),
            }
        else:
            raise InvalidInput("there is no request and no plan", hint="give a sentence or a plan file")
        environment = submission.environment or plan.environment
        params = environments.params(settings, plan, submission.params, environment)
        found = sealing.sealed(plan, params, self._seal)
        plan = checked(found.plan, catalog, found.params, environment)
        bound = sealing.sealed(plan, {}, self._seal)  # what an expression holds is a value only now
        plan = bound.plan
        hidden = Masker({**found.values, **bound.values})
        for note in about["explanation"]:
            note["text"], note["meaning"] = hidden.mask(note["text"]), hidden.mask(note["meaning"])
        if count := len(hidden.values):
            about["warnings"].append(
                f"{count} secret value{'s' * (count > 1)} of the plan will be kept sealed; better is a reference to "
                "where each is kept, like secret://env/NAME"
            )
        if names := found.names + bound.names:
            about["warnings"].append(
                f"{names} secret value{'s' * (names > 1)} of the plan also name{'s' * (names == 1)} something in it, "
                "and what is named stays in clear: choose a secret that is no name"
            )
        environments.check_secrets(settings, plan)
        if strange := environments.unfamiliar(settings, plan.environment):
            about["warnings"].append(strange)
        if advised:
            plan, notes = self._remembering.added(plan, catalog)
            about["warnings"] += notes
        plan = previews.pinned(plan, submission.pins or {})
        full = policing.gated(plan, about["source"], settings, catalog)
        shown = policing.judged(
            preview(plan, catalog, full, submission.workdir), settings, submission.workdir, proposed
        )
        shown = replace(shown, proposed=frozenset(proposed))
        if rehearse:
            shown = previews.rehearsed(shown, settings, submission.workdir)
        template = {"plan": submission.plan or shown.plan.as_file(), "params": dict(submission.params)}
        return shown, about, None if bound.values else template, hidden

    # --- runs -------------------------------------------------------------------------------------------------------

    def submit(self, submission: Submission, *, of_run: int | None = None) -> RunRecord:
        """Plan, record and start a run; the same ``idempotency_key`` gives the same run again.

        Raises what :meth:`plan` raises, Refused for a plan with a forbidden task, Unavailable without a database.
        A broker that is away delays the run, and loses nothing.
        """
        ready = _bound(self.sealed(submission))
        return self._start([self._prepared(ready, self._known([ready]), of_run)])[0]

    def submit_all(self, submissions: Sequence[Submission]) -> list[RunRecord]:
        """Start many runs in one transaction: all, or none. Raises what :meth:`submit` raises, told with its place."""
        ready = _each(lambda submission: _bound(self.sealed(submission)), submissions)
        known = self._known(ready)
        return self._start(_each(lambda submission: self._prepared(submission, known), ready))

    def _known(self, submissions: Sequence[Submission]) -> dict[str, RunRecord]:
        """The runs that have been started with the keys of these submissions, by key."""
        keys = [submission.idempotency_key for submission in submissions if submission.idempotency_key]
        if not keys:
            return {}
        with self._runtime.database.read() as tx:
            return runs.by_idempotency_keys(tx, keys)

    def _prepared(self, submission: Submission, already: Mapping[str, RunRecord], of_run: int | None = None) -> _New:
        if known := already.get(submission.idempotency_key or ""):
            return _New(submission, known=known)
        shown, about, template, hidden = self._planned(submission, False, True)
        shown.refusals()
        full = shown.full
        if submission.pins is None:
            full = previews.pinned(full, previews.pins(shown, self._runtime.settings, submission.workdir))
        granted = None if submission.approve is None else frozenset(submission.approve)
        return _New(
            replace(submission, request=submission.request and hidden.mask(submission.request)),
            full,
            shown.approvals(granted),
            source=about["source"],
            workdir=submission.workdir or str(Path.cwd()),
            of_run=of_run,
            template=template,
        )

    def _start(self, wanted: Sequence[_New]) -> list[RunRecord]:
        limit = self._runtime.settings.segment_limit
        compiled = [
            (new, compile_plan(new.plan, segment_limit=limit, approvals=new.approvals) if new.plan else [])
            for new in wanted
        ]
        try:
            found, postings = self._recorded(compiled)
        except Collision:  # the same key at the same moment, or the same name: now the other one is seen
            found, postings = self._recorded(compiled)
        self._send(postings)
        return found

    def _recorded(self, wanted: Sequence[tuple[_New, list[CompiledTask]]]) -> tuple[list[RunRecord], list[Posting]]:
        now = time.time()
        found: list[RunRecord] = []
        postings: list[Posting] = []
        with self._runtime.database.write() as tx:
            keys = [new.submission.idempotency_key for new, _ in wanted]
            known = runs.by_idempotency_keys(tx, filter(None, keys))
            names = self._free_names(tx, len(wanted))
            open_ones: set[str] = set()  # environments that are not frozen
            for (new, rows), key in zip(wanted, keys, strict=True):
                if again := new.known or known.get(key or ""):
                    found.append(again)
                    continue
                assert new.plan is not None
                environment = new.plan.environment
                if new.kind not in environments.IN_A_FREEZE and environment not in open_ones:
                    freezes.refuse(tx, environment)
                    open_ones.add(environment)
                record, ready = self._insert(tx, new, rows, names.pop(), now)
                found.append(record)
                postings += [Posting(record.name, item) for item in ready]
                if key:
                    known[key] = record
            release.post(tx, [posting.ready for posting in postings], now)
        return found, postings

    def _insert(
        self, tx: Transaction, new: _New, rows: Sequence[CompiledTask], name: str, now: float
    ) -> tuple[RunRecord, list[Ready]]:
        """The run, and those of its tasks that get their message now."""
        plan, submission = new.plan, new.submission
        assert plan is not None
        file = plan.as_file()
        wanted = NewRun(
            name=name,
            plan=file,
            plan_name=plan.name,
            digest=plan.digest,
            environment=plan.environment,
            workdir=new.workdir,
            source=new.source,
            requested_by=submission.requested_by or _user(),
            on_failure=plan.on_failure.value,
            request=submission.request,
            kind=new.kind,
            concurrency=plan.concurrency,
            idempotency_key=submission.idempotency_key,
            of_run=new.of_run,
            template=new.template if new.template and new.template != {"plan": file, "params": {}} else None,
        )
        record, ready = runs.insert(tx, wanted, rows, now)
        _note_submission(tx, record, new.approvals)
        return record, self._window.released(tx, record.id, ready, plan.concurrency, now, first=True)

    def _free_names(self, tx: Transaction, count: int) -> list[str]:
        """So many names that no run has yet."""
        found: set[str] = set()
        for _ in range(50):
            drawn = {run_name() for _ in range(count - len(found))}
            found |= drawn - control.names_taken(tx, drawn)
            if len(found) == count:
                break
        while len(found) < count:
            found.add(f"{run_name()}-{time.time_ns() % 1_000_000}")
        return list(found)

    def _send(self, postings: Sequence[Posting]) -> None:
        self._runtime.dispatcher.send_all(postings)
        if self._runtime.dispatcher.untidy and len(postings) > 50:
            with self._runtime.database.write() as tx:
                self._runtime.dispatcher.tidy(tx)

    # --- what a person may do to a run ------------------------------------------------------------------------------

    def cancel(self, name: str, by: str | None = None) -> RunRecord:
        """Nothing new starts; running tools are ended. Raises NotFound, Conflict if it is over."""
        return self._change(name, control.cancel, "run.cancel", by)

    def pause(self, name: str, by: str | None = None) -> RunRecord:
        """Running tasks end, no other starts. Raises NotFound, Conflict."""
        return self._change(name, control.pause, "run.pause", by)

    def resume(self, name: str, by: str | None = None) -> RunRecord:
        """Go on with a paused run. Raises NotFound, Conflict."""
        return self._change(name, control.resume, "run.resume", by)

    def approve(self, name: str, task: str, *, by: str, yes: bool = True, note: str | None = None) -> RunRecord:
        """A person's yes or no to a task that waits for it. Raises NotFound, Conflict."""
        return self._change(
            name,
            lambda tx, run, now: control.approve(tx, run, task, by, yes, note, now),
            "task.approve" if yes else "task.deny",
            by,
            task,
            {"note": note},
        )

    def resolve(self, name: str, task: str, verdict: str, *, by: str, result: Any = None) -> RunRecord:
        """Settle a task that needs attention: done, retry or fail. Raises NotFound, Conflict, InvalidInput."""
        if verdict not in ("done", "retry", "fail"):
            raise InvalidInput(f"{verdict!r} settles nothing", hint="done, retry or fail")
        return self._change(
            name,
            lambda tx, run, now: control.resolve(tx, run, task, verdict, by, result, now),
            "task.resolve",
            by,
            task,
            {"verdict": verdict},
        )

    def retry(self, name: str, by: str | None = None) -> RunRecord:
        """Run again what did not succeed; results that stand are kept. Raises NotFound, Conflict."""
        return self._change(name, control.retry, "run.retry", by)

    def amend(
        self,
        name: str,
        change: Callable[[Transaction, RunRecord, float], list[Ready]],
        *,
        by: str,
        data: Mapping[str, Any],
    ) -> RunRecord:
        """Go on with a failed run by a changed plan; see engine.repair. Raises NotFound, Conflict."""
        return self._change(name, change, "run.repair", by, None, data)

    def planner(self) -> Planner:
        """The planner in use; asked for a repair if it is a Repairer."""
        return self._planner()

    def _change(
        self,
        name: str,
        change: Callable[[Transaction, RunRecord, float], list[Ready]],
        act: str,
        by: str | None,
        subject: str | None = None,
        data: Mapping[str, Any] | None = None,
    ) -> RunRecord:
        with self._runtime.database.write() as tx:
            run = runs.find(tx, name)
            now = time.time()
            ready = change(tx, run, now)
            audit.note(
                tx, act, actor=by or _user(), environment=run.environment, run_id=run.id, subject=subject, data=data
            )
            ready = self._window.released(tx, run.id, ready, run.concurrency, now)
            release.post(tx, ready, now)
            record = runs.by_id(tx, run.id)
        self._send([Posting(record.name, item) for item in ready])
        self._runtime.dispatcher.changed(record.id, ended=True)
        return record

    # --- the way back -----------------------------------------------------------------------------------------------

    def start(
        self,
        plan: Plan,
        *,
        kind: str,
        workdir: str,
        requested_by: str | None,
        source: str | None = None,
        of_run: int | None = None,
        approvals: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
    ) -> RunRecord:
        """Run a plan that the engine made itself; whoever asked for it has seen and approved it as a whole.

        The same ``idempotency_key`` gives the same run again."""
        submission = _bound(Submission(requested_by=requested_by, idempotency_key=idempotency_key))
        new = _New(submission, plan, approvals or {}, source=source or kind, workdir=workdir, kind=kind, of_run=of_run)
        return self._start([new])[0]

    def rollback_preview(self, name: str) -> tuple[Preview | None, Rollback]:
        """The plan that takes a run back (None: nothing to do), with what it cannot take back and why."""
        with self._runtime.database.read() as tx:
            found = rollback.rollback_plan(tx, runs.find(tx, name))
        return preview(found.plan, registry.catalog()) if found.plan else None, found

    def rollback(self, name: str, *, requested_by: str | None = None) -> RunRecord:
        """Take a run back by an ordinary run. Raises Conflict if it still moves, or nothing of it stands."""
        with self._runtime.database.read() as tx:
            run = runs.find(tx, name)
            found = rollback.rollback_plan(tx, run)
        if found.plan is None:
            reasons = "; ".join(found.impossible.values())
            by = f"run {run.rolled_back_by} has taken it back" if run.rolled_back_by not in (None, "-") else ""
            raise Conflict(f"there is nothing to take back of {run.name}", hint=reasons or by or "it changed nothing")
        return self.go_back(found, workdir=run.workdir, requested_by=requested_by, of_run=run.id)

    def go_back(
        self,
        found: Rollback,
        *,
        workdir: str,
        requested_by: str | None,
        of_run: int | None = None,
        kind: str = "rollback",
    ) -> RunRecord:
        """Run the plan of a rollback, and note with the runs that it takes back which run does."""
        assert found.plan is not None
        record = self.start(found.plan, kind=kind, workdir=workdir, requested_by=requested_by, of_run=of_run)
        with self._runtime.database.write() as tx:
            for run_id in found.runs:
                control.note_rollback(tx, run_id, record.name)
        return record

    # --- what happens by itself -------------------------------------------------------------------------------------

    def roll_back_failed(self) -> list[str]:
        """Start the rollback of runs that failed and asked for it (``on_failure: rollback``); returns their names."""
        with self._runtime.database.read() as tx:
            waiting = control.wanting_rollback(tx)
        started = []
        for name in waiting:
            try:
                self.rollback(name, requested_by="on_failure")
                started.append(name)
            except Unavailable:
                raise
            except ReignError as error:
                log.warning("%s asked to be taken back and cannot be: %s", name, error)
                with self._runtime.database.write() as tx:
                    control.note_rollback(tx, runs.find(tx, name).id, "-")
        return started


def _note_submission(tx: Transaction, run: RunRecord, approvals: Mapping[str, str]) -> None:
    said = {
        "name": run.name,
        "kind": run.kind,
        "plan": run.plan_name,
        "digest": run.digest,
        "source": run.source,
        "of_run": run.of_run,
        "approved": sorted(task for task, how in approvals.items() if how == "granted"),
        "asks": sorted(task for task, how in approvals.items() if how == "required"),
    }
    audit.note(tx, "run.submit", actor=run.requested_by, environment=run.environment, run_id=run.id, data=said)


def _bound(submission: Submission) -> Submission:
    """Its key is bound to what is asked, so that using it twice by accident is noticed as two requests."""
    if not submission.idempotency_key:
        return submission
    asked = [submission.request, submission.plan, dict(submission.params), submission.environment]
    return replace(submission, idempotency_key=f"{submission.idempotency_key}:{digest(asked)[:16]}")


def _each(do: Callable[[Submission], T], submissions: Sequence[Submission]) -> list[T]:
    """What ``do`` makes of each; an error tells which one it is about."""
    made = []
    for number, submission in enumerate(submissions):
        try:
            made.append(do(submission))
        except ReignError as error:
            error.message = f"runs[{number}]: {error.message}"
            raise
    return made


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
