"""What the checks of a run found, and what was dangerous about its plan, gathered from where each was recorded."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
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
        folder = _looked_at(plan, record.name, Path(run.workdir))
        recorded = _recorded(record.result, record.error)
        found += [_shown(record.name, record.uses, _placed(finding, folder)) for finding in recorded]
    return found


def thresholds(tx: Transaction, run: RunRecord) -> dict[str, str]:
    """From which severity on each check of the run failed; without a task that is none."""
    plan, catalog = Plan.model_validate(runs.plan_of(tx, run.id)), registry.catalog()
    fields = {
        name: catalog[task.uses].inputs.model_fields.get("fail_on")
        for name, task in plan.tasks.items()
        if task.uses in catalog
    }
    return {name: str(plan.tasks[name].with_.get("fail_on", field.default)) for name, field in fields.items() if field}


def _of_plan(plan: Plan, workdir: Path) -> Iterator[tuple[str, Finding]]:
    for name, task in plan.tasks.items():
        try:
            findings = assess(task, registry.catalog(), workdir).findings
        except (ReignError, ValueError):  # an agent that is not installed any more, or asks for other inputs by now
            continue
        yield from ((name, finding) for finding in findings)


def _looked_at(plan: Plan, name: str, workdir: Path) -> PurePosixPath | None:
    """What a check was told to look at, from the plan's folder on; None where it is not known or elsewhere."""
    task = plan.tasks.get(name)
    path = task.with_.get("path") if task is not None and task.uses.startswith("validation.") else None
    if not isinstance(path, str) or "${{" in path:
        return None
    found = Path(os.path.normpath(workdir / path))
    return PurePosixPath(found.relative_to(workdir)) if found.is_relative_to(workdir) else None


def _placed(finding: Finding, looked_at: PurePosixPath | None) -> Finding:
    """The finding with its file named from the plan's folder on, as editors and code hosts want it."""
    if finding.path is None or looked_at is None:
        return finding
    path = looked_at if looked_at.name == finding.path else looked_at / finding.path
    return finding.model_copy(update={"path": str(path)})


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
