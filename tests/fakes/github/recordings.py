"""Recorded exchanges with GitHub, sent again to the fake and compared.

A scenario is a list of requests with the answers that api.github.com gave (npm: @octokit/fixtures). Numbers and
SHAs differ between the recording and the fake; they are learnt from one answer and put into the next request.
Because the fake signs commits with the recorded clock and time zone, even the commits' SHAs come out as recorded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import requests

from tests.fakes.github.openapi import OpenApi
from tests.fakes.github.server import GitHubServer

Json = dict[str, Any]

# The people of the recordings, and the zone one of them lives in.
ORGANIZATION, USER_A, USER_B = "octokit-fixture-org", "octokit-fixture-user-a", "octokit-fixture-user-b"
TOKEN_A, TOKEN_B = f"{1:040}", f"{2:040}"
ZONE_A = timezone(timedelta(hours=-6))
SCOPES = (
    "admin:gpg_key, admin:org, admin:org_hook, admin:public_key, admin:repo_hook, delete_repo, gist, "
    "notifications, repo, user, workflow"
)
TEAM_ID = 2527061
TEAM_DESCRIPTION = (
    "If you have a problem, if no one else can help you, then if you can find them, maybe you can hire the A-Team!"
)

# Scenarios outside of what the fake is for.
OUTSIDE = {
    "get-archive": "downloads of archives",
    "mark-notifications-as-read": "notifications",
    "markdown": "rendering Markdown",
    "project-cards": "classic projects, which GitHub has retired",
}
# Values that mean something only where they were made.
VOLATILE = frozenset({"id", "node_id", "documentation_url", "request_id", "created_at", "updated_at"})
VOLATILE |= {"pushed_at", "published_at", "billing_email", "public_repos", "subscribers_count"}
HOSTS = r"(?:[\w.-]*github\.com|127\.0\.0\.1:\d+)"
# Properties that GitHub answered then and no longer describes.
GONE = frozenset({"hub_url", "topic_search_url"})


@dataclass(frozen=True)
class Recorded:
    """One exchange of a scenario."""

    method: str
    host: str
    path: str
    body: Any
    request_headers: dict[str, str]
    status: int
    answer: Any
    headers: dict[str, str]

    @property
    def at(self) -> datetime:
        return parsedate_to_datetime(self.headers["date"]).astimezone(UTC)


@dataclass(frozen=True)
class Scenario:
    name: str
    exchanges: tuple[Recorded, ...]


def scenarios(raw: dict[str, list[Json]]) -> dict[str, Scenario]:
    return {name: Scenario(name, tuple(map(_recorded, exchanges))) for name, exchanges in raw.items()}


def _recorded(raw: Json) -> Recorded:
    pairs = raw["rawHeaders"]
    return Recorded(
        method=raw["method"].upper(),
        host=urlsplit(raw["scope"]).hostname or "",
        path=raw["path"],
        body=raw.get("body") or None,
        request_headers=raw["reqheaders"],
        status=raw["status"],
        answer=raw["response"],
        headers={name.lower(): value for name, value in zip(pairs[::2], pairs[1::2], strict=True)},
    )


class RecordedClock:
    """Stands at the moment of the exchange that is being replayed."""

    def __init__(self) -> None:
        self.moment = datetime(2017, 9, 15, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment


def recorded_world(description: OpenApi | None) -> tuple[GitHubServer, RecordedClock]:
    """A server with the accounts of the recordings and their hello-world repository; not started yet."""
    clock = RecordedClock()
    server = GitHubServer(description, clock)
    server.add_user(USER_A, 31898046, ZONE_A)
    server.add_user(USER_B, 31899067)
    organization = server.add_organization(ORGANIZATION, owners=[USER_A], organization_id=31898100)
    team = server.add_team(ORGANIZATION, "A-Team", [USER_A])
    team.id, team.description = TEAM_ID, TEAM_DESCRIPTION
    scopes = SCOPES.split(", ")
    server.add_token(USER_A, scopes, TOKEN_A)
    server.add_token(USER_B, scopes, TOKEN_B)
    hello = server.world.add_repository(organization, "hello-world")
    hello.default_branch = "master"
    hello.topics = ["fixtures", "hello", "hello-world"]
    server.push(hello, "master", {"README.md": "# hello-world"}, "Initial commit", server.world.account(USER_A))
    return server, clock


@dataclass
class Replay:
    """Sends a scenario's requests and notes every difference of the answers."""

    server: GitHubServer
    clock: RecordedClock
    differences: list[str] = field(default_factory=list)
    _learnt: dict[str, str] = field(default_factory=dict)

    def run(self, scenario: Scenario) -> list[str]:
        for number, recorded in enumerate(scenario.exchanges):
            self.clock.moment = self._moment(scenario.exchanges, number)
            answer = self._send(recorded)
            where = f"{scenario.name} {number}: {recorded.method} {recorded.path}"
            body: Any = answer.text
            if "json" in answer.headers.get("content-type", ""):
                body = answer.json()
            self._learn(recorded.answer, body)
            for difference in self._compare(recorded, answer, body):
                self.differences.append(f"{where}: {difference}")
        return self.differences

    def _moment(self, exchanges: tuple[Recorded, ...], number: int) -> datetime:
        """When GitHub carried a request out: a commit's own date tells it better than the answer's header."""
        commit = exchanges[number].answer.get("commit") if isinstance(exchanges[number].answer, dict) else None
        if isinstance(commit, dict) and "author" in commit:
            return datetime.fromisoformat(commit["author"]["date"])
        return exchanges[number].at

    def _send(self, recorded: Recorded) -> requests.Response:
        base = self.server.uploads_url if recorded.host.startswith("uploads.") else self.server.url
        headers: dict[str, str | bytes] = {
            name: str(recorded.request_headers[name])
            for name in ("accept", "authorization", "content-type")
            if name in recorded.request_headers
        }
        content = recorded.body if isinstance(recorded.body, str | None) else json.dumps(recorded.body)
        return requests.request(
            recorded.method,
            base + self._translated(recorded.path),
            data=None if content is None else self._translated(content).encode(),
            headers={"user-agent": "replay", **headers},
            allow_redirects=False,
            timeout=10,
        )

    def _translated(self, text: str) -> str:
        """A recorded text with what the fake calls things."""
        if not self._learnt:
            return text
        known = "|".join(sorted(map(re.escape, self._learnt), key=len, reverse=True))
        return re.sub(rf"(?<![\w-])(?:{known})(?![\w-])", lambda match: self._learnt[match[0]], text)

    def _learn(self, recorded: Any, answered: Any) -> None:
        if isinstance(recorded, dict) and isinstance(answered, dict):
            for name in recorded.keys() & answered.keys():
                if name == "id" and isinstance(recorded[name], int):
                    self._learnt[str(recorded[name])] = str(answered[name])
                self._learn(recorded[name], answered[name])
        elif isinstance(recorded, list) and isinstance(answered, list):
            for one, other in zip(recorded, answered, strict=False):
                self._learn(one, other)

    def _compare(self, recorded: Recorded, answer: requests.Response, body: Any) -> Iterator[str]:
        if answer.status_code != recorded.status:
            yield f"status {answer.status_code}, recorded {recorded.status}"
        for name in ("content-type", "x-accepted-oauth-scopes", "x-oauth-scopes", "x-github-media-type", "location"):
            told, known = answer.headers.get(name), recorded.headers.get(name)
            if name == "x-accepted-oauth-scopes" and recorded.status >= 300:
                continue
            if self._comparable(told) != self._comparable(self._known(known)):
                yield f"header {name}: {told}, recorded {known}"
        relations = re.compile(r'rel="(prev|next|last|first)"')
        told, known = answer.headers.get("link", ""), recorded.headers.get("link", "")
        if relations.findall(told) != relations.findall(known):
            yield f"header link: {told}, recorded {known}"
        yield from self._compare_value("", recorded.answer, body)

    def _comparable(self, value: Any) -> Any:
        """Addresses without their host; the fake's hosts are its own."""
        if not isinstance(value, str):
            return value
        value = value.replace("https://avatars.githubusercontent.com", "https://github.com/avatars")
        value = value.replace("https://raw.githubusercontent.com", "https://github.com/raw")
        return re.sub(rf"(?:(?:https?|git)://|git@){HOSTS}(?:/uploads)?", "", value)

    def _compare_value(self, place: str, recorded: Any, answered: Any) -> Iterator[str]:
        if type(recorded) is not type(answered) and not {type(recorded), type(answered)} <= {int, float}:
            yield f"{place}: {answered!r:.80}, recorded {recorded!r:.80}"
        elif isinstance(recorded, dict):
            for name in recorded.keys() - GONE:
                if name not in answered:
                    yield f"{place}/{name} is missing, recorded {recorded[name]!r:.80}"
                elif name not in VOLATILE or isinstance(recorded[name], dict | list):
                    yield from self._compare_value(f"{place}/{name}", recorded[name], answered[name])
        elif isinstance(recorded, list):
            if len(recorded) != len(answered):
                yield f"{place}: {len(answered)} items, recorded {len(recorded)}"
            for index, (one, other) in enumerate(zip(recorded, answered, strict=False)):
                yield from self._compare_value(f"{place}/{index}", one, other)
        elif self._comparable(answered) != self._comparable(self._known(recorded)):
            yield f"{place}: {answered!r:.120}, recorded {recorded!r:.120}"

    def _known(self, recorded: Any) -> Any:
        return self._translated(recorded) if isinstance(recorded, str) else recorded
