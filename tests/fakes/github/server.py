"""The server as a test sees it: its addresses, its state, its faults."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, tzinfo
from types import TracebackType
from typing import Self

from tests.fakes.github.accounts import CLASSIC_SCOPES, Account, App, Installation, Team, Token
from tests.fakes.github.exchange import Request, RequestLog
from tests.fakes.github.faults import Fault, Faults, Gate
from tests.fakes.github.limits import secondary_limit
from tests.fakes.github.links import Links
from tests.fakes.github.listener import Listener
from tests.fakes.github.openapi import OpenApi, Violation
from tests.fakes.github.problems import Problem
from tests.fakes.github.repository import HEADS, Repository
from tests.fakes.github.service import Arrival, Service
from tests.fakes.github.tracker import Review
from tests.fakes.github.world import Actions, World

ENTERPRISE_API = "/api/v3"
ENTERPRISE_UPLOADS = "/api/uploads"
UPLOADS = "/uploads"
STORAGE = "/api/storage"
PREFIXES = {
    ENTERPRISE_API: ("api", True),
    ENTERPRISE_UPLOADS: ("uploads", True),
    UPLOADS: ("uploads", False),
    STORAGE: ("storage", False),
}


class GitHubServer:
    """GitHub's REST API on loopback, in memory; `with GitHubServer() as server: server.url`.

    `url` is used like api.github.com, `enterprise_url` like a GitHub Enterprise Server's base URL. Uploads and
    assets have paths of their own on the same port, since PyGithub goes to no other for a base URL that is not
    api.github.com; logs are on another host and port, as at GitHub. With a `description` every accepted request and
    every answer is checked, and what differs is in `violations`.
    """

    def __init__(self, description: OpenApi | None = None, clock: Callable[[], datetime] | None = None) -> None:
        self.world = World(clock)
        self._service = Service(self.world, description)
        self._api = Listener(self._service, self._api_arrival)
        self._logs = Listener(self._service, self._log_arrival)
        self.url = f"http://127.0.0.1:{self._api.server_port}"
        self.enterprise_url = f"{self.url}{ENTERPRISE_API}"
        self.uploads_url = f"{self.url}{UPLOADS}"
        # Another host name than the API's, so that clients drop their credentials on the way there.
        self.logs_url = f"http://localhost:{self._logs.server_port}"

    def __enter__(self) -> Self:
        self._api.start()
        self._logs.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.faults.clear()
        self._api.stop()
        self._logs.stop()

    # what was seen

    @property
    def requests(self) -> RequestLog:
        return self._service.requests

    @property
    def violations(self) -> list[Violation]:
        return self._service.violations

    @property
    def checked(self) -> bool:
        """Whether GitHub's description is there to check against."""
        return self._service.description is not None

    # accounts and credentials

    def add_user(self, login: str, user_id: int | None = None, zone: tzinfo = UTC) -> Account:
        return self.world.add_account(login, "User", user_id, zone)

    def add_organization(
        self,
        login: str,
        owners: Iterable[str] = (),
        members: Iterable[str] = (),
        organization_id: int | None = None,
    ) -> Account:
        account = self.world.add_account(login, "Organization", organization_id)
        account.members = dict.fromkeys(members, "member") | dict.fromkeys(owners, "admin")
        return account

    def add_team(self, organization: str, name: str, members: Iterable[str] = ()) -> Team:
        team = Team(self.world.new_id(), name.lower(), organization, name, members=set(members))
        self.world.teams.append(team)
        return team

    def add_token(self, login: str, scopes: Iterable[str] = CLASSIC_SCOPES, value: str | None = None) -> str:
        """A classic personal access token, with every scope unless told otherwise."""
        made = value or f"ghp_{self.world.new_id():036}"
        token = Token(made, "classic", self.world.account(login), scopes=frozenset(scopes))
        return self.world.issue_token(token).value

    def add_fine_grained_token(
        self,
        login: str,
        permissions: Mapping[str, str],
        repositories: Iterable[Repository] | None = None,
        expires_at: datetime | None = None,
    ) -> str:
        """A fine-grained token; metadata may always be read."""
        token = Token(
            value=f"github_pat_{self.world.new_id():070}",
            kind="fine_grained",
            account=self.world.account(login),
            permissions={"metadata": "read", **permissions},
            repositories=None if repositories is None else frozenset(one.id for one in repositories),
            expires_at=expires_at,
        )
        return self.world.issue_token(token).value

    def add_app(self, slug: str, owner: str, permissions: Mapping[str, str]) -> App:
        """A GitHub App with a new key pair."""
        return self.world.add_app(slug, owner, permissions)

    def install(self, app: App, login: str, repositories: Iterable[Repository] | None = None) -> Installation:
        installation = Installation(
            id=self.world.new_id(),
            app=app,
            account=self.world.account(login),
            permissions=dict(app.permissions),
            created_at=self.world.now(),
            repositories=None if repositories is None else {one.id for one in repositories},
        )
        self.world.installations.append(installation)
        return installation

    # repositories

    def add_repository(
        self,
        full_name: str,
        files: Mapping[str, bytes | str] | None = None,
        private: bool = False,
        is_template: bool = False,
    ) -> Repository:
        """A repository whose `main` has one commit with the files; without files it is empty."""
        owner, _, name = full_name.partition("/")
        account = self.world.account(owner)
        repository = self.world.add_repository(account, name, private)
        repository.is_template = is_template
        if files:
            self.push(repository, "main", files, "initial commit", account)
        return repository

    def push(
        self,
        repository: Repository,
        branch: str,
        files: Mapping[str, bytes | str | None],
        message: str = "change",
        author: Account | None = None,
        start: str | None = None,
    ) -> str:
        """Commits files (None removes one) as if pushed by somebody else; returns the SHA.

        A branch that does not exist starts at `start`, or at the default branch.
        """
        by = author or repository.owner
        if repository.branch(branch) is None and repository.refs:
            head = repository.head(start)
            assert head is not None
            repository.refs[HEADS + branch] = head.sha
        sha = repository.commit_files(branch, files, message, self.world.signature(by))
        self.world.move_ref(repository, HEADS + branch, sha, by)
        return sha

    def approve(self, repository: Repository, number: int, login: str) -> None:
        """Another user's approving review."""
        pull = repository.issues[number].pull
        assert pull is not None
        now = self.world.now()
        author = self.world.account(login)
        pull.reviews.append(Review(self.world.new_id(), author, "APPROVED", "", pull.head_sha, now))

    @property
    def actions(self) -> Actions:
        """How workflow runs behave; the runs themselves are in `repository.runs`."""
        return self.world.actions

    def reindex(self) -> None:
        """Makes every issue searchable, for a server with `world.index_at_once = False`."""
        for repository in self.world.repositories.values():
            for issue in repository.issues.values():
                issue.searchable = True

    # trouble

    @property
    def faults(self) -> Faults:
        return self._service.faults

    def fail_next(
        self,
        method: str | None,
        path: str,
        status: int = 502,
        after_applying: bool = False,
        message: str = "Server Error",
        headers: Mapping[str, str] | None = None,
        times: int = 1,
    ) -> None:
        """The next matching requests (`path` is a regular expression) are answered with an error."""
        problem = Problem(status, message, headers=headers)
        self.faults.plan(Fault(method, path, problem, after_applying=after_applying, left=times, name=f"fail {status}"))

    def drop_next(self, method: str | None, path: str, after_applying: bool = False, times: int = 1) -> None:
        """The connection of the next matching requests is closed without an answer."""
        self.faults.plan(Fault(method, path, drop=True, after_applying=after_applying, left=times, name="drop"))

    def hold_next(self, method: str | None, path: str) -> Gate:
        """The next matching request waits, not applied yet, until `gate.open()`."""
        gate = Gate()
        self.faults.plan(Fault(method, path, gate=gate, name="hold"))
        return gate

    def delay_next(self, method: str | None, path: str, seconds: float, times: int = 1) -> None:
        """The next matching requests are carried out `seconds` late."""
        self.faults.plan(Fault(method, path, gate=Gate(seconds), left=times, name="delay"))

    def limit_next(
        self,
        method: str | None = None,
        path: str = "",
        retry_after: int | None = 60,
        status: int = 403,
        times: int = 1,
    ) -> None:
        """The next matching requests meet a secondary rate limit (status 403 or 429)."""
        problem = secondary_limit(status, retry_after)
        self.faults.plan(Fault(method, path, problem, left=times, name="secondary limit"))

    def set_rate_limit(
        self,
        token: str | None,
        remaining: int,
        resets_in: float = 3600,
        resource: str = "core",
        status: int = 403,
    ) -> None:
        """Leaves a token (None: anonymous requests) `remaining` requests; then `status` until the reset."""
        self._service.limits.refusal_status = status
        self._service.limits.set(token or "anonymous", self.world.now(), remaining, resets_in, resource)

    # where requests come in

    def _links(self, enterprise: bool) -> Links:
        api = self.enterprise_url if enterprise else self.url
        uploads = f"{self.url}{ENTERPRISE_UPLOADS}" if enterprise else self.uploads_url
        return Links(api, self.url, uploads, f"{self.url}{STORAGE}", self.logs_url)

    def _api_arrival(self, request: Request) -> Arrival:
        for prefix, (host, enterprise) in PREFIXES.items():
            if request.path == prefix or request.path.startswith(f"{prefix}/"):
                return Arrival(_without(request, prefix), host, self._links(enterprise))
        return Arrival(request, "api", self._links(enterprise=False))

    def _log_arrival(self, request: Request) -> Arrival:
        return Arrival(request, "storage", self._links(enterprise=False))


def _without(request: Request, prefix: str) -> Request:
    path = request.path.removeprefix(prefix) or "/"
    return Request(request.method, path, request.query, request.headers, request.body)
