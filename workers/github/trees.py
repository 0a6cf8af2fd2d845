"""What stands on a branch: its tip, and the files at certain paths."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from workers.github.api import Api
from workers.github.inputs import part

FILE, EXECUTABLE = "100644", "100755"


@dataclass(frozen=True)
class Entry:
    """A file of a tree. GitHub keeps the content of every former one, so that its ``sha`` is enough to restore it."""

    mode: str
    sha: str

    def as_state(self) -> dict[str, Any]:
        return {"mode": self.mode, "sha": self.sha}


def blob_sha(content: bytes) -> str:
    """The name that git gives to a content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def tip(api: Api, repo: str, branch: str) -> str | None:
    """The commit that a branch points to; None if there is no such branch. An empty repository has none (409)."""
    found = api.find(f"/repos/{repo}/git/ref/heads/{part(branch)}", absent=(404, 409))
    return None if found is None else str(found["object"]["sha"])


def tree_of(api: Api, repo: str, commit: str) -> str:
    return str(api.get(f"/repos/{repo}/git/commits/{commit}")["tree"]["sha"])


class Trees:
    """The trees of one commit, each folder fetched once and only if it is on the way to a wanted path."""

    def __init__(self, api: Api, repo: str, root: str) -> None:
        self._api = api
        self._repo = repo
        self._root = root
        self._folders: dict[str, dict[str, Any]] = {}

    def entries(self, paths: Iterable[str]) -> dict[str, Entry | None]:
        """The file (or submodule) at each path; None where there is none, or a folder."""
        return {path: self._entry(path) for path in paths}

    def _entry(self, path: str) -> Entry | None:
        sha, found = self._root, None
        for name in path.split("/"):
            if sha == "":
                return None
            found = self._folder(sha).get(name)
            sha = found["sha"] if found is not None and found["type"] == "tree" else ""
        return None if found is None or found["type"] == "tree" else Entry(found["mode"], found["sha"])

    def _folder(self, sha: str) -> dict[str, Any]:
        if sha not in self._folders:
            answer = self._api.get(f"/repos/{self._repo}/git/trees/{sha}")
            self._folders[sha] = {entry["path"]: entry for entry in answer["tree"]}
        return self._folders[sha]


def entries(api: Api, repo: str, branch: str, paths: Iterable[str]) -> dict[str, Entry | None]:
    """The files at these paths of a branch; nothing anywhere if there is no such branch."""
    commit = tip(api, repo, branch)
    if commit is None:
        return dict.fromkeys(paths)
    return Trees(api, repo, tree_of(api, repo, commit)).entries(paths)
