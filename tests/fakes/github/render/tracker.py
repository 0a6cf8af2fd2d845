"""Issues, pull requests, comments, reviews, labels and releases as GitHub answers them."""

from __future__ import annotations

from typing import Any

from tests.fakes.github import pulling
from tests.fakes.github.accounts import Account
from tests.fakes.github.exchange import Json
from tests.fakes.github.links import Links, node_id, quoted
from tests.fakes.github.render.accounts import simple_user, timestamp, user_or_none
from tests.fakes.github.render.repositories import repository
from tests.fakes.github.repository import Repository
from tests.fakes.github.tracker import Asset, Comment, Issue, Label, Release, Review

REACTIONS = ("+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes")


def label(links: Links, found: Repository, one: Label) -> Json:
    return {
        "id": one.id,
        "node_id": node_id("LA", one.id),
        "url": links.repo(found, f"/labels/{quoted(one.name)}"),
        "name": one.name,
        "color": one.color,
        "default": one.default,
        "description": one.description,
    }


def association(found: Repository, account: Account) -> str:
    if account is found.owner:
        return "OWNER"
    if account.login in found.owner.members:
        return "MEMBER"
    return "COLLABORATOR" if account.login in found.collaborators else "NONE"


def reactions(url: str) -> Json:
    return {"url": f"{url}/reactions", "total_count": 0, **dict.fromkeys(REACTIONS, 0)}


def issue(links: Links, found: Repository, one: Issue, full: bool = True) -> Json:
    """`full` adds what a single issue has and a listed or searched one has not."""
    url = links.repo(found, f"/issues/{one.number}")
    kind = "pull" if one.pull else "issues"
    shown: Json = {
        "url": url,
        "repository_url": links.repo(found),
        "labels_url": f"{url}/labels{{/name}}",
        "comments_url": f"{url}/comments",
        "events_url": f"{url}/events",
        "html_url": links.html(found, f"/{kind}/{one.number}"),
        "id": one.id,
        "node_id": node_id("PR" if one.pull else "I", one.id),
        "number": one.number,
        "title": one.title,
        "user": simple_user(links, one.author),
        "labels": [label(links, found, label_) for label_ in one.labels],
        "state": one.state,
        "locked": one.locked,
        "assignee": user_or_none(links, one.assignees[0] if one.assignees else None),
        "assignees": [simple_user(links, account) for account in one.assignees],
        "milestone": None,
        "comments": len(one.comments),
        "created_at": timestamp(one.created_at),
        "updated_at": timestamp(one.updated_at),
        "closed_at": timestamp(one.closed_at),
        "author_association": association(found, one.author),
        "active_lock_reason": one.lock_reason,
        "body": one.body,
        "reactions": reactions(url),
        "timeline_url": f"{url}/timeline",
        "performed_via_github_app": None,
        "state_reason": one.state_reason,
    }
    if full:
        shown["closed_by"] = user_or_none(links, one.closed_by)
    if one.pull is not None:
        page = links.html(found, f"/pull/{one.number}")
        shown["draft"] = one.pull.draft
        shown["pull_request"] = {
            "url": links.repo(found, f"/pulls/{one.number}"),
            "html_url": page,
            "diff_url": f"{page}.diff",
            "patch_url": f"{page}.patch",
            "merged_at": timestamp(one.pull.merged_at),
        }
    return shown


def comment(links: Links, found: Repository, one: Issue, said: Comment) -> Json:
    url = links.repo(found, f"/issues/comments/{said.id}")
    return {
        "url": url,
        "html_url": links.html(found, f"/issues/{one.number}#issuecomment-{said.id}"),
        "issue_url": links.repo(found, f"/issues/{one.number}"),
        "id": said.id,
        "node_id": node_id("IC", said.id),
        "user": simple_user(links, said.author),
        "created_at": timestamp(said.created_at),
        "updated_at": timestamp(said.updated_at),
        "author_association": association(found, said.author),
        "body": said.body,
        "reactions": reactions(url),
        "performed_via_github_app": None,
    }


def pull_simple(links: Links, found: Repository, one: Issue) -> Json:
    pull = one.pull
    assert pull is not None
    url = links.repo(found, f"/pulls/{one.number}")
    page = links.html(found, f"/pull/{one.number}")
    issue_url = links.repo(found, f"/issues/{one.number}")
    addresses = {
        "self": url,
        "html": page,
        "issue": issue_url,
        "comments": f"{issue_url}/comments",
        "review_comments": f"{url}/comments",
        "review_comment": links.repo(found, "/pulls/comments{/number}"),
        "commits": f"{url}/commits",
        "statuses": links.repo(found, f"/statuses/{pull.head_sha}"),
    }
    return {
        "url": url,
        "id": one.id,
        "node_id": node_id("PR", one.id),
        "html_url": page,
        "diff_url": f"{page}.diff",
        "patch_url": f"{page}.patch",
        "issue_url": issue_url,
        "number": one.number,
        "state": one.state,
        "locked": one.locked,
        "title": one.title,
        "user": simple_user(links, one.author),
        "body": one.body,
        "created_at": timestamp(one.created_at),
        "updated_at": timestamp(one.updated_at),
        "closed_at": timestamp(one.closed_at),
        "merged_at": timestamp(pull.merged_at),
        "merge_commit_sha": pull.merge_commit,
        "assignee": user_or_none(links, one.assignees[0] if one.assignees else None),
        "assignees": [simple_user(links, account) for account in one.assignees],
        "requested_reviewers": [simple_user(links, account) for account in pull.reviewers],
        "requested_teams": [],
        "labels": [label(links, found, label_) for label_ in one.labels],
        "milestone": None,
        "draft": pull.draft,
        "commits_url": addresses["commits"],
        "review_comments_url": addresses["review_comments"],
        "review_comment_url": addresses["review_comment"],
        "comments_url": addresses["comments"],
        "statuses_url": addresses["statuses"],
        "head": _end(links, found, pull.head, pull.head_sha),
        "base": _end(links, found, pull.base, pull.base_sha),
        "_links": {name: {"href": address} for name, address in addresses.items()},
        "author_association": association(found, one.author),
        "auto_merge": None,
        "active_lock_reason": one.lock_reason,
    }


def _end(links: Links, found: Repository, branch: str, sha: str) -> Json:
    return {
        "label": f"{found.owner.login}:{branch}",
        "ref": branch,
        "sha": sha,
        "user": simple_user(links, found.owner),
        "repo": repository(links, found, None),
    }


def pull_full(links: Links, found: Repository, one: Issue) -> Json:
    pull = one.pull
    assert pull is not None
    git = found.git
    base = git.merge_base(pull.base_sha, pull.head_sha)
    changes = git.diff(git.commit(base).tree if base else None, git.commit(pull.head_sha).tree)
    merged = pull.merged_at is not None
    return pull_simple(links, found, one) | {
        "merged": merged,
        "mergeable": None if merged else pull.mergeable,
        "rebaseable": None if merged else pull.mergeable,
        "mergeable_state": "unknown" if merged else pulling.mergeable_state(found, one),
        "merged_by": user_or_none(links, pull.merged_by),
        "comments": len(one.comments),
        "review_comments": 0,
        "maintainer_can_modify": pull.maintainer_can_modify,
        "commits": sum(1 for _ in git.history(pull.head_sha, exclude=pull.base_sha)),
        "additions": sum(change.additions for change in changes),
        "deletions": sum(change.deletions for change in changes),
        "changed_files": len(changes),
    }


def review(links: Links, found: Repository, one: Issue, given: Review) -> Json:
    page = links.html(found, f"/pull/{one.number}#pullrequestreview-{given.id}")
    pull = links.repo(found, f"/pulls/{one.number}")
    return {
        "id": given.id,
        "node_id": node_id("PRR", given.id),
        "user": simple_user(links, given.author),
        "body": given.body,
        "state": given.state,
        "html_url": page,
        "pull_request_url": pull,
        "_links": {"html": {"href": page}, "pull_request": {"href": pull}},
        "submitted_at": timestamp(given.submitted_at),
        "commit_id": given.commit,
        "author_association": association(found, given.author),
    }


def asset(links: Links, found: Repository, release_: Release, one: Asset, digest: str) -> Json:
    return {
        "url": links.repo(found, f"/releases/assets/{one.id}"),
        "id": one.id,
        "node_id": node_id("RA", one.id),
        "name": one.name,
        "label": one.label,
        "uploader": simple_user(links, one.uploader),
        "content_type": one.content_type,
        "state": "uploaded",
        "size": len(one.content),
        "digest": digest,
        "download_count": one.downloads,
        "created_at": timestamp(one.created_at),
        "updated_at": timestamp(one.updated_at),
        "browser_download_url": links.html(found, f"/releases/download/{release_.tag}/{quoted(one.name)}"),
    }


def release(links: Links, found: Repository, one: Release, assets: list[Any]) -> Json:
    own = f"/releases/{one.id}"
    page = "/releases/tag/untagged" if one.draft else f"/releases/tag/{quoted(one.tag)}"
    return {
        "url": links.repo(found, own),
        "assets_url": links.repo(found, f"{own}/assets"),
        "upload_url": f"{links.uploads}/repos/{found.full_name}{own}/assets{{?name,label}}",
        "html_url": links.html(found, page),
        "id": one.id,
        "author": simple_user(links, one.author),
        "node_id": node_id("RE", one.id),
        "tag_name": one.tag,
        "target_commitish": one.target,
        "name": one.name,
        "draft": one.draft,
        "immutable": False,
        "prerelease": one.prerelease,
        "created_at": timestamp(one.created_at),
        "published_at": timestamp(one.published_at),
        "assets": assets,
        "tarball_url": None if one.draft else links.repo(found, f"/tarball/{quoted(one.tag)}"),
        "zipball_url": None if one.draft else links.repo(found, f"/zipball/{quoted(one.tag)}"),
        "body": one.body,
    }
