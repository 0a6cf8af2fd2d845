"""GitHub's refusals, as a person reads them; and its limits, which are no failures."""

from __future__ import annotations

import re
from typing import Any

import pytest

from reign.executor import FailureKind, PutBack, TaskFailed
from tests.integration.github.hands import Hands

FILE: dict[str, Any] = {"branch": "main", "path": "a.txt", "content": "x"}
WORKFLOW = "on: push\njobs:\n  test:\n    runs-on: ubuntu-latest\n    steps: [{run: make}]\n"


def refused(hands: Hands, verb: str, **inputs: Any) -> TaskFailed:
    with pytest.raises(TaskFailed) as raised:
        hands.run(verb, **inputs)
    error = raised.value
    assert hands.place.token not in f"{error.message} {error.hint} {error.details}"
    assert "\n" not in error.message
    return error


def as_token(hands: Hands, token: str) -> Hands:
    hands.options["token"] = token
    return hands


def test_no_token(hands: Hands, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITHUB_TOKEN", "GH_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    hands.options["token"] = None
    error = refused(hands, "put_file", **FILE)
    assert error.message.startswith("there is no token for GitHub (127.0.0.1:")
    assert error.kind is FailureKind.MISSING_PREREQUISITE
    assert "GITHUB_TOKEN" in (error.hint or "")


def test_a_token_that_is_not_good(hands: Hands) -> None:
    error = refused(as_token(hands, "ghp_wrong"), "put_file", **FILE)
    assert "GitHub does not accept the token (Bad credentials)" in error.message
    assert error.kind is FailureKind.PERMISSION


@pytest.mark.parametrize(
    ("scopes", "verb", "inputs", "missing"),
    [
        (["repo"], "put_workflow", {"branch": "main", "name": "ci", "content": WORKFLOW}, "workflow"),
        (["gist"], "put_file", FILE, "repo"),
        (["gist"], "create_issue", {"title": "t"}, None),
        (["read:org"], "create_repository", {"name": "new"}, "repo"),
    ],
)
def test_a_missing_scope_is_named(
    hands: Hands, scopes: list[str], verb: str, inputs: dict[str, Any], missing: str | None
) -> None:
    as_token(hands, hands.place.fake.add_token("mona", scopes))
    error = refused(hands, verb, **inputs)
    assert f"the token lacks the scope {missing or 'repo'!r}" in error.message
    assert error.kind is FailureKind.PERMISSION


def test_deleting_a_repository_needs_its_own_scope(hands: Hands) -> None:
    as_token(hands, hands.place.fake.add_token("mona", ["repo", "workflow"]))
    hands.run("create_repository", name="new")
    with pytest.raises(TaskFailed, match="cannot delete mona/new: the token lacks the scope 'delete_repo'"):
        hands.undo("create_repository")


def test_a_permission_of_a_fine_grained_token_is_named(hands: Hands) -> None:
    token = hands.place.fake.add_fine_grained_token("mona", {"contents": "read"})
    error = refused(as_token(hands, token), "put_file", **FILE)
    assert "it needs the permission contents: write" in error.message


def test_not_there_is_told_from_not_for_you(hands: Hands) -> None:
    server = hands.place.fake
    server.add_user("hubot")
    server.add_repository("mona/secret", {"a": "b"}, private=True)
    error = refused(hands, "put_file", **{**FILE, "repo": "mona/shopp"})
    assert "there is no repository mona/shopp, or the token may not see it" in error.message
    error = refused(hands, "put_file", **{**FILE, "repo": "nobody/shop"})
    assert "there is no account 'nobody' on GitHub" in error.message
    as_token(hands, server.add_token("hubot"))
    error = refused(hands, "put_file", **{**FILE, "repo": "mona/secret"})
    assert "there is no repository mona/secret, or the token may not see it" in error.message
    error = refused(hands, "put_file", **FILE)
    assert "the token may read mona/shop, but not write to it" in error.message
    as_token(hands, hands.place.token)
    error = refused(hands, "put_file", **{**FILE, "branch": "mian"})
    assert "mona/shop has no branch 'mian'" in error.message
    assert "main" in (error.hint or "")
    error = refused(hands, "create_branch", branch="x", from_="nowhere")
    assert "mona/shop has no branch 'nowhere'" in error.message
    error = refused(hands, "comment_issue", number=77, body="hi")
    assert error.message.endswith("mona/shop has no issue or pull request #77")
    error = refused(hands, "merge_pull_request", number=77)
    assert error.message.endswith("mona/shop has no pull request #77")


def test_a_protected_branch(hands: Hands) -> None:
    place = hands.place
    rules = {
        "required_status_checks": None,
        "enforce_admins": True,
        "required_pull_request_reviews": {"required_approving_review_count": 1},
        "restrictions": None,
    }
    place.of_repo("PUT", "/branches/main/protection", rules)
    error = refused(hands, "put_file", **FILE)
    assert "the branch is protected: Changes must be made through a pull request" in error.message
    assert error.kind is FailureKind.PERMISSION
    assert "open a pull request" in (error.hint or "")
    branch = place.branch("feature")
    place.commit(branch, {"new.txt": "x"})
    error = refused(hands, "merge_pull_request", number=place.pull(branch))
    assert "the branch is protected" in error.message


def test_github_s_field_errors(hands: Hands) -> None:
    error = refused(hands, "open_pull_request", head="none", base="main", title="t")
    assert error.message.endswith("head is no branch that is there")
    assert error.kind is FailureKind.WRONG_INPUT
    hands.place.branch("same")
    error = refused(hands, "open_pull_request", head="same", base="main", title="t")
    assert error.message.endswith("No commits between main and same")


def test_a_conflict(hands: Hands) -> None:
    place = hands.place
    branch = place.branch("feature")
    place.commit(branch, {"README.md": "ours\n"})
    place.commit("main", {"README.md": "theirs\n"})
    error = refused(hands, "merge_pull_request", number=place.pull(branch))
    assert error.message.endswith("it conflicts with main")
    assert error.kind is FailureKind.CONFLICT


def test_what_cannot_be_merged(hands: Hands) -> None:
    place = hands.place
    branch = place.branch("feature")
    place.commit(branch, {"new": "x"})
    number = place.pull(branch, draft=True)
    assert "it is a draft" in refused(hands, "merge_pull_request", number=number).message
    place.of_repo("PATCH", f"/pulls/{number}", {"state": "closed"})
    assert "it is closed" in refused(hands, "merge_pull_request", number=number).message
    other = place.pull(branch, "again")
    assert "its head is" in refused(hands, "merge_pull_request", number=other, sha="0" * 40).message


def test_an_archived_repository(hands: Hands) -> None:
    hands.place.of_repo("PATCH", "", {"archived": True})
    error = refused(hands, "create_issue", title="t")
    assert "archived" in error.message
    assert error.hint == "unarchive the repository first"


def test_a_repository_that_is_there_but_otherwise(hands: Hands) -> None:
    error = refused(hands, "create_repository", name="shop", private=True)
    assert error.message.endswith("there is one already, and it is public")
    assert error.kind is FailureKind.CONFLICT
    error = refused(hands, "create_repository", name="shop", private=False, description="other")
    assert error.message.endswith("there is one already, with another description")


def test_github_in_trouble(hands: Hands) -> None:
    hands.place.fake.fail_next("GET", "/git/ref/heads/main", 503, message="Service Unavailable")
    error = refused(hands, "put_file", **FILE)
    assert "GitHub answered 503" in error.message
    assert error.kind is FailureKind.TRANSIENT


def test_nobody_answers_there(hands: Hands) -> None:
    hands.options["base_url"] = "http://127.0.0.1:9"
    error = refused(hands, "put_file", **FILE)
    assert error.message.endswith("127.0.0.1:9 cannot be reached")
    hands.options["base_url"] = "nonsense"
    assert "is not the address of a GitHub API" in refused(hands, "put_file", **FILE).message


def put_back(hands: Hands, verb: str, **inputs: Any) -> PutBack:
    with pytest.raises(PutBack) as raised:
        hands.run(verb, **inputs)
    return raised.value


def test_a_spent_rate_limit_puts_the_task_back_until_it_is_renewed(hands: Hands) -> None:
    for status in (403, 429):
        hands.place.fake.set_rate_limit(hands.place.token, 0, resets_in=120, status=status)
        error = put_back(hands, "put_file", **FILE)
        assert 100 < error.seconds < 125
        assert re.fullmatch(r"the rate limit of GitHub \(core\) is used up until \d\d:\d\d:\d\d UTC", error.reason)


@pytest.mark.parametrize(("after", "status", "seconds"), [(30, 403, 30), (None, 403, 60), (7, 429, 7)])
def test_a_secondary_limit_puts_the_task_back(hands: Hands, after: int | None, status: int, seconds: float) -> None:
    hands.place.fake.limit_next("POST", "/issues$", retry_after=after, status=status)
    assert put_back(hands, "create_issue", title="t").seconds == seconds
    assert hands.place.fake.requests.count("POST", "/issues$") == 1


def test_a_limit_between_two_writes_leaves_the_second_for_later(hands: Hands) -> None:
    branch = hands.place.branch("feature")
    hands.place.commit(branch, {"new": "x"})
    inputs: dict[str, Any] = {"head": branch, "base": "main", "title": "t", "labels": ["bug"]}
    hands.place.fake.limit_next("POST", "/labels$")
    put_back(hands, "open_pull_request", **inputs)
    made = hands.run("open_pull_request", **inputs)
    assert hands.place.fake.requests.count("POST", "/pulls$") == 1
    labels = hands.place.of_repo("GET", f"/issues/{made.number}")["labels"]
    assert [label["name"] for label in labels] == ["bug"]
