"""Why there is no way to a Docker Engine: nothing there, another program there, the wrong address, TLS."""

from __future__ import annotations

import re
from dataclasses import dataclass

from reign.executor import FailureKind, TaskFailed

_START = "start it (`systemctl start docker`), or set DOCKER_HOST or a docker context; see `reign doctor`"
_TLS = re.compile(r"certificate|\bSSL|\bTLS")
_CERTIFICATES = "check DOCKER_CERT_PATH or `cert_path` (ca.pem, cert.pem, key.pem) and DOCKER_TLS_VERIFY"


@dataclass(frozen=True)
class _Reason:
    """What the library's text tells; ``trust``: two who could talk do not believe each other."""

    pattern: re.Pattern[str]
    says: str
    hint: str = _START
    trust: bool = False


def _reason(pattern: str, says: str, hint: str = _START, *, trust: bool = False) -> _Reason:
    return _Reason(re.compile(pattern), says, hint, trust)


_REASONS = (
    # TLS: the most special ones first
    _reason(
        r"client_cert param|Invalid CA certificate|Could not find the TLS|\[SSL\] PEM lib|no start line",
        "TLS is asked for, but the folder for it holds no ca.pem, cert.pem and key.pem that can be used",
        _CERTIFICATES,
        trust=True,
    ),
    _reason(
        r"(?i)hostname mismatch|IP address mismatch|doesn't match",
        "its certificate is for another name than the address",
        "use the name or the address that the certificate holds, or have one made for this",
        trust=True,
    ),
    _reason(
        r"certificate has expired|not yet valid",
        "its certificate is not valid today",
        "have a new one made, and look at this machine's clock",
        trust=True,
    ),
    _reason(
        r"CERTIFICATE_VERIFY_FAILED|certificate verify failed",
        "certificate verify failed: it is not signed by the CA in ca.pem",
        _CERTIFICATES,
        trust=True,
    ),
    _reason(
        r"(?i)alert[_ ]certificate[_ ]expired",
        "the certificate in cert.pem has expired",
        "have a new one made, and look at the clocks of both machines",
        trust=True,
    ),
    _reason(
        r"(?i)certificate[_ ]required|bad[_ ]certificate|unknown[_ ]ca|handshake[_ ]failure",
        "it does not take the certificate in cert.pem: there is none, it is over, or another CA has signed it",
        _CERTIFICATES,
        trust=True,
    ),
    _reason(
        r"(?i)wrong[_ ]version[_ ]number|record layer failure|http_request",
        "it speaks no TLS, and TLS is asked for",
        "unset DOCKER_TLS_VERIFY and `cert_path`, or give the address at which it speaks TLS",
        trust=True,
    ),
    _reason(
        r"Client sent an HTTP request to an HTTPS server",
        "it speaks TLS, and TLS is not asked for",
        "set DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH, or the agent's `cert_path`",
        trust=True,
    ),
    # addresses and what is behind them
    _reason(
        r"(?i)read timed out",
        "it takes connections and says nothing",
        "it hangs or has too much to do: see `docker info`, and if it stays so `systemctl restart docker`",
    ),
    _reason(
        r"Invalid bind address",
        "this is no address of an engine",
        "write unix:///PATH, tcp://HOST:PORT or ssh://USER@HOST",
    ),
    _reason(r"No such file or directory", "there is no such socket"),
    _reason(r"(?i)Connection ?refused", "nothing listens there"),
    _reason(r"(?i)failed to resolve|name or service not known|getaddrinfo|nodename", "there is no host of that name"),
    _reason(r"No route to host|Network is unreachable", "there is no way to that host"),
    _reason(
        r"ApiVersion|Expecting value|not a JSON|Max retries.*BadStatusLine|^[345]\d\d ",
        "what answers there is no engine",
    ),
)


def no_way(text: str, place: str) -> TaskFailed:
    """The failure behind a library's text about a connection that could not be made; ``place``: for people."""
    for reason in _REASONS:
        if reason.pattern.search(text):
            if reason.trust:
                return TaskFailed(
                    f"the Docker Engine at {place} is not trusted: {reason.says}",
                    kind=FailureKind.PERMISSION,
                    hint=reason.hint,
                )
            return _away(f"no Docker Engine answers at {place}: {reason.says}", reason.hint)
    if _TLS.search(text):
        first = next((line.strip() for line in text.splitlines() if line.strip()), "no reason given")[:500]
        return TaskFailed(
            f"the Docker Engine at {place} is not trusted: {first}", kind=FailureKind.PERMISSION, hint=_CERTIFICATES
        )
    if place.startswith("ssh://"):
        return _away(
            f"no Docker Engine answers at {place}",
            f"try `ssh {place.removeprefix('ssh://').split(':')[0]} docker version`: it must ask nothing",
        )
    return _away(f"no Docker Engine answers at {place}", _START)


def _away(message: str, hint: str) -> TaskFailed:
    # Nothing has been changed without a connection.
    return TaskFailed(message, kind=FailureKind.MISSING_PREREQUISITE, hint=hint, retryable=True)
