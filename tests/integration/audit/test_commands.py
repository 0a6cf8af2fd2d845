"""The commands of this concern against a served API, as a person uses them: words, exit codes, files."""

from __future__ import annotations

import json
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from reign.api.app import make_api
from reign.cli.main import main
from reign.config import Surroundings
from reign.engine import audit as auditing
from reign.engine import receipts, upkeep
from reign.store import audit, runs, schema
from reign.store.runs import RunRecord
from tests.engines.installation import until
from tests.integration.audit import scenes
from tests.integration.audit.conftest import Here
from tests.integration.audit.test_audit import falsify


@dataclass
class Done:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Reign = Callable[..., Done]


@pytest.fixture
def reign(here: Here, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Reign:
    settings = here.runtime.settings
    monkeypatch.setenv("REIGN_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("REIGN_BROKER_URL", settings.broker)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)

    def call(*argv: str) -> Done:
        monkeypatch.setattr(sys, "argv", ["reign", *argv])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        code = ended.value.code
        return Done(code if isinstance(code, int) else 0, said.out, said.err)

    return call


@pytest.fixture
def served(here: Here, reign: Reign, monkeypatch: pytest.MonkeyPatch) -> Iterator[Here]:
    """The API on a socket of its own."""
    settings = here.runtime.settings
    settings.environments = {
        "dev": Surroundings(next="staging", params={"who": "me"}),
        "prod": Surroundings(protected=True),
    }
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    monkeypatch.setenv("REIGN_API_PORT", str(listener.getsockname()[1]))
    server = uvicorn.Server(uvicorn.Config(make_api(settings), log_level="warning"))
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    until(lambda: server.started)
    yield here
    server.should_exit = True
    thread.join(20)
    listener.close()


def carried_out(here: Here, *names: str, **given: Any) -> RunRecord:
    run = scenes.submit(here.general, scenes.plan(*names), **given)
    scenes.carry_out(here.runtime, run)
    return run


class TestAudit:
    def test_the_list_and_its_filters(self, served: Here, reign: Reign) -> None:
        assert "nothing is recorded" in reign("audit").out
        run = carried_out(served, "a", "b")
        lines = reign("audit").out.splitlines()
        assert [line.split()[3] for line in lines] == ["run.submit", "change", "change", "run.end"]
        assert run.name in lines[0]
        assert "created" in lines[1]
        assert [entry["seq"] for entry in reign("audit", "-k", "run", "-o", "json").json] == [4, 1]
        assert [entry["seq"] for entry in reign("audit", "--about", "thing/b", "-o", "json").json] == [3]
        assert (
            reign("audit", "--by", "ann", "--since", "1h", "-e", "dev", "-r", run.name, "-o", "json").json[0]["seq"]
            == 1
        )
        wrong = reign("audit", "--since", "yesterday")
        assert (wrong.code, "is not a duration" in wrong.err) == (2, True)

    def test_verify(self, here: Here, reign: Reign) -> None:
        carried_out(here, "a")
        done = reign("audit", "verify")
        assert (done.code, "3 entries stand as written; 2 anchors agree" in done.out) == (0, True)
        falsify(here.runtime, "UPDATE audit SET actor = 'eve' WHERE seq = 2", "DELETE FROM audit WHERE seq = 3")
        done = reign("audit", "--verify")
        assert done.code == 1
        assert "entry 2 was changed" in done.out
        assert "entry 3 was removed" in done.out
        found = reign("audit", "verify", "-o", "json")
        assert (found.code, found.json["sound"], len(found.json["faults"])) == (1, False, 2)

    def test_export(self, served: Here, reign: Reign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("reign.cli.audit._PAGE", 2)
        carried_out(served, "a", "b", "c")
        assert reign("audit", "export", "all.jsonl").code == 0
        lines = [json.loads(line) for line in (tmp_path / "all.jsonl").read_text().splitlines()]
        assert [line["seq"] for line in lines] == [1, 2, 3, 4, 5]
        assert reign("audit", "export", "-", "-k", "change").out.count("\n") == 3
        assert reign("audit", "export", "no/where.jsonl").code == 2

    def test_many_faults_are_counted(self, here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(auditing, "_MOST", 2)
        monkeypatch.setattr(auditing, "_PAGE", 1)
        carried_out(here, "a", "b", "c")
        falsify(here.runtime, "UPDATE audit SET actor = 'eve'")
        report = auditing.verify(here.runtime.database, here.runtime.journal)
        assert len(report.faults) == 2
        assert report.notes[-1] == "3 more faults are not listed"
        assert "is REIGN_SIGNING_KEY" in report.notes[0]


class TestReceipts:
    def test_a_receipt_is_checked_without_the_system(self, served: Here, reign: Reign, tmp_path: Path) -> None:
        run = carried_out(served, "a")
        made = reign("receipt", run.name, "-f", "r.json", "-o", "json").json
        key = reign("receipt", "--key", "-o", "json").json
        assert made["fingerprint"] == key["fingerprint"]
        assert key["fingerprint"] in reign("receipt", "--key").out
        done = reign("verify", "r.json")
        assert done.code == 0
        assert "created probe:thing/a" in done.out
        assert "whose key that is, the file cannot say" in done.out
        known = reign("verify", "r.json", "--key", key["fingerprint"], "-o", "json").json
        assert (known["valid"], known["trusted"], known["run"]["name"]) == (True, True, run.name)
        assert "whose key" not in reign("verify", "r.json", "--key", key["public_key"]).out
        other = reign("verify", "r.json", "--key", "SHA256:other")
        assert (other.code, "was signed by" in other.err) == (4, True)
        (tmp_path / "out.json").write_text(reign("receipt", run.name).out)
        assert reign("verify", "out.json").code == 0

    def test_any_changed_byte_is_found(self, here: Here, tmp_path: Path) -> None:
        run = carried_out(here, "a")
        whole = receipts.text(receipts.of_run(here.runtime, run.name)).encode()
        path = tmp_path / "r.json"
        path.write_bytes(whole)
        receipts.check(path)
        for place in range(0, len(whole), 23):
            changed = bytearray(whole)
            changed[place] ^= 0x01
            path.write_bytes(changed)
            with pytest.raises(Exception, match=r"changed|not a receipt|not what was signed|format"):
                receipts.check(path)
        for text in (whole + b"\n", whole[:-1], whole.replace(b"\n", b"\r\n"), b"", b"[]", b"{}"):
            path.write_bytes(text)
            with pytest.raises(Exception, match=r"changed|not a receipt"):
                receipts.check(path)

    def test_what_a_signer_may_not_do(self, here: Here, tmp_path: Path) -> None:
        run = carried_out(here, "a")
        receipt = receipts.of_run(here.runtime, run.name)
        signature = receipts.Signature(b"another key")
        path = tmp_path / "r.json"
        plan = {**receipt["record"]["plan"], "name": "another"}
        path.write_text(receipts.text(signature.sign({**receipt["record"], "plan": plan})))
        with pytest.raises(Exception, match="the plan in it is not the one"):
            receipts.check(path)
        path.write_text(receipts.text({**receipt, "signature": {**receipt["signature"], "fingerprint": "SHA256:x"}}))
        with pytest.raises(Exception, match="was changed after it was written"):
            receipts.check(path)
        with pytest.raises(Exception, match="cannot be read"):
            receipts.check(tmp_path / "none.json")

    def test_a_run_that_moves_has_none(self, served: Here, reign: Reign) -> None:
        run = scenes.submit(served.general)
        assert reign("receipt", run.name).code == 6
        assert reign("receipt", "none").code == 5


class TestState:
    def test_backup_verify_restore(self, here: Here, reign: Reign, tmp_path: Path) -> None:
        assert "no backups yet" in reign("state", "backups").out
        assert reign("state", "restore").code == 5
        carried_out(here, "a")
        done = reign("state", "backup")
        assert (done.code, "without the signing key" in done.out) == (0, True)
        (kept,) = reign("state", "backups", "-o", "json").json
        assert kept["why"] == "manual"
        assert kept["file"] in reign("state", "backups").out
        assert reign("state", "backup", "x.backup", "--with-key", "-o", "json").json["with_key"] is True
        assert "whole and as it was written" in reign("state", "verify", "x.backup").out
        assert reign("state", "verify", "x.backup", "-o", "json").json["rows"]["runs"] == 1
        assert reign("state", "verify", str(here.runtime.settings.heads)).code == 2
        carried_out(here, "b")
        here.runtime.close()
        asked = reign("state", "restore")
        assert (asked.code, "add --yes" in asked.err) == (2, True)
        assert "restored from" in reign("state", "restore", "--yes").out
        assert reign("state", "restore", "x.backup", "--yes", "-o", "json").json["moved"]
        entries = [entry.kind for entry in self._entries(here)]
        assert entries == ["run.submit", "change", "run.end", "state.restore"]

    def _entries(self, here: Here) -> list[audit.Entry]:
        with here.runtime.database.read() as tx:
            return list(audit.in_order(tx))

    def test_verify_of_the_state(self, here: Here, reign: Reign) -> None:
        carried_out(here, "a")
        done = reign("state", "verify")
        assert done.code == 0
        assert "3 entries stand as written" in done.out
        here.runtime.close()
        path = here.runtime.settings.data_dir / "reign.db"
        path.write_bytes(path.read_bytes()[:20_000])
        done = reign("state", "verify", "-o", "json")
        assert (done.code, [check["ok"] for check in done.json]) == (1, [False, True])

    def test_upgrade(self, here: Here, reign: Reign) -> None:
        assert "the schema is" in reign("state", "upgrade").out
        carried_out(here, "a")
        schema.downgrade(here.runtime.database, "0004")
        assert reign("state", "verify").code == 1
        done = reign("state", "upgrade", "-o", "json").json
        assert (done["revision"], "before-" in done["backup"]) == (schema.head(), True)


class TestEnvironments:
    def test_list_freeze_thaw(self, served: Here, reign: Reign) -> None:
        carried_out(served, "a")
        assert "release week" in reign("environments", "freeze", "prod", "--why", "release week").out
        shown = reign("environments").out
        assert "frozen by" in shown
        assert "then staging" in shown
        assert "who=me" in shown
        found = {item["name"]: item for item in reign("environments", "-o", "json").json}
        assert (found["dev"]["runs"], found["prod"]["protected"]) == (1, True)
        assert (
            reign("environments", "freeze", "prod", "--why", "longer", "-o", "json").json["frozen"]["why"] == "longer"
        )
        assert reign("environments", "thaw", "prod").code == 0
        assert reign("environments", "thaw", "prod", "-o", "json").code == 6
        assert "did you mean" not in reign("environments", "freeze", "dev", "--why", "x").out
        assert "did you mean 'staging'?" in reign("environments", "freeze", "stagin", "--why", "x").out
        assert "did you mean 'stagin'?" in reign("environments", "thaw", "staging").err
        assert reign("environments", "thaw", "dev", "-o", "json").json == {"name": "dev"}

    def test_promote(self, served: Here, reign: Reign) -> None:
        run = carried_out(served, "a")
        asked = reign("promote", run.name)
        assert asked.code == 2
        assert "dev → staging" in asked.out
        assert "the same in both" in asked.out
        assert "belongs to dev" in asked.out
        stop = threading.Event()

        def work() -> None:
            while not stop.wait(0.05):
                with served.runtime.database.read() as tx:
                    for found in runs.listing(tx, environment="prod"):
                        scenes.carry_out(served.runtime, found)

        worker = threading.Thread(target=work, daemon=True)
        worker.start()
        done = reign("promote", run.name, "--to", "prod", "--yes", "-o", "json")
        stop.set()
        worker.join(10)
        assert done.code == 0, done.err
        assert reign("promote", run.name, "--to", "dev", "--yes").code == 2

    def test_promote_asks(self, served: Here, reign: Reign, monkeypatch: pytest.MonkeyPatch) -> None:
        plan = scenes.plan("a", params={"who": "nobody"})
        plan["tasks"]["a"]["with"] = {"value": "${{ params.who }}"}
        run = scenes.submit(served.general, plan)
        scenes.carry_out(served.runtime, run)
        monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
        monkeypatch.setattr("typer.confirm", lambda _: False)
        done = reign("promote", run.name)
        assert (done.code, "not run" in done.err) == (4, True)
        assert "params.who: me → nobody" in done.out
        policy = served.runtime.settings.data_dir / "policy.yaml"
        policy.write_text(
            "rules: [{name: none-here, match: {environment: staging}, decision: deny, reason: nothing goes there}]\n"
        )
        served.runtime.settings.policy = policy
        refused = reign("promote", run.name, "--yes")
        assert (refused.code, "nothing goes there" in refused.err) == (4, True)


def test_settings_that_change_are_noted(here: Here) -> None:
    assert upkeep.note_settings(here.runtime)
    assert not upkeep.note_settings(here.runtime)
    here.runtime.settings.lease = 9.0
    here.runtime.settings.agents = {"bash": {"token": "hunter2-hunter2"}}
    assert upkeep.note_settings(here.runtime)
    keeper = upkeep.Upkeep(here.runtime)
    keeper.tick()
    keeper.tick()
    with here.runtime.database.read() as tx:
        last, first = audit.listing(tx, kind="settings.change")
    assert first.as_dict()["data"]["changed"] == []
    assert last.as_dict()["data"]["changed"] == ["agents.bash", "lease"]
    assert "hunter2" not in (last.data or "")
    assert last.as_dict()["data"]["settings"]["lease"] == 9.0
    policy = here.runtime.settings.data_dir / "policy.yaml"
    here.runtime.settings.policy = policy
    assert upkeep.note_settings(here.runtime)
    policy.write_text("rules: []\n")
    assert upkeep.note_settings(here.runtime)
    assert not upkeep.note_settings(here.runtime)
