"""A repository to try things in: on the stateful fake, or at GitHub itself.

With ``GITHUB_TOKEN`` and ``REIGN_TEST_GITHUB_REPO`` (owner/name, writable) set, the agent's contract
suite runs against GitHub (scopes: repo, workflow, delete_repo), or against the Enterprise Server at
``GITHUB_API_URL``. Each test then works on a branch of its own, names all that it makes after it, and takes it away
again.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from tests.fakes.github import GitHubServer

REPOSITORY, TOKEN, ADDRESS = "REIGN_TEST_GITHUB_REPO", "GITHUB_TOKEN", "GITHUB_API_URL"
FILES = {"README.md": "# shop\n", "src/app.py": "print('hi')\n", "run.sh": "#!/bin/sh\n"}


@dataclass
class Place:
    """``repo`` with a branch ``base`` that holds ``FILES``; ``prefix`` begins the name of all that a test makes."""

    url: str
    token: str
    repo: str
    base: str
    prefix: str = ""
    server: GitHubServer | None = None

    @property
    def options(self) -> dict[str, Any]:
        return {"base_url": self.url, "token": self.token, "poll": 0.02 if self.server else 3.0}

    @property
    def fake(self) -> GitHubServer:
        """The fake, for tests that make it fail. Skips at GitHub."""
        if self.server is None:
            pytest.skip("GitHub itself cannot be told to fail")
        return self.server

    def call(self, verb: str, path: str, body: Any = None, **params: Any) -> Any:
        """The test's own request, independent of the agent."""
        headers = {"authorization": f"token {self.token}", "accept": "application/vnd.github+json"}
        answer = requests.request(verb, self.url + path, json=body, params=params, headers=headers, timeout=30)
        assert answer.ok, f"{verb} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def of_repo(self, verb: str, path: str, body: Any = None, **params: Any) -> Any:
        return self.call(verb, f"/repos/{self.repo}{path}", body, **params)

    def branch(self, name: str, start: str | None = None) -> str:
        sha = self.of_repo("GET", f"/git/ref/heads/{start or self.base}")["object"]["sha"]
        self.of_repo("POST", "/git/refs", {"ref": f"refs/heads/{self.prefix}{name}", "sha": sha})
        return self.prefix + name

    def commit(self, branch: str, files: Mapping[str, str | None], message: str = "by somebody else") -> str:
        """As if somebody else had pushed."""
        head = self.of_repo("GET", f"/git/ref/heads/{branch}")["object"]["sha"]
        entries = [
            {"path": path, "mode": "100755" if path.endswith(".sh") else "100644", "type": "blob"}
            | ({"sha": None} if text is None else {"content": text})
            for path, text in files.items()
        ]
        tree = self.of_repo("POST", "/git/trees", {"base_tree": head, "tree": entries})["sha"]
        sha = self.of_repo("POST", "/git/commits", {"message": message, "tree": tree, "parents": [head]})["sha"]
        self.of_repo("PATCH", f"/git/refs/heads/{branch}", {"sha": sha})
        return str(sha)

    def pull(self, head: str, title: str = "change", **more: Any) -> int:
        body = {"head": head, "base": self.base, "title": self.prefix + title, **more}
        return int(self.of_repo("POST", "/pulls", body)["number"])

    def issue(self, title: str = "trouble", body: str = "it smokes") -> int:
        return int(self.of_repo("POST", "/issues", {"title": self.prefix + title, "body": body})["number"])

    def text(self, branch: str, path: str) -> str | None:
        """A file's content, None if there is none."""
        headers = {"authorization": f"token {self.token}", "accept": "application/vnd.github.raw+json"}
        url = f"{self.url}/repos/{self.repo}/contents/{path}"
        answer = requests.get(url, params={"ref": branch}, headers=headers, timeout=30)
        assert answer.status_code in (200, 404), answer.text
        return answer.text if answer.ok else None

    def tree(self, branch: str) -> dict[str, tuple[str, str]]:
        answer = self.of_repo("GET", f"/git/trees/{branch}", recursive=1)
        return {one["path"]: (one["mode"], one["sha"]) for one in answer["tree"] if one["type"] != "tree"}

    def messages(self, branch: str) -> list[str]:
        """Of the branch's commits, newest first."""
        return [one["commit"]["message"] for one in self.of_repo("GET", "/commits", sha=branch)]

    def world(self) -> Any:
        """All that an operation may touch, as far as it is this test's."""
        branches = [one["name"] for one in self.of_repo("GET", "/branches", per_page=100)]
        mine = [name for name in branches if name.startswith(self.prefix)]
        issues = self.of_repo("GET", "/issues", state="all", per_page=100)
        return {
            "branches": {name: self.tree(name) for name in mine},
            "issues": [
                (
                    one["number"],
                    one["state"],
                    one["title"],
                    sorted(label["name"] for label in one["labels"]),
                    [c["body"] for c in self.of_repo("GET", f"/issues/{one['number']}/comments")],
                )
                for one in issues
                if one["title"].startswith(self.prefix)
            ],
            "reviewers": [
                (one["number"], sorted(who["login"] for who in one["requested_reviewers"]))
                for one in self.of_repo("GET", "/pulls", state="all")
                if one["title"].startswith(self.prefix)
            ],
            "releases": [
                (one["tag_name"], one["name"], one["draft"], sorted(asset["name"] for asset in one["assets"]))
                for one in self.of_repo("GET", "/releases")
                if one["tag_name"].startswith(self.prefix)
            ],
            "tags": [one["name"] for one in self.of_repo("GET", "/tags") if one["name"].startswith(self.prefix)],
            "repositories": sorted(
                one["full_name"]
                for one in self.call("GET", "/user/repos", per_page=100)
                if one["name"].startswith(self.prefix)
            ),
        }

    def clean(self) -> None:
        """Take away what a test left at GitHub; a revert has the prefix in the middle of its name and its title."""
        for one in self.of_repo("GET", "/issues", state="open", per_page=100):
            if self.prefix in one["title"]:
                self.of_repo("PATCH", f"/issues/{one['number']}", {"state": "closed"})
        for one in self.of_repo("GET", "/releases", per_page=100):
            if one["tag_name"].startswith(self.prefix):
                self.of_repo("DELETE", f"/releases/{one['id']}")
        for kind in ("heads", "tags"):
            for start in (self.prefix, "revert-"):
                for one in self.of_repo("GET", f"/git/matching-refs/{kind}/{start}"):
                    if self.prefix in one["ref"]:
                        self.of_repo("DELETE", f"/git/{one['ref']}")
        for one in self.call("GET", "/user/repos", per_page=100):
            if one["name"].startswith(self.prefix):
                self.call("DELETE", f"/repos/{one['full_name']}")


@contextlib.contextmanager
def at_github(token: str, repo: str) -> Iterator[Place]:
    """A branch of its own at GitHub, with all that the test made removed afterwards."""
    prefix = f"reign-{secrets.token_hex(4)}-"
    url = os.environ.get(ADDRESS) or "https://api.github.com"
    place = Place(url.rstrip("/"), token, repo, base=f"{prefix}main", prefix=prefix)
    main = place.of_repo("GET", "")["default_branch"]
    place.branch("main", start=main)
    place.commit(place.base, FILES, "files to try things with")
    try:
        yield place
    finally:
        place.clean()


def on_fake(server: GitHubServer) -> Place:
    """``mona/shop`` on the fake."""
    repository = server.add_repository("mona/shop", FILES)
    place = Place(server.url, server.add_token("mona"), repository.full_name, base="main", server=server)
    place.commit("main", {"run.sh": FILES["run.sh"]}, "make it executable")
    return place


@pytest.fixture
def place(github_server: GitHubServer) -> Iterator[Place]:
    """GitHub itself if the environment names a repository there, else the fake."""
    token, repo = os.environ.get(TOKEN), os.environ.get(REPOSITORY)
    if token and repo:
        with at_github(token, repo) as found:
            yield found
    else:
        yield on_fake(github_server)
