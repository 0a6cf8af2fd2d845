"""Content too large for a record, kept once under its SHA-256, sealed: much of it holds secrets in clear."""

from __future__ import annotations

import hashlib
from functools import cached_property

import sqlalchemy as sa

from reign.core.errors import InvalidInput, NotFound, Unavailable
from reign.security.sealing import Sealer
from reign.store.database import Database, upsert
from reign.store.tables import blobs

LIMIT = 64 * 1024 * 1024  # bytes


class SqlBlobs:
    """The blobs of the state. ``put`` commits at once: a blob without a record does no harm, the reverse would."""

    def __init__(self, database: Database, now: float, key: bytes) -> None:
        self._database = database
        self._now = now
        self._key = key

    @cached_property
    def _sealer(self) -> Sealer:
        return Sealer(self._key)

    def put(self, content: bytes) -> str:
        if len(content) > LIMIT:
            raise InvalidInput(f"content of {len(content)} bytes is too large to be kept for undo; at most {LIMIT}")
        ref = "blob:" + hashlib.sha256(content).hexdigest()
        with self._database.write() as tx:
            tx.execute(
                upsert(tx, blobs)
                .values(ref=ref, content=self._sealer.seal(content), at=self._now)
                .on_conflict_do_nothing(index_elements=["ref"])
            )
        return ref

    def get(self, ref: str) -> bytes:
        with self._database.read() as tx:
            content = tx.execute(sa.select(blobs.c.content).where(blobs.c.ref == ref)).scalar_one_or_none()
        if content is None:
            raise NotFound(f"the kept content {ref} is not in the state any more")
        try:
            return self._sealer.open(bytes(content))
        except ValueError as error:
            raise Unavailable(
                f"the kept content {ref} cannot be read: {error}", hint="REIGN_SIGNING_KEY must be what it was then"
            ) from None
