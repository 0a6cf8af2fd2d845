"""The audit: what is written, that its chain holds under load, and that every way to falsify it is found and placed."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from reign.core.errors import Conflict
from reign.engine import audit as auditing
from reign.engine.audit import AnchorKeeper
from reign.engine.general import ReignGeneral
from reign.engine.runtime import Runtime
from reign.store import audit
from reign.store.anchors import Anchors
from reign.store.audit import Journal
from tests.integration.audit import scenes
from tests.integration.audit.conftest import Here


def entries(runtime: Runtime) -> list[audit.Entry]:
    with runtime.database.read() as tx:
        return list(audit.in_order(tx))


def faults(runtime: Runtime) -> list[tuple[str, int | None]]:
    return [(fault.what, fault.seq) for fault in auditing.verify(runtime.database, runtime.journal).faults]


def falsify(runtime: Runtime, *statements: str) -> None:
    """As somebody with full rights on the database would, the triggers first."""
    with runtime.database.engine.begin() as tx:
        if runtime.database.is_sqlite:
            tx.execute(sa.text("DROP TRIGGER audit_no_update"))
            tx.execute(sa.text("DROP TRIGGER audit_no_delete"))
        else:
            tx.execute(sa.text("DROP TRIGGER audit_append_only ON audit"))
        for statement in statements:
            tx.execute(sa.text(statement))


def test_acts_and_changes_are_entries(runtime: Runtime, general: ReignGeneral) -> None:
    run = scenes.submit(general, scenes.plan("a", "b"))
    general.pause(run.name, "bob")
    with pytest.raises(Conflict):
        general.pause(run.name, "bob")
    general.resume(run.name, "bob")
    scenes.carry_out(runtime, run)
    found = entries(runtime)
    assert [(e.seq, e.kind, e.actor) for e in found] == [
        (1, "run.submit", "ann"),
        (2, "run.pause", "bob"),
        (3, "run.resume", "bob"),
        (4, "change", "reign"),
        (5, "change", "reign"),
        (6, "run.end", "reign"),
    ]
    assert {e.run for e in found} == {run.name}
    assert found[3].subject == "probe:thing/a"
    assert faults(runtime) == []
    with runtime.database.read() as tx:
        assert [e.seq for e in audit.listing(tx, kind="run", actor="bob")] == [3, 2]
        assert [e.seq for e in audit.listing(tx, subject="thing/b", run=run.name)] == [5]
        assert [e.seq for e in audit.listing(tx, environment="dev", before=3, limit=1)] == [2]
        assert audit.listing(tx, since=found[-1].at + 1) == []


def test_what_is_rolled_back_is_not_audited(here: Here) -> None:
    def stumble() -> None:
        with here.runtime.database.write() as tx:
            audit.note(tx, "test.act", actor="ann")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        stumble()
    with here.runtime.database.write():
        pass
    assert entries(here.runtime) == []
    assert not here.runtime.settings.heads.exists()


def test_a_task_that_changes_nothing_adds_nothing(here: Here) -> None:
    run = scenes.submit(here.general, scenes.plan(*"abcdefgh"))
    scenes.carry_out(here.runtime, run, changing=False)
    assert [entry.kind for entry in entries(here.runtime)] == ["run.submit", "run.end"]


def test_the_database_refuses_to_change_an_entry(runtime: Runtime, general: ReignGeneral) -> None:
    scenes.submit(general)
    for statement in ("UPDATE audit SET actor = 'eve'", "DELETE FROM audit"):
        with pytest.raises(DBAPIError, match="append-only"), runtime.database.engine.begin() as tx:
            tx.execute(sa.text(statement))


def test_writers_side_by_side_make_one_chain(runtime: Runtime) -> None:
    def write(name: str) -> None:
        for number in range(20):
            with runtime.database.write() as tx:
                audit.note(tx, "test.act", actor=name, data={"n": number})

    threads = [threading.Thread(target=write, args=(f"writer-{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = entries(runtime)
    assert [entry.seq for entry in found] == list(range(1, 81))
    for n in range(4):
        mine = [json.loads(e.data or "")["n"] for e in found if e.actor == f"writer-{n}"]
        assert mine == list(range(20))
    assert faults(runtime) == []


_SWAP = (
    "UPDATE audit SET seq = -4 WHERE seq = 4",
    "UPDATE audit SET seq = 4 WHERE seq = 5",
    "UPDATE audit SET seq = 5 WHERE seq = -4",
)


_ADD = (
    "INSERT INTO changes (id, run_id, task_id, attempt, environment, resource, kind, before, after, at) "
    "SELECT 999, run_id, task_id, attempt, environment, resource, kind, before, after, at FROM changes WHERE id = 3"
)


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        (["UPDATE audit SET actor = 'eve' WHERE seq = 3"], {("changed", 3)}),
        (["UPDATE audit SET data = NULL WHERE seq = 6"], {("changed", 6)}),
        (["UPDATE audit SET at = at + 1 WHERE seq = 1"], {("changed", 1)}),
        (["DELETE FROM audit WHERE seq = 4"], {("missing", 4)}),
        (["DELETE FROM audit WHERE seq <= 2"], {("missing", 1)}),
        (["DELETE FROM audit WHERE seq > 5"], {("truncated", 6)}),
        (list(_SWAP), {("moved", 4), ("moved", 5)}),
        (["UPDATE changes SET after = '{}' WHERE id = 2"], {("changed", 3)}),
        (["UPDATE changes SET run_id = run_id + 1 WHERE id = 2"], {("changed", 3)}),
        (["UPDATE changes SET environment = 'prod', at = at + 1 WHERE id = 2"], {("changed", 3)}),
        (["DELETE FROM changes WHERE id = 3"], {("changed", 4)}),
        (["UPDATE audit_head SET mac = 'x'"], {("forged", 7)}),
        ([_ADD], {("forged", None)}),
        (
            # As far as one gets without the key: the newest rows cut off, and the head set to fit.
            [
                "UPDATE audit_head SET seq = 5, mac = (SELECT mac FROM audit WHERE seq = 5)",
                "DELETE FROM audit WHERE seq > 5",
            ],
            {("truncated", 6)},
        ),
    ],
)
def test_what_is_falsified_is_found_and_placed(
    here: Here, statements: list[str], expected: set[tuple[str, int | None]]
) -> None:
    run = scenes.submit(here.general, scenes.plan("a", "b", "c", "d", "e"))
    scenes.carry_out(here.runtime, run)
    assert faults(here.runtime) == []
    falsify(here.runtime, *statements)
    assert expected <= set(faults(here.runtime))
    near = {seq for _, seq in expected} | {seq + 1 for _, seq in expected if seq is not None}
    assert {seq for _, seq in faults(here.runtime)} <= near


def test_values_that_can_be_no_entry_s_are_found_and_told(here: Here) -> None:
    run = scenes.submit(here.general, scenes.plan("a", "b", "c", "d", "e"))
    scenes.carry_out(here.runtime, run)
    falsify(
        here.runtime,
        f"UPDATE audit SET at = '{'soon' if here.runtime.database.is_sqlite else 'NaN'}' WHERE seq = 1",
        "UPDATE audit SET data = '{' WHERE seq = 3",
        "UPDATE audit SET mac = '\u00e9' WHERE seq = 4",
        "UPDATE audit SET at = 1e300 WHERE seq = 6",
        "UPDATE audit SET seq = -5 WHERE seq = 7",
    )
    if here.runtime.database.is_sqlite:
        with here.runtime.database.engine.begin() as tx:
            tx.execute(sa.text("UPDATE audit SET actor = CAST(x'ff41' AS TEXT) WHERE seq = 2"))
            tx.execute(sa.text("UPDATE audit_head SET seq = 'x'"))
    found = set(faults(here.runtime))
    assert {("changed", 1), ("changed", 3), ("changed", 4), ("changed", 6), ("forged", -5)} <= found
    assert (("changed", 2) in found) == here.runtime.database.is_sqlite
    with here.runtime.database.read() as tx:
        assert [entry.as_dict()["data"] for entry in audit.listing(tx, before=4, limit=1)] == [{"unreadable": "{"}]


def test_an_entry_written_anew_with_another_key_is_found(here: Here) -> None:
    scenes.submit(here.general)
    stranger = Journal(b"another key", Anchors(here.runtime.settings.heads.with_name("elsewhere"), b"another key"))
    with here.runtime.database.engine.begin() as tx:
        audit.note(tx, "test.act", actor="eve")
        stranger.seal(tx)
    assert faults(here.runtime) == [("changed", 2)]
    report = auditing.verify(here.runtime.database, stranger)
    assert not report.sound
    assert any("SIGNING_KEY" in note for note in report.notes) == (report.entries == 1)


class TestAnchors:
    @pytest.mark.parametrize(
        ("damage", "message"),
        [
            (lambda path: path.unlink(), "is gone or empty"),
            (lambda path: path.write_text(path.read_text().replace('"seq": 1', '"seq": 2')), "line 1 of"),
            (lambda path: path.write_text("nonsense\n" + path.read_text()), "line 1 of"),
        ],
    )
    def test_a_damaged_file(self, here: Here, damage: Callable[[Path], object], message: str) -> None:
        scenes.submit(here.general)
        scenes.submit(here.general)
        damage(here.runtime.settings.heads)
        (fault,) = auditing.verify(here.runtime.database, here.runtime.journal).faults
        assert message in fault.message
        assert fault.what == "anchor"

    def test_the_keeper_adds_what_is_missing(self, here: Here) -> None:
        keeper = AnchorKeeper(here.runtime.database, here.runtime.journal)
        keeper.tick()
        assert not here.runtime.settings.heads.exists()
        scenes.submit(here.general)
        keeper.tick()  # what is there already is only brought to the disk
        assert len(here.runtime.settings.heads.read_text().splitlines()) == 1
        here.runtime.settings.heads.unlink()
        scenes.submit(here.general)
        here.runtime.settings.heads.unlink()
        keeper.tick()
        keeper.tick()
        assert [anchor.seq for anchor in here.runtime.journal.anchors.read()] == [2]
        assert faults(here.runtime) == []

    def test_a_folder_that_cannot_be_written_stops_nothing(self, here: Here, caplog: pytest.LogCaptureFixture) -> None:
        here.runtime.settings.heads.parent.parent.mkdir(exist_ok=True)
        here.runtime.settings.heads.parent.write_text("a file where the folder should be")
        scenes.submit(here.general)
        assert "cannot be anchored" in caplog.text

    def test_what_a_restore_gave_up_is_told_and_no_fault(self, here: Here) -> None:
        for _ in range(3):
            scenes.submit(here.general)
        third = entries(here.runtime)[1]
        falsify(
            here.runtime,
            "DELETE FROM audit WHERE seq > 2",
            "UPDATE audit_head SET seq = 2, mac = (SELECT mac FROM audit WHERE seq = 2)",
        )
        here.runtime.journal.anchors.append(third.seq, third.mac, 1.0, act="restored")
        scenes.submit(here.general)
        report = auditing.verify(here.runtime.database, here.runtime.journal)
        assert report.sound, report
        assert "entry 3 was given up" in report.notes[0]
