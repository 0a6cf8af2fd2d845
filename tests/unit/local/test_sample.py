"""The port of the sample's page."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from reign.local import sample


class Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"Hello from REIGN")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def page() -> Iterator[int]:
    """The page of some sample, on a port of its own."""
    server = HTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def test_the_page_of_this_installation_keeps_its_port(tmp_path: Path, page: int) -> None:
    (tmp_path / "sample-port").write_text(str(page))
    assert sample.port(tmp_path) == page


def test_the_page_of_another_installation_is_left_alone(
    tmp_path: Path, page: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sample, "FIRST_PORT", page)
    chosen = sample.port(tmp_path)
    assert page < chosen < page + 50
    assert (tmp_path / "sample-port").read_text() == str(chosen)


def test_a_port_whose_page_is_gone_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        (tmp_path / "sample-port").write_text(str(taken.getsockname()[1]))
        monkeypatch.setattr(sample, "FIRST_PORT", taken.getsockname()[1])
        assert sample.port(tmp_path) != taken.getsockname()[1]
