"""Pull requests: opening, changing, merging, reviewing."""

from __future__ import annotations

from datetime import datetime

from tests.fakes.github import pulling
from tests.fakes.github.accounts import Account
from tests.fakes.github.call import Call, created, no_content
from tests.fakes.github.exchange import Answer, Page
from tests.fakes.github.problems import Problem, invalid, not_found, refused, unprocessable
from tests.fakes.github.render import commits as shown_commits
from tests.fakes.github.render import tracker as shown
from tests.fakes.github.render.accounts import simple_user
from tests.fakes.github.repository import HEADS
from tests.fakes.github.routing import Routes
from tests.fakes.github.tracker import Issue, PullRequest, Review

routes = Routes()
PULLS = "/repos/{owner}/{repo}/pulls"
PULL = f"{PULLS}/{{pull_number}}"
READ, WRITE = "pull_requests:read", "pull_requests:write"
REVIEW_STATES = {"APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED"}


def _pull(issue: Issue) -> PullRequest:
    assert issue.pull is not None
    return issue.pull


@routes.add("GET", PULLS, permission=READ, scopes="repo")
def pulls(call: Call) -> Page:
    state, head, base = call.query("state", "open"), call.query("head"), call.query("base")
    found = [one for one in call.repository.pulls if state in (one.state, "all")]
    if head:
        # GitHub ignores a head that does not name the owner.
        owner, named, branch = head.partition(":")
        if named:
            same_owner = owner.lower() == call.repository.owner.login.lower()
            found = [one for one in found if same_owner and _pull(one).head == branch]
    if base:
        found = [one for one in found if _pull(one).base == base]

    def moment(one: Issue) -> tuple[datetime, int]:
        return (one.updated_at if call.query("sort") == "updated" else one.created_at), one.number

    ascending = call.query("direction", "asc" if call.query("sort") else "desc") == "asc"
    found.sort(key=moment, reverse=not ascending)
    return Page(found, lambda one: shown.pull_simple(call.links, call.repository, one))


@routes.add("POST", PULLS, permission=WRITE, scopes="")
def open_pull(call: Call) -> Answer:
    call.required("PullRequest", "head", "base")
    found, body = call.repository, call.body
    if "title" not in body and "issue" not in body:
        raise invalid("PullRequest", "title", "missing_field")
    owner, named, branch = str(body["head"]).rpartition(":")
    head, base = found.branch(branch), found.branch(str(body["base"]))
    if head is None or (named and owner.lower() != found.owner.login.lower()):
        raise invalid("PullRequest", "head")
    if base is None:
        raise invalid("PullRequest", "base")
    label = f"{found.owner.login}:{branch}"
    for other in found.pulls:
        if other.state == "open" and (_pull(other).head, _pull(other).base) == (branch, body["base"]):
            raise refused("PullRequest", f"A pull request already exists for {label}.")
    if found.git.is_ancestor(head, base):
        raise refused("PullRequest", f"No commits between {body['base']} and {branch}")
    if found.git.merge_base(base, head) is None:
        raise refused("PullRequest", f"The {branch} branch has no history in common with {body['base']}")
    issue = call.world.new_issue(found, call.user, call.text("title") or "", call.text("body"))
    issue.pull = PullRequest(
        head=branch,
        head_sha=head,
        base=str(body["base"]),
        base_sha=base,
        draft=bool(body.get("draft")),
        maintainer_can_modify=False,
    )
    call.world.trigger(found, "pull_request", branch, head, call.user, [issue.number])
    shown_pull = shown.pull_full(call.links, found, issue)
    return created(shown_pull, shown_pull["url"])


@routes.add("GET", PULL, permission=READ, scopes="repo")
def get(call: Call) -> Answer:
    issue = call.pull()
    pull = _pull(issue)
    if call.request.accepts("diff"):
        return Answer(raw=_diff_text(call, pull), content_type=call.request.raw_type())
    body = shown.pull_full(call.links, call.repository, issue)
    if pull.mergeable is None and issue.state == "open":
        # Answered as unknown once: reading is what makes GitHub work it out.
        pulling.work_out_mergeable(call.repository, pull)
    return Answer(body=body)


def _diff_text(call: Call, pull: PullRequest) -> bytes:
    git = call.repository.git
    base = git.merge_base(pull.base_sha, pull.head_sha)
    changes = git.diff(git.commit(base).tree if base else None, git.commit(pull.head_sha).tree)
    parts = [f"diff --git a/{one.previous_path or one.path} b/{one.path}\n{one.patch or ''}\n" for one in changes]
    return "".join(parts).encode()


@routes.add("PATCH", PULL, permission=WRITE, role="pull", scopes="")
def update(call: Call) -> Answer:
    issue, found = call.pull(), call.repository
    pull, now = _pull(issue), call.world.now()
    if issue.author is not call.user and not call.may("triage"):
        raise Problem(403, "Must have push access to repository")
    issue.title = call.text("title", issue.title) or issue.title
    issue.body = call.text("body", issue.body)
    base = call.body.get("base", pull.base)
    if base != pull.base:
        sha = found.branch(base)
        if sha is None:
            raise invalid("PullRequest", "base")
        pull.base, pull.base_sha, pull.mergeable = base, sha, None
    state = call.body.get("state", issue.state)
    if state != issue.state:
        _change_state(call, issue, str(state), now)
    issue.updated_at = now
    return Answer(body=shown.pull_full(call.links, found, issue))


def _change_state(call: Call, issue: Issue, state: str, now: datetime) -> None:
    if state not in ("open", "closed"):
        raise invalid("PullRequest", "state")
    if state == "open":
        if _pull(issue).merged_at is not None:
            raise refused("PullRequest", "The pull request cannot be reopened.")
        if call.repository.branch(_pull(issue).head) is None:
            message = f"state cannot be changed. The {_pull(issue).head} branch has been deleted."
            raise invalid("PullRequest", "state", "invalid", message)
        issue.closed_at = issue.closed_by = None
    else:
        issue.closed_at, issue.closed_by = now, call.user
    issue.state = state


@routes.add("GET", f"{PULL}/merge", permission="contents:read", scopes="repo")
def is_merged(call: Call) -> Answer:
    if _pull(call.pull()).merged_at is None:
        raise not_found()
    return no_content()


@routes.add("PUT", f"{PULL}/merge", permission="contents:write", role="push", scopes="")
def merge(call: Call) -> Answer:
    issue, found = call.pull(), call.repository
    pull = _pull(issue)
    method = str(call.body.get("merge_method", "merge"))
    if method not in ("merge", "squash", "rebase"):
        raise unprocessable(f"Invalid request.\n\n{method} is not a member of [\"merge\", \"squash\", \"rebase\"].")  # fmt: skip  # noqa: E501
    if issue.state != "open":
        raise Problem(405, "Pull Request is not mergeable")
    if pull.draft:
        raise Problem(405, "Pull Request is still a draft")
    expected = call.body.get("sha")
    if expected is not None and expected != pull.head_sha:
        raise Problem(409, "Head branch was modified. Review and try the merge again.")
    names = {"merge": ("merge_commit", "Merge commits"), "squash": ("squash_merge", "Squash merges")}
    setting, words = names.get(method, ("rebase_merge", "Rebase merges"))
    if not found.setting(f"allow_{setting}"):
        raise Problem(405, f"{words} are not allowed on this repository.")
    if pull.mergeable is None:
        pulling.work_out_mergeable(found, pull)
    if not pull.mergeable:
        raise Problem(405, "Pull Request is not mergeable")
    rules = pulling.protection_of(found, pull.base)
    if rules and (rules.get("enforce_admins") or not call.is_admin):
        blocked = pulling.blocked_by(found, pull)
        if blocked:
            raise Problem(405, blocked)
    sha = pulling.merged_commit(
        found,
        issue,
        method,
        call.text("commit_title"),
        call.text("commit_message"),
        call.world.signature(call.user),
    )
    now = call.world.now()
    issue.state, issue.closed_at, issue.closed_by, issue.updated_at = "closed", now, call.user, now
    pull.merged_at, pull.merged_by, pull.merge_commit = now, call.user, sha
    call.world.move_ref(found, HEADS + pull.base, sha, call.user)
    if found.setting("delete_branch_on_merge") and pull.head not in found.protections:
        call.world.move_ref(found, HEADS + pull.head, None, call.user)
    return Answer(body={"sha": sha, "merged": True, "message": "Pull Request successfully merged"})


@routes.add("PUT", f"{PULL}/update-branch", permission=WRITE, role="push", scopes="")
def update_branch(call: Call) -> Answer:
    issue, found = call.pull(), call.repository
    pull = _pull(issue)
    expected = call.body.get("expected_head_sha")
    if expected is not None and expected != pull.head_sha:
        raise unprocessable(f"expected_head_sha is {expected} but the head is {pull.head_sha}")
    if found.git.is_ancestor(pull.base_sha, pull.head_sha):
        raise unprocessable("There are no new commits on the base branch.")
    tree, conflicts = found.git.merge(pull.head_sha, pull.base_sha)
    if conflicts:
        raise unprocessable("merge conflict between base and head")
    by = call.world.signature(call.user)
    message = f"Merge branch '{pull.base}' into {pull.head}"
    sha = found.git.put_commit(tree, [pull.head_sha, pull.base_sha], message, by, by)
    call.world.move_ref(found, HEADS + pull.head, sha, call.user)
    url = call.links.repo(found, f"/pulls/{issue.number}")
    return Answer(202, {"message": "Updating pull request branch.", "url": url})


@routes.add("GET", f"{PULL}/commits", permission=READ, scopes="repo")
def commits(call: Call) -> Page:
    pull, found = _pull(call.pull()), call.repository
    infos = list(found.git.history(pull.head_sha, exclude=pull.base_sha))[::-1]
    accounts = call.world.accounts_by_email()
    return Page(infos, lambda one: shown_commits.commit(call.links, found, one, accounts))


@routes.add("GET", f"{PULL}/files", permission=READ, scopes="repo")
def files(call: Call) -> Page:
    pull, found = _pull(call.pull()), call.repository
    base = found.git.merge_base(pull.base_sha, pull.head_sha)
    before = found.git.commit(base).tree if base else None
    changes = found.git.diff(before, found.git.commit(pull.head_sha).tree)
    return Page(changes, lambda one: shown_commits.diff_entry(call.links, found, pull.head_sha, one))


def _reviewers(call: Call, issue: Issue) -> list[Account]:
    accounts = [call.world.accounts.get(str(login).lower()) for login in call.body.get("reviewers", [])]
    if issue.author in accounts:
        raise unprocessable("Review cannot be requested from pull request author.")
    known = [one for one in accounts if one is not None and _collaborates(call, one)]
    if len(known) < len(accounts):
        raise unprocessable(
            "Reviews may only be requested from collaborators. One or more of the users or teams you specified "
            f"is not a collaborator of the {call.repository.full_name} repository."
        )
    return known


def _collaborates(call: Call, account: Account) -> bool:
    found = call.repository
    named = account.login in found.collaborators or account.login in found.owner.members
    return named or account is found.owner


@routes.add("POST", f"{PULL}/requested_reviewers", permission=WRITE, role="push", scopes="")
def request_reviewers(call: Call) -> Answer:
    issue = call.pull()
    pull = _pull(issue)
    pull.reviewers += [one for one in _reviewers(call, issue) if one not in pull.reviewers]
    return created(shown.pull_simple(call.links, call.repository, issue))


@routes.add("GET", f"{PULL}/requested_reviewers", permission=READ, scopes="repo")
def requested_reviewers(call: Call) -> Answer:
    users = [simple_user(call.links, one) for one in _pull(call.pull()).reviewers]
    return Answer(body={"users": users, "teams": []})


@routes.add("DELETE", f"{PULL}/requested_reviewers", permission=WRITE, role="push", scopes="")
def remove_reviewers(call: Call) -> Answer:
    issue = call.pull()
    pull = _pull(issue)
    unwanted = {str(login).lower() for login in call.body.get("reviewers", [])}
    pull.reviewers = [one for one in pull.reviewers if one.login.lower() not in unwanted]
    return Answer(body=shown.pull_simple(call.links, call.repository, issue))


@routes.add("GET", f"{PULL}/reviews", permission=READ, scopes="repo")
def reviews(call: Call) -> Page:
    issue = call.pull()
    return Page(_pull(issue).reviews, lambda one: shown.review(call.links, call.repository, issue, one))


@routes.add("POST", f"{PULL}/reviews", permission=WRITE, scopes="")
def create_review(call: Call) -> Answer:
    issue = call.pull()
    pull = _pull(issue)
    event = call.body.get("event", "COMMENT")
    if event not in REVIEW_STATES:
        raise unprocessable(f"event: {event} is not a valid review event")
    if issue.author is call.user and event == "APPROVE":
        raise Problem(422, "Unprocessable Entity", ["Can not approve your own pull request"])
    review = Review(
        id=call.world.new_id(),
        author=call.user,
        state=REVIEW_STATES[event],
        body=call.text("body") or "",
        commit=pull.head_sha,
        submitted_at=call.world.now(),
    )
    pull.reviews.append(review)
    pull.reviewers = [one for one in pull.reviewers if one is not call.user]
    return Answer(body=shown.review(call.links, call.repository, issue, review))
