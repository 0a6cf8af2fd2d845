"""Operations that no other test has a story for: each answers as described."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jwt
import pytest
import requests
from github import GithubException, InputGitTreeElement, UnknownObjectException
from github.Repository import Repository

from tests.fakes.github.fixtures import Client
from tests.fakes.github.server import GitHubServer


@pytest.fixture
def session(github_server: GitHubServer) -> Iterator[requests.Session]:
    github_server.add_organization("acme", owners=["mona"], members=["mona"])
    with requests.Session() as one:
        one.headers["authorization"] = f"token {github_server.add_token('mona')}"
        yield one


@pytest.fixture
def repo(github_server: GitHubServer, client: Client) -> Repository:
    github_server.add_repository("mona/shop", {"README.md": "# shop\n", ".github/workflows/ci.yml": WORKFLOW})
    return client().get_repo("mona/shop")


WORKFLOW = "on: push\njobs: {test: {runs-on: ubuntu-latest, uses: ./.github/workflows/other.yml}}\n"


def get(session: requests.Session, server: GitHubServer, path: str, accept: str = "*/*") -> requests.Response:
    return session.get(server.url + path, headers={"accept": accept}, timeout=5)


def test_people_and_organizations(session: requests.Session, github_server: GitHubServer) -> None:
    assert [one["login"] for one in get(session, github_server, "/user/orgs").json()] == ["acme"]
    assert get(session, github_server, "/orgs/acme/members/mona").status_code == 204
    assert get(session, github_server, "/orgs/acme/members/ghost").status_code == 404
    assert get(session, github_server, "/orgs/mona").status_code == 404
    assert get(session, github_server, "/users/ghost").status_code == 404
    assert get(session, github_server, "/orgs/acme").json()["plan"]["name"] == "team"


def test_a_repository_seen_from_all_sides(
    session: requests.Session, github_server: GitHubServer, repo: Repository
) -> None:
    head = repo.get_branch("main").commit.sha
    readme = repo.get_readme()
    assert readme.decoded_content == b"# shop\n"
    shop = "/repos/mona/shop"
    raw = get(session, github_server, f"{shop}/git/blobs/{readme.sha}", "application/vnd.github.raw")
    assert (raw.content, raw.headers["x-github-media-type"]) == (b"# shop\n", "github.v3; param=raw")
    assert get(session, github_server, f"{shop}/commits/main", "application/vnd.github.sha").text == head
    tree = get(session, github_server, f"{shop}/contents/", "application/vnd.github.object").json()
    assert [entry["name"] for entry in tree["entries"]] == [".github", "README.md"]
    assert [ref.ref for ref in repo.get_git_refs()] == ["refs/heads/main"]
    assert [one.login for one in repo.get_assignees()] == ["mona"]
    assert repo.get_commit(head[:8]).sha == head
    for unknown in ("commits/nothing", "git/commits/nothing", "git/trees/nothing", "git/tags/nothing", "compare/a...b"):
        assert get(session, github_server, f"{shop}/{unknown}").status_code in (404, 422)
    assert get(session, github_server, f"{shop}/issues/one").status_code == 404
    assert [one.name for one in repo.get_branches()] == ["main"]
    assert get(session, github_server, f"{shop}/branches?protected=true").json() == []


def test_a_job_of_a_reusable_workflow_and_its_artifacts(
    session: requests.Session, github_server: GitHubServer, repo: Repository
) -> None:
    found = github_server.world.repository("mona/shop")
    assert found is not None
    (run,) = found.runs
    actions = "/repos/mona/shop/actions"
    assert get(session, github_server, f"{actions}/jobs/{run.jobs[0].id}").json()["status"] == "queued"
    assert get(session, github_server, f"{actions}/jobs/1").status_code == 404
    assert get(session, github_server, f"{actions}/runs/{run.id}/artifacts").json() == {
        "total_count": 0,
        "artifacts": [],
    }
    run.finish("failure")
    assert [step.name for step in run.jobs[0].steps if step.conclusion == "failure"] == [
        "Run ./.github/workflows/other.yml"
    ]


def test_installations_are_found_by_account(github_server: GitHubServer, session: requests.Session) -> None:
    app = github_server.add_app("bot", "mona", {"issues": "write"})
    installed = [github_server.install(app, login).id for login in ("acme", "mona")]
    now = int(github_server.world.now().timestamp())
    claims = {"iat": now, "exp": now + 60, "iss": str(app.id)}
    session.headers["authorization"] = f"Bearer {jwt.encode(claims, app.private_key, 'RS256')}"
    paths = ("/orgs/acme/installation", "/users/mona/installation", f"/app/installations/{installed[0]}")
    assert [get(session, github_server, path).json()["id"] for path in paths] == [*installed, installed[0]]
    assert get(session, github_server, "/app/installations/1").status_code == 404
    github_server.world.installations[0].suspended_at = github_server.world.now()
    url = f"{github_server.url}/app/installations/{installed[0]}/access_tokens"
    assert session.post(url, json={}, timeout=5).status_code == 403


def test_reviewers_and_the_diff_of_a_pull_request(
    session: requests.Session, github_server: GitHubServer, repo: Repository, client: Client
) -> None:
    github_server.add_user("other")
    found = github_server.world.repository("mona/shop")
    assert found is not None
    github_server.push(found, "side", {"new.txt": "one\ntwo\n"})
    pull = repo.create_pull(base="main", head="side", title="t")
    url = f"/repos/mona/shop/pulls/{pull.number}"
    assert get(session, github_server, f"{url}/requested_reviewers").json() == {"users": [], "teams": []}
    diff = get(session, github_server, url, "application/vnd.github.diff").text
    assert diff.splitlines()[0] == "diff --git a/new.txt b/new.txt"
    assert "+two" in diff
    theirs = client(github_server.add_token("other")).get_repo("mona/shop").get_pull(1)
    with pytest.raises(GithubException) as raised:
        theirs.edit(title="mine")
    assert raised.value.status == 403
    with pytest.raises(GithubException) as raised:
        theirs.edit(state="closed")
    assert raised.value.status == 403
    with pytest.raises(UnknownObjectException):
        theirs.merge()
    with pytest.raises(GithubException) as raised:
        pull.edit(base="nowhere")
    assert raised.value.data["errors"][0]["field"] == "base"
    pull.edit(base="main", state="closed")
    assert not repo.get_pull(1).is_merged()


def test_git_data_is_judged_like_at_github(
    repo: Repository, session: requests.Session, github_server: GitHubServer
) -> None:
    url = f"{github_server.url}/repos/mona/shop/git"
    main = repo.get_git_tree("main")
    blob = main.tree[1].sha
    wrong: list[tuple[str, Any]] = [
        ("trees", {"tree": []}),
        ("trees", {"tree": [{"path": "/a", "mode": "100644", "type": "blob", "content": "x"}]}),
        ("trees", {"tree": [{"path": "a", "mode": "100644", "type": "blob"}]}),
        ("trees", {"tree": [{"path": "a", "mode": "100644", "type": "blob", "content": "x", "sha": blob}]}),
        ("trees", {"tree": [{"path": "a", "mode": "040000", "type": "tree", "sha": blob}]}),
        ("trees", {"base_tree": blob, "tree": [{"path": "a", "content": "x"}]}),
        ("trees", {"base_tree": main.sha, "tree": [{"path": "gone", "mode": "100644", "sha": None}]}),
        ("commits", {"message": "m", "tree": blob}),
        ("commits", {"message": "m", "tree": main.sha, "parents": [blob]}),
        ("commits", {"message": "m", "tree": main.sha, "author": {"name": "only"}}),
        ("commits", {"message": "m", "tree": main.sha, "author": {"name": "n", "email": "e", "date": "soon"}}),
        ("tags", {"tag": "v", "message": "m", "object": blob, "type": "commit"}),
        ("refs", {"ref": "main", "sha": blob}),
        ("refs", {"ref": "refs/heads/blob", "sha": blob}),
        ("blobs", {"content": "a", "encoding": "base64"}),
        ("blobs", {}),
    ]
    answers = [session.post(f"{url}/{where}", json=body, timeout=5).status_code for where, body in wrong]
    assert answers == [422] * len(wrong)
    assert session.patch(f"{url}/refs/heads/none", json={"sha": blob}, timeout=5).status_code == 422
    assert session.delete(f"{url}/refs/heads/none", timeout=5).status_code == 422
    subtree = repo.create_git_tree([InputGitTreeElement("deep", "040000", "tree", sha=main.sha)], main)
    assert "deep/README.md" in [entry.path for entry in repo.get_git_tree(subtree.sha, recursive=True).tree]


def test_a_team_gives_its_members_a_role(
    github_server: GitHubServer, session: requests.Session, client: Client
) -> None:
    github_server.add_user("member")
    team = github_server.add_team("acme", "Builders", ["member"])
    hidden = github_server.add_repository("acme/hidden", {"a": "1"}, private=True)
    theirs = client(github_server.add_token("member"))
    with pytest.raises(UnknownObjectException):
        theirs.get_repo("acme/hidden")
    url = f"{github_server.url}/teams/{team.id}/repos/acme/hidden"
    assert session.put(url, json={"permission": "push"}, timeout=5).status_code == 204
    assert theirs.get_repo("acme/hidden").create_file("b", "m", "x")["commit"].sha
    assert session.put(f"{github_server.url}/teams/1/repos/acme/hidden", json={}, timeout=5).status_code == 404
    assert hidden.file("b") == b"x"
