"""What a place says of a plan before it runs: the checks put before its risky tasks, its threshold, its policy.

The rules are those of the file that the setting ``policy`` names, above the built-in ones (``reign.policy``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from reign.config import Settings
from reign.core.catalog import Catalog
from reign.core.errors import InvalidInput
from reign.core.findings import Waiver, distinct, waive
from reign.core.plan import Plan, Task
from reign.core.waivers import WAIVERS_FILE, parse
from reign.engine.environments import protecting
from reign.engine.preview import Preview, TaskPreview
from reign.executor import registry
from reign.executor.assessing import assess, partial_inputs
from reign.executor.contract import Assessment
from reign.planner.gates import add_gates
from reign.policy import DEFAULT_RULES, Decision, Effective, Rule, evaluate, load_rules


def rules(settings: Settings) -> list[Rule]:
    """The written rules. Raises InvalidInput if the file cannot be read or is wrong: no policy is not any policy."""
    if settings.policy is None:
        return []
    return load_rules(_read(settings.policy, "the setting `policy` names a YAML file"), str(settings.policy))


def gated(plan: Plan, source: str, settings: Settings, catalog: Catalog) -> Plan:
    """A bound plan as it is submitted: with the plan's threshold in its checks, and gates as the setting says."""
    plan = _with_itself(_with_threshold(plan, catalog))
    wanted = settings.gates == "all" or (settings.gates == "words" and source != "file")
    return _with_threshold(add_gates(plan, catalog), catalog) if wanted else plan


def _with_itself(plan: Plan) -> Plan:
    """A check of the policy that is given no plan judges the one that it stands in."""
    tasks = {
        name: task.model_copy(update={"with_": {**task.with_, "plan": "${{ run.plan }}"}})
        for name, task in plan.tasks.items()
        if task.uses == "validation.policy" and not {"plan", "path"} & task.with_.keys()
    }
    return plan.model_copy(update={"tasks": {**plan.tasks, **tasks}}) if tasks else plan


def _with_threshold(plan: Plan, catalog: Catalog) -> Plan:
    """``fail_on`` of the plan holds for the checks that give none of their own."""
    if plan.fail_on is None:
        return plan
    tasks = {}
    for name, task in plan.tasks.items():
        is_check = task.uses.startswith("validation.") and "fail_on" in catalog[task.uses].inputs.model_fields
        given = {**task.with_, "fail_on": plan.fail_on.value}
        tasks[name] = task.model_copy(update={"with_": given}) if is_check and "fail_on" not in task.with_ else task
    return plan.model_copy(update={"tasks": tasks})


def judged(shown: Preview, settings: Settings, workdir: str | None, proposed: Mapping[str, str]) -> Preview:
    """The preview with what the policy says of each task, its findings with their waivers, and who must be asked.

    ``proposed``: tasks that a model proposed, with why they must be approved by name ("" if they need not be).
    Raises InvalidInput for a policy or a waivers file that cannot be read.
    """
    written = rules(settings)
    assessments = {task.id: task.assessment for task in (*shown.tasks, *shown.gates)}
    decisions = evaluate(shown.full, assessments, written, (*DEFAULT_RULES, *protecting(settings)))
    names = {rule.name for rule in written}
    by_task = {decision.task: decision for decision in decisions}
    waivers = _waivers(Path(workdir) if workdir else Path.cwd())
    return replace(
        shown,
        tasks=tuple(_said(task, by_task[task.id], names, waivers, proposed) for task in shown.tasks),
        gates=tuple(_said(task, by_task[task.id], names, waivers, {}) for task in shown.gates),
    )


def _said(
    task: TaskPreview,
    decision: Decision,
    written: set[str],
    waivers: Sequence[Waiver],
    proposed: Mapping[str, str],
) -> TaskPreview:
    assessment = task.assessment
    ruled = decision.rule in written
    reason = f"{decision.reason} ({decision.rule})" if decision.rule not in ("operation", "none") else decision.reason
    by_name = proposed.get(task.id) or None
    if decision.decision is Effective.DENY:
        assessment = replace(assessment, refuses=reason)
    elif decision.decision is Effective.ASK:
        assessment = replace(assessment, asks=reason)
        by_name = reason if ruled else by_name
    else:
        assessment = replace(assessment, asks=None)
    if by_name and not assessment.asks:
        assessment = replace(assessment, asks=by_name)
    findings = waive(distinct(assessment.findings), waivers, datetime.now(UTC).date()) if assessment.findings else []
    return replace(
        task,
        assessment=replace(assessment, findings=tuple(findings)),
        decision=decision,
        by_name=by_name is not None,
        allowed=ruled and decision.decision is Effective.ALLOW,
    )


def during_the_run(
    task: Task, environment: str, inputs: Mapping[str, Any], settings: Settings, workdir: Path
) -> Decision | None:
    """What the written rules say of a task whose inputs, or whose files in ``workdir``, are known only now.

    ``inputs``: secrets by reference.

    None where nobody wrote a rule. What was decided before the run, when all was known, is not asked again.
    """
    written = rules(settings)
    if not written:
        return None
    known = task.model_copy(update={"with_": dict(inputs)})
    plan = Plan(name="run", environment=environment, tasks={"task": known.model_copy(update={"needs": ()})})
    return evaluate(plan, {"task": _assessed(known, workdir)}, written, defaults=())[0]


def _assessed(task: Task, workdir: Path) -> Assessment:
    try:
        return assess(task, registry.catalog_of(task.uses), workdir)
    except ValueError:  # a secret's reference may stand where a number is wanted
        model = registry.catalog_of(task.uses)[task.uses].inputs
        return registry.operation(task.uses).assess(partial_inputs(model, task.with_))


def _waivers(folder: Path) -> list[Waiver]:
    file = folder / WAIVERS_FILE
    return parse(_read(file, "it holds the findings that are accepted"), str(file)) if file.is_file() else []


def _read(path: Path, hint: str) -> str:
    try:
        return path.expanduser().read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise InvalidInput(f"{path} cannot be read: {reason}", hint=hint) from None
