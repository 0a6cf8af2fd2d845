"""The feedback loop: a run that failed, what would repair it, and the repair itself.

Rules first (the operation's own, proposed on the worker; then the general ones; then what memory has seen work), a
model second, and only when asked. Whether a repair adds risk is computed here from the assessments, whoever proposed.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from reign.core.catalog import Effect
from reign.core.check import checked, parse_plan
from reign.core.errors import Conflict, ReignError, Unavailable
from reign.core.plan import Plan, Task
from reign.core.resource import Undo, canonical, digest
from reign.core.states import RunState, TaskState
from reign.engine.amendment import Amendment, amend, compared
from reign.engine.classify import FailureClass, classify
from reign.engine.general import ReignGeneral, Submission
from reign.engine.preview import Preview, TaskPreview
from reign.engine.rules import general_repair
from reign.engine.runtime import Runtime
from reign.executor import Proposal, registry
from reign.planner.repairing import Repairer, RepairRequest
from reign.store import amend as amending
from reign.store import runs
from reign.store.amend import TaskChange
from reign.store.database import Transaction
from reign.store.runs import RunRecord, TaskRecord

log = logging.getLogger(__name__)

#: Seconds after a failure for which a repair may still be applied without anybody asking.
_FRESH = 600.0
_UNDO = [Undo.UNNEEDED, Undo.EXACT, Undo.COMPENSATING, Undo.NONE]  # from what is easily taken back to what is not

#: What memory knows of a failure: ``(task, error) -> (proposal, sentence that cites its runs)``.
Recall = Callable[[Task, Mapping[str, Any]], tuple[Proposal, str] | None]


@dataclass(frozen=True)
class Finding:
    """A failed task, what sort of failure it was, and what is proposed for it."""

    task: str
    uses: str
    sort: FailureClass
    message: str
    hint: str | None
    proposal: Proposal | None = None
    source: str | None = None  # operation, rule, memory or model
    moves: bool = False

    def as_dict(self) -> dict[str, Any]:
        """``{task, uses, class, message, hint, proposal, source}``; ``proposal`` is a sentence or None."""
        return {
            "task": self.task,
            "uses": self.uses,
            "class": self.sort.value,
            "message": self.message,
            "hint": self.hint,
            "proposal": self.proposal.reason if self.proposal else None,
            "source": self.source,
        }


@dataclass
class Repair:
    """What would be done about a failed run: nothing (``amendment`` None, ``why_not`` says why), or a changed plan."""

    run: RunRecord
    findings: list[Finding]
    rounds: int = 0
    amendment: Amendment | None = None
    shown: Preview | None = None
    risks: list[str] = field(default_factory=list)
    granted: frozenset[str] = frozenset()  # changed tasks that do the same as before, and had their yes
    unsure: bool = True
    why_not: str | None = None

    @property
    def digest(self) -> str | None:
        """Names this very repair of the run as it stands; None if there is nothing to apply."""
        if self.amendment is None:
            return None
        return digest([self.amendment.plan.digest, self.run.ended_at, self.rounds])[:16]

    @property
    def safe(self) -> bool:
        """Whether it may be applied without asking, where the settings allow that at all."""
        return self.amendment is not None and not self.risks and not self.unsure

    def as_dict(self) -> dict[str, Any]:
        """What ``GET /runs/NAME/repair`` answers and ``reign repair -o json`` prints."""
        return {
            "run": self.run.name,
            "state": self.run.state.value,
            "proposed": self.amendment is not None,
            "failures": [finding.as_dict() for finding in self.findings],
            "diff": [line.as_dict() for line in self.amendment.diff] if self.amendment else [],
            "added": list(self.amendment.added) if self.amendment else [],
            "changed": list(self.amendment.changed) if self.amendment else [],
            "plan": self.shown.as_dict() if self.shown else None,
            "risks": self.risks,
            "safe": self.safe,
            "rounds": self.rounds,
            "digest": self.digest,
            "why_not": self.why_not,
        }


class Repairs:
    """Looks at failed runs and repairs them."""

    def __init__(self, runtime: Runtime, general: ReignGeneral, *, recall: Recall | None = None) -> None:
        self._runtime = runtime
        self._general = general
        self._recall = recall
        self._considered: dict[int, float | None] = {}

    def look(self, name: str, *, ask_model: bool = False) -> Repair:
        """What would repair the run. ``ask_model``: where the rules know nothing, the planner's model is asked (if
        there is one), and its answer is kept. Raises NotFound."""
        with self._runtime.database.read() as tx:
            run = runs.find(tx, name)
            tasks = runs.tasks_of(tx, run.id)
            rounds = len(amending.repairs_of(tx, run.id))
            plan = parse_plan(runs.plan_of(tx, run.id))
            clean = {task.name: amending.untouched(tx, task.id) for task in tasks if task.state is TaskState.FAILED}
        failed = [task for task in tasks if task.state is TaskState.FAILED]
        repair = Repair(run, [], rounds)
        if why := self._closed(run, failed):
            repair.why_not = why
            return repair
        repair.findings = [self._finding(plan, task, ask_model, run) for task in failed]
        usable = [f for f in repair.findings if f.proposal is not None]
        if not usable:
            repair.why_not = "no rule knows a way out; see the hints, change what is wrong and `reign retry`"
            return repair
        for finding in usable:
            if finding.task not in plan.tasks and finding.proposal and not finding.proposal.empty:
                repair.why_not = f"{finding.task} is an item of a for_each; its inputs are changed in the plan file"
                return repair
            if finding.moves and not clean[finding.task]:
                repair.why_not = f"{finding.task} has left something that must be taken back before it goes elsewhere"
                return repair
        self._amend(repair, plan, tasks, usable)
        return repair

    def _closed(self, run: RunRecord, failed: Sequence[TaskRecord]) -> str | None:
        if self._runtime.settings.repair == "off":
            return "repairs are turned off (REIGN_REPAIR=off)"
        if run.kind != "apply":
            return f"a {run.kind} is not repaired; see its tasks"
        if run.state is not RunState.FAILED:
            return f"run {run.name} is {run.state.value.replace('_', ' ')}; only a failed run is repaired"
        if run.rolled_back_by not in (None, "-"):
            return f"run {run.name} was taken back by {run.rolled_back_by}"
        if run.on_failure == "rollback" and run.rolled_back_by is None and self._runtime.settings.repair != "auto":
            return f"run {run.name} is being taken back, as its plan says (on_failure: rollback)"
        return None if failed else "no task of it has failed"

    def _finding(self, plan: Plan, record: TaskRecord, ask_model: bool, run: RunRecord) -> Finding:
        error: dict[str, Any] = record.error or {}
        sort = classify(error)
        finding = Finding(record.name, record.uses, sort, str(error.get("message", "")), error.get("hint"))
        task = plan.tasks.get(record.name) or Task.model_validate(record.spec)
        kept = error.get("repair")
        proposal, source, moves = _kept(kept)
        if proposal is None:
            proposal, source = general_repair(error, sort, task, registry.catalog().find(record.uses)), "rule"
        if proposal is None and self._recall and (known := self._recall(task, error)):
            proposal, source, moves = known[0], "memory", bool(known[0].inputs or known[0].instead)
        if proposal is None and ask_model:
            proposal, source = self._asked(plan, record, sort, error, run), "model"
            moves = proposal is not None and bool(proposal.inputs or proposal.instead)
        if proposal is None:
            return finding
        if proposal.before:
            sort = FailureClass.MISSING_PREREQUISITE  # whatever its words were: something had to be there first
        return Finding(
            finding.task, finding.uses, sort, finding.message, finding.hint, proposal, source,
            moves or (source == "rule" and bool(proposal.inputs)),
        )  # fmt: skip

    def _asked(
        self, plan: Plan, record: TaskRecord, sort: FailureClass, error: dict[str, Any], run: RunRecord
    ) -> Proposal | None:
        planner = self._general.planner()
        if not isinstance(planner, Repairer) or record.name not in plan.tasks:
            return None
        told = {key: error.get(key) for key in ("message", "kind", "hint", "details")}
        found = planner.repair(RepairRequest(plan, record.name, sort.value, told))
        if found is None:
            return None
        found = found.model_copy(update={"sure": False})
        if _secrets(found.model_dump(mode="json")) - _secrets(plan.as_file()):
            log.warning(
                "%s/%s: the model proposed to read secrets that the plan does not; refused", run.name, record.name
            )
            return None
        body = found.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        body |= {"source": "model", "moves": bool(found.inputs or found.instead)}
        with self._runtime.database.write() as tx:
            amending.save_proposal(tx, run, record.name, body)
        return found

    def _amend(self, repair: Repair, plan: Plan, tasks: Sequence[TaskRecord], usable: Sequence[Finding]) -> None:
        remaining = {task.name for task in tasks if task.state is not TaskState.SUCCEEDED}
        wanted = {f.task: f.proposal for f in usable if f.proposal and f.task in plan.tasks}
        try:
            amendment = amend(plan, wanted, remaining)
            bound = checked(amendment.plan, registry.catalog(), environment=plan.environment)
            # The general judges the plan as it would any other, and puts the same checks before what is new in it.
            then, shown = (self._judged(body, repair.run) for body in (plan, bound))
            shown.refusals()
        except Unavailable:
            raise
        except ReignError as error:
            repair.why_not = f"the repair makes no plan that may run: {error.message}"
            return
        amended = compared(plan, shown.full)
        if not set(amended.changed) <= remaining:
            amended = compared(plan, bound)
        repair.amendment, repair.shown = amended, shown
        repair.granted = _granted(plan, tasks, amended)
        repair.unsure = not all(f.proposal and f.proposal.sure for f in usable) or any(
            f.proposal is None for f in repair.findings
        )
        repair.risks = risks(then, shown, amended, repair.granted)

    def _judged(self, plan: Plan, run: RunRecord) -> Preview:
        asked = Submission(
            plan=plan.as_file(), environment=plan.environment, workdir=run.workdir, planned_by=run.source
        )
        return self._general.plan(asked, advised=False)[0]

    # --- applying ---------------------------------------------------------------------------------------------------

    def apply(self, name: str, wanted: str, *, by: str, approved: bool = True) -> RunRecord:
        """Apply the repair with the digest ``wanted`` (as it was shown) and go on with the run.

        ``approved``: what the changed tasks ask for has been seen and granted. Raises NotFound, Conflict if there is no
        such repair any more.
        """
        repair = self.look(name)
        if repair.amendment is None or repair.shown is None:
            raise Conflict(f"there is no repair of {repair.run.name}: {repair.why_not}")
        if repair.digest != wanted:
            raise Conflict(
                f"the repair of {repair.run.name} is another one by now", hint=f"see `reign repair {repair.run.name}`"
            )
        return self._applied(repair, by, approved)

    def _applied(self, repair: Repair, by: str, approved: bool) -> RunRecord:
        amendment, shown = repair.amendment, repair.shown
        assert amendment is not None
        assert shown is not None
        approvals = shown.approvals(None if approved else frozenset()) | dict.fromkeys(repair.granted, "granted")
        added = [_change(amendment.plan, name, approvals) for name in amendment.added]
        changed = [_change(amendment.plan, name, approvals) for name in amendment.changed]
        about = {
            "by": by,
            "round": repair.rounds + 1,
            "reasons": [f.proposal.reason for f in repair.findings if f.proposal],
            "failures": [
                {
                    "task": f.task,
                    "uses": f.uses,
                    "class": f.sort.value,
                    "message": f.message[:2000],
                    "source": f.source,
                    "proposal": f.proposal.model_dump(mode="json", by_alias=True, exclude_defaults=True),
                }
                for f in repair.findings
                if f.proposal
            ],
            "diff": [line.as_dict() for line in amendment.diff],
            "digest": amendment.plan.digest,
            "was": repair.run.digest,
        }

        def change(tx: Transaction, run: RunRecord, now: float) -> Any:
            if run.ended_at != repair.run.ended_at:
                raise Conflict(f"run {run.name} has moved on meanwhile; look again")
            return amending.amend(
                tx, run, amendment.plan.as_file(), amendment.plan.digest, added, changed, about, now
            )  # fmt: skip

        return self._general.amend(repair.run.name, change, by=by, data={"reasons": about["reasons"]})

    def apply_safe(self) -> list[str]:
        """With REIGN_REPAIR=auto: repair the runs that failed lately, where that adds no risk and rounds are left.

        A run is considered once for each time that it fails. Returns the names of the repaired ones.
        """
        settings = self._runtime.settings
        if settings.repair != "auto":
            return []
        with self._runtime.database.read() as tx:
            failed = amending.failed_lately(tx, time.time() - _FRESH)
        repaired = []
        for run in failed:
            if self._considered.get(run.id, -1.0) == run.ended_at:
                continue
            if len(self._considered) > 10_000:
                self._considered.clear()
            self._considered[run.id] = run.ended_at
            repair = self.look(run.name)
            if not self.on_its_own(repair):
                continue
            try:
                self._applied(repair, "repair", approved=False)
                repaired.append(run.name)
            except Conflict as error:
                log.info("%s is not repaired: %s", run.name, error)
        return repaired

    def on_its_own(self, repair: Repair) -> bool:
        """Whether the settings let it be applied without asking."""
        settings = self._runtime.settings
        allowed = settings.repair == "auto" and repair.safe and repair.rounds < settings.repair_rounds
        return allowed and not self._again(repair)

    def _again(self, repair: Repair) -> bool:
        """Whether an earlier round has proposed just this, in vain."""
        now = sorted(canonical(f.proposal.model_dump(mode="json", by_alias=True, exclude_defaults=True)) for f in
                     repair.findings if f.proposal)  # fmt: skip
        with self._runtime.database.read() as tx:
            earlier = amending.repairs_of(tx, repair.run.id)
        return any(sorted(canonical(f["proposal"]) for f in past.get("failures", ())) == now for past in earlier)


def _kept(kept: Any) -> tuple[Proposal | None, str | None, bool]:
    """The proposal that was recorded with a failure, who made it, and whether it goes to other resources."""
    if not isinstance(kept, Mapping):
        return None, None, False
    body = {key: value for key, value in kept.items() if key not in ("moves", "source")}
    try:
        return Proposal.model_validate(body), str(kept.get("source", "operation")), bool(kept.get("moves"))
    except ValidationError as error:
        log.warning("a recorded repair cannot be read: %s", error)
        return None, None, False


def _change(plan: Plan, name: str, approvals: Mapping[str, str]) -> TaskChange:
    task = plan.tasks[name]
    spec = task.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude_none=True)
    return TaskChange(
        name, task.uses, task.agent, spec, task.needs, task.asks_status(), approvals.get(name, task.approval)
    )


def risks(before: Preview, after: Preview, amendment: Amendment, granted: Collection[str] = ()) -> list[str]:
    """Why the amended plan is riskier than the one before it; empty if no changed or added task destroys, asks (unless
    it has been ``granted``), is undone less well than what it replaces (or, when added, than the plan's worst), may
    run more often than its author said, or has a new danger."""
    old = {task.id: task for task in before.tasks}
    waiting = after.approvals(frozenset(granted))
    worst = max((_UNDO.index(task.assessment.undo) for task in before.tasks), default=0)
    found = []
    for task in (*after.tasks, *after.gates):
        if task.id in amendment.added:
            found += _risks(task, None, max(worst, _UNDO.index(Undo.EXACT)))
        elif task.id in amendment.changed:
            found += _risks(task, old[task.id], _UNDO.index(old[task.id].assessment.undo))
        else:
            continue
        if waiting.get(task.id) == "required":
            why = task.assessment.asks or "a person must say yes"
            found.append(f"{task.id} asks: {why}")
    return found


def _granted(plan: Plan, tasks: Sequence[TaskRecord], amendment: Amendment) -> frozenset[str]:
    """The changed tasks that had a yes and still do the same, with the same inputs."""
    had = {task.name for task in tasks if task.approval == "granted"}
    same = {
        name
        for name in amendment.changed
        if (plan.tasks[name].uses, plan.tasks[name].with_)
        == (amendment.plan.tasks[name].uses, amendment.plan.tasks[name].with_)
    }
    return frozenset(had & same)


def _risks(task: TaskPreview, was: TaskPreview | None, allowed: int) -> list[str]:
    now, then = task.assessment, was.assessment if was else None
    found = []
    if now.effect is Effect.DESTROY:
        found.append(f"{task.id} destroys")
    if _UNDO.index(now.undo) > allowed:
        found.append(f"{task.id}: undo is {now.undo.value}")
    newly = task.task.retry is not None and (was is None or was.task.retry is None)
    if newly and registry.catalog().find(task.task.uses).reruns:
        found.append(f"{task.id} would run again after any failure")
    known = {str(item) for item in then.findings} if then else set()
    return found + [f"{task.id}: {item}" for item in map(str, now.findings) if item not in known]


def _secrets(value: Any) -> set[str]:
    from reign.core.expressions import texts

    return {text for text in texts(value) if "secret://" in text}
