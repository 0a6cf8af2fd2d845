"""Tokens, Apps and the environment; GitHub Enterprise by its base URL; what `reign doctor` says."""

from __future__ import annotations

from typing import Any

import pytest

from reign.executor import TaskFailed
from tests.fakes.github.accounts import App
from tests.integration.github.hands import Hands
from workers.github import AGENT
from workers.github.account import forget_installations

FILE: dict[str, Any] = {"branch": "main", "path": "a.txt", "content": "x"}
PERMISSIONS = {"contents": "write", "pull_requests": "write", "issues": "write", "administration": "write"}


@pytest.fixture
def app(hands: Hands) -> App:
    forget_installations()
    server = hands.place.fake
    made = server.add_app("reign", "mona", PERMISSIONS)
    hands.options |= {"token": None, "app_id": made.id, "private_key": made.private_key}
    return made


def test_the_environment_s_token(hands: Hands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", hands.place.token)
    monkeypatch.setenv("GITHUB_API_URL", hands.place.url)
    hands.options |= {"token": None, "base_url": None}
    ctx = hands.context()
    hands.run("put_file", ctx, **FILE)
    assert ctx.masker.record({"token": hands.place.token}) == {"token": "secret://env/GITHUB_TOKEN"}


def test_a_token_by_reference(hands: Hands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_TOKEN", hands.place.token)
    hands.options["token"] = "secret://env/MY_TOKEN"
    ctx = hands.context()
    hands.run("put_file", ctx, **FILE)
    assert ctx.masker.mask(f"it is {hands.place.token}") == "it is ***"


def test_enterprise_by_its_address(hands: Hands) -> None:
    hands.options["base_url"] = hands.place.fake.enterprise_url + "/"
    hands.run("put_file", **FILE)
    made = hands.run("create_release", tag="v1", assets=[__file__])
    assert set(made.assets) == {"test_credentials.py"}
    assert hands.place.text("main", "a.txt") == "x"


def test_an_app_finds_its_installation_by_repository(hands: Hands, app: App) -> None:
    hands.place.fake.install(app, "mona")
    ctx = hands.context()
    hands.run("put_file", ctx, **FILE)
    hands.run("create_issue", title="t")
    requests = hands.place.fake.requests
    assert requests.count("POST", "/access_tokens$") == 1, "a token of an installation is good for an hour"
    used = next(token for token in hands.place.fake.world.tokens if token.startswith("ghs_"))
    assert ctx.masker.mask(used) == "***"


def test_an_app_creates_a_repository_of_its_owner(hands: Hands, app: App) -> None:
    server = hands.place.fake
    server.add_organization("acme", owners=["mona"])
    server.install(app, "acme")
    assert hands.run("create_repository", name="acme/pay").full_name == "acme/pay"
    hands.undo("create_repository")
    assert server.world.repository("acme/pay") is None


def test_an_app_s_installation_by_number(hands: Hands, app: App) -> None:
    hands.options["installation_id"] = str(hands.place.fake.install(app, "mona").id)
    hands.run("put_file", **FILE)
    assert hands.place.fake.requests.count("GET", "/installation$") == 0


def test_an_app_that_is_not_installed(hands: Hands, app: App) -> None:
    with pytest.raises(TaskFailed, match="the GitHub App is not installed on mona/shop"):
        hands.run("put_file", **FILE)


def test_an_app_without_a_permission(hands: Hands) -> None:
    forget_installations()
    server = hands.place.fake
    app = server.add_app("weak", "mona", {"contents": "read"})
    server.install(app, "mona")
    hands.options |= {"token": None, "app_id": app.id, "private_key": app.private_key}
    with pytest.raises(TaskFailed, match="the App may not do that; it needs the permission contents: write"):
        hands.run("put_file", **FILE)


def test_an_app_with_a_wrong_key(hands: Hands, app: App) -> None:
    hands.options["private_key"] = hands.place.fake.add_app("other", "mona", {}).private_key
    with pytest.raises(TaskFailed, match="GitHub does not accept the App's key"):
        hands.run("put_file", **FILE)
    hands.options["private_key"] = "no key at all"
    with pytest.raises(TaskFailed, match="the App's private key cannot be read"):
        hands.run("put_file", **FILE)
    hands.options["private_key"] = None
    with pytest.raises(TaskFailed, match="the GitHub App has no private key"):
        hands.run("put_file", **FILE)


def test_what_doctor_says(hands: Hands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_API_URL", hands.place.url)
    monkeypatch.setenv("GITHUB_TOKEN", hands.place.fake.add_token("mona", ["repo"]))
    [check] = AGENT.checks()
    assert check.ok
    assert check.detail == f"mona at {hands.place.url.removeprefix('http://')}, scopes: repo"
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_wrong")
    [check] = AGENT.checks()
    assert (check.ok, check.detail.endswith("refuses the token (401)")) == (False, True)
    monkeypatch.setenv("GITHUB_API_URL", "http://127.0.0.1:9")
    [check] = AGENT.checks()
    assert check.detail == "127.0.0.1:9 cannot be reached"
    monkeypatch.delenv("GITHUB_TOKEN")
    monkeypatch.delenv("GH_TOKEN", raising=False)
    [check] = AGENT.checks()
    assert "there is no token" in check.detail
    assert check.fix


def test_what_doctor_says_of_an_app(hands: Hands, app: App) -> None:
    server, options = hands.place.fake, {**hands.place.options, **hands.options}
    [check] = AGENT.checks(options)
    assert not check.ok
    assert check.detail.endswith("installed on nothing")
    server.install(app, "mona")
    server.add_organization("acme", owners=["mona"])
    server.install(app, "acme")
    [check] = AGENT.checks(options)
    assert check.ok
    assert check.detail.startswith(f"the App reign at {hands.place.url.removeprefix('http://')}, permissions: admin")
    assert "contents: write" in check.detail
    assert check.detail.endswith("installed on acme, mona")
    options["private_key"] = server.add_app("other", "mona", {}).private_key
    [check] = AGENT.checks(options)
    assert "refuses the App's key (401)" in check.detail
    assert "private_key" in str(check.fix)
    options["private_key"] = "no key at all"
    [check] = AGENT.checks(options)
    assert "cannot be read" in check.detail
