"""Backups of an installation: made by hand and by itself, kept, checked, and put back."""

from __future__ import annotations

import calendar
import hashlib
import hmac
import logging
import os
import shutil
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from reign.config import Settings
from reign.core.duration import readable
from reign.core.errors import Conflict, InvalidInput, ReignError, Unavailable
from reign.engine import identity
from reign.engine.runtime import Runtime
from reign.store import audit, backup, recovery, schema, workers
from reign.store.backup import Damaged, Summary
from reign.store.database import Database

log = logging.getLogger(__name__)

BY_HAND, BY_ITSELF = "manual", "auto"
_SUFFIX = ".backup"


@dataclass(frozen=True)
class Kept:
    """A backup in the folder, by its name."""

    path: Path
    at: float
    why: str  # manual, auto, before-REVISION

    @property
    def age(self) -> str:
        return readable(max(0.0, time.time() - self.at))


class Backups:
    """The backups of one installation, in ``backups`` of its data folder."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.folder = settings.data_dir / "backups"

    def make(self, runtime: Runtime, why: str, file: Path | None = None, *, with_key: bool = False) -> Summary:
        """Back the state up. ``with_key``: with the key that opens kept content and the audit.

        Raises Unavailable, Conflict if there is nothing to back up, InvalidInput if the file is something else or
        cannot be written.
        """
        now = time.time()
        with runtime.database.read() as tx:
            if schema.current(tx) is None:
                raise Conflict(f"the state {runtime.database.shown} holds nothing that could be backed up")
            seq = audit.head(tx)[0] if schema.current(tx) == schema.head() else 0
        about: dict[str, Any] = {
            "at": now,
            "why": why,
            "reign": version("reign"),
            "audit": seq,
            "key": key_id(runtime.settings.key),
        }
        if with_key:
            about["signing_key"] = runtime.settings.key.decode()
        stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(now))
        if file is not None and file.is_file() and file.stat().st_size:
            _refuse_another_file(file)
        path = file or self.folder / f"{stamp}-{int(now % 1 * 1000):03d}-{why}{_SUFFIX}"
        return backup.write(runtime.database, path, about)

    def listing(self) -> list[Kept]:
        """What is in the folder, newest first; whether it is sound is not looked at."""
        found = []
        for path in self.folder.glob(f"*{_SUFFIX}"):
            why = path.name.removesuffix(_SUFFIX).split("-", 3)[-1]
            found.append(Kept(path, _made_at(path), why))
        return sorted(found, key=lambda kept: kept.path.name, reverse=True)

    def newest_good(self) -> Kept | None:
        """The newest that is whole, every line of it read."""
        for kept in self.listing():
            try:
                found = backup.verify(kept.path)
            except Damaged as error:
                log.warning("%s", error)
            else:
                if found.header["revision"] is not None:  # older releases backed up what held nothing, too
                    return kept
        return None

    def prune(self) -> None:
        """Keep the newest of those that were made by themselves; what was made by hand stays."""
        made = [kept for kept in self.listing() if kept.why != BY_HAND]
        for kind in (BY_ITSELF, "before"):
            mine = [kept for kept in made if kept.why.startswith(kind)]
            for kept in mine[self._settings.backup_keep :]:
                kept.path.unlink(missing_ok=True)

    def due(self, runtime: Runtime) -> bool:
        """Whether it is time for one that is made by itself: the newest, or else the first entry of the audit, is
        older than ``backup_every``, and something has happened since."""
        if not self._settings.backup_every:
            return False
        newest = next(iter(self.listing()), None)
        with runtime.database.read() as tx:
            head = audit.head(tx)[0]
            first = next(audit.in_order(tx), None) if newest is None else None
        if newest is None:
            return first is not None and time.time() - first.at > self._settings.backup_every
        if time.time() - newest.at <= self._settings.backup_every:
            return False
        try:
            return bool(backup.header_of(newest.path).get("audit") != head)
        except Damaged:
            return True


def _refuse_another_file(path: Path) -> None:
    """A backup may take the place of an older one, and of nothing else."""
    try:
        backup.header_of(path)
    except Damaged:
        raise InvalidInput(f"{path} is there already, and is no backup", hint="choose another name") from None


def _made_at(path: Path) -> float:
    """By its name: a copy of a backup is as old as the backup."""
    try:
        stamp, fraction = path.name[:15], path.name[16:19]
        return calendar.timegm(time.strptime(stamp, "%Y%m%d-%H%M%S")) + int(fraction) / 1000
    except ValueError:
        return path.stat().st_mtime


def key_id(key: bytes) -> str:
    """Tells keys apart without giving them away."""
    return hmac.new(key, b"reign key id", hashlib.sha256).hexdigest()[:16]


def upgrade(runtime: Runtime) -> str | None:
    """Bring the schema up to date, after a backup if there is anything to lose. Returns the backup's path, if made.

    Raises Unavailable, also for a state that was written under another signing key; Conflict if the database is newer
    than the program.
    """
    require_key(runtime.settings)
    with runtime.database.read() as tx:
        before = schema.current(tx)
    made = None
    if before is not None and before != schema.head() and schema.knows(before):
        kept = Backups(runtime.settings)
        made = str(kept.make(runtime, f"before-{schema.head()}").path)
        kept.prune()
    schema.upgrade(runtime.database)
    if made:
        with runtime.database.write() as tx:
            audit.note(tx, "state.upgrade", actor=audit.ITSELF, data={"from": before, "to": schema.head()})
    _refuse_another_key(runtime)
    return made


def require_key(settings: Settings) -> None:
    """Raises Unavailable where the key that a state was written under is gone, before a new one takes its place."""
    path = settings.data_dir / "signing.key"
    if settings.signing_key is None and not path.exists() and settings.heads.exists():
        raise Unavailable(f"the signing key {path} is gone, and {settings.heads} was written under it", hint=_NO_KEY)


def _refuse_another_key(runtime: Runtime) -> None:
    """Under another key nothing that was kept could be read, and no entry of the audit would stand."""
    with runtime.database.read() as tx:
        newest = audit.listing(tx, limit=20)
    if newest and not any(runtime.journal.wrote(entry) for entry in newest):
        shown = runtime.database.shown
        raise Unavailable(f"the state {shown} was written under another signing key than the one here", hint=_NO_KEY)


def prepare(settings: Settings) -> None:
    """What is done before anything starts: damage is told, the schema brought up to date, a backup made if it is due.

    Raises Unavailable, Conflict.
    """
    examine(settings)
    runtime = Runtime(settings)
    try:
        upgrade(runtime)
        refuse_a_lost_state(runtime)
        BackupKeeper(runtime).make_if_due()
    finally:
        runtime.close()


def examine(settings: Settings) -> None:
    """Look at the state's file before anything uses it. Raises Unavailable that tells the damage and the way back."""
    path = sqlite_file(settings)
    if path is None:
        return
    fault = backup.sqlite_fault(path) if path.exists() else "it is not there"
    if fault is None:
        return
    kept_in = Backups(settings).folder
    kept = Backups(settings).newest_good()
    if fault in ("it is empty", "it is not there") and kept is None:
        return  # a state that never held anything
    hint = f"`reign state restore {kept.path}` brings back the newest good backup, {kept.age} old" if kept else None
    raise Unavailable(f"the state {path} is damaged: {fault}", hint=hint or f"there is no backup of it in {kept_in}")


def refuse_a_lost_state(runtime: Runtime) -> None:
    """An empty state where the audit's anchors tell of entries is one that was lost. Raises Unavailable."""
    anchored = runtime.journal.anchors.last()
    with runtime.database.read() as tx:
        if anchored is None or not anchored.seq or audit.head(tx)[0]:
            return
    kept = Backups(runtime.settings).newest_good()
    if kept is not None:
        raise Unavailable(
            f"the state {runtime.database.shown} holds nothing, though its audit had {anchored.seq} entries",
            hint=f"`reign state restore {kept.path}` brings back the newest good backup, {kept.age} old; "
            f"to begin anew, move {runtime.journal.anchors.path} away",
        )


def sqlite_file(settings: Settings) -> Path | None:
    """The file of an SQLite state; None on PostgreSQL."""
    prefix = "sqlite:///"
    return Path(settings.database.removeprefix(prefix)) if settings.database.startswith(prefix) else None


# --- putting back ----------------------------------------------------------------------------------------------------


def restore(settings: Settings, file: Path, *, actor: str, other_key: bool = False) -> tuple[Summary, list[Path]]:
    """Put a backup in the place of the state. Returns what it held, and where the former SQLite file was moved to.

    The caller has seen to it that nothing runs. Raises Damaged, Conflict, Unavailable.
    """
    found = backup.verify(file)
    if found.header["revision"] is None:
        raise Conflict(f"{file} is a backup of a state that held nothing", hint="`reign state backups` lists others")
    _fit_key(settings, found, other_key)
    path = sqlite_file(settings)
    moved: list[Path] = []
    if path is None:
        database = Database(settings.database)
        try:
            backup.restore(database, file)
        finally:
            database.close()
    else:
        moved = _replace_file(path, file)
    _forget_messages(settings)
    runtime = Runtime(settings)
    try:
        with runtime.database.read() as tx:
            head = audit.head(tx)
        runtime.journal.anchors.append(*head, time.time(), act="restored", sync=True)
        with runtime.database.write() as tx:
            about = {"file": str(file), "of": found.at, "revision": found.header["revision"]}
            audit.note(tx, "state.restore", actor=actor, data=about)
    except OSError as error:
        raise Unavailable(f"the audit's heads {settings.heads} cannot be written: {error.strerror}") from None
    finally:
        runtime.close()
    return found, moved


def _fit_key(settings: Settings, found: Summary, other_key: bool) -> None:
    """Put the key of the backup in place if it brings one and this installation takes its key from the data folder."""
    brought = found.header.get("signing_key")
    path = settings.data_dir / "signing.key"
    if brought is not None and settings.signing_key is None:
        if path.exists() and path.read_text() == brought:
            return
        settings.writable_data_dir()
        if path.exists():
            path.replace(path.with_name(f"signing.key.replaced-{int(time.time())}"))
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as out:
            out.write(str(brought))
        settings.__dict__.pop("key", None)  # it may have been read before
        return
    there = settings.signing_key is not None or path.exists()
    if not other_key and (not there or key_id(settings.key) != found.header["key"]):
        raise Conflict(
            f"{found.path} was made with another signing key, without which kept content and the audit cannot be read",
            hint="set REIGN_SIGNING_KEY to that key (signing.key of its data folder), or go on with --other-key",
        )


def _replace_file(path: Path, file: Path) -> list[Path]:
    """Build the new file beside the old one, and swap them. The old one is moved away, never removed."""
    fresh = path.with_name(path.name + ".restoring")
    for leftover in _files(fresh):
        leftover.unlink()
    path.parent.mkdir(parents=True, exist_ok=True)
    database = Database(f"sqlite:///{fresh}")
    try:
        backup.restore(database, file)
    except BaseException:
        for leftover in _files(fresh):
            leftover.unlink()
        raise
    finally:
        database.close()
    fault = backup.sqlite_fault(fresh)
    if fault:
        raise Unavailable(f"what was restored is damaged: {fault}", hint="is the disk sound?")
    stamp = int(time.time())
    moved = []
    for old in _files(path):
        target = old.with_name(old.name.replace(path.name, f"{path.name}.replaced-{stamp}", 1))
        old.rename(target)
        moved.append(target)
    fresh.rename(path)
    return moved


def _files(path: Path) -> Iterator[Path]:
    yield from (found for suffix in ("", "-wal", "-shm") if (found := Path(f"{path}{suffix}")).exists())


def _forget_messages(settings: Settings) -> None:
    """Messages in the embedded broker speak of tasks that may mean others now; the state sends its own again."""
    if settings.broker_url is None:
        shutil.rmtree(settings.data_dir / "valkey", ignore_errors=True)


def refuse_while_running(settings: Settings) -> None:
    """Raises Conflict if a leading service or a worker is at work on the state. Of a damaged one nobody can tell."""
    path = sqlite_file(settings)
    if path is not None and (not path.exists() or backup.sqlite_fault(path)):
        return
    database = Database(settings.database)
    try:
        with database.read() as tx:
            if schema.current(tx) is None:
                return
            alive = [worker.id for worker in workers.listing(tx) if _lives(worker, settings.lease)]
            beats = recovery.beats(tx)
        if not alive and beats:
            threading.Event().wait(1.5)  # three ticks of a leading service
            with database.read() as tx:
                if recovery.beats(tx) == beats:
                    return
        elif not alive:
            return
    except Unavailable:
        return
    finally:
        database.close()
    who = f"{len(alive)} workers are" if alive else "a general is"
    raise Conflict(f"{who} at work on this state", hint="stop every part of REIGN before a restore")


def _lives(worker: workers.Worker, lease: float) -> bool:
    """One on this machine is looked at, one elsewhere is judged by when it was last seen."""
    if identity.here(worker.born):
        return identity.born(worker.pid) == worker.born
    return worker.seen_at >= time.time() - lease


_NO_KEY = (
    "put signing.key back into the data folder, or set REIGN_SIGNING_KEY to it; if it is lost, `reign state backup` "
    "and `reign state restore FILE --other-key` go on without what it sealed"
)


class BackupKeeper:
    """Makes the backups that are due, in a thread of its own; the leading service's duty."""

    LOOK_EVERY = 60.0  # seconds

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._backups = Backups(runtime.settings)
        self._looked = time.monotonic()
        self._thread: threading.Thread | None = None

    def tick(self) -> None:
        if time.monotonic() - self._looked < self.LOOK_EVERY or (self._thread and self._thread.is_alive()):
            return
        self._looked = time.monotonic()
        self._thread = threading.Thread(target=self.make_if_due, name="backup", daemon=True)
        self._thread.start()

    def make_if_due(self) -> None:
        try:
            if self._backups.due(self._runtime):
                self._backups.make(self._runtime, BY_ITSELF)
                self._backups.prune()
        except ReignError as error:
            log.warning("no backup of the state could be made: %s", error)
