"""Repositories: creating, reading, changing, deleting, listing; topics."""

from __future__ import annotations

from tests.fakes.github.access import refused_permission, visible
from tests.fakes.github.accounts import Account
from tests.fakes.github.call import Call, created, no_content
from tests.fakes.github.exchange import Answer, Page
from tests.fakes.github.problems import Problem, field_error, invalid, not_found
from tests.fakes.github.render.repositories import full_repository, minimal_repository, repository
from tests.fakes.github.repository import DEFAULT_SETTINGS, HEADS, Repository
from tests.fakes.github.routing import Routes

routes = Routes()
CREATE_SCOPES = "public_repo, repo"


def _render(call: Call, found: Repository) -> Answer:
    return Answer(body=full_repository(call.links, found, call.identity.role_in(call.world, found)))


@routes.add("POST", "/user/repos", scopes=CREATE_SCOPES)
def create_for_user(call: Call) -> Answer:
    return _create(call, call.user)


@routes.add("POST", "/orgs/{org}/repos", scopes=CREATE_SCOPES)
def create_in_organization(call: Call) -> Answer:
    return _create(call, call.account(call.params["org"]))


def _create(call: Call, owner: Account) -> Answer:
    call.required("Repository", "name")
    body = call.body
    private = bool(body.get("private", body.get("visibility") == "private"))
    found = _add(call, owner, str(body["name"]), private)
    found.description = call.text("description")
    found.homepage = call.text("homepage")
    found.is_template = bool(body.get("is_template"))
    found.settings |= {name: body[name] for name in DEFAULT_SETTINGS if name in body}
    if body.get("auto_init"):
        first = found.commit_files(
            "main",
            {"README.md": f"# {found.name}\n{found.description or ''}"},
            "Initial commit",
            call.world.signature(call.user),
        )
        call.world.move_ref(found, HEADS + "main", first, call.user)
    return _created(call, found)


def _add(call: Call, owner: Account, name: str, private: bool) -> Repository:
    """Raises Problem if the name is taken or the token may not create there."""
    token = call.identity.token
    if token is not None and token.kind == "classic":
        if not ({"repo"} if private else {"repo", "public_repo"}) & token.scopes:
            raise not_found()
    elif token is not None and not token.may("administration:write"):
        raise refused_permission(token, "administration:write")
    installed = token is not None and token.installation is not None
    if owner.is_organization and not installed and call.user.login not in owner.members:
        raise Problem(403, "You need admin access to the organization before adding a repository to it.")
    if not name or name in (".", "..") or not all(char.isalnum() or char in "-_." for char in name):
        raise invalid("Repository", "name", "custom", "name is invalid")
    if call.world.repository(f"{owner.login}/{name}") is not None:
        taken = field_error("Repository", "name", "custom", "name already exists on this account")
        raise Problem(422, "Repository creation failed.", [taken])
    return call.world.add_repository(owner, name, private)


def _created(call: Call, found: Repository) -> Answer:
    return created(_render(call, found).body, call.links.repo(found))


@routes.add("POST", "/repos/{template_owner}/{template_repo}/generate", scopes=CREATE_SCOPES)
def create_from_template(call: Call) -> Answer:
    template = call.world.repository(f"{call.params['template_owner']}/{call.params['template_repo']}")
    if template is None or not visible(call.world, call.identity, template):
        raise not_found()
    call.required("Repository", "name")
    if not template.is_template:
        raise Problem(422, f"{template.full_name} is not a template repository.")
    try:
        owner = call.world.account(call.body.get("owner", call.user.login))
    except KeyError:
        raise invalid("Repository", "owner") from None
    found = _add(call, owner, str(call.body["name"]), bool(call.body.get("private")))
    found.description = call.text("description")
    found.template = template
    found.default_branch = template.default_branch
    found.git.copy_from(template.git)
    for ref, sha in template.refs.items():
        branch = ref.removeprefix(HEADS)
        if branch == template.default_branch or call.body.get("include_all_branches"):
            # A generated repository starts with one commit of its own, without the template's history.
            tree = found.git.commit(sha).tree
            author = call.world.signature(call.user)
            first = found.git.put_commit(tree, [], "Initial commit", author, author)
            call.world.move_ref(found, ref, first, call.user)
    return _created(call, found)


@routes.add("GET", "/repos/{owner}/{repo}", permission="metadata:read", scopes="repo")
def get(call: Call) -> Answer:
    return _render(call, call.repository)


@routes.add("PATCH", "/repos/{owner}/{repo}", permission="administration:write", role="admin", scopes="")
def update(call: Call) -> Answer:
    found, body = call.repository, call.body
    if found.archived and body.get("archived") is not False:
        raise Problem(403, "Repository was archived so is read-only.")
    name = body.get("name", found.name)
    if name != found.name:
        other = call.world.repository(f"{found.owner.login}/{name}")
        if other is not None and other is not found:
            raise invalid("Repository", "name", "custom", "name already exists on this account")
        call.world.rename(found, name)
    branch = body.get("default_branch", found.default_branch)
    if branch != found.default_branch:
        if found.branch(branch) is None:
            message = f"The branch {branch} was not found. Please push that ref first."
            raise invalid("Repository", "default_branch", "invalid", message)
        found.default_branch = branch
    found.description = call.text("description", found.description)
    found.homepage = call.text("homepage", found.homepage)
    found.private = bool(body.get("private", body.get("visibility", _visibility(found)) == "private"))
    found.archived = bool(body.get("archived", found.archived))
    found.is_template = bool(body.get("is_template", found.is_template))
    found.settings |= {name: body[name] for name in DEFAULT_SETTINGS if name in body}
    found.updated_at = call.world.now()
    return _render(call, found)


def _visibility(found: Repository) -> str:
    return "private" if found.private else "public"


@routes.add("DELETE", "/repos/{owner}/{repo}", permission="administration:write", role="admin", scopes="delete_repo")
def delete(call: Call) -> Answer:
    del call.world.repositories[call.repository.id]
    return no_content()


@routes.add("GET", "/user/repos", scopes="")
def own_repositories(call: Call) -> Page:
    found = [
        one
        for one in call.world.repositories.values()
        if one.owner is call.user or call.user.login in one.collaborators or call.user.login in one.owner.members
    ]
    return _listed(call, [one for one in found if visible(call.world, call.identity, one)])


@routes.add("GET", "/users/{username}/repos", scopes="")
def repositories_of_user(call: Call) -> Page:
    return _minimal(call, call.params["username"], public_only=True)


@routes.add("GET", "/orgs/{org}/repos", scopes="admin:org, read:org, repo, user, write:org")
def repositories_of_organization(call: Call) -> Page:
    return _minimal(call, call.params["org"], public_only=False)


def _minimal(call: Call, login: str, public_only: bool) -> Page:
    owner = call.account(login)
    found = [
        one
        for one in call.world.repositories_of(owner)
        if not (public_only and one.private) and visible(call.world, call.identity, one)
    ]
    return Page(found, lambda one: minimal_repository(call.links, one))


def _listed(call: Call, found: list[Repository]) -> Page:
    return Page(found, lambda one: repository(call.links, one, call.identity.role_in(call.world, one)))


@routes.add("GET", "/repos/{owner}/{repo}/topics", permission="metadata:read", scopes="repo")
def topics(call: Call) -> Answer:
    return Answer(body={"names": call.repository.topics})


@routes.add("PUT", "/repos/{owner}/{repo}/topics", permission="administration:write", role="admin", scopes="repo")
def set_topics(call: Call) -> Answer:
    call.required("Repository", "names")
    call.repository.topics = [str(name).lower() for name in call.body["names"]]
    return Answer(body={"names": call.repository.topics})
