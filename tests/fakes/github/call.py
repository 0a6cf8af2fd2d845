"""What a handler is given: the request, who sent it, and the state."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.fakes.github.access import Identity
from tests.fakes.github.accounts import Account, covers
from tests.fakes.github.exchange import Answer, Json, Request
from tests.fakes.github.limits import Limits
from tests.fakes.github.links import Links
from tests.fakes.github.problems import Problem, field_error, not_found
from tests.fakes.github.repository import Repository
from tests.fakes.github.tracker import Issue
from tests.fakes.github.world import World


@dataclass
class Call:
    request: Request
    world: World
    links: Links
    limits: Limits
    identity: Identity
    params: dict[str, str]
    found_repository: Repository | None = None
    _body: Json | None = field(default=None, repr=False)

    @property
    def body(self) -> Json:
        if self._body is None:
            self._body = self.request.json_object()
        return self._body

    @property
    def repository(self) -> Repository:
        assert self.found_repository is not None
        return self.found_repository

    @property
    def user(self) -> Account:
        """The account that acts. Raises Problem 401 for anonymous requests."""
        if self.identity.account is None:
            raise Problem(401, "Requires authentication")
        return self.identity.account

    @property
    def is_admin(self) -> bool:
        return self.may("admin")

    def may(self, role: str) -> bool:
        """Whether the bearer has this role in the repository."""
        return covers(self.identity.role_in(self.world, self.repository), role)

    def account(self, login: str) -> Account:
        """A user or organization. Raises Problem 404."""
        try:
            return self.world.account(login)
        except KeyError:
            raise not_found() from None

    def query(self, name: str, default: str = "") -> str:
        return self.request.query.get(name, default)

    def number(self, name: str) -> int:
        """An integer of the path. Raises Problem 404 for anything else, as GitHub does."""
        value = self.params[name]
        if not value.isdigit():
            raise not_found()
        return int(value)

    def required(self, resource: str, *names: str) -> None:
        """Raises Problem 422 naming the fields that are missing."""
        missing = [field_error(resource, name, "missing_field") for name in names if name not in self.body]
        if missing:
            raise Problem(422, "Validation Failed", missing)

    def text(self, name: str, default: str | None = None) -> str | None:
        """A string of the body. Raises Problem 422 for another type."""
        value = self.body.get(name, default)
        if value is not None and not isinstance(value, str):
            raise Problem(422, f"Invalid request.\n\nFor 'properties/{name}', {value!r} is not a string.")
        return value

    def issue(self, name: str = "issue_number") -> Issue:
        issue = self.repository.issues.get(self.number(name))
        if issue is None:
            raise not_found()
        return issue

    def pull(self) -> Issue:
        issue = self.issue("pull_number")
        if issue.pull is None:
            raise not_found()
        return issue


def created(body: Any, location: str | None = None) -> Answer:
    return Answer(201, body, headers={"Location": location} if location else {})


def no_content() -> Answer:
    return Answer(204)
