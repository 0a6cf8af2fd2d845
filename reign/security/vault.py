"""Secrets from HashiCorp Vault (or OpenBao): the KV engine, version 2, over HTTP.

Where and as whom is what Vault's own tools use: ``VAULT_ADDR``, ``VAULT_TOKEN`` (or ``~/.vault-token``),
``VAULT_NAMESPACE``, ``VAULT_CACERT``. Plain httpx rather than hvac: one GET is all that is needed.
https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2#read-secret-version
"""

from __future__ import annotations

import json
import os
import re
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from reign.core.errors import InvalidInput, NotFound, Refused, Unavailable, did_you_mean

TIMEOUT = 10.0  # seconds
_NAME = re.compile(r"(?P<mount>[^/#?]+)/(?P<path>[^#?]+?)/?(?:\?version=(?P<version>\d+))?#(?P<key>.+)")
_SHAPE = "secret://vault/MOUNT/PATH#KEY, or PATH?version=N#KEY"


class Away(Unavailable):
    """Vault does not answer, or is sealed."""


def read(name: str) -> str:
    """One value: ``MOUNT/PATH#KEY``. Raises InvalidInput, NotFound, Refused, Away."""
    reference = f"secret://vault/{name}"
    match = _NAME.fullmatch(name)
    if match is None or ".." in match["path"].split("/"):
        raise InvalidInput(f"{reference} names no value", hint=_SHAPE)
    data = _data(reference, match["mount"], match["path"], match["version"])
    if match["key"] not in data:
        raise NotFound(f"{reference}: the secret has no key {match['key']!r}", hint=did_you_mean(match["key"], data))
    value = data[match["key"]]
    return value if isinstance(value, str) else json.dumps(value)


def _data(reference: str, mount: str, path: str, version: str | None) -> dict[str, Any]:
    url = f"{_address(reference)}/v1/{quote(mount, safe='')}/data/{quote(path)}"
    try:
        response = httpx.get(
            url,
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
    if response.is_success:
        return _versioned(reference, body)
    _refuse(reference, response.status_code, body if isinstance(body, dict) else {})
    raise AssertionError


def _versioned(reference: str, body: Any) -> dict[str, Any]:
    """The values of an answer of version 2. An engine of version 1 answers ``{"data": {...}}`` without ``metadata``."""
    outer = body.get("data") if isinstance(body, dict) else None
    if not isinstance(outer, dict) or not isinstance(outer.get("data"), dict) or "metadata" not in outer:
        raise InvalidInput(f"{reference}: that is not a secret of a KV engine of version 2", hint=_SHAPE)
    found: dict[str, Any] = outer["data"]
    return found


def _refuse(reference: str, status: int, body: dict[str, Any]) -> None:
    said = "; ".join(" ".join(str(error).split()) for error in body.get("errors") or ())
    if status == 404:
        metadata = (body.get("data") or {}).get("metadata") or {}
        gone = "destroyed" if metadata.get("destroyed") else "deleted" if metadata.get("deletion_time") else None
        what = f"that version was {gone}" if gone else "there is no such secret"
        raise NotFound(f"{reference}: {what}", hint="`vault kv get` with the workers' token shows what is there")
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
