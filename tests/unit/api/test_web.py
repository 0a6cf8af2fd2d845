"""What serves the page: addresses that it shares with the API, headers, the cookie, plan files."""

from __future__ import annotations

import re
import socket
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from reign.api import web
from reign.api.app import make_api
from reign.config import Settings

HTML = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
TOKEN = "a-long-secret"


def client(folder: Path, **given: Any) -> TestClient:
    settings = Settings.load(data_dir=folder, **given)
    settings.writable_data_dir()
    return TestClient(make_api(settings), base_url="http://localhost")


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    return client(tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="module")
def guarded_api(tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    return client(tmp_path_factory.mktemp("guarded"), api_token=TOKEN)


@pytest.fixture
def guarded(guarded_api: TestClient) -> TestClient:
    """A browser that holds no cookie yet."""
    guarded_api.cookies.clear()
    return guarded_api


@pytest.mark.parametrize(
    "path", ["/", "/runs", "/run/brave-otter-17", "/operations/docker.run", "/pools", "/resources"]
)
def test_a_browser_that_opens_an_address_gets_the_page(plain: TestClient, path: str) -> None:
    answer = plain.get(path, headers=HTML)
    assert answer.status_code == 200
    assert '<div id="root">' in answer.text
    assert answer.headers["content-security-policy"].startswith("default-src 'self';")
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["vary"] == "accept"


@pytest.mark.parametrize("accept", ["application/json", "*/*", ""])
def test_a_program_that_asks_the_same_address_gets_json(plain: TestClient, accept: str) -> None:
    found = plain.get("/operations", headers={"accept": accept}).json()
    assert {"docker.run", "bash.run"} <= {each["name"] for each in found}


def test_addresses_that_are_not_the_pages_stay_the_apis(plain: TestClient) -> None:
    assert plain.get("/docs", headers=HTML).text.count('id="root"') == 0
    assert plain.post("/plan", headers=HTML, json={"request": " "}).status_code == 422


def test_an_address_that_nobody_knows_is_told_by_the_page_to_a_browser(plain: TestClient) -> None:
    shown = plain.get("/nothing-there", headers=HTML)
    assert (shown.status_code, '<div id="root">' in shown.text) == (404, True)
    assert plain.get("/nothing-there").json()["error"]["code"] == "not_found"


def test_every_asset_that_the_page_names_is_served_for_ever(plain: TestClient) -> None:
    named = re.findall(r'(?:src|href)="(/assets/[^"]+)"', plain.get("/", headers=HTML).text)
    assert {Path(name).suffix for name in named} == {".js", ".css", ".svg"}
    for name in named:
        answer = plain.get(name)
        assert answer.status_code == 200
        assert answer.headers["x-content-type-options"] == "nosniff"
        hashed = not name.endswith(".svg")
        assert ("immutable" in answer.headers["cache-control"]) is hashed


@pytest.mark.parametrize("path", ["/assets/gone-12345678.js", "/assets/../index.html", "/assets/%2e%2e/index.html"])
def test_no_other_file_is_an_asset(plain: TestClient, path: str) -> None:
    assert plain.get(path).status_code == 404


def test_a_page_that_is_not_built_is_told(plain: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "STATIC", tmp_path)
    assert "not built" in plain.get("/", headers=HTML).text


def test_the_page_needs_no_token_and_its_data_does(guarded: TestClient) -> None:
    page = guarded.get("/runs", headers=HTML)
    assert page.status_code == 200
    assert guarded.get(re.findall(r'src="(/assets/[^"]+)"', page.text)[0]).status_code == 200
    assert guarded.get("/web/about").status_code == 401
    assert guarded.post("/session").status_code == 401
    assert guarded.post("/session", headers={"authorization": "Bearer a-guess"}).status_code == 401


def test_the_token_is_kept_in_a_cookie_that_no_script_reads(guarded: TestClient) -> None:
    answer = guarded.post("/session", headers={"authorization": f"Bearer {TOKEN}"})
    cookie = answer.headers["set-cookie"].lower()
    assert answer.status_code == 200
    assert cookie.startswith(f"reign={TOKEN};")
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "secure" not in cookie
    assert guarded.get("/web/about").json()["token"] is True
    assert 'reign=""' in guarded.delete("/session").headers["set-cookie"]
    assert guarded.get("/web/about").status_code == 401


def test_over_https_the_cookie_never_goes_in_the_clear(tmp_path: Path) -> None:
    secure = TestClient(client(tmp_path, api_token=TOKEN).app, base_url="https://reign.example")
    answer = secure.post("/session", headers={"authorization": f"Bearer {TOKEN}"})
    assert "secure" in answer.headers["set-cookie"].lower()


def test_without_a_token_no_cookie_is_set(plain: TestClient) -> None:
    answer = plain.post("/session")
    assert answer.json() == {"token": False}
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec-fetch-site": "same-origin"}, 200),
        ({"sec-fetch-site": "none"}, 200),
        ({"sec-fetch-site": "same-site"}, 403),  # another port of this machine is the same site to a browser
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"origin": "http://localhost"}, 200),
        ({"origin": "http://evil.example"}, 403),
        ({}, 200),
    ],
)
def test_another_site_cannot_use_the_cookie(guarded: TestClient, headers: dict[str, str], status: int) -> None:
    guarded.cookies.set("reign", TOKEN)
    answer = guarded.delete("/session", headers=headers)
    assert answer.status_code == status


def test_a_plan_file_is_read_and_its_faults_have_a_place(plain: TestClient) -> None:
    good = "name: p\nparams: {n: null}\ntasks:\n  a: {uses: bash.run, with: {command: 'echo ${{ params.n }}'}}\n"
    answer = plain.post("/web/plan-file", json={"text": good, "params": {"n": 1}, "environment": "staging"})
    assert answer.json()["plan"]["tasks"]["a"]["uses"] == "bash.run"
    for text, told in [
        ("name: p\ntasks:\n  a: {uses: bash.rum}\n", "line 3, column"),
        ("name: p\ntasks: [", "not YAML"),
        ("", "empty"),
        (good, "n"),
    ]:
        refused = plain.post("/web/plan-file", json={"text": text})
        assert refused.status_code == 422
        assert told in refused.json()["error"]["message"]


def test_flower_is_named_where_it_listens(tmp_path: Path) -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        port = listening.getsockname()[1]
        api = client(tmp_path, flower_port=port)
        assert api.get("/web/about").json()["flower"] == f"http://127.0.0.1:{port}/"
    assert api.get("/web/about").json()["flower"] is None
    about = client(tmp_path, flower_port=0).get("/web/about").json()
    assert (about["flower"], about["environment"], about["workdir"]) == (None, "dev", str(Path.cwd()))


def test_a_user_without_a_name_is_unknown(plain: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError

    monkeypatch.setattr("getpass.getuser", nobody)
    assert plain.get("/web/about").json()["user"] == "unknown"
