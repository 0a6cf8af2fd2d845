"""Workflows: dispatched, watched step by step, cancelled, run again, their logs."""

from __future__ import annotations

import io
import zipfile

import pytest
import requests
from github import GithubException, UnknownObjectException
from github.Repository import Repository

from tests.fakes.github.fixtures import Client
from tests.fakes.github.repository import Repository as Kept
from tests.fakes.github.runs import Outcome
from tests.fakes.github.server import GitHubServer

DEPLOY = """
name: Deploy
on:
  workflow_dispatch:
    inputs:
      where: {required: true}
      size: {type: choice, options: [small, large], default: small}
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - name: Build it
        run: make
  ship:
    needs: build
    runs-on: [self-hosted, linux]
    steps:
      - run: |
          ./ship
          echo done
"""
CI = "on: [push, pull_request]\njobs: {test: {runs-on: ubuntu-latest, steps: [{run: pytest}]}}\n"
PATHS = {".github/workflows/deploy.yml": DEPLOY}


@pytest.fixture
def kept(github_server: GitHubServer) -> Kept:
    return github_server.add_repository("mona/shop", PATHS)


@pytest.fixture
def repo(kept: Kept, client: Client) -> Repository:
    return client().get_repo(kept.full_name)


def message(raised: pytest.ExceptionInfo[GithubException]) -> tuple[int, str]:
    return raised.value.status, raised.value.data["message"]


def test_a_dispatched_run_goes_through_its_states(kept: Kept, repo: Repository) -> None:
    workflow = repo.get_workflow("deploy.yml")
    assert (workflow.name, workflow.path, workflow.state) == ("Deploy", ".github/workflows/deploy.yml", "active")
    run = workflow.create_dispatch("main", {"where": "dev"}, throw=True, return_run_details=True)
    (state,) = kept.runs
    assert (run.id, state.inputs) == (state.id, {"where": "dev", "size": "small"})
    seen = []
    while not state.finished:
        fresh = repo.get_workflow_run(run.id)
        jobs = {job.name: (job.status, len(job.steps)) for job in fresh.jobs()}
        seen.append((fresh.status, jobs["build"][0], jobs["ship"][0]))
        state.advance()
    assert list(dict.fromkeys(seen)) == [
        ("queued", "queued", "queued"),
        ("in_progress", "in_progress", "queued"),
        ("in_progress", "completed", "in_progress"),
    ]
    done = repo.get_workflow_run(run.id)
    assert (done.status, done.conclusion, done.event, done.head_branch) == (
        "completed",
        "success",
        "workflow_dispatch",
        "main",
    )
    build = next(iter(done.jobs()))
    assert [step.name for step in build.steps] == ["Set up job", "Run actions/checkout@v4", "Build it", "Complete job"]
    assert {step.conclusion for step in build.steps} == {"success"}


def test_a_dispatch_answers_nothing_and_its_run_may_come_late(repo: Repository, github_server: GitHubServer) -> None:
    github_server.actions.hidden_polls = 1
    workflow = repo.get_workflow("deploy.yml")
    assert workflow.create_dispatch("main", {"where": "dev"}) is True
    assert github_server.requests[-1].status == 204
    assert list(workflow.get_runs()) == []
    assert [run.status for run in workflow.get_runs()] == ["queued"]


@pytest.mark.parametrize(
    ("ref", "inputs", "said"),
    [
        ("nowhere", {"where": "dev"}, "No ref found for: nowhere"),
        ("main", {}, "Required input 'where' not provided"),
        ("main", {"where": "dev", "colour": "red"}, 'Unexpected inputs provided: ["colour"]'),
        ("main", {"where": "dev", "size": "huge"}, "Provided value 'huge' for input 'size' not in the list"),
    ],
)
def test_a_wrong_dispatch_is_422_in_words(ref: str, inputs: dict[str, str], said: str, repo: Repository) -> None:
    with pytest.raises(GithubException) as raised:
        repo.get_workflow("deploy.yml").create_dispatch(ref, inputs, throw=True)
    status, words = message(raised)
    assert (status, said in words) == (422, True)


def test_a_workflow_without_the_trigger_a_disabled_one_and_none_at_all(
    kept: Kept, repo: Repository, github_server: GitHubServer
) -> None:
    github_server.push(kept, "main", {".github/workflows/ci.yml": CI})
    with pytest.raises(GithubException) as raised:
        repo.get_workflow("ci.yml").create_dispatch("main", throw=True)
    assert message(raised) == (422, "Workflow does not have 'workflow_dispatch' trigger")
    workflow = repo.get_workflow("deploy.yml")
    workflow.disable()
    with pytest.raises(GithubException) as raised:
        workflow.create_dispatch("main", {"where": "dev"}, throw=True)
    assert message(raised) == (422, "Cannot trigger a 'workflow_dispatch' on a disabled workflow")
    workflow.enable()
    assert workflow.create_dispatch("main", {"where": "dev"})
    with pytest.raises(UnknownObjectException):
        repo.get_workflow("none.yml")
    assert {one.name for one in repo.get_workflows()} == {"Deploy", ".github/workflows/ci.yml"}


def test_a_failing_step_is_told_with_its_log(kept: Kept, repo: Repository, github_server: GitHubServer) -> None:
    github_server.actions.outcomes["deploy.yml"] = Outcome(
        "failure", failing_step="Build it", log="make: *** [all] Error 2\nProcess completed with exit code 2."
    )
    repo.get_workflow("deploy.yml").create_dispatch("main", {"where": "dev"})
    (state,) = kept.runs
    with pytest.raises(UnknownObjectException):
        next(iter(repo.get_workflow_run(state.id).jobs())).logs_url()
    state.finish()
    run = repo.get_workflow_run(state.id)
    assert run.conclusion == "failure"
    build, ship = list(run.jobs())
    assert (build.conclusion, ship.conclusion) == ("failure", "skipped")
    assert [step.name for step in build.steps if step.conclusion == "failure"] == ["Build it"]
    # The link is its own authorization, and a second one is refused.
    link = build.logs_url()
    log = requests.get(link, timeout=5)
    assert "make: *** [all] Error 2" in log.text
    assert "##[error]Process completed with exit code 2." in log.text
    assert requests.get(link, headers={"Authorization": "token x"}, timeout=5).status_code == 400
    assert requests.get(link.replace("sig=", "sig=0"), timeout=5).status_code == 403
    assert requests.get(link.partition("/logs/")[0], timeout=5).status_code == 404


def test_the_logs_of_a_run_are_an_archive(kept: Kept, repo: Repository, github_server: GitHubServer) -> None:
    repo.get_workflow("deploy.yml").create_dispatch("main", {"where": "dev"})
    token = github_server.add_token("mona")
    headers = {"Authorization": f"token {token}"}
    url = f"{github_server.url}/repos/mona/shop/actions/runs/{kept.runs[0].id}/logs"
    assert requests.get(url, headers=headers, timeout=5).status_code == 404
    kept.runs[0].finish()
    # requests drops the credentials on its way to another host, as it must.
    archive = zipfile.ZipFile(io.BytesIO(requests.get(url, headers=headers, timeout=5).content))
    assert "0_build.txt" in archive.namelist()
    assert "build/3_Build it.txt" in archive.namelist()


def test_polling_moves_a_run_on_when_told_to(repo: Repository, github_server: GitHubServer) -> None:
    github_server.actions.advance_on_poll = True
    run = repo.get_workflow("deploy.yml").create_dispatch("main", {"where": "dev"}, throw=True, return_run_details=True)
    states = []
    while "completed" not in states:
        states.append(repo.get_workflow_run(run.id).status)
    assert list(dict.fromkeys(states)) == ["in_progress", "completed"]


def test_cancelling_takes_a_moment(kept: Kept, repo: Repository) -> None:
    run = repo.get_workflow("deploy.yml").create_dispatch("main", {"where": "dev"}, throw=True, return_run_details=True)
    kept.runs[0].start()
    assert repo.get_workflow_run(run.id).cancel()
    done = repo.get_workflow_run(run.id)
    assert (done.status, done.conclusion) == ("completed", "cancelled")
    assert [job.conclusion for job in done.jobs()] == ["cancelled", "cancelled"]
    assert not done.cancel()


def test_a_run_is_run_again_whole_or_where_it_failed(kept: Kept, repo: Repository) -> None:
    run = repo.get_workflow("deploy.yml").create_dispatch("main", {"where": "dev"}, throw=True, return_run_details=True)
    (state,) = kept.runs
    assert not repo.get_workflow_run(run.id).delete()
    state.finish(Outcome("failure", failing_job="ship"))
    first = {job.name: job.id for job in repo.get_workflow_run(run.id).jobs()}
    assert repo.get_workflow_run(run.id).rerun_failed_jobs()
    second = {job.name: (job.id, job.status) for job in repo.get_workflow_run(run.id).jobs()}
    assert second["build"] == (first["build"], "completed")
    assert second["ship"][1] == "queued"
    assert not repo.get_workflow_run(run.id).rerun()
    state.finish("success")
    assert repo.get_workflow_run(run.id).conclusion == "success"
    assert repo.get_workflow_run(run.id).rerun()
    state.finish("timed_out")
    again = repo.get_workflow_run(run.id)
    assert (again.conclusion, again.run_attempt) == ("timed_out", 3)
    assert again.delete()
    assert list(repo.get_workflow_runs()) == []


def test_pushes_and_pull_requests_start_runs_and_their_checks(
    kept: Kept, repo: Repository, github_server: GitHubServer
) -> None:
    sha = github_server.push(kept, "feature", {".github/workflows/ci.yml": CI})
    assert [(run.event, run.head_sha) for run in repo.get_workflow_runs(branch=repo.get_branch("feature"))] == [
        ("push", sha)
    ]
    repo.create_pull(base="main", head="feature", title="t")
    assert {run.event for run in repo.get_workflow_runs(head_sha=sha)} == {"push", "pull_request"}
    commit = repo.get_commit(sha)
    assert [(check.name, check.status) for check in commit.get_check_runs()] == [("test", "queued")] * 2
    repo.get_pull(1)
    assert repo.get_pull(1).mergeable_state == "unstable"
    for run in kept.runs:
        run.finish()
    assert {check.conclusion for check in commit.get_check_runs(status="completed")} == {"success"}
    assert repo.get_pull(1).mergeable_state == "clean"
    (linked,) = repo.get_workflow_runs(event="pull_request")
    assert [pull.number for pull in linked.pull_requests] == [1]


def test_branches_of_a_trigger_are_kept_to(kept: Kept, repo: Repository, github_server: GitHubServer) -> None:
    only_main = CI.replace("[push, pull_request]", "{push: {branches: [main]}, pull_request: {branches: [main]}}")
    github_server.push(kept, "side", {".github/workflows/ci.yml": only_main})
    assert list(repo.get_workflow_runs()) == []
    repo.create_pull(base="main", head="side", title="t")
    assert [run.event for run in repo.get_workflow_runs()] == ["pull_request"]


@pytest.mark.parametrize(
    "content",
    ["on: push\njobs: [", "on: push\njobs: {}", "jobs: {a: {runs-on: x}}", "on: push\njobs: {a: {steps: []}}", "- a"],
)
def test_a_broken_workflow_file_fails_on_push(
    content: str, kept: Kept, repo: Repository, github_server: GitHubServer
) -> None:
    github_server.push(kept, "main", {".github/workflows/ci.yml": content})
    (run,) = repo.get_workflow_runs()
    assert (run.name, run.conclusion, list(run.jobs())) == (".github/workflows/ci.yml", "failure", [])


def test_runs_are_filtered_by_status_actor_and_time(kept: Kept, repo: Repository) -> None:
    repo.get_workflow("deploy.yml").create_dispatch("main", {"where": "dev"})
    kept.runs[0].finish()
    day = kept.runs[0].created_at.date().isoformat()
    for created in (day, f">={day}", f"<={day}", ">2001-01-01", f"2001-01-01..{day}"):
        assert len(list(repo.get_workflow_runs(created=created))) == 1
    for created in (f"<{day}", f">{day}~", "2001-01-01..2001-02-01"):
        assert list(repo.get_workflow_runs(created=created)) == []
    assert [len(list(repo.get_workflow_runs(status=one))) for one in ("success", "completed", "failure")] == [1, 1, 0]


def test_checks_are_reported_by_apps_only(
    kept: Kept, repo: Repository, github_server: GitHubServer, client: Client
) -> None:
    sha = repo.get_branch("main").commit.sha
    with pytest.raises(GithubException) as raised:
        repo.create_check_run("lint", sha)
    assert message(raised) == (403, "You must authenticate via a GitHub App.")
    app = github_server.add_app("linter", "mona", {"checks": "write"})
    token = github_server.world.installation_token(github_server.install(app, "mona"), app.permissions, None)
    theirs = client(token.value).get_repo("mona/shop")
    check = theirs.create_check_run("lint", sha, status="in_progress", output={"title": "Lint", "summary": "runs"})
    check.edit(status="completed", conclusion="failure", output={"title": "Lint", "summary": "2 findings"})
    fresh = repo.get_check_run(check.id)
    assert (fresh.conclusion, fresh.output.summary, fresh.app.slug) == ("failure", "2 findings", "linter")
    assert [one.name for one in repo.get_commit(sha).get_check_runs(check_name="lint")] == ["lint"]
