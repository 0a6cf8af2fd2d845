"""What ``reign doctor`` says of GitHub."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reign.executor import TaskFailed
from reign.executor.contract import NO_OPTIONS, Check
from reign.security.masking import Masker
from workers.github.account import account, client


def checks(options: Mapping[str, Any] = NO_OPTIONS, /) -> Sequence[Check]:
    """Whether the environment has a token, whose it is, and what it may."""
    from github import Auth, GithubException
    from requests import RequestException

    try:
        who = account(options, Masker())
    except TaskFailed as error:
        return [Check("github", False, error.message, fix=error.hint)]
    assert who.token is not None
    requester = client(who, Auth.Token(who.token)).requester
    try:
        headers, user = requester.requestJsonAndCheck("GET", "/user")
    except GithubException as error:
        fix = "make a new token and export it as GITHUB_TOKEN"
        return [Check("github", False, f"{who.host} refuses the token ({error.status})", fix=fix)]
    except (RequestException, OSError, RuntimeError):
        return [Check("github", False, f"{who.host} cannot be reached", fix="check the network and GITHUB_API_URL")]
    finally:
        requester.close()
    scopes = headers.get("x-oauth-scopes")
    may = "" if scopes is None else f", scopes: {scopes or 'none'}"
    return [Check("github", True, f"{user['login']} at {who.host}{may}")]
