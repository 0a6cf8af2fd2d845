"""The audit as a whole: whether its chain still stands as it was written, and its anchors outside the database."""

from __future__ import annotations

import os
import time
from dataclasses import asdict, dataclass, field
from typing import Any

from reign.store import audit, history
from reign.store.anchors import Anchors
from reign.store.audit import Entry, Journal
from reign.store.database import Database, Transaction
from reign.store.jsontext import load

_PAGE = 500  # changes that are compared at a time
_MOST = 100  # faults told one by one


@dataclass(frozen=True)
class Fault:
    """What is wrong at one place. ``what``: changed, moved, missing, truncated, forged, anchor."""

    what: str
    seq: int | None  # the entry
    message: str


@dataclass
class Report:
    """What a verification found."""

    entries: int = 0
    anchors: int = 0
    head: int = 0
    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        return not self.faults

    def as_dict(self) -> dict[str, Any]:
        return {"sound": self.sound, **asdict(self)}


def verify(database: Database, journal: Journal) -> Report:
    """Check every entry, every link, the head, the recorded changes that entries speak of, and all anchors."""
    report = Report()
    anchored = _anchored(journal.anchors, report)
    with database.read() as tx, audit.legible(tx):
        _Walk(tx, journal, anchored, report).all()
    report.faults.sort(key=lambda fault: (fault.seq is None, fault.seq))
    if len(report.faults) > _MOST:
        report.notes.append(f"{len(report.faults) - _MOST} more faults are not listed")
        del report.faults[_MOST:]
    return report


def _anchored(anchors: Anchors, report: Report) -> dict[int, tuple[str, float]]:
    """Anchored entries: seq -> (mac, when); those that a restore gave up are left out and told."""
    found: dict[int, tuple[str, float]] = {}
    for anchor in anchors.read():
        if anchor.faulty:
            report.faults.append(
                Fault("anchor", None, f"line {anchor.line} of {anchors.path} is not what this installation wrote")
            )
            continue
        report.anchors += 1
        if anchor.act == "restored":
            lost = [seq for seq in found if seq > anchor.seq]
            if lost:
                report.notes.append(
                    f"{_entries(anchor.seq + 1, max(lost))} given up when a backup was restored, {_when(anchor.at)}"
                )
            for seq in lost:
                del found[seq]
        if anchor.seq:
            found[anchor.seq] = (anchor.mac, anchor.at)
    return found


class _Walk:
    """One pass over the chain."""

    def __init__(
        self, tx: Transaction, journal: Journal, anchored: dict[int, tuple[str, float]], report: Report
    ) -> None:
        self._tx = tx
        self._journal = journal
        self._anchored = anchored
        self._report = report
        self._wrong: list[Entry] = []
        self._untold: set[int] = set()
        self._first_told: int | None = None

    def all(self) -> None:
        report = self._report
        self._untold = history.change_ids(self._tx)  # before the entries, which are written with the changes
        head = audit.head(self._tx)  # before the entries: others may be written meanwhile
        last = Entry(0, 0.0, "", "", None, None, None, None, "", "")
        at_head = last.mac
        told: list[Entry] = []
        for entry in audit.in_order(self._tx):
            report.entries += 1
            if entry.seq < 1:
                self._fault("forged", entry.seq, f"entry {entry.seq} was added: the first one is 1")
                continue
            self._entry(entry, last)
            if entry.kind == "change":
                told.append(entry)
                if len(told) >= _PAGE:
                    self._changes(told)
                    told = []
            if entry.seq == head[0]:
                at_head = entry.mac
            last = entry
        self._changes(told)
        self._moved()
        self._end(last, head, at_head)
        self._added()

    def _fault(self, what: str, seq: int | None, message: str) -> None:
        self._report.faults.append(Fault(what, seq, message))

    def _entry(self, entry: Entry, last: Entry) -> None:
        gap = entry.seq - last.seq - 1
        if gap:
            self._fault("missing", last.seq + 1, f"{_entries(last.seq + 1, entry.seq - 1)} removed")
        if not self._journal.wrote(entry):
            self._wrong.append(entry)
        elif not gap and entry.prev != last.mac:
            self._fault("forged", last.seq, f"entry {last.seq} is not the one that entry {entry.seq} was written after")
        anchor = self._anchored.get(entry.seq)
        if anchor and anchor[0] != entry.mac:
            self._fault("forged", entry.seq, f"entry {entry.seq} is not the one that was anchored {_when(anchor[1])}")

    def _moved(self) -> None:
        """What does not fit where it stands: whether it fits elsewhere says that it was moved."""
        places = [entry.seq for entry in self._wrong[:_MOST]]
        for number, entry in enumerate(self._wrong):
            tried = places if number < _MOST else []
            was = next((seq for seq in tried if self._journal.wrote(entry, seq)), None)
            if was is not None:
                self._fault("moved", entry.seq, f"entry {entry.seq} stood at {was}: the order was changed")
            else:
                about = f"{entry.kind} by {entry.actor}, {_when(entry.at)}"
                self._fault("changed", entry.seq, f"entry {entry.seq} was changed ({about})")
        if self._wrong and len(self._wrong) == self._report.entries:
            self._report.notes.append(
                "not one entry fits: is REIGN_SIGNING_KEY (or signing.key) the one that wrote them?"
            )

    def _changes(self, told: list[Entry]) -> None:
        """The recorded changes that entries speak of, against what stands in the state now."""
        said = [(entry, load(entry.data)) for entry in told if self._journal.wrote(entry)]
        for _, data in said:
            self._untold.discard(data["change"])
            self._first_told = min(self._first_told or data["change"], data["change"])
        found = audit.changes_as_they_stand(self._tx, [data["change"] for _, data in said])
        for entry, data in said:
            now = found.get(data["change"])
            was = (entry.run_id, data["task_id"], data["attempt"], entry.environment, entry.at, data["digest"])
            if now != was:
                how = "removed" if now is None else "changed"
                about = f"the recorded change {data['change']} that entry {entry.seq} tells of was {how}"
                self._fault("changed", entry.seq, about)

    def _added(self) -> None:
        """Recorded changes that no entry tells of, where all entries stand: else one of those may have told of it.
        Changes from before the first that is told of are older than the audit."""
        if self._wrong or any(fault.what in ("missing", "truncated") for fault in self._report.faults):
            return
        for change in sorted(self._untold):
            if self._first_told is not None and change > self._first_told:
                self._fault("forged", None, f"the recorded change {change} was added: no entry tells of it")

    def _end(self, last: Entry, head: tuple[int, str], at_head: str) -> None:
        seq, mac = head
        self._report.head = last.seq
        if seq > last.seq:
            self._fault("truncated", last.seq + 1, f"{_entries(last.seq + 1, seq)} removed: the head stands at {seq}")
        elif mac != at_head or audit.head(self._tx)[0] < last.seq:
            self._fault("forged", seq, f"the head, {seq}, is not that of the newest entry, {last.seq}")
        beyond = [at for at in self._anchored if at > last.seq]
        if beyond and max(beyond) > seq:
            when = _when(self._anchored[max(beyond)][1])
            self._fault("truncated", last.seq + 1, f"{_entries(last.seq + 1, max(beyond))} removed: anchored {when}")
        if last.seq and not self._anchored:
            self._fault(
                "anchor", None, f"there is no anchor for any entry: {self._journal.anchors.path} is gone or empty"
            )
        elif self._anchored and last.seq > max(self._anchored):
            self._report.notes.append(f"{last.seq - max(self._anchored)} of the newest entries are not anchored yet")


def _entries(first: int, last: int) -> str:
    return f"entry {first} was" if first == last else f"entries {first} to {last} were"


def _when(at: float) -> str:
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(at))
    except (TypeError, ValueError, OverflowError, OSError):  # what was changed need not be a time any more
        return f"at {at!r}"


class AnchorKeeper:
    """Anchors what a process that wrote an entry could not, and has the disk take it; the leading service's duty."""

    def __init__(self, database: Database, journal: Journal) -> None:
        self._database = database
        self._journal = journal
        self._synced = -1

    def tick(self) -> None:
        """Raises Unavailable."""
        with self._database.read() as tx:
            head = audit.head(tx)
        if head[0] == self._synced:
            return
        last = self._journal.anchors.last()
        if last is None or (last.seq, last.mac) != head:
            if head[0]:
                self._journal.anchor(head, sync=True)
        else:
            descriptor = os.open(self._journal.anchors.path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        self._synced = head[0]
