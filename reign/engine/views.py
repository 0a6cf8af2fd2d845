"""Runs and tasks as they are sent to clients and printed by ``-o json``: one shape for all surfaces."""

from __future__ import annotations

import time
from typing import Any

from reign.core.plan import OnFailure
from reign.core.states import RunState, TaskState
from reign.engine.preview import Preview
from reign.engine.rollback import Rollback
from reign.store import events, holding, locks, pauses, retention, runs, workers
from reign.store.database import Transaction
from reign.store.runs import RunRecord, TaskRecord


def run_summary(run: RunRecord, counts: dict[str, int] | None = None) -> dict[str, Any]:
    """A run in a line: what it is, where it stands, how many of its tasks are in which state."""
    return {
        "name": run.name,
        "kind": run.kind,
        "state": run.state.value,
        "plan": run.plan_name,
        "digest": run.digest,
        "environment": run.environment,
        "request": run.request,
        "source": run.source,
        "requested_by": run.requested_by,
        "cause": run.cause,
        "rolled_back_by": run.rolled_back_by if run.rolled_back_by != "-" else None,
        "task_count": run.task_count,
        "tasks_by_state": counts or {},
        "created_at": run.created_at,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
    }


def task_view(task: TaskRecord) -> dict[str, Any]:
    """A task with its inputs as the plan has them, its result and its error."""
    return {
        "id": task.name,
        "uses": task.uses,
        "state": task.state.value,
        "with": task.spec.get("with", {}),
        "needs": list(task.needs),
        "attempts": task.attempt,
        "worker": task.worker,
        "approval": task.approval,
        "result": task.result,
        "error": task.error,
        "not_before": task.not_before,
        "started_at": task.started_at,
        "ended_at": task.ended_at,
    }


def run_detail(tx: Transaction, run: RunRecord, *, seen_since: float) -> dict[str, Any]:
    """A run with all its tasks, and what those that do not move wait for."""
    found = runs.tasks_of(tx, run.id)
    counts: dict[str, int] = {}
    for task in found:
        counts[task.state.value] = counts.get(task.state.value, 0) + 1
    return {
        **run_summary(run, counts),
        "workdir": run.workdir,
        "tasks": [task_view(task) for task in found],
        "waits_for": _waits(tx, run, found, seen_since),
        "takes_itself_back": _takes_itself_back(run, found),
        "archived": _archived(tx, run),
        "changes": [
            {"task": c["task"], "resource": c["resource"], "kind": c["kind"], "at": c["at"]}
            for c in runs.changes_of(tx, run.id)
        ],
    }


def _takes_itself_back(run: RunRecord, found: list[TaskRecord]) -> bool:
    """Whether a failed run is about to be taken back because its plan says so (``on_failure: rollback``)."""
    if run.kind != "apply" or run.state is not RunState.FAILED or run.rolled_back_by is not None:
        return False
    said = [run.on_failure, *(task.spec.get("on_failure") for task in found if task.state is TaskState.FAILED)]
    return OnFailure.ROLLBACK in said


def _archived(tx: Transaction, run: RunRecord) -> dict[str, Any] | None:
    """Where the events and logs of an old run have gone: ``{file, at}``, the file below the archive folder."""
    found = retention.of_run(tx, run.id) if run.ended else None
    return {"file": found.file, "at": found.at} if found else None


def _waits(tx: Transaction, run: RunRecord, found: list[TaskRecord], seen_since: float) -> list[str]:
    """Sentences for people: a missing pool, a lock that another holds, a yes that nobody has said, a pause."""
    if run.ended:
        return []
    ready = {task.uses.partition(".")[0] for task in found if task.state is TaskState.READY}
    sentences = [
        f"no {agent} pool is there; start one with `reign worker {agent}`"
        for agent in sorted(ready - workers.live_agents(tx, seen_since))
    ]
    for task in found:
        if task.state is TaskState.AWAITING_APPROVAL:
            sentences.append(f"{task.name} waits for a yes: `reign approve {run.name} {task.name}`")
        elif task.state is TaskState.NEEDS_ATTENTION:
            sentences.append(f"{task.name} needs attention: `reign resolve {run.name} {task.name} done|retry|fail`")
    sentences += _later(tx, run, found)
    if held_back := holding.count_of_run(tx, run.id):
        limit = f", at most {run.concurrency} at a time" if run.concurrency else ""
        sentences.append(f"{held_back} tasks are ready and wait for their turn{limit}")
    blocked = {f"{run.name}/{task.name}" for task in found if task.state is TaskState.BLOCKED}
    held = locks.listing(tx) if blocked else []
    return sentences + [
        f"{waiting.partition('/')[2]} waits for {lock.resource}, held by {lock.run}/{lock.task}"
        for lock in held
        for waiting in sorted(blocked & set(lock.waiting))
    ]


def _later(tx: Transaction, run: RunRecord, found: list[TaskRecord]) -> list[str]:
    """Tasks that went back to their queue for a while: for how long, and why."""
    now = time.time()
    left = {task.id: task for task in found if task.state is TaskState.READY and (task.not_before or 0.0) > now}
    told = events.put_back(tx, run.id, list(left)) if left else {}
    sentences = []
    for number, task in left.items():
        why = _reason(told.get(number))
        seconds = (task.not_before or now) - now
        sentences.append(f"{task.name} goes on in {seconds:.0f} s" + (f": {why}" if why else ""))
    return sentences


def pauses_view(tx: Transaction, now: float) -> dict[str, dict[str, Any]]:
    """For each agent whose tasks went back to the queue: how many, and which goes on first, in how long, and why."""
    return {
        agent: {
            "tasks": pause.tasks,
            "first": f"{pause.run}/{pause.task}",
            "seconds": round(pause.until - now, 1),
            "reason": _reason(events.put_back(tx, pause.run_id, [pause.task_id]).get(pause.task_id)),
        }
        for agent, pause in pauses.of_agents(tx, now).items()
    }


def _reason(told: dict[str, Any] | None) -> str | None:
    """Why a task went back, out of the event that said so."""
    known = told or {}
    return known.get("reason") or (known.get("error") or {}).get("message")


def rollback_view(shown: Preview | None, found: Rollback) -> dict[str, Any]:
    """``{plan, impossible: {task: reason}, notes}``; ``plan`` is null if nothing can or need be taken back."""
    return {"plan": shown.as_dict() if shown else None, "impossible": found.impossible, "notes": found.notes}
