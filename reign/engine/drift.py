"""Drift: a look at everything that is recorded, through the pools; what differs; and the plan that restores it."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from dataclasses import replace as replaced
from typing import Any

from reign.core import dag
from reign.core.drift import DRIFTED, Standing
from reign.core.errors import Conflict, NotFound, did_you_mean
from reign.core.plan import MAX_TASKS, ObserveOf, OnFailure, Plan, RestoreOf, Task, slug
from reign.core.resource import Undo, differences
from reign.engine import environments
from reign.engine.general import ReignGeneral
from reign.engine.preview import Preview, TaskPreview, preview
from reign.engine.references import lies_in, references
from reign.engine.rollback import following, undo_of
from reign.engine.runtime import Runtime
from reign.executor import registry
from reign.store import audit, history, inspections, runs
from reign.store.database import Transaction
from reign.store.history import ResourceRecord
from reign.store.inspections import Inspection
from reign.store.runs import RunRecord, TaskRecord

#: Seconds that one look may take; a state that is refreshed against a slow provider needs some.
LOOK_WITHIN = 300.0


@dataclass
class Repair:
    """The plan that brings back what is recorded (None: nothing to do), what it leaves alone with the reason, and its
    tasks that no rollback takes back, with the reason."""

    plan: Plan | None = None
    left: dict[str, str] = field(default_factory=dict)
    final: dict[str, str] = field(default_factory=dict)


class DriftCheck:
    """Looks for drift in one environment at a time."""

    def __init__(self, runtime: Runtime, general: ReignGeneral) -> None:
        self._runtime = runtime
        self._general = general

    # --- looking ----------------------------------------------------------------------------------------------------

    def plan(self, environment: str, addresses: Sequence[str] = (), *, removed: bool = False) -> Plan:
        """A plan of looks only: one task for each task that last changed resources, all at the same time.

        ``addresses``: only these; ``removed``: also what was taken away again, to find look-alikes in its place.
        Raises NotFound for an address that is not recorded, Conflict if nothing is.
        """
        with self._runtime.database.read() as tx:
            records = _wanted(tx, environment, addresses, removed=removed)
        if not records:
            known = [item["name"] for item in environments.listing(self._runtime) if item["resources"]]
            hint = None if environment in known else did_you_mean(environment, known)
            raise Conflict(f"nothing is recorded in {environment}", hint=hint or "run something first")
        makers = {(record.run, record.task): record for record in reversed(records)}
        if len(makers) > MAX_TASKS:
            raise Conflict(f"{len(makers)} looks are too many for one plan", hint="name the resources to look at")
        tasks = {
            _task_id("look", number, record.address): Task(
                uses=record.uses,
                observe_of=ObserveOf(run=record.run, task=record.task),
                timeout=LOOK_WITHIN,
                name=f"look at {record.address}"[:200],
            )
            for number, record in enumerate(sorted(makers.values(), key=lambda item: item.address), 1)
        }
        return Plan(name="drift", environment=environment, on_failure=OnFailure.CONTINUE, tasks=tasks)

    def start(
        self,
        environment: str,
        addresses: Sequence[str] = (),
        *,
        removed: bool = False,
        requested_by: str | None = None,
        idempotency_key: str | None = None,
    ) -> RunRecord:
        """Start a look; its findings are in :meth:`report`. The same ``idempotency_key`` gives the same look again.
        Raises what :meth:`plan` raises."""
        plan = self.plan(environment, addresses, removed=removed)
        return self._general.start(
            plan, kind="drift", workdir="/", requested_by=requested_by, idempotency_key=idempotency_key
        )

    def report(self, name: str) -> dict[str, Any]:
        """What a look found: ``{run, state, environment, drifted, unknown, resources: [finding]}``, worst first."""
        with self._runtime.database.read() as tx:
            run = runs.find(tx, name)
            if run.kind != "drift":
                raise NotFound(f"run {run.name} did not look for drift", hint="see `reign runs`")
            findings = _findings(tx, run)
        return {
            "run": run.name,
            "state": run.state.value,
            "environment": run.environment,
            "drifted": sum(item["standing"] in DRIFTED for item in findings),
            "unknown": sum(item["standing"] == Standing.UNKNOWN for item in findings),
            "resources": findings,
        }

    # --- what follows -----------------------------------------------------------------------------------------------

    def accept(self, environment: str, addresses: Sequence[str] = (), *, by: str) -> list[str]:
        """Let what the last look saw be what is recorded from now on; returns the addresses.

        Raises NotFound, Conflict if nothing differs or the record has changed since the look.
        """
        now = time.time()
        with self._runtime.database.write() as tx:
            chosen = _chosen(tx, environment, addresses)
            acceptable = [item for item in chosen if item.live is not None and not item.live.is_damaged]
            if not acceptable:
                raise Conflict("there is nothing to accept", hint="`reign drift` looks first")
            for found in acceptable:
                inspections.accept(tx, found, now)
                said = {"address": found.address, "run": found.run, "standing": found.standing.value}
                audit.note(
                    tx,
                    "drift.accept",
                    actor=by,
                    environment=environment,
                    run_id=found.run_id,
                    subject=found.address,
                    data=said,
                )
        return [item.address for item in acceptable]

    def repair_preview(
        self, environment: str, addresses: Sequence[str] = (), *, replace: bool = False
    ) -> tuple[Preview | None, Repair]:
        """The plan that restores what the last look found to differ, and what it leaves alone with the reasons.

        ``replace``: also what stands in the place of something that REIGN made. Raises NotFound.
        """
        with self._runtime.database.read() as tx:
            repair = _repair(tx, environment, _chosen(tx, environment, addresses), replace=replace)
        if repair.plan is None:
            return None, repair
        shown = preview(repair.plan, registry.catalog())
        return replaced(shown, tasks=tuple(_final(item, repair) for item in shown.tasks)), repair

    def repair(
        self,
        environment: str,
        addresses: Sequence[str] = (),
        *,
        replace: bool = False,
        requested_by: str | None = None,
    ) -> RunRecord:
        """Restore by an ordinary run. Raises NotFound, Conflict if there is nothing that can be restored."""
        _, repair = self.repair_preview(environment, addresses, replace=replace)
        if repair.plan is None:
            reasons = "; ".join(f"{address}: {why}" for address, why in repair.left.items())
            raise Conflict("there is nothing to restore", hint=reasons or "`reign drift` looks first")
        return self._general.start(repair.plan, kind="repair", workdir="/", requested_by=requested_by)


def _task_id(verb: str, number: int, address: str) -> str:
    """``look-3-container-web``: what is done, and in short to what."""
    kind, _, name = address.partition(":")[2].partition("/")
    last = name.rpartition("/")[2]
    return f"{verb}-{number}-{slug(f'{kind} {last}')}"


def _wanted(
    tx: Transaction, environment: str, addresses: Sequence[str], *, removed: bool = False
) -> list[ResourceRecord]:
    if addresses:
        return [history.find(tx, address, environment) for address in addresses]
    known = {record.address: record for record in history.listing(tx, environment, removed=True)}
    return [record for record in known.values() if _there(record, known) or (removed and not record.observation.exists)]


def _there(record: ResourceRecord, known: Mapping[str, ResourceRecord]) -> bool:
    """Whether it is recorded as there, and what it lies in was not taken away since."""
    around = known.get(lies_in(record.address) or "")
    gone = around is not None and not around.observation.exists and around.change_id > record.change_id
    return record.observation.exists and not gone


def finding(record: ResourceRecord, found: Inspection | None, why: str | None = None) -> dict[str, Any]:
    """``{address, environment, standing, detail, differences: [{path, recorded, live}], run, task, changed_at, at}``.

    Without an inspection nothing is known, for the reason ``why``.
    """
    differ = []
    if found is not None and found.standing in (Standing.CHANGED, Standing.REPLACED) and found.live is not None:
        differ = differences(record.observation.state, found.live.state)
    return {
        "address": record.address,
        "environment": record.environment,
        "standing": (found.standing if found else Standing.UNKNOWN).value,
        "detail": found.detail if found else why,
        "differences": [{"path": path, "recorded": was, "live": now} for path, was, now in differ],
        "run": record.run,
        "task": record.task,
        "changed_at": record.updated_at,
        "at": found.at if found else None,
    }


_WORST_FIRST = (
    Standing.DAMAGED, Standing.MISSING, Standing.REPLACED, Standing.CHANGED, Standing.UNKNOWN, Standing.MOVING,
    Standing.UNMANAGED, Standing.SAME,
)  # fmt: skip


def _findings(tx: Transaction, run: RunRecord) -> list[dict[str, Any]]:
    noted = {item.address: item for item in inspections.listing(tx, run.environment, run_id=run.id)}
    records = {item.address: item for item in history.listing(tx, run.environment, removed=True)}
    makers = {(item.run, item.task): item for item in records.values() if item.observation.exists}
    found = [
        finding(records[address], item)
        for address, item in noted.items()
        if address in records and not (item.standing is Standing.SAME and not records[address].observation.exists)
    ]
    for task in runs.tasks_of(tx, run.id):
        if task.state.value == "succeeded":
            continue
        about = Task.model_validate(task.spec).observe_of
        record = makers.get((about.run, about.task)) if about else None
        if record is not None and record.address not in noted:
            found.append(finding(record, None, _why_not(task)))
    rank = {standing.value: place for place, standing in enumerate(_WORST_FIRST)}
    return sorted(found, key=lambda item: (rank[item["standing"]], item["address"]))


def _why_not(task: TaskRecord) -> str:
    if task.error:
        return str(task.error.get("message"))
    if task.state.value in ("running", "cancelled"):
        return f"{task.uses.partition('.')[0]} has not answered so far"
    return f"nobody has looked: it is {task.state.value} (is a {task.uses.partition('.')[0]} pool there?)"


def _chosen(tx: Transaction, environment: str, addresses: Sequence[str]) -> list[Inspection]:
    """What the last look found to differ, all of it or of these addresses, as far as the record is still the same."""
    only = {history.find(tx, address, environment).address for address in addresses}
    current = {item.address: item.change_id for item in history.listing(tx, environment, removed=True)}
    return [
        item
        for item in inspections.listing(tx, environment)
        if item.standing in DRIFTED
        and (not only or item.address in only)
        and current.get(item.address) == item.change_id
    ]


def _repair(tx: Transaction, environment: str, chosen: Collection[Inspection], *, replace: bool) -> Repair:
    repair = Repair()
    wanted: dict[str, ResourceRecord] = {}
    for item in chosen:
        record = history.find(tx, item.address, environment)
        made = history.of_task(tx, record.run, record.task)
        if item.standing is Standing.REPLACED and not replace:
            repair.left[item.address] = (
                "another one of that name is there; --replace puts the recorded one in its place"
            )
        elif made is None or undo_of(made)[0] is Undo.NONE:
            repair.left[item.address] = f"{record.uses} cannot bring it back"
        else:
            wanted[item.address] = record
    if not wanted:
        return repair
    damaged = {item.address for item in chosen if item.standing is Standing.DAMAGED}
    ids: dict[tuple[str, str], str] = {}
    for number, record in enumerate(wanted.values(), 1):
        ids.setdefault((record.run, record.task), _task_id("restore", number, record.address))
    needs = _order(tx, wanted, ids)
    tasks = {}
    for (run, task), name in ids.items():
        concerned = [record for record in wanted.values() if (record.run, record.task) == (run, task)]
        tasks[name] = Task(
            uses=concerned[0].uses,
            needs=tuple(sorted(needs[name])),
            restore_of=RestoreOf(run=run, task=task),
            name=("restore " + ", ".join(record.address for record in concerned))[:200],
        )
        if lost := [record.address for record in concerned if record.address in damaged]:
            repair.final[name] = f"{', '.join(lost)} is damaged: there is nothing to go back to"
    repair.plan = Plan(name="restore", environment=environment, on_failure=OnFailure.CONTINUE, tasks=tasks)
    return repair


def _final(shown: TaskPreview, repair: Repair) -> TaskPreview:
    """A task that no rollback takes back says so, whatever its operation promises."""
    if shown.id not in repair.final:
        return shown
    return replaced(shown, assessment=replaced(shown.assessment, undo=Undo.NONE, note=repair.final[shown.id]))


def _order(
    tx: Transaction, wanted: Mapping[str, ResourceRecord], ids: Mapping[tuple[str, str], str]
) -> dict[str, set[str]]:
    """What each repair waits for: what its resource leans on, and what its own run made before it."""
    needs: dict[str, set[str]] = {name: set() for name in ids.values()}
    of = {address: ids[record.run, record.task] for address, record in wanted.items()}
    for run in {run for run, _ in ids}:
        record = runs.find(tx, run)
        if record.kind in ("apply", "repair"):
            names = {task for of_run, task in ids if of_run == run}
            for name, later in following(runs.tasks_of(tx, record.id), names).items():
                if name in names:
                    for other in later:
                        needs[ids[run, other]].add(ids[run, name])
    for reference in references(tx, list(wanted.values())):
        before, after = of[reference.needs], of[reference.dependent]
        if before != after:
            needs[after].add(before)
            if dag.cycle({name: tuple(others) for name, others in needs.items()}):
                needs[after].discard(before)
    return needs
