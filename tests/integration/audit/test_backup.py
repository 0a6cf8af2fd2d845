"""Backups: whole, portable between the databases, checked to the last byte, and put back without a trace of doubt."""

from __future__ import annotations

import gzip
import json
import os
import random
import shutil
import sqlite3
import threading
import time
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa

from reign.config import Settings
from reign.core.errors import Conflict, InvalidInput, Unavailable
from reign.engine import audit as auditing
from reign.engine import backups, identity
from reign.engine.backups import BY_HAND, BY_ITSELF, BackupKeeper, Backups
from reign.engine.runtime import Runtime
from reign.store import backup, blobs, recovery, schema, workers
from reign.store.backup import Damaged
from reign.store.database import Database
from reign.store.tables import logs, runs
from tests.engines.postgres import Postgres
from tests.integration.audit import scenes
from tests.integration.audit.conftest import Here
from tests.integration.audit.test_migrations import content, fill


@pytest.fixture
def made(here: Here) -> Path:
    """A backup of a state in which two runs have been carried out."""
    for _ in range(2):
        scenes.carry_out(here.runtime, scenes.submit(here.general, scenes.plan("a", "b")))
    return Backups(here.runtime.settings).make(here.runtime, BY_HAND).path


def fresh(kind: str, request: pytest.FixtureRequest, folder: Path) -> Database:
    if kind == "sqlite":
        return Database(f"sqlite:///{folder}/{uuid4().hex}.db")
    server: Postgres = request.getfixturevalue("postgres")
    url = server.database(f"t{uuid4().hex[:12]}")
    return Database(url.replace("postgresql://", "postgresql+psycopg://"))


class TestFormat:
    @pytest.mark.parametrize("source", ["sqlite", "postgres"])
    @pytest.mark.parametrize("target", ["sqlite", "postgres"])
    def test_a_backup_of_one_database_is_restored_to_any(
        self, source: str, target: str, request: pytest.FixtureRequest, tmp_path: Path
    ) -> None:
        first, second = fresh(source, request, tmp_path), fresh(target, request, tmp_path)
        schema.upgrade(first)
        with first.write() as tx:
            fill(tx)
        with first.read() as tx:
            before = content(tx)
        path = tmp_path / "x.backup"
        written = backup.write(first, path, {"at": 1.5, "why": "test", "key": "k"})
        assert path.stat().st_mode & 0o777 == 0o600
        assert backup.verify(path) == written
        schema.upgrade(second)
        with second.write() as tx:
            fill(tx)  # what stood there before goes
        backup.restore(second, path)
        with second.read() as tx:
            assert content(tx) == before
        with second.write() as tx:
            number = tx.execute(
                runs.insert().values({c.name: None for c in runs.c if c.nullable} | _run()).returning(runs.c.id)
            ).scalar_one()
            assert number > max(key[0] for key in before["runs"])
        first.close()
        second.close()

    def test_a_backup_of_an_older_schema_is_brought_up_to_date(
        self, request: pytest.FixtureRequest, tmp_path: Path
    ) -> None:
        old, new = fresh("sqlite", request, tmp_path), fresh("sqlite", request, tmp_path)
        with old.write() as tx:
            schema.build(tx, "0001")
            fill(tx)
        with old.read() as tx:
            before = content(tx)
        found = backup.write(old, tmp_path / "x.backup", {"at": 0, "why": "test", "key": "k"})
        assert found.header["revision"] == "0001"
        backup.restore(new, found.path)
        with new.read() as tx:
            assert schema.current(tx) == schema.head()
            assert content(tx)["tasks"].keys() == before["tasks"].keys()
        with gzip.open(found.path) as file:
            lines = file.read().replace(b'"0001"', b'"8888"', 1)
        (tmp_path / "y.backup").write_bytes(gzip.compress(lines))
        with pytest.raises(Damaged):
            backup.restore(new, tmp_path / "y.backup")
        old.close()
        new.close()

    def test_a_nul_in_a_text(self, here: Here, request: pytest.FixtureRequest, tmp_path: Path) -> None:
        with here.runtime.database.write() as tx:
            row = {"run_id": 1, "task_id": 1, "attempt": 1, "at": 0.5, "stream": "stdout", "text": "a\0b"}
            tx.execute(logs.insert(), [row])
        found = backup.write(here.runtime.database, tmp_path / "x.backup", {"at": 0, "why": "test", "key": "k"})
        target = fresh("postgres", request, tmp_path)
        backup.restore(target, found.path)
        with target.read() as tx:
            assert tx.execute(sa.select(logs.c.text)).scalar_one() == "a\ufffdb"
        target.close()

    def test_every_damage_is_found(self, made: Path) -> None:
        whole = made.read_bytes()
        chance = random.Random(7)
        for _ in range(60):
            content = bytearray(whole)
            place = chance.randrange(10, len(content))  # the first ten bytes are gzip's own header
            content[place] ^= 1 << chance.randrange(8)
            made.write_bytes(content)
            with pytest.raises(Damaged):
                backup.verify(made)
        for length in (0, 5, 20, len(whole) // 2, len(whole) - 1):
            made.write_bytes(whole[:length])
            with pytest.raises(Damaged):
                backup.verify(made)

    def test_what_was_changed_inside_is_found(self, made: Path) -> None:
        lines = gzip.decompress(made.read_bytes()).splitlines(keepends=True)
        for changed in ([lines[0], *lines[2:]], lines[:-1], [*lines[:3], b"[1,\n", *lines[4:]]):
            made.write_bytes(gzip.compress(b"".join(changed)))
            with pytest.raises(Damaged):
                backup.verify(made)

    @pytest.mark.parametrize(
        ("text", "message"),
        [("{}", "not a backup of REIGN"), ('{"reign_backup": 9}', "format 9"), ("", "is empty"), ("x", "is damaged")],
    )
    def test_what_is_no_backup(self, tmp_path: Path, text: str, message: str) -> None:
        path = tmp_path / "x.backup"
        path.write_bytes(gzip.compress(text.encode()))
        with pytest.raises(Damaged, match=message):
            backup.header_of(path)
        with pytest.raises(Damaged, match="there is no file"):
            backup.verify(tmp_path / "none.backup")

    def test_a_place_that_cannot_be_written(self, here: Here, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(InvalidInput, match="cannot be written"):
            backup.write(here.runtime.database, tmp_path / "file" / "x", {"at": 0})


def _run() -> dict[str, object]:
    texts = ("name", "state", "plan", "plan_name", "digest", "environment", "source", "workdir", "requested_by")
    return dict.fromkeys(texts, "new") | {"on_failure": "stop", "task_count": 0, "created_at": 0.0}


class TestKeeping:
    def test_those_made_by_themselves_are_pruned(self, here: Here, made: Path) -> None:
        kept = Backups(here.runtime.settings)
        here.runtime.settings.backup_keep = 2
        for why in (BY_ITSELF, BY_ITSELF, "before-0009", BY_ITSELF):
            kept.make(here.runtime, why)
        kept.prune()
        assert [found.why for found in kept.listing()] == [BY_ITSELF, "before-0009", BY_ITSELF, BY_HAND]

    def test_the_newest_good_one(self, here: Here, made: Path) -> None:
        kept = Backups(here.runtime.settings)
        newer = kept.make(here.runtime, BY_ITSELF).path
        newer.write_bytes(newer.read_bytes()[:-20])
        os.utime(made, (0, 0))  # as a copy may have it
        found = kept.newest_good()
        assert found is not None
        assert found.path == made
        assert time.time() - 600 < found.at <= time.time()
        odd = made.rename(made.with_name("odd.backup"))
        assert [item.at for item in kept.listing() if item.path == odd] == [0.0]
        odd.unlink()
        assert kept.newest_good() is None

    def test_when_one_is_due(self, here: Here) -> None:
        kept, settings = Backups(here.runtime.settings), here.runtime.settings
        settings.backup_every = 1000.0
        assert not kept.due(here.runtime)  # nothing has happened
        scenes.submit(here.general)
        assert not kept.due(here.runtime)  # and not for long
        settings.backup_every = 1e-9
        assert kept.due(here.runtime)
        BackupKeeper(here.runtime).make_if_due()
        (first,) = kept.listing()
        assert first.why == BY_ITSELF
        assert not kept.due(here.runtime)  # nothing has happened since
        scenes.submit(here.general)
        assert kept.due(here.runtime)
        settings.backup_every = 1000.0
        assert not kept.due(here.runtime)
        settings.backup_every = 0.0
        assert not kept.due(here.runtime)

    def test_an_unreadable_newest_one_makes_it_due(self, here: Here, made: Path) -> None:
        here.runtime.settings.backup_every = 1e-9
        made.write_bytes(b"x")
        assert Backups(here.runtime.settings).due(here.runtime)

    def test_the_keeper_looks_now_and_then(self, here: Here, made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        keeper = BackupKeeper(here.runtime)
        keeper.tick()
        assert keeper._thread is None
        monkeypatch.setattr(BackupKeeper, "LOOK_EVERY", 0.0)
        here.runtime.settings.backup_every = 1e-9
        scenes.submit(here.general)
        keeper.tick()
        assert keeper._thread is not None
        keeper._thread.join(20)
        assert len(Backups(here.runtime.settings).listing()) == 2

    def test_a_migration_is_preceded_by_one(self, here: Here) -> None:
        scenes.submit(here.general)
        schema.downgrade(here.runtime.database, "0004")
        path = backups.upgrade(here.runtime)
        assert path is not None
        assert backup.verify(Path(path)).header["revision"] == "0004"
        assert backups.upgrade(here.runtime) is None
        with here.runtime.database.read() as tx:
            assert schema.current(tx) == schema.head()
        assert auditing.verify(here.runtime.database, here.runtime.journal).sound


class TestRestoring:
    def test_what_came_after_is_gone_and_the_audit_says_so(self, here: Here, made: Path) -> None:
        settings = here.runtime.settings
        later = scenes.submit(here.general)
        here.runtime.close()
        (settings.data_dir / "valkey").mkdir()
        settings.broker_url = None  # as on one machine
        found, moved = backups.restore(settings, made, actor="ann")
        assert found.rows["runs"] == 2
        assert [path.name.split(".replaced-")[0] for path in moved][:1] == ["reign.db"]
        assert not (settings.data_dir / "valkey").exists()
        runtime = Runtime(settings)
        with runtime.database.read() as tx:
            names = tx.execute(sa.select(runs.c.name)).scalars().all()
        assert later.name not in names
        report = auditing.verify(runtime.database, runtime.journal)
        assert report.sound, report
        assert "given up when a backup was restored" in report.notes[0]
        runtime.close()
        with sqlite3.connect(moved[0]) as former:
            assert later.name in {row[0] for row in former.execute("SELECT name FROM runs")}

    def test_to_another_machine_with_its_key(self, here: Here, tmp_path: Path, broker_url: str) -> None:
        kept = blobs.SqlBlobs(here.runtime.database, 0.0, here.runtime.settings.key)
        ref = kept.put(b"kept content")
        scenes.submit(here.general)
        path = Backups(here.runtime.settings).make(here.runtime, BY_HAND, tmp_path / "x", with_key=True).path
        other = Settings.load(data_dir=tmp_path / "other", broker_url=broker_url)
        _ = other.key  # it has one of its own already
        backups.restore(Settings.load(data_dir=other.data_dir, broker_url=broker_url), path, actor="ann")
        moved = Settings.load(data_dir=other.data_dir, broker_url=broker_url)
        assert moved.key == here.runtime.settings.key
        assert [p.name for p in other.data_dir.glob("signing.key.replaced-*")]
        runtime = Runtime(moved)
        assert blobs.SqlBlobs(runtime.database, 0.0, moved.key).get(ref) == b"kept content"
        assert auditing.verify(runtime.database, runtime.journal).sound
        runtime.close()
        backups.restore(moved, path, actor="ann")  # once more: the key is there

    def test_another_key_is_told(self, made: Path, tmp_path: Path, broker_url: str) -> None:
        for given in ({}, {"signing_key": "another"}):
            other = Settings.load(data_dir=tmp_path / "other", broker_url=broker_url, **given)
            with pytest.raises(Conflict, match="another signing key"):
                backups.restore(other, made, actor="ann")
        assert not (tmp_path / "other" / "signing.key").exists()
        backups.restore(other, made, actor="ann", other_key=True)

    def test_a_state_is_used_under_its_own_key_only(
        self, here: Here, made: Path, tmp_path: Path, broker_url: str
    ) -> None:
        settings = Settings.load(data_dir=tmp_path / "lost", broker_url=broker_url)
        backups.restore(settings, made, actor="ann", other_key=True)
        backups.prepare(settings)
        kept = settings.key
        key = settings.data_dir / "signing.key"
        key.unlink()
        again = Settings.load(data_dir=settings.data_dir, broker_url=broker_url)
        with pytest.raises(Unavailable, match="the signing key .* is gone"):
            backups.prepare(again)
        assert not key.exists()
        other = Settings.load(data_dir=settings.data_dir, broker_url=broker_url, signing_key="x" * 32)
        with pytest.raises(Unavailable, match="written under another signing key"):
            backups.prepare(other)
        key.write_bytes(kept)
        backups.prepare(again)

    def test_to_postgres(self, here: Here, made: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
        server: Postgres = request.getfixturevalue("postgres")
        settings = Settings.load(
            data_dir=tmp_path / "pg",
            database_url=server.database(f"t{uuid4().hex[:12]}"),
            signing_key=here.runtime.settings.key.decode(),
        )
        _, moved = backups.restore(settings, made, actor="ann")
        assert moved == []
        runtime = Runtime(settings)
        report = auditing.verify(runtime.database, runtime.journal)
        assert report.sound, report
        assert report.entries > 4
        runtime.close()

    @pytest.mark.parametrize("kind", ["sqlite", "postgres"])
    def test_it_is_refused_while_somebody_is_at_work(
        self, kind: str, tmp_path: Path, request: pytest.FixtureRequest
    ) -> None:
        database = fresh(kind, request, tmp_path)
        settings = Settings.load(
            data_dir=tmp_path, database_url=database.url.render_as_string(hide_password=False), signing_key="k"
        )
        backups.refuse_while_running(settings)  # there is nothing yet
        schema.upgrade(database)
        backups.refuse_while_running(settings)
        here, now = str(identity.born(os.getpid())), time.time()
        for born, seen, lives in (
            (here, 0.0, True),
            (here + "0", now, False),
            ("elsewhere/1", now, True),
            ("elsewhere/1", 0.0, False),
        ):
            with database.write() as tx:
                workers.strike_off(tx, ["w"])
                workers.register(tx, workers.Worker("w", "h", os.getpid(), born, ("bash",), 0, now, seen))
            if lives:
                with pytest.raises(Conflict, match="1 workers are at work"):
                    backups.refuse_while_running(settings)
            else:
                backups.refuse_while_running(settings)
        with database.write() as tx:
            recovery.lead(tx, "general", "somebody", None)
        backups.refuse_while_running(settings)  # it leads no more
        stop = threading.Event()

        def lead() -> None:
            while not stop.wait(0.2):
                with database.write() as tx:
                    recovery.lead(tx, "general", "somebody", None)

        thread = threading.Thread(target=lead)
        thread.start()
        with pytest.raises(Conflict, match="a general is at work"):
            backups.refuse_while_running(settings)
        stop.set()
        thread.join()
        database.close()

    def test_an_empty_database_has_nobody_at_work(self, request: pytest.FixtureRequest, tmp_path: Path) -> None:
        server: Postgres = request.getfixturevalue("postgres")
        url = server.database(f"t{uuid4().hex[:12]}")
        backups.refuse_while_running(Settings.load(data_dir=tmp_path, database_url=url))
        backups.refuse_while_running(Settings.load(data_dir=tmp_path, database_url=url + "none"))


class TestDamage:
    @pytest.mark.parametrize(
        ("damage", "words"),
        [
            (lambda content: content[: len(content) // 2], "it was cut off"),
            (lambda content: content[:4096] + b"x" * 8192 + content[12288:], "is damaged: Page"),
            (lambda content: b"something else" + content[14:], "not an SQLite file"),
            (lambda content: b"", "it is empty"),
            (None, "it is not there"),
        ],
    )
    def test_a_damaged_file_is_told_with_the_way_back(self, here: Here, made: Path, damage: object, words: str) -> None:
        settings = here.runtime.settings
        here.runtime.close()
        path = settings.data_dir / "reign.db"
        if callable(damage):
            path.write_bytes(damage(path.read_bytes()))
        else:
            path.unlink()
        with pytest.raises(Unavailable, match=words) as caught:
            backups.prepare(settings)
        assert caught.value.hint is not None
        assert f"`reign state restore {made}`" in caught.value.hint
        assert "\n" not in str(caught.value)
        backups.restore(settings, made, actor="ann")
        backups.prepare(settings)

    def test_an_empty_one_in_its_place_is_told_too(self, here: Here, made: Path, template: Path) -> None:
        settings = here.runtime.settings
        here.runtime.close()
        for path in settings.data_dir.glob("reign.db*"):
            path.unlink()
        shutil.copy(template, settings.data_dir / "reign.db")
        with pytest.raises(Unavailable, match="holds nothing, though its audit had 8 entries") as caught:
            backups.prepare(settings)
        assert caught.value.hint is not None
        assert f"`reign state restore {made}`" in caught.value.hint
        backups.restore(settings, made, actor="ann")
        backups.prepare(settings)
        made.unlink()
        (settings.data_dir / "reign.db").unlink()
        backups.prepare(settings)  # there is no way back: a new one

    def test_without_a_backup(self, tmp_path: Path, broker_url: str) -> None:
        settings = Settings.load(data_dir=tmp_path, broker_url=broker_url)
        (tmp_path / "reign.db").write_bytes(b"")
        backups.examine(settings)
        (tmp_path / "reign.db").write_bytes(b"nonsense")
        with pytest.raises(Unavailable) as caught:
            backups.examine(settings)
        assert "there is no backup" in str(caught.value)
        (tmp_path / "reign.db").unlink()
        backups.prepare(settings)  # a new one

    def test_a_busy_file_is_not_damaged(self, here: Here) -> None:
        path = here.runtime.settings.data_dir / "reign.db"
        with here.runtime.database.write():
            assert backup.sqlite_fault(path) is None
        assert backup.sqlite_fault(path.with_name("none")) is None
        if os.getuid() != 0:
            path.chmod(0)
            assert backup.sqlite_fault(path) == "Permission denied"

    def test_what_cannot_be_restored_leaves_nothing_behind(
        self, here: Here, made: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def stumble(*_: object) -> None:
            raise Damaged("in the middle")

        monkeypatch.setattr(backup, "restore", stumble)
        with pytest.raises(Damaged, match="in the middle"):
            backups.restore(here.runtime.settings, made, actor="ann")
        assert not list(here.runtime.settings.data_dir.glob("*.restoring*"))

    def test_a_folder_is_no_file(self, tmp_path: Path) -> None:
        assert backup.sqlite_fault(tmp_path) == "Is a directory"

    def test_what_holds_nothing_is_not_backed_up(self, tmp_path: Path) -> None:
        settings = Settings.load(data_dir=tmp_path, signing_key="k")
        runtime, kept = Runtime(settings), Backups(settings)
        with pytest.raises(Conflict, match="holds nothing that could be backed up"):
            kept.make(runtime, BY_HAND)
        empty = kept.folder / "20260101-000000-000-manual.backup"  # as older releases made them
        backup.write(runtime.database, empty, {"at": 0.0, "why": ""})
        assert kept.newest_good() is None
        with pytest.raises(Conflict, match="held nothing"):
            backups.restore(settings, empty, actor="ann", other_key=True)
        runtime.close()

    def test_a_backup_takes_the_place_of_no_other_file(self, here: Here, made: Path, tmp_path: Path) -> None:
        kept = Backups(here.runtime.settings)
        assert kept.make(here.runtime, BY_HAND, made).path == made
        other = tmp_path / "reign.toml"
        other.write_text("[environments.dev]\n")
        with pytest.raises(InvalidInput, match="is there already, and is no backup"):
            kept.make(here.runtime, BY_HAND, other)
        assert other.read_text() == "[environments.dev]\n"


def test_the_header_shows_no_key(here: Here, tmp_path: Path) -> None:
    found = Backups(here.runtime.settings).make(here.runtime, BY_HAND, tmp_path / "x", with_key=True)
    shown = json.dumps(found.as_dict())
    assert here.runtime.settings.key.decode() not in shown
    assert '"with_key": true' in shown
