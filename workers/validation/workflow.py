"""validation.workflow: GitHub Actions workflows (and actions) against their schema and some rules of safety."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from reign.core import schemafaults
from reign.core.findings import Finding, Severity
from reign.executor import Context
from reign.executor.contract import Observations
from workers.validation import yamltext
from workers.validation.checking import Check, CheckResult, conclude, kept
from workers.validation.sources import Source, program, sources
from workers.validation.subject import PathOrText
from workers.validation.yamltext import Place

#: What outsiders write: in a shell command it is run (GitHub's "Security hardening for GitHub Actions").
_UNTRUSTED = re.compile(
    r"\$\{\{[^}]*github\.(?:head_ref|event\.(?:(?:issue|discussion|pull_request)\.(?:title|body)"
    r"|pull_request\.head\.(?:ref|label|repo\.\w+)|(?:comment|review|review_comment)\.body"
    r"|pages\.\S+\.page_name|commits\.\S+\.message"
    r"|head_commit\.(?:message|author\.\w+)|workflow_run\.head_branch))[^}]*\}\}"
)
_SHA = re.compile(r"[0-9a-f]{40}")
_FIELDS = 5  # of a cron expression


class Workflow(Check["Workflow.Inputs", "Workflow.Result"]):
    """The schema is SchemaStore's, carried by check-jsonschema; actionlint adds its findings where it is installed."""

    name: ClassVar[str] = "validation.workflow"
    summary: ClassVar[str] = "Check GitHub Actions workflows"

    class Inputs(PathOrText):
        pass

    class Result(CheckResult):
        files: list[str] = Field(description="what was checked")

    def apply(self, ctx: Context, inputs: Workflow.Inputs, seen: Observations) -> Workflow.Result:
        found = sources(ctx, inputs, "workflow", is_workflow, "workflow.yml")
        findings = [finding for source in found for finding in check(ctx, source)]
        judged = conclude(ctx, inputs.subject, findings, inputs, place=inputs.place(ctx))
        return self.Result(files=[s.name for s in found], findings=kept(judged), summary=judged.sentence())


def is_workflow(file: Path) -> bool:
    """A YAML file in a folder ``workflows``, or an action's description."""
    if file.suffix not in (".yml", ".yaml"):
        return False
    return file.parent.name == "workflows" or file.stem == "action"


def check(ctx: Context, source: Source) -> Iterator[Finding]:
    """All findings about one workflow or action."""
    ctx.progress(f"checking {source.name}")
    try:
        found = yamltext.documents(source.text, core=True)
    except yamltext.NotYaml as error:
        yield source.finding("yaml-syntax", Severity.HIGH, error.message, "check indentation and quotes", error.line)
        return
    if len(found) != 1 or not isinstance(found[0].content, dict):
        yield source.finding("workflow-schema", Severity.HIGH, "a workflow is one object with `on` and `jobs`", None, 1)
        return
    document = found[0]
    for name, line, column in document.twice:
        message = f"the key {name!r} stands twice; GitHub refuses that"
        yield source.finding("duplicate-key", Severity.HIGH, message, "take one of them out", line, column)
    is_action = "runs" in document.content and "jobs" not in document.content
    for place, message in schemafaults.errors(
        _validator("github-actions" if is_action else "github-workflows"), document.content
    ):
        line, column = document.at(place)
        where = ".".join(map(str, place)) or "workflow"
        remedy = "see GitHub's workflow syntax for that key"
        yield source.finding("workflow-schema", Severity.HIGH, f"{where}: {message}", remedy, line, column)
    for rule, severity, place, message, remedy in _faults(document.content):
        yield source.finding(rule, severity, message, remedy, *document.at(place))
    if not is_action:
        yield from _actionlint(ctx, source)


@cache
def _validator(name: str) -> Any:
    from check_jsonschema.builtin_schemas import get_builtin_schema
    from jsonschema.validators import validator_for

    schema = get_builtin_schema(f"vendor.{name}")
    return validator_for(schema)(schema)


Fault = tuple[str, Severity, Place, str, str]


def _faults(content: Mapping[str, Any]) -> Iterator[Fault]:
    jobs = content.get("jobs")
    jobs = jobs if isinstance(jobs, dict) else {}
    if (
        jobs
        and "permissions" not in content
        and not all(isinstance(j, dict) and "permissions" in j for j in jobs.values())
    ):
        message = "no `permissions`: the token may get more rights than the jobs need"
        yield "permissions-missing", Severity.LOW, (), message, "add e.g. `permissions: {contents: read}`"
    if content.get("permissions") == "write-all":
        message = "the token may write everything"
        yield "permissions-all", Severity.MEDIUM, ("permissions",), message, "name the rights that are needed"
    triggers = content.get("on", ())
    outsiders = "pull_request_target" in (triggers if isinstance(triggers, dict | list | str) else ())
    yield from _schedule_faults(triggers)
    yield from _circle(jobs)
    for name, job in jobs.items():
        if isinstance(job, dict):
            yield from _job_faults(str(name), job, jobs, outsiders)


def _schedule_faults(triggers: Any) -> Iterator[Fault]:
    """Times that GitHub does not read: five fields, as POSIX has them."""
    times = triggers.get("schedule") if isinstance(triggers, dict) else None
    for index, item in enumerate(times if isinstance(times, list) else []):
        cron = item.get("cron") if isinstance(item, dict) else None
        if not isinstance(cron, str):
            continue
        if problem := _cron_problem(cron):
            message = f"{cron[:60]!r} is no time of a schedule: {problem}"
            remedy = "minute, hour, day, month, weekday: 30 5 * * 1-5"
            yield "schedule-cron", Severity.HIGH, ("on", "schedule", index, "cron"), message, remedy


def _cron_problem(cron: str) -> str | None:
    from cronsim import CronSim, CronSimError

    if len(cron.split()) != _FIELDS:
        return f"it has {len(cron.split())} fields, not five"
    try:
        CronSim(cron, datetime.now(UTC))
    except CronSimError as error:
        return str(error)[:1].lower() + str(error)[1:]
    return None


def _needs(job: Any) -> list[str]:
    needs = job.get("needs", []) if isinstance(job, dict) else []
    return [str(one) for one in ([needs] if isinstance(needs, str) else needs if isinstance(needs, list) else [])]


def _circle(jobs: Mapping[str, Any]) -> Iterator[Fault]:
    """Jobs that wait for each other, which GitHub refuses to start."""
    waiting = {str(name): {need for need in _needs(job) if need in jobs} for name, job in jobs.items()}
    while free := [name for name, needs in waiting.items() if not needs]:
        for name in free:
            del waiting[name]
        for needs in waiting.values():
            needs.difference_update(free)
    # Of what is left some only wait for a circle: going from one to what it needs ends in one.
    at: str | None = next(iter(waiting), None)
    seen: list[str] = []
    while at is not None and at not in seen:
        seen.append(at)
        at = min(waiting[at])
    if at is not None:
        way = " -> ".join([*seen[seen.index(at) :], at])
        yield "needs-circle", Severity.HIGH, ("jobs", at, "needs"), f"jobs need each other: {way}", "take one out"


def _job_faults(name: str, job: Mapping[str, Any], jobs: Mapping[str, Any], outsiders: bool) -> Iterator[Fault]:
    at: Place = ("jobs", name)
    for other in _needs(job):
        if other not in jobs:
            yield (
                "unknown-job",
                Severity.HIGH,
                (*at, "needs"),
                f"there is no job {other!r}",
                "name one of the jobs here",
            )
    if isinstance(job.get("uses"), str):
        yield from _uses_faults(job["uses"], (*at, "uses"))
    steps = job.get("steps")
    for index, step in enumerate(steps if isinstance(steps, list) else []):
        if isinstance(step, dict):
            yield from _step_faults(step, (*at, "steps", index), outsiders)


def _step_faults(step: Mapping[str, Any], at: Place, outsiders: bool) -> Iterator[Fault]:
    run, uses, given = step.get("run"), step.get("uses"), step.get("with")
    if isinstance(run, str) and (match := _UNTRUSTED.search(run)):
        message = f"text of outsiders is put into a shell command: {match.group(0)[:80]}"
        remedy = "pass it through `env:` and use the variable, quoted"
        yield "script-injection", Severity.HIGH, (*at, "run"), message, remedy
    if isinstance(uses, str):
        yield from _uses_faults(uses, (*at, "uses"))
        ref = str(given.get("ref", "")) if isinstance(given, dict) else ""
        if outsiders and uses.startswith("actions/checkout@") and "head" in ref:
            message = "pull_request_target checks out an outsider's code, with the repository's secrets at hand"
            yield "untrusted-checkout", Severity.HIGH, (*at, "with", "ref"), message, "use pull_request instead"
    text = json.dumps(step, default=str)
    if text.count("${{") != len(re.findall(r"\$\{\{.*?\}\}", text)):
        yield (
            "expression-syntax",
            Severity.HIGH,
            at,
            "an expression is opened with ${{ and not closed",
            "close it with }}",
        )


def _uses_faults(uses: str, at: Place) -> Iterator[Fault]:
    if uses.startswith(("./", "docker://", "../")) or "${{" in uses:
        return
    name, _, ref = uses.partition("@")
    if not ref:
        message = f"{uses} names no version"
        yield "action-version", Severity.HIGH, at, message, "write owner/action@VERSION"
    elif ref in ("main", "master", "latest", "dev", "develop", "HEAD"):
        message = f"{name} is used from its branch {ref}, which may change any day"
        yield "action-branch", Severity.MEDIUM, at, message, "use a release, best by its commit id"
    elif not _SHA.fullmatch(ref) and name.split("/")[0] not in ("actions", "github"):
        message = f"{name}@{ref}: a tag can be moved to other code"
        yield "action-tag", Severity.INFO, at, message, "name the commit id of the release"


def _actionlint(ctx: Context, source: Source) -> Iterator[Finding]:
    actionlint = program("actionlint")
    if actionlint is None:
        return
    argv = [actionlint, "-no-color", "-format", "{{json .}}", "-stdin-filename", source.name, "-"]
    ran = ctx.tool(argv, stdin=source.text.encode(), on_line=lambda stream, line: None)
    try:
        items = json.loads(ran.stdout or "[]")
    except json.JSONDecodeError:
        return  # another program of that name, or a version with another format: the schema has had its say
    for item in items:
        rule, message = f"actionlint-{item['kind']}", str(item["message"])
        yield source.finding(rule, Severity.MEDIUM, message, "see actionlint's checks", item["line"], item["column"])
