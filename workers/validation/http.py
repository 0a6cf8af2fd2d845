"""validation.http: does an address answer as expected, within a time?"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from reign.core.duration import Duration, readable
from reign.core.findings import Finding, Severity
from reign.executor import Context, FailureKind, TaskFailed
from reign.executor.contract import Observations
from reign.executor.scope import Scope
from workers.validation import patience, rehearsing
from workers.validation.checking import Check, CheckInputs, CheckResult, conclude, kept

if TYPE_CHECKING:
    import httpx

#: Bytes of a body that are read; what is looked for should stand at its start, and a download is not a check.
MAX_BODY = 1024 * 1024
_MAX_REDIRECTS = 10
_SOON = 14  # days before a certificate ends that are worth a remark
_STATUS = re.compile(r"[1-5]xx|[1-5]\d\d(?:-[1-5]\d\d)?")
# Matched in a process of its own: a runaway pattern holds the interpreter's lock, and no cancel would get through.
_MATCH = "import json,re,sys; g=json.load(sys.stdin); sys.exit(0 if re.search(g[0],g[1],re.M) else 1)"


@dataclass(frozen=True)
class _Answer:
    """What came back; ``status`` is None if nothing did."""

    url: str
    status: int | None = None
    latency: float = 0.0  # seconds to the first byte of the answer, redirects included
    body: str = ""
    cut: bool = False  # the body was longer than MAX_BODY
    certificate_days: float | None = None
    problem: str = ""


class Http(Check["Http.Inputs", "Http.Result"]):
    """Tries again until the answer is as expected or ``within`` is over."""

    name: ClassVar[str] = "validation.http"
    summary: ClassVar[str] = "Check that a web address answers as expected"
    variables: ClassVar[tuple[str, ...]] = ("headers",)

    class Inputs(CheckInputs):
        url: str = Field(description="http:// or https:// address")
        expect_status: tuple[str, ...] = Field(
            default=("2xx",), description="accepted status: a number, '2xx', '200-204', or a list of these"
        )
        expect_body: str | None = Field(default=None, description="text that the body must contain")
        expect_match: str | None = Field(default=None, description="regular expression that the body must match")
        within: Duration = Field(default=15.0, description="try again until this time is over")
        every: Duration = Field(default=0.5, gt=0, description="wait between tries")
        request_timeout: Duration = Field(default=10.0, gt=0, description="longest time for one try")
        max_latency: Duration | None = Field(default=None, description="slowest acceptable time to the answer")
        method: str = Field(default="GET", pattern=r"^[A-Za-z]{1,20}$")
        headers: dict[str, str] = Field(default_factory=dict)
        body: str | dict[str, Any] | list[Any] | None = Field(
            default=None, description="what to send; an object or a list goes as JSON"
        )
        redirects: Literal["follow", "same-host", "refuse"] = Field(
            default="same-host", description="which redirects are followed"
        )
        verify_tls: bool = Field(default=True, description="whether the certificate must be valid for the host")
        ca_file: str | None = Field(default=None, description="certificates to trust instead of the system's")
        min_tls_days: int | None = Field(
            default=None, ge=0, description="days that the certificate must still be valid"
        )

        @field_validator("expect_status", mode="before")
        @classmethod
        def _as_patterns(cls, value: Any) -> tuple[str, ...]:
            given = value if isinstance(value, list | tuple) else str(value).split(",")
            patterns = tuple(str(item).strip().lower() for item in given)
            if not patterns or not all(_STATUS.fullmatch(pattern) for pattern in patterns):
                raise ValueError("write a status such as 200, '2xx', '200-204', or a list of these")
            return patterns

        @field_validator("url")
        @classmethod
        def _is_an_address(cls, value: str) -> str:
            if not re.match(r"https?://[^/\s]", value, re.IGNORECASE):
                raise ValueError("an address starts with http:// or https:// and names a host")
            try:
                _ = urlsplit(value).port
            except ValueError as error:
                raise ValueError(f"{_shown(value)[:80]!r} is no address: {str(error).lower()}") from None
            return value

        @field_validator("headers", mode="before")
        @classmethod
        def _as_texts(cls, value: Any) -> Any:
            if not isinstance(value, Mapping):
                return value
            plain = {k: v for k, v in value.items() if isinstance(v, int | float) and not isinstance(v, bool)}
            return {**value, **{k: str(v) for k, v in plain.items()}}

        @field_validator("expect_match")
        @classmethod
        def _is_a_pattern(cls, value: str | None) -> str | None:
            try:
                re.compile(value or "")
            except re.error as error:
                raise ValueError(f"not a regular expression: {error}") from None
            return value

        @model_validator(mode="after")
        def _expiry_needs_verification(self) -> Self:
            if self.min_tls_days is not None and not self.verify_tls:
                raise ValueError("min_tls_days needs verify_tls; name the issuer with ca_file instead")
            return self

    class Result(CheckResult):
        status: int | None = Field(description="HTTP status of the answer; null if a missing one is let pass")
        latency: float = Field(description="seconds to the answer of the last try")
        url: str = Field(description="the address that answered, after redirects")
        attempts: int = Field(description="tries that it took")
        certificate_days: float | None = Field(default=None, description="days that the TLS certificate is still valid")

    def rehearsed(self, inputs: Mapping[str, Any], scope: Scope) -> dict[str, Any] | None:
        return rehearsing.url(inputs, scope)

    def apply(self, ctx: Context, inputs: Http.Inputs, seen: Observations) -> Http.Result:
        client = _client(ctx, inputs)

        async def attempt(limit: float) -> tuple[_Answer, list[Finding]]:
            answer = await _ask(client, inputs, min(limit, inputs.request_timeout))
            return answer, await asyncio.to_thread(_judge, ctx, inputs, answer)

        async def all_attempts() -> tuple[_Answer, list[Finding], int]:
            async with client:
                return await patience.until_passed(ctx, inputs.within, inputs.every, attempt)

        shown = _shown(inputs.url)
        ctx.progress(f"asking {shown}")
        answer, findings, tries = patience.run(ctx, all_attempts())
        judged = conclude(ctx, shown, [*findings, *_remarks(inputs, answer)], inputs, retryable=True)
        ctx.progress(f"{shown} answered {answer.status} in {readable(answer.latency)}")
        return self.Result(
            status=answer.status,
            latency=round(answer.latency, 4),
            url=answer.url,
            attempts=tries,
            certificate_days=answer.certificate_days,
            findings=kept(judged),
            summary=judged.sentence(),
        )


def _client(ctx: Context, inputs: Http.Inputs) -> httpx.AsyncClient:
    import ssl

    import httpx

    verify: ssl.SSLContext | bool = inputs.verify_tls
    if inputs.verify_tls and inputs.ca_file:
        file = ctx.path(inputs.ca_file)
        try:
            verify = ssl.create_default_context(cafile=file)
        except (OSError, ssl.SSLError) as error:
            raise TaskFailed(
                f"ca_file {file} cannot be used: {error}", kind=FailureKind.WRONG_INPUT, hint="a PEM file is needed"
            ) from None
    try:
        host = httpx.URL(inputs.url).host
        # A proxy of the environment does not know our loopback.
        return httpx.AsyncClient(verify=verify, trust_env=not patience.is_loopback(host), http2=False)
    except (httpx.InvalidURL, ValueError) as error:
        raise TaskFailed(f"{_shown(inputs.url)}: {error}", kind=FailureKind.WRONG_INPUT) from None


async def _ask(client: httpx.AsyncClient, inputs: Http.Inputs, limit: float) -> _Answer:
    import httpx

    started = time.monotonic()
    try:
        async with asyncio.timeout(limit):
            return await _exchange(client, inputs, started)
    except (TimeoutError, httpx.TimeoutException):
        problem = f"no answer within {readable(limit)}"
    except httpx.LocalProtocolError as error:
        raise TaskFailed(f"the request cannot be sent: {error}", kind=FailureKind.WRONG_INPUT) from None
    except (OverflowError, ExceptionGroup):  # a redirect to a port that there cannot be
        problem = "it leads to an address that cannot be"
    except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
        problem = patience.in_words(error)
    return _Answer(_shown(inputs.url), problem=problem, latency=time.monotonic() - started)


async def _exchange(client: httpx.AsyncClient, inputs: Http.Inputs, started: float) -> _Answer:
    headers = {"user-agent": "reign", "accept-encoding": "identity"} | {k.lower(): v for k, v in inputs.headers.items()}
    as_json = {"json": inputs.body} if isinstance(inputs.body, dict | list) else {"content": inputs.body}
    request = client.build_request(inputs.method.upper(), inputs.url, headers=headers, timeout=None, **as_json)
    for _ in range(_MAX_REDIRECTS + 1):
        response = await client.send(request, stream=True)
        try:
            following = response.next_request
            if following is None or inputs.redirects == "refuse":
                return await _read(response, started)
            if inputs.redirects == "same-host" and following.url.host != request.url.host:
                return _Answer(
                    _shown(str(request.url)),
                    response.status_code,
                    time.monotonic() - started,
                    problem=f"it redirects to another host, {following.url.host}",
                )
            request = following
        finally:
            await response.aclose()
    return _Answer(_shown(inputs.url), problem=f"more than {_MAX_REDIRECTS} redirects")


async def _read(response: httpx.Response, started: float) -> _Answer:
    latency = time.monotonic() - started
    days = _certificate_days(response)
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk[: MAX_BODY - len(body)]
        if len(body) >= MAX_BODY:
            break
    return _Answer(
        _shown(str(response.url)),
        response.status_code,
        latency,
        bytes(body).decode(response.charset_encoding or "utf-8", errors="replace"),
        len(body) >= MAX_BODY,
        days,
    )


def _certificate_days(response: httpx.Response) -> float | None:
    import ssl

    stream = response.extensions.get("network_stream")
    connection = stream.get_extra_info("ssl_object") if stream is not None else None
    certificate = connection.getpeercert() if connection is not None else None
    if not certificate or "notAfter" not in certificate:
        return None  # no TLS, or not verified: then Python does not decode it
    return round((ssl.cert_time_to_seconds(certificate["notAfter"]) - time.time()) / 86400, 1)


def _judge(ctx: Context, inputs: Http.Inputs, answer: _Answer) -> list[Finding]:
    """What is not as expected: only what another try may mend."""
    if answer.problem:
        rule = "http-unreachable" if answer.status is None else "http-redirect"
        remedy = "check that it runs, listens on that address and can be reached from the worker"
        return [_finding(inputs, rule, answer.problem, remedy if answer.status is None else "set redirects: follow")]
    found = []
    assert answer.status is not None
    if not any(accepts(pattern, answer.status) for pattern in inputs.expect_status):
        wanted = " or ".join(inputs.expect_status)
        message = f"it answered {answer.status}, not {wanted}"
        found.append(_finding(inputs, "http-status", message, "look at the log of what serves it"))
    if inputs.expect_body is not None and inputs.expect_body not in answer.body:
        message = f"its answer does not contain {inputs.expect_body!r}{_excerpt(answer)}"
        found.append(_finding(inputs, "http-body", message, "look at what is served there"))
    if inputs.expect_match is not None and not _matches(ctx, inputs.expect_match, answer.body):
        message = f"its answer does not match {inputs.expect_match!r}{_excerpt(answer)}"
        found.append(_finding(inputs, "http-body", message, "look at what is served there"))
    if inputs.max_latency is not None and answer.latency > inputs.max_latency:
        message = f"it took {readable(answer.latency)}, longer than {readable(inputs.max_latency)}"
        found.append(_finding(inputs, "http-latency", message, "look for what slows it down, or allow more"))
    days, least = answer.certificate_days, inputs.min_tls_days
    if least is not None and (days is None or days < least):
        message = f"its certificate ends in {days:g} days, before {least}" if days is not None else "it uses no TLS"
        found.append(_finding(inputs, "tls-expiry", message, "renew the certificate"))
    return found


def _remarks(inputs: Http.Inputs, answer: _Answer) -> list[Finding]:
    days = answer.certificate_days
    if inputs.min_tls_days is None and days is not None and days < _SOON:
        message = f"its certificate ends in {days:g} days"
        return [_finding(inputs, "tls-expiry", message, "renew the certificate", Severity.MEDIUM)]
    return []


def _finding(inputs: Http.Inputs, rule: str, message: str, remedy: str, severity: Severity = Severity.HIGH) -> Finding:
    return Finding(rule=rule, severity=severity, message=message, remedy=remedy, address=_shown(inputs.url))


def accepts(pattern: str, status: int) -> bool:
    """Whether a status is one of ``200``, ``2xx`` or ``200-204``."""
    if pattern.endswith("xx"):
        return status // 100 == int(pattern[0])
    first, _, last = pattern.partition("-")
    return int(first) <= status <= int(last or first)


def _matches(ctx: Context, pattern: str, body: str) -> bool:
    given = json.dumps([pattern, body]).encode()
    return ctx.tool([sys.executable, "-I", "-c", _MATCH], stdin=given, timeout=10).exit_code == 0


def _excerpt(answer: _Answer) -> str:
    start = " ".join(answer.body[:400].split())[:100]
    size = "more than 1 MiB" if answer.cut else f"{len(answer.body)} characters"
    return f" ({size}, starting {start!r})" if start else " (it is empty)"


def _shown(url: str) -> str:
    """The address without a user name and password in it."""
    return re.sub(r"(?<=://)[^/?#@\s]*@", "", url)
