"""The checks against GitHub's description find what they should."""

from __future__ import annotations

from collections.abc import Callable

import github
import pytest
import requests

from tests.fakes.github.exchange import Answer, Request
from tests.fakes.github.openapi import OpenApi
from tests.fakes.github.routes import MODULES
from tests.fakes.github.server import GitHubServer

LABELS = "/repos/{owner}/{repo}/labels"
LABEL = {
    "id": 1,
    "node_id": "LA_1",
    "url": "http://127.0.0.1/labels/bug",
    "name": "bug",
    "description": None,
    "color": "d73a4a",
    "default": True,
}


def request(query: dict[str, str] | None = None, body: bytes = b"") -> Request:
    return Request("POST", "/repos/mona/shop/labels", query or {}, {"content-type": "application/json"}, body)


def test_every_route_is_described_as_it_is_written(openapi: OpenApi) -> None:
    routes = [route for module in MODULES for route in module.routes.found if route.documented]
    assert len(routes) > 120
    assert [route.name for route in routes if openapi.operation(route.method, route.template) is None] == []


def test_a_proper_answer_passes(openapi: OpenApi) -> None:
    assert openapi.check_answer("POST", LABELS, Answer(201, LABEL)) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"color": 7}, 'color: 7 is not of type "string"'),
        ({"color": None}, "color: null is not of type"),
        ({"url": "nowhere"}, 'url: "nowhere" is not a "uri"'),
        ({"colour": "red"}, "'colour' was unexpected"),
    ],
)
def test_an_answer_that_is_not_as_described_is_a_violation(
    change: dict[str, object], said: str, openapi: OpenApi
) -> None:
    found = openapi.check_answer("POST", LABELS, Answer(201, LABEL | change))
    assert [said in str(one) for one in found] == [True]


def test_a_missing_property_and_an_undescribed_status_are_violations(openapi: OpenApi) -> None:
    short = {name: value for name, value in LABEL.items() if name != "color"}
    assert '"color" is a required property' in str(openapi.check_answer("POST", LABELS, Answer(201, short))[0])
    assert "status 200 is not described" in str(openapi.check_answer("POST", LABELS, Answer(200, LABEL))[0])


def test_an_error_has_to_have_the_shape_of_one(openapi: OpenApi) -> None:
    proper = {"message": "Validation Failed", "documentation_url": "d", "errors": [{"code": "invalid"}]}
    assert openapi.check_answer("POST", LABELS, Answer(422, proper)) == []
    assert openapi.check_answer("POST", LABELS, Answer(422, proper | {"errors": [{"field": "name"}]})) != []
    assert openapi.check_answer("POST", LABELS, Answer(404, {"message": 1})) != []


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (request(body=b'{"name": "bug", "colour": "red"}'), "'colour' was unexpected"),
        (request(body=b'{"color": "d73a4a"}'), '"name" is a required property'),
        (request(body=b'{"name": 1}'), "name: 1 is not of type"),
        (request(body=b'{"name": "bug"}', query={"dry": "1"}), "query parameter 'dry' is not described"),
    ],
)
def test_a_request_that_is_not_as_described_is_a_violation(sent: Request, said: str, openapi: OpenApi) -> None:
    assert [said in str(one) for one in openapi.check_request("POST", LABELS, sent)] == [True]


def test_query_values_are_read_as_their_described_type(openapi: OpenApi) -> None:
    good = Request("GET", "/repos/mona/shop/issues", {"per_page": "5", "state": "all"}, {}, b"")
    assert openapi.check_request("GET", "/repos/{owner}/{repo}/issues", good) == []
    bad = Request("GET", "/repos/mona/shop/issues", {"per_page": "many", "state": "gone"}, {}, b"")
    assert len(openapi.check_request("GET", "/repos/{owner}/{repo}/issues", bad)) == 2


def test_a_body_where_none_is_described_is_a_violation(openapi: OpenApi) -> None:
    sent = Request("DELETE", "/repos/mona/shop", {}, {}, b'{"sure": true}')
    assert "none is described" in str(openapi.check_request("DELETE", "/repos/{owner}/{repo}", sent)[0])


def test_an_operation_that_the_fake_lacks_is_a_violation_and_not_a_404(openapi: OpenApi) -> None:
    with GitHubServer(openapi) as server:
        token = server.add_token(server.add_user("mona").login)
        headers = {"authorization": f"token {token}"}
        known = requests.get(f"{server.url}/gists", headers=headers, timeout=5)
        unknown = requests.get(f"{server.url}/no/such/thing", headers=headers, timeout=5)
    assert (known.status_code, unknown.status_code) == (501, 404)
    assert [one.detail for one in server.violations] == [
        "the fake does not carry it out",
        "GitHub has no such operation",
    ]


def test_a_client_that_sends_nonsense_is_caught_on_the_way(openapi: OpenApi) -> None:
    with GitHubServer(openapi) as server:
        server.add_user("mona")
        repository = server.add_repository("mona/shop")
        with github.Github(base_url=server.url, auth=github.Auth.Token(server.add_token("mona"))) as client:
            send: Callable[..., object] = client.requester.requestJsonAndCheck
            send("POST", f"/repos/{repository.full_name}/issues", input={"title": "t", "labls": ["bug"]})
    assert ["'labls' was unexpected" in str(one) for one in server.violations] == [True]
