"""Everything the server remembers: accounts, repositories, tokens, Apps, the clock."""

from __future__ import annotations

import hmac
import itertools
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo

from tests.fakes.github import pulling
from tests.fakes.github.accounts import (
    Account,
    App,
    Installation,
    Team,
    Token,
    covers,
    new_key_pair,
    stronger,
)
from tests.fakes.github.git import Signature
from tests.fakes.github.repository import HEADS, Repository
from tests.fakes.github.runs import (
    WORKFLOW_FOLDER,
    Outcome,
    Run,
    Workflow,
    WorkflowFile,
    new_jobs,
    parse_workflow,
)
from tests.fakes.github.tracker import Issue, Label

# Source: GitHub's documentation of "Download workflow run logs".
SIGNED_LINK_S = 60

# Source: the recorded answer to GET /repos/{owner}/{repo}/labels of a new repository.
DEFAULT_LABELS = (
    ("bug", "d73a4a", "Something isn't working"),
    ("documentation", "0075ca", "Improvements or additions to documentation"),
    ("duplicate", "cfd3d7", "This issue or pull request already exists"),
    ("enhancement", "a2eeef", "New feature or request"),
    ("good first issue", "7057ff", "Good for newcomers"),
    ("help wanted", "008672", "Extra attention is needed"),
    ("invalid", "e4e669", "This doesn't seem right"),
    ("question", "d876e3", "Further information is requested"),
    ("wontfix", "ffffff", "This will not be worked on"),
)


@dataclass
class Actions:
    """How runs behave.

    `outcomes` decides by workflow file name how new runs end; with `advance_on_poll` a run makes one step each
    time it is read, so that a client that watches sees every state without anybody sleeping; `hidden_polls` is
    how many listings a dispatched run is still missing from.
    """

    advance_on_poll: bool = False
    hidden_polls: int = 0
    outcomes: dict[str, Outcome] = field(default_factory=dict)


class World:
    """State and its rules; `clock` gives the time (default: the real one, UTC)."""

    def __init__(self, clock: Callable[[], datetime] | None = None) -> None:
        self._clock = clock or (lambda: datetime.now(UTC))
        self._secret = secrets.token_bytes(16)
        self._ids = itertools.count(1_000_001)
        self.accounts: dict[str, Account] = {}
        self.teams: list[Team] = []
        self.apps: list[App] = []
        self.installations: list[Installation] = []
        self.tokens: dict[str, Token] = {}
        self.repositories: dict[int, Repository] = {}
        self.renamed: dict[str, int] = {}
        self.actions = Actions()
        self.index_at_once = True

    def now(self) -> datetime:
        return self._clock()

    def new_id(self) -> int:
        return next(self._ids)

    def request_id(self) -> str:
        return f"REIGN:{secrets.token_hex(8).upper()}"

    def sign(self, path: str) -> str:
        """The query of a link that is its own authorization for a minute."""
        expires = int(self.now().timestamp()) + SIGNED_LINK_S
        return f"se={expires}&sig={self._signature(path, expires)}"

    def signed(self, path: str, expires: str, signature: str) -> bool:
        if not expires.isdigit() or int(expires) < self.now().timestamp():
            return False
        return hmac.compare_digest(signature, self._signature(path, int(expires)))

    def _signature(self, path: str, expires: int) -> str:
        return hmac.new(self._secret, f"{path}?{expires}".encode(), "sha256").hexdigest()

    # accounts and what they may do

    def add_account(self, login: str, kind: str, account_id: int | None = None, zone: tzinfo = UTC) -> Account:
        account = Account(account_id or self.new_id(), login, kind, self.now(), zone)
        self.accounts[login.lower()] = account
        return account

    def account(self, login: str) -> Account:
        """Raises KeyError."""
        return self.accounts[login.lower()]

    def accounts_by_email(self) -> dict[str, Account]:
        return {account.email: account for account in self.accounts.values()}

    def add_app(self, slug: str, owner: str, permissions: Mapping[str, str]) -> App:
        private, public = new_key_pair()
        app = App(
            id=self.new_id(),
            slug=slug,
            name=slug,
            client_id=f"Iv23li{secrets.token_hex(7)}",
            owner=owner,
            permissions={"metadata": "read", **permissions},
            created_at=self.now(),
            private_key=private,
            public_key=public,
        )
        self.apps.append(app)
        self.accounts[f"{slug}[bot]"] = Account(self.new_id(), f"{slug}[bot]", "Bot", self.now(), UTC)
        return app

    def issue_token(self, token: Token) -> Token:
        self.tokens[token.value] = token
        return token

    def installation_token(
        self, installation: Installation, permissions: Mapping[str, str], repositories: Iterable[int] | None
    ) -> Token:
        """A token of an hour. Source of the lifetime: GitHub's documentation of installation tokens."""
        chosen = None if repositories is None else frozenset(repositories)
        if chosen is None and installation.repositories is not None:
            chosen = frozenset(installation.repositories)
        return self.issue_token(
            Token(
                value=f"ghs_{secrets.token_hex(18)}",
                kind="installation",
                account=self.accounts[f"{installation.app.slug}[bot]"],
                permissions=dict(permissions),
                repositories=chosen,
                expires_at=self.now() + timedelta(hours=1),
                installation=installation,
            )
        )

    def role(self, account: Account, repository: Repository) -> str:
        """What a user may do with a repository, from none to admin."""
        if account is repository.owner:
            return "admin"
        role = "none" if repository.private else "pull"
        membership = repository.owner.members.get(account.login)
        if membership is not None:
            role = "admin" if membership == "admin" else stronger(role, "pull")
        for team in self.teams:
            if account.login in team.members and repository.id in team.repositories:
                role = stronger(role, team.repositories[repository.id])
        return stronger(role, repository.collaborators.get(account.login, "none"))

    def signature(self, account: Account, at: datetime | None = None) -> Signature:
        """How an account signs a commit: in its own time zone, to the second."""
        when = (at or self.now()).astimezone(account.zone).replace(microsecond=0)
        return Signature(account.login, account.email, when)

    # repositories

    def add_repository(self, owner: Account, name: str, private: bool = False) -> Repository:
        now = self.now()
        repository = Repository(self.new_id(), name, owner, now, now, now, private=private)
        repository.labels = [
            Label(self.new_id(), label, color, description, default=True)
            for label, color, description in DEFAULT_LABELS
        ]
        self.repositories[repository.id] = repository
        self.renamed.pop(repository.full_name.lower(), None)
        return repository

    def repository(self, full_name: str) -> Repository | None:
        wanted = full_name.lower()
        return next((repo for repo in self.repositories.values() if repo.full_name.lower() == wanted), None)

    def repositories_of(self, account: Account) -> list[Repository]:
        return [repo for repo in self.repositories.values() if repo.owner is account]

    def rename(self, repository: Repository, name: str) -> None:
        self.renamed[repository.full_name.lower()] = repository.id
        repository.name = name
        self.renamed.pop(repository.full_name.lower(), None)

    def new_issue(self, repository: Repository, author: Account, title: str, body: str | None) -> Issue:
        """The next number of a repository; issues and pull requests share them."""
        now = self.now()
        number = max(repository.issues, default=0) + 1
        issue = Issue(self.new_id(), number, author, title, body, now, now, searchable=self.index_at_once)
        repository.issues[number] = issue
        return issue

    # what follows from a push

    def move_ref(self, repository: Repository, ref: str, sha: str | None, actor: Account) -> None:
        """Sets or removes a ref, with what GitHub does then: pull requests follow, workflows start."""
        if sha is None:
            repository.refs.pop(ref, None)
        else:
            repository.refs[ref] = sha
        repository.pushed_at = self.now()
        if not ref.startswith(HEADS):
            return
        branch = ref.removeprefix(HEADS)
        synchronized = pulling.follow_branch(repository, branch, self.now())
        if sha is None:
            return
        self.trigger(repository, "push", branch, sha, actor)
        for issue in synchronized:
            self.trigger(repository, "pull_request", branch, sha, actor, [issue.number])

    def trigger(
        self,
        repository: Repository,
        event: str,
        branch: str,
        sha: str,
        actor: Account,
        pull_numbers: Iterable[int] = (),
    ) -> list[Run]:
        """Starts a run of each workflow of that commit that listens to the event."""
        pulls = list(pull_numbers)
        against = branch
        if event == "pull_request":
            pull = repository.issues[pulls[0]].pull
            assert pull is not None
            against = pull.base
        started = []
        for path, content in self.workflow_contents(repository, sha).items():
            try:
                parsed = parse_workflow(path, content)
            except ValueError:
                if event == "push":
                    started.append(self._broken_run(repository, path, branch, sha, actor))
                continue
            options = parsed.triggers.get(event)
            if options is None or against not in options.get("branches", [against]):
                continue
            if event == "push" and "tags" in options and "branches" not in options:
                continue
            workflow = self.workflow(repository, path, parsed.name)
            if workflow.state == "active":
                started.append(self.start_run(repository, workflow, parsed, event, branch, sha, actor))
                started[-1].pull_numbers = pulls
        return started

    def workflow_contents(self, repository: Repository, sha: str) -> dict[str, bytes]:
        tree = repository.git.commit(sha).tree
        folder = repository.git.entry(tree, WORKFLOW_FOLDER.rstrip("/"))
        if folder is None or folder.type != "tree":
            return {}
        return {
            WORKFLOW_FOLDER + entry.path: repository.git.blob(entry.sha)
            for entry in repository.git.tree(folder.sha)
            if entry.path.endswith((".yml", ".yaml"))
        }

    def workflow(self, repository: Repository, path: str, name: str) -> Workflow:
        """The workflow of a path; a new one gets an id."""
        now = self.now()
        known = repository.workflows.setdefault(path, Workflow(self.new_id(), path, name, now, now))
        known.name = name
        return known

    def start_run(
        self,
        repository: Repository,
        workflow: Workflow,
        parsed: WorkflowFile,
        event: str,
        branch: str,
        sha: str,
        actor: Account,
    ) -> Run:
        now = self.now()
        run = Run(
            id=self.new_id(),
            workflow=workflow,
            number=sum(run.workflow is workflow for run in repository.runs) + 1,
            event=event,
            branch=branch,
            sha=sha,
            actor=actor,
            title=repository.git.commit(sha).message.partition("\n")[0] if event == "push" else workflow.name,
            jobs=new_jobs(parsed, self.new_id, now),
            created_at=now,
            updated_at=now,
            clock=self.now,
            outcome=self.actions.outcomes.get(workflow.path.removeprefix(WORKFLOW_FOLDER), Outcome()),
        )
        repository.runs.append(run)
        return run

    def _broken_run(self, repository: Repository, path: str, branch: str, sha: str, actor: Account) -> Run:
        # GitHub answers a push of an invalid workflow file with a failed run that is named after the file.
        workflow = self.workflow(repository, path, path)
        run = self.start_run(repository, workflow, WorkflowFile(path, path, {}, {}), "push", branch, sha, actor)
        run.status, run.conclusion = "completed", "failure"
        return run

    def may(self, account: Account, repository: Repository, role: str) -> bool:
        return covers(self.role(account, repository), role)
