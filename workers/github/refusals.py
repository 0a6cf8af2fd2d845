"""GitHub's refusals in words: what, where, what to do next. A spent rate limit is no refusal but "not now"."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from reign.executor import FailureKind, PutBack, TaskFailed

if TYPE_CHECKING:
    from github import GithubException

    from workers.github.api import Api

#: Wait when a secondary limit does not say how long. Source: GitHub, "Best practices for using the REST API".
_SECONDARY_WAIT = 60.0
_PROTECTED = re.compile(
    r"protected branch|through a pull request|required status check|status checks? are|rule violation|locked branch"
    r"|protected ref|force-push|approving review|changes have been requested",
    re.IGNORECASE,
)
_SECONDARY = re.compile(r"secondary rate limit|abuse detection|please (?:wait a few minutes|retry your request)", re.I)
_PRIMARY = re.compile(r"^api rate limit exceeded", re.IGNORECASE)
#: What a scope of a classic token carries in it. Source: GitHub, "Scopes for OAuth apps".
_IMPLIED = {
    "repo": {"public_repo", "repo:status", "repo_deployment", "repo:invite", "security_events"},
    "admin:org": {"write:org", "read:org"},
    "write:org": {"read:org"},
    "user": {"read:user", "user:email", "user:follow"},
}
_CODES = {
    "missing": "does not exist",
    "missing_field": "is required",
    "invalid": "is not valid",
    "already_exists": "exists already",
    "unprocessable": "is not valid",
}


def refusal(api: Api, error: GithubException, verb: str, path: str, wants: str | None) -> TaskFailed | PutBack:
    """What an answer of 400 or more means."""
    status, headers = error.status, error.headers or {}
    data = error.data if isinstance(error.data, dict) else {}
    said = str(data.get("message") or error.message or f"status {status}").strip().splitlines()
    message = said[0].rstrip(".") if said else f"status {status}"
    if status in (403, 429) and (wait := _limited(message, headers)) is not None:
        return wait
    refused = _Refusal(api, status, message, data, headers, verb, path)
    return refused.explained(wants)


def _limited(message: str, headers: dict[str, Any]) -> PutBack | None:
    if _SECONDARY.search(message) or headers.get("retry-after"):
        seconds = _number(headers.get("retry-after")) or _SECONDARY_WAIT
        return PutBack(max(1.0, seconds), f"GitHub asks for a pause of {seconds:g} s (secondary rate limit)")
    if _PRIMARY.search(message) or headers.get("x-ratelimit-remaining") == "0":
        renewed = _number(headers.get("x-ratelimit-reset")) or 0.0
        kind = headers.get("x-ratelimit-resource", "core")
        when = f" until {datetime.fromtimestamp(renewed, UTC):%H:%M:%S} UTC" if renewed else ""
        return PutBack(max(1.0, renewed - _now(headers) + 1), f"the rate limit of GitHub ({kind}) is used up{when}")
    return None


def _number(text: Any) -> float | None:
    try:
        return float(text)
    except (TypeError, ValueError):
        return None


def _now(headers: dict[str, Any]) -> float:
    """GitHub's clock, by which it counts; ours may be wrong."""
    try:
        return parsedate_to_datetime(headers["date"]).timestamp()
    except (KeyError, TypeError, ValueError):
        return time.time()


class _Refusal:
    """One refused request, and the search for its reason."""

    def __init__(
        self, api: Api, status: int, message: str, data: dict[str, Any], headers: dict[str, Any], verb: str, path: str
    ) -> None:
        self.api = api
        self.status = status
        self.message = message
        self.fields = [_field(item) for item in data.get("errors") or []]
        self.headers = headers
        self.verb = verb
        self.path = path

    def explained(self, wants: str | None) -> TaskFailed:
        if self.status == 401:
            return self._unauthorized()
        if self.status in (403, 404) and (missing := self._missing_scope(wants)):
            return self._failed(
                f"the token lacks the scope {missing!r}",
                FailureKind.PERMISSION,
                f"add the scope {missing!r} to the token (Settings, Developer settings, Personal access tokens)",
            )
        if _PROTECTED.search(" ".join([self.message, *self.fields])):
            return self._failed(
                f"the branch is protected: {self._said()}",
                FailureKind.PERMISSION,
                "put the change on a branch of its own and open a pull request, or change the protection",
            )
        known = {403: self._forbidden, 404: self._not_found, 409: self._conflict, 405: self._conflict}
        if self.status in known:
            return known[self.status]()
        if self.status in (410, 451):
            return self._failed(self._said(), FailureKind.MISSING_PREREQUISITE, "switch it on in the settings there")
        if self.status >= 500:
            hint = "GitHub has trouble (githubstatus.com); the next attempt looks first for what this one made"
            return self._failed(f"GitHub answered {self.status} ({self._said()})", FailureKind.TRANSIENT, hint)
        return self._invalid()

    def _unauthorized(self) -> TaskFailed:
        if self.api.account.is_app:
            hint = "check app_id and private_key of the github agent, and this machine's clock"
            return self._failed(f"GitHub does not accept the App's key ({self.message})", FailureKind.PERMISSION, hint)
        hint = "it may have expired or been revoked: make a new one and give it to the workers"
        return self._failed(f"GitHub does not accept the token ({self.message})", FailureKind.PERMISSION, hint)

    def _missing_scope(self, wants: str | None) -> str | None:
        """Of a classic token, which tells its scopes with every answer; the other kinds do not."""
        if "x-oauth-scopes" not in self.headers:
            return None
        granted = _scopes(self.headers["x-oauth-scopes"])
        granted |= {implied for scope in granted for implied in _IMPLIED.get(scope, ())}
        if wants and wants not in granted:
            return wants
        accepted = _scopes(self.headers.get("x-accepted-oauth-scopes", ""))
        if accepted and not accepted & granted:
            return "repo" if "repo" in accepted else min(accepted)
        if self.verb != "GET" and not granted & {"repo", "public_repo"}:
            return "repo"
        return None

    def _forbidden(self) -> TaskFailed:
        if permission := self.headers.get("x-accepted-github-permissions"):
            whom = "the App" if self.api.account.is_app else "the token"
            needed = permission.replace("=", ": ").replace(";", " or ")
            return self._failed(
                f"{whom} may not do that; it needs the permission {needed}",
                FailureKind.PERMISSION,
                f"grant {needed} to {whom}, and this repository to it",
            )
        if sso := self.headers.get("x-github-sso"):
            place = sso.partition("url=")[2] or "the organization's settings"
            return self._failed(
                "the organization wants single sign-on for this token", FailureKind.PERMISSION, f"allow it at {place}"
            )
        if "archived" in self.message.lower():
            return self._failed(self._said(), FailureKind.PERMISSION, "unarchive the repository first")
        return self._failed(
            f"GitHub forbids it: {self._said()}",
            FailureKind.PERMISSION,
            "the account of the token needs more rights there",
        )

    def _not_found(self) -> TaskFailed:
        """GitHub hides what a token may not see: look around to tell "not there" from "not for you"."""
        repo = self.api.repo
        if repo is None or not self.path.lower().startswith(f"/repos/{repo.lower()}"):
            return self._failed(f"GitHub does not find it ({self.path})", FailureKind.WRONG_INPUT, "check the names")
        answer = self.api.quietly(f"/repos/{repo}")
        if answer is None:
            return self._no_repository(repo)
        if self.verb != "GET" and not (answer.get("permissions") or {"push": True}).get("push"):
            return self._failed(
                f"the token may read {repo}, but not write to it",
                FailureKind.PERMISSION,
                "ask an owner for write access, or use another token",
            )
        what = _named(self.path[len(f"/repos/{repo}") :].lstrip("/"))
        return self._failed(
            f"{repo} has no {what}" if self.message == "Not Found" else self._said(),
            FailureKind.WRONG_INPUT,
            "check the names",
        )

    def _no_repository(self, repo: str) -> TaskFailed:
        owner = repo.partition("/")[0]
        if self.api.quietly(f"/users/{owner}") is None:
            return self._failed(f"there is no account {owner!r} on GitHub", FailureKind.WRONG_INPUT, "check the name")
        if self.api.account.is_app:
            hint = f"check the name; if it is right, give the App access to {repo}"
        elif "x-oauth-scopes" in self.headers:
            hint = "check the name; a private repository needs the scope 'repo' and an account that may see it"
        else:
            hint = "check the name; a fine-grained token sees only the repositories that it was given"
        return self._failed(
            f"there is no repository {repo}, or the token may not see it", FailureKind.WRONG_INPUT, hint
        )

    def _conflict(self) -> TaskFailed:
        moved = re.search(r"modified|fast.forward|does not match|was changed", self.message, re.IGNORECASE) is not None
        hint = f"{'somebody changed it meanwhile; ' if moved else ''}look at it on GitHub, then try again"
        return self._failed(self._said(), FailureKind.CONFLICT, hint, retryable=moved)

    def _invalid(self) -> TaskFailed:
        said = self._said()
        taken = re.search(r"already exists", said) is not None
        kind = FailureKind.CONFLICT if taken else FailureKind.WRONG_INPUT
        return self._failed(said, kind, "correct that input" if not taken else "take another name, or remove that one")

    def _said(self) -> str:
        """GitHub's own message and field errors, without the empty "Validation Failed"."""
        if not self.fields:
            return self.message
        fields = "; ".join(dict.fromkeys(self.fields))
        return fields if self.message == "Validation Failed" else f"{self.message}: {fields}"

    def _failed(self, reason: str, kind: FailureKind, hint: str, retryable: bool | None = None) -> TaskFailed:
        details = {
            "status": self.status,
            "message": self.message,
            "request": f"{self.verb} {self.path.partition('?')[0]}",
            "request_id": self.headers.get("x-github-request-id"),
        }
        return TaskFailed(
            f"cannot {self.api.doing}: {reason}", kind=kind, hint=hint, retryable=retryable, details=details
        )


def _named(path: str) -> str:
    """What a path of the API stands for, in words."""
    if found := re.match(r"(pulls|issues)/(\d+)(?:/[a-z_]+)?$", path):
        return f"{'pull request' if found[1] == 'pulls' else 'issue or pull request'} #{found[2]}"
    return path or "it"


def _scopes(text: str) -> set[str]:
    return {scope.strip() for scope in text.split(",") if scope.strip()}


def _field(item: Any) -> str:
    """One of GitHub's field errors: ``title is required``."""
    if not isinstance(item, dict):
        return str(item)
    if item.get("message"):
        return str(item["message"]).rstrip(".")
    code = str(item.get("code", "invalid"))
    if code == "invalid" and item.get("resource") == "PullRequest" and item.get("field") in ("head", "base"):
        return f"{item['field']} is no branch that is there"
    return f"{item.get('field') or item.get('resource')} {_CODES.get(code, code)}"


def silence(api: Api, error: Exception, verb: str) -> TaskFailed:
    """No answer: the connection failed, broke or took too long."""
    from requests.exceptions import ConnectTimeout, ProxyError, SSLError

    if isinstance(error, SSLError):
        reason, hint = "its certificate is not trusted", "set the github agent's option verify to your CA's file"
        return TaskFailed(
            f"cannot {api.doing}: {api.account.host}: {reason}", kind=FailureKind.MISSING_PREREQUISITE, hint=hint
        )
    unreachable = isinstance(error, ConnectTimeout | ProxyError) or "Connection refused" in str(error)
    if unreachable or "Name or service not known" in str(error) or "Failed to resolve" in str(error):
        hint = "check the network, the proxy and base_url"
        return TaskFailed(
            f"cannot {api.doing}: {api.account.host} cannot be reached", kind=FailureKind.TRANSIENT, hint=hint
        )
    later = None if verb == "GET" else "it may have been done all the same: the next attempt looks first"
    return TaskFailed(
        f"cannot {api.doing}: {api.account.host} gave no answer",
        kind=FailureKind.TRANSIENT,
        hint=later,
        details={"lost": verb != "GET"},
    )


def astray(api: Api, error: Exception) -> TaskFailed:
    """A redirect that leads away from the address that was given."""
    return TaskFailed(
        f"cannot {api.doing}: {api.account.host} leads elsewhere ({str(error)[:200]})",
        kind=FailureKind.MISSING_PREREQUISITE,
        hint="correct base_url; for GitHub Enterprise it ends in /api/v3",
    )


def not_installed(api: Api, place: str | None) -> TaskFailed:
    where = f"on {place}" if place else "anywhere it could be looked for"
    return TaskFailed(
        f"cannot {api.doing}: the GitHub App is not installed {where}",
        kind=FailureKind.PERMISSION,
        hint="install it there, or set the github agent's option installation_id",
    )
