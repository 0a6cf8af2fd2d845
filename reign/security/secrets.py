"""Secret references (``secret://backend/name``), resolved in the worker at the moment of use and nowhere else."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from reign.core.errors import InvalidInput, NotFound, did_you_mean
from reign.security.masking import Masker

REFERENCE = re.compile(r"secret://([a-z]+)/([^\s\"'`<>{}|\\^]+)")
Backend = Callable[[str], str]


def _from_environment(name: str) -> str:
    value = os.environ.get(name)
    if value is None:
        raise NotFound(
            f"secret://env/{name}: the worker's environment has no {name}", hint=f"export {name} for the workers"
        )
    return value


def _from_file(name: str) -> str:
    path = Path("/" + name) if not name.startswith(("~", ".")) else Path(name).expanduser()
    try:
        return path.read_text().rstrip("\n")
    except (OSError, ValueError) as error:  # ValueError: not UTF-8, or a NUL in the path
        reason = getattr(error, "strerror", None) or "it is not text"
        raise NotFound(f"secret://file/{name}: {reason}", hint="the file must be readable for the workers") from None


BACKENDS: dict[str, Backend] = {"env": _from_environment, "file": _from_file}


def references(value: Any) -> Iterator[str]:
    """All secret references in a JSON-like value."""
    if isinstance(value, str):
        if "secret://" in value:
            yield from (match.group(0) for match in REFERENCE.finditer(value))
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from references(item)


def resolve(value: Any, masker: Masker) -> Any:
    """``value`` with its references replaced by the secrets, which ``masker`` learns first.

    Raises NotFound if a secret is not there, InvalidInput for an unknown backend.
    """
    if isinstance(value, str):
        if "secret://" not in value:
            return value
        return REFERENCE.sub(lambda match: _lookup(match, masker), value)
    if isinstance(value, Mapping):
        return {key: resolve(item, masker) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [resolve(item, masker) for item in value]
    return value


def _lookup(match: re.Match[str], masker: Masker) -> str:
    backend, name = match.groups()
    if backend not in BACKENDS:
        raise InvalidInput(
            f"{match.group(0)}: there is no secret backend {backend!r}", hint=did_you_mean(backend, BACKENDS)
        )
    value = BACKENDS[backend](name)
    masker.add(match.group(0), value)
    return value
