"""Whether a value looks like a secret that should have come by reference."""

from __future__ import annotations

import re

from reign.security.masking import MASK

_NAMES = re.compile(
    r"passw(?:or)?d|passphrase|secret|token|api[_.-]?key|access[_.-]?key|private[_.-]?key|credential|auth[_.-]?key|"
    r"(?:^|[_.-])(?:pwd|pass|pw)$",
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


def names_secret(name: str) -> bool:
    """Whether a variable of that name usually holds a secret."""
    return bool(_NAMES.search(name)) and not _NOT_SECRET.search(name)


def looks_secret(name: str, value: str) -> bool:
    """Whether ``value``, given under ``name``, looks like a secret in clear; a reference or an expression does not."""
    if value.lower() in _HARMLESS or any(mark in value for mark in ("secret://", "kept://", "${{", MASK)):
        return False
    return names_secret(name) or bool(_SHAPES.search(value))
