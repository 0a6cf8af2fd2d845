"""What the checks of a run found, and what was dangerous about its plan, gathered from where each was recorded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from reign.core.errors import ReignError
from reign.core.findings import Finding
from reign.core.plan import Plan
from reign.executor import registry
from reign.executor.assessing import assess
from reign.store import runs
from reign.store.database import Transaction
from reign.store.runs import RunRecord


def of_run(tx: Transaction, run: RunRecord) -> list[dict[str, Any]]:
    """``{task, uses, ...}`` with the fields of ``core.findings.Finding``: of the plan first, then of the tasks."""
    plan = Plan.model_validate(runs.plan_of(tx, run.id))
    found = [_shown(task, plan.tasks[task].uses, finding) for task, finding in _of_plan(plan, Path(run.workdir))]
    for record in runs.tasks_of(tx, run.id):
        found += [_shown(record.name, record.uses, finding) for finding in _recorded(record.result, record.error)]
    return found


def _of_plan(plan: Plan, workdir: Path) -> Iterator[tuple[str, Finding]]:
    for name, task in plan.tasks.items():
        try:
            findings = assess(task, registry.catalog(), workdir).findings
        except (ReignError, ValueError):  # an agent that is not installed any more, or asks for other inputs by now
            continue
        yield from ((name, finding) for finding in findings)


def _recorded(result: Any, error: Any) -> Iterator[Finding]:
    """A check that passed has them in its result, one that failed in its error; ``for_each`` in each item's result."""
    for place in (result, (error or {}).get("details")):
        entries = place.get("findings") if isinstance(place, dict) else None
        for entry in entries if isinstance(entries, list) else ():
            try:
                yield Finding.model_validate(entry)
            except ValidationError:  # texts of another kind
                continue


def _shown(task: str, uses: str, finding: Finding) -> dict[str, Any]:
    return {"task": task, "uses": uses, **finding.model_dump(mode="json")}
