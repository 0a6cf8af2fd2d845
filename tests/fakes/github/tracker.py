"""Issues, pull requests and what hangs on them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from tests.fakes.github.accounts import Account


@dataclass
class Label:
    id: int
    name: str
    color: str
    description: str | None = None
    default: bool = False


@dataclass
class Comment:
    id: int
    author: Account
    body: str
    created_at: datetime
    updated_at: datetime


@dataclass
class Review:
    """`state`: APPROVED, CHANGES_REQUESTED, COMMENTED, PENDING or DISMISSED."""

    id: int
    author: Account
    state: str
    body: str
    commit: str
    submitted_at: datetime


@dataclass
class PullRequest:
    """The part of an issue that makes it a pull request.

    `mergeable` is None until somebody has read the pull request once since its head or base moved: GitHub works
    it out in the background, and a client has to ask again.
    """

    head: str
    head_sha: str
    base: str
    base_sha: str
    draft: bool = False
    mergeable: bool | None = None
    conflicts: list[str] = field(default_factory=list)
    merged_at: datetime | None = None
    merged_by: Account | None = None
    merge_commit: str | None = None
    maintainer_can_modify: bool = False
    reviewers: list[Account] = field(default_factory=list)
    reviews: list[Review] = field(default_factory=list)


@dataclass
class Issue:
    id: int
    number: int
    author: Account
    title: str
    body: str | None
    created_at: datetime
    updated_at: datetime
    state: str = "open"
    state_reason: str | None = None
    closed_at: datetime | None = None
    closed_by: Account | None = None
    locked: bool = False
    lock_reason: str | None = None
    labels: list[Label] = field(default_factory=list)
    assignees: list[Account] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)
    pull: PullRequest | None = None
    searchable: bool = True


@dataclass
class Status:
    id: int
    sha: str
    state: str
    context: str
    description: str | None
    target_url: str | None
    creator: Account
    created_at: datetime


@dataclass
class Asset:
    id: int
    name: str
    label: str
    content_type: str
    content: bytes
    uploader: Account
    created_at: datetime
    updated_at: datetime
    downloads: int = 0


@dataclass
class Release:
    id: int
    tag: str
    target: str
    name: str | None
    body: str | None
    draft: bool
    prerelease: bool
    author: Account
    created_at: datetime
    published_at: datetime | None
    assets: list[Asset] = field(default_factory=list)
