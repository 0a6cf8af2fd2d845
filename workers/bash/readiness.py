"""When a started process counts as ready: a URL answers, a port is open, or a line is in its log."""

from __future__ import annotations

import re
import socket
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, model_validator

from reign.core.duration import Duration
from workers.bash.records import Shelf

_LOOK_SECONDS = 2.0


class Ready(BaseModel):
    """One of ``url``, ``port`` and ``log``; plain text is a URL or a piece of a log line, a number a port."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str | None = Field(None, description="answers with a status below 400")
    port: int | None = Field(None, description="accepts connections on this machine", ge=1, le=65535)
    log: str | None = Field(None, description="part of a line that it prints, or a regular expression")
    within: Duration = Field(30.0, description="it must be ready by then, e.g. 30s", gt=0)

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, value: Any) -> Any:
        if isinstance(value, bool):
            raise ValueError("give a url, a port or a log line")
        if isinstance(value, int) or (isinstance(value, str) and value.isdigit()):
            return {"port": int(value)}
        if isinstance(value, str):
            return {"url": value} if re.match(r"https?://", value) else {"log": value}
        return value

    @model_validator(mode="after")
    def _one(self) -> Ready:
        if sum(item is not None for item in (self.url, self.port, self.log)) != 1:
            raise ValueError("give one of url, port and log")
        if self.url is not None and "${{" not in self.url:
            parts = urlsplit(self.url)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise ValueError(f"{self.url!r} is no http address")
        return self

    def __str__(self) -> str:
        return self.url or (f"port {self.port}" if self.port else f"the log line {self.log!r}")

    def met(self, shelf: Shelf) -> bool:
        """Whether it is ready at this moment."""
        if self.url:
            status = _answer(self.url)
            return status is not None and status < 400
        if self.port:
            return is_open(self.port)
        assert self.log is not None
        return any(self.log in line or _matches(self.log, line) for line in shelf.tail(10_000))

    def missing(self) -> str:
        """What it is that is not there yet, in words."""
        if self.url:
            status = _answer(self.url)
            return f"nothing answers at {self.url}" if status is None else f"{self.url} answers {status}"
        return f"nothing listens at port {self.port}" if self.port else f"{self} was not seen"

    def own_port(self) -> int | None:
        """The port of this machine that the process is to open; None if that cannot be told."""
        if self.port:
            return self.port
        if self.url:
            parts = urlsplit(self.url)
            if parts.hostname in ("127.0.0.1", "localhost", "::1"):
                return parts.port or (443 if parts.scheme == "https" else 80)
        return None


def is_open(port: int) -> bool:
    """Whether something on this machine accepts connections at the port."""
    for address in ("127.0.0.1", "::1"):
        try:
            with socket.create_connection((address, port), timeout=_LOOK_SECONDS):
                return True
        except OSError:
            continue
    return False


def _answer(url: str) -> int | None:
    """The status of an answer; None without one."""
    import httpx

    try:
        # The certificate of a process on this machine is its own matter; whether it answers is the question.
        answer = httpx.get(url, timeout=_LOOK_SECONDS, trust_env=False, verify=False)  # noqa: S501
    except (httpx.HTTPError, httpx.InvalidURL):
        return None
    return answer.status_code


def _matches(pattern: str, line: str) -> bool:
    try:
        return re.search(pattern, line) is not None
    except re.error:
        return False
