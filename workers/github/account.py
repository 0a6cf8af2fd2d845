"""Which GitHub, and as whom: a token, or a GitHub App, from the agent's options or the worker's environment."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from reign.executor import FailureKind, TaskFailed
from reign.security import secrets
from reign.security.masking import Masker

if TYPE_CHECKING:
    from github import Github
    from github.Auth import AppAuth, AppInstallationAuth

GITHUB = "https://api.github.com"
_ANSWER_WITHIN = 30  # seconds; GitHub itself gives up after 10 (REST API documentation, "Timeouts")
#: Where a token is looked for in the worker's environment; the names that GitHub's own tools read.
TOKEN_VARIABLES = ("GITHUB_TOKEN", "GH_TOKEN")


@dataclass(frozen=True)
class Account:
    """Where to go and what to show there. ``token`` or the three of an App are set."""

    url: str  # of the API, without a slash at the end
    token: str | None = None
    app_id: str | None = None
    private_key: str | None = None
    installation_id: int | None = None
    verify: bool | str = True  # False, or a file of certificates to trust

    @property
    def host(self) -> str:
        return urlsplit(self.url).netloc

    @property
    def is_app(self) -> bool:
        return self.token is None


def account(options: Mapping[str, Any], masker: Masker) -> Account:
    """The account of the agent's ``options``, else of the environment.

    Options: ``token``, or ``app_id`` and ``private_key`` (and ``installation_id``; by default the one on the
    repository or its owner), each a text or a secret reference; ``base_url`` of GitHub Enterprise; ``verify``.
    Environment: GITHUB_TOKEN, GH_TOKEN; GITHUB_API_URL. Raises TaskFailed if there is nothing to show.
    """
    url = str(options.get("base_url") or os.environ.get("GITHUB_API_URL") or GITHUB).rstrip("/")
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise TaskFailed(
            f"{url!r} is not the address of a GitHub API",
            kind=FailureKind.MISSING_PREREQUISITE,
            hint="base_url is like https://github.example.com/api/v3",
        )
    verify = options.get("verify", True)
    if options.get("app_id"):
        key = _secret(options, "private_key", masker)
        if not key:
            raise TaskFailed(
                "the GitHub App has no private key",
                kind=FailureKind.MISSING_PREREQUISITE,
                hint="set the github agent's option private_key, e.g. secret://file/etc/reign/app.pem",
            )
        installation = options.get("installation_id")
        return Account(
            url=url,
            app_id=str(options["app_id"]),
            private_key=key,
            installation_id=int(installation) if installation else None,
            verify=verify,
        )
    token = _secret(options, "token", masker) or _from_environment(masker)
    if not token:
        raise TaskFailed(
            f"there is no token for GitHub ({urlsplit(url).netloc})",
            kind=FailureKind.MISSING_PREREQUISITE,
            hint="export GITHUB_TOKEN for the workers, or set the github agent's option token or app_id",
        )
    return Account(url=url, token=token, verify=verify)


def _secret(options: Mapping[str, Any], name: str, masker: Masker) -> str | None:
    given = options.get(name)
    if not given:
        return None
    value = str(secrets.resolve(str(given), masker))
    if value == given:  # written out: it has no reference to stand in for it, and is masked all the same
        masker.add("", value)
    return value.strip()


def _from_environment(masker: Masker) -> str | None:
    for name in TOKEN_VARIABLES:
        if os.environ.get(name):
            return str(secrets.resolve(f"secret://env/{name}", masker)).strip()
    return None


def client(who: Account, auth: Any) -> Github:
    """A PyGithub client that neither repeats nor delays anything by itself.

    Its own retry repeats a POST after a 5xx, which makes things twice; its pauses would hold a worker.
    """
    from github import Github

    return Github(
        auth=auth,
        base_url=who.url,
        timeout=_ANSWER_WITHIN,
        user_agent="reign",
        per_page=100,
        verify=who.verify,
        retry=None,
        seconds_between_requests=None,
        seconds_between_writes=None,
    )


_kept: dict[tuple[str, str, int], AppInstallationAuth] = {}
_keeping = threading.Lock()


def app_auth(who: Account) -> AppAuth:
    """The App itself, which may do nothing but ask for tokens of its installations. Raises TaskFailed for a bad key."""
    from github import Auth
    from jwt import PyJWTError

    assert who.app_id is not None
    assert who.private_key is not None
    auth = Auth.AppAuth(who.app_id, who.private_key)
    try:
        auth.create_jwt()
    except (PyJWTError, ValueError, TypeError):
        raise TaskFailed(
            "the App's private key cannot be read",
            kind=FailureKind.MISSING_PREREQUISITE,
            hint="give the .pem file that GitHub made, whole, e.g. private_key: secret://file/etc/reign/app.pem",
        ) from None
    return auth


def installation_auth(who: Account, app: AppAuth, installation: int) -> AppInstallationAuth:
    """The App's way in; kept by the process, because a token of an installation is good for an hour."""
    from github import Auth

    key = (who.url, str(who.app_id), installation)
    with _keeping:
        if key not in _kept:
            _kept[key] = Auth.AppInstallationAuth(app, installation)
        return _kept[key]


def forget_installations() -> None:
    """After a refusal: the App may have been installed anew, or got another key."""
    with _keeping:
        _kept.clear()
