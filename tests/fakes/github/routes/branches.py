"""Branches, their protection, tags and direct merges."""

from __future__ import annotations

from typing import Any

from tests.fakes.github import pulling
from tests.fakes.github.call import Call, created, no_content
from tests.fakes.github.exchange import Answer, Json, Page
from tests.fakes.github.links import node_id, quoted
from tests.fakes.github.problems import Problem, unprocessable
from tests.fakes.github.render import repositories as shown
from tests.fakes.github.render.commits import commit as shown_commit
from tests.fakes.github.repository import HEADS, TAGS
from tests.fakes.github.routing import Routes

routes = Routes()
BRANCH = "/repos/{owner}/{repo}/branches/{branch}"
PROTECTION = f"{BRANCH}/protection"
REQUIRED = ("required_status_checks", "enforce_admins", "required_pull_request_reviews", "restrictions")


@routes.add("GET", "/repos/{owner}/{repo}/branches", permission="contents:read", scopes="")
def branches(call: Call) -> Page:
    found = call.repository
    wanted = call.query("protected")
    names = sorted(ref.removeprefix(HEADS) for ref in found.refs if ref.startswith(HEADS))
    if wanted:
        names = [name for name in names if (name in found.protections) == (wanted == "true")]
    return Page(names, lambda name: shown.short_branch(call.links, found, name, found.refs[HEADS + name]))


def _branch_sha(call: Call) -> str:
    sha = call.repository.branch(call.params["branch"])
    if sha is None:
        raise Problem(404, "Branch not found")
    return sha


@routes.add("GET", BRANCH, permission="contents:read", scopes="")
def branch(call: Call) -> Answer:
    return Answer(body=_branch(call, call.params["branch"], _branch_sha(call)))


def _branch(call: Call, name: str, sha: str) -> Json:
    found = call.repository
    url = call.links.repo(found, f"/branches/{quoted(name)}")
    return {
        "name": name,
        "commit": shown_commit(call.links, found, found.git.commit(sha), call.world.accounts_by_email()),
        "_links": {"self": url, "html": call.links.html(found, f"/tree/{quoted(name)}")},
        "protected": name in found.protections,
        "protection": shown.branch_summary(found, name),
        "protection_url": f"{url}/protection",
    }


@routes.add("POST", f"{BRANCH}/rename", permission="contents:write", role="push", scopes="")
def rename(call: Call) -> Answer:
    call.required("Branch", "new_name")
    found, old, new = call.repository, call.params["branch"], str(call.body["new_name"])
    sha = _branch_sha(call)
    if found.branch(new) is not None:
        raise unprocessable(f"Branch {new} already exists")
    found.refs[HEADS + new] = found.refs.pop(HEADS + old)
    if old in found.protections:
        found.protections[new] = found.protections.pop(old)
    if found.default_branch == old:
        found.default_branch = new
    for issue in found.pulls:
        if issue.pull is not None and issue.state == "open":
            issue.pull.head = new if issue.pull.head == old else issue.pull.head
            issue.pull.base = new if issue.pull.base == old else issue.pull.base
    return created(_branch(call, new, sha))


def _protection(call: Call) -> Json:
    if call.params["branch"] not in call.repository.protections:
        raise Problem(404, "Branch not protected")
    return shown.protection(call.links, call.repository, call.params["branch"], call.world.accounts, call.world.teams)


@routes.add("GET", PROTECTION, permission="administration:read", role="push", scopes="")
def protection(call: Call) -> Answer:
    _branch_sha(call)
    return Answer(body=_protection(call))


@routes.add("PUT", PROTECTION, permission="administration:write", role="admin", scopes="")
def protect(call: Call) -> Answer:
    _branch_sha(call)
    missing = [name for name in REQUIRED if name not in call.body]
    if missing:
        named = ", ".join(f'"{name}"' for name in missing)
        raise unprocessable(f"Invalid request.\n\n{named} weren't supplied.")
    rules = dict(call.body)
    if rules["restrictions"] is not None and not call.repository.owner.is_organization:
        raise Problem(422, "Validation Failed", ["Only organization repositories can have users and team restrictions"])
    if rules["required_status_checks"] is not None:
        rules["required_status_checks"] = _checks(rules["required_status_checks"])
    call.repository.protections[call.params["branch"]] = rules
    return Answer(body=_protection(call))


def _checks(given: Json) -> Json:
    """Contexts and checks are two ways to write the same; both are kept, as GitHub does."""
    checks = list(given.get("checks") or [])
    known = [check["context"] for check in checks]
    checks += [{"context": name} for name in given.get("contexts", []) if name not in known]
    return {
        "strict": bool(given.get("strict")),
        "contexts": [check["context"] for check in checks],
        "checks": [{"context": check["context"], "app_id": check.get("app_id")} for check in checks],
    }


@routes.add("DELETE", PROTECTION, permission="administration:write", role="admin", scopes="")
def unprotect(call: Call) -> Answer:
    if call.repository.protections.pop(call.params["branch"], None) is None:
        raise Problem(404, "Branch not protected")
    return no_content()


def _part(call: Call, name: str) -> Answer:
    found: Any = _protection(call).get(name)
    if found is None:
        raise Problem(404, f"{name.replace('_', ' ').capitalize()} not enabled")
    return Answer(body=found)


@routes.add("GET", f"{PROTECTION}/required_status_checks", permission="administration:read", role="push", scopes="")
def required_checks(call: Call) -> Answer:
    return _part(call, "required_status_checks")


@routes.add(
    "GET",
    f"{PROTECTION}/required_pull_request_reviews",
    permission="administration:read",
    role="push",
    scopes="",
)
def required_reviews(call: Call) -> Answer:
    return _part(call, "required_pull_request_reviews")


@routes.add("GET", f"{PROTECTION}/enforce_admins", permission="administration:read", role="push", scopes="")
def admins_enforced(call: Call) -> Answer:
    return _part(call, "enforce_admins")


@routes.add("POST", f"{PROTECTION}/enforce_admins", permission="administration:write", role="admin", scopes="")
def enforce_admins(call: Call) -> Answer:
    _protection(call)
    call.repository.protections[call.params["branch"]]["enforce_admins"] = True
    return _part(call, "enforce_admins")


@routes.add("DELETE", f"{PROTECTION}/enforce_admins", permission="administration:write", role="admin", scopes="")
def release_admins(call: Call) -> Answer:
    _protection(call)
    call.repository.protections[call.params["branch"]]["enforce_admins"] = False
    return no_content()


@routes.add("GET", "/repos/{owner}/{repo}/tags", permission="contents:read", scopes="repo")
def tags(call: Call) -> Page:
    found = call.repository
    names = sorted((ref.removeprefix(TAGS) for ref in found.refs if ref.startswith(TAGS)), reverse=True)

    def render(name: str) -> Json:
        sha = found.git.tag_target(found.refs[TAGS + name])
        return {
            "name": name,
            "zipball_url": call.links.repo(found, f"/zipball/refs/tags/{quoted(name)}"),
            "tarball_url": call.links.repo(found, f"/tarball/refs/tags/{quoted(name)}"),
            "commit": {"sha": sha, "url": call.links.repo(found, f"/commits/{sha}")},
            "node_id": node_id("REF", found.id, TAGS + name),
        }

    return Page(names, render)


@routes.add("POST", "/repos/{owner}/{repo}/merges", permission="contents:write", role="push", scopes="")
def merge(call: Call) -> Answer:
    call.required("Merge", "base", "head")
    found, base, head = call.repository, str(call.body["base"]), str(call.body["head"])
    into, other = found.branch(base), found.resolve(head)
    if into is None or other is None:
        raise Problem(404, "Base does not exist" if into is None else "Head does not exist")
    if found.git.is_ancestor(other, into):
        return no_content()
    tree, conflicts = found.git.merge(into, other)
    if conflicts:
        raise Problem(409, "Merge conflict")
    by = call.world.signature(call.user)
    message = call.text("commit_message") or f"Merge {head} into {base}"
    sha = found.git.put_commit(tree, [into, other], message, by, by)
    pulling.check_direct_push(found, base, sha, call.is_admin, 409)
    call.world.move_ref(found, HEADS + base, sha, call.user)
    body = shown_commit(call.links, found, found.git.commit(sha), call.world.accounts_by_email())
    return created(body, body["url"])
