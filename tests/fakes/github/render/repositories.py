"""Repositories, branches, protection and collaborators as GitHub answers them."""

from __future__ import annotations

from typing import Any

from tests.fakes.github.accounts import Account, Team
from tests.fakes.github.exchange import Json
from tests.fakes.github.links import Links, node_id, quoted
from tests.fakes.github.render.accounts import permission_flags, simple_user, team, timestamp
from tests.fakes.github.repository import Invitation, Repository

# Source: the recorded answer to GET /repos/{owner}/{repo}.
REPOSITORY_LINKS = {
    "url": "",
    "forks_url": "/forks",
    "keys_url": "/keys{/key_id}",
    "collaborators_url": "/collaborators{/collaborator}",
    "teams_url": "/teams",
    "hooks_url": "/hooks",
    "issue_events_url": "/issues/events{/number}",
    "events_url": "/events",
    "assignees_url": "/assignees{/user}",
    "branches_url": "/branches{/branch}",
    "tags_url": "/tags",
    "blobs_url": "/git/blobs{/sha}",
    "git_tags_url": "/git/tags{/sha}",
    "git_refs_url": "/git/refs{/sha}",
    "trees_url": "/git/trees{/sha}",
    "statuses_url": "/statuses/{sha}",
    "languages_url": "/languages",
    "stargazers_url": "/stargazers",
    "contributors_url": "/contributors",
    "subscribers_url": "/subscribers",
    "subscription_url": "/subscription",
    "commits_url": "/commits{/sha}",
    "git_commits_url": "/git/commits{/sha}",
    "comments_url": "/comments{/number}",
    "issue_comment_url": "/issues/comments{/number}",
    "contents_url": "/contents/{+path}",
    "compare_url": "/compare/{base}...{head}",
    "merges_url": "/merges",
    "archive_url": "/{archive_format}{/ref}",
    "downloads_url": "/downloads",
    "issues_url": "/issues{/number}",
    "pulls_url": "/pulls{/number}",
    "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "labels_url": "/labels{/name}",
    "releases_url": "/releases{/id}",
    "deployments_url": "/deployments",
}
SHARED_SETTINGS = (
    "has_issues",
    "has_projects",
    "has_wiki",
    "has_downloads",
    "has_discussions",
    "allow_forking",
    "web_commit_signoff_required",
)
MERGE_SETTINGS = (
    "allow_squash_merge",
    "allow_merge_commit",
    "allow_rebase_merge",
    "allow_auto_merge",
    "delete_branch_on_merge",
    "allow_update_branch",
    "use_squash_pr_title_as_default",
    "squash_merge_commit_title",
    "squash_merge_commit_message",
    "merge_commit_title",
    "merge_commit_message",
)


def minimal_repository(links: Links, repository: Repository) -> Json:
    """What other answers embed."""
    base = {
        "id": repository.id,
        "node_id": node_id("R", repository.id),
        "name": repository.name,
        "full_name": repository.full_name,
        "private": repository.private,
        "owner": simple_user(links, repository.owner),
        "html_url": links.html(repository),
        "description": repository.description,
        "fork": False,
    }
    return base | {key: links.repo(repository, rest) for key, rest in REPOSITORY_LINKS.items()}


def repository(links: Links, found: Repository, role: str | None) -> Json:
    """`role` is the reader's; None leaves the permissions out."""
    host = links.web.partition("://")[2]
    open_issues = sum(issue.state == "open" for issue in found.issues.values())
    shown = minimal_repository(links, found) | {
        "created_at": timestamp(found.created_at),
        "updated_at": timestamp(found.updated_at),
        "pushed_at": timestamp(found.pushed_at),
        "git_url": f"git://{host}/{found.full_name}.git",
        "ssh_url": f"git@{host}:{found.full_name}.git",
        "clone_url": f"{links.html(found)}.git",
        "svn_url": links.html(found),
        "homepage": found.homepage,
        "size": 0,
        "stargazers_count": 0,
        "watchers_count": 0,
        "language": None,
        "has_pages": False,
        "forks_count": 0,
        "mirror_url": None,
        "archived": found.archived,
        "disabled": False,
        "open_issues_count": open_issues,
        "license": None,
        "is_template": found.is_template,
        "topics": found.topics,
        "visibility": "private" if found.private else "public",
        "forks": 0,
        "open_issues": open_issues,
        "watchers": 0,
        "default_branch": found.default_branch,
    }
    shown |= {name: found.setting(name) for name in SHARED_SETTINGS}
    if role is not None:
        shown["permissions"] = permission_flags(role)
    return shown


def full_repository(links: Links, found: Repository, role: str | None) -> Json:
    shown = repository(links, found, role) | {"network_count": 0, "subscribers_count": 0}
    if role in ("push", "maintain", "admin"):
        shown |= {name: found.setting(name) for name in MERGE_SETTINGS} | {"temp_clone_token": ""}
    if found.owner.is_organization:
        shown["organization"] = simple_user(links, found.owner)
    if found.template is not None:
        shown["template_repository"] = repository(links, found.template, role)
    return shown


def short_branch(links: Links, found: Repository, name: str, sha: str) -> Json:
    return {
        "name": name,
        "commit": {"sha": sha, "url": links.repo(found, f"/commits/{sha}")},
        "protected": name in found.protections,
    }


def branch_summary(found: Repository, name: str) -> Json:
    """The short form of protection that a branch carries."""
    checks = found.protections.get(name, {}).get("required_status_checks")
    return {
        "enabled": name in found.protections,
        "required_status_checks": {
            "enforcement_level": "off" if checks is None else "non_admins",
            "contexts": checks["contexts"] if checks else [],
            "checks": checks["checks"] if checks else [],
        },
    }


def protection(links: Links, found: Repository, branch: str, accounts: dict[str, Account], teams: list[Team]) -> Json:
    """A branch's full protection; `accounts` is by lower-case login."""
    rules = found.protections[branch]
    url = links.repo(found, f"/branches/{quoted(branch)}/protection")

    def people(chosen: Json, where: str) -> Json:
        slugs = chosen.get("teams", [])
        return {
            "url": f"{url}/{where}",
            "users_url": f"{url}/{where}/users",
            "teams_url": f"{url}/{where}/teams",
            "users": [simple_user(links, accounts[login.lower()]) for login in chosen.get("users", [])],
            "teams": [team(links, one, found.owner.id) for one in teams if one.slug in slugs],
            "apps": [],
        }

    shown: dict[str, Any] = {
        "url": url,
        "required_signatures": {"url": f"{url}/required_signatures", "enabled": False},
        "enforce_admins": {"url": f"{url}/enforce_admins", "enabled": bool(rules.get("enforce_admins"))},
    }
    for name in PROTECTION_SWITCHES:
        shown[name] = {"enabled": bool(rules.get(name))}
    checks = rules.get("required_status_checks")
    if checks is not None:
        own = f"{url}/required_status_checks"
        shown["required_status_checks"] = {"url": own, "contexts_url": f"{own}/contexts", **checks}
    reviews = rules.get("required_pull_request_reviews")
    if reviews is not None:
        shown["required_pull_request_reviews"] = {
            "url": f"{url}/required_pull_request_reviews",
            "dismiss_stale_reviews": bool(reviews.get("dismiss_stale_reviews")),
            "require_code_owner_reviews": bool(reviews.get("require_code_owner_reviews")),
            "require_last_push_approval": bool(reviews.get("require_last_push_approval")),
            "required_approving_review_count": reviews.get("required_approving_review_count", 1),
        }
        if reviews.get("dismissal_restrictions"):
            shown["required_pull_request_reviews"]["dismissal_restrictions"] = people(
                reviews["dismissal_restrictions"], "dismissal_restrictions"
            )
    if rules.get("restrictions") is not None:
        shown["restrictions"] = people(rules["restrictions"], "restrictions") | {"apps_url": f"{url}/restrictions/apps"}
    return shown


PROTECTION_SWITCHES = (
    "required_linear_history",
    "allow_force_pushes",
    "allow_deletions",
    "block_creations",
    "required_conversation_resolution",
    "lock_branch",
    "allow_fork_syncing",
)
ROLE_NAMES = {"pull": "read", "triage": "triage", "push": "write", "maintain": "maintain", "admin": "admin"}


def collaborator(links: Links, account: Account, role: str) -> Json:
    return simple_user(links, account) | {
        "permissions": permission_flags(role),
        "role_name": ROLE_NAMES[role],
    }


def invitation(links: Links, found: Repository, invited: Invitation) -> Json:
    return {
        "id": invited.id,
        "node_id": node_id("RI", invited.id),
        "repository": minimal_repository(links, found),
        "invitee": simple_user(links, invited.invitee),
        "inviter": simple_user(links, invited.inviter),
        "permissions": ROLE_NAMES[invited.role],
        "created_at": timestamp(invited.created_at),
        "expired": False,
        "url": f"{links.api}/user/repository_invitations/{invited.id}",
        "html_url": links.html(found, "/invitations"),
    }
