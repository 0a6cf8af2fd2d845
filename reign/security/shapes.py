"""Texts that look like secrets, by the shapes of vendors' keys and by the names that values are assigned to.

The shapes are those of detect-secrets, which keeps them for some twenty vendors.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

_ASSIGNED = re.compile(
    r"""(?ix) [\w.\-]* (?: passw(?:or)?d | passphrase | secret | token | api[_-]?key | access[_-]?key
    | private[_-]?key | credentials? ) [\w.\-]* ["']? \s* [=:] \s* ["']? (?P<value> [^\s"',;]{6,} )"""
)
_URL_LOGIN = re.compile(r"[a-z][a-z0-9+.\-]*://[^\s/:@]*:(?P<value>[^\s/@]{3,})@", re.IGNORECASE)
_ANTHROPIC = re.compile(r"(?P<value>sk-ant-[A-Za-z0-9_\-]{16,})")
_PEM = re.compile(r"(?P<value>-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z))", re.DOTALL)
_OWN = (_PEM, _ANTHROPIC, _URL_LOGIN, _ASSIGNED)
#: Detectors of detect-secrets that are too eager for prose, or whose find is not the secret itself.
_UNUSED = frozenset(
    {"Base64HighEntropyString", "HexHighEntropyString", "IPPublicDetector", "KeywordDetector", "PrivateKeyDetector"}
)
_WHOLE = 10  # characters of a vendor's key at the least
_HARMLESS = re.compile(r"secret://|\$\{\{|\$\{?\w|<\w|\*{3}|env/")


@cache
def _detectors() -> tuple[Any, ...]:
    from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class

    kinds: Any = get_mapping_from_secret_type_to_class().values()
    return tuple(kind() for kind in kinds if kind.__name__ not in _UNUSED)


def secrets_in(text: str) -> list[str]:
    """The parts of a text that look like secrets, the longest first, each once. References to secrets are none."""
    found = {value for value in _found(text) if len(value) >= 3 and not _HARMLESS.match(value)}
    return sorted(found, key=lambda value: (-len(value), value))


def _found(text: str) -> Iterator[str]:
    for pattern in _OWN:
        yield from (match["value"] for match in pattern.finditer(text))
    for detector in _detectors():
        for pattern in detector.denylist:
            # What a pattern's group holds may be the key's prefix alone: the shortest text that is surely all of it.
            for match in pattern.finditer(text):
                groups = [group for group in match.groups() if group and len(group) >= _WHOLE]
                yield min(groups, key=len) if groups else match.group(0).strip(" \t\n=:\"'")
