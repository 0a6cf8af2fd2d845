"""Issues, comments, locks and assignees."""

from __future__ import annotations

from datetime import datetime

from tests.fakes.github.accounts import Account
from tests.fakes.github.call import Call, created, no_content
from tests.fakes.github.exchange import Answer, Page
from tests.fakes.github.problems import Problem, invalid, not_found
from tests.fakes.github.render import tracker as shown
from tests.fakes.github.render.accounts import simple_user
from tests.fakes.github.routes.labels import named_labels
from tests.fakes.github.routing import Routes
from tests.fakes.github.tracker import Comment, Issue

routes = Routes()
ISSUES = "/repos/{owner}/{repo}/issues"
ISSUE = f"{ISSUES}/{{issue_number}}"
READ, WRITE = "issues:read", "issues:write"
LONGEST_BODY = 65_536


def _body_text(call: Call, resource: str, default: str | None = None) -> str | None:
    body = call.text("body", default)
    if body is not None and len(body) > LONGEST_BODY:
        raise invalid(resource, "body", "custom", f"body is too long (maximum is {LONGEST_BODY} characters)")
    return body


def _assignees(call: Call) -> list[Account]:
    names = call.body.get("assignees") or ([call.body["assignee"]] if call.body.get("assignee") else [])
    accounts = []
    for name in names:
        account = call.world.accounts.get(str(name).lower())
        if account is None or not call.world.may(account, call.repository, "pull"):
            raise invalid("Issue", "assignees")
        accounts.append(account)
    return accounts


def _require_issues(call: Call) -> None:
    if not call.repository.setting("has_issues"):
        raise Problem(410, "Issues are disabled for this repo")


@routes.add("GET", ISSUES, permission=READ, scopes="repo")
def issues(call: Call) -> Page:
    _require_issues(call)
    query = call.query
    found = list(call.repository.issues.values())
    state = query("state", "open")
    if state not in ("open", "closed", "all"):
        raise invalid("Issue", "state")
    found = [one for one in found if state in (one.state, "all")]
    if query("labels"):
        wanted = {name.lower() for name in query("labels").split(",")}
        found = [one for one in found if wanted <= {label.name.lower() for label in one.labels}]
    if query("creator"):
        found = [one for one in found if one.author.login.lower() == query("creator").lower()]
    if query("assignee") not in ("", "*"):
        found = [one for one in found if query("assignee") in [who.login for who in one.assignees]]
    if query("since"):
        since = datetime.fromisoformat(query("since"))
        found = [one for one in found if one.updated_at >= since]

    def moment(one: Issue) -> tuple[datetime | int, int]:
        if query("sort") == "comments":
            return len(one.comments), one.number
        return one.updated_at if query("sort") == "updated" else one.created_at, one.number

    found.sort(key=moment, reverse=query("direction", "desc") == "desc")
    return Page(found, lambda one: shown.issue(call.links, call.repository, one, full=False))


@routes.add("POST", ISSUES, permission=WRITE, scopes="")
def create(call: Call) -> Answer:
    _require_issues(call)
    call.required("Issue", "title")
    title = str(call.body["title"]).strip()
    if not title:
        raise invalid("Issue", "title", "missing_field")
    body, labels, assignees = _body_text(call, "Issue"), [], []
    if call.may("triage"):
        # Without push access GitHub drops labels and assignees silently.
        labels, assignees = named_labels(call), _assignees(call)
    issue = call.world.new_issue(call.repository, call.user, title, body)
    issue.labels, issue.assignees = labels, assignees
    rendered = shown.issue(call.links, call.repository, issue)
    return created(rendered, rendered["url"])


@routes.add("GET", ISSUE, permission=READ, scopes="repo")
def get(call: Call) -> Answer:
    return Answer(body=shown.issue(call.links, call.repository, call.issue()))


@routes.add("PATCH", ISSUE, permission=WRITE, scopes="")
def update(call: Call) -> Answer:
    issue, now = call.issue(), call.world.now()
    if issue.author is not call.user and not call.may("triage"):
        raise Problem(403, "Must have admin rights to Repository.")
    issue.title = call.text("title", issue.title) or issue.title
    issue.body = _body_text(call, "Issue", issue.body)
    if "labels" in call.body:
        issue.labels = named_labels(call)
    if "assignees" in call.body or "assignee" in call.body:
        issue.assignees = _assignees(call)
    state = call.body.get("state", issue.state)
    if state not in ("open", "closed"):
        raise invalid("Issue", "state")
    if state != issue.state:
        closing = state == "closed"
        issue.state = state
        issue.closed_at = now if closing else None
        issue.closed_by = call.user if closing else None
        issue.state_reason = call.text("state_reason") or ("completed" if closing else "reopened")
    issue.updated_at = now
    return Answer(body=shown.issue(call.links, call.repository, issue))


def _require_unlocked(call: Call, issue: Issue) -> None:
    if issue.locked and not call.may("push"):
        raise Problem(403, "Unable to create comment because issue is locked.")


@routes.add("GET", f"{ISSUE}/comments", permission=READ, scopes="repo")
def comments(call: Call) -> Page:
    issue = call.issue()
    return Page(issue.comments, lambda one: shown.comment(call.links, call.repository, issue, one))


@routes.add("POST", f"{ISSUE}/comments", permission=WRITE, scopes="")
def create_comment(call: Call) -> Answer:
    issue = call.issue()
    call.required("IssueComment", "body")
    body = _body_text(call, "IssueComment")
    if not body or not body.strip():
        raise invalid("IssueComment", "body", "missing_field")
    _require_unlocked(call, issue)
    now = call.world.now()
    comment = Comment(call.world.new_id(), call.user, body, now, now)
    issue.comments.append(comment)
    issue.updated_at = now
    rendered = shown.comment(call.links, call.repository, issue, comment)
    return created(rendered, rendered["url"])


def _comment(call: Call) -> tuple[Issue, Comment]:
    wanted = call.number("comment_id")
    for issue in call.repository.issues.values():
        for comment in issue.comments:
            if comment.id == wanted:
                return issue, comment
    raise not_found()


@routes.add("GET", f"{ISSUES}/comments/{{comment_id}}", permission=READ, scopes="repo")
def get_comment(call: Call) -> Answer:
    return Answer(body=shown.comment(call.links, call.repository, *_comment(call)))


@routes.add("PATCH", f"{ISSUES}/comments/{{comment_id}}", permission=WRITE, scopes="")
def update_comment(call: Call) -> Answer:
    issue, comment = _comment(call)
    call.required("IssueComment", "body")
    _check_own(call, comment)
    comment.body, comment.updated_at = str(_body_text(call, "IssueComment")), call.world.now()
    return Answer(body=shown.comment(call.links, call.repository, issue, comment))


@routes.add("DELETE", f"{ISSUES}/comments/{{comment_id}}", permission=WRITE, scopes="")
def delete_comment(call: Call) -> Answer:
    issue, comment = _comment(call)
    _check_own(call, comment)
    issue.comments.remove(comment)
    return no_content()


def _check_own(call: Call, comment: Comment) -> None:
    if comment.author is not call.user and not call.may("push"):
        raise Problem(403, "Must have admin rights to Repository.")


@routes.add("PUT", f"{ISSUE}/lock", permission=WRITE, role="push", scopes="public_repo, repo")
def lock(call: Call) -> Answer:
    issue = call.issue()
    issue.locked, issue.lock_reason = True, call.text("lock_reason")
    return no_content()


@routes.add("DELETE", f"{ISSUE}/lock", permission=WRITE, role="push", scopes="public_repo, repo")
def unlock(call: Call) -> Answer:
    issue = call.issue()
    issue.locked, issue.lock_reason = False, None
    return no_content()


@routes.add("POST", f"{ISSUE}/assignees", permission=WRITE, role="push", scopes="")
def assign(call: Call) -> Answer:
    issue = call.issue()
    issue.assignees += [one for one in _assignees(call) if one not in issue.assignees]
    return created(shown.issue(call.links, call.repository, issue))


@routes.add("DELETE", f"{ISSUE}/assignees", permission=WRITE, role="push", scopes="")
def unassign(call: Call) -> Answer:
    issue = call.issue()
    unwanted = _assignees(call)
    issue.assignees = [one for one in issue.assignees if one not in unwanted]
    return Answer(body=shown.issue(call.links, call.repository, issue))


@routes.add("GET", "/repos/{owner}/{repo}/assignees", permission="metadata:read", scopes="repo")
def assignees(call: Call) -> Page:
    found = call.repository
    logins = {*found.collaborators, *found.owner.members}
    people = [call.world.account(login) for login in sorted(logins)]
    if not found.owner.is_organization:
        people.insert(0, found.owner)
    return Page(people, lambda one: simple_user(call.links, one))
