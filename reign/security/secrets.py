"""Secret references (``secret://backend/name``), resolved in the worker at the moment of use and nowhere else."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from reign.core.errors import InvalidInput, NotFound, Refused, Unavailable, did_you_mean
from reign.security import sealed, vault
from reign.security.masking import Masker

#: One to a sealed value ends with its full stop, so that it can stand within a text.
REFERENCE = re.compile(r"secret://([a-z]+)/((?<=//sealed/)[\w-]+\.|[^\s\"'`<>{}|\\^]+)", re.ASCII)
EVERYTHING = ("secret://",)
Backend = Callable[[str], str]


class BackendAway(Unavailable):
    """A place that secrets come from does not answer; trying again may help."""


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


def _from_keyring(name: str) -> str:
    """``SERVICE/NAME`` of the keyring of the user that the workers run as."""
    reference = f"secret://keyring/{name}"
    service, user = _entry(name)
    try:
        import keyring
        from keyring.errors import KeyringError, NoKeyringError
    except ImportError:
        raise InvalidInput(
            f"{reference}: the workers have no keyring package", hint="pip install 'reign[keyring]'"
        ) from None
    try:
        value = keyring.get_password(service, user)
    except NoKeyringError:
        raise InvalidInput(
            f"{reference}: the workers have no keyring",
            hint="they need a Secret Service (GNOME Keyring, KWallet), or PYTHON_KEYRING_BACKEND names another backend",
        ) from None
    except KeyringError as error:
        raise BackendAway(
            f"{reference}: the keyring cannot be read: {error or type(error).__name__}",
            hint="it must be unlocked for the user that the workers run as",
        ) from None
    if value is None:
        raise NotFound(f"{reference}: the keyring has no such entry", hint=f"keyring set {service} {user}")
    return value


def _entry(name: str) -> tuple[str, str]:
    service, _, user = name.rpartition("/")
    if not service or not user:
        raise InvalidInput(f"secret://keyring/{name} names no entry", hint="secret://keyring/SERVICE/NAME")
    return service, user


def _from_vault(name: str) -> str:
    try:
        return vault.read(name)
    except vault.Away as error:
        raise BackendAway(error.message, hint=error.hint) from None


def _from_plan(name: str) -> str:
    return sealed.opened(name).value


BACKENDS: dict[str, Backend] = {
    "env": _from_environment,
    "file": _from_file,
    "keyring": _from_keyring,
    "vault": _from_vault,
    "sealed": _from_plan,
}


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


def resolve(value: Any, masker: Masker, allowed: Sequence[str] = EVERYTHING) -> Any:
    """``value`` with its references replaced by the secrets, which ``masker`` learns first.

    ``allowed``: beginnings, one of which a reference must have. Raises NotFound if a secret is not there, InvalidInput
    for an unknown backend, Refused for a reference that is not allowed, BackendAway.
    """
    if isinstance(value, str):
        if "secret://" not in value:
            return value
        return REFERENCE.sub(lambda match: _lookup(match, masker, allowed), value)
    if isinstance(value, Mapping):
        return {key: resolve(item, masker, allowed) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [resolve(item, masker, allowed) for item in value]
    return value


def check(reference: str) -> None:
    """Raises InvalidInput for a reference that cannot lead anywhere; whether the secret is there only workers know."""
    match = REFERENCE.match(reference)
    if match is None:
        return
    backend, name = match.groups()
    if backend not in BACKENDS:
        raise InvalidInput(f"{reference}: there is no secret backend {backend!r}", hint=did_you_mean(backend, BACKENDS))
    if name.endswith("$"):  # what follows is an expression, known when the task runs
        return
    if backend == "keyring":
        _entry(name)
    elif backend == "vault":
        vault.parse(name)


def permitted(reference: str, allowed: Sequence[str]) -> bool:
    """Whether a reference begins as one of ``allowed``; a way out of it by ``..`` is none. What was sealed stood in the
    plan itself."""
    if reference.startswith(sealed.PREFIX):
        return True
    return reference.startswith(tuple(allowed)) and "/../" not in f"{reference}/"


def _lookup(match: re.Match[str], masker: Masker, allowed: Sequence[str]) -> str:
    backend, name = match.groups()
    check(match.group(0))
    if tuple(allowed) != EVERYTHING and not permitted(match.group(0), allowed):
        raise Refused(
            f"{match.group(0)} is not allowed in this environment", hint="allowed: " + (", ".join(allowed) or "none")
        )
    value = BACKENDS[backend](name)
    if backend == "sealed":
        for reference, other in sealed.opened(name).within.items():
            masker.add(reference, other)
    masker.add(match.group(0), value)
    return value
