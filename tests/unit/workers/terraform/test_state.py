"""A state's content, told apart from a damaged one; the record of what made it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reign.core.resource import Observation
from reign.executor import TaskFailed
from reign.executor.testing import MemoryBlobs, make_context
from workers.terraform.record import Applied, Init, Record, load_init, save_init
from workers.terraform.state import State, locked, newest_backup, parse, put_back, read_file, remove

WHERE = "terraform:dir/srv/infra/default"


def content(serial: int = 1, **more: Any) -> dict[str, Any]:
    return {"version": 4, "serial": serial, "lineage": "l", "outputs": {}, "resources": [], **more}


def raw(serial: int = 1, **more: Any) -> bytes:
    return json.dumps(content(serial, **more)).encode()


def resource(name: str, instances: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {"mode": "managed", "type": "t", "name": name, "instances": instances, **more}


def test_addresses_of_counts_keys_and_modules() -> None:
    state = parse(
        raw(
            resources=[
                resource("one", [{}]),
                resource("many", [{"index_key": 0}, {"index_key": 1}]),
                resource("each", [{"index_key": "a b"}], module='module.m["x"]'),
                resource("data", [{}], mode="data"),
            ]
        )
    )
    assert state.addresses == ['module.m["x"].t.each["a b"]', "t.many[0]", "t.many[1]", "t.one"]


def test_outputs_are_split_by_sensitivity() -> None:
    state = parse(raw(outputs={"a": {"value": 1}, "b": {"value": "s", "sensitive": True}}))
    assert (state.outputs, state.secret_outputs) == ({"a": 1}, {"b": "s"})


@pytest.mark.parametrize(
    "damaged", [b"{", b"[]", b"{}", b'{"version": 4}', b'{"version": 4, "resources": 1}', b"\xff\xfe", b"null"]
)
def test_damaged_content_is_no_state(damaged: bytes) -> None:
    with pytest.raises(ValueError):
        parse(damaged)


def test_nothing_old_and_encrypted_states() -> None:
    assert parse(b" \n") == State()
    assert parse(b'{"version": 3, "serial": 7, "lineage": "l"}').serial == 7
    encrypted = parse(b'{"encrypted_data": "x", "serial": 3, "lineage": "l", "encryption_version": "v0"}')
    assert (encrypted.lineage, encrypted.serial, encrypted.content) == ("l", 3, {})


def test_what_describes_the_same_objects() -> None:
    first = parse(
        raw(1, resources=[resource("a", [{"attributes": {"x": ""}, "private": "bnVsbA==", "dependencies": []}])])
    )
    second = parse(raw(9, resources=[resource("a", [{"attributes": {"x": ""}}])]))
    third = parse(raw(9, resources=[resource("a", [{"attributes": {"x": None}}])]))
    assert first.describes_the_same(second)
    assert not first.describes_the_same(third)


def test_the_newest_good_backup_wins(tmp_path: Path) -> None:
    ctx, path = make_context(tmp_path), tmp_path / "terraform.tfstate"
    assert newest_backup(ctx, path, Record(), WHERE) is None
    path.with_name("terraform.tfstate.backup").write_bytes(raw(3))
    path.with_name("terraform.tfstate.1700000000.backup").write_bytes(b"{damaged")
    record = Record(backups=[ctx.blobs.put(raw(4)), ctx.blobs.put(b"{damaged"), "blob:gone"])
    found = newest_backup(ctx, path, record, WHERE)
    assert found is not None
    assert found[1].serial == 4
    assert found[0].read_bytes() == raw(4)
    assert found[0].stat().st_mode & 0o077 == 0


def test_what_was_last_recorded_is_a_backup_too_and_another_lineage_the_last_resort(tmp_path: Path) -> None:
    path = tmp_path / "terraform.tfstate"
    blobs = MemoryBlobs()
    seen = Observation(resource=WHERE, exists=True, state={"lineage": "l", "state": blobs.put(raw(5))})
    path.with_name("terraform.tfstate.backup").write_bytes(raw(9).replace(b'"l"', b'"other"'))
    ctx = make_context(tmp_path, blobs=blobs, recorded={WHERE: seen}.get)
    found = newest_backup(ctx, path, Record(), WHERE)
    assert found is not None
    assert (found[1].lineage, found[1].serial) == ("l", 5)
    damaged = make_context(tmp_path, recorded={WHERE: Observation.damaged(WHERE, "it is")}.get)
    last = newest_backup(damaged, path, Record(), WHERE)
    assert last is not None
    assert last[1].lineage == "other"


def test_an_emptied_state_is_damaged_where_objects_were_known(tmp_path: Path) -> None:
    path, blobs = tmp_path / "terraform.tfstate", MemoryBlobs()
    path.touch()
    nothing = Observation(resource=WHERE, exists=True, state={"addresses": []})
    for last in (None, nothing, Observation.damaged(WHERE, "it is")):
        assert read_file(make_context(tmp_path, recorded={WHERE: last}.get), path, Record(), WHERE) == State()
    held = raw(5, resources=[resource("a", [{"attributes": {}}])])
    seen = nothing.model_copy(update={"state": {"addresses": ["x.a"], "lineage": "l", "state": blobs.put(held)}})
    with pytest.raises(TaskFailed, match=r"is damaged \(it is empty\); it was left as it is") as raised:
        read_file(make_context(tmp_path, blobs=blobs, recorded={WHERE: seen}.get), path, Record(), WHERE)
    assert "the newest good backup is serial 5" in (raised.value.hint or "")
    path.with_name("terraform.tfstate.backup").write_bytes(held)
    with pytest.raises(TaskFailed, match="it is empty"):
        read_file(make_context(tmp_path), path, Record(), WHERE)
    assert path.read_bytes() == b""


def test_a_state_is_put_back_in_place_and_an_empty_one_removed(tmp_path: Path) -> None:
    ctx, path = make_context(tmp_path), tmp_path / "terraform.tfstate"
    remove(ctx, path)
    path.write_bytes(raw(9) + b" " * 100)
    inode = path.stat().st_ino
    put_back(ctx, path, parse(raw(3)))
    assert (path.read_bytes(), path.stat().st_ino) == (raw(3), inode)
    with locked(ctx, path):
        pass
    path.with_name("terraform.tfstate.backup").touch()
    remove(ctx, path)
    assert list(tmp_path.glob("terraform.tfstate*")) == []


def test_what_made_a_state() -> None:
    applied = Applied(configuration="c0", lineage="l", serial=3)
    begun = Applied(configuration="c1", lineage="l", serial=5)
    assert Record(applied=applied).made("l", 3) == applied
    assert Record(applied=applied).made("l", 4) is None
    assert Record(applied=applied).made("other", 3) is None
    failed = Record(applied=applied, begun=begun).made("l", 5)
    assert failed is not None
    assert (failed.configuration, failed.serial) == ("c0", 5)
    assert Record(applied=applied, begun=begun).made("l", 6) is None, "somebody else went on"
    cut_off = Record(begun=begun, open=True).made("l", 7)
    assert cut_off is not None
    assert cut_off.configuration == "c1"


def test_records_are_kept_and_a_damaged_one_is_none(tmp_path: Path) -> None:
    ctx = make_context(tmp_path)
    record = Record(applied=Applied(configuration="c"))
    for number in range(30):
        record.backed_up(f"blob:{number}")
    record.backed_up("blob:15")
    assert len(record.backups) == 20
    assert record.backups[-1] == "blob:15"
    record.save(ctx, "terraform:dir//x/default")
    assert Record.load(ctx, "terraform:dir//x/default") == record
    assert Record.load(ctx, "terraform:dir//y/default") == Record()
    [path] = (ctx.state_dir / "records").glob("*.json")
    path.write_text("{")
    assert Record.load(ctx, "terraform:dir//x/default") == Record()


def test_settings_of_init_keep_secrets_by_reference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ctx = make_context(tmp_path)
    monkeypatch.setenv("KEY_OF_TEST", "the-access-key")
    ctx.masker.add("secret://env/KEY_OF_TEST", "the-access-key")
    save_init(ctx, Path("/x"), Init(backend={"access_key": "the-access-key"}))
    [path] = (ctx.state_dir / "init").glob("*.json")
    assert "the-access-key" not in path.read_text()
    assert load_init(ctx, Path("/x")).backend == {"access_key": "the-access-key"}
