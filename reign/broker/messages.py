"""What a message carries: the id of a task and a signature. Never a plan, an input or a result.

Celery's own signing serializer covers the body only, so a signed message could be replayed under another name. Ours
covers the operation, the task's id and the expiry, and is checked in the body of the task.
"""

from __future__ import annotations

import hashlib
import hmac
import time

#: Seconds for which a message may be acted on; one that lay longer is sent anew from the state.
LIFETIME = 7 * 86400

Pointer = tuple[int, int, str]


class NotOurs(Exception):
    """A message that this installation did not sign, or that has expired."""


class Signer:
    """Signs and checks messages with the installation's key."""

    def __init__(self, key: bytes) -> None:
        self._mac = hmac.new(key, digestmod=hashlib.sha256)

    def pointer(self, uses: str, task_id: int, now: float | None = None) -> Pointer:
        """``(task id, expiry in seconds since 1970, signature)``."""
        expires = int(time.time() if now is None else now) + LIFETIME
        return task_id, expires, self._sign(uses, task_id, expires)

    def check(self, uses: str, pointer: Pointer, now: float | None = None) -> int:
        """The task's id. Raises NotOurs."""
        task_id, expires, signature = pointer
        if not hmac.compare_digest(self._sign(uses, task_id, expires), str(signature)):
            raise NotOurs(f"the signature of a message for {uses} is wrong")
        if expires < (time.time() if now is None else now):
            raise NotOurs(f"a message for {uses} has expired")
        return int(task_id)

    def _sign(self, uses: str, task_id: int, expires: int) -> str:
        mac = self._mac.copy()
        mac.update(f"{uses}\0{task_id}\0{expires}".encode())
        return mac.hexdigest()[:32]
