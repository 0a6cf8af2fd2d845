"""Answers that the fake does not give, in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import requests
from github import GithubException

from reign.executor import FailureKind, PutBack, TaskFailed
from reign.executor.testing import make_context
from workers.github import refusals
from workers.github.api import Api


@pytest.fixture
def api(tmp_path: Path) -> Api:
    ctx = make_context(tmp_path, options={"token": "ghp_x" * 8, "base_url": "http://127.0.0.1:9"})
    return Api(ctx, "do it", "acme/shop")


def refused(api: Api, status: int, message: str = "", data: Any = None, **headers: str) -> TaskFailed:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    error = GithubException(status, {"message": message, **(data or {})}, named)
    found = refusals.refusal(api, error, "POST", "/user/repos", None)
    assert isinstance(found, TaskFailed)
    return found


def test_single_sign_on(api: Api) -> None:
    error = refused(api, 403, "Resource protected", x_github_sso="required; url=https://github.com/orgs/acme/sso")
    assert error.message == "cannot do it: the organization wants single sign-on for this token"
    assert error.hint == "allow it at https://github.com/orgs/acme/sso"


def test_plainly_forbidden(api: Api) -> None:
    error = refused(api, 403, "Must have admin rights to Repository.")
    assert error.message == "cannot do it: GitHub forbids it: Must have admin rights to Repository"
    assert error.kind is FailureKind.PERMISSION


def test_switched_off(api: Api) -> None:
    error = refused(api, 410, "Issues are disabled for this repo")
    assert error.message == "cannot do it: Issues are disabled for this repo"
    assert error.kind is FailureKind.MISSING_PREREQUISITE


def test_field_errors(api: Api) -> None:
    errors = [
        {"resource": "Issue", "field": "title", "code": "missing_field"},
        {"resource": "Release", "field": "tag_name", "code": "already_exists"},
        {"resource": "Label", "code": "custom", "message": "is odd."},
        {"resource": "Label", "code": "strange"},
        "Only organizations can",
    ]
    error = refused(api, 422, "Validation Failed", {"errors": errors})
    assert error.message == (
        "cannot do it: title is required; tag_name exists already; is odd; Label strange; Only organizations can"
    )
    assert refused(api, 422, "Repository creation failed.", {"errors": [{"message": "name already exists"}]}).kind is (
        FailureKind.CONFLICT
    )


def test_moved_meanwhile_may_be_tried_again(api: Api) -> None:
    assert refused(api, 409, "README.md does not match abc").retryable
    assert refused(api, 405, "Base branch was modified. Review and try the merge again.").retryable
    assert not refused(api, 405, "Pull Request is not mergeable").retryable


def test_an_answer_without_words(api: Api) -> None:
    error = GithubException(500, None, None)
    found = refusals.refusal(api, error, "GET", "/x", None)
    assert isinstance(found, TaskFailed)
    assert found.message.startswith("cannot do it: GitHub answered 500")


@pytest.mark.parametrize(
    ("message", "headers", "seconds"),
    [
        ("You have triggered an abuse detection mechanism.", {}, 60.0),
        ("You have exceeded a secondary rate limit.", {"retry-after": "soon"}, 60.0),
        ("Forbidden", {"retry-after": "12"}, 12.0),
        (
            "API rate limit exceeded for user ID 1.",
            {"x-ratelimit-reset": "1000000100", "date": "Sun, 09 Sep 2001 01:46:40 GMT"},
            101.0,
        ),
        ("Forbidden", {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "7"}, 1.0),
    ],
)
def test_limits_by_github_s_own_clock(api: Api, message: str, headers: dict[str, str], seconds: float) -> None:
    found = refusals.refusal(api, GithubException(403, {"message": message}, headers), "GET", "/x", None)
    assert isinstance(found, PutBack)
    assert found.seconds == seconds


@pytest.mark.parametrize(
    ("error", "said", "kind"),
    [
        (requests.exceptions.SSLError("bad"), "its certificate is not trusted", FailureKind.MISSING_PREREQUISITE),
        (requests.exceptions.ConnectTimeout(), "cannot be reached", FailureKind.TRANSIENT),
        (requests.exceptions.ConnectionError("Failed to resolve 'x'"), "cannot be reached", FailureKind.TRANSIENT),
        (requests.exceptions.ReadTimeout(), "gave no answer", FailureKind.TRANSIENT),
    ],
)
def test_silence(api: Api, error: Exception, said: str, kind: FailureKind) -> None:
    found = refusals.silence(api, error, "POST")
    assert said in found.message
    assert found.kind is kind
    assert refusals.silence(api, requests.exceptions.ReadTimeout(), "GET").hint is None


def test_a_redirect_to_elsewhere(api: Api) -> None:
    found = refusals.astray(api, RuntimeError("Github server redirected from host a to b"))
    assert "127.0.0.1:9 leads elsewhere" in found.message
