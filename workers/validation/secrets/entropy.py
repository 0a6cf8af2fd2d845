"""Texts that look random: keys without a vendor's shape and without a name that gives them away."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import PurePosixPath

from detect_secrets.filters import heuristic
from detect_secrets.plugins.high_entropy_strings import Base64HighEntropyString, HexHighEntropyString

from workers.validation.secrets import placeholders

_QUOTED = re.compile(r"[\"'`]([A-Za-z0-9+/=_\-]{20,200})[\"'`]")
_BARE = re.compile(r"^\s*(?:export\s+|ENV\s+|ARG\s+|-\s+)?[A-Za-z_][\w.\-]*\s*[=:]\s*([A-Za-z0-9+/=_\-]{20,200})\s*$")
_HEX = re.compile(r"[0-9a-fA-F]+")
_RUN = re.compile(r"[A-Za-z0-9+]{16,}")
#: Words near random-looking text that is public: checksums, ids, test vectors, encoded pictures.
_PUBLIC = re.compile(
    r"""integrity | sha-?(?:1|224|256|384|512) | checksum | digest | md5 | hash | etag | commit | revision
    | \brev\b | \bref\b
    | fingerprint | base64, | uuid | guid | nonce | content-security | public[_-]?key | ssh-(?:rsa|ed25519) | ecdsa-
    | certificate | resolved | trust | signature | alphabet | charset | characters | build[_-]?id
    | snapshot | locale | font
    | \bid\b | _id\b | [a-z]Id\b | \bpin\b""",
    re.IGNORECASE | re.VERBOSE,
)
_RANDOM_BY_KIND = """
.svg .css .map .ipynb .sum .lock .csv .tsv .po .pem .crt .cer .pub .patch .diff .snap
"""
_GENERATED = frozenset(_RANDOM_BY_KIND.split())


def is_generated(name: str) -> bool:
    """Whether a file is full of random-looking text by its kind: lock files, checksums, pictures, source maps."""
    base = PurePosixPath(name).name
    return (
        heuristic.is_lock_file(base)
        or PurePosixPath(base.lower()).suffix in _GENERATED
        or base.endswith(("-lock.json", "-lock.yaml", ".lock.json", "lock.yaml", ".min.js", ".bundle.js"))
        or re.match(r"(?:SHA\d*|MD5|B2)SUMS?|requirements.*\.txt$|known_hosts|\.secrets\.baseline$", base) is not None
    )


def matches(line: str, bare: bool) -> Iterator[tuple[str, int]]:
    """``(text, offset)`` for each random-looking text in a line."""
    for match in [*_QUOTED.finditer(line), *(_BARE.finditer(line) if bare else [])]:
        value = match.group(1)
        if _looks_random(value) and not _PUBLIC.search(line):
            yield value, match.start(1)


def _looks_random(value: str) -> bool:
    hexadecimal, base64 = _detectors()
    if _HEX.fullmatch(value):
        return (
            len(value) >= 28
            and not placeholders.is_identifier(value)
            and hexadecimal.calculate_shannon_entropy(value) > hexadecimal.entropy_limit
        )
    if (
        placeholders.is_identifier(value)
        or placeholders.is_camel_case(value)
        or placeholders.is_alphabet(value)
        or placeholders.is_made_up(value)
    ):
        return False
    # Long names and paths have a high entropy too; a key has upper case, lower case and digits in one run.
    runs = _RUN.findall(value)
    mixed = any(
        re.search("[a-z]", run) and re.search("[A-Z]", run) and len(re.findall(r"\d", run)) >= 2 for run in runs
    )
    return mixed and base64.calculate_shannon_entropy(value) > base64.entropy_limit - _allowance(value)


def _allowance(value: str) -> float:
    """Short texts cannot reach the entropy of long ones: 24 characters give at most 4.58 bits."""
    return 0.6 if len(value) < 32 else 0.0


@cache
def _detectors() -> tuple[HexHighEntropyString, Base64HighEntropyString]:
    return HexHighEntropyString(), Base64HighEntropyString()
