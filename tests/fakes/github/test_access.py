"""Who may do what: tokens, scopes, Apps, roles, Enterprise addresses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import github
import jwt
import pytest
import requests
from github import Auth, BadCredentialsException, GithubException, GithubIntegration, UnknownObjectException

from tests.fakes.github.fixtures import Client
from tests.fakes.github.server import GitHubServer


def status_of(raised: pytest.ExceptionInfo[GithubException]) -> tuple[int, str]:
    return raised.value.status, raised.value.data["message"]


def test_a_token_tells_its_scopes(github_server: GitHubServer, client: Client) -> None:
    one = client(github_server.add_token("mona", ["repo", "workflow"]))
    assert one.get_user().login == "mona"
    assert one.oauth_scopes == ["repo", "workflow"]


def test_a_wrong_token_is_401(client: Client) -> None:
    with pytest.raises(BadCredentialsException):
        client("ghp_nobodys").get_user().login  # noqa: B018


def test_an_expired_fine_grained_token_is_401(github_server: GitHubServer, client: Client) -> None:
    past = datetime.now(UTC) - timedelta(seconds=1)
    token = github_server.add_fine_grained_token("mona", {}, expires_at=past)
    with pytest.raises(BadCredentialsException):
        client(token).get_user().login  # noqa: B018


def test_anonymous_reads_public_and_writes_nothing(github_server: GitHubServer) -> None:
    github_server.add_repository("mona/open", {"a": "1"})
    github_server.add_repository("mona/hidden", {"a": "1"}, private=True)
    url = f"{github_server.url}/repos/mona"
    assert requests.get(f"{url}/open", timeout=5).status_code == 200
    assert requests.get(f"{url}/hidden", timeout=5).status_code == 404
    assert requests.post(f"{url}/open/issues", json={"title": "t"}, timeout=5).status_code == 401
    assert requests.get(f"{github_server.url}/user", timeout=5).status_code == 401


def test_a_private_repository_is_not_found_without_the_scope_or_the_access(
    github_server: GitHubServer, client: Client
) -> None:
    github_server.add_user("stranger")
    github_server.add_repository("mona/hidden", {"a": "1"}, private=True)
    for token in (github_server.add_token("mona", ["public_repo"]), github_server.add_token("stranger")):
        with pytest.raises(UnknownObjectException):
            client(token).get_repo("mona/hidden")


def test_writing_without_the_scope_is_404_and_says_what_would_do(github_server: GitHubServer, client: Client) -> None:
    github_server.add_repository("mona/open", {"a": "1"})
    repo = client(github_server.add_token("mona", ["read:org"])).get_repo("mona/open")
    with pytest.raises(UnknownObjectException):
        repo.create_issue("t")
    with pytest.raises(GithubException) as raised:
        repo.delete()
    assert status_of(raised) == (403, "Must have admin rights to Repository.")
    assert (raised.value.headers or {})["x-accepted-oauth-scopes"] == "delete_repo"
    assert (raised.value.headers or {})["x-oauth-scopes"] == "read:org"


def test_a_reader_cannot_push(github_server: GitHubServer, client: Client) -> None:
    github_server.add_user("reader")
    found = github_server.add_repository("mona/open", {"a": "1"})
    found.collaborators["reader"] = "pull"
    repo = client(github_server.add_token("reader")).get_repo("mona/open")
    with pytest.raises(UnknownObjectException):
        repo.create_file("b", "m", "x")
    with pytest.raises(GithubException) as raised:
        repo.edit(description="mine now")
    assert status_of(raised) == (403, "Must have admin rights to Repository.")


def test_a_workflow_file_needs_the_workflow_scope(github_server: GitHubServer, client: Client) -> None:
    github_server.add_repository("mona/open", {"a": "1"})
    repo = client(github_server.add_token("mona", ["repo"])).get_repo("mona/open")
    with pytest.raises(UnknownObjectException):
        repo.create_file(".github/workflows/ci.yml", "m", "on: push")
    element = github.InputGitTreeElement(".github/workflows/ci.yml", "100644", "blob", content="on: push")
    with pytest.raises(UnknownObjectException):
        repo.create_git_tree([element])
    assert repo.create_file("fine", "m", "x")["commit"].sha


def test_a_fine_grained_token_is_held_to_its_permissions_and_repositories(
    github_server: GitHubServer, client: Client
) -> None:
    one = github_server.add_repository("mona/one", {"a": "1"}, private=True)
    github_server.add_repository("mona/two", {"a": "1"}, private=True)
    limited = client(github_server.add_fine_grained_token("mona", {"contents": "read"}, [one]))
    repo = limited.get_repo("mona/one")
    assert repo.get_contents("a").decoded_content == b"1"  # type: ignore[union-attr]
    with pytest.raises(GithubException) as raised:
        repo.create_file("b", "m", "x")
    assert status_of(raised) == (403, "Resource not accessible by personal access token")
    assert (raised.value.headers or {})["x-accepted-github-permissions"] == "contents=write"
    assert "x-oauth-scopes" not in (raised.value.headers or {})
    with pytest.raises(UnknownObjectException):
        limited.get_repo("mona/two")


def test_an_archived_repository_is_read_only(github_server: GitHubServer, client: Client) -> None:
    repo = client().get_repo(github_server.add_repository("mona/open", {"a": "1"}).full_name)
    repo.edit(archived=True)
    with pytest.raises(GithubException) as raised:
        repo.create_issue("t")
    assert status_of(raised) == (403, "Repository was archived so is read-only.")
    repo.edit(archived=False)
    assert repo.create_issue("t").number == 1


def test_an_app_acts_through_its_installation(github_server: GitHubServer, client: Client) -> None:
    github_server.add_organization("acme", owners=["mona"])
    mine = github_server.add_repository("acme/mine", {"a": "1"}, private=True)
    github_server.add_repository("acme/other", {"a": "1"}, private=True)
    app = github_server.add_app("reign-bot", "mona", {"contents": "write", "issues": "read"})
    installation = github_server.install(app, "acme", [mine])
    auth = Auth.AppAuth(app.id, app.private_key)
    with GithubIntegration(auth=auth, base_url=github_server.url, seconds_between_requests=None) as integration:
        assert integration.get_app().slug == "reign-bot"
        assert [one.id for one in integration.get_installations()] == [installation.id]
        assert integration.get_repo_installation("acme", "mine").id == installation.id
        with pytest.raises(UnknownObjectException):
            integration.get_repo_installation("acme", "other")
    bot = client(auth=auth.get_installation_auth(installation.id))
    repo = bot.get_repo("acme/mine")
    commit = repo.create_file("b", "by the bot", "x")["commit"]
    assert repo.get_commit(commit.sha).author.login == "reign-bot[bot]"
    with pytest.raises(GithubException) as raised:
        repo.create_issue("t")
    assert status_of(raised) == (403, "Resource not accessible by integration")
    with pytest.raises(UnknownObjectException):
        bot.get_repo("acme/other")
    assert [one.full_name for one in bot.get_user().get_repos()] == []


def test_an_installation_token_can_be_narrowed_and_expires(client: Client) -> None:
    moment = datetime.now(UTC)
    with GitHubServer(clock=lambda: moment) as server:
        server.add_user("mona")
        one = server.add_repository("mona/one", {"a": "1"}, private=True)
        app = server.add_app("bot", "mona", {"contents": "write"})
        installation = server.install(app, "mona")
        url = f"{server.url}/app/installations/{installation.id}/access_tokens"
        claims = {"iat": int(moment.timestamp()), "exp": int(moment.timestamp()) + 60, "iss": app.client_id}
        bearer = {"authorization": f"Bearer {jwt.encode(claims, app.private_key, 'RS256')}"}
        wanted: dict[str, Any] = {"permissions": {"contents": "read"}, "repositories": ["one"]}
        made = requests.post(url, json=wanted, headers=bearer, timeout=5)
        assert made.json()["repository_selection"] == "selected"
        for too_much in ({"repositories": ["two"]}, {"permissions": {"issues": "read"}}):
            assert requests.post(url, json=too_much, headers=bearer, timeout=5).status_code == 422
        token = {"authorization": f"token {made.json()['token']}"}
        reached = requests.get(f"{server.url}/installation/repositories", headers=token, timeout=5).json()
        assert [found["full_name"] for found in reached["repositories"]] == [one.full_name]
        moment += timedelta(minutes=61)
        assert requests.get(f"{server.url}/repos/mona/one", headers=token, timeout=5).status_code == 401


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"exp": -10}, "must be a numeric value representing the future time"),
        ({"exp": 1200}, "is too far in the future"),
        ({"iat": 300}, "'Issued at' claim"),
        ({"iss": "nobody"}, "'Issuer' claim"),
    ],
)
def test_a_bad_json_web_token_is_refused_with_its_reason(
    claims: dict[str, int | str], said: str, github_server: GitHubServer
) -> None:
    app = github_server.add_app("bot", "mona", {})
    now = int(datetime.now(UTC).timestamp())
    shifted = {name: now + value if isinstance(value, int) else value for name, value in claims.items()}
    token = jwt.encode({"iat": now, "exp": now + 60, "iss": str(app.id)} | shifted, app.private_key, "RS256")
    answer = requests.get(f"{github_server.url}/app", headers={"authorization": f"Bearer {token}"}, timeout=5)
    assert (answer.status_code, said in answer.json()["message"]) == (401, True)


def test_a_token_signed_with_another_key_and_the_wrong_kind_of_credentials_are_refused(
    github_server: GitHubServer,
) -> None:
    app, other = github_server.add_app("bot", "mona", {}), github_server.add_app("other", "mona", {})
    now = int(datetime.now(UTC).timestamp())
    claims = {"iat": now, "exp": now + 60, "iss": str(app.id)}
    forged = {"authorization": f"Bearer {jwt.encode(claims, other.private_key, 'RS256')}"}
    assert requests.get(f"{github_server.url}/app", headers=forged, timeout=5).status_code == 401
    signed = {"authorization": f"Bearer {jwt.encode(claims, app.private_key, 'RS256')}"}
    assert requests.get(f"{github_server.url}/user", headers=signed, timeout=5).status_code == 403
    token = {"authorization": f"token {github_server.add_token('mona')}"}
    assert requests.get(f"{github_server.url}/app", headers=token, timeout=5).status_code == 401


def test_enterprise_addresses_stay_under_its_prefix(github_server: GitHubServer, client: Client) -> None:
    github_server.add_repository("mona/shop", {"a": "1"})
    repo = client(base_url=github_server.enterprise_url).get_repo("mona/shop")
    assert repo.url == f"{github_server.url}/api/v3/repos/mona/shop"
    assert repo.create_issue("t").url.startswith(f"{github_server.url}/api/v3/")
    release = repo.create_git_release("v1", "One", "notes")
    assert release.upload_url.startswith(f"{github_server.url}/api/uploads/")


def test_a_request_without_a_user_agent_and_an_unknown_version_are_refused(github_server: GitHubServer) -> None:
    url = f"{github_server.url}/rate_limit"
    assert requests.get(url, headers={"user-agent": ""}, timeout=5).status_code == 403
    assert requests.get(url, headers={"x-github-api-version": "1999-01-01"}, timeout=5).status_code == 400
    assert requests.get(url, headers={"x-github-api-version": "2022-11-28"}, timeout=5).status_code == 200
