"""Old runs: what goes into the archive, what stays in the state, and that the rest is still there to go back to."""

from __future__ import annotations

import dataclasses
import gzip
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from reign.config import Settings
from reign.core.errors import Unavailable
from reign.core.outcome import Succeeded
from reign.core.plan import OnFailure, Plan, Task
from reign.core.resource import Change, Observation
from reign.engine.compile import compile_plan
from reign.engine.retention import Retention
from reign.engine.rollback import rollback_plan
from reign.engine.runtime import Runtime
from reign.store import claims, events, recording, retention, runs, schema
from reign.store.runs import NewRun
from reign.store.tables import logs
from reign.store.tables import runs as run_table

DAY = 86400.0


def made(runtime: Runtime, name: str, ended: float | None, lines: int = 3) -> int:
    """A run of one task that changed something and said some lines; ``ended``: seconds ago, None: it still goes on."""
    plan = Plan(name="p", tasks={"a": Task(uses="probe.append", with_={"ledger": "l", "line": name})})
    now = time.time() - (ended or 0.0)
    with runtime.database.write() as tx:
        new = NewRun(name, plan.as_file(), "p", "d", "dev", "/", "file", "me", "stop")
        record, ready = runs.insert(tx, new, compile_plan(plan, segment_limit=8), now)
        run_id = record.id
        claim = claims.claim(tx, ready[0].task_id, "w", now)
        assert claim is not None
        rows = [{"stream": "out", "text": f"line {i}", "attempt": 1, "at": now} for i in range(lines)]
        tx.execute(logs.insert(), [{"run_id": run_id, "task_id": claim.task_id, **row} for row in rows])
        if ended is not None:
            before, after = (Observation(resource="probe:line/x", exists=there) for there in (False, True))
            recording.intend(tx, claim, {"line": name}, [before], "dev", name, now)
            change = Change(resource="probe:line/x", before=before, after=after)
            recording.record(
                tx,
                claim,
                Succeeded({}, (change,)),
                now,
                on_failure=OnFailure.STOP,
                environment="dev",
                intended=True,
                after=[after],
            )
    return run_id


@pytest.fixture
def keeper(runtime: Runtime) -> Retention:
    return Retention(runtime)


def left(runtime: Runtime, run_id: int) -> tuple[int, int]:
    with runtime.database.read() as tx:
        return len(events.of_run(tx, run_id)), len(runs.log_lines(tx, run_id))


def archive(keeper: Retention, file: str) -> Iterator[dict[str, Any]]:
    with gzip.open(keeper.folder / file, "rt") as content:
        yield from (json.loads(line) for line in content)


def test_old_runs_go_into_files_and_new_ones_stay(runtime: Runtime, keeper: Retention) -> None:
    old, new, going = made(runtime, "old", 100 * DAY), made(runtime, "new", DAY), made(runtime, "going", None)
    before = left(runtime, old)
    assert before[0] > 3
    assert keeper.tick() == 1
    assert keeper.tick() == 0, "not again at once"
    assert left(runtime, old) == (0, 0)
    assert left(runtime, new)[1] == left(runtime, going)[1] == 3
    with runtime.database.read() as tx:
        found = retention.of_run(tx, old)
        assert found is not None
        assert (found.events, found.logs) == before
        assert retention.of_run(tx, new) is None
    lines = list(archive(keeper, found.file or ""))
    assert [line["kind"] for line in lines].count("log") == 3
    assert lines[0]["kind"] == "run"
    assert lines[0]["plan"]["tasks"]["a"]["uses"] == "probe.append"
    assert {line["what"] for line in lines if line["kind"] == "event"} >= {"run.succeeded", "task.succeeded"}


def test_what_a_way_back_needs_is_never_taken_out(runtime: Runtime, keeper: Retention) -> None:
    made(runtime, "old", 100 * DAY)
    with runtime.database.read() as tx:
        before = rollback_plan(tx, runs.find(tx, "old"))
    keeper.tick()
    with runtime.database.read() as tx:
        after = rollback_plan(tx, runs.find(tx, "old"))
    assert after.plan is not None
    assert before.plan is not None
    assert after.plan.as_file() == before.plan.as_file()


def test_a_death_between_the_file_and_the_rows_loses_nothing(
    runtime: Runtime, keeper: Retention, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = made(runtime, "old", 100 * DAY)
    monkeypatch.setattr(retention, "_BATCH", 2)
    prunings = []

    def dies(tx: Any, run: int) -> bool:
        prunings.append(run)
        if len(prunings) == 2:
            raise Unavailable("gone")
        return prune(tx, run)

    prune = retention.prune
    monkeypatch.setattr(retention, "prune", dies)
    with pytest.raises(Unavailable):
        keeper.tick()
    with runtime.database.read() as tx:
        found = retention.of_run(tx, run_id)
    assert found is not None
    whole = list(archive(keeper, found.file or ""))
    assert keeper.archive(20) == 0
    assert left(runtime, run_id) == (0, 0)
    assert list(archive(keeper, found.file or "")) == whole


@pytest.mark.parametrize(("given", "files"), [({"archive": False}, 0), ({"retain": 0.0}, None)])
def test_the_settings(tmp_path: Path, given: dict[str, Any], files: int | None) -> None:
    runtime = Runtime(Settings.load(data_dir=tmp_path / "data", **given))
    runtime.settings.writable_data_dir()
    schema.upgrade(runtime.database)
    keeper = Retention(runtime)
    run_id = made(runtime, "old", 1000 * DAY)
    keeper.tick()
    assert left(runtime, run_id)[1] == (3 if files is None else 0)
    assert not keeper.folder.exists()
    runtime.close()


def test_a_folder_that_takes_no_file_keeps_the_rows(runtime: Runtime, keeper: Retention) -> None:
    run_id = made(runtime, "old", 100 * DAY)
    keeper.folder.write_text("in the way")
    with pytest.raises(Unavailable):
        keeper.tick()
    assert left(runtime, run_id)[1] == 3


def _scans(plan: list[str]) -> list[str]:
    """Steps of a query plan that look at every row of a table that grows with the number of runs."""
    growing = ("runs", "tasks", "edges", "attempts", "events", "logs", "changes")
    return [
        step
        for step in plan
        if step.split()[1] in growing
        and (step.startswith("SCAN") or (step.startswith("SEARCH") and "USING" not in step))
    ]


def test_the_hot_queries_do_not_look_at_old_runs(runtime: Runtime, keeper: Retention) -> None:
    """All statements of a run's life, and of the reconciler's looks, as SQLite says it carries them out."""
    from reign.engine.fairness import TopUp
    from reign.store import holding, outbox, recovery, release, workers

    said: list[str] = []
    database = runtime.database
    with database.write() as tx:
        raw = tx.connection.driver_connection
    raw.set_trace_callback(said.append)
    made(runtime, "one", 1.0)
    plan = Plan(name="p", tasks={"a": Task(uses="probe.noop"), "b": Task(uses="probe.noop", needs=("a",))})
    now = time.time()
    with database.write() as tx:
        new = NewRun("two", {}, "p", "d", "dev", "/", "file", "me", "stop", idempotency_key="k")
        record, ready = runs.insert(tx, new, compile_plan(plan, segment_limit=1), now)
        run_id = record.id
        assert runs.by_idempotency_key(tx, "k")
        holding.places(tx, run_id, "probe", 4, 1)
        limits = [
            holding.Limit("run", run_id, 1),
            holding.Limit("pool", "probe", 1),
            holding.Limit("environment", "dev", 1),
        ]
        assert [holding.room(tx, limit) for limit in limits] == [1, 1, 1]
        holding.next_under(tx, limits, run_id)
        release.post(tx, ready, now - 10)
        holding.hold(tx, ready, now)
        holding.let_go(tx, holding.next_of_run(tx, run_id, "probe", 4), now - 10)
        outbox.due(tx, now)
        outbox.waiting(tx, "probe", now, 10)
        outbox.overtaken(tx, "probe", now, 10)
        claim = claims.claim(tx, ready[0].task_id, "w", now)
        assert claim is not None
        workers.look(tx, claim.task_id, claim.fence)
        claims.still_holds(tx, claim)
        claims.holders(tx)
        claims.of_workers(tx, ["w"])
        follow = recording.record(tx, claim, Succeeded({}), now, on_failure=OnFailure.STOP, environment="dev").ready
        recovery.finish_stuck(tx, now)
        claim = claims.claim(tx, follow[0].task_id, "w", now)
        assert claim is not None
        recording.record(tx, claim, Succeeded({}), now, on_failure=OnFailure.STOP, environment="dev")
        assert runs.by_id(tx, run_id).state == "succeeded"
    assert TopUp(runtime).tick() == 0
    raw.set_trace_callback(None)
    verbs = ("SELECT", "UPDATE", "DELETE")
    statements = {text for text in said if text.lstrip().upper().startswith(verbs)}
    assert len(statements) > 25
    slow: list[str] = []
    with database.read() as tx:
        for statement in sorted(statements):
            rows = tx.execute(sa.text("EXPLAIN QUERY PLAN " + statement.replace(":", "\\:")))
            steps = [row.detail for row in rows]
            if _scans(steps):
                slow.append(f"{statement}\n    {steps}")
    assert not slow, "\n".join(slow)


def test_the_run_table_is_read_by_its_indexes_only_where_it_is_asked_for_all(runtime: Runtime) -> None:
    """The measure of the test above finds what it is meant to find."""
    with runtime.database.read() as tx:
        rows = tx.execute(sa.text("EXPLAIN QUERY PLAN SELECT * FROM runs WHERE cause = 'x'"))
        assert _scans([row.detail for row in rows])


def test_an_archive_names_every_field_of_a_run(runtime: Runtime) -> None:
    run_id = made(runtime, "old", 100 * DAY)
    with runtime.database.read() as tx:
        first = next(retention.lines(tx, runs.by_id(tx, run_id)))
        assert {field.name for field in dataclasses.fields(runs.RunRecord)} <= set(first)
        assert tx.execute(sa.select(run_table.c.id)).scalars().all() == [run_id]
