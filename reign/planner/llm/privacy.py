"""No secret reaches a model: those of the request get a stand-in that code takes back out, those in data are masked."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

from reign.security.masking import MASK, Masker
from reign.security.shapes import secrets_in

_NAMED = re.compile(r"(?i)(passw|secret|token|api_?key|private_?key|signing_?key|credential|auth)")
_SHORTEST = 8  # characters of a variable's value that is taken for a secret: "true" and "1" are none
STAND_IN = re.compile(r"REIGN_SECRET_\d+")


class Veil:
    """What is hidden in one planning. The same texts are hidden in the same way, so that answers can be kept."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        """``environ``: variables whose names speak of secrets are known secrets; default: this process's."""
        found = os.environ if environ is None else environ
        known = {
            f"secret://env/{name}": value
            for name, value in found.items()
            if _NAMED.search(name) and len(value) >= _SHORTEST
        }
        self._known = sorted(known.values(), key=len, reverse=True)
        self._masker = Masker(known)
        self._hidden: dict[str, str] = {}  # stand-in -> secret

    def hide(self, request: str) -> str:
        """The request with stand-ins for secrets: a plan may need them where they stood."""
        for secret in [*(value for value in self._known if value in request), *secrets_in(request)]:
            if secret in request:
                stand_in = f"REIGN_SECRET_{len(self._hidden) + 1}"
                self._hidden[stand_in] = secret
                request = request.replace(secret, stand_in)
        return request

    def mask(self, text: str) -> str:
        """A text that is only data, with secrets gone for good."""
        text = self._masker.mask(text)
        for secret in secrets_in(text):
            text = text.replace(secret, MASK)
        return text

    @staticmethod
    def mask_stand_ins(text: str) -> str:
        """A request as it may be written down: neither secrets nor their stand-ins."""
        return STAND_IN.sub(MASK, text)

    def unknown(self, value: Any) -> list[str]:
        """Stand-ins in a JSON-like value that stand for nothing: a model made them up."""
        return [name for text in _texts(value) for name in STAND_IN.findall(text) if name not in self._hidden]

    def reveal(self, value: Any) -> Any:
        """A JSON-like value with the request's own secrets back in their places."""
        if not self._hidden:
            return value
        if isinstance(value, str):
            return STAND_IN.sub(lambda match: self._hidden.get(match.group(0), match.group(0)), value)
        if isinstance(value, Mapping):
            return {self.reveal(key): self.reveal(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.reveal(item) for item in value]
        return value

    def shown_in(self, value: Any) -> bool:
        """Whether a stand-in of the request is in a JSON-like value."""
        return any(STAND_IN.search(text) for text in _texts(value))


def _texts(value: Any) -> Sequence[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [text for pair in value.items() for item in pair for text in _texts(item)]
    if isinstance(value, list | tuple):
        return [text for item in value for text in _texts(item)]
    return []
