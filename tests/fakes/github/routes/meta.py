"""The root, rate limits, users and organizations."""

from __future__ import annotations

from tests.fakes.github.accounts import Account
from tests.fakes.github.call import Call, no_content
from tests.fakes.github.exchange import Answer, Page
from tests.fakes.github.limits import WINDOWS
from tests.fakes.github.problems import not_found
from tests.fakes.github.render import accounts as shown
from tests.fakes.github.routing import Routes

routes = Routes()

# Source: the recorded answer to GET /.
ROOT = {
    "current_user_url": "/user",
    "authorizations_url": "/authorizations",
    "code_search_url": "/search/code?q={query}{&page,per_page,sort,order}",
    "commit_search_url": "/search/commits?q={query}{&page,per_page,sort,order}",
    "emails_url": "/user/emails",
    "emojis_url": "/emojis",
    "events_url": "/events",
    "feeds_url": "/feeds",
    "followers_url": "/user/followers",
    "following_url": "/user/following{/target}",
    "gists_url": "/gists{/gist_id}",
    "hub_url": "/hub",
    "issue_search_url": "/search/issues?q={query}{&page,per_page,sort,order}",
    "issues_url": "/issues",
    "keys_url": "/user/keys",
    "label_search_url": "/search/labels?q={query}&repository_id={repository_id}{&page,per_page}",
    "notifications_url": "/notifications",
    "organization_url": "/orgs/{org}",
    "organization_repositories_url": "/orgs/{org}/repos{?type,page,per_page,sort}",
    "organization_teams_url": "/orgs/{org}/teams",
    "public_gists_url": "/gists/public",
    "rate_limit_url": "/rate_limit",
    "repository_url": "/repos/{owner}/{repo}",
    "repository_search_url": "/search/repositories?q={query}{&page,per_page,sort,order}",
    "current_user_repositories_url": "/user/repos{?type,page,per_page,sort}",
    "starred_url": "/user/starred{/owner}{/repo}",
    "starred_gists_url": "/gists/starred",
    "topic_search_url": "/search/topics?q={query}{&page,per_page}",
    "user_url": "/users/{user}",
    "user_organizations_url": "/user/orgs",
    "user_repositories_url": "/users/{user}/repos{?type,page,per_page,sort}",
    "user_search_url": "/search/users?q={query}{&page,per_page,sort,order}",
}


@routes.add("GET", "/")
def root(call: Call) -> Answer:
    connections = f"{call.links.web}/settings/connections/applications{{/client_id}}"
    addresses = {name: call.links.api + path for name, path in ROOT.items()}
    return Answer(body={**addresses, "current_user_authorizations_html_url": connections})


@routes.add("GET", "/rate_limit")
def rate_limit(call: Call) -> Answer:
    now = call.world.now()
    budgets = {name: call.limits.budget(call.identity.key, name, now).render() for name in WINDOWS}
    return Answer(body={"resources": budgets, "rate": budgets["core"]})


@routes.add("GET", "/user", scopes="")
def own_user(call: Call) -> Answer:
    return Answer(body=shown.full_user(call.links, call.user, True, _public(call, call.user)))


@routes.add("GET", "/users/{username}", scopes="")
def user(call: Call) -> Answer:
    found = call.account(call.params["username"])
    return Answer(body=shown.full_user(call.links, found, False, _public(call, found)))


@routes.add("GET", "/user/orgs", scopes="admin:org, read:org, repo, user, write:org")
def own_organizations(call: Call) -> Page:
    login = call.user.login
    member_of = [one for one in call.world.accounts.values() if login in one.members]
    return Page(member_of, lambda one: shown.organization_simple(call.links, one))


@routes.add("GET", "/orgs/{org}", scopes="admin:org, read:org, repo, user, write:org")
def organization(call: Call) -> Answer:
    found = _organization(call)
    inside = call.identity.account is not None and found.members.get(call.identity.account.login) == "admin"
    return Answer(body=shown.organization(call.links, found, _public(call, found), inside))


@routes.add("GET", "/orgs/{org}/members/{username}")
def organization_member(call: Call) -> Answer:
    if call.params["username"] not in _organization(call).members:
        raise not_found()
    return no_content()


def _organization(call: Call) -> Account:
    found = call.account(call.params["org"])
    if not found.is_organization:
        raise not_found()
    return found


def _public(call: Call, account: Account) -> int:
    return sum(not repository.private for repository in call.world.repositories_of(account))
