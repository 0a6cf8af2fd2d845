"""Values that stood in a plan in clear, sealed before anything of it is stored: ``secret://sealed/TOKEN.``

AES-SIV (RFC 5297) under a key that HKDF derives from the installation's. It is deterministic: the same value gives the
same token, so that a plan keeps its digest, a request its idempotency key, and two plans can be compared. What a token
shows is therefore its value's length, and whether two values are the same.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from reign.core.errors import InvalidInput

PREFIX = "secret://sealed/"
_DOMAIN = b"reign sealed value 1"
#: What a token says of its value, one bit each: the secret is what the value is the base64 of; the value is to be
#: written as a double-quoted YAML scalar, because it stands in a text.
_BASE64, _QUOTED = 1, 2
_TOKEN = re.compile(r"[A-Za-z0-9_-]+\.")
_REFERENCE = re.compile(rf"{PREFIX}({_TOKEN.pattern})")
_SHOWN = 8  # characters of a token in messages


@dataclass(frozen=True)
class Opened:
    """What a reference stands for; ``within``: the secret in its other forms, by the reference to each."""

    value: str
    within: dict[str, str]


class Seal:
    """Seals and opens under the key of one installation."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    @cached_property
    def _cipher(self) -> AESSIV:
        return AESSIV(HKDF(algorithm=SHA256(), length=64, salt=None, info=_DOMAIN).derive(self._key))

    def seal(self, text: str, *, base64: bool = False, quoted: bool = False) -> str:
        """The reference to ``text``. ``base64``: it is the base64 of the secret; ``quoted``: it is put back as YAML
        writes it in double quotes."""
        return self._sealed(text, (_BASE64 if base64 else 0) | (_QUOTED if quoted else 0))

    def _sealed(self, text: str, form: int) -> str:
        about = bytes([form])
        content = self._cipher.encrypt(text.encode(), [_DOMAIN, about])
        return f"{PREFIX}{base64.urlsafe_b64encode(about + content).decode().rstrip('=')}."

    def open(self, token: str) -> Opened | None:
        """None if it was sealed under another key, or changed since."""
        try:
            raw = base64.urlsafe_b64decode(token.removesuffix(".") + "=" * (-(len(token) - 1) % 4))
            text = self._cipher.decrypt(raw[1:], [_DOMAIN, raw[:1]]).decode()
        except (InvalidTag, ValueError):
            return None
        form, within = raw[0], {}
        if form & _QUOTED:
            within[self._sealed(text, form & _BASE64)] = text
        if form & _BASE64 and (plain := _decoded(text)):
            within[self._sealed(plain, 0)] = plain
        return Opened(_as_yaml(text) if form & _QUOTED else text, within)


def _decoded(text: str) -> str | None:
    """None for what is no base64, or bytes that are no text."""
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, ValueError):
        return None


def _as_yaml(text: str) -> str:
    import yaml

    return str(yaml.dump(text, default_style='"', width=float("inf"))).rstrip("\n")


#: The installations that this process works for: nearly always one.
_KEYS: dict[str, Callable[[], bytes]] = {}


def unlock(installation: str, key: Callable[[], bytes]) -> None:
    """Let this process open what the installation sealed. ``key`` is asked for when the first reference is met."""
    _KEYS[installation] = key


def opened(token: str) -> Opened:
    """Raises InvalidInput for what is no whole token, or if no key of this process fits."""
    shown = f"{PREFIX}{token[:_SHOWN]}..."
    if not _TOKEN.fullmatch(token):
        raise InvalidInput(
            f"{shown} is not a whole sealed value", hint="take it from the plan whole, up to its full stop"
        )
    for key in reversed(list(_KEYS.values())):
        if found := Seal(key()).open(token):
            return found
    raise InvalidInput(
        f"{shown} was sealed under another signing key than the one here, or changed since",
        hint="REIGN_SIGNING_KEY (or signing.key) must be that of the API which took the plan",
    )


def unsealed(value: Any) -> Any:
    """A JSON-like value with what was sealed in clear again, and other references as they are. Raises InvalidInput."""
    if isinstance(value, str):
        return _REFERENCE.sub(lambda match: opened(match[1]).value, value) if PREFIX in value else value
    if isinstance(value, Mapping):
        return {key: unsealed(item) for key, item in value.items()}
    return [unsealed(item) for item in value] if isinstance(value, list) else value
