"""From a request to an answer: credentials, limits, routing, conditional requests, pages, checks."""

from __future__ import annotations

import hashlib
import re
import threading
from dataclasses import dataclass
from urllib.parse import urlencode

from tests.fakes.github.access import Identity, check_repository, check_route, identify
from tests.fakes.github.call import Call
from tests.fakes.github.exchange import Answer, Exchange, Page, Request, RequestLog
from tests.fakes.github.faults import Faults
from tests.fakes.github.limits import Budget, Limits
from tests.fakes.github.links import Links
from tests.fakes.github.openapi import OpenApi, Violation
from tests.fakes.github.problems import DOCUMENTATION, Problem, not_found
from tests.fakes.github.repository import Repository
from tests.fakes.github.routes import all_routes
from tests.fakes.github.routing import Route
from tests.fakes.github.world import World

API_VERSIONS = ("2022-11-28",)
DEFAULT_PAGE, LARGEST_PAGE = 30, 100


@dataclass(frozen=True)
class Arrival:
    """A request with where it came in: host is api, uploads or storage."""

    request: Request
    host: str
    links: Links


class Service:
    """Answers requests one at a time; faults may keep one waiting outside of the lock."""

    def __init__(self, world: World, description: OpenApi | None) -> None:
        self.world = world
        self.description = description
        self.limits = Limits()
        self.faults = Faults()
        self.requests = RequestLog()
        self.violations: list[Violation] = []
        self._router = all_routes()
        self._lock = threading.RLock()

    def handle(self, arrival: Arrival) -> Answer | None:
        """None means that the connection is to be dropped."""
        request = arrival.request
        exchange = Exchange(request)
        self.requests.append(exchange)
        fault = self.faults.take(request.method, request.path)
        if fault is not None:
            exchange.fault = fault.name
            if fault.gate is not None:
                fault.gate.pass_through()
        failing = fault is not None and (fault.problem is not None or fault.drop)
        answer: Answer | None = None
        if not failing or (fault is not None and fault.after_applying):
            with self._lock:
                answer = self._answer(arrival, exchange)
            exchange.applied = answer.status < 400
        if fault is not None and failing:
            answer = None if fault.problem is None or fault.drop else _problem_answer(fault.problem)
        exchange.status = None if answer is None else answer.status
        return answer

    def _answer(self, arrival: Arrival, exchange: Exchange) -> Answer:
        request = arrival.request
        headers = {"X-GitHub-Request-Id": self.world.request_id(), "Server": "GitHub.com"}
        if arrival.host == "storage":
            return self._stored(arrival, headers)
        parameter = request.media_parameter
        headers["X-GitHub-Media-Type"] = f"github.v3; {f'param={parameter}' if parameter else 'format=json'}"
        identity, budget, route = Identity(), None, None
        try:
            _check_headers(request)
            identity = identify(self.world, request)
            budget = self._spend(identity, request)
            route, params = self._route(arrival)
            exchange.operation = route.name
            call = self._call(arrival, identity, route, params)
            answer = _finish(call, route.handler(call))
            self._check(request, route, answer)
        except Problem as problem:
            answer = _problem_answer(problem)
            if route is not None and self.description is not None and route.documented:
                self.violations += self.description.check_answer(route.method, route.template, answer)
        answer.headers = {**headers, **_token_headers(identity, route), **answer.headers}
        if request.method == "GET" and answer.status == 200:
            answer = _conditional(request, answer, budget, self.limits)
        if budget is not None:
            answer.headers = {**budget.headers(), **answer.headers}
        return answer

    def _stored(self, arrival: Arrival, headers: dict[str, str]) -> Answer:
        found = self._router.find("storage", arrival.request.method, arrival.request.path)
        if found is None:
            return Answer(404, raw=b"<Error><Code>ResourceNotFound</Code></Error>", headers=headers)
        route, params = found
        answer = route.handler(Call(arrival.request, self.world, arrival.links, self.limits, Identity(), params))
        assert isinstance(answer, Answer)
        answer.headers |= headers
        return answer

    def _spend(self, identity: Identity, request: Request) -> Budget | None:
        if request.path == "/rate_limit":
            return None
        resource = "search" if request.path.startswith("/search/") else "core"
        who = f"user ID {identity.account.id}" if identity.account else "127.0.0.1"
        return self.limits.spend(identity.key, resource, self.world.now(), who)

    def _route(self, arrival: Arrival) -> tuple[Route, dict[str, str]]:
        request = arrival.request
        path = self._named_path(request.path)
        found = self._router.find(arrival.host, request.method, path)
        if found is None:
            raise self._unknown(request, path)
        return found

    def _call(self, arrival: Arrival, identity: Identity, route: Route, params: dict[str, str]) -> Call:
        check_route(identity, route)
        call = Call(arrival.request, self.world, arrival.links, self.limits, identity, params)
        if route.of_repository:
            call.found_repository = self._repository(arrival, route, params)
            if not route.app_only:
                check_repository(self.world, identity, call.found_repository, route)
        return call

    def _named_path(self, path: str) -> str:
        """A path by repository number as the path by name."""
        numbered = re.match(r"/repositories/(\d+)(?=/|$)", path)
        found = self.world.repositories.get(int(numbered[1])) if numbered else None
        if numbered is None or found is None:
            return path
        return f"/repos/{found.full_name}{path[numbered.end() :]}"

    def _unknown(self, request: Request, path: str) -> Problem:
        if self.description is not None:
            template = self.description.find(request.method, path)
            name = f"{request.method} {template or path}"
            detail = "the fake does not carry it out" if template else "GitHub has no such operation"
            self.violations.append(Violation("request", name, detail))
            if template:
                return Problem(501, f"The fake does not carry out {name}")
        return not_found()

    def _repository(self, arrival: Arrival, route: Route, params: dict[str, str]) -> Repository:
        full_name = f"{params['owner']}/{params['repo']}"
        found = self.world.repository(full_name)
        if found is not None:
            return found
        moved = self.world.renamed.get(full_name.lower())
        if moved is None or moved not in self.world.repositories:
            raise not_found()
        rest = "/".join(arrival.request.path.split("/")[4:])
        url = f"{arrival.links.api}/repositories/{moved}{'/' if rest else ''}{rest}"
        redirect = Problem(301 if route.method == "GET" else 307, "Moved Permanently")
        redirect.body = {"message": "Moved Permanently", "url": url, "documentation_url": DOCUMENTATION}
        redirect.headers["Location"] = url
        raise redirect

    def _check(self, request: Request, route: Route, answer: Answer) -> None:
        if self.description is None or not route.documented:
            return
        if answer.status < 400:
            # A request that GitHub refuses is answered for; one that it takes has to be as described.
            self.violations += self.description.check_request(route.method, route.template, request)
        self.violations += self.description.check_answer(route.method, route.template, answer)


def _check_headers(request: Request) -> None:
    if not request.headers.get("user-agent"):
        raise Problem(
            403,
            "Request forbidden by administrative rules. Please make sure your request has a User-Agent header",
        )
    version = request.headers.get("x-github-api-version")
    if version is not None and version not in API_VERSIONS:
        raise Problem(400, f"{version} is not a supported version")


def _problem_answer(problem: Problem) -> Answer:
    return Answer(problem.status, problem.body, headers=dict(problem.headers))


def _token_headers(identity: Identity, route: Route | None) -> dict[str, str]:
    """Only classic tokens are told about scopes."""
    if identity.token is None or identity.token.kind != "classic":
        return {}
    scopes = ", ".join(sorted(identity.token.scopes))
    return {
        "X-OAuth-Scopes": scopes,
        "X-Accepted-OAuth-Scopes": (route.scopes if route is not None else None) or "",
    }


def _finish(call: Call, result: Answer | Page) -> Answer:
    if isinstance(result, Answer):
        return result
    page, size = _page_of(call.query("page"), 1, None), _page_of(call.query("per_page"), DEFAULT_PAGE, LARGEST_PAGE)
    start = (page - 1) * size
    rendered = [result.render(item) for item in result.items[start : start + size]]
    body = rendered
    if result.key is not None:
        whole = {"total_count": len(result.items), **result.extra, result.key: rendered}
        return Answer(body=whole, headers=_link_header(call, page, size, len(result.items)))
    return Answer(body=body, headers=_link_header(call, page, size, len(result.items)))


def _page_of(given: str, default: int, most: int | None) -> int:
    number = int(given) if given.isdigit() and int(given) > 0 else default
    return number if most is None else min(number, most)


def _link_header(call: Call, page: int, size: int, total: int) -> dict[str, str]:
    last = max(1, -(-total // size))
    if last == 1 and page == 1:
        return {}
    path = call.request.path
    if call.found_repository is not None:
        # GitHub's page links name the repository by number, so that they outlive a rename.
        rest = "/".join(path.split("/")[4:]) if path.startswith("/repos/") else "/".join(path.split("/")[3:])
        path = f"/repositories/{call.found_repository.id}/{rest}"
    wanted = {"prev": page - 1, "next": page + 1, "last": last, "first": 1}
    if page >= last:
        del wanted["next"], wanted["last"]
    if page == 1:
        del wanted["prev"], wanted["first"]
    query = {name: value for name, value in call.request.query.items() if name != "page"}
    links = [
        f'<{call.links.api}{path}?{urlencode({**query, "page": number})}>; rel="{rel}"'
        for rel, number in wanted.items()
    ]
    return {"Link": ", ".join(links)}


def _conditional(request: Request, answer: Answer, budget: Budget | None, limits: Limits) -> Answer:
    tag = f'"{hashlib.sha256(answer.payload()).hexdigest()}"'
    answer.headers["ETag"] = tag
    answer.headers["Cache-Control"] = "private, max-age=60, s-maxage=60"
    known = {one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")}
    if tag not in known:
        return answer
    if budget is not None and request.headers.get("authorization"):
        limits.give_back(budget)
    return Answer(304, headers=answer.headers)
