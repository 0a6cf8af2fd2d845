"""Secrets from HashiCorp Vault (or OpenBao): the KV engine, version 2 or 1, over HTTP.

Where and as whom is what Vault's own tools use: ``VAULT_ADDR``, ``VAULT_TOKEN`` (or ``~/.vault-token``),
``VAULT_NAMESPACE``, ``VAULT_CACERT``. Plain httpx rather than hvac: one GET is all that is needed.
https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2#read-secret-version
https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v1#read-secret
"""

from __future__ import annotations

import json
import os
import re
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import quote

from reign.core.errors import InvalidInput, NotFound, Refused, Unavailable, did_you_mean

TIMEOUT = 10.0  # seconds
_NAME = re.compile(r"(?P<mount>[^/#?]+)/(?P<path>[^#?]+?)/?(?:\?version=(?P<version>\d+))?#(?P<key>.+)")
_COUNTED = re.compile(r"^\d+ errors? occurred: \* ")  # what Vault puts before its reasons
_SHAPE = "secret://vault/MOUNT/PATH#KEY, or PATH?version=N#KEY"


class Away(Unavailable):
    """Vault does not answer, or is sealed."""


def read(name: str) -> str:
    """One value: ``MOUNT/PATH#KEY``. Raises InvalidInput, NotFound, Refused, Away."""
    reference = f"secret://vault/{name}"
    match = parse(name)
    data = _data(reference, match["mount"], match["path"], match["version"])
    if match["key"] not in data:
        raise NotFound(f"{reference}: the secret has no key {match['key']!r}", hint=did_you_mean(match["key"], data))
    value = data[match["key"]]
    return value if isinstance(value, str) else json.dumps(value)


def parse(name: str) -> re.Match[str]:
    """``mount``, ``path``, ``version`` (or None) and ``key``. Raises InvalidInput."""
    match = _NAME.fullmatch(name)
    if match is None or ".." in match["path"].split("/"):
        raise InvalidInput(f"secret://vault/{name} names no value", hint=_SHAPE)
    return match


def _data(reference: str, mount: str, path: str, version: str | None) -> dict[str, Any]:
    """The values of a secret: as version 2 has it, and where that knows none, or may not say, as version 1 does."""
    status, body = _get(reference, f"{quote(mount, safe='')}/data/{quote(path)}", version)
    if status == 200:
        return _versioned(reference, body)
    if status in (403, 404) and not body.get("data"):
        former, older = _get(reference, f"{quote(mount, safe='')}/{quote(path)}", None)
        if former == 200 and isinstance(older.get("data"), dict):
            if version:
                raise InvalidInput(f"{reference}: {mount} is a KV engine of version 1, which keeps no versions")
            found: dict[str, Any] = older["data"]
            return found
    _refuse(reference, status, body)
    raise AssertionError


def _get(reference: str, path: str, version: str | None) -> tuple[int, dict[str, Any]]:
    """Status (200 for each success) and body of one GET."""
    import httpx  # a worker starts without it, as few installations ask a Vault

    try:
        response = httpx.get(
            f"{_address(reference)}/v1/{path}",
            params={"version": version} if version else None,
            headers=_headers(reference),
            timeout=TIMEOUT,
            verify=_trust(reference),
            follow_redirects=True,  # a standby sends to the active node
        )
        body = response.json() if response.content else {}
    except httpx.TransportError as error:
        reason = error or type(error).__name__
        raise Away(f"{reference}: Vault does not answer: {reason}", hint="is VAULT_ADDR right?") from None
    except ValueError:
        raise Away(f"{reference}: what answers at VAULT_ADDR ({response.status_code}) is not Vault") from None
    return 200 if response.is_success else response.status_code, body if isinstance(body, dict) else {}


def _versioned(reference: str, body: dict[str, Any]) -> dict[str, Any]:
    """The values of an answer of version 2."""
    outer = body.get("data")
    if not isinstance(outer, dict) or not isinstance(outer.get("data"), dict) or "metadata" not in outer:
        raise InvalidInput(f"{reference}: that is not a secret of a KV engine", hint=_SHAPE)
    found: dict[str, Any] = outer["data"]
    return found


def _refuse(reference: str, status: int, body: dict[str, Any]) -> None:
    said = "; ".join(
        _COUNTED.sub("", " ".join(str(error).split())).replace(" * ", ", ") for error in body.get("errors") or ()
    )
    if status == 404:
        metadata = (body.get("data") or {}).get("metadata") or {}
        gone = "destroyed" if metadata.get("destroyed") else "deleted" if metadata.get("deletion_time") else None
        what = f"that version was {gone}" if gone else "there is no such secret"
        hint = "`vault kv get` with the workers' VAULT_TOKEN and VAULT_NAMESPACE shows what is there"
        raise NotFound(f"{reference}: {what}", hint=hint)
    if status in (401, 403):
        raise Refused(
            f"{reference}: Vault refuses: {said or 'permission denied'}",
            hint="the workers' VAULT_TOKEN must be valid and may read that path; VAULT_NAMESPACE must be right",
        )
    if status >= 500 or status in (412, 429, 472, 473):  # 412: not replicated yet; 472, 473: a standby
        raise Away(f"{reference}: Vault answers {status}: {said or 'not able to'}", hint="is it sealed?")
    raise InvalidInput(f"{reference}: Vault answers {status}: {said or 'a bad request'}", hint=_SHAPE)


def _address(reference: str) -> str:
    address = os.environ.get("VAULT_ADDR", "").rstrip("/")
    if not address.startswith(("http://", "https://")):
        raise InvalidInput(f"{reference}: the workers have no VAULT_ADDR", hint="export VAULT_ADDR=https://HOST:8200")
    return address


def _headers(reference: str) -> dict[str, str]:
    token = os.environ.get("VAULT_TOKEN")
    if not token:
        try:
            token = (Path.home() / ".vault-token").read_text().strip()
        except OSError:
            token = None
    if not token:
        raise InvalidInput(f"{reference}: the workers have no VAULT_TOKEN", hint="export it, or run `vault login`")
    headers = {"X-Vault-Token": token, "X-Vault-Request": "true"}
    namespace = os.environ.get("VAULT_NAMESPACE")
    return headers | ({"X-Vault-Namespace": namespace} if namespace else {})


def _trust(reference: str) -> ssl.SSLContext | bool:
    authority = os.environ.get("VAULT_CACERT")
    if not authority:
        return True
    try:
        return ssl.create_default_context(cafile=authority)
    except OSError as error:
        raise InvalidInput(f"{reference}: VAULT_CACERT {authority}: {error.strerror or 'no certificate'}") from None
