"""GitHub Actions: workflows, dispatches, runs, jobs, logs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.fakes.github.call import Call, created, no_content
from tests.fakes.github.exchange import Answer, Page
from tests.fakes.github.problems import Problem, not_found, unprocessable
from tests.fakes.github.render import actions as shown
from tests.fakes.github.render.accounts import timestamp
from tests.fakes.github.repository import HEADS, Repository
from tests.fakes.github.routing import Routes
from tests.fakes.github.runs import WORKFLOW_FOLDER, Job, Run, Workflow, parse_workflow

routes = Routes()
ACTIONS = "/repos/{owner}/{repo}/actions"
WORKFLOW = f"{ACTIONS}/workflows/{{workflow_id}}"
RUN = f"{ACTIONS}/runs/{{run_id}}"
READ, WRITE = "actions:read", "actions:write"
MOST_INPUTS = 25


def _workflows(call: Call) -> list[Workflow]:
    """The workflows of the default branch, and those that ever ran."""
    found = call.repository
    head = found.head()
    if head is not None:
        for path, content in call.world.workflow_contents(found, head.sha).items():
            try:
                name = parse_workflow(path, content).name
            except ValueError:
                name = path
            call.world.workflow(found, path, name)
    return list(found.workflows.values())


def _workflow(call: Call) -> Workflow:
    wanted = call.params["workflow_id"]
    for workflow in _workflows(call):
        if wanted in (str(workflow.id), workflow.path.removeprefix(WORKFLOW_FOLDER)):
            return workflow
    raise not_found()


@routes.add("GET", f"{ACTIONS}/workflows", permission=READ, scopes="repo")
def workflows(call: Call) -> Page:
    return Page(_workflows(call), lambda one: shown.workflow(call.links, call.repository, one), key="workflows")


@routes.add("GET", WORKFLOW, permission=READ, scopes="repo")
def get_workflow(call: Call) -> Answer:
    return Answer(body=shown.workflow(call.links, call.repository, _workflow(call)))


@routes.add("PUT", f"{WORKFLOW}/disable", permission=WRITE, role="push", scopes="")
def disable(call: Call) -> Answer:
    _workflow(call).state = "disabled_manually"
    return no_content()


@routes.add("PUT", f"{WORKFLOW}/enable", permission=WRITE, role="push", scopes="")
def enable(call: Call) -> Answer:
    _workflow(call).state = "active"
    return no_content()


@routes.add("POST", f"{WORKFLOW}/dispatches", permission=WRITE, role="push", scopes="")
def dispatch(call: Call) -> Answer:
    workflow, found = _workflow(call), call.repository
    if "ref" not in call.body:
        raise unprocessable('Invalid request.\n\n"ref" wasn\'t supplied.')
    ref = str(call.body["ref"])
    sha = found.resolve(ref)
    if sha is None:
        raise unprocessable(f"No ref found for: {ref}")
    if workflow.state != "active":
        raise unprocessable("Cannot trigger a 'workflow_dispatch' on a disabled workflow")
    content = call.world.workflow_contents(found, sha).get(workflow.path)
    if content is None:
        raise not_found()
    try:
        parsed = parse_workflow(workflow.path, content)
    except ValueError as problem:
        raise unprocessable(f"failed to parse workflow: {problem}") from None
    if "workflow_dispatch" not in parsed.triggers:
        raise unprocessable("Workflow does not have 'workflow_dispatch' trigger")
    declared = parsed.triggers["workflow_dispatch"].get("inputs") or {}
    inputs = _inputs(declared, call.body.get("inputs") or {})
    branch = ref.removeprefix(HEADS).removeprefix("refs/tags/")
    run = call.world.start_run(found, workflow, parsed, "workflow_dispatch", branch, sha, call.user)
    run.inputs, run.hidden_polls = inputs, call.world.actions.hidden_polls
    if not call.body.get("return_run_details"):
        return no_content()
    rendered = shown.run(call.links, found, run)
    return Answer(body={"workflow_run_id": run.id, "run_url": rendered["url"], "html_url": rendered["html_url"]})


def _inputs(declared: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs of a dispatch, defaults filled in. Raises Problem 422 as GitHub words it."""
    if len(given) > MOST_INPUTS:
        raise unprocessable("you may only define up to 25 `inputs` for a `workflow_dispatch` event")
    unexpected = [name for name in given if name not in declared]
    if unexpected:
        named = ", ".join(f'"{name}"' for name in unexpected)
        raise unprocessable(f"Unexpected inputs provided: [{named}]")
    filled = {}
    for name, options in declared.items():
        options = options or {}
        value = given.get(name, options.get("default"))
        if value is None and options.get("required"):
            raise unprocessable(f"Required input '{name}' not provided")
        choices = options.get("options")
        if value is not None and options.get("type") == "choice" and value not in (choices or []):
            raise unprocessable(f"Provided value '{value}' for input '{name}' not in the list of allowed values")
        filled[name] = value
    return filled


def _runs(call: Call, workflow: Workflow | None) -> Page:
    found, query = call.repository, call.query
    kept = []
    for run in reversed(found.runs):
        if run.hidden_polls > 0:
            run.hidden_polls -= 1
            continue
        state = query("status")
        if (
            (workflow is None or run.workflow is workflow)
            and query("branch", run.branch) == run.branch
            and query("event", run.event) == run.event
            and query("head_sha", run.sha) == run.sha
            and query("actor", run.actor.login) == run.actor.login
            and (not state or state in (run.status, run.conclusion))
            and _created_in(run, query("created"))
        ):
            kept.append(run)
    return Page(kept, lambda one: shown.run(call.links, found, one), key="workflow_runs")


def _created_in(run: Run, wanted: str) -> bool:
    """GitHub's date filter: `>=T`, `<=T`, `A..B` or a date."""
    moment = timestamp(run.created_at) or ""
    first, dots, last = wanted.partition("..")
    if dots:
        return (first in ("", "*") or moment >= first) and (last in ("", "*") or moment <= f"{last}~")
    if wanted.startswith(">="):
        return moment >= wanted[2:]
    if wanted.startswith("<="):
        return moment <= f"{wanted[2:]}~"
    if wanted.startswith(">"):
        return moment > wanted[1:]
    if wanted.startswith("<"):
        return moment < wanted[1:]
    return moment.startswith(wanted)


@routes.add("GET", f"{ACTIONS}/runs", permission=READ, scopes="repo")
def runs(call: Call) -> Page:
    return _runs(call, None)


@routes.add("GET", f"{WORKFLOW}/runs", permission=READ, scopes="repo")
def runs_of_workflow(call: Call) -> Page:
    return _runs(call, _workflow(call))


def _run(call: Call) -> Run:
    wanted = call.number("run_id")
    for run in call.repository.runs:
        if run.id == wanted:
            return run
    raise not_found()


@routes.add("GET", RUN, permission=READ, scopes="repo")
def get_run(call: Call) -> Answer:
    run = _run(call)
    if call.world.actions.advance_on_poll or run.cancel_requested:
        run.advance()
    return Answer(body=shown.run(call.links, call.repository, run))


@routes.add("DELETE", RUN, permission=WRITE, role="push", scopes="")
def delete_run(call: Call) -> Answer:
    run = _run(call)
    if not run.finished:
        raise Problem(403, "Could not delete the workflow run")
    call.repository.runs.remove(run)
    return no_content()


@routes.add("POST", f"{RUN}/cancel", permission=WRITE, role="push", scopes="")
def cancel(call: Call) -> Answer:
    run = _run(call)
    if run.finished:
        raise Problem(409, "Cannot cancel a workflow run that is completed.")
    run.cancel_requested = True
    return Answer(202, {})


@routes.add("POST", f"{RUN}/rerun", permission=WRITE, role="push", scopes="")
def rerun(call: Call) -> Answer:
    return _restarted(call, only_failed=False)


@routes.add("POST", f"{RUN}/rerun-failed-jobs", permission=WRITE, role="push", scopes="")
def rerun_failed(call: Call) -> Answer:
    return _restarted(call, only_failed=True)


def _restarted(call: Call, only_failed: bool) -> Answer:
    run = _run(call)
    if not run.finished:
        raise Problem(403, "This workflow is already running")
    run.restart(only_failed, call.world.new_id)
    return created({})


@routes.add("GET", f"{RUN}/jobs", permission=READ, scopes="repo")
def jobs(call: Call) -> Page:
    run = _run(call)
    return Page(run.jobs, lambda one: shown.job(call.links, call.repository, run, one), key="jobs")


@routes.add("GET", f"{RUN}/artifacts", permission=READ, scopes="repo")
def artifacts(call: Call) -> Page:
    _run(call)
    return Page([], lambda one: one, key="artifacts")


def _job(call: Call) -> tuple[Run, Job]:
    wanted = call.number("job_id")
    for run in call.repository.runs:
        for job in run.jobs:
            if job.id == wanted:
                return run, job
    raise not_found()


@routes.add("GET", f"{ACTIONS}/jobs/{{job_id}}", permission=READ, scopes="repo")
def get_job(call: Call) -> Answer:
    return Answer(body=shown.job(call.links, call.repository, *_job(call)))


@routes.add("GET", f"{ACTIONS}/jobs/{{job_id}}/logs", permission=READ, role="pull", scopes="repo")
def job_logs(call: Call) -> Answer:
    run, job = _job(call)
    if job.status != "completed" or run.conclusion == "skipped":
        raise not_found()
    return _redirect(call, f"logs/{call.repository.id}/job/{job.id}")


@routes.add("GET", f"{RUN}/logs", permission=READ, scopes="repo")
def run_logs(call: Call) -> Answer:
    run = _run(call)
    if not run.finished:
        raise not_found()
    return _redirect(call, f"logs/{call.repository.id}/run/{run.id}")


def _redirect(call: Call, path: str) -> Answer:
    """A link that carries its own authorization and lives for a minute."""
    signed = call.world.sign(path)
    return Answer(302, headers={"Location": f"{call.links.logs}/{path}?{signed}"})


def find_log(found: Repository, kind: str, wanted: int) -> tuple[bytes, str] | None:
    """The content and media type of a log; for the host of signed downloads."""
    for run in found.runs:
        if kind == "run" and run.id == wanted:
            return run.log_archive(), "application/zip"
        for job in run.jobs:
            if kind == "job" and job.id == wanted:
                return job.log_text().encode(), "text/plain; charset=utf-8"
    return None
