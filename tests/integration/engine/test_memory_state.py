"""Memory and amendments in the state, on SQLite and on PostgreSQL."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient

from reign.api.memory import memory_routes
from reign.config import Settings
from reign.core.check import checked, parse_plan
from reign.core.errors import Conflict, InvalidInput, NotFound
from reign.core.states import RunState, TaskState
from reign.engine.compile import compile_plan
from reign.engine.preview import preview
from reign.engine.recollecting import Recollection
from reign.engine.remembering import Remembering
from reign.engine.runtime import Runtime
from reign.executor import registry
from reign.store import amend, events, memory, runs, schema
from reign.store.amend import TaskChange
from reign.store.jsontext import dump
from reign.store.tables import attempts, edges, task_key, tasks
from reign.store.tables import runs as run_table
from tests.integration.databases import database_url, postgres
from tests.unit.memory.builders import DAY, GOOD, bad, good

__all__ = ["database_url", "postgres"]


@pytest.fixture
def runtime(database_url: str, tmp_path: Path) -> Iterator[Runtime]:
    made = Runtime(Settings.load(data_dir=tmp_path, database_url=database_url))
    schema.upgrade(made.database)
    yield made
    made.close()


def started(runtime: Runtime, name: str, request: str | None = None, **plan_tasks: Any) -> int:
    """A run with its rows, as a submission makes them."""
    plan = checked(parse_plan({"name": "test", "tasks": plan_tasks}), registry.catalog())
    new = runs.NewRun(
        name=name, plan=plan.as_file(), plan_name="test", digest=plan.digest, environment="dev", workdir="/",
        source="file", requested_by="ada", on_failure="stop", request=request,
    )  # fmt: skip
    with runtime.database.write() as tx:
        record, _ = runs.insert(tx, new, compile_plan(plan, segment_limit=8), time.time())
        return record.id


def noop(*needs: str, value: Any = 1) -> dict[str, Any]:
    return {"uses": "probe.noop", "with": {"value": value}, "needs": list(needs)}


def attempt(runtime: Runtime, run_id: int, ordinal: int, number: int, how: str, at: float, **given: Any) -> None:
    state = {"succeeded": TaskState.SUCCEEDED, "failed": TaskState.FAILED}.get(how)
    with runtime.database.write() as tx:
        row = {"task_id": task_key(run_id, ordinal), "number": number, "fence": number, "outcome": how,
               "started_at": at, "ended_at": at + 5}  # fmt: skip
        tx.execute(attempts.insert().values(**{**row, **given}))
        if state is not None:
            values = {"state": state.value, "attempt": number, "fence": number, "error": given.get("error")}
            tx.execute(sa.update(tasks).where(tasks.c.id == task_key(run_id, ordinal)).values(**values))


def ended(runtime: Runtime, run_id: int, state: str, at: float) -> None:
    with runtime.database.write() as tx:
        tx.execute(sa.update(run_table).where(run_table.c.id == run_id).values(state=state, ended_at=at))
        others = sa.and_(tasks.c.run_id == run_id, tasks.c.state.in_(["pending", "ready"]))
        tx.execute(sa.update(tasks).where(others).values(state="skipped"))
        tx.execute(
            sa.update(edges).where(edges.c.needs_id.in_(sa.select(tasks.c.id).where(others))).values(satisfied=2)
        )
        events.add(tx, [events.row(run_id, None, f"run.{state}", at)])


ERROR = dump({"message": "the registry at 10.0.0.1 does not answer", "kind": "transient"})


def remembered(runtime: Runtime, now: float) -> Remembering:
    """Three runs: one that recovered, one that failed for good, one that was cancelled."""
    one = started(runtime, "run-one", "do nothing, please", a=noop())
    attempt(runtime, one, 0, 1, "ready", now - 100, error=ERROR, intent=False)
    attempt(runtime, one, 0, 2, "succeeded", now - 80, intent=True)
    ended(runtime, one, "succeeded", now - 70)
    two = started(runtime, "run-two", "do nothing, please", a=noop())
    attempt(runtime, two, 0, 1, "failed", now - 60, error=ERROR, intent=True)
    ended(runtime, two, "failed", now - 50)
    three = started(runtime, "run-three", a=noop())
    attempt(runtime, three, 0, 1, "cancelled", now - 40, intent=True)
    ended(runtime, three, "cancelled", now - 30)
    made = Remembering(runtime)
    assert made.remember(now) == 3
    return made


def test_ended_runs_become_episodes_once(runtime: Runtime) -> None:
    now = time.time()
    made = remembered(runtime, now)
    assert made.remember(now) == 0
    with runtime.database.read() as tx:
        seen = memory.episodes(tx, "probe.noop")
        past = memory.requests(tx)
    told = [(e.run, e.ok, e.sort, e.recovered, e.by, e.seconds) for e in sorted(seen, key=lambda e: e.at)]
    assert [item[:3] for item in told] == [
        ("run-one", False, "transient"), ("run-one", True, None), ("run-two", False, "transient"),
    ]  # fmt: skip
    assert told[1][3] == pytest.approx(15.0, abs=0.01), "from the end of the failure to the start of the success"
    assert seen[0].message == "the registry at N.N.N.N does not answer"
    assert {(item.run, item.ok) for item in past} == {("run-one", True), ("run-two", False)}
    with runtime.database.write() as tx:
        memory.move_cursor(tx, 0)
    assert made.remember(now) == 3
    with runtime.database.read() as tx:
        assert len(memory.episodes(tx, "probe.noop")) == 3, "known attempts change nothing"


def test_a_run_that_cannot_be_remembered_keeps_no_other_from_it(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    for name in ("bad", "good"):
        run_id = started(runtime, name, a=noop())
        attempt(runtime, run_id, 0, 1, "succeeded", now - 60)
        ended(runtime, run_id, "succeeded", now - 50)
    add = memory.add

    def broken(tx: Any, found: Any) -> int:
        if found[0][0].run == "bad":
            raise ValueError("an odd run")
        return add(tx, found)

    monkeypatch.setattr(memory, "add", broken)
    assert Remembering(runtime).remember(now) == 2
    with runtime.database.read() as tx:
        assert [e.run for e in memory.episodes(tx, "probe.noop")] == ["good"]


def test_what_has_just_ended_is_left_for_later(runtime: Runtime) -> None:
    now = time.time()
    run_id = started(runtime, "young", a=noop())
    attempt(runtime, run_id, 0, 1, "succeeded", now)
    ended(runtime, run_id, "succeeded", now)
    made = Remembering(runtime)
    assert made.remember(now) == 0
    assert made.remember(now + 5) == 1
    assert made.tick() == 0


def test_a_plan_shows_what_is_known(runtime: Runtime) -> None:
    made = remembered(runtime, time.time())
    catalog = registry.catalog()
    shown = preview(checked(parse_plan({"name": "p", "tasks": {"a": noop(), "b": noop("a")}}), catalog), catalog)
    about = made.about(shown, catalog, "do nothing please")
    assert about["memory"]["a"]["estimate"] == "~5s (from 1 run)"
    assert about["expected_seconds"] == 10.0
    assert [item["run"] for item in about["similar"]] == ["run-two"]
    assert made.about(shown, catalog, None)["similar"] == []
    assert made.added(shown.plan, catalog) == (shown.plan, []), "it adds nothing unless the settings say so"


def test_memory_adds_where_the_settings_let_it(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime.settings, "memory", "apply")
    now = time.time()
    seen = [*good(6, operation="probe.noop", recovered=20.0), *bad(6, operation="probe.noop")]
    with runtime.database.write() as tx:
        memory.add(tx, [(replace(e, at=now - i * DAY), 1) for i, e in enumerate(seen)])
    catalog = registry.catalog()
    plan = checked(parse_plan({"name": "p", "tasks": {"a": noop()}}), catalog)
    changed, notes = Remembering(runtime).added(plan, catalog)
    retry = changed.tasks["a"].retry
    assert retry is not None
    assert (retry.attempts, retry.delay) == (4, 20.0)
    assert notes[0].startswith("memory adds retry to a: probe.noop")
    monkeypatch.setattr(runtime.settings, "memory", "off")
    assert not Remembering(runtime).readable()


def test_no_database_is_made_for_a_look(tmp_path: Path) -> None:
    runtime = Runtime(Settings.load(data_dir=tmp_path / "none"))
    made = Remembering(runtime)
    catalog = registry.catalog()
    shown = preview(checked(parse_plan({"name": "p", "tasks": {"a": noop()}}), catalog), catalog)
    assert made.about(shown, catalog, "x") == {}
    assert not (tmp_path / "none").exists()
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "reign.db").touch()
    assert made.about(shown, catalog, "x") == {}, "an empty database is not understood, and does no harm"
    runtime.close()


def test_a_flood_of_one_requester_is_kept_small(runtime: Runtime) -> None:
    now = time.time()
    flood = [(replace(GOOD, by="mallory", at=now, pattern=f"{n % 50:016x}", run=f"f{n}"), 1) for n in range(3000)]
    with runtime.database.write() as tx:
        assert memory.add(tx, flood) == memory.PER_OPERATION
        assert memory.add(tx, flood) == 0, "the day is full"
        one = [(replace(GOOD, by="eve", at=now, run=f"e{n}"), 1) for n in range(100)]
        assert memory.add(tx, one) == memory.PER_PATTERN
        memory.add(tx, [(replace(e, at=now - 1 - i * DAY), 1) for i, e in enumerate(good(10, seconds=7.0))])
        of_days = {e.by for e in memory.episodes(tx, "docker.build")}
    assert of_days == {"mallory", "eve", "ada"}


def test_old_and_surplus_rows_go(runtime: Runtime) -> None:
    now = time.time()
    with runtime.database.write() as tx:
        memory.add(tx, [(replace(e, at=now - i * DAY), 1) for i, e in enumerate(good(30))])
        assert memory.prune(tx, now - 19.5 * DAY, 1000) == 10
        assert memory.prune(tx, 0, 5) == 15
        assert len(memory.episodes(tx, "docker.build")) == 5


def test_memory_is_shown_forgotten_written_out_and_read_in(runtime: Runtime) -> None:
    now = time.time()
    remembered(runtime, now)
    recollection = Recollection(runtime)
    [row] = recollection.overview()
    assert (row["operation"], row["attempts"], row["seconds"]["median"]) == ("probe.noop", 3, pytest.approx(5.0))
    assert row["success"]["low"] < 1 / 3 < row["success"]["high"]
    [failure] = recollection.operation("probe.noop")["failures"]
    assert (failure["count"], failure["of"], failure["helped"]) == (2, 3, None)
    assert recollection.operation("probe.sleep")["success"] is None
    with pytest.raises(NotFound):
        recollection.operation("probe.nop")
    assert [item["run"] for item in recollection.requests("please do nothing")] == ["run-two"]

    text = "\n".join(recollection.export())
    assert recollection.forget(operation="probe.noop", run="run-two", by=None, everything=False) == 1
    assert recollection.forget(operation=None, run=None, by="ada", everything=False) == 2
    assert recollection.forget(operation=None, run=None, by=None, everything=True) == 2, "the requests"
    with pytest.raises(InvalidInput):
        recollection.forget(operation=None, run=None, by=None, everything=False)
    assert recollection.overview() == []
    assert recollection.take_in(text) == {"attempts": 3, "left_out": 0, "repairs": 0}
    assert recollection.take_in(text)["attempts"] == 3, "the same ones: nothing is counted twice"
    with runtime.database.read() as tx:
        assert {e.by for e in memory.episodes(tx, "probe.noop")} == {"import:ada"}
    with pytest.raises(InvalidInput, match="line 2"):
        recollection.take_in(text.splitlines()[0] + "\n{}")


# --- amendments


def failed_run(runtime: Runtime) -> runs.RunRecord:
    """a succeeded, b failed without a trace, c was skipped."""
    run_id = started(runtime, "broken", a=noop(), b=noop("a"), c=noop("b"))
    now = time.time()
    attempt(runtime, run_id, 0, 1, "succeeded", now)
    seen = dump([{"resource": "probe:x/1", "exists": False, "state": {}, "facts": {}}])
    attempt(runtime, run_id, 1, 1, "failed", now, error=ERROR, intent=True, before=seen, after=seen)
    with runtime.database.write() as tx:
        tx.execute(sa.update(edges).where(edges.c.needs_id == task_key(run_id, 0)).values(satisfied=1))
        tx.execute(sa.update(edges).where(edges.c.needs_id == task_key(run_id, 1)).values(satisfied=2))
    ended(runtime, run_id, "failed", now)
    with runtime.database.read() as tx:
        return runs.by_id(tx, run_id)


def change(name: str, *needs: str, value: Any = 2) -> TaskChange:
    spec = {"uses": "probe.noop", "with": {"value": value}, "needs": list(needs)}
    return TaskChange(name, "probe.noop", "probe", spec, needs, False, None)


def test_a_failed_run_is_amended_in_one_step(runtime: Runtime) -> None:
    run = failed_run(runtime)
    with runtime.database.write() as tx:
        ready = amend.amend(
            tx, run, {"name": "test", "tasks": {}}, "new", [change("n")], [change("b", "a", "n")], {"by": "ada"}, 1.0
        )  # fmt: skip
        assert [item.task for item in ready] == ["n"]
        found = {task.name: task for task in runs.tasks_of(tx, run.id)}
        assert {name: task.state.value for name, task in found.items()} == {
            "a": "succeeded", "b": "pending", "c": "pending", "n": "ready",
        }  # fmt: skip
        assert set(found["b"].needs) == {"a", "n"}
        assert found["b"].spec["with"] == {"value": 2}
        now = runs.by_id(tx, run.id)
        assert (now.state, now.task_count, now.digest) == (RunState.RUNNING, 4, "new")
        assert [item["by"] for item in amend.repairs_of(tx, run.id)] == ["ada"]
        [old] = runs.attempts_of(tx, found["b"].id)
        assert not old["intent"], "it left no trace, and the next attempt looks anew"
        with pytest.raises(Conflict, match="is running"):
            amend.amend(tx, run, {}, "x", [], [], {}, 2.0)


def test_what_succeeded_or_was_taken_back_is_not_amended(runtime: Runtime) -> None:
    run = failed_run(runtime)
    with runtime.database.write() as tx, pytest.raises(Conflict, match="has succeeded meanwhile"):
        amend.amend(tx, run, {}, "x", [], [change("a")], {}, 2.0)
    with runtime.database.write() as tx:
        amend.save_proposal(tx, run, "b", {"reason": "r"})
        assert runs.task(tx, run, "b").error["repair"] == {"reason": "r"}
        assert [found.name for found in amend.failed_lately(tx, 0.0)] == ["broken"]
        with pytest.raises(Conflict, match="for a failed task"):
            amend.save_proposal(tx, run, "a", {})
        tx.execute(sa.update(run_table).values(rolled_back_by="other"))
    with runtime.database.write() as tx, pytest.raises(Conflict, match="taken back by other"):
        amend.amend(tx, run, {}, "x", [], [], {}, 2.0)
    with runtime.database.read() as tx:
        assert amend.failed_lately(tx, 0.0) == []


def test_the_routes_of_memory(runtime: Runtime) -> None:
    remembered(runtime, time.time())
    api = FastAPI()
    memory_routes(api, runtime)
    with TestClient(api) as client:
        assert [row["operation"] for row in client.get("/memory").json()] == ["probe.noop"]
        assert client.get("/memory/operations/probe.noop").json()["failures"][0]["count"] == 2
        assert len(client.get("/memory/requests", params={"text": "do nothing, please"}).json()) == 1
        lines = client.get("/memory/export").json()["lines"]
        assert len(lines) == 4
        assert client.post("/memory/forget", json={"everything": True}).json() == {"forgotten": 5}
        assert client.post("/memory/import", json={"text": "\n".join(lines)}).json()["attempts"] == 3
        assert client.post("/memory/forget", json={"all": True}).status_code == 422
