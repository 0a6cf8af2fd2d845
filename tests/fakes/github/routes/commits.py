"""Commits, comparisons, statuses and checks."""

from __future__ import annotations

from tests.fakes.github.call import Call, created
from tests.fakes.github.exchange import Answer, Json, Page
from tests.fakes.github.git import CommitInfo
from tests.fakes.github.links import quoted
from tests.fakes.github.problems import Problem, invalid, unprocessable
from tests.fakes.github.render import accounts as shown_accounts
from tests.fakes.github.render import commits as shown
from tests.fakes.github.render.repositories import minimal_repository
from tests.fakes.github.render.tracker import pull_simple
from tests.fakes.github.repository import CheckRun
from tests.fakes.github.routing import Routes
from tests.fakes.github.runs import FINISHED
from tests.fakes.github.tracker import Status

routes = Routes()
COMMIT = "/repos/{owner}/{repo}/commits/{ref}"
STATES = ("error", "failure", "pending", "success")


def _commit_of(call: Call, ref: str, status: int = 422) -> CommitInfo:
    head = call.repository.head(ref)
    if head is None:
        if not call.repository.refs:
            raise Problem(409, "Git Repository is empty.")
        raise Problem(status, f"No commit found for SHA: {ref}")
    return head


def _render(call: Call, info: CommitInfo, with_files: bool = False) -> Json:
    return shown.commit(call.links, call.repository, info, call.world.accounts_by_email(), with_files)


@routes.add("GET", "/repos/{owner}/{repo}/commits", permission="contents:read", scopes="")
def commits(call: Call) -> Page:
    head = _commit_of(call, call.query("sha") or call.repository.default_branch, 404)
    found = list(call.repository.git.history(head.sha))
    path = call.query("path")
    if path:
        git = call.repository.git
        found = [
            one
            for one in found
            if git.entry(one.tree, path) != (git.entry(git.commit(one.parents[0]).tree, path) if one.parents else None)
        ]
    return Page(found, lambda one: _render(call, one))


@routes.add("GET", COMMIT, permission="contents:read", scopes="")
def commit(call: Call) -> Answer:
    head = _commit_of(call, call.params["ref"])
    if call.request.accepts("sha"):
        return Answer(raw=head.sha.encode(), content_type=call.request.raw_type())
    return Answer(body=_render(call, head, with_files=True))


@routes.add("GET", "/repos/{owner}/{repo}/compare/{basehead}", permission="contents:read", scopes="")
def compare(call: Call) -> Answer:
    found, git = call.repository, call.repository.git
    first, separator, second = call.params["basehead"].partition("...")
    base, head = found.head(first.rpartition(":")[2]), found.head(second.rpartition(":")[2])
    if not separator or base is None or head is None:
        raise Problem(404, "Not Found")
    common = git.merge_base(base.sha, head.sha)
    if common is None:
        raise Problem(404, f"No common ancestor between {first} and {second}.")
    ahead = list(git.history(head.sha, exclude=base.sha))[::-1]
    behind = sum(1 for _ in git.history(base.sha, exclude=head.sha))
    state = "diverged" if ahead and behind else "ahead" if ahead else "behind" if behind else "identical"
    own = f"/compare/{quoted(first)}...{quoted(second)}"
    page = call.links.html(found, own)
    changes = git.diff(git.commit(common).tree, head.tree)
    body = {
        "url": call.links.repo(found, own),
        "html_url": page,
        "permalink_url": call.links.html(found, f"/compare/{base.sha}...{head.sha}"),
        "diff_url": f"{page}.diff",
        "patch_url": f"{page}.patch",
        "base_commit": _render(call, base),
        "merge_base_commit": _render(call, git.commit(common)),
        "status": state,
        "ahead_by": len(ahead),
        "behind_by": behind,
        "total_commits": len(ahead),
        "commits": [_render(call, one) for one in ahead],
        "files": [shown.diff_entry(call.links, found, head.sha, change) for change in changes],
    }
    return Answer(body=body)


@routes.add("GET", "/repos/{owner}/{repo}/commits/{commit_sha}/pulls", permission="pull_requests:read", scopes="repo")
def pulls_of_commit(call: Call) -> Page:
    sha = _commit_of(call, call.params["commit_sha"]).sha
    git = call.repository.git
    holding = [
        one
        for one in call.repository.pulls
        if one.pull is not None
        and (
            one.pull.merge_commit == sha
            or any(info.sha == sha for info in git.history(one.pull.head_sha, exclude=one.pull.base_sha))
        )
    ]
    return Page(holding, lambda one: pull_simple(call.links, call.repository, one))


@routes.add(
    "POST",
    "/repos/{owner}/{repo}/statuses/{sha}",
    permission="statuses:write",
    role="push",
    scopes="",
)
def create_status(call: Call) -> Answer:
    call.required("Status", "state")
    if call.body["state"] not in STATES:
        raise invalid("Status", "state", "custom", "state is not included in the list")
    head = call.repository.head(call.params["sha"])
    if head is None:
        raise unprocessable(f"No commit found for SHA: {call.params['sha']}")
    status = Status(
        id=call.world.new_id(),
        sha=head.sha,
        state=str(call.body["state"]),
        context=call.text("context", "default") or "default",
        description=call.text("description"),
        target_url=call.text("target_url"),
        creator=call.user,
        created_at=call.world.now(),
    )
    call.repository.statuses.append(status)
    body = shown.status(call.links, call.repository, status)
    return created(body, body["url"])


@routes.add("GET", f"{COMMIT}/statuses", permission="statuses:read", scopes="repo, repo:status")
def statuses(call: Call) -> Page:
    sha = _commit_of(call, call.params["ref"]).sha
    found = [one for one in reversed(call.repository.statuses) if one.sha == sha]
    return Page(found, lambda one: shown.status(call.links, call.repository, one))


@routes.add("GET", f"{COMMIT}/status", permission="statuses:read", scopes="repo, repo:status")
def combined_status(call: Call) -> Page:
    found = call.repository
    sha = _commit_of(call, call.params["ref"], 404).sha
    newest = {one.context: one for one in found.statuses if one.sha == sha}
    states = {"failure" if one.state == "error" else one.state for one in newest.values()}
    state = "failure" if "failure" in states else "success" if states == {"success"} else "pending"
    url = call.links.repo(found, f"/commits/{sha}")
    return Page(
        list(newest.values()),
        lambda one: shown.simple_status(call.links, found, one),
        key="statuses",
        extra={
            "state": state,
            "sha": sha,
            "repository": minimal_repository(call.links, found),
            "commit_url": url,
            "url": f"{url}/status",
        },
    )


def _checks(call: Call, sha: str) -> list[CheckRun]:
    """The checks of Apps and those of GitHub Actions' jobs."""
    own = [check for check in call.repository.check_runs if check.sha == sha]
    jobs = [shown.check_of_job(run, job) for run in call.repository.runs if run.sha == sha for job in run.jobs]
    return own + jobs


def _render_check(call: Call, check: CheckRun) -> Json:
    app = next((one for one in call.world.apps if one.slug == check.app), None)
    shown_app = None
    if app is not None:
        shown_app = shown_accounts.app(call.links, app, call.world.account(app.owner))
    return shown.check_run(call.links, call.repository, check, shown_app)


@routes.add("GET", f"{COMMIT}/check-runs", permission="checks:read", scopes="repo")
def check_runs(call: Call) -> Page:
    found = _checks(call, _commit_of(call, call.params["ref"]).sha)
    name, status = call.query("check_name"), call.query("status")
    found = [one for one in found if (not name or one.name == name) and (not status or one.status == status)]
    return Page(found, lambda one: _render_check(call, one), key="check_runs")


def _check(call: Call) -> CheckRun:
    wanted = call.number("check_run_id")
    shas = {run.sha for run in call.repository.runs} | {one.sha for one in call.repository.check_runs}
    for sha in shas:
        for check in _checks(call, sha):
            if check.id == wanted:
                return check
    raise Problem(404, "Not Found")


@routes.add("GET", "/repos/{owner}/{repo}/check-runs/{check_run_id}", permission="checks:read", scopes="repo")
def get_check(call: Call) -> Answer:
    return Answer(body=_render_check(call, _check(call)))


@routes.add("POST", "/repos/{owner}/{repo}/check-runs", permission="checks:write", role="push", scopes="repo")
def create_check(call: Call) -> Answer:
    call.required("CheckRun", "name", "head_sha")
    app = _acting_app(call)
    head = call.repository.head(str(call.body["head_sha"]))
    if head is None:
        raise unprocessable(f"No commit found for SHA: {call.body['head_sha']}")
    now = call.world.now()
    check = CheckRun(call.world.new_id(), str(call.body["name"]), head.sha, "queued", None, app, started_at=now)
    call.repository.check_runs.append(check)
    _change_check(call, check)
    body = _render_check(call, check)
    return created(body, body["url"])


@routes.add(
    "PATCH",
    "/repos/{owner}/{repo}/check-runs/{check_run_id}",
    permission="checks:write",
    role="push",
    scopes="repo",
)
def update_check(call: Call) -> Answer:
    app, check = _acting_app(call), _check(call)
    if check.app != app:
        raise Problem(403, "Invalid app_id")
    _change_check(call, check)
    return Answer(body=_render_check(call, check))


def _acting_app(call: Call) -> str:
    token = call.identity.token
    if token is None or token.installation is None:
        raise Problem(403, "You must authenticate via a GitHub App.")
    return token.installation.app.slug


def _change_check(call: Call, check: CheckRun) -> None:
    body = call.body
    if body.get("status") == FINISHED and "conclusion" not in body:
        raise unprocessable('Invalid request.\n\n"conclusion" wasn\'t supplied.')
    check.conclusion = call.text("conclusion", check.conclusion)
    check.status = FINISHED if check.conclusion else str(body.get("status", check.status))
    if check.status == FINISHED:
        check.completed_at = check.completed_at or call.world.now()
    check.details_url = call.text("details_url", check.details_url)
    check.external_id = call.text("external_id", check.external_id)
    output = body.get("output") or {}
    check.title = output.get("title", check.title)
    check.summary = output.get("summary", check.summary)
    check.text = output.get("text", check.text)
