"""Pull requests from opening to merging."""

from __future__ import annotations

import pytest
from github import GithubException
from github.PullRequest import PullRequest
from github.Repository import Repository

from tests.fakes.github.fixtures import Client
from tests.fakes.github.repository import Repository as Kept
from tests.fakes.github.server import GitHubServer


@pytest.fixture
def kept(github_server: GitHubServer) -> Kept:
    """main, and a branch `feature` that is one commit ahead."""
    found = github_server.add_repository("mona/shop", {"a": "1\n"})
    github_server.push(found, "feature", {"b": "2\n"}, "add b")
    return found


@pytest.fixture
def repo(kept: Kept, client: Client) -> Repository:
    return client().get_repo(kept.full_name)


@pytest.fixture
def pull(repo: Repository) -> PullRequest:
    return repo.create_pull(base="main", head="feature", title="Add b", body="because")


def message(raised: pytest.ExceptionInfo[GithubException]) -> tuple[int, str]:
    data = raised.value.data
    return raised.value.status, data["errors"][0]["message"] if data.get("errors") else data["message"]


def test_mergeability_is_unknown_until_it_was_asked_for(repo: Repository, pull: PullRequest) -> None:
    seen = [(one.mergeable, one.mergeable_state) for one in (repo.get_pull(1), repo.get_pull(1))]
    assert seen == [(None, "unknown"), (True, "clean")]
    repo.create_file("c", "moves the head", "3", branch="feature")
    assert repo.get_pull(1).mergeable_state == "unknown"


def test_only_one_pull_request_for_the_same_head_and_base(repo: Repository, pull: PullRequest) -> None:
    with pytest.raises(GithubException) as raised:
        repo.create_pull(base="main", head="feature", title="again")
    assert message(raised) == (422, "A pull request already exists for mona:feature.")
    assert [one.number for one in repo.get_pulls(head="mona:feature", base="main")] == [pull.number]
    assert list(repo.get_pulls(head="mona:other")) == []
    pull.edit(state="closed")
    assert repo.create_pull(base="main", head="feature", title="again").number == 2
    assert [one.number for one in repo.get_pulls(state="all", sort="created", direction="asc")] == [1, 2]


@pytest.mark.parametrize(("head", "base", "field"), [("nowhere", "main", "head"), ("feature", "nowhere", "base")])
def test_a_branch_that_does_not_exist_is_named(head: str, base: str, field: str, repo: Repository) -> None:
    with pytest.raises(GithubException) as raised:
        repo.create_pull(base=base, head=head, title="t")
    assert raised.value.data["errors"] == [{"resource": "PullRequest", "code": "invalid", "field": field}]


def test_nothing_to_merge_is_refused(repo: Repository) -> None:
    repo.create_git_ref("refs/heads/same", repo.get_branch("main").commit.sha)
    with pytest.raises(GithubException) as raised:
        repo.create_pull(base="main", head="same", title="t")
    assert message(raised) == (422, "No commits between main and same")


@pytest.mark.parametrize(
    ("method", "parents", "title"),
    [
        ("merge", 2, "Merge pull request #1 from mona/feature"),
        ("squash", 1, "Add b (#1)"),
        ("rebase", 1, "add b"),
    ],
)
def test_each_way_to_merge(method: str, parents: int, title: str, repo: Repository, pull: PullRequest) -> None:
    merged = pull.merge(merge_method=method)
    commit = repo.get_commit(merged.sha)
    assert (len(commit.parents), commit.commit.message.partition("\n")[0]) == (parents, title)
    assert repo.get_branch("main").commit.sha == merged.sha
    fresh = repo.get_pull(1)
    assert (fresh.merged, fresh.state, fresh.merge_commit_sha) == (True, "closed", merged.sha)
    assert fresh.is_merged()
    with pytest.raises(GithubException) as raised:
        pull.merge()
    assert message(raised) == (405, "Pull Request is not mergeable")
    assert [one.number for one in commit.get_pulls()] == [1]


def test_merging_what_has_moved_on_is_409(repo: Repository, pull: PullRequest) -> None:
    old = pull.head.sha
    repo.create_file("c", "more", "3", branch="feature")
    with pytest.raises(GithubException) as raised:
        pull.merge(sha=old)
    assert message(raised) == (409, "Head branch was modified. Review and try the merge again.")


def test_a_conflict_cannot_be_merged(kept: Kept, repo: Repository, github_server: GitHubServer) -> None:
    github_server.push(kept, "feature", {"a": "mine\n"})
    pull = repo.create_pull(base="main", head="feature", title="t")
    github_server.push(kept, "main", {"a": "theirs\n"})
    with pytest.raises(GithubException) as raised:
        pull.merge()
    assert message(raised) == (405, "Pull Request is not mergeable")
    assert (repo.get_pull(1).mergeable, repo.get_pull(1).mergeable_state) == (False, "dirty")


def test_changes_of_different_lines_of_one_file_merge(kept: Kept, client: Client, github_server: GitHubServer) -> None:
    lines = [f"line {number}\n" for number in range(20)]
    github_server.push(kept, "main", {"long": "".join(lines)})
    github_server.push(kept, "top", {"long": "".join(["first\n", *lines[1:]])}, start="main")
    github_server.push(kept, "main", {"long": "".join([*lines[:-1], "last\n"])})
    client().get_repo(kept.full_name).create_pull(base="main", head="top", title="t").merge()
    assert kept.file("long") == "".join(["first\n", *lines[1:-1], "last\n"]).encode()


def test_a_draft_and_a_forbidden_method_are_not_merged(repo: Repository) -> None:
    draft = repo.create_pull(base="main", head="feature", title="t", draft=True)
    with pytest.raises(GithubException) as raised:
        draft.merge()
    assert message(raised) == (405, "Pull Request is still a draft")
    draft.edit(state="closed")
    ready = repo.create_pull(base="main", head="feature", title="t")
    repo.edit(allow_squash_merge=False)
    with pytest.raises(GithubException) as raised:
        ready.merge(merge_method="squash")
    assert message(raised) == (405, "Squash merges are not allowed on this repository.")


def test_protection_blocks_until_checks_and_reviews_are_there(
    kept: Kept, repo: Repository, pull: PullRequest, github_server: GitHubServer
) -> None:
    github_server.add_user("reviewer")
    repo.get_branch("main").edit_protection(
        strict=True, contexts=["ci"], enforce_admins=True, required_approving_review_count=1
    )
    repo.get_pull(1)
    assert repo.get_pull(1).mergeable_state == "blocked"
    with pytest.raises(GithubException) as raised:
        pull.merge()
    assert message(raised) == (405, 'Required status check "ci" is expected.')
    head = repo.get_commit(pull.head.sha)
    head.create_status("pending", context="ci")
    with pytest.raises(GithubException) as raised:
        pull.merge()
    assert message(raised) == (405, 'Required status check "ci" is pending.')
    head.create_status("success", context="ci")
    assert head.get_combined_status().state == "success"
    with pytest.raises(GithubException) as raised:
        pull.merge()
    assert message(raised)[1].startswith("At least 1 approving review is required")
    github_server.approve(kept, 1, "reviewer")
    assert repo.get_pull(1).mergeable_state == "clean"
    assert pull.merge().merged


def test_reviews_and_reviewers(
    kept: Kept, repo: Repository, pull: PullRequest, github_server: GitHubServer, client: Client
) -> None:
    github_server.add_user("reviewer")
    with pytest.raises(GithubException) as raised:
        pull.create_review_request(["reviewer"])
    assert "may only be requested from collaborators" in raised.value.data["message"]
    with pytest.raises(GithubException) as raised:
        pull.create_review_request(["mona"])
    assert message(raised) == (422, "Review cannot be requested from pull request author.")
    kept.collaborators["reviewer"] = "push"
    pull.create_review_request(["reviewer"])
    assert [one.login for one in repo.get_pull(1).requested_reviewers] == ["reviewer"]
    pull.delete_review_request(["reviewer"])
    assert repo.get_pull(1).requested_reviewers == []
    pull.create_review_request(["reviewer"])
    theirs = client(github_server.add_token("reviewer")).get_repo("mona/shop").get_pull(1)
    theirs.create_review(body="no", event="REQUEST_CHANGES")
    assert [(one.user.login, one.state) for one in pull.get_reviews()] == [("reviewer", "CHANGES_REQUESTED")]
    assert repo.get_pull(1).requested_reviewers == []
    with pytest.raises(GithubException) as raised:
        pull.create_review(body="fine", event="APPROVE")
    assert raised.value.status == 422


def test_a_branch_behind_is_brought_up_to_date(repo: Repository, pull: PullRequest) -> None:
    repo.create_file("c", "on main", "3")
    repo.get_branch("main").edit_protection(strict=True, contexts=[], enforce_admins=False)
    repo.get_pull(1)
    assert repo.get_pull(1).mergeable_state == "behind"
    assert repo.get_pull(1).update_branch()
    assert {one.filename for one in repo.get_pull(1).get_files()} == {"b"}
    assert len(list(repo.get_pull(1).get_commits())) == 2


def test_deleting_the_head_closes_and_reopening_needs_it(repo: Repository, pull: PullRequest) -> None:
    repo.get_git_ref("heads/feature").delete()
    assert repo.get_pull(1).state == "closed"
    with pytest.raises(GithubException) as raised:
        repo.get_pull(1).edit(state="open")
    assert "branch has been deleted" in message(raised)[1]


def test_a_merge_may_delete_the_head(repo: Repository, pull: PullRequest) -> None:
    repo.edit(delete_branch_on_merge=True)
    pull.merge()
    assert [one.name for one in repo.get_branches()] == ["main"]


def test_a_pull_request_is_an_issue_with_labels_and_comments(repo: Repository, pull: PullRequest) -> None:
    pull.add_to_labels("bug", "deploy")
    pull.create_issue_comment("see http://127.0.0.1:8088")
    fresh = repo.get_pull(1)
    assert ([one.name for one in fresh.labels], fresh.comments) == (["bug", "deploy"], 1)
    assert repo.get_issue(1).pull_request is not None
    fresh.edit(title="New", body="text", base="main")
    assert (repo.get_pull(1).title, repo.get_pull(1).body) == ("New", "text")


def test_the_rebase_of_conflicting_steps_is_refused(kept: Kept, repo: Repository, github_server: GitHubServer) -> None:
    github_server.push(kept, "feature", {"a": "passing through\n"})
    github_server.push(kept, "feature", {"a": "1\n"})
    github_server.push(kept, "main", {"a": "other\n"})
    pull = repo.create_pull(base="main", head="feature", title="t")
    with pytest.raises(GithubException) as raised:
        pull.merge(merge_method="rebase")
    assert message(raised) == (405, "This branch can't be rebased")
