"""GitHub Apps: who they are, where they are installed, and their tokens."""

from __future__ import annotations

from tests.fakes.github.accounts import Account, App, Installation, Token
from tests.fakes.github.call import Call, created
from tests.fakes.github.exchange import Answer, Json, Page
from tests.fakes.github.problems import Problem, not_found
from tests.fakes.github.render import accounts as shown
from tests.fakes.github.render.repositories import repository as shown_repository
from tests.fakes.github.routing import Routes

routes = Routes()


def _app(call: Call) -> App:
    assert call.identity.app is not None
    return call.identity.app


def _installation(call: Call) -> Installation:
    wanted = call.number("installation_id")
    for found in call.world.installations:
        if found.id == wanted and found.app is call.identity.app:
            return found
    raise not_found()


def _installed_on(call: Call, account: Account) -> Answer:
    for found in call.world.installations:
        if found.account is account and found.app is call.identity.app:
            return Answer(body=shown.installation(call.links, found))
    raise not_found()


@routes.add("GET", "/app", app_only=True)
def app(call: Call) -> Answer:
    found = _app(call)
    own = shown.app(call.links, found, call.world.account(found.owner))
    installed = sum(one.app is found for one in call.world.installations)
    return Answer(body=own | {"installations_count": installed})


@routes.add("GET", "/app/installations", app_only=True)
def installations(call: Call) -> Page:
    own = [found for found in call.world.installations if found.app is call.identity.app]
    return Page(own, lambda found: shown.installation(call.links, found))


@routes.add("GET", "/app/installations/{installation_id}", app_only=True)
def installation(call: Call) -> Answer:
    return Answer(body=shown.installation(call.links, _installation(call)))


@routes.add("GET", "/repos/{owner}/{repo}/installation", app_only=True)
def repository_installation(call: Call) -> Answer:
    owner = call.repository.owner
    for found in call.world.installations:
        reached = found.repositories is None or call.repository.id in found.repositories
        if found.account is owner and found.app is call.identity.app and reached:
            return Answer(body=shown.installation(call.links, found))
    raise not_found()


@routes.add("GET", "/orgs/{org}/installation", app_only=True)
def organization_installation(call: Call) -> Answer:
    return _installed_on(call, call.account(call.params["org"]))


@routes.add("GET", "/users/{username}/installation", app_only=True)
def user_installation(call: Call) -> Answer:
    return _installed_on(call, call.account(call.params["username"]))


@routes.add("POST", "/app/installations/{installation_id}/access_tokens", app_only=True)
def create_token(call: Call) -> Answer:
    found = _installation(call)
    if found.suspended_at is not None:
        raise Problem(403, "This installation has been suspended")
    held = Token("", "installation", found.account, permissions=found.permissions)
    wanted: dict[str, str] = call.body.get("permissions") or found.permissions
    for name, level in wanted.items():
        if not held.may(f"{name}:{level}"):
            raise Problem(422, "The permissions requested are not granted to this installation.")
    chosen = None
    if "repositories" in call.body or "repository_ids" in call.body:
        chosen = _chosen(call, found)
    token = call.world.installation_token(found, wanted, chosen)
    body: Json = {
        "token": token.value,
        "expires_at": shown.timestamp(token.expires_at),
        "permissions": wanted,
        "repository_selection": "all" if token.repositories is None else "selected",
    }
    if chosen is not None:
        body["repositories"] = [
            shown_repository(call.links, call.world.repositories[one], None) for one in sorted(chosen)
        ]
    return created(body)


def _chosen(call: Call, found: Installation) -> set[int]:
    names = set(call.body.get("repositories", []))
    numbers = set(call.body.get("repository_ids", []))
    reached = [
        one
        for one in call.world.repositories_of(found.account)
        if found.repositories is None or one.id in found.repositories
    ]
    chosen = {one.id for one in reached if one.name in names or one.id in numbers}
    if len(chosen) < len(names) + len(numbers):
        raise Problem(
            422,
            "There is at least one repository that does not exist or is not accessible to the parent installation.",
        )
    return chosen


@routes.add("GET", "/installation/repositories")
def installation_repositories(call: Call) -> Page:
    token = call.identity.token
    if token is None or token.installation is None:
        raise Problem(403, "You must authenticate with an installation access token in order to list repositories for an installation.")  # fmt: skip  # noqa: E501
    reached = [
        one
        for one in call.world.repositories_of(token.installation.account)
        if token.repositories is None or one.id in token.repositories
    ]
    return Page(reached, lambda one: shown_repository(call.links, one, None), key="repositories")
