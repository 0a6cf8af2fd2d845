"""Users, organizations, teams, Apps and installations as GitHub answers them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tests.fakes.github.accounts import Account, App, Installation, Team
from tests.fakes.github.exchange import Json
from tests.fakes.github.links import Links, node_id, quoted

USER_LINKS = {
    "url": "",
    "followers_url": "/followers",
    "following_url": "/following{/other_user}",
    "gists_url": "/gists{/gist_id}",
    "starred_url": "/starred{/owner}{/repo}",
    "subscriptions_url": "/subscriptions",
    "organizations_url": "/orgs",
    "repos_url": "/repos",
    "events_url": "/events{/privacy}",
    "received_events_url": "/received_events",
}

# Source: the recorded answer to GET /orgs/{org}.
ORGANIZATION_RULES: Json = {
    "is_verified": False,
    "has_organization_projects": True,
    "has_repository_projects": True,
    "public_gists": 0,
    "followers": 0,
    "following": 0,
}
ORGANIZATION_INTERNALS: Json = {
    "total_private_repos": 0,
    "owned_private_repos": 0,
    "private_gists": 0,
    "disk_usage": 1,
    "collaborators": 0,
    "default_repository_permission": "read",
    "members_can_create_repositories": True,
    "two_factor_requirement_enabled": False,
    "members_allowed_repository_creation_type": "all",
    "members_can_create_public_repositories": True,
    "members_can_create_private_repositories": True,
    "members_can_create_internal_repositories": False,
    "members_can_create_pages": True,
    "members_can_fork_private_repositories": False,
    "members_can_create_public_pages": True,
    "members_can_create_private_pages": True,
    "web_commit_signoff_required": False,
    "plan": {"name": "team", "space": 976562499, "private_repos": 999999, "filled_seats": 1, "seats": 5},
}


def timestamp(at: datetime | None) -> str | None:
    return None if at is None else at.strftime("%Y-%m-%dT%H:%M:%SZ")


def simple_user(links: Links, account: Account) -> Json:
    url = f"{links.api}/users/{quoted(account.login)}"
    return {
        "login": account.login,
        "id": account.id,
        "node_id": node_id("O" if account.is_organization else "U", account.id),
        "avatar_url": f"{links.web}/avatars/u/{account.id}?v=4",
        "gravatar_id": "",
        "html_url": f"{links.web}/{quoted(account.login)}",
        "type": account.kind,
        "site_admin": False,
        "user_view_type": "public",
    } | {key: url + rest for key, rest in USER_LINKS.items()}


def user_or_none(links: Links, account: Account | None) -> Json | None:
    return None if account is None else simple_user(links, account)


def full_user(links: Links, account: Account, private: bool, repositories: int) -> Json:
    """`private` adds what only the user sees."""
    user = simple_user(links, account) | {
        "name": account.name,
        "company": None,
        "blog": "",
        "location": None,
        "email": None,
        "hireable": None,
        "bio": None,
        "twitter_username": None,
        "public_repos": repositories,
        "public_gists": 0,
        "followers": 0,
        "following": 0,
        "created_at": timestamp(account.created_at),
        "updated_at": timestamp(account.created_at),
    }
    if private:
        user |= {
            "user_view_type": "private",
            "private_gists": 0,
            "total_private_repos": 0,
            "owned_private_repos": 0,
            "disk_usage": 0,
            "collaborators": 0,
            "two_factor_authentication": True,
            "plan": {"name": "free", "space": 976562499, "collaborators": 0, "private_repos": 10000},
        }
    return user


def organization(links: Links, account: Account, repositories: int, inside: bool) -> Json:
    """`inside` adds what its owners see."""
    url = f"{links.api}/orgs/{account.login}"
    shown = organization_simple(links, account) | ORGANIZATION_RULES
    shown |= {
        "html_url": f"{links.web}/{account.login}",
        "public_repos": repositories,
        "created_at": timestamp(account.created_at),
        "updated_at": timestamp(account.created_at),
        "archived_at": None,
        "type": "Organization",
    }
    if inside:
        shown |= ORGANIZATION_INTERNALS | {"billing_email": f"billing@{account.login}.example"}
    return shown | {"url": url}


def organization_simple(links: Links, account: Account) -> Json:
    url = f"{links.api}/orgs/{account.login}"
    return {
        "login": account.login,
        "id": account.id,
        "node_id": node_id("O", account.id),
        "url": url,
        "repos_url": f"{url}/repos",
        "events_url": f"{url}/events",
        "hooks_url": f"{url}/hooks",
        "issues_url": f"{url}/issues",
        "members_url": f"{url}/members{{/member}}",
        "public_members_url": f"{url}/public_members{{/member}}",
        "avatar_url": f"{links.web}/avatars/u/{account.id}?v=4",
        "description": None,
    }


def team(links: Links, found: Team, organization_id: int) -> Json:
    url = f"{links.api}/organizations/{organization_id}/team/{found.id}"
    return {
        "name": found.name,
        "id": found.id,
        "node_id": node_id("T", found.id),
        "slug": found.slug,
        "description": found.description,
        "privacy": "closed",
        "notification_setting": "notifications_enabled",
        "url": url,
        "html_url": f"{links.web}/orgs/{found.organization}/teams/{found.slug}",
        "members_url": f"{url}/members{{/member}}",
        "repositories_url": f"{url}/repos",
        "permission": "pull",
        "parent": None,
        "type": "organization",
        "organization_id": organization_id,
    }


def app(links: Links, found: App, owner: Account) -> Json:
    return {
        "id": found.id,
        "slug": found.slug,
        "client_id": found.client_id,
        "node_id": node_id("A", found.id),
        "owner": simple_user(links, owner),
        "name": found.name,
        "description": None,
        "external_url": f"{links.web}/{found.slug}",
        "html_url": f"{links.web}/apps/{found.slug}",
        "created_at": timestamp(found.created_at),
        "updated_at": timestamp(found.created_at),
        "permissions": found.permissions,
        "events": [],
    }


def installation(links: Links, found: Installation) -> Json:
    own = f"{links.api}/app/installations/{found.id}"
    return {
        "id": found.id,
        "account": simple_user(links, found.account),
        "repository_selection": "all" if found.repositories is None else "selected",
        "access_tokens_url": f"{own}/access_tokens",
        "repositories_url": f"{links.api}/installation/repositories",
        "html_url": f"{links.web}/settings/installations/{found.id}",
        "app_id": found.app.id,
        "app_slug": found.app.slug,
        "target_id": found.account.id,
        "target_type": found.account.kind,
        "permissions": found.permissions,
        "events": [],
        "created_at": timestamp(found.created_at),
        "updated_at": timestamp(found.created_at),
        "single_file_name": None,
        "has_multiple_single_files": False,
        "single_file_paths": [],
        "suspended_by": None,
        "suspended_at": timestamp(found.suspended_at),
    }


def permission_flags(role: str) -> dict[str, Any]:
    """The `permissions` object of a role."""
    order = ["pull", "triage", "push", "maintain", "admin"]
    held = order[: order.index(role) + 1] if role in order else []
    return {name: name in held for name in reversed(order)}
