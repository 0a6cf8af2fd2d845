"""What dies, and what becomes of the run: real processes, SIGKILL, no mocks."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

from reign.core.states import RunState, TaskState
from reign.engine.crash import POINTS
from reign.store import claims, recording
from reign.store.claims import StaleClaim
from tests.engines.installation import Installation, end, until

pytestmark = pytest.mark.chaos


def plan(**tasks: Any) -> dict[str, Any]:
    return {"name": "deaths", "tasks": tasks}


def line(text: str, *needs: str, seconds: float = 0.0, gate: str | None = None) -> dict[str, Any]:
    return {
        "uses": "probe.append",
        "needs": list(needs),
        "with": {"ledger": "ledger", "line": text, "seconds": seconds, "gate": gate},
    }


@pytest.mark.parametrize("point", [p for p in POINTS if p != "relay-after-publish"])
def test_a_worker_that_dies_at_any_point_loses_nothing_and_does_nothing_twice(
    installation: Installation, tmp_path: Path, point: str
) -> None:
    installation.start_general()
    installation.start_worker("probe", REIGN_TESTING="1", REIGN_CRASH_POINT=f"{point}@{tmp_path / 'died'}")
    run = installation.submit(plan(a=line("one"), b=line("two", "a"), c=line("three", "b")))
    until(lambda: (tmp_path / "died").exists())
    installation.start_worker("probe")
    assert installation.wait(run).state is RunState.SUCCEEDED, installation.log()
    assert (tmp_path / "ledger").read_text() == "one\ntwo\nthree\n"


def test_what_cannot_be_inspected_needs_a_person(installation: Installation, tmp_path: Path) -> None:
    installation.start_general()
    installation.start_worker("probe", REIGN_TESTING="1", REIGN_CRASH_POINT=f"after-apply@{tmp_path / 'died'}")
    task = {"uses": "probe.blind", "with": {"ledger": "ledger", "line": "one"}}
    run = installation.submit(plan(a=task, b=line("two", "a")))
    until(lambda: (tmp_path / "died").exists())
    installation.start_worker("probe")
    assert installation.wait(run).state is RunState.NEEDS_ATTENTION
    assert (tmp_path / "ledger").read_text() == "one\n", "never a blind second apply"
    installation.general.resolve(run.name, "a", "done", by="me")
    assert installation.wait(run).state is RunState.SUCCEEDED
    assert (tmp_path / "ledger").read_text() == "one\ntwo\n"


def test_a_killed_child_of_a_prefork_pool(installation: Installation, tmp_path: Path) -> None:
    installation.start_general()
    installation.start_worker(
        "probe", pool="prefork", concurrency=2, REIGN_TESTING="1", REIGN_CRASH_POINT=f"after-intent@{tmp_path / 'died'}"
    )
    run = installation.submit(plan(a=line("one"), b=line("two", "a")))
    assert installation.wait(run).state is RunState.SUCCEEDED
    assert (tmp_path / "ledger").read_text() == "one\ntwo\n"
    until(lambda: not list(Path(tempfile.gettempdir()).glob(f"reign-{run.name}-*")))


def test_valkey_wiped_in_the_middle_of_a_run(installation: Installation, tmp_path: Path) -> None:
    installation.start_general()
    installation.start_worker("probe")
    tasks = {f"t{i}": line(f"l{i}", *([f"t{i - 1}"] if i else []), seconds=0.2) for i in range(6)}
    tasks |= {f"w{i}": line(f"w{i}", seconds=0.1) for i in range(10)}
    run = installation.submit(plan(**tasks))
    until(lambda: installation.tasks(run)["w0"].state is TaskState.SUCCEEDED)
    installation.runtime.redis.client.flushall()
    assert installation.wait(run).state is RunState.SUCCEEDED
    lines = (tmp_path / "ledger").read_text().splitlines()
    assert sorted(lines) == sorted({*lines})
    assert len(lines) == 16


def test_valkey_restarted(installation: Installation, tmp_path: Path) -> None:
    installation.start_general()
    installation.start_worker("probe")
    run = installation.submit(plan(**{f"w{i}": line(f"w{i}", seconds=0.1) for i in range(10)}))
    until(lambda: installation.tasks(run)["w0"].state is TaskState.SUCCEEDED)
    assert installation.valkey is not None
    end(installation.valkey, signal.SIGKILL)
    installation.start_broker()
    assert installation.wait(run).state is RunState.SUCCEEDED
    assert len((tmp_path / "ledger").read_text().splitlines()) == 10


def test_valkey_hangs_and_goes_on(tmp_path: Path, database_url: str) -> None:
    installation = Installation(tmp_path, database_url=database_url, lease=2.0, heartbeat=0.3, socket_timeout=0.5)
    installation.prepare()
    try:
        installation.start_general(REIGN_SOCKET_TIMEOUT="0.5")
        installation.start_worker("probe", REIGN_SOCKET_TIMEOUT="0.5")
        first = installation.submit(plan(a=line("a"), b=line("b", "a")))
        until(lambda: installation.tasks(first)["a"].state is not TaskState.READY)
        assert installation.valkey is not None
        installation.valkey.send_signal(signal.SIGSTOP)
        second = installation.submit(plan(c=line("c")))  # its message cannot be sent, and it is kept all the same
        installation.valkey.send_signal(signal.SIGCONT)
        assert [installation.wait(run).state for run in (first, second)] == [RunState.SUCCEEDED] * 2
        assert sorted((tmp_path / "ledger").read_text().split()) == ["a", "b", "c"]
    finally:
        installation.close()


def test_the_general_dies_and_another_takes_over(installation: Installation, tmp_path: Path) -> None:
    first = installation.start_general()
    installation.start_general()
    worker = installation.start_worker("probe")
    run = installation.submit(plan(a=line("one", seconds=30), b=line("two", "a")))
    until(lambda: installation.tasks(run)["a"].state is TaskState.RUNNING)
    end(first, signal.SIGKILL)
    end(worker, signal.SIGKILL)
    until(lambda: installation.tasks(run)["a"].state is TaskState.READY)
    installation.general.cancel(run.name)
    assert installation.wait(run).state is RunState.CANCELLED


def test_the_same_message_five_times(installation: Installation, tmp_path: Path) -> None:
    from reign.store.outbox import Posting
    from reign.store.release import Ready

    run = installation.submit(plan(a=line("one")))
    task = installation.tasks(run)["a"]
    ready = Ready(task.id, "a", "probe.append", "probe", None, 0)
    for _ in range(4):
        assert installation.runtime.dispatcher.publish([Posting(run.name, ready)])
    installation.start_worker("probe")
    installation.start_worker("probe")
    assert installation.wait(run).state is RunState.SUCCEEDED
    assert (tmp_path / "ledger").read_text() == "one\n"
    assert installation.tasks(run)["a"].attempt == 1


def test_a_stale_fence_cannot_record(installation: Installation) -> None:
    from reign.core.outcome import Back, Succeeded
    from reign.core.plan import OnFailure

    run = installation.submit(plan(a=line("one")))
    task = installation.tasks(run)["a"]
    database = installation.runtime.database
    with database.write() as tx:
        first = claims.claim(tx, task.id, "w1", time.time())
    assert first is not None
    with database.write() as tx:
        assert claims.claim(tx, task.id, "w2", time.time()) is None
        recording.record(tx, first, Back("gone"), time.time(), on_failure=OnFailure.STOP, environment="dev")
    with database.write() as tx:
        assert claims.claim(tx, task.id, "w2", time.time()) is not None
    with pytest.raises(StaleClaim), database.write() as tx:
        recording.record(tx, first, Succeeded({}), time.time(), on_failure=OnFailure.STOP, environment="dev")
    assert installation.tasks(run)["a"].state is TaskState.RUNNING


def test_sigterm_lets_running_work_end(installation: Installation, tmp_path: Path) -> None:
    installation.start_general()
    worker = installation.start_worker("probe")
    run = installation.submit(plan(a=line("one", gate="go"), b=line("two", "a")))
    until(lambda: (tmp_path / "go.waits").exists())
    os.kill(worker.pid, signal.SIGTERM)
    until(lambda: "Warm shutdown" in installation.log())
    (tmp_path / "go").touch()
    assert installation.leaves(worker) == 0, installation.log()
    assert installation.tasks(run)["a"].state is TaskState.SUCCEEDED
    installation.start_worker("probe")
    assert installation.wait(run).state is RunState.SUCCEEDED
    assert (tmp_path / "ledger").read_text() == "one\ntwo\n"
