"""Content at rest: sealed, as a kept state file, .env or Secret holds in clear what must not stand in a database."""

from __future__ import annotations

import hashlib
import os
import zlib

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_VERSION = b"\x01"
_NONCE = 12  # bytes, as NIST SP 800-38D recommends for GCM


class Sealer:
    """AES-256-GCM under a key of its own, derived from the installation's; compresses first."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(hashlib.sha256(b"reign kept content\0" + key).digest())

    def seal(self, content: bytes) -> bytes:
        nonce = os.urandom(_NONCE)
        return _VERSION + nonce + self._cipher.encrypt(nonce, zlib.compress(content), _VERSION)

    def open(self, sealed: bytes) -> bytes:
        """Raises ValueError if it was sealed with another key, or changed since."""
        nonce = sealed[1 : 1 + _NONCE]
        try:
            return zlib.decompress(self._cipher.decrypt(nonce, sealed[1 + _NONCE :], sealed[:1]))
        except (InvalidTag, ValueError, zlib.error):
            raise ValueError("sealed with another key, or damaged") from None
