"""``python -m benchmarks.scale``: one JSON line for each size, and one for the history. In this process, on SQLite.

- plan: checking a plan of n tasks; compile: rows and segments; insert: the run in the state; all should be linear.
  CPU seconds, so that what else runs on the machine does not matter much
- message: the bytes of the largest message of the canvas; should not depend on n
- history: the time of a run's whole way through the state with many finished runs there, as a ratio to without
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from reign.broker.app import make_app
from reign.broker.messages import Signer
from reign.config import Settings
from reign.core.check import checked, parse_plan
from reign.core.outcome import Succeeded
from reign.core.plan import OnFailure, Plan
from reign.engine.canvas import canvas
from reign.engine.compile import compile_plan
from reign.executor import registry
from reign.store import claims, outbox, recording, recovery, release, runs, schema
from reign.store.database import Database
from reign.store.outbox import Posting
from reign.store.runs import NewRun

SIZES = (10, 100, 1_000, 3_000, 10_000)


def layered(count: int, width: int = 50) -> dict[str, Any]:
    """``count`` tasks in layers that are not series-parallel: each needs two of the layer before."""
    tasks: dict[str, Any] = {}
    for i in range(count):
        before = i - i % width - width
        needs = [f"t{before + i % width}", f"t{before + (i + 1) % width}"] if before >= 0 else []
        tasks[f"t{i}"] = {"uses": "validation.http", "needs": needs, "with": {"url": "http://127.0.0.1/"}}
    return {"name": "scale", "tasks": tasks}


def curve(database: Database, settings: Settings, sizes: tuple[int, ...]) -> None:
    """A line for each size: CPU seconds (the best of three), microseconds a task and edge, bytes of a message."""
    app = make_app(settings, registry.catalog().agents)
    signer = Signer(b"scale")
    for count in sizes:
        content = layered(count)
        times = []
        for attempt in range(3):
            began = time.process_time()
            plan = checked(parse_plan(content), registry.catalog(), {}, None)
            planned = time.process_time()
            rows = compile_plan(plan, segment_limit=settings.segment_limit)
            compiled = time.process_time()
            with database.write() as tx:
                new = NewRun(f"scale-{count}-{attempt}", plan.as_file(), "scale", "d", "dev", "/", "file", "me", "stop")
                _, ready = runs.insert(tx, new, rows, time.time())
            times.append((planned - began, compiled - planned, time.process_time() - compiled))
        plan_s, compile_s, insert_s = (min(column) for column in zip(*times, strict=True))
        group = canvas(app, signer, [Posting("scale", item) for item in ready])
        parts = count + sum(len(row.needs) for row in rows)
        line = {
            "tasks": count,
            "plan_s": round(plan_s, 4),
            "compile_s": round(compile_s, 4),
            "insert_s": round(insert_s, 4),
            "us_a_task_and_edge": round((plan_s + compile_s) / parts * 1e6, 1),
            "largest_message_bytes": max(len(json.dumps(task)) for task in group.tasks),
        }
        print(json.dumps(line), flush=True)


def way(database: Database, plan: Plan, number: int) -> float:
    """Seconds that one run takes through the state: submit, claim and record each task, and the reconciler's looks."""
    began = time.perf_counter()
    now = time.time()
    rows = compile_plan(plan, segment_limit=8)
    with database.write() as tx:
        record, ready = runs.insert(
            tx, NewRun(f"way-{number}", {}, "way", "d", "dev", "/", "file", "me", "stop"), rows, now
        )
        run_id = record.id
        release.post(tx, ready, now)
    while ready:
        with database.write() as tx:
            claim = claims.claim(tx, ready[0].task_id, "w", now)
        assert claim is not None
        with database.write() as tx:
            done = recording.record(tx, claim, Succeeded({}), now, on_failure=OnFailure.STOP, environment="dev")
            release.post(tx, done.ready, now)
        ready = [*ready[1:], *done.ready]
    with database.write() as tx:
        outbox.due(tx, now)
        claims.holders(tx)
        outbox.waiting(tx, "validation", now, 100)
        recovery.finish_stuck(tx, now)
        runs.by_id(tx, run_id)
    return time.perf_counter() - began


def history(database: Database, finished: int, rounds: int) -> None:
    """The ratio of a run's way with ``finished`` old runs (of four tasks and twenty events) to the way without."""
    plan = checked(parse_plan(layered(20, width=4)), registry.catalog(), {}, None)
    way(database, plan, -1)
    fresh = [way(database, plan, number) for number in range(rounds)]
    with database.write() as tx:
        fill(tx, finished)
    old = [way(database, plan, number) for number in range(rounds, 2 * rounds)]
    line = {
        "finished_runs": finished,
        "fresh_ms": round(statistics.median(fresh) * 1e3, 2),
        "full_ms": round(statistics.median(old) * 1e3, 2),
        "ratio": round(statistics.median(old) / statistics.median(fresh), 3),
    }
    print(json.dumps(line), flush=True)


def fill(tx: Any, count: int) -> None:
    """Finished runs as they stand in the state, written by the database itself."""
    numbers = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})"
    first = 1_000_000
    statements = (
        f"""{numbers} INSERT INTO runs (id, name, kind, state, plan, plan_name, digest, environment, source, workdir,
            requested_by, on_failure, task_count, stopping, cancel_requested, created_at, ended_at)
            SELECT {first} + i, 'old-' || i, 'apply', 'succeeded', '{{}}', 'old', 'd', 'dev', 'file', '/', 'me',
            'stop', 4, 0, 0, i, i + 1 FROM n""",
        *(
            f"""{numbers} INSERT INTO tasks (id, run_id, name, uses, agent, spec, state, asks_status, sink, ready_at)
            SELECT (({first} + i) << 20) | {ordinal}, {first} + i, 't{ordinal}', 'probe.noop', 'probe', '{{}}',
            'succeeded', 0, 0, i FROM n"""
            for ordinal in range(4)
        ),
        *(
            f"""{numbers} INSERT INTO events (run_id, task_id, kind, at)
            SELECT {first} + i, (({first} + i) << 20) | {number % 4}, 'task.succeeded', i FROM n"""
            for number in range(20)
        ),
    )
    for statement in statements:
        tx.exec_driver_sql(statement)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--most", type=int, default=SIZES[-1], help="tasks of the largest plan")
    parser.add_argument("--finished", type=int, default=100_000, help="finished runs in the state; 0: leave it out")
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="reign-scale-") as folder:
        settings = Settings.load(data_dir=Path(folder))
        database = Database(settings.database)
        schema.upgrade(database)
        curve(database, settings, tuple(size for size in SIZES if size <= options.most))
        if options.finished:
            history(database, options.finished, options.rounds)
        database.close()


if __name__ == "__main__":
    main()
