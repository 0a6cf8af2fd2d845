"""Collaborators, invitations and team access."""

from __future__ import annotations

from tests.fakes.github.accounts import Account
from tests.fakes.github.call import Call, created, no_content
from tests.fakes.github.exchange import Answer, Page
from tests.fakes.github.problems import Problem, not_found
from tests.fakes.github.render import repositories as shown
from tests.fakes.github.repository import Invitation
from tests.fakes.github.routing import Routes

routes = Routes()
TEAM_SCOPES = "admin:org, read:org, repo, user, write:org"
ROLES = {"read": "pull", "write": "push"}


def _account(call: Call) -> Account:
    return call.account(call.params["username"])


def _people(call: Call) -> list[Account]:
    found = call.repository
    logins = {found.owner.login} if not found.owner.is_organization else set(found.owner.members)
    return [call.world.account(login) for login in sorted(logins | set(found.collaborators))]


@routes.add("GET", "/repos/{owner}/{repo}/collaborators", permission="metadata:read", role="push", scopes="")
def collaborators(call: Call) -> Page:
    return Page(
        _people(call),
        lambda one: shown.collaborator(call.links, one, call.world.role(one, call.repository)),
    )


@routes.add("GET", "/repos/{owner}/{repo}/collaborators/{username}", permission="metadata:read", role="push")
def is_collaborator(call: Call) -> Answer:
    if _account(call) not in _people(call):
        raise not_found()
    return no_content()


@routes.add(
    "GET",
    "/repos/{owner}/{repo}/collaborators/{username}/permission",
    permission="metadata:read",
    role="push",
)
def permission(call: Call) -> Answer:
    account = _account(call)
    role = call.world.role(account, call.repository)
    named = shown.ROLE_NAMES.get(role, "none")
    legacy = {"maintain": "write", "triage": "read"}.get(named, named)
    user = shown.collaborator(call.links, account, role) if role != "none" else None
    return Answer(body={"permission": legacy, "role_name": named, "user": user})


@routes.add(
    "PUT",
    "/repos/{owner}/{repo}/collaborators/{username}",
    permission="administration:write",
    role="admin",
    scopes="",
)
def add_collaborator(call: Call) -> Answer:
    account, found = _account(call), call.repository
    if account is found.owner:
        raise Problem(422, "Validation Failed", ["Repository owner cannot be a collaborator"])
    wanted = call.text("permission") or "push"
    role = ROLES.get(wanted, wanted)
    if account.login in found.collaborators or account.login in found.owner.members:
        found.collaborators[account.login] = role
        return no_content()
    invited = Invitation(call.world.new_id(), account, call.user, role, call.world.now())
    found.invitations.append(invited)
    body = shown.invitation(call.links, found, invited)
    return created(body, body["url"])


@routes.add(
    "DELETE",
    "/repos/{owner}/{repo}/collaborators/{username}",
    permission="administration:write",
    role="admin",
    scopes="",
)
def remove_collaborator(call: Call) -> Answer:
    call.repository.collaborators.pop(_account(call).login, None)
    return no_content()


@routes.add("GET", "/repos/{owner}/{repo}/invitations", permission="administration:read", role="admin", scopes="")
def invitations(call: Call) -> Page:
    return Page(call.repository.invitations, lambda one: shown.invitation(call.links, call.repository, one))


@routes.add("PATCH", "/user/repository_invitations/{invitation_id}", scopes="public_repo, repo, repo:invite")
def accept_invitation(call: Call) -> Answer:
    wanted = call.number("invitation_id")
    for found in call.world.repositories.values():
        for invited in found.invitations:
            if invited.id == wanted and invited.invitee is call.user:
                found.invitations.remove(invited)
                found.collaborators[call.user.login] = invited.role
                return no_content()
    raise not_found()


@routes.add("PUT", "/teams/{team_id}/repos/{owner}/{repo}", scopes=TEAM_SCOPES, documented=False)
def give_team(call: Call) -> Answer:
    """A path of the old API, which the recorded scenarios use."""
    found = call.world.repository(f"{call.params['owner']}/{call.params['repo']}")
    team = next((one for one in call.world.teams if one.id == call.number("team_id")), None)
    if found is None or team is None or not call.world.may(call.user, found, "admin"):
        raise not_found()
    team.repositories[found.id] = call.body.get("permission", "pull")
    return no_content()
