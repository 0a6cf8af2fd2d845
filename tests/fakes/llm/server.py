"""The HTTP server of the fakes: takes a request, looks at it as the vendor would, and gives the next reply."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol

from tests.fakes.llm.script import Failure, Raw, Reply, Silence


@dataclass(frozen=True)
class Asked:
    """A request as it arrived."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def text(self) -> str:
        """All that the model would read."""
        return json.dumps(self.body, ensure_ascii=False)


class Protocol_(Protocol):
    """What differs between vendors."""

    def accept(self, asked: Asked) -> None:
        """Raises what the vendor's own types say against the request."""

    def error(self, failure: Failure) -> dict[str, Any]: ...

    def whole(self, reply: Reply, model: str) -> dict[str, Any]: ...

    def stream(self, reply: Reply, model: str) -> Iterator[str]: ...


Script = Sequence[Reply] | Callable[[Asked], Reply]


@dataclass
class Vendor:
    """A fake vendor; use it as a context. ``wrong`` holds requests that the real one would have turned away."""

    protocol: Protocol_
    script: Script
    asked: list[Asked] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def __enter__(self) -> Vendor:
        self.closed = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closed.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        assert not self.wrong, self.wrong

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def next(self, asked: Asked) -> Reply:
        """The next reply; the last one stands for all that follow."""
        self.asked.append(asked)
        if callable(self.script):
            return self.script(asked)
        return self.script[min(len(self.asked), len(self.script)) - 1]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        vendor = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                asked = Asked(self.path, {k.lower(): v for k, v in self.headers.items()}, body)
                try:
                    vendor.protocol.accept(asked)
                except Exception as error:
                    vendor.wrong.append(f"{type(error).__name__}: {error}")
                self.give(vendor.next(asked), asked)

            def give(self, reply: Reply, asked: Asked) -> None:
                model = str(asked.body.get("model"))
                if isinstance(reply, Silence):
                    vendor.closed.wait()
                    self.close_connection = True
                elif isinstance(reply, Failure):
                    after = waits(reply.retry_after)
                    self.send(
                        reply.status, json.dumps(vendor.protocol.error(reply)).encode(), "application/json", after
                    )
                elif isinstance(reply, Raw):
                    self.send(reply.status, reply.body, reply.content_type, waits(reply.retry_after))
                elif asked.body.get("stream"):
                    text = "".join(vendor.protocol.stream(reply, model))
                    self.send(200, text.encode(), "text/event-stream", {})
                else:
                    self.send(200, json.dumps(vendor.protocol.whole(reply, model)).encode(), "application/json", {})

            def send(self, status: int, body: bytes, content_type: str, more: dict[str, str]) -> None:
                self.send_response(status)
                for name, value in {"content-type": content_type, "content-length": str(len(body)), **more}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                return

        return Handler


def waits(retry_after: str | None) -> dict[str, str]:
    return {} if retry_after is None else {"retry-after": retry_after}


def pieces(text: str, size: int = 24) -> Iterator[str]:
    """A text as it arrives in a stream."""
    for start in range(0, len(text), size):
        yield text[start : start + size]
