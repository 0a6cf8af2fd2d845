"""The addresses that answers carry."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from urllib.parse import quote

from tests.fakes.github.repository import Repository


@dataclass(frozen=True)
class Links:
    """`api` is the root the client used (with /api/v3 for Enterprise); `logs` is where signed log downloads are,
    another host that refuses an Authorization header; `assets` is where those of release assets are."""

    api: str
    web: str
    uploads: str
    assets: str
    logs: str

    def repo(self, repository: Repository, rest: str = "") -> str:
        return f"{self.api}/repos/{repository.full_name}{rest}"

    def html(self, repository: Repository, rest: str = "") -> str:
        return f"{self.web}/{repository.full_name}{rest}"


def node_id(kind: str, *parts: object) -> str:
    """An opaque id; GitHub's are base64 too."""
    text = ":".join(str(part) for part in parts)
    return f"{kind}_{base64.urlsafe_b64encode(text.encode()).decode().rstrip('=')}"


def quoted(path: str) -> str:
    return quote(path, safe="/")
