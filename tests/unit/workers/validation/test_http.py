"""validation.http against real servers on loopback."""

from __future__ import annotations

import datetime
import itertools
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
import trustme
from pydantic import ValidationError

from reign.executor import Cancelled, FailureKind, TaskFailed
from reign.executor.testing import RecordingContext, make_context, run_operation
from reign.security.masking import Masker
from tests.unit.workers.validation.servers import answer, free_port, listening, web
from workers.validation import Http
from workers.validation.http import MAX_BODY, accepts


def ask(folder: Path, context: RecordingContext | None = None, **inputs: Any) -> Http.Result:
    given = Http.Inputs.model_validate({"every": 0.02, "within": 0, **inputs})
    result = run_operation(Http(), context or make_context(folder), given)
    assert isinstance(result, Http.Result)
    return result


def failure(folder: Path, **inputs: Any) -> TaskFailed:
    with pytest.raises(TaskFailed) as caught:
        ask(folder, **inputs)
    return caught.value


def rules(failed: TaskFailed) -> list[str]:
    return [finding["rule"] for finding in failed.details["findings"]]


def test_an_answer_as_expected(tmp_path: Path) -> None:
    with web(lambda request: answer(request)) as port:
        url = f"http://127.0.0.1:{port}/"
        result = ask(tmp_path, url=url, expect_status=200, expect_body="hell", expect_match="^h.*o$")
    assert (result.status, result.url, result.attempts, result.certificate_days) == (200, url, 1, None)
    assert 0 < result.latency < 5


def test_it_tries_again_until_the_answer_is_right(tmp_path: Path) -> None:
    answers = itertools.chain([503, 404], itertools.repeat(204))
    with web(lambda request: answer(request, next(answers), b"")) as port:
        context = make_context(tmp_path)
        result = ask(tmp_path, context, url=f"http://localhost:{port}/", within=20)
    assert (result.status, result.attempts) == (204, 3)
    assert "503" in context.reports[1]["message"]


def test_it_waits_for_a_server_that_is_not_up_yet(tmp_path: Path) -> None:
    port = free_port()
    context = make_context(tmp_path)
    results = []
    waiting = threading.Thread(
        target=lambda: results.append(ask(tmp_path, context, url=f"http://127.0.0.1:{port}/", within=30))
    )
    waiting.start()
    deadline = time.monotonic() + 20
    while len(context.reports) < 3 and time.monotonic() < deadline:
        threading.Event().wait(0.01)
    from http.server import ThreadingHTTPServer

    class Requests(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        def log_message(self, format: str, *args: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", port), Requests) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        waiting.join(20)
        server.shutdown()
    assert results[0].attempts >= 3


def test_nothing_there_is_said(tmp_path: Path) -> None:
    failed = failure(tmp_path, url=f"http://127.0.0.1:{free_port()}/", within="200ms")
    assert failed.kind is FailureKind.CHECK_FAILED
    assert failed.retryable, "a retry of the task may well find it up"
    assert failed.message.endswith("connection refused")
    assert rules(failed) == ["http-unreachable"]


def test_a_name_that_nobody_knows_is_said(tmp_path: Path) -> None:
    assert (
        failure(tmp_path, url="http://nowhere.invalid/").message
        == "http://nowhere.invalid/: its name cannot be resolved"
    )


@pytest.mark.parametrize(
    ("inputs", "rule", "said"),
    [
        ({"expect_status": 201}, "http-status", "it answered 200, not 201"),
        ({"expect_status": ["404", "5xx"]}, "http-status", "not 404 or 5xx"),
        ({"expect_body": "goodbye"}, "http-body", "does not contain 'goodbye' (5 characters, starting 'hello')"),
        ({"expect_match": "^x"}, "http-body", "does not match '^x'"),
        ({"max_latency": 0}, "http-latency", "longer than 0ms"),
        ({"min_tls_days": 3}, "tls-expiry", "it uses no TLS"),
    ],
)
def test_what_is_not_as_expected_is_said(tmp_path: Path, inputs: dict[str, Any], rule: str, said: str) -> None:
    with web(lambda request: answer(request)) as port:
        failed = failure(tmp_path, url=f"http://127.0.0.1:{port}/", **inputs)
    assert rules(failed) == [rule]
    assert said in failed.message


def test_an_empty_body_is_said(tmp_path: Path) -> None:
    with web(lambda request: answer(request, body=b"")) as port:
        assert "(it is empty)" in failure(tmp_path, url=f"http://127.0.0.1:{port}/", expect_body="x").message


def test_a_body_without_end_is_read_up_to_a_limit(tmp_path: Path) -> None:
    def flood(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        try:
            while True:
                request.wfile.write(b"x" * 65536)
        except OSError:
            return

    with web(flood) as port:
        failed = failure(tmp_path, url=f"http://127.0.0.1:{port}/", expect_body="y")
        assert "(more than 1 MiB" in failed.message
        assert ask(tmp_path, url=f"http://127.0.0.1:{port}/", expect_body="x" * (MAX_BODY - 1)).status == 200


def test_a_server_that_never_answers_costs_one_try(tmp_path: Path) -> None:
    held = threading.Event()
    with listening(lambda connection: held.wait(30) and None) as port:
        failed = failure(tmp_path, url=f"http://127.0.0.1:{port}/", request_timeout="300ms")
        held.set()
    assert failed.message.endswith("no answer within 300ms")


def test_what_is_not_http_is_said(tmp_path: Path) -> None:
    with listening(lambda connection: connection.sendall(b"SSH-2.0-OpenSSH_9\r\n")) as port:
        assert rules(failure(tmp_path, url=f"http://127.0.0.1:{port}/")) == ["http-unreachable"]


def test_what_is_sent(tmp_path: Path) -> None:
    seen: list[tuple[str, str, str, bytes]] = []

    def remember(request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        seen.append((request.command, request.path, request.headers.get("X-Key", ""), body))
        answer(request)

    with web(remember) as port:
        url = f"http://127.0.0.1:{port}/a?b=c"
        ask(tmp_path, url=url, method="post", headers={"X-Key": "k"}, body={"a": 1})
        ask(tmp_path, url=url, method="POST", body="text")
        ask(tmp_path, url=url, method="HEAD")
    assert seen == [
        ("POST", "/a?b=c", "k", b'{"a":1}'),
        ("POST", "/a?b=c", "", b"text"),
        ("HEAD", "/a?b=c", "", b""),
    ]


def test_a_header_that_cannot_be_sent_is_wrong_input(tmp_path: Path) -> None:
    with web(lambda request: answer(request)) as port:
        failed = failure(tmp_path, url=f"http://127.0.0.1:{port}/", headers={"x": "a\nb"})
    assert failed.kind is FailureKind.WRONG_INPUT


def redirecting(to: str) -> Any:
    def handle(request: BaseHTTPRequestHandler) -> None:
        if request.path == "/there":
            answer(request, body=b"arrived")
        else:
            answer(request, 302, b"", Location=to)

    return handle


def test_redirects(tmp_path: Path) -> None:
    with web(redirecting("/there")) as port:
        start = f"http://127.0.0.1:{port}/"
        assert ask(tmp_path, url=start).url == f"{start}there"
        assert ask(tmp_path, url=start, redirects="refuse", expect_status="3xx").status == 302
    with (
        web(lambda request: answer(request, body=b"other")) as other,
        web(redirecting(f"http://localhost:{other}/")) as port,
    ):
        failed = failure(tmp_path, url=f"http://127.0.0.1:{port}/")
        assert rules(failed) == ["http-redirect"]
        assert "another host, localhost" in failed.message
        assert ask(tmp_path, url=f"http://127.0.0.1:{port}/", redirects="follow", expect_body="other").status == 200
    with web(redirecting("/again")) as port:
        assert "more than 10 redirects" in failure(tmp_path, url=f"http://127.0.0.1:{port}/").message


def test_credentials_in_the_address_are_not_shown(tmp_path: Path) -> None:
    context = make_context(tmp_path)
    with web(lambda request: answer(request, 401)) as port, pytest.raises(TaskFailed) as caught:
        ask(tmp_path, context, url=f"http://ada:pass-word-1@127.0.0.1:{port}/")
    assert "pass-word-1" not in str(caught.value.as_dict()) + str(context.lines) + str(context.reports)


def test_what_is_logged_is_masked(tmp_path: Path) -> None:
    masker = Masker({"secret://env/KEY": "very-secret"})
    context = make_context(tmp_path, masker=masker)
    with web(lambda request: answer(request, body=b"very-secret")) as port, pytest.raises(TaskFailed):
        ask(tmp_path, context, url=f"http://127.0.0.1:{port}/", expect_body="x")
    assert "very-secret" not in str(context.lines) + str(context.reports)


def test_a_proxy_of_the_environment_is_not_asked_for_loopback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with web(lambda request: answer(request)) as port:
        assert ask(tmp_path, url=f"http://localhost:{port}/").status == 200


def served(tmp_path: Path, days: float, name: str = "localhost") -> tuple[trustme.CA, ssl.SSLContext, str]:
    authority = trustme.CA()
    certificate = authority.issue_cert(
        name, not_after=datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=days)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    return authority, context, str(file)


def test_a_certificate_is_checked(tmp_path: Path) -> None:
    _, context, file = served(tmp_path, days=30)
    with web(lambda request: answer(request), context) as port:
        url = f"https://localhost:{port}/"
        result = ask(tmp_path, url=url, ca_file=file, min_tls_days=20)
        assert result.certificate_days is not None
        assert 28 < result.certificate_days < 31
        failed = failure(tmp_path, url=url, ca_file=file, min_tls_days=60)
        assert rules(failed) == ["tls-expiry"]
        assert "its certificate is not accepted" in failure(tmp_path, url=url).message
        assert ask(tmp_path, url=url, verify_tls=False).certificate_days is None
        wrong_name = failure(tmp_path, url=f"https://127.0.0.1:{port}/", ca_file=file)
        assert "its certificate is not accepted" in wrong_name.message


def test_a_certificate_that_ends_soon_is_a_remark(tmp_path: Path) -> None:
    _, context, file = served(tmp_path, days=3)
    with web(lambda request: answer(request), context) as port:
        result = ask(tmp_path, url=f"https://localhost:{port}/", ca_file=file)
    assert [(finding.rule, finding.severity) for finding in result.findings] == [("tls-expiry", "medium")]


def test_tls_where_there_is_none_is_said(tmp_path: Path) -> None:
    with web(lambda request: answer(request)) as port:
        assert "no tls connection" in failure(tmp_path, url=f"https://127.0.0.1:{port}/").message


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_ca_file_that_is_none_is_wrong_input(tmp_path: Path, content: str | None) -> None:
    if content:
        (tmp_path / "ca.pem").write_text(content)
    failed = failure(tmp_path, url="https://127.0.0.1/", ca_file="ca.pem")
    assert failed.kind is FailureKind.WRONG_INPUT


def test_an_address_that_httpx_refuses_is_wrong_input(tmp_path: Path) -> None:
    for url in ("http://[::1/", "http://127.0.0.1:99999/", "http://127.0.0.1:http/"):
        with pytest.raises(ValidationError, match="is no address"):
            Http.Inputs.model_validate({"url": url})
    assert failure(tmp_path, url="http://exa\x7fmple/").kind is FailureKind.WRONG_INPUT


def test_headers_may_be_numbers_and_a_redirect_to_nowhere_is_told(tmp_path: Path) -> None:
    assert Http.Inputs.model_validate({"url": "http://a/", "headers": {"X-A": 1}}).headers == {"X-A": "1"}
    with pytest.raises(ValidationError):
        Http.Inputs.model_validate({"url": "http://a/", "headers": ["X-A: 1"]})
    with web(lambda request: answer(request, 302, Location="http://127.0.0.1:99999/")) as port:
        failed = failure(tmp_path, url=f"http://127.0.0.1:{port}/")
    assert failed.kind is FailureKind.CHECK_FAILED


def test_nothing_there_may_be_let_pass(tmp_path: Path) -> None:
    result = ask(tmp_path, url=f"http://127.0.0.1:{free_port()}/", fail_on="never")
    assert result.status is None
    assert result.summary == "1 high"


def test_cancel_ends_it_at_once(tmp_path: Path) -> None:
    held = threading.Event()
    context = make_context(tmp_path)
    with listening(lambda connection: held.wait(30) and None) as port:
        threading.Timer(0.3, context.cancelled.set).start()
        started = time.monotonic()
        with pytest.raises(Cancelled):
            ask(tmp_path, context, url=f"http://127.0.0.1:{port}/", within=60, request_timeout=60)
        assert time.monotonic() - started < 2.3
        held.set()


def test_cancel_ends_a_runaway_pattern(tmp_path: Path) -> None:
    context = make_context(tmp_path)
    with web(lambda request: answer(request, body=b"a" * 64)) as port:
        threading.Timer(0.5, context.cancelled.set).start()
        started = time.monotonic()
        with pytest.raises(Cancelled):
            ask(tmp_path, context, url=f"http://127.0.0.1:{port}/", expect_match="^(a+)+$b", within=60)
    assert time.monotonic() - started < 3


def test_the_task_ends_in_words_before_its_time_is_over(tmp_path: Path) -> None:
    context = make_context(tmp_path, timeout=1.5)
    with pytest.raises(TaskFailed) as caught:
        ask(tmp_path, context, url=f"http://127.0.0.1:{free_port()}/", within=60)
    assert caught.value.kind is FailureKind.CHECK_FAILED


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (200, ("200",)),
        ("2xx", ("2xx",)),
        ("200, 204", ("200", "204")),
        ([200, "3XX"], ("200", "3xx")),
        ("200-204", ("200-204",)),
    ],
)
def test_statuses_may_be_written_in_many_ways(given: Any, kept: tuple[str, ...]) -> None:
    assert Http.Inputs.model_validate({"url": "http://x/", "expect_status": given}).expect_status == kept


def test_statuses() -> None:
    assert accepts("2xx", 204)
    assert not accepts("2xx", 304)
    assert accepts("200-204", 204)
    assert not accepts("200-204", 205)


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"url": "ftp://x/"}, "starts with http"),
        ({"url": "http://x/", "expect_status": "ok"}, "write a status"),
        ({"url": "http://x/", "expect_status": []}, "write a status"),
        ({"url": "http://x/", "expect_match": "("}, "not a regular expression"),
        ({"url": "https://x/", "min_tls_days": 3, "verify_tls": False}, "needs verify_tls"),
    ],
)
def test_wrong_inputs_are_said(inputs: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Http.Inputs.model_validate(inputs)
