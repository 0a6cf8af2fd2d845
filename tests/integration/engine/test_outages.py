"""What REIGN stands on fails in the middle of a run: the database, the disk, the clock, the relay's own process."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reign.core.errors import Unavailable
from reign.core.outcome import Succeeded
from reign.core.plan import OnFailure, Plan, Task
from reign.core.states import RunState, TaskState
from reign.engine.compile import compile_plan
from reign.engine.reconcile import Reconciler
from reign.engine.spine import Spine
from reign.store import claims, locks, recording, release, runs, schema, workers
from reign.store.database import Database
from reign.store.runs import NewRun
from tests.engines.installation import Installation, end, until
from tests.engines.postgres import Missing, Postgres
from tests.engines.required import missing

pytestmark = pytest.mark.chaos

#: A worker whose wall clock can be set from outside; its monotonic clock goes on as the kernel's does.
CLOCK = """
import pathlib, time
_real, _file = time.time, pathlib.Path({path!r})
time.time = lambda: _real() + float(_file.read_text() or 0)
"""


def lines(count: int, seconds: float = 0.0, gate: str | None = None) -> dict[str, Any]:
    """A plan of two chains side by side, each task a line in a ledger."""
    tasks = {
        f"t{i}": {
            "uses": "probe.append",
            "needs": [f"t{i - 2}"] if i > 1 else [],
            "with": {"ledger": "ledger", "line": f"l{i}", "seconds": seconds, "gate": gate},
        }
        for i in range(count)
    }
    return {"name": "outages", "tasks": tasks}


def each_once(folder: Path, count: int) -> None:
    assert sorted((folder / "ledger").read_text().split()) == sorted(f"l{i}" for i in range(count))


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Installation]:
    """Broker and schema on SQLite."""
    installation = Installation(tmp_path, lease=2.0, heartbeat=0.3)
    installation.prepare()
    yield installation
    installation.close()


@pytest.fixture
def server() -> Iterator[Postgres]:
    """A PostgreSQL of the test's own, to be halted and started again."""
    try:
        made = Postgres()
    except Missing as error:
        missing("postgres", str(error))
    made.start()
    yield made
    made.stop()


def test_postgres_restarted_in_the_middle_of_a_run(server: Postgres, tmp_path: Path) -> None:
    installation = Installation(tmp_path, database_url=server.database("reign"), lease=3.0, heartbeat=0.3)
    try:
        installation.prepare()
        installation.start_general()
        installation.start_worker("probe")
        run = installation.submit(lines(8, 0.2))
        until(lambda: installation.tasks(run)["t0"].state is TaskState.SUCCEEDED)
        server.halt()
        server.boot()
        installation.runtime.database.close()  # this process's own connections have died too
        assert installation.wait(run).state is RunState.SUCCEEDED, installation.log()
        each_once(tmp_path, 8)
    finally:
        installation.close()


def test_a_task_that_runs_while_postgres_is_away_for_longer_than_a_lease_is_made_again(
    server: Postgres, tmp_path: Path
) -> None:
    installation = Installation(tmp_path, database_url=server.database("reign"), lease=1.5, heartbeat=0.3)
    try:
        installation.prepare()
        installation.start_general()
        installation.start_worker("probe")
        run = installation.submit(lines(2, gate="go"))
        until(lambda: (tmp_path / "go.waits").exists())
        server.halt()
        until(lambda: "lost the database for too long" in installation.log())
        server.boot()
        installation.runtime.database.close()
        (tmp_path / "go").touch()
        assert installation.wait(run).state is RunState.SUCCEEDED, installation.log()
        each_once(tmp_path, 2)
    finally:
        installation.close()


def test_what_postgres_loses_in_a_crash_is_done_again(server: Postgres, tmp_path: Path) -> None:
    """The ends of attempts that change nothing are not on the disk at once: a server that dies takes them with it."""
    server.halt()
    late = "wal_writer_delay=10s"  # what no commit waits for is written as late as may be
    server.boot(late)
    installation = Installation(tmp_path, database_url=server.database("reign"), lease=2.0, heartbeat=1.0)
    try:
        installation.prepare()
        general, worker = installation.start_general(), installation.start_worker("probe", pool="solo")
        waits = {"uses": "probe.sleep", "with": {"seconds": 0.005}}
        chain = {f"t{i}": {**waits, "needs": [f"t{i - 1}"] if i else []} for i in range(500)}
        run = installation.submit({"name": "reads", "tasks": chain})

        def ended() -> int:
            return sum(task.state is TaskState.SUCCEEDED for task in installation.tasks(run).values())

        lost = crashes = 0
        while not lost and crashes < 6:
            before = ended()
            until(lambda before=before: ended() >= before + 20)  # type: ignore[misc]
            general.send_signal(signal.SIGSTOP)  # a commit of its own would take all earlier ones to the disk
            seen = ended()
            until(lambda seen=seen: ended() >= seen + 5)  # type: ignore[misc]
            worker.send_signal(signal.SIGSTOP)
            seen = ended()
            server.halt()
            server.boot(late)
            installation.runtime.database.close()  # this process's own connections have died too
            lost, crashes = seen - ended(), crashes + 1
            for process in (general, worker):
                process.send_signal(signal.SIGCONT)
        assert lost > 0, "else this test shows nothing"
        assert installation.wait(run).state is RunState.SUCCEEDED, installation.log()
        assert ended() == 500
    finally:
        installation.close()


def test_the_relay_dies_between_publish_and_mark(made: Installation, tmp_path: Path) -> None:
    assert made.valkey is not None
    end(made.valkey, 9)
    run = made.submit(lines(4, 0.0))  # nobody takes the messages: the outbox keeps them
    made.start_broker()
    made.start_general(REIGN_TESTING="1", REIGN_CRASH_POINT=f"relay-after-publish@{tmp_path / 'died'}")
    until(lambda: (tmp_path / "died").exists())
    assert made.runtime.redis.lengths(["probe"])["probe"] > 0, "published, and not marked"
    made.start_general()
    made.start_worker("probe")
    assert made.wait(run).state is RunState.SUCCEEDED
    each_once(tmp_path, 4)
    assert {task.attempt for task in made.tasks(run).values()} == {1}, "the second message changed nothing"


class NoChain:
    """The chain of a message that carries nothing else."""

    def head(self) -> int | None:
        return None

    def advance(self) -> None:
        raise AssertionError

    def drop(self) -> None:
        return


def test_a_claim_that_the_database_forgot_to_confirm_is_freed(made: Installation, monkeypatch: Any) -> None:
    """The database goes away between the claim and the intent: this worker lives on and does not have the task."""
    run = made.submit(lines(1, 0.0))
    task = made.tasks(run)["t0"]
    spine = Spine(made.runtime, ["probe"])
    spine.pulse.start()
    first = spine.pulse.worker
    acquire = locks.acquire

    def gone(*_: Any) -> None:
        raise Unavailable("the database does not answer")

    monkeypatch.setattr(locks, "acquire", gone)
    with pytest.raises(Unavailable):
        spine.carry_out(task.id, NoChain())
    monkeypatch.setattr(locks, "acquire", acquire)
    assert made.tasks(run)["t0"].worker == first
    reconciler = Reconciler(made.runtime, made.general)
    until(lambda: first in reconciler.free_dead(), every=0.1)
    assert made.tasks(run)["t0"].state is TaskState.READY
    spine.carry_out(task.id, NoChain())
    assert made.wait(run).state is RunState.SUCCEEDED
    with made.runtime.database.read() as tx:
        assert [worker.id for worker in workers.listing(tx)] == [spine.pulse.worker]
    spine.pulse.stop()
    each_once(made.folder, 1)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 24 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)], capture_output=True)
    if done.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {done.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(disk: Path) -> None:
    """Leave no room on it but what the file ``filler`` takes."""
    with (disk / "filler").open("wb", buffering=0) as filler, contextlib.suppress(OSError):
        while filler.write(b"x" * 4096):
            continue


def test_a_full_disk_stops_the_run_and_loses_nothing(small_disk: Path, tmp_path: Path) -> None:
    """The state is on the small disk, the ledger is not: what is done cannot be recorded until there is room."""
    (tmp_path / "data").symlink_to(small_disk)
    installation = Installation(tmp_path, lease=3.0, heartbeat=0.3)
    try:
        installation.prepare()
        installation.start_general()
        installation.start_worker("probe")
        run = installation.submit(lines(6, 0.2))
        until(lambda: installation.tasks(run)["t0"].state is TaskState.SUCCEEDED)
        fill(small_disk)
        until(lambda: "disk is full" in installation.log() or "disk I/O error" in installation.log())
        assert not installation.look(run).ended
        (small_disk / "filler").unlink()
        assert installation.wait(run).state is RunState.SUCCEEDED, installation.log()
        each_once(tmp_path, 6)
    finally:
        installation.close()


def test_a_task_that_runs_while_the_disk_is_full_for_longer_than_a_lease_ends_well(
    small_disk: Path, tmp_path: Path
) -> None:
    (tmp_path / "data").symlink_to(small_disk)
    installation = Installation(tmp_path, lease=1.0, heartbeat=0.2)
    try:
        installation.prepare()
        installation.start_general()
        installation.start_worker("probe")
        run = installation.submit(lines(1, gate="go"))
        until(lambda: (tmp_path / "go.waits").exists())
        fill(small_disk)
        full = time.monotonic()
        until(lambda: time.monotonic() > full + 2.5 * installation.settings.lease)
        (tmp_path / "go").touch()
        until(lambda: (tmp_path / "ledger").exists())
        (small_disk / "filler").unlink()
        assert installation.wait(run).state is RunState.SUCCEEDED, installation.log()
        each_once(tmp_path, 1)
    finally:
        installation.close()


@pytest.fixture(scope="module")
def clock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A service and a worker whose clock the file ``offset`` sets."""
    folder = tmp_path_factory.mktemp("clock")
    (folder / "offset").write_text("0")
    (folder / "site").mkdir()
    (folder / "site" / "sitecustomize.py").write_text(CLOCK.format(path=str(folder / "offset")))
    installation = Installation(folder, lease=2.0, heartbeat=0.3)
    installation.prepare()
    installation.start_general()
    installation.start_worker("probe", PYTHONPATH=f"{folder / 'site'}:{Path.cwd()}")
    yield installation
    installation.close()


def test_the_clock_of_a_worker_jumps(clock: Installation) -> None:
    offset = clock.folder / "offset"
    run = clock.submit(lines(7, 0.2))
    for done, jump in (("t0", 3600.0), ("t2", -3600.0), ("t4", 0.0)):
        until(lambda done=done: clock.tasks(run)[done].state is TaskState.SUCCEEDED)  # type: ignore[misc]
        offset.write_text(str(jump))
    assert clock.wait(run).state is RunState.SUCCEEDED, clock.log()
    each_once(clock.folder, 7)
    tasks = clock.tasks(run).values()
    assert {task.attempt for task in tasks} == {1}, "no claim was taken from the worker"
    assert max(task.ended_at or 0.0 for task in tasks) - min(task.ended_at or 0.0 for task in tasks) > 1800, "it jumped"
    with clock.runtime.database.read() as tx:
        assert len(workers.listing(tx)) == 1


def test_two_predecessors_that_end_together_release_their_successor_once(database_url: str, tmp_path: Path) -> None:
    installation = Installation(tmp_path, database_url=database_url)
    database = Database(installation.settings.database)
    schema.upgrade(database)
    needs = {"a": (), "b": (), "c": ("a", "b")}
    plan = Plan(name="join", tasks={name: Task(uses="probe.noop", needs=other) for name, other in needs.items()})
    for number in range(25):
        with database.write() as tx:
            new = NewRun(f"join-{number}", {}, "join", "d", "dev", "/", "file", "me", "stop")
            record, ready = runs.insert(tx, new, compile_plan(plan, segment_limit=8), 1.0)
            run_id = record.id
            release.post(tx, ready, 1.0)
            found = [claims.claim(tx, item.task_id, "w", 1.0) for item in ready]
        both = [claim for claim in found if claim]
        together = threading.Barrier(2)
        released: list[int] = []

        def finish(claim: claims.Claim, together: threading.Barrier = together, out: list[int] = released) -> None:
            together.wait()
            with database.write() as tx:
                done = recording.record(
                    tx, claim, Succeeded({}), 2.0, on_failure=OnFailure.STOP, environment="dev"
                ).ready
            out.extend(item.task_id for item in done)

        threads = [threading.Thread(target=finish, args=(claim,)) for claim in both]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(released) == 1
        with database.read() as tx:
            assert [t.state for t in runs.tasks_of(tx, run_id)] == ["succeeded", "succeeded", "ready"]
    database.close()
    installation.close()


def test_a_large_result_flows_and_stays_out_of_the_broker(clock: Installation) -> None:
    made, large = clock, "x" * 2_000_000
    before = made.runtime.redis.client.info("stats")["total_net_input_bytes"]
    flows = {"uses": "probe.noop", "needs": ["a"], "with": {"value": "${{ length(tasks.a.result.value) }}"}}
    run = made.submit({"name": "large", "tasks": {"a": {"uses": "probe.noop", "with": {"value": large}}, "b": flows}})
    assert made.wait(run).state is RunState.SUCCEEDED
    assert made.tasks(run)["b"].result["value"] == len(large)
    taken = made.runtime.redis.client.info("stats")["total_net_input_bytes"] - before
    assert taken < 100_000, f"{taken} bytes went through the broker"
