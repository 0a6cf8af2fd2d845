"""Receipts: a signed record of a run that anyone can check later, without the system that wrote it.

The signature (Ed25519, RFC 8032) covers the canonical JSON of the record. The signing key is derived from the
installation's key, so every process of an installation signs alike and there is one secret to keep. A receipt carries
the public key: the signature shows that nothing was changed since, the key's fingerprint shows by whom it was signed,
and only to those who know the fingerprint from elsewhere.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from reign.core.errors import Conflict, InvalidInput, Refused
from reign.core.resource import canonical, digest
from reign.core.states import RUN_ENDED
from reign.engine.runtime import Runtime
from reign.engine.views import run_summary
from reign.store import audit, runs
from reign.store.database import Transaction
from reign.store.runs import RunRecord

FORMAT = 1
_DOMAIN = b"reign receipt 1\0"


class Signature:
    """Signs with the key of one installation."""

    def __init__(self, key: bytes) -> None:
        seed = hmac.new(key, b"reign receipts", hashlib.sha256).digest()
        self._private = Ed25519PrivateKey.from_private_bytes(seed)

    def public(self) -> dict[str, str]:
        """``{public_key, fingerprint}``: base64 of the raw key, and the SHA-256 of it as shown to people."""
        raw = self._private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return {"public_key": base64.b64encode(raw).decode(), "fingerprint": fingerprint(raw)}

    def sign(self, record: dict[str, Any]) -> dict[str, Any]:
        """The receipt: ``{reign_receipt, record, signature}``."""
        value = self._private.sign(_DOMAIN + canonical(record).encode())
        signature = {"algorithm": "ed25519", **self.public(), "value": base64.b64encode(value).decode()}
        return {"reign_receipt": FORMAT, "record": record, "signature": signature}


def fingerprint(raw: bytes) -> str:
    """``SHA256:`` and the hash of a raw public key, as OpenSSH writes it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(raw).digest()).decode().rstrip("=")


def of_run(runtime: Runtime, name: str) -> dict[str, Any]:
    """The receipt of a run. Raises NotFound, Conflict while it still moves."""
    with runtime.database.read() as tx:
        run = runs.find(tx, name)
        if run.state not in RUN_ENDED:
            raise Conflict(f"run {run.name} is {run.state}", hint="a receipt is written of a run that has ended")
        record = _record(tx, run)
    return Signature(runtime.settings.key).sign(record)


def _record(tx: Transaction, run: RunRecord) -> dict[str, Any]:
    entries = [entry for entry in audit.listing(tx, run=run.name, limit=100_000) if entry.kind != "change"]
    head = audit.head(tx)
    return {
        "issued_at": time.time(),
        "issued_by": f"reign {version('reign')}",
        "run": run_summary(run),
        "plan": runs.plan_of(tx, run.id),
        "acts": [
            {
                "seq": entry.seq,
                "at": entry.at,
                "act": entry.kind,
                "by": entry.actor,
                "task": entry.subject,
                "data": entry.as_dict()["data"],
            }
            for entry in reversed(entries)
        ],
        "tasks": [
            {
                "id": task.name,
                "uses": task.uses,
                "state": task.state.value,
                "approval": task.approval,
                "attempts": [_attempt(attempt) for attempt in runs.attempts_of(tx, task.id)],
                "result": task.result,
                "error": task.error,
            }
            for task in runs.tasks_of(tx, run.id)
        ],
        "changes": [
            {key: change[key] for key in ("id", "at", "task", "attempt", "resource", "kind", "before", "after")}
            for change in runs.changes_of(tx, run.id)
        ],
        "audit": {"seq": head[0], "mac": head[1]},
    }


def _attempt(attempt: dict[str, Any]) -> dict[str, Any]:
    return {
        key: attempt[key]
        for key in ("number", "outcome", "inputs", "before", "after", "error", "started_at", "ended_at")
    }


# --- checking, without a system --------------------------------------------------------------------------------------


def text(receipt: dict[str, Any]) -> str:
    """A receipt as a file has it; there is one way to write it, so that every byte counts."""
    return json.dumps(receipt, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def check(path: Path, key: str | None = None) -> dict[str, Any]:
    """The receipt in a file, if it is what was signed. ``key``: the fingerprint (or public key) that must have signed.

    Raises InvalidInput if the file is no receipt, Refused if it was changed or signed by another.
    """
    try:
        content = path.read_bytes().decode()
        receipt = json.loads(content)
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}") from None
    except ValueError:
        raise InvalidInput(f"{path} is not a receipt: it is not JSON", hint=_DAMAGED) from None
    raw, value = _signed(path, receipt)
    signer = {fingerprint(raw), base64.b64encode(raw).decode()}
    try:
        signed = canonical(receipt["record"]).encode()
        Ed25519PublicKey.from_public_bytes(raw).verify(value, _DOMAIN + signed)
    except (InvalidSignature, UnicodeEncodeError):
        raise Refused(f"{path} is not what was signed: it was changed afterwards", hint=_DAMAGED) from None
    if receipt["signature"].get("fingerprint") != fingerprint(raw) or text(receipt) != content:
        raise Refused(f"{path} was changed after it was written, though not in what it says", hint=_DAMAGED)
    if digest(receipt["record"]["plan"]) != receipt["record"]["run"]["digest"]:
        raise Refused(f"{path}: the plan in it is not the one that the run names")
    if key is not None and key not in signer:
        raise Refused(f"{path} was signed by {fingerprint(raw)}, not by {key}", hint="it is sound, and another's")
    found: dict[str, Any] = receipt
    return found


_DAMAGED = "ask whoever gave it to you for the original"


def _signed(path: Path, receipt: Any) -> tuple[bytes, bytes]:
    """The public key and the signature. Raises InvalidInput, Refused."""
    if not isinstance(receipt, dict) or "reign_receipt" not in receipt:
        raise InvalidInput(f"{path} is not a receipt", hint="`reign receipt RUN -f FILE` writes one")
    if receipt["reign_receipt"] != FORMAT:
        raise InvalidInput(f"{path} is a receipt of format {receipt['reign_receipt']}; this version knows {FORMAT}")
    try:
        signature = receipt["signature"]
        raw = base64.b64decode(signature["public_key"], validate=True)
        value = base64.b64decode(signature["value"], validate=True)
        known = signature["algorithm"] == "ed25519" and len(raw) == 32 and len(value) == 64
        known = known and isinstance(receipt["record"]["plan"], dict) and "digest" in receipt["record"]["run"]
    except (KeyError, TypeError, ValueError):
        known = False
    if not known:
        raise Refused(f"{path} is not what was signed: it was changed afterwards", hint=_DAMAGED)
    return raw, value
