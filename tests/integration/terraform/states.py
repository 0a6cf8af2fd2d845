"""A state server for terraform's http backend, on loopback: content, and a lock."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class StateServer:
    """Keeps one state. ``locks`` counts how often it was locked, ``held`` is who holds it now."""

    def __init__(self) -> None:
        self.content = b""
        self.held: dict[str, Any] | None = None
        self.locks = 0
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(200 if owner.content else 204, owner.content)

            def do_POST(self) -> None:
                owner.content = self._body()
                self._answer(200)

            def do_LOCK(self) -> None:
                asked = json.loads(self._body())
                if owner.held is not None:
                    self._answer(423, json.dumps(owner.held).encode())
                    return
                owner.held = asked
                owner.locks += 1
                self._answer(200)

            def do_UNLOCK(self) -> None:
                self._body()
                owner.held = None
                self._answer(200)

            def _body(self) -> bytes:
                return self.rfile.read(int(self.headers.get("Content-Length", 0)))

            def _answer(self, status: int, body: bytes = b"") -> None:
                self.send_response(status)
                if status != 204:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if status != 204:
                    self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def settings(self) -> dict[str, str]:
        address = f"http://127.0.0.1:{self._server.server_address[1]}/state"
        return {"address": address, "lock_address": address, "unlock_address": address}

    def hold(self, who: str) -> None:
        """Lock it for somebody else."""
        self.held = {
            "ID": "11111111-2222",
            "Who": who,
            "Operation": "OperationTypeApply",
            "Created": "2026-01-01T10:00:00Z",
            "Version": "1.11.4",
            "Path": "",
            "Info": "",
        }

    def state(self) -> dict[str, Any]:
        return dict(json.loads(self.content))

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
