"""The state of one repository, and the git operations GitHub does on a client's behalf."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.fakes.github.accounts import Account
from tests.fakes.github.git import FILE_MODE, CommitInfo, GitStore, Signature
from tests.fakes.github.runs import Run, Workflow
from tests.fakes.github.tracker import Issue, Label, Release, Status

HEADS = "refs/heads/"
TAGS = "refs/tags/"


@dataclass
class CheckRun:
    """A check reported by a GitHub App."""

    id: int
    name: str
    sha: str
    status: str
    conclusion: str | None
    app: str
    started_at: datetime
    completed_at: datetime | None = None
    details_url: str | None = None
    external_id: str | None = None
    title: str | None = None
    summary: str | None = None
    text: str | None = None


@dataclass
class Invitation:
    id: int
    invitee: Account
    inviter: Account
    role: str
    created_at: datetime


@dataclass
class Repository:
    id: int
    name: str
    owner: Account
    created_at: datetime
    updated_at: datetime
    pushed_at: datetime
    private: bool = False
    description: str | None = None
    homepage: str | None = None
    default_branch: str = "main"
    is_template: bool = False
    archived: bool = False
    template: Repository | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    topics: list[str] = field(default_factory=list)
    git: GitStore = field(default_factory=GitStore)
    refs: dict[str, str] = field(default_factory=dict)
    protections: dict[str, dict[str, Any]] = field(default_factory=dict)
    collaborators: dict[str, str] = field(default_factory=dict)
    invitations: list[Invitation] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    issues: dict[int, Issue] = field(default_factory=dict)
    statuses: list[Status] = field(default_factory=list)
    check_runs: list[CheckRun] = field(default_factory=list)
    workflows: dict[str, Workflow] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)
    releases: list[Release] = field(default_factory=list)

    @property
    def full_name(self) -> str:
        return f"{self.owner.login}/{self.name}"

    @property
    def pulls(self) -> list[Issue]:
        return [issue for issue in self.issues.values() if issue.pull is not None]

    def branch(self, name: str) -> str | None:
        """The SHA a branch points at, None if there is no such branch."""
        return self.refs.get(HEADS + name)

    def resolve(self, ref: str) -> str | None:
        """The commit behind a branch, a tag, `heads/x`, a full ref or a SHA (7 digits or more)."""
        for candidate in (ref, f"refs/{ref}", HEADS + ref, TAGS + ref):
            if candidate in self.refs:
                return self.git.tag_target(self.refs[candidate])
        try:
            return self.git.commit(ref).sha
        except KeyError:
            return self.git.expand(ref)

    def head(self, ref: str | None = None) -> CommitInfo | None:
        sha = self.resolve(ref or self.default_branch)
        return None if sha is None else self.git.commit(sha)

    def file(self, path: str, ref: str | None = None) -> bytes | None:
        """A file's content; for tests that look behind the API."""
        head = self.head(ref)
        entry = head and self.git.entry(head.tree, path)
        return self.git.blob(entry.sha) if entry and entry.type == "blob" else None

    def commit_files(
        self,
        branch: str,
        files: Mapping[str, bytes | str | None],
        message: str,
        author: Signature,
        committer: Signature | None = None,
    ) -> str:
        """A commit's SHA on top of a branch (a first commit if there is none); the branch is not moved."""
        parent = self.branch(branch)
        base = self.git.commit(parent).tree if parent else None
        changes = [(path, f"{FILE_MODE:06o}", self._blob(content)) for path, content in files.items()]
        tree = self.git.put_tree(base, changes)
        parents = [parent] if parent else []
        return self.git.put_commit(tree, parents, message, author, committer or author)

    def _blob(self, content: bytes | str | None) -> str | None:
        if content is None:
            return None
        return self.git.put_blob(content.encode() if isinstance(content, str) else content)

    def label(self, name: str) -> Label | None:
        """Names are compared without case."""
        return next((label for label in self.labels if label.name.lower() == name.lower()), None)

    def setting(self, name: str) -> Any:
        return self.settings.get(name, DEFAULT_SETTINGS[name])


# What a new repository has; source: the recorded answer to POST /orgs/{org}/repos and the description's defaults.
DEFAULT_SETTINGS: dict[str, Any] = {
    "has_issues": True,
    "has_projects": True,
    "has_wiki": True,
    "has_downloads": True,
    "has_discussions": False,
    "allow_squash_merge": True,
    "allow_merge_commit": True,
    "allow_rebase_merge": True,
    "allow_auto_merge": False,
    "delete_branch_on_merge": False,
    "allow_update_branch": False,
    "allow_forking": True,
    "use_squash_pr_title_as_default": False,
    "web_commit_signoff_required": False,
    "squash_merge_commit_title": "COMMIT_OR_PR_TITLE",
    "squash_merge_commit_message": "COMMIT_MESSAGES",
    "merge_commit_title": "MERGE_MESSAGE",
    "merge_commit_message": "PR_TITLE",
}
