"""Repositories: creating, templates, renaming, deleting, who they list for."""

from __future__ import annotations

import pytest
from github import GithubException, UnknownObjectException

from tests.fakes.github.fixtures import Client
from tests.fakes.github.server import GitHubServer


def test_a_new_repository_is_empty_unless_initialised(client: Client) -> None:
    user = client().get_user()
    empty, full = user.create_repo("empty", private=True), user.create_repo("full", auto_init=True)
    with pytest.raises(GithubException) as raised:
        list(empty.get_commits())
    assert (raised.value.status, raised.value.data["message"]) == (409, "Git Repository is empty.")
    assert [one.commit.message for one in full.get_commits()] == ["Initial commit"]
    assert (empty.private, full.private) == (True, False)


def test_a_taken_or_invalid_name_is_422_with_its_field(github_server: GitHubServer, client: Client) -> None:
    github_server.add_repository("mona/shop")
    user = client().get_user()
    with pytest.raises(GithubException) as raised:
        user.create_repo("shop")
    assert raised.value.status == 422
    assert raised.value.data["message"] == "Repository creation failed."
    assert raised.value.data["errors"][0]["message"] == "name already exists on this account"
    with pytest.raises(GithubException) as raised:
        user.create_repo("a name")
    assert raised.value.data["errors"][0]["field"] == "name"


def test_an_organization_lets_its_members_create(github_server: GitHubServer, client: Client) -> None:
    github_server.add_user("stranger")
    github_server.add_organization("acme", owners=["mona"])
    created = client().get_organization("acme").create_repo("shop", private=True, description="sells")
    assert (created.full_name, created.description) == ("acme/shop", "sells")
    stranger = client(github_server.add_token("stranger")).get_organization("acme")
    with pytest.raises(GithubException) as raised:
        stranger.create_repo("mine")
    assert raised.value.status == 403
    assert [one.name for one in client().get_organization("acme").get_repos()] == ["shop"]


def test_a_template_gives_its_files_without_its_history(github_server: GitHubServer, client: Client) -> None:
    template = github_server.add_repository("mona/template", {"a/b.txt": "hello"}, is_template=True)
    github_server.push(template, "main", {"c.txt": "more"})
    github_server.add_repository("mona/plain", {"a": "1"})
    one = client()
    made = one.get_user().create_repo_from_template("made", one.get_repo("mona/template"), private=True)
    assert made.private
    assert {entry.path for entry in made.get_git_tree("main", recursive=True).tree} == {"a", "a/b.txt", "c.txt"}
    assert made.get_commits().totalCount == 1
    with pytest.raises(GithubException) as raised:
        one.get_user().create_repo_from_template("no", one.get_repo("mona/plain"))
    assert raised.value.status == 422


def test_a_renamed_repository_redirects(github_server: GitHubServer, client: Client) -> None:
    github_server.add_repository("mona/old", {"a": "1"})
    one = client()
    one.get_repo("mona/old").edit(name="new")
    assert one.get_repo("mona/old").full_name == "mona/new"
    assert [exchange.status for exchange in github_server.requests][-2:] == [301, 200]
    # The old name may be used again, and then means the new repository.
    github_server.add_repository("mona/old")
    assert one.get_repo("mona/old").full_name == "mona/old"


def test_a_deleted_repository_is_gone(github_server: GitHubServer, client: Client) -> None:
    github_server.add_repository("mona/shop")
    repo = client().get_repo("mona/shop")
    repo.delete()
    with pytest.raises(UnknownObjectException):
        client().get_repo("mona/shop")


def test_lists_show_what_the_reader_may_see(github_server: GitHubServer, client: Client) -> None:
    github_server.add_user("other")
    github_server.add_repository("mona/open")
    github_server.add_repository("mona/hidden", private=True).collaborators["other"] = "push"
    assert {one.name for one in client().get_user().get_repos()} == {"open", "hidden"}
    other = client(github_server.add_token("other"))
    assert [one.name for one in other.get_user("mona").get_repos()] == ["open"]
    assert [(one.name, one.permissions.push) for one in other.get_user().get_repos()] == [("hidden", True)]


def test_topics_settings_and_the_default_branch_change(github_server: GitHubServer, client: Client) -> None:
    found = github_server.add_repository("mona/shop", {"a": "1"})
    github_server.push(found, "dev", {"a": "2"})
    repo = client().get_repo("mona/shop")
    repo.replace_topics(["Deploy", "shop"])
    repo.edit(default_branch="dev", has_issues=False, allow_squash_merge=False)
    assert (repo.get_topics(), repo.default_branch, repo.has_issues) == (["deploy", "shop"], "dev", False)
    with pytest.raises(GithubException) as raised:
        repo.create_issue("t")
    assert raised.value.status == 410
    with pytest.raises(GithubException) as raised:
        repo.edit(default_branch="nowhere")
    assert raised.value.data["errors"][0]["field"] == "default_branch"


def test_collaborators_have_roles(github_server: GitHubServer, client: Client) -> None:
    github_server.add_user("helper")
    github_server.add_repository("mona/shop", {"a": "1"})
    repo = client().get_repo("mona/shop")
    assert not repo.has_in_collaborators("helper")
    invited = repo.add_to_collaborators("helper", "maintain")
    assert invited is not None
    client(github_server.add_token("helper")).get_user().accept_invitation(invited)
    assert repo.has_in_collaborators("helper")
    assert (repo.get_collaborator_permission("helper"), repo.get_collaborator_permission("mona")) == ("write", "admin")
    repo.remove_from_collaborators("helper")
    assert [one.login for one in repo.get_collaborators()] == ["mona"]
