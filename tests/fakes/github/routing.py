"""Operations by method and path; the paths are written as in GitHub's description."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from tests.fakes.github.exchange import Answer, Page

if TYPE_CHECKING:
    from tests.fakes.github.call import Call

Handler = Callable[["Call"], "Answer | Page"]

# Parameters whose value may hold slashes, as a ref or a file path does.
MANY_SEGMENTS = frozenset({"path", "ref", "branch", "basehead", "tag"})
REPOSITORY = "/repos/{owner}/{repo}"


@dataclass(frozen=True)
class Route:
    """`permission` is an App's or a fine-grained token's, `role` a user's, `scopes` what
    X-Accepted-OAuth-Scopes says; `documented` is False for paths GitHub serves without describing them."""

    method: str
    template: str
    handler: Handler
    permission: str | None = None
    role: str = "pull"
    scopes: str | None = None
    app_only: bool = False
    documented: bool = True
    host: str = "api"

    @property
    def name(self) -> str:
        return f"{self.method} {self.template}"

    @property
    def of_repository(self) -> bool:
        return self.template.startswith(REPOSITORY)


class Routes:
    """Collects the operations of one module."""

    def __init__(self) -> None:
        self.found: list[Route] = []

    def add(
        self,
        method: str,
        template: str,
        permission: str | None = None,
        role: str = "pull",
        scopes: str | None = None,
        app_only: bool = False,
        documented: bool = True,
        host: str = "api",
    ) -> Callable[[Handler], Handler]:
        def register(handler: Handler) -> Handler:
            self.found.append(Route(method, template, handler, permission, role, scopes, app_only, documented, host))
            return handler

        return register


class Router:
    """Finds the route of a request; the more literal template wins."""

    def __init__(self, routes: Iterable[Route]) -> None:
        ordered = sorted(routes, key=lambda route: -len(re.sub(r"\{[^}]+\}", "", route.template)))
        self.routes = [(route, _pattern(route.template)) for route in ordered]

    def find(self, host: str, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """The route and its decoded parameters."""
        for route, pattern in self.routes:
            if route.method != method or route.host != host:
                continue
            found = pattern.fullmatch(path)
            if found:
                return route, {name: unquote(value) for name, value in found.groupdict().items()}
        return None


def _pattern(template: str) -> re.Pattern[str]:
    def group(match: re.Match[str]) -> str:
        name = match[1]
        # An empty ref or path is the list of all refs, or the root folder.
        return f"(?P<{name}>{'.*' if name in ('path', 'ref') else '.+' if name in MANY_SEGMENTS else '[^/]+'})"

    escaped = re.sub(r"\{(\w+)\}", group, template.replace(".", r"\."))
    return re.compile(escaped)
