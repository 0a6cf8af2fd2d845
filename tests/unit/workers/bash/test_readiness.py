from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from workers.bash.readiness import Ready
from workers.bash.records import Shelf, checked_name


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/up" else 503)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@pytest.fixture
def port() -> Iterator[int]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("written", "means"),
    [
        (8080, {"port": 8080}),
        ("8080", {"port": 8080}),
        ("http://127.0.0.1:8080/x", {"url": "http://127.0.0.1:8080/x"}),
        ("Listening on", {"log": "Listening on"}),
        ({"port": 1, "within": 5}, {"port": 1, "within": 5.0}),
        ({"port": 1, "within": "1m30s"}, {"port": 1, "within": 90.0}),
    ],
)
def test_short_forms(written: Any, means: dict[str, Any]) -> None:
    ready = Ready.model_validate(written)
    assert ready.model_dump(exclude_none=True, exclude_unset=True) == means
    assert str(ready)


@pytest.mark.parametrize(
    "written", [True, {}, {"url": "http://x", "port": 1}, {"url": "ftp://x"}, 0, 70000, {"port": 1, "within": 0}]
)
def test_what_is_no_readiness(written: Any) -> None:
    with pytest.raises(ValidationError):
        Ready.model_validate(written)


@pytest.mark.parametrize(
    ("written", "port"),
    [
        (81, 81),
        ("http://localhost:82/", 82),
        ("http://127.0.0.1/", 80),
        ("https://localhost/", 443),
        ("http://example.org:83/", None),
        ("a line", None),
    ],
)
def test_the_port_that_it_is_to_open(written: Any, port: int | None) -> None:
    assert Ready.model_validate(written).own_port() == port


def test_a_url_is_ready_below_400(tmp_path: Path, port: int) -> None:
    shelf = Shelf(tmp_path)
    assert Ready(url=f"http://127.0.0.1:{port}/up").met(shelf)
    assert not Ready(url=f"http://127.0.0.1:{port}/down").met(shelf)
    assert not Ready(url="http://127.0.0.1:9/").met(shelf)
    assert Ready(port=port).met(shelf)
    assert not Ready(port=9).met(shelf)


def test_a_log_line_is_a_piece_of_text_or_a_pattern(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.log.write_text("starting\nListening on :8080 (http)\n")
    assert Ready(log="on :8080 (http)").met(shelf)
    assert Ready(log=r"on :\d+").met(shelf)
    assert not Ready(log="(unclosed").met(shelf)


def test_the_tail_goes_on_in_the_older_file(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    (tmp_path / "output.log.1").write_text("1\n2\n")
    shelf.log.write_text("3\n")
    assert shelf.tail(2) == ["2", "3"]
    assert shelf.last_token() is None


@pytest.mark.parametrize("name", ["../x", "", "a/b", ".hidden", "a" * 65, "a b"])
def test_names_that_are_no_folder(name: str) -> None:
    with pytest.raises(ValueError, match="is no name for a process"):
        checked_name(name)
    assert checked_name("${{ params.name }}")


def test_what_is_missing_is_said(port: int) -> None:
    there = f"http://127.0.0.1:{port}"
    assert Ready(url=f"{there}/down").missing() == f"{there}/down answers 503"
    assert Ready(url="http://127.0.0.1:9/").missing() == "nothing answers at http://127.0.0.1:9/"
    assert Ready(port=9).missing() == "nothing listens at port 9"
    assert Ready(log="up").missing() == "the log line 'up' was not seen"
