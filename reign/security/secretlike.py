"""Whether a value looks like a secret that should have come by reference."""

from __future__ import annotations

import re

from reign.security.masking import MASK, SHORTEST

_NAMES = re.compile(
    r"passw(?:or)?d|passphrase|secret|token(?!iz)|api[_.-]?key|access[_.-]?key|private[_.-]?key|credential|"
    r"auth[_.-]?key|^(?:proxy-)?authorization$|(?:^|[_.-])(?:pwd|pass|pw)$",
    re.IGNORECASE,
)
#: Names that hold such a word and tell where a secret is, or what is public, not the secret itself.
_NOT_SECRET = re.compile(
    r"(?:_|-|\.)(?:file|path|url|uri|name|id|ttl|expiry|expires|length|type|header|dir)$", re.IGNORECASE
)
_SHAPES = re.compile(
    r"AKIA[0-9A-Z]{16}"  # AWS access key id
    r"|gh[pousr]_[A-Za-z0-9]{36,}|github_pat_\w{40,}"
    r"|glpat-[\w-]{20,}"
    r"|xox[abprs]-[\w-]{10,}"
    r"|sk-[A-Za-z0-9_-]{20,}|sk_live_\w{16,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"|eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]+"  # a JWT
    r"|[a-z][a-z0-9+.-]*://[^/\s:@]+:[^/\s:@$]+@"  # user:password@ in a URL
)
_HARMLESS = {"", "true", "false", "none", "null", "0", "1", "yes", "no"}
#: Words that people write where a password goes and everywhere else too: hidden from a log, they would leave holes in
#: what is no secret (``image: ***:16``).
_EVERYDAY = """
admin administrator app backend basic bearer change changeme database db default demo dev development dummy
env example foobar guest hello insecure key letmein local localhost mariadb minio mongo mysql nginx none
optional pass password postgres postgresql prod production public rabbitmq redis required root sample secret
server service shop staging strict test testing token trust user username vault web welcome
"""
_WORDS = frozenset(_EVERYDAY.split())
_NUMBER = re.compile(r"[\d.,:_+-]{1,7}")
_PLACE = re.compile(r"\.{0,2}/[\w./@-]*|~/[\w./@-]*")


def names_secret(name: str) -> bool:
    """Whether a variable of that name usually holds a secret."""
    return bool(_NAMES.search(name)) and not _NOT_SECRET.search(name)


def looks_secret(name: str, value: str) -> bool:
    """Whether ``value``, given under ``name``, looks like a secret in clear; a reference or an expression does not."""
    if value.lower() in _HARMLESS or any(mark in value for mark in ("secret://", "kept://", "${{", MASK)):
        return False
    return names_secret(name) or bool(_SHAPES.search(value))


def can_be_hidden(value: str) -> bool:
    """Whether hiding ``value`` hides nothing else: no word of everyday, short number, or place of a file."""
    return len(value) >= SHORTEST and not (
        value.lower() in _WORDS or _NUMBER.fullmatch(value) or _PLACE.fullmatch(value)
    )
