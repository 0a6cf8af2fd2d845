"""Search over issues and pull requests."""

from __future__ import annotations

import re

from tests.fakes.github.access import visible
from tests.fakes.github.call import Call
from tests.fakes.github.exchange import Json, Page
from tests.fakes.github.problems import Problem, invalid
from tests.fakes.github.render import tracker as shown
from tests.fakes.github.repository import Repository
from tests.fakes.github.routing import Routes
from tests.fakes.github.tracker import Issue

routes = Routes()
TERM = re.compile(r'(-?)(?:(\w+):)?("[^"]*"|\S+)')
# GitHub finds at most this many. Source: its documentation of search.
MOST_RESULTS = 1000


@routes.add("GET", "/search/issues", scopes="")
def search_issues(call: Call) -> Page:
    query = call.query("q")
    if not query.strip():
        raise invalid("Search", "q", "missing")
    terms = [(minus == "-", field, value.strip('"').lower()) for minus, field, value in TERM.findall(query)]
    scope = [
        found
        for found in call.world.repositories.values()
        if visible(call.world, call.identity, found) and _in_scope(found, terms)
    ]
    if not scope and any(field in ("repo", "org", "user") for _, field, _ in terms):
        message = (
            "The listed users and repositories cannot be searched either because the resources do not exist "
            "or you do not have permission to view them."
        )
        raise Problem(422, "Validation Failed", [{"message": message, "resource": "Search", "field": "q", "code": "invalid"}])  # fmt: skip  # noqa: E501
    places = {value for _, field, value in terms if field == "in"}
    found = [
        (repository, issue)
        for repository in scope
        for issue in repository.issues.values()
        if issue.searchable
        and all(
            _matches(repository, issue, field, value, places) != minus
            for minus, field, value in terms
            if field not in ("in", "repo", "org", "user", "sort")
        )
    ]
    found.sort(key=lambda pair: pair[1].created_at, reverse=call.query("order", "desc") == "desc")

    def render(pair: tuple[Repository, Issue]) -> Json:
        return shown.issue(call.links, *pair, full=False) | {"score": 1.0}

    return Page(
        found[:MOST_RESULTS], render, key="items", extra={"incomplete_results": False, "search_type": "lexical"}
    )


def _in_scope(found: Repository, terms: list[tuple[bool, str, str]]) -> bool:
    repos = {value for _, field, value in terms if field == "repo"}
    owners = {value for _, field, value in terms if field in ("org", "user")}
    if not repos and not owners:
        return True
    return found.full_name.lower() in repos or found.owner.login.lower() in owners


def _matches(found: Repository, issue: Issue, field: str, value: str, places: set[str]) -> bool:
    pull = issue.pull
    if field in ("is", "type", "state"):
        states = {
            "issue": pull is None,
            "pr": pull is not None,
            "open": issue.state == "open",
            "closed": issue.state == "closed",
            "merged": pull is not None and pull.merged_at is not None,
            "draft": pull is not None and pull.draft,
            "private": found.private,
            "public": not found.private,
        }
        return states.get(value, False)
    if field == "label":
        return value in [label.name.lower() for label in issue.labels]
    if field == "author":
        return value.removeprefix("app/") in (issue.author.login.lower(), issue.author.login.lower()[:-5])
    if field in ("head", "base"):
        branch = "" if pull is None else pull.head if field == "head" else pull.base
        return branch.lower().startswith(value)
    texts = {
        "title": issue.title,
        "body": issue.body or "",
        "comments": " ".join(comment.body for comment in issue.comments),
    }
    searched = " ".join(text for place, text in texts.items() if not places or place in places).lower()
    # Words are matched whole, punctuation apart: a marker in an HTML comment is found by its words.
    return _words(f"{field}:{value}" if field else value) in _words(searched)


def _words(text: str) -> str:
    return " ".join(["", *re.findall(r"[^\W_]+", text), ""])
