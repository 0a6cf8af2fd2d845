"""What goes over the wire: a received request, an answer, and the log of both."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.github.problems import Problem

Json = dict[str, Any]

WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@dataclass(frozen=True)
class Request:
    """A received request; `path` is without the Enterprise prefix, still percent-encoded."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def accepts(self, parameter: str) -> bool:
        """Whether a GitHub media type such as `raw` or `diff` was asked for."""
        return self.media_parameter == parameter

    def raw_type(self) -> str:
        """The content type of an answer in the media type that was asked for."""
        return f"{self.headers['accept'].partition(',')[0].strip()}; charset=utf-8"

    @property
    def media_parameter(self) -> str | None:
        """The parameter of the GitHub media type that was asked for: `raw` of application/vnd.github.v3.raw."""
        found = re.search(r"application/vnd\.github(?:\.v3)?\.(\w+)", self.headers.get("accept", ""))
        return found[1] if found and found[1] != "v3" else None

    def json(self) -> Any:
        """The decoded body, None if there is none. Raises Problem 400 for what is not JSON."""
        if not self.body:
            return None
        try:
            return json.loads(self.body)
        except ValueError:
            raise Problem(400, "Problems parsing JSON") from None

    def json_object(self) -> Json:
        decoded = self.json()
        if decoded is None:
            return {}
        if not isinstance(decoded, dict):
            raise Problem(400, "Body should be a JSON object")
        return decoded


@dataclass
class Answer:
    """`body` is sent as JSON; `raw` as it is, with `content_type`."""

    status: int = 200
    body: Any = None
    raw: bytes | None = None
    content_type: str = "application/json; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)

    def payload(self) -> bytes:
        if self.raw is not None:
            return self.raw
        return b"" if self.body is None else json.dumps(self.body, separators=(",", ":")).encode()


@dataclass(frozen=True)
class Page:
    """A list that is cut into pages before it is answered; `key` wraps it as `{total_count, key: [...]}`."""

    items: Sequence[Any]
    render: Callable[[Any], Any]
    key: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Exchange:
    """One logged request; `status` is what the client saw, None if the connection was dropped."""

    request: Request
    operation: str | None = None
    status: int | None = None
    applied: bool = False
    fault: str | None = None

    @property
    def method(self) -> str:
        return self.request.method

    @property
    def path(self) -> str:
        return self.request.path

    @property
    def body(self) -> Any:
        return self.request.json()


class RequestLog(Sequence[Exchange]):
    """Every request the server received, in order."""

    def __init__(self) -> None:
        self._exchanges: list[Exchange] = []
        self._lock = threading.Lock()

    def append(self, exchange: Exchange) -> None:
        with self._lock:
            self._exchanges.append(exchange)

    def clear(self) -> None:
        with self._lock:
            self._exchanges.clear()

    def __len__(self) -> int:
        return len(self._exchanges)

    def __getitem__(self, index: Any) -> Any:
        return self._exchanges[index]

    def __iter__(self) -> Iterator[Exchange]:
        return iter(list(self._exchanges))

    def matching(self, method: str | None = None, path: str = "") -> list[Exchange]:
        """Requests of that method whose path the regular expression is found in."""
        return [
            exchange
            for exchange in self
            if method in (None, exchange.method) and re.search(path, exchange.path) is not None
        ]

    def count(self, method: str | None = None, path: str = "") -> int:
        return len(self.matching(method, path))

    def writes(self) -> list[Exchange]:
        return [exchange for exchange in self if exchange.method in WRITES]
