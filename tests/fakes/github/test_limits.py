"""Rate limits, pages and conditional requests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import requests
from github import GithubException, RateLimitExceededException

from tests.fakes.github.fixtures import Client
from tests.fakes.github.server import GitHubServer


def test_every_answer_tells_what_remains(github_server: GitHubServer, client: Client) -> None:
    token = github_server.add_token("mona")
    one = client(token)
    one.get_user().login  # noqa: B018
    one.get_user().login  # noqa: B018
    assert one.rate_limiting == (4998, 5000)
    assert one.get_rate_limit().resources.core.remaining == 4998
    assert requests.get(f"{github_server.url}/rate_limit", timeout=5).json()["rate"]["limit"] == 60


@pytest.mark.parametrize("status", [403, 429])
def test_a_spent_budget_refuses_until_its_reset(status: int) -> None:
    moment = datetime.now(UTC)
    with GitHubServer(clock=lambda: moment) as server:
        server.add_user("mona")
        token = server.add_token("mona")
        server.set_rate_limit(token, remaining=1, resets_in=90, status=status)
        headers = {"authorization": f"token {token}"}
        url = f"{server.url}/user"
        assert requests.get(url, headers=headers, timeout=5).status_code == 200
        refused = requests.get(url, headers=headers, timeout=5)
        assert refused.status_code == status
        assert refused.json()["message"].startswith("API rate limit exceeded for user ID")
        assert refused.headers["x-ratelimit-remaining"] == "0"
        assert int(refused.headers["x-ratelimit-reset"]) == int((moment + timedelta(seconds=90)).timestamp())
        # Another token has a budget of its own.
        other = {"authorization": f"token {server.add_token('mona')}"}
        assert requests.get(url, headers=other, timeout=5).status_code == 200
        moment += timedelta(seconds=91)
        assert requests.get(url, headers=headers, timeout=5).status_code == 200


def test_search_has_a_budget_of_its_own(github_server: GitHubServer, client: Client) -> None:
    token = github_server.add_token("mona")
    github_server.set_rate_limit(token, remaining=0, resource="search")
    one = client(token)
    with pytest.raises(RateLimitExceededException):
        list(one.search_issues("x"))
    assert one.get_user().login == "mona"


@pytest.mark.parametrize(("status", "retry_after"), [(403, 30), (429, 30), (403, None)])
def test_a_secondary_limit_says_when_to_come_back_or_not(
    status: int, retry_after: int | None, github_server: GitHubServer, client: Client
) -> None:
    found = github_server.add_repository("mona/shop")
    github_server.limit_next("POST", "/issues$", retry_after=retry_after, status=status)
    repo = client().get_repo("mona/shop")
    with pytest.raises(GithubException) as raised:
        repo.create_issue("t")
    assert raised.value.status == status
    assert "secondary rate limit" in raised.value.data["message"]
    assert (raised.value.headers or {}).get("retry-after") == (None if retry_after is None else str(retry_after))
    assert found.issues == {}
    assert repo.create_issue("t").number == 1


def test_pages_are_linked(github_server: GitHubServer) -> None:
    found = github_server.add_repository("mona/shop")
    for number in range(5):
        github_server.world.new_issue(found, found.owner, f"issue {number}", None)
    session = requests.Session()
    with session:
        session.headers["authorization"] = f"token {github_server.add_token('mona')}"
        url = f"{github_server.url}/repos/mona/shop/issues?per_page=2"
        seen, relations = [], []
        while url:
            answer = session.get(url, timeout=5)
            seen += [issue["number"] for issue in answer.json()]
            relations.append(sorted(answer.links))
            url = answer.links.get("next", {}).get("url", "")
    assert seen == [5, 4, 3, 2, 1]
    assert relations == [["last", "next"], ["first", "last", "next", "prev"], ["first", "prev"]]


def test_an_unchanged_answer_is_304_and_costs_nothing(github_server: GitHubServer) -> None:
    found = github_server.add_repository("mona/shop")
    headers = {"authorization": f"token {github_server.add_token('mona')}"}
    url = f"{github_server.url}/repos/mona/shop"
    first = requests.get(url, headers=headers, timeout=5)
    known = {**headers, "if-none-match": first.headers["etag"]}
    second = requests.get(url, headers=known, timeout=5)
    assert (second.status_code, second.content) == (304, b"")
    assert requests.get(f"{github_server.url}/rate_limit", headers=headers, timeout=5).json()["rate"]["used"] == 1
    found.description = "changed"
    assert requests.get(url, headers=known, timeout=5).status_code == 200
