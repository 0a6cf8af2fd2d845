from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from tests.engines.bash import processes_about
from tests.unit.workers.bash.warden.conftest import Warden, in_child, soon
from workers.bash.warden import watch
from workers.bash.warden.order import Limits, Order, Stay, Verdict, Walls

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


def test_the_exit_code_is_the_commands(warden: Warden) -> None:
    assert warden.run("echo hi > out; exit 7") == 7
    assert (warden.folder / "out").read_text() == "hi\n"
    assert warden.verdict == Verdict(started=True, exit_code=7)
    assert not (warden.folder / "order.json").exists()


def test_a_signal_is_told_as_shells_do(warden: Warden) -> None:
    assert warden.run("kill -KILL $$") == 128 + signal.SIGKILL


def test_what_it_leaves_behind_is_ended(warden: Warden) -> None:
    assert warden.run("sleep 300 & (setsid sleep 300 &) ; exit 0") == 0
    # Bubblewrap's namespace ends with its first process: what was left is often gone before it can be counted.
    assert warden.verdict.left >= (0 if warden.kind == "bubblewrap" else 1)
    assert processes_about(warden.folder) == []


def test_too_many_processes_end_it(warden: Warden) -> None:
    warden.run("for i in $(seq 60); do sleep 300 & done; wait", processes=20)
    assert warden.verdict.killed == "more than 20 processes"
    assert warden.verdict.started


def test_too_much_memory_all_together_ends_it(warden: Warden) -> None:
    hold = "python3 -c 'import time; x = bytearray(b\"x\") * (40 << 20); time.sleep(300)'"
    warden.run(f"{hold} & {hold} & {hold} & wait", memory=90 << 20)
    assert warden.verdict.killed == "more than 90 MiB of memory"


def test_a_stop_is_passed_on_and_insisted_on(warden: Warden) -> None:
    child = warden.start("trap 'echo tidied > tidied' TERM; touch up; while :; do sleep 0.05; done")
    soon(lambda: (warden.folder / "up").exists())
    assert child.pid
    os.kill(child.pid, signal.SIGTERM)
    child.join(10)
    assert (warden.folder / "tidied").exists()
    assert warden.verdict.asked
    assert warden.verdict.exit_code == 128 + signal.SIGKILL


def test_limits_of_files_and_processor(warden: Warden) -> None:
    warden.run("ulimit -n; ulimit -n > files; ulimit -c > core", open_files=77, cpu=5, file_size=1 << 20)
    assert (warden.folder / "files").read_text() == "77\n"
    assert (warden.folder / "core").read_text() == "0\n"


def test_a_program_that_is_not_there_never_started(warden: Warden) -> None:
    path = warden.folder / "order.json"
    verdict = warden.folder / "verdict.json"
    Order(["/nowhere/tool"], str(warden.folder), str(verdict), warden.walls(), Limits()).write(path)
    assert in_child(watch.main, path) != 0
    assert not warden.verdict.started


def test_a_process_that_stays_is_recorded_and_logged(warden: Warden) -> None:
    folder = warden.folder
    stay = Stay(str(folder / "record.json"), str(folder / "out.log"), 2000, "token", {"command": "x"})
    wait = "for i in $(seq 200); do [ -e enough ] && break; sleep 0.05; done"
    command = f"for i in $(seq 500); do echo line $i; done; touch up; {wait}; echo end"
    assert warden.keep(command, stay) == 0, "the one that the worker waits for is told when the record stands"
    assert (folder / "record.json").exists()
    soon(lambda: (folder / "up").exists())
    (folder / "enough").touch()
    soon(lambda: not (folder / "record.json").exists() and (folder / "verdict.json").exists())
    assert warden.verdict == Verdict(started=True, exit_code=0, left=0)
    assert (folder / "out.log").read_text().endswith("end\n")
    assert sum(path.stat().st_size for path in folder.glob("out.log*")) <= 2000
    soon(lambda: processes_about(folder) == [])


def test_the_walls_must_be_known(tmp_path: Path) -> None:
    path = tmp_path / "order.json"
    Order(["true"], str(tmp_path), str(tmp_path / "verdict.json"), Walls("paper"), Limits()).write(path)
    assert in_child(watch.main, path) == 126
    assert Verdict.read(tmp_path / "verdict.json") == Verdict(started=False, exit_code=126)


def test_an_order_is_for_nobody_else_to_read(warden: Warden) -> None:
    path = warden.order("true")
    assert path.stat().st_mode & 0o077 == 0
    assert Order.read(path).walls == warden.walls()


def test_a_verdict_that_is_none(tmp_path: Path) -> None:
    assert Verdict.read(tmp_path / "none") is None
    (tmp_path / "half").write_text("{")
    assert Verdict.read(tmp_path / "half") is None


def test_a_parent_that_is_gone_already_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    parents = iter([10, 1])
    monkeypatch.setattr(watch.os, "getppid", lambda: next(parents))
    monkeypatch.setattr(watch, "prctl", lambda *_: None)
    with pytest.raises(SystemExit):
        watch.follow_parent()


def test_it_takes_little_time(warden: Warden) -> None:
    started = time.monotonic()
    warden.run("true")
    assert time.monotonic() - started < 3
