"""Workflows, runs and jobs as GitHub answers them."""

from __future__ import annotations

from datetime import UTC

from tests.fakes.github.exchange import Json
from tests.fakes.github.links import Links, node_id
from tests.fakes.github.render.accounts import simple_user, timestamp
from tests.fakes.github.render.repositories import minimal_repository
from tests.fakes.github.repository import Repository
from tests.fakes.github.runs import Job, Run, Step, Workflow


def workflow(links: Links, found: Repository, one: Workflow) -> Json:
    file = one.path.rpartition("/")[2]
    return {
        "id": one.id,
        "node_id": node_id("W", one.id),
        "name": one.name,
        "path": one.path,
        "state": one.state,
        "created_at": timestamp(one.created_at),
        "updated_at": timestamp(one.updated_at),
        "url": links.repo(found, f"/actions/workflows/{one.id}"),
        "html_url": links.html(found, f"/blob/{found.default_branch}/{one.path}"),
        "badge_url": links.html(found, f"/workflows/{file}/badge.svg"),
    }


def run(links: Links, found: Repository, one: Run) -> Json:
    url = links.repo(found, f"/actions/runs/{one.id}")
    commit = found.git.commit(one.sha)
    actor = simple_user(links, one.actor)
    return {
        "id": one.id,
        "name": one.workflow.name,
        "node_id": node_id("WFR", one.id),
        "head_branch": one.branch,
        "head_sha": one.sha,
        "path": one.workflow.path,
        "display_title": one.title,
        "run_number": one.number,
        "event": one.event,
        "status": one.status,
        "conclusion": one.conclusion,
        "workflow_id": one.workflow.id,
        "check_suite_id": one.id,
        "check_suite_node_id": node_id("CS", one.id),
        "url": url,
        "html_url": links.html(found, f"/actions/runs/{one.id}"),
        "pull_requests": [_pull_minimal(links, found, number) for number in one.pull_numbers],
        "created_at": timestamp(one.created_at),
        "updated_at": timestamp(one.updated_at),
        "actor": actor,
        "run_attempt": one.attempt,
        "referenced_workflows": [],
        "run_started_at": timestamp(one.created_at),
        "triggering_actor": actor,
        "jobs_url": f"{url}/jobs",
        "logs_url": f"{url}/logs",
        "check_suite_url": links.repo(found, f"/check-suites/{one.id}"),
        "artifacts_url": f"{url}/artifacts",
        "cancel_url": f"{url}/cancel",
        "rerun_url": f"{url}/rerun",
        "previous_attempt_url": f"{url}/attempts/{one.attempt - 1}" if one.attempt > 1 else None,
        "workflow_url": links.repo(found, f"/actions/workflows/{one.workflow.id}"),
        "head_commit": {
            "id": commit.sha,
            "tree_id": commit.tree,
            "message": commit.message,
            "timestamp": timestamp(commit.committer.at.astimezone(UTC)),
            "author": {"name": commit.author.name, "email": commit.author.email},
            "committer": {"name": commit.committer.name, "email": commit.committer.email},
        },
        "repository": minimal_repository(links, found),
        "head_repository": minimal_repository(links, found),
    }


def _pull_minimal(links: Links, found: Repository, number: int) -> Json:
    issue = found.issues[number]
    pull = issue.pull
    assert pull is not None
    own = {"id": found.id, "url": links.repo(found), "name": found.name}
    return {
        "url": links.repo(found, f"/pulls/{number}"),
        "id": issue.id,
        "number": number,
        "head": {"ref": pull.head, "sha": pull.head_sha, "repo": own},
        "base": {"ref": pull.base, "sha": pull.base_sha, "repo": own},
    }


def job(links: Links, found: Repository, one: Run, part: Job) -> Json:
    waiting = part.status == "queued"
    return {
        "id": part.id,
        "run_id": one.id,
        "workflow_name": one.workflow.name,
        "head_branch": one.branch,
        "run_url": links.repo(found, f"/actions/runs/{one.id}"),
        "run_attempt": one.attempt,
        "node_id": node_id("CR", part.id),
        "head_sha": one.sha,
        "url": links.repo(found, f"/actions/jobs/{part.id}"),
        "html_url": links.html(found, f"/actions/runs/{one.id}/job/{part.id}"),
        "status": part.status,
        "conclusion": part.conclusion,
        "created_at": timestamp(part.created_at),
        "started_at": timestamp(part.started_at or part.created_at),
        "completed_at": timestamp(part.completed_at),
        "name": part.name,
        "steps": [] if waiting else [_step(step) for step in part.steps],
        "check_run_url": links.repo(found, f"/check-runs/{part.id}"),
        "labels": part.labels,
        "runner_id": None if waiting else 1,
        "runner_name": None if waiting else "GitHub Actions 1",
        "runner_group_id": None if waiting else 0,
        "runner_group_name": None if waiting else "GitHub Actions",
    }


def _step(step: Step) -> Json:
    return {
        "name": step.name,
        "status": step.status,
        "conclusion": step.conclusion,
        "number": step.number,
        "started_at": timestamp(step.started_at),
        "completed_at": timestamp(step.completed_at),
    }
