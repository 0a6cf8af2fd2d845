"""Branches and what protects them."""

from __future__ import annotations

import pytest
from github import GithubException
from github.Repository import Repository

from tests.fakes.github.fixtures import Client
from tests.fakes.github.server import GitHubServer


@pytest.fixture
def repo(github_server: GitHubServer, client: Client) -> Repository:
    github_server.add_repository("mona/shop", {"a": "1"})
    return client().get_repo("mona/shop")


def test_a_branch_with_a_slash_is_made_read_and_deleted(repo: Repository) -> None:
    sha = repo.get_branch("main").commit.sha
    repo.create_git_ref("refs/heads/feature/one", sha)
    assert repo.get_branch("feature/one").commit.sha == sha
    repo.get_git_ref("heads/feature/one").delete()
    with pytest.raises(GithubException) as raised:
        repo.get_branch("feature/one")
    assert (raised.value.status, raised.value.data["message"]) == (404, "Branch not found")
    with pytest.raises(GithubException) as raised:
        repo.get_git_ref("heads/main").delete()
    assert raised.value.status == 422


def test_renaming_takes_protection_default_and_pulls_along(repo: Repository, client: Client) -> None:
    sha = repo.get_branch("main").commit.sha
    repo.create_git_ref("refs/heads/side", sha)
    repo.create_file("b", "m", "x", branch="side")
    pull = repo.create_pull(base="main", head="side", title="t")
    repo.get_branch("main").edit_protection(enforce_admins=True)
    repo.rename_branch("main", "trunk")
    fresh = client().get_repo("mona/shop")
    assert (fresh.default_branch, fresh.get_branch("trunk").protected) == ("trunk", True)
    assert fresh.get_pull(pull.number).base.ref == "trunk"


def test_protection_is_read_changed_and_removed(repo: Repository) -> None:
    main = repo.get_branch("main")
    with pytest.raises(GithubException) as raised:
        main.get_protection()
    assert (raised.value.status, raised.value.data["message"]) == (404, "Branch not protected")
    main.edit_protection(strict=True, contexts=["ci"], enforce_admins=True, required_approving_review_count=2)
    rules = main.get_protection()
    assert (rules.required_status_checks.contexts, rules.required_status_checks.strict) == (["ci"], True)
    assert rules.required_pull_request_reviews.required_approving_review_count == 2
    assert (rules.enforce_admins, main.get_admin_enforcement()) == (True, True)
    assert main.get_required_status_checks().contexts == ["ci"]
    main.remove_admin_enforcement()
    assert not main.get_admin_enforcement()
    main.set_admin_enforcement()
    assert main.get_admin_enforcement()
    assert main.get_required_pull_request_reviews().required_approving_review_count == 2
    main.remove_protection()
    assert not repo.get_branch("main").protected


def test_a_protected_branch_refuses_direct_pushes(repo: Repository) -> None:
    main = repo.get_branch("main")
    main.edit_protection(enforce_admins=True, required_approving_review_count=1, strict=True, contexts=["ci", "lint"])
    with pytest.raises(GithubException) as raised:
        repo.create_file("b", "m", "x")
    assert raised.value.data["message"] == (
        "Could not create file: 2 of 2 required status checks are expected. "
        "Changes must be made through a pull request."
    )
    main.edit_protection(enforce_admins=True, required_approving_review_count=1)
    with pytest.raises(GithubException) as raised:
        repo.create_file("b", "m", "x")
    assert raised.value.status == 409
    assert raised.value.data["message"] == "Could not create file: Changes must be made through a pull request."
    commit = repo.get_git_commit(repo.get_branch("main").commit.sha)
    child = repo.create_git_commit("m", commit.tree, [commit])
    with pytest.raises(GithubException) as raised:
        repo.get_git_ref("heads/main").edit(child.sha)
    assert raised.value.status == 422


def test_an_admin_passes_where_admins_are_not_bound_and_a_writer_does_not(
    repo: Repository, github_server: GitHubServer, client: Client
) -> None:
    github_server.add_user("writer")
    found = github_server.world.repository("mona/shop")
    assert found is not None
    found.collaborators["writer"] = "push"
    repo.get_branch("main").edit_protection(contexts=["ci"], strict=False)
    assert repo.create_file("b", "m", "x")["commit"].sha
    with pytest.raises(GithubException) as raised:
        client(github_server.add_token("writer")).get_repo("mona/shop").create_file("c", "m", "x")
    assert 'Required status check "ci" is expected.' in raised.value.data["message"]


def test_force_pushes_and_deletions_of_a_protected_branch_are_refused(repo: Repository) -> None:
    first = repo.get_branch("main").commit.sha
    repo.create_git_ref("refs/heads/release", first)
    repo.create_file("b", "m", "x", branch="release")
    repo.get_branch("release").edit_protection(enforce_admins=True)
    ref = repo.get_git_ref("heads/release")
    with pytest.raises(GithubException) as raised:
        ref.edit(first, force=True)
    assert raised.value.data["message"] == "Cannot force-push to this branch"
    with pytest.raises(GithubException) as raised:
        ref.delete()
    assert raised.value.data["message"] == "Cannot delete a protected branch"


def test_branches_merge_into_each_other(repo: Repository) -> None:
    sha = repo.get_branch("main").commit.sha
    repo.create_git_ref("refs/heads/side", sha)
    assert repo.merge("main", "side") is None
    repo.create_file("b", "m", "x", branch="side")
    merged = repo.merge("main", "side", "bring it in")
    assert merged is not None
    assert merged.commit.message == "bring it in"
    repo.update_file("a", "m", "2", repo.get_contents("a").sha)  # type: ignore[union-attr]
    repo.update_file("a", "m", "3", repo.get_contents("a", "side").sha, branch="side")  # type: ignore[union-attr]
    with pytest.raises(GithubException) as raised:
        repo.merge("main", "side")
    assert (raised.value.status, raised.value.data["message"]) == (409, "Merge conflict")
