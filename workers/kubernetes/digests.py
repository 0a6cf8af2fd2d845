"""What stands in a record in the place of a secret value."""

from __future__ import annotations

import hashlib

PREFIX = "scrypt:"


def digest_of(value: bytes | str, salt: str) -> str:
    """A digest that shows whether a secret differs: salted, and slow to guess by (scrypt, N=2^12)."""
    content = value.encode() if isinstance(value, str) else value
    return PREFIX + hashlib.scrypt(content, salt=salt.encode(), n=4096, r=8, p=1, dklen=16).hex()
