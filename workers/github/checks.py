"""What ``reign doctor`` says of GitHub."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reign.executor import TaskFailed
from reign.executor.contract import NO_OPTIONS, Check
from reign.security.masking import Masker
from workers.github.account import account, app_auth, client


def checks(options: Mapping[str, Any] = NO_OPTIONS, /) -> Sequence[Check]:
    """Whether the workers have a token or an App, whose it is, and what it may."""
    from github import Auth, GithubException
    from requests import RequestException

    try:
        who = account(options, Masker())
        auth = app_auth(who) if who.token is None else Auth.Token(who.token)
    except TaskFailed as error:
        return [Check("github", False, error.message, fix=error.hint)]
    shown = "the App's key" if who.is_app else "the token"
    requester = client(who, auth).requester
    try:
        headers, found = requester.requestJsonAndCheck("GET", "/app" if who.is_app else "/user")
        installed = requester.requestJsonAndCheck("GET", "/app/installations")[1] if who.is_app else []
    except GithubException as error:
        fix = "make a new token and export it as GITHUB_TOKEN"
        if who.is_app:
            fix = "check app_id and private_key of the github agent, and this machine's clock"
        return [Check("github", False, f"{who.host} refuses {shown} ({error.status})", fix=fix)]
    except (RequestException, OSError, RuntimeError):
        return [Check("github", False, f"{who.host} cannot be reached", fix="check the network and GITHUB_API_URL")]
    finally:
        requester.close()
    if who.is_app:
        return [_app(who.host, found, installed)]
    scopes = headers.get("x-oauth-scopes")
    may = "" if scopes is None else f", scopes: {scopes or 'none'}"
    return [Check("github", True, f"{found['login']} at {who.host}{may}")]


def _app(host: str, app: Mapping[str, Any], installed: Sequence[Mapping[str, Any]]) -> Check:
    may = ", ".join(f"{name}: {level}" for name, level in sorted(app["permissions"].items()))
    where = ", ".join(sorted(str((one.get("account") or {}).get("login")) for one in installed))
    said = f"the App {app['slug']} at {host}, permissions: {may or 'none'}; installed on {where or 'nothing'}"
    return Check("github", bool(installed), said, fix=None if installed else "install it where it is to work")
