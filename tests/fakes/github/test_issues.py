"""Issues, comments, labels and search."""

from __future__ import annotations

from functools import partial

import pytest
from github import GithubException
from github.Repository import Repository

from tests.fakes.github.fixtures import Client
from tests.fakes.github.server import GitHubServer


@pytest.fixture
def repo(github_server: GitHubServer, client: Client) -> Repository:
    github_server.add_repository("mona/shop", {"a": "1"})
    return client().get_repo("mona/shop")


def test_an_issue_is_opened_commented_closed_and_reopened(repo: Repository) -> None:
    issue = repo.create_issue("Broken", body="it is", labels=["bug", "urgent"], assignees=["mona"])
    comment = issue.create_comment("looking")
    comment.edit("found it")
    assert issue.get_comment(comment.id).body == "found it"
    issue.edit(state="closed", state_reason="not_planned")
    closed = repo.get_issue(1)
    assert (closed.state, closed.state_reason) == ("closed", "not_planned")
    assert closed.closed_by is not None
    assert closed.closed_by.login == "mona"
    closed.edit(state="open")
    assert (repo.get_issue(1).state, repo.get_issue(1).state_reason) == ("open", "reopened")
    comment.delete()
    assert list(repo.get_issue(1).get_comments()) == []
    assert [one.name for one in closed.labels] == ["bug", "urgent"]


def test_wrong_fields_are_named(repo: Repository) -> None:
    with pytest.raises(GithubException) as raised:
        repo.create_issue(" ")
    assert raised.value.data["errors"] == [{"resource": "Issue", "code": "missing_field", "field": "title"}]
    with pytest.raises(GithubException) as raised:
        repo.create_issue("t", body="x" * 70_000)
    assert "body is too long" in raised.value.data["errors"][0]["message"]
    with pytest.raises(GithubException) as raised:
        repo.create_issue("t", assignees=["nobody"])
    assert raised.value.data["errors"][0]["field"] == "assignees"
    with pytest.raises(GithubException) as raised:
        repo.create_label("bug", "ff0000")
    assert raised.value.data["errors"][0]["code"] == "already_exists"


def test_lists_filter_sort_and_hold_pull_requests_too(repo: Repository, github_server: GitHubServer) -> None:
    found = github_server.world.repository("mona/shop")
    assert found is not None
    one, two = repo.create_issue("one", labels=["bug"]), repo.create_issue("two")
    two.edit(state="closed")
    github_server.push(found, "side", {"b": "2"})
    repo.create_pull(base="main", head="side", title="three")
    assert [issue.number for issue in repo.get_issues()] == [3, 1]
    assert [issue.number for issue in repo.get_issues(state="all", sort="created", direction="asc")] == [1, 2, 3]
    assert [issue.number for issue in repo.get_issues(labels=["bug"], creator=one.user)] == [one.number]
    assert [issue.number for issue in repo.get_issues(assignee="mona")] == []
    one.add_to_assignees("mona")
    assert [issue.number for issue in repo.get_issues(assignee="mona")] == [1]
    one.remove_from_assignees("mona")
    one.create_comment("c")
    assert next(iter(repo.get_issues(sort="comments", direction="desc"))).number == 1
    assert list(repo.get_issues(since=one.created_at.replace(year=2099))) == []


def test_labels_of_an_issue_are_added_set_and_removed(repo: Repository) -> None:
    issue = repo.create_issue("t")
    issue.add_to_labels("new", "bug")
    assert repo.get_label("new").color == "ededed"
    issue.remove_from_labels("bug")
    assert [one.name for one in issue.get_labels()] == ["new"]
    issue.set_labels("bug", "wontfix")
    repo.get_label("wontfix").delete()
    assert [one.name for one in issue.get_labels()] == ["bug"]
    issue.delete_labels()
    assert list(issue.get_labels()) == []
    with pytest.raises(GithubException) as raised:
        issue.remove_from_labels("bug")
    assert (raised.value.status, raised.value.data["message"]) == (404, "Label does not exist")


def test_others_may_not_change_what_is_not_theirs(
    repo: Repository, github_server: GitHubServer, client: Client
) -> None:
    github_server.add_user("other")
    mine = repo.create_issue("mine")
    comment = mine.create_comment("c")
    theirs = client(github_server.add_token("other")).get_repo("mona/shop")
    # Labels of a reader are dropped without a word.
    assert theirs.create_issue("theirs", labels=["bug"]).labels == []
    for attempt in (
        partial(theirs.get_issue(1).edit, state="closed"),
        theirs.get_issue(1).get_comment(comment.id).delete,
        partial(theirs.get_issue(1).add_to_labels, "bug"),
    ):
        with pytest.raises(GithubException) as raised:
            attempt()
        assert raised.value.status == 403
    mine.lock("resolved")
    with pytest.raises(GithubException) as raised:
        theirs.get_issue(1).create_comment("still there?")
    assert raised.value.status == 403
    mine.unlock()
    assert theirs.get_issue(1).create_comment("thanks").id


def test_a_marker_is_found_by_search(repo: Repository, client: Client) -> None:
    repo.create_issue("one", body="text\n<!-- reign-run: 0192f3c4-aa -->")
    repo.create_issue("two", body="<!-- reign-run: 0192f3c4-bb -->")
    one = client()

    def numbers(query: str) -> list[int]:
        return [issue.number for issue in one.search_issues(f"{query} repo:mona/shop")]

    assert numbers('"reign-run: 0192f3c4-aa" in:body is:issue state:open') == [1]
    assert numbers("-two author:mona is:open") == [1]
    assert numbers("is:pr") == []
    repo.get_issue(1).edit(state="closed")
    assert numbers("reign-run is:closed") == [1]
    assert numbers("reign-run label:bug") == []


def test_search_lags_behind_when_told_to(repo: Repository, github_server: GitHubServer, client: Client) -> None:
    github_server.world.index_at_once = False
    repo.create_issue("fresh")
    assert list(client().search_issues("fresh user:mona")) == []
    github_server.reindex()
    assert [issue.title for issue in client().search_issues("fresh user:mona")] == ["fresh"]


def test_search_where_nothing_may_be_seen_is_422(github_server: GitHubServer, client: Client) -> None:
    github_server.add_user("other")
    github_server.add_repository("mona/hidden", private=True)
    with pytest.raises(GithubException) as raised:
        list(client(github_server.add_token("other")).search_issues("x repo:mona/hidden"))
    assert raised.value.status == 422
