"""Rehearsal: a plan is moved into a scope of its own, applied there and undone, with proof that it came back."""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reign.core import dag
from reign.core.check import checked
from reign.core.errors import Conflict, InvalidInput, Refused, ReignError
from reign.core.plan import OnFailure, Plan, Task
from reign.core.resource import Observation, differences
from reign.core.states import RunState
from reign.engine.general import ReignGeneral, Submission
from reign.engine.preview import Preview, preview
from reign.engine.rollback import rollback_plan
from reign.engine.runtime import Runtime
from reign.executor import registry
from reign.executor.scope import NotRehearsable, Scope
from reign.store import history, rehearsals, runs
from reign.store.database import Transaction
from reign.store.history import TaskHistory
from reign.store.runs import RunRecord

#: The copy lies in the work folder itself, where all pools see it.
FOLDER = ".reign-rehearsal-"
#: A work folder with more than this is not copied.
MOST_FILES, MOST_BYTES = 20_000, 500 * 1024 * 1024
_NOT_COPIED = shutil.ignore_patterns(".git", f"{FOLDER}*", "*.tfstate*", "terraform.tfstate.d", ".terraform")


@dataclass(frozen=True)
class Moved:
    """A plan in its scope, beside the one that was given."""

    given: Plan
    plan: Plan
    scope: Scope


class Rehearsals:
    """Starts rehearsals, and brings them to their end: :meth:`proceed` is called by the leading service."""

    def __init__(self, runtime: Runtime, general: ReignGeneral) -> None:
        self._runtime = runtime
        self._general = general

    def preview(self, submission: Submission) -> tuple[Preview, Moved]:
        """The plan as it would be rehearsed. Raises Refused with every task that cannot be, InvalidInput."""
        moved = self._moved(submission)
        return preview(moved.plan, registry.catalog()), moved

    def start(self, submission: Submission) -> RunRecord:
        """Copy the work folder and run the moved plan there; its undo follows by itself.

        Raises what :meth:`preview` raises, and InvalidInput for a work folder that is too large.
        """
        shown, moved = self.preview(submission)
        shown.refusals()
        _copy(moved.scope, self._runtime.settings.data_dir.absolute())
        try:
            run = self._general.start(
                moved.plan,
                kind="rehearsal",
                workdir=str(moved.scope.folder),
                requested_by=submission.requested_by,
                approvals=shown.approvals(None),
            )
        except ReignError:
            shutil.rmtree(moved.scope.folder, ignore_errors=True)
            raise
        with self._runtime.database.write() as tx:
            rehearsals.add(tx, run.id, moved.given.digest, time.time())
        return run

    def report(self, name: str) -> dict[str, Any]:
        """``{run, state, cause, undone_by, came_back, plan_digest, proof}``; came_back is None while it goes on."""
        with self._runtime.database.read() as tx:
            run = runs.find(tx, name)
            found = rehearsals.of_run(tx, run)
        by = run.rolled_back_by if run.rolled_back_by != "-" else None
        return {"run": run.name, "state": run.state.value, "cause": run.cause, "undone_by": by, **found}

    def proceed(self) -> None:
        """Undo what rehearsals that have ended made, and prove what came back of it. Raises Unavailable."""
        with self._runtime.database.read() as tx:
            waiting = [runs.by_id(tx, run_id) for run_id in rehearsals.open_runs(tx)]
        for run in waiting:
            if run.ended:
                self._proceed(run)

    def _proceed(self, run: RunRecord) -> None:
        if run.rolled_back_by is None:
            with self._runtime.database.read() as tx:
                found = rollback_plan(tx, run)
            if found.plan is not None:
                self._general.go_back(
                    found, workdir=run.workdir, requested_by=run.requested_by, of_run=run.id, kind="rehearsal"
                )
                return
            undo: RunRecord | None = None
        else:
            with self._runtime.database.read() as tx:
                undo = runs.find(tx, run.rolled_back_by)
            if not undo.ended:
                return
        self._prove(run, undo)

    def _prove(self, run: RunRecord, undo: RunRecord | None) -> None:
        with self._runtime.database.write() as tx:
            proof = proof_of(tx, run, undo)
            came_back = all(item["came_back"] for item in proof["resources"])
            came_back = came_back and (undo is None or undo.state is RunState.SUCCEEDED)
            rehearsals.prove(tx, run.id, proof, came_back=came_back, now=time.time())
            if came_back:  # its folder goes: what was in there is no resource that anybody would look for
                history.forget(tx, [run.id, *([undo.id] if undo else [])])
        folder = Path(run.workdir)
        if came_back and folder.name.startswith(FOLDER):
            shutil.rmtree(folder, ignore_errors=True)

    def _moved(self, submission: Submission) -> Moved:
        given = self._general.plan(submission)[0].plan
        name = f"rehearse-{secrets.token_hex(3)}"
        workdir = Path(submission.workdir or Path.cwd()).absolute()
        scope = Scope(name=name, workdir=workdir, folder=workdir / f"{FOLDER}{name.removeprefix('rehearse-')}")
        return Moved(given, checked(move(given, scope), registry.catalog()), scope)


def move(plan: Plan, scope: Scope) -> Plan:
    """The plan in the scope. Raises Refused with every task that cannot be moved there, and why."""
    tasks: dict[str, Task] = {}
    reasons: dict[str, str] = {}
    for name in dag.order(plan.needs):
        task, scope.needs = plan.tasks[name], []
        try:
            tasks[name] = _moved_task(task, scope)
        except NotRehearsable as error:
            reasons[name] = str(error)
    if reasons:
        told = "; ".join(f"{name} ({plan.tasks[name].uses}): {why}" for name, why in reasons.items())
        raise Refused(f"{len(reasons)} of {len(plan.tasks)} tasks cannot be rehearsed: {told}", details=reasons)
    first = {name: Task(uses=uses, with_=inputs) for name, (uses, inputs) in scope.first.items()}
    ordered = {name: tasks[name] for name in plan.tasks}
    update = {"name": f"rehearse {plan.name}"[:100], "tasks": first | ordered, "on_failure": OnFailure.STOP}
    return plan.model_copy(update=update)


def _moved_task(task: Task, scope: Scope) -> Task:
    if task.original is not None:
        raise NotRehearsable("it is about what another run made")
    operation = registry.operation(task.uses)
    try:
        moved = operation.rehearsed(task.with_, scope)
    except KeyError as error:
        raise NotRehearsable(f"its input {error.args[0]} is missing") from None
    if moved is None:
        raise NotRehearsable("nobody has said how it is moved to where it does no harm")
    needs = tuple(dict.fromkeys([*task.needs, *scope.needs]))
    return task.model_copy(update={"with_": moved, "needs": needs, "approval": None, "on_failure": None})


def _copy(scope: Scope, private: Path) -> None:
    """The work folder without version control, states of terraform, and REIGN's own files."""
    files = size = 0
    for folder, names, found in os.walk(scope.workdir):
        left = _ignored(private)(folder, [*names, *found])
        names[:] = [name for name in names if name not in left]
        for name in found:
            if name not in left:
                files += 1
                size += (Path(folder) / name).lstat().st_size
        if files > MOST_FILES or size > MOST_BYTES:
            raise InvalidInput(
                f"the work folder {scope.workdir} is too large to be copied for a rehearsal",
                hint="start from the folder that holds what the plan needs, and nothing else",
            )
    try:
        shutil.copytree(scope.workdir, scope.folder, symlinks=True, ignore=_ignored(private))
        for path, content in scope.rewritten.items():
            (scope.folder / path).write_text(content)
    except (OSError, shutil.Error) as error:
        shutil.rmtree(scope.folder, ignore_errors=True)
        raise Conflict(f"the work folder {scope.workdir} cannot be copied: {error}") from None


def _ignored(private: Path) -> Callable[[str, list[str]], set[str]]:
    def ignored(folder: str, names: list[str]) -> set[str]:
        here = Path(folder)
        special = {name for name in names if not _ordinary(here / name) or here / name == private}
        return set(_NOT_COPIED(folder, names)) | special

    return ignored


def _ordinary(path: Path) -> bool:
    return path.is_symlink() or path.is_file() or path.is_dir()


def proof_of(tx: Transaction, run: RunRecord, undo: RunRecord | None) -> dict[str, Any]:
    """What the rehearsal did and what its undo left of it: ``{applied, undone, resources: [{address, task, before,
    applied, came_back, differences, why}]}``."""
    undos: dict[str, TaskHistory] = {}
    states: dict[str, str] = {}
    if undo is not None:
        for done in history.of_run(tx, undo.id):
            if done.spec.undo_of:
                undos[done.spec.undo_of.task] = done
        for record in runs.tasks_of(tx, undo.id):
            about = Task.model_validate(record.spec).undo_of
            if about:
                states[about.task] = record.state.value
    resources: list[dict[str, Any]] = []
    for task in history.of_run(tx, run.id):
        resources += _came_back(task, undos.get(task.name), states.get(task.name))
    return {"applied": run.state.value, "undone": undo.state.value if undo else None, "resources": resources}


def _came_back(task: TaskHistory, undone: TaskHistory | None, state: str | None) -> list[dict[str, Any]]:
    applied = {item["resource"]: item for item in task.attempts[-1]["after"] or ()}
    left = _left(task, undone, state)
    found = []
    for before in task.before():
        after = left.get(before.resource)
        back = after is not None and before.same_as(after)
        found.append(
            {
                "address": before.resource,
                "task": task.name,
                "before": "there" if before.exists else "absent",
                "applied": _applied(before, applied.get(before.resource)),
                "came_back": back,
                "differences": [] if back or after is None else _differ(before, after),
                "why": None if back else f"its undo {state}" if state != "succeeded" else "it is not as it was",
            }
        )
    return found


def _applied(before: Observation, seen: Mapping[str, Any] | None) -> str:
    now = Observation.model_validate(seen) if seen else None
    if now is None or not now.exists:
        return "absent"
    return "changed" if before.exists and not before.same_as(now) else "there"


def _differ(before: Observation, after: Observation) -> list[dict[str, Any]]:
    found = differences(before.state, after.state)
    return [{"path": path, "before": was, "after": now} for path, was, now in found]


def _left(task: TaskHistory, undone: TaskHistory | None, state: str | None) -> Mapping[str, Observation]:
    """What was seen after the undo; an undo that found all as it was had nothing to do."""
    if undone is not None:
        seen: Sequence[Any] = undone.attempts[-1]["after"] or ()
        return {item["resource"]: Observation.model_validate(item) for item in seen}
    return {item.resource: item for item in task.before()} if state == "succeeded" else {}
