"""Faults on demand, for the tests that a write is not repeated blindly."""

from __future__ import annotations

import threading

import github
import pytest
import requests
from github import GithubException

from tests.fakes.github.fixtures import Client
from tests.fakes.github.server import GitHubServer


def test_an_error_before_applying_leaves_nothing_behind(github_server: GitHubServer, client: Client) -> None:
    found = github_server.add_repository("mona/shop")
    github_server.fail_next("POST", "/issues$", 502)
    repo = client().get_repo("mona/shop")
    with pytest.raises(GithubException) as raised:
        repo.create_issue("t")
    assert (raised.value.status, found.issues) == (502, {})
    assert repo.create_issue("t").number == 1
    assert github_server.requests.count("POST", "/issues$") == 2


def test_an_error_after_applying_has_done_it_all_the_same(github_server: GitHubServer, client: Client) -> None:
    found = github_server.add_repository("mona/shop")
    github_server.fail_next("POST", "/issues$", 500, after_applying=True)
    with pytest.raises(GithubException):
        client().get_repo("mona/shop").create_issue("t")
    (exchange,) = github_server.requests.matching("POST", "/issues$")
    assert (exchange.status, exchange.applied, exchange.fault) == (500, True, "fail 500")
    assert exchange.body == {"title": "t"}
    assert list(found.issues) == [1]


@pytest.mark.parametrize("after_applying", [False, True])
def test_a_dropped_connection(after_applying: bool, github_server: GitHubServer, client: Client) -> None:
    found = github_server.add_repository("mona/shop")
    github_server.drop_next("POST", "/issues$", after_applying=after_applying)
    with pytest.raises(requests.exceptions.ConnectionError):
        client().get_repo("mona/shop").create_issue("t")
    assert len(found.issues) == after_applying
    (exchange,) = github_server.requests.matching("POST", "/issues$")
    assert (exchange.status, exchange.applied) == (None, after_applying)


def test_pygithubs_own_retry_makes_the_duplicates_that_reign_must_not(github_server: GitHubServer) -> None:
    found = github_server.add_repository("mona/shop")
    github_server.fail_next("POST", "/issues$", 502, after_applying=True)
    with github.Github(
        base_url=github_server.url,
        auth=github.Auth.Token(github_server.add_token("mona")),
        retry=github.GithubRetry(total=1, backoff_factor=0),
        seconds_between_requests=None,
        seconds_between_writes=None,
    ) as retrying:
        retrying.get_repo("mona/shop").create_issue("t")
    assert len(found.issues) == 2


def test_a_held_request_waits_while_others_pass(github_server: GitHubServer, client: Client) -> None:
    found = github_server.add_repository("mona/shop")
    one, two = client(), client()
    gate = github_server.hold_next("POST", "/issues$")
    waiting = threading.Thread(target=lambda: one.get_repo("mona/shop").create_issue("slow"))
    waiting.start()
    try:
        assert gate.reached.wait(10)
        assert two.get_repo("mona/shop").create_issue("quick").number == 1
    finally:
        gate.open()
        waiting.join(10)
    assert [issue.title for issue in found.issues.values()] == ["quick", "slow"]


def test_a_late_answer_is_met_by_the_clients_timeout(github_server: GitHubServer) -> None:
    github_server.delay_next("GET", "/user$", 30)
    headers = {"authorization": f"token {github_server.add_token('mona')}"}
    with pytest.raises(requests.exceptions.ReadTimeout):
        requests.get(f"{github_server.url}/user", headers=headers, timeout=0.2)
    assert requests.get(f"{github_server.url}/user", headers=headers, timeout=5).status_code == 200


def test_faults_are_used_up_and_unused_ones_are_told(github_server: GitHubServer, client: Client) -> None:
    github_server.add_repository("mona/shop")
    github_server.fail_next("GET", "/user$", 503, times=2, headers={"Retry-After": "1"})
    one = client()
    for _ in range(2):
        with pytest.raises(GithubException) as raised:
            one.get_user().login  # noqa: B018
        assert (raised.value.headers or {})["retry-after"] == "1"
    assert one.get_user().login == "mona"
    github_server.drop_next("DELETE", "/nothing")
    assert [fault.pattern for fault in github_server.faults.unused()] == ["/nothing"]


def test_many_clients_at_once(github_server: GitHubServer, client: Client) -> None:
    found = github_server.add_repository("mona/shop")
    clients = [client() for _ in range(4)]

    def work(one: github.Github) -> None:
        repo = one.get_repo("mona/shop")
        for _ in range(5):
            repo.create_issue("t")

    threads = [threading.Thread(target=work, args=(one,)) for one in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert list(found.issues) == list(range(1, 21))
    assert len(github_server.requests.writes()) == 20


def test_a_body_that_is_not_json_is_400(github_server: GitHubServer) -> None:
    github_server.add_repository("mona/shop")
    headers = {"authorization": f"token {github_server.add_token('mona')}"}
    url = f"{github_server.url}/repos/mona/shop/issues"
    for body, said in ((b"{", "Problems parsing JSON"), (b"[1]", "Body should be a JSON object")):
        answer = requests.post(url, data=body, headers=headers, timeout=5)
        assert (answer.status_code, answer.json()["message"]) == (400, said)
