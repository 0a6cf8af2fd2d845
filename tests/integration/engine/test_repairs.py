"""Runs that failed, repaired: on a real broker and real worker processes, which all tests share."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from reign.api.repair import repair_routes
from reign.core.check import parse_plan
from reign.core.errors import Conflict
from reign.core.plan import Plan
from reign.core.states import RunState, TaskState
from reign.engine.general import ReignGeneral
from reign.engine.remembering import Remembering
from reign.engine.repair import Repairs
from reign.executor import Proposal, Step
from reign.memory.recipes import Applied
from reign.memory.shape import signature
from reign.planner.protocol import PlanRequest
from reign.planner.protocol import Proposal as Planned
from reign.planner.repairing import RepairRequest
from reign.store import events, runs
from reign.store import memory as kept
from reign.store.amend import REPAIRED, repairs_of, save_proposal
from reign.store.runs import RunRecord
from tests.engines.installation import Installation


def plan(on_failure: str = "stop", **tasks: Any) -> dict[str, Any]:
    return {"name": "test", "params": {"port": 8088}, "on_failure": on_failure, "tasks": tasks}


def noop(value: Any = None, **more: Any) -> dict[str, Any]:
    return {"uses": "probe.noop", "with": {"value": value}, **more}


def need(ledger: str, **more: Any) -> dict[str, Any]:
    return {"uses": "probe.need", "with": {"ledger": ledger}, **more}


def lines(folder: Path, name: str) -> list[str]:
    return (folder / name).read_text().splitlines()


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    made = Installation(tmp_path_factory.mktemp("repairs"), lease=2.0, heartbeat=0.3)
    made.prepare()
    made.start_worker("probe")
    yield made
    made.close()


@pytest.fixture
def tmp_path(started: Installation) -> Path:
    """Where the plans of all tests start; each uses names of its own."""
    return started.folder


@pytest.fixture
def repairs(started: Installation) -> Repairs:
    return Repairs(started.runtime, started.general)


def failed(installation: Installation, body: dict[str, Any]) -> RunRecord:
    run = installation.wait(installation.submit(body))
    assert run.state is RunState.FAILED
    return run


def repaired(installation: Installation, repairs: Repairs, run: RunRecord) -> RunRecord:
    shown = repairs.look(run.name)
    assert shown.digest is not None, shown.why_not
    return installation.wait(repairs.apply(run.name, shown.digest, by="ada"))


def test_a_prerequisite_is_added_and_results_stand(started: Installation, repairs: Repairs, tmp_path: Path) -> None:
    run = failed(
        started,
        plan(
            first={"uses": "probe.append", "with": {"ledger": "first", "line": "once"}},
            works=need("made", needs=["first"]),
            after=noop("${{ tasks.first.result.value }} ${{ tasks.works.result.value }}"),
            always=noop("seen", **{"needs": ["works"], "if": "always()"}),
        ),
    )
    shown = repairs.look(run.name)
    body = shown.as_dict()
    assert (body["proposed"], body["safe"], body["risks"]) == (True, True, [])
    assert [(f["task"], f["class"], f["source"]) for f in body["failures"]] == [
        ("works", "missing_prerequisite", "operation")
    ]
    assert [(line["task"], line["kind"], line["path"]) for line in body["diff"]] == [
        ("make", "added", ""),
        ("works", "changed", "needs"),
    ]
    ended = repaired(started, repairs, run)
    tasks = started.tasks(ended)
    assert ended.state is RunState.SUCCEEDED
    assert tasks["after"].result["value"] == "once made"
    assert lines(tmp_path, "first") == ["once"], "what had succeeded was not done again"
    assert (tasks["first"].attempt, tasks["always"].attempt, tasks["works"].attempt) == (1, 1, 2)
    with started.runtime.database.read() as tx:
        assert "make" in runs.plan_of(tx, run.id)["tasks"]
        [event] = [e for e in events.of_run(tx, run.id) if e.kind == REPAIRED]
        [kept] = repairs_of(tx, run.id)
    assert event.data["by"] == kept["by"] == "ada"
    assert [line["task"] for line in kept["diff"]] == ["make", "works"]
    with pytest.raises(Conflict, match="only a failed run"):
        repairs.apply(run.name, shown.digest or "", by="ada")
    back = started.wait(started.general.rollback(run.name))
    assert back.state is RunState.SUCCEEDED
    assert lines(tmp_path, "made") == lines(tmp_path, "first") == []


def test_a_port_moves_with_what_refers_to_it(started: Installation, repairs: Repairs, tmp_path: Path) -> None:
    (tmp_path / "ports-a").write_text("8088 by others\n")
    run = failed(
        started,
        plan(
            a=noop("/x"),
            take={"uses": "probe.port", "needs": ["a"], "with": {"ledger": "ports-a", "port": "${{ params.port }}"}},
            plain=noop("http://localhost:${{ params.port }}/", needs=["take"]),
            mixed=noop("localhost:${{ params.port }}${{ tasks.a.result.value }}", needs=["take"]),
        ),
    )
    ended = repaired(started, repairs, run)
    tasks = started.tasks(ended)
    assert tasks["take"].result["value"] == 8089
    assert tasks["plain"].result["value"] == "http://localhost:8089/"
    assert tasks["mixed"].result["value"] == "localhost:8089/x", "the worker has read the changed parameters"
    assert f"8089 by {run.name}" in lines(tmp_path, "ports-a")
    back = started.wait(started.general.rollback(run.name))
    assert back.state is RunState.SUCCEEDED
    assert lines(tmp_path, "ports-a") == ["8088 by others"]


def test_what_left_something_is_not_moved_elsewhere(started: Installation, repairs: Repairs, tmp_path: Path) -> None:
    (tmp_path / "ports-b").write_text("8088 by others\n")
    take = {"uses": "probe.port", "with": {"ledger": "ports-b", "port": 8088, "litter": True}}
    run = failed(started, plan(take=take))
    shown = repairs.look(run.name)
    assert shown.digest is None
    assert "left something" in (shown.why_not or "")
    with pytest.raises(Conflict, match="there is no repair"):
        repairs.apply(run.name, "0" * 16, by="ada")


def test_safe_repairs_are_applied_on_their_own_a_few_times(
    started: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(started.settings, "repair", "auto")
    monkeypatch.setattr(started.settings, "repair_rounds", 2)
    auto = Repairs(started.runtime, started.general)
    one = failed(started, plan(on_failure="rollback", works=need("one")))
    assert auto.apply_safe() == [one.name]
    assert started.wait(one).state is RunState.SUCCEEDED
    assert auto.apply_safe() == []
    (tmp_path / "ports-c").write_text("".join(f"{port} by others\n" for port in range(8088, 8099)))
    many = failed(started, plan(take={"uses": "probe.port", "with": {"ledger": "ports-c", "port": 8088}}))
    for _ in range(2):
        assert auto.apply_safe() == [many.name]
        assert started.wait(many).state is RunState.FAILED
    assert auto.apply_safe() == [], "two rounds were allowed"
    shown = auto.look(many.name)
    assert (shown.rounds, shown.safe) == (2, True)
    again = auto.apply(many.name, shown.digest or "", by="ada")
    assert started.wait(again).state is RunState.FAILED
    risky = failed(started, plan(a=need("two"), b={"uses": "probe.fail", "needs": []}, on_failure="continue"))
    assert auto.apply_safe() == [], "nobody knows what to do about b"
    assert auto.look(risky.name).unsure


class Advisor:
    """A planner that answers when it is asked for a repair, and remembers what it was asked."""

    def __init__(self, answer: Proposal | None) -> None:
        self.answer = answer
        self.asked: list[RepairRequest] = []

    def plan(self, request: PlanRequest) -> Planned:
        raise AssertionError

    def repair(self, request: RepairRequest) -> Proposal | None:
        self.asked.append(request)
        return self.answer


def with_model(installation: Installation, answer: Proposal | None) -> tuple[Repairs, Advisor]:
    advisor = Advisor(answer)
    return Repairs(installation.runtime, ReignGeneral(installation.runtime, lambda: advisor)), advisor


def test_a_model_is_asked_second_and_remembered_by_what_it_helped(started: Installation, tmp_path: Path) -> None:
    fail = {"uses": "probe.fail", "with": {"counter": "flag", "times": 1, "retryable": False}}
    run = failed(started, plan(broken=fail))
    step = {"id": "mark", "uses": "probe.append", "with": {"ledger": "flag", "line": "set"}}
    answer = Proposal(reason="set the flag first", before=(Step.model_validate(step),), sure=True)
    repairs, advisor = with_model(started, answer)
    assert repairs.look(run.name).digest is None, "looking alone asks nobody"
    shown = repairs.look(run.name, ask_model=True)
    assert [request.error["message"] for request in advisor.asked] == ["failed on purpose (1)"]
    assert (shown.findings[0].source, shown.safe) == ("model", False), "never without a person"
    kept = repairs.look(run.name)
    assert kept.digest == shown.digest, "what was shown is what is applied"
    assert started.wait(repairs.apply(run.name, kept.digest or "", by="ada")).state is RunState.SUCCEEDED

    memory = Remembering(started.runtime)
    assert memory.remember(time.time() + 10) >= 1
    (tmp_path / "other").write_text("")
    other = failed(started, plan(broken={**fail, "with": {**fail["with"], "counter": "other"}}))
    remembering = Repairs(started.runtime, started.general, recall=memory.recall)
    shown = remembering.look(other.name)
    assert shown.findings[0].source == "memory"
    assert shown.amendment is not None
    assert shown.amendment.plan.tasks["mark"].with_ == {"ledger": "other", "line": "set"}, "fitted to these inputs"
    assert f"see run {run.name}" in shown.findings[0].proposal.reason  # type: ignore[union-attr]
    assert not shown.safe
    assert started.wait(remembering.apply(other.name, shown.digest or "", by="ada")).state is RunState.SUCCEEDED


def test_a_model_cannot_smuggle_in_secrets_expressions_or_no_plan(started: Installation) -> None:
    run = failed(started, plan(broken={"uses": "probe.fail", "with": {"retryable": False}}))

    def answer(with_: dict[str, Any], uses: str = "probe.noop") -> Proposal:
        return Proposal(reason="r", before=(Step.model_validate({"id": "x", "uses": uses, "with": with_}),))

    repairs, _ = with_model(started, answer({"value": "secret://env/HOME"}))
    assert repairs.look(run.name, ask_model=True).digest is None
    repairs, _ = with_model(started, answer({"nothing": 1}))
    shown = repairs.look(run.name, ask_model=True)
    assert shown.digest is None
    assert "makes no plan" in (shown.why_not or "")


def test_a_risky_repair_says_why_and_asks(started: Installation) -> None:
    run = failed(started, plan(broken={"uses": "probe.fail", "with": {"retryable": False}}))
    step = {"id": "x", "uses": "probe.irreversible", "with": {"ledger": "l", "line": "x"}}
    repairs, _ = with_model(started, Proposal(reason="r", before=(Step.model_validate(step),)))
    shown = repairs.look(run.name, ask_model=True)
    assert any("cannot be taken back" in risk for risk in shown.risks)
    assert any("undo is none" in risk for risk in shown.risks)
    waiting = repairs.apply(run.name, shown.digest or "", by="ada", approved=False)
    assert started.tasks(waiting)["x"].state is TaskState.AWAITING_APPROVAL
    assert started.tasks(waiting)["broken"].state is TaskState.PENDING


def test_why_a_run_is_not_repaired(
    started: Installation, repairs: Repairs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = started.wait(started.submit(plan(a=noop())))
    assert "only a failed run" in (repairs.look(good.name).why_not or "")
    unknown = failed(started, plan(a={"uses": "probe.fail", "with": {"retryable": False}}))
    assert "no rule knows" in (repairs.look(unknown.name).why_not or "")
    item = {"uses": "probe.need", "for_each": ["made-e"], "with": {"ledger": "${{ item }}"}}
    assert "item of a for_each" in (repairs.look(failed(started, plan(a=item)).name).why_not or "")
    run = failed(
        started, plan(a={"uses": "probe.append", "with": {"ledger": "x", "line": "y"}}, b=need("z", needs=["a"]))
    )
    started.wait(started.general.rollback(run.name))
    assert "was taken back" in (repairs.look(run.name).why_not or "")
    monkeypatch.setattr(started.settings, "repair", "off")
    assert "turned off" in (repairs.look(unknown.name).why_not or "")


def test_a_run_that_moved_on_is_not_changed(started: Installation, repairs: Repairs, tmp_path: Path) -> None:
    run = failed(started, plan(works=need("made-d")))
    shown = repairs.look(run.name)
    assert started.wait(started.general.retry(run.name)).state is RunState.FAILED
    with pytest.raises(Conflict, match="another one by now"):
        repairs.apply(run.name, shown.digest or "", by="ada")
    assert isinstance(shown.amendment and shown.amendment.plan, Plan)


def test_the_routes_of_repairs(started: Installation, repairs: Repairs) -> None:
    run = failed(started, plan(works=need("made-by-route")))
    api = FastAPI()
    repair_routes(api, repairs)
    with TestClient(api) as client:
        found = client.get(f"/runs/{run.name}/repair").json()
        assert found["proposed"]
        assert client.post(f"/runs/{run.name}/repair/proposal").json()["digest"] == found["digest"]
        body = {"digest": found["digest"], "requested_by": "ada"}
        assert client.post(f"/runs/{run.name}/repair", json=body).json()["state"] == "running"
    assert started.wait(run).state is RunState.SUCCEEDED


def test_a_plan_that_is_taken_back_is_not_repaired_by_hand(started: Installation, repairs: Repairs) -> None:
    run = failed(started, plan(on_failure="rollback", works=need("never")))
    assert "being taken back" in (repairs.look(run.name).why_not or "")
    assert started.general.roll_back_failed() == [], "there is nothing to take back"
    assert repairs.look(run.name).digest is not None
    back = started.wait(started.submit(plan(a={"uses": "probe.append", "with": {"ledger": "r", "line": "x"}})))
    undone = started.wait(started.general.rollback(back.name))
    assert "a rollback is not repaired" in (repairs.look(undone.name).why_not or "")


def test_a_recorded_repair_that_cannot_be_read_is_left(started: Installation, repairs: Repairs) -> None:
    run = failed(started, plan(broken={"uses": "probe.fail", "with": {"retryable": False}}))
    with started.runtime.database.write() as tx:
        save_proposal(tx, run, "broken", {"reason": 1, "surprise": True})
    assert "no rule knows" in (repairs.look(run.name).why_not or "")


def test_memory_that_does_not_fit_is_left(started: Installation) -> None:
    run = failed(started, plan(broken={"uses": "probe.fail", "with": {"retryable": False, "counter": "fit"}}))
    memory = Remembering(started.runtime)
    task = parse_plan(plan(broken={"uses": "probe.fail"})).tasks["broken"]
    error = started.tasks(run)["broken"].error
    mark = signature("probe.fail", error["message"])
    recipe = {"before": [{"id": "x", "uses": "probe.noop", "with": {"value": {"$input": ["nothing"]}}}]}
    applied = Applied("probe.fail", mark, "unknown", "r", "model", recipe, True, "odd", 1, "broken", "ada", time.time())
    with started.runtime.database.write() as tx:
        kept.forget(tx)
        kept.add_repair(tx, applied)
    assert memory.recall(task, error) is None
    assert memory.recall(task, {"message": "something else"}) is None
