"""Users, organizations, teams, tokens and GitHub Apps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

ROLES = ("none", "pull", "triage", "push", "maintain", "admin")
CLASSIC_SCOPES = frozenset({"repo", "workflow", "delete_repo", "read:org", "admin:org", "user", "notifications"})


@dataclass
class Account:
    """A user or an organization; `members` maps an organization's users to `admin` or `member`."""

    id: int
    login: str
    kind: str
    created_at: datetime
    zone: tzinfo
    name: str | None = None
    members: dict[str, str] = field(default_factory=dict)

    @property
    def is_organization(self) -> bool:
        return self.kind == "Organization"

    @property
    def email(self) -> str:
        return f"{self.id}+{self.login}@users.noreply.github.com"


@dataclass
class Team:
    id: int
    slug: str
    organization: str
    name: str
    description: str | None = None
    members: set[str] = field(default_factory=set)
    repositories: dict[int, str] = field(default_factory=dict)


@dataclass
class App:
    """A GitHub App; `private_key` is the PEM its owner signs JSON web tokens with."""

    id: int
    slug: str
    name: str
    client_id: str
    owner: str
    permissions: dict[str, str]
    created_at: datetime
    private_key: str
    public_key: str


@dataclass
class Installation:
    """An App on an account; `repositories` is None for all of them."""

    id: int
    app: App
    account: Account
    permissions: dict[str, str]
    created_at: datetime
    repositories: set[int] | None = None
    suspended_at: datetime | None = None


@dataclass
class Token:
    """`kind` is classic (scopes count), fine_grained or installation (permissions count)."""

    value: str
    kind: str
    account: Account
    scopes: frozenset[str] = frozenset()
    permissions: Mapping[str, str] = field(default_factory=dict)
    repositories: frozenset[int] | None = None
    expires_at: datetime | None = None
    installation: Installation | None = None

    def may(self, permission: str) -> bool:
        """Whether a permission such as `contents:write` is covered; write includes read."""
        name, _, level = permission.partition(":")
        levels = ("read", "write", "admin")
        held = self.permissions.get(name)
        return held is not None and levels.index(held) >= levels.index(level)


def new_key_pair() -> tuple[str, str]:
    """An RSA key as (private, public) PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


def stronger(first: str, second: str) -> str:
    """The stronger of two roles."""
    return max(first, second, key=ROLES.index)


def covers(role: str, wanted: str) -> bool:
    return ROLES.index(role) >= ROLES.index(wanted)
