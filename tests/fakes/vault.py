"""A Vault for tests: the part of its HTTP API that reads the KV engine, version 2 and 1, over a real socket.

As https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2 has it: answers carry ``data.data`` and
``data.metadata``; a deleted version is a 404 that still has its metadata; errors are ``{"errors": [...]}``.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "hvs.test-token-of-the-workers"


class Vault:
    """Mounts are ``(namespace, mount)``; a secret is the list of its versions."""

    def __init__(self) -> None:
        self.secrets: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
        self.denied: set[str] = set()
        self.sealed = False
        self.redirect_to: str | None = None
        self.version_1: set[str] = set()  # mounts of version 1
        self.requests: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"

    def put(self, mount: str, path: str, data: dict[str, Any], namespace: str = "") -> None:
        versions = self.secrets.setdefault((namespace, mount, path), [])
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S.000000000Z", time.gmtime())
        metadata = {
            "created_time": stamp,
            "custom_metadata": None,
            "deletion_time": "",
            "destroyed": False,
            "version": len(versions) + 1,
        }
        versions.append({"data": data, "metadata": metadata})

    def delete(self, mount: str, path: str, *, destroy: bool = False) -> None:
        version = self.secrets["", mount, path][-1]
        version["data"] = None
        version["metadata"]["deletion_time" if not destroy else "destroyed"] = (
            True if destroy else "2026-01-01T00:00:00Z"
        )

    @contextmanager
    def serving(self) -> Iterator[Vault]:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    def answer(self, target: str, headers: Any) -> tuple[int, dict[str, Any]]:
        if self.sealed:
            return 503, {"errors": ["Vault is sealed"]}
        if headers.get("X-Vault-Token") != TOKEN:
            return 403, {"errors": ["2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n"]}
        url = urlsplit(target)
        parts = unquote(url.path).split("/")
        mount = parts[2]
        if parts[:2] != ["", "v1"] or len(parts) < 4:
            return 404, {"errors": [f'no handler for route "{url.path}"']}
        if mount in self.version_1:
            older = self.secrets.get((headers.get("X-Vault-Namespace", ""), mount, "/".join(parts[3:])))
            return (200, {"request_id": "r", "data": older[-1]["data"]}) if older else (404, {"errors": []})
        if parts[3] != "data":
            return 404, {"errors": [], "warnings": ["Invalid path for a versioned K/V secrets engine."]}
        path = "/".join(parts[4:])
        if path in self.denied:
            return 403, {"errors": ["1 error occurred:\n\t* permission denied\n\n"]}
        versions = self.secrets.get((headers.get("X-Vault-Namespace", ""), mount, path))
        number = int(parse_qs(url.query).get("version", ["0"])[0])
        if not versions or number > len(versions):
            return 404, {"errors": []}
        found = versions[number - 1]
        gone = found["data"] is None
        return 404 if gone else 200, {"request_id": "r", "lease_id": "", "renewable": False, "data": found}

    def _handler(vault) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                vault.requests.append(self.path)
                if vault.redirect_to:
                    self.send_response(307)
                    self.send_header("Location", vault.redirect_to + self.path)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                status, body = vault.answer(self.path, self.headers)
                content = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                """Nothing."""

        return Handler
