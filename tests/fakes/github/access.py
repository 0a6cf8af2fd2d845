"""Who sent a request, and what they may do: tokens, scopes, App permissions, roles."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

import jwt

from tests.fakes.github.accounts import Account, App, Token, covers
from tests.fakes.github.exchange import Request
from tests.fakes.github.problems import Problem, not_found
from tests.fakes.github.repository import Repository
from tests.fakes.github.routing import Route
from tests.fakes.github.world import World

# Longest life of an App's JSON web token, and the clock drift GitHub forgives. Source: GitHub's documentation
# "Generating a JSON Web Token (JWT) for a GitHub App".
JWT_LIFETIME_S = 600
JWT_DRIFT_S = 60


@dataclass(frozen=True)
class Identity:
    """A token's bearer, a GitHub App, or nobody."""

    token: Token | None = None
    app: App | None = None

    @property
    def account(self) -> Account | None:
        return self.token.account if self.token else None

    @property
    def key(self) -> str:
        """What rate limits are counted by."""
        return self.token.value if self.token else f"app-{self.app.id}" if self.app else "anonymous"

    def role_in(self, world: World, repository: Repository) -> str:
        """The role of the bearer; an installation's is what its permissions amount to."""
        token = self.token
        if token is None:
            return "none" if repository.private else "pull"
        if token.installation is None:
            return world.role(token.account, repository)
        if not _reaches(token, repository):
            return "none" if repository.private else "pull"
        return "admin" if token.may("administration:write") else "push"


def identify(world: World, request: Request) -> Identity:
    """Raises Problem 401 for credentials that are not good."""
    header = request.headers.get("authorization", "")
    scheme, _, value = header.partition(" ")
    if not header:
        return Identity()
    if scheme.lower() == "basic":
        try:
            value = base64.b64decode(value).decode().rpartition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            raise Problem(401, "Bad credentials") from None
    elif scheme.lower() not in ("token", "bearer"):
        raise Problem(401, "Bad credentials")
    if value.count(".") == 2:
        return Identity(app=_app_of(world, value))
    token = world.tokens.get(value.strip())
    if token is None or (token.expires_at is not None and token.expires_at <= world.now()):
        raise Problem(401, "Bad credentials")
    return Identity(token=token)


def _app_of(world: World, token: str) -> App:
    # The claims are checked by hand, against the server's clock instead of the machine's.
    try:
        issuer = str(jwt.decode(token, options={"verify_signature": False}).get("iss"))
    except jwt.InvalidTokenError:
        raise Problem(401, "A JSON web token could not be decoded") from None
    app = next((app for app in world.apps if issuer in (str(app.id), app.client_id)), None)
    if app is None:
        raise Problem(401, "'Issuer' claim ('iss') must be an Integer")
    try:
        claims = jwt.decode(
            token, app.public_key, algorithms=["RS256"], options={"verify_exp": False, "verify_iat": False}
        )
    except jwt.InvalidTokenError:
        raise Problem(401, "A JSON web token could not be decoded") from None
    now = world.now().timestamp()
    expires, issued = claims.get("exp"), claims.get("iat")
    if not isinstance(expires, int | float) or expires <= now:
        raise Problem(401, "'Expiration time' claim ('exp') must be a numeric value representing the future time")
    if expires > now + JWT_LIFETIME_S:
        raise Problem(401, "'Expiration time' claim ('exp') is too far in the future")
    if not isinstance(issued, int | float) or issued > now + JWT_DRIFT_S:
        raise Problem(401, "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued")  # fmt: skip  # noqa: E501
    return app


def _reaches(token: Token, repository: Repository) -> bool:
    """Whether a token was given this repository at all."""
    if token.installation is not None and token.installation.account is not repository.owner:
        return False
    return token.repositories is None or repository.id in token.repositories


def visible(world: World, identity: Identity, repository: Repository) -> bool:
    if not repository.private:
        return True
    token = identity.token
    if token is None or not covers(identity.role_in(world, repository), "pull"):
        return False
    if token.kind == "classic":
        return "repo" in token.scopes
    return _reaches(token, repository)


def check_route(identity: Identity, route: Route) -> None:
    """Raises Problem if the kind of credentials does not fit the operation."""
    if route.app_only and identity.app is None:
        message = "A JSON web token could not be decoded" if identity.token else "Requires authentication"
        raise Problem(401, message)
    if not route.app_only and identity.app is not None:
        raise Problem(403, "This endpoint requires you to be authenticated with an installation token")


def check_repository(world: World, identity: Identity, repository: Repository, route: Route) -> None:
    """Raises Problem as GitHub does when a request may not see a repository, or may not do this to it.

    What a token cannot see is 404, also for a write that its scopes do not cover.
    """
    if not visible(world, identity, repository):
        raise not_found()
    writes = route.method != "GET"
    token = identity.token
    if token is None:
        if writes:
            raise Problem(401, "Requires authentication")
        return
    if token.kind == "classic":
        wanted = {"delete_repo"} if route.scopes == "delete_repo" else {"repo"}
        if not repository.private and route.scopes != "delete_repo":
            wanted.add("public_repo")
        if writes and not wanted & token.scopes:
            raise Problem(403, "Must have admin rights to Repository.") if route.role == "admin" else not_found()
    else:
        _check_permission(token, repository, route)
    if not covers(identity.role_in(world, repository), route.role):
        if route.role == "admin":
            raise Problem(403, "Must have admin rights to Repository.")
        if (route.permission or "").startswith("contents"):
            raise not_found()
        raise Problem(403, "Must have push access to repository")
    if writes and repository.archived and route.template != "/repos/{owner}/{repo}":
        raise Problem(403, "Repository was archived so is read-only.")


def _check_permission(token: Token, repository: Repository, route: Route) -> None:
    if route.permission is None:
        return
    readable = not repository.private and route.permission.endswith(":read")
    if readable or (_reaches(token, repository) and token.may(route.permission)):
        return
    raise refused_permission(token, route.permission)


def refused_permission(token: Token, permission: str) -> Problem:
    """403 for a fine-grained or installation token, with what would have been accepted."""
    bearer = "integration" if token.kind == "installation" else "personal access token"
    accepted = {"X-Accepted-GitHub-Permissions": permission.replace(":", "=")}
    return Problem(403, f"Resource not accessible by {bearer}", headers=accepted)


def check_workflow_change(identity: Identity, paths: list[str]) -> None:
    """Raises Problem if files of `.github/workflows/` change without the right to: the `workflow` scope of a
    classic token (GitHub hides the refusal behind a 404), or the `workflows` permission."""
    token = identity.token
    if token is None or not any(path.startswith(".github/workflows/") for path in paths):
        return
    if token.kind == "classic":
        if "workflow" not in token.scopes:
            raise not_found()
    elif not token.may("workflows:write"):
        raise refused_permission(token, "workflows:write")
