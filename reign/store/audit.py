"""The audit: who did what and what was changed, in a chain that a keyed HMAC holds together.

An entry is written in the transaction of what it tells. ``note`` only remembers it; the chain is taken and the entries
are written as the last statements before the commit, so that the row that all writers must lock (the head) is held for
as short as can be, and always after every other lock: two writers can wait for each other there, never both ways.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any

import sqlalchemy as sa

from reign.core.resource import canonical, digest
from reign.store.anchors import Anchors
from reign.store.database import Transaction
from reign.store.hot import Hot
from reign.store.jsontext import dump, load
from reign.store.tables import audit, audit_head, changes, runs

log = logging.getLogger(__name__)

#: What stands for an actor where REIGN acts by itself.
ITSELF = "reign"
#: What was noted in transactions that have not ended, by the identity of the transaction: ``Connection.info`` of
#: SQLAlchemy costs more than all the rest for the many transactions that note nothing.
_noted: dict[int, list[tuple[Any, ...]]] = {}
_HEAD = Hot(sa.select(audit_head.c.seq, audit_head.c.mac).where(audit_head.c.id == 1).with_for_update())
_INSERT = Hot(audit.insert(), [column.name for column in audit.c])
_MOVE_HEAD = Hot(
    sa.update(audit_head).where(audit_head.c.id == 1).values(seq=sa.bindparam("to_seq"), mac=sa.bindparam("to_mac"))
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry. ``mac`` covers everything else in it, ``prev`` (the mac of the entry before) included."""

    seq: int
    at: float
    kind: str
    actor: str
    environment: str | None
    run_id: int | None
    subject: str | None
    data: str | None  # JSON as it was written: the mac is over the text
    prev: str
    mac: str
    run: str | None = None  # the run's name, when it was read

    def as_dict(self) -> dict[str, Any]:
        """As it is shown and exported."""
        try:
            data = load(self.data)
        except (TypeError, ValueError):  # somebody has been at it
            data = {"unreadable": str(self.data)}
        return {**asdict(self), "data": data}


def note(
    tx: Transaction,
    kind: str,
    *,
    actor: str,
    environment: str | None = None,
    run_id: int | None = None,
    subject: str | None = None,
    data: Any = None,
    at: float | None = None,
) -> None:
    """Have an entry written with this transaction. ``kind``: ``thing.verb``; ``data``: JSON, without secrets."""
    entry = (time.time() if at is None else at, kind, actor, environment, run_id, subject, dump(data))
    _noted.setdefault(id(tx), []).append(entry)


class Journal:
    """Writes what was noted; one for each installation's key."""

    def __init__(self, key: bytes, anchors: Anchors) -> None:
        self._key = chain_key(key)
        self.anchors = anchors
        self._complained = False

    def forget(self, tx: Transaction) -> None:
        """Drop what an earlier transaction noted and never committed, if this one has taken its place in memory."""
        _noted.pop(id(tx), None)

    def seal(self, tx: Transaction) -> tuple[int, str] | None:
        """Write the noted entries at the end of the chain; returns its new head, None if there were none."""
        pending = _noted.pop(id(tx), None)
        if not pending:
            return None
        seq, mac = _HEAD.one(tx, {})
        rows = []
        for at, kind, actor, environment, run_id, subject, data in pending:
            entry = Entry(seq + 1, at, kind, actor, environment, run_id, subject, data, mac, "")
            seq, mac = entry.seq, mac_of(entry, self._key)
            rows.append(
                {
                    "seq": seq,
                    "at": at,
                    "kind": kind,
                    "actor": actor,
                    "environment": environment,
                    "run_id": run_id,
                    "subject": subject,
                    "data": data,
                    "prev": entry.prev,
                    "mac": mac,
                }
            )
        _INSERT.many(tx, rows)
        _MOVE_HEAD.later(tx, {"to_seq": seq, "to_mac": mac})
        return seq, mac

    def wrote(self, entry: Entry, at: int | None = None) -> bool:
        """Whether this installation wrote the entry as it stands (as number ``at``, if that is asked)."""
        asked = entry if at is None else replace(entry, seq=at)
        try:
            return hmac.compare_digest(mac_of(asked, self._key).encode(), entry.mac.encode())
        except (AttributeError, TypeError, ValueError):  # SQLite lets values of any type into any column
            return False

    def anchor(self, head: tuple[int, str], *, sync: bool = False) -> None:
        """Tell the file outside, after the commit. What it misses now, the general's next tick adds."""
        try:
            self.anchors.append(*head, time.time(), sync=sync)
            self._complained = False
        except OSError as error:
            if not self._complained:
                log.warning("the audit's heads cannot be anchored in %s: %s", self.anchors.path, error.strerror)
            self._complained = True


def chain_key(key: bytes) -> bytes:
    """The audit's own key, out of the installation's."""
    return hmac.new(key, b"reign audit", hashlib.sha256).digest()


def mac_of(entry: Entry, key: bytes) -> str:
    """HMAC-SHA256 (hex) of an entry; ``key`` as :func:`chain_key` gives it."""
    covered = [
        entry.seq, entry.at, entry.kind, entry.actor, entry.environment, entry.run_id, entry.subject, entry.data,
        entry.prev,
    ]  # fmt: skip
    return hmac.new(key, canonical(covered).encode(), hashlib.sha256).hexdigest()


def change_digest(resource: str, kind: str, before: str, after: str) -> str:
    """What binds a row of ``changes`` to its audit entry; ``before`` and ``after`` as they are stored."""
    return digest([resource, kind, before, after])


# --- reading ---------------------------------------------------------------------------------------------------------

_BELOW_ALL = -(2**63)
_ENTRY = sa.select(audit, runs.c.name.label("run")).select_from(audit.outerjoin(runs, runs.c.id == audit.c.run_id))


def listing(
    tx: Transaction,
    *,
    run: str | None = None,
    environment: str | None = None,
    kind: str | None = None,
    actor: str | None = None,
    subject: str | None = None,
    since: float | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[Entry]:
    """Entries, newest first. ``kind`` may be the first part only (``run``); ``before`` is the seq to go on from."""
    query = _ENTRY.order_by(audit.c.seq.desc()).limit(limit)
    if run is not None:
        query = query.where(runs.c.name == run)
    if kind is not None:
        query = query.where(sa.or_(audit.c.kind == kind, audit.c.kind.startswith(f"{kind}.", autoescape=True)))
    if subject is not None:
        query = query.where(audit.c.subject.contains(subject, autoescape=True))
    for column, value in ((audit.c.environment, environment), (audit.c.actor, actor)):
        if value is not None:
            query = query.where(column == value)
    if since is not None:
        query = query.where(audit.c.at >= since)
    if before is not None:
        query = query.where(audit.c.seq < before)
    return [Entry(**row._mapping) for row in tx.execute(query)]


@contextmanager
def legible(tx: Transaction) -> Iterator[None]:
    """Texts that are not UTF-8 any more, which SQLite keeps and its driver refuses, can be read (and do not fit)."""
    raw: Any = tx.connection.dbapi_connection
    if not isinstance(raw, sqlite3.Connection):
        yield
        return
    raw.text_factory = lambda text: text.decode(errors="replace")
    try:
        yield
    finally:
        raw.text_factory = str


def in_order(tx: Transaction, after: int = _BELOW_ALL) -> Iterator[Entry]:
    """All entries above ``after``, oldest first, read in pages; also what has no business to be there, below 1."""
    while True:
        page = [Entry(**row._mapping) for row in tx.execute(
            _ENTRY.where(audit.c.seq > after).order_by(audit.c.seq).limit(2000)
        )]  # fmt: skip
        yield from page
        if len(page) < 2000:
            return
        after = page[-1].seq


def head(tx: Transaction) -> tuple[int, str]:
    """``(seq, mac)`` of the newest entry, as the database has it; ``(0, "")`` before the first."""
    row = tx.execute(sa.select(audit_head.c.seq, audit_head.c.mac).where(audit_head.c.id == 1)).one_or_none()
    return (0, "") if row is None or not isinstance(row.seq, int) else (row.seq, str(row.mac))


def changes_as_they_stand(tx: Transaction, ids: Sequence[int]) -> dict[int, tuple[Any, ...]]:
    """Rows of ``changes`` by id: run, task, attempt, environment, time, and the digest of the rest."""
    query = sa.select(changes).where(changes.c.id.in_(list(ids)))
    return {
        row.id: (
            row.run_id, row.task_id, row.attempt, row.environment, row.at,
            change_digest(row.resource, row.kind, row.before, row.after),
        )
        for row in tx.execute(query)
    }  # fmt: skip
