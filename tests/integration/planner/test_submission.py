"""A model's plan becomes a run: in the words of the user, as it was shown, with what must be approved by name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from reign.api.app import make_api
from reign.config import Settings
from reign.core.plan import Plan
from reign.engine.general import ReignGeneral, Submission
from reign.engine.planning import planner_here, planners
from reign.engine.runtime import Runtime
from reign.planner.llm.ports import Told
from reign.planner.repairing import Repairer, RepairRequest
from reign.store import planning, runs, schema
from tests.fakes.llm.anthropic import Anthropic
from tests.fakes.llm.script import Answer, plan
from tests.fakes.llm.server import Vendor

WEB = {"uses": "docker.run", "with": {"image": "nginx", "name": "web"}, "because": "run nginx as web"}
PULL = {"id": "pull", "uses": "docker.pull", "with": {"image": "nginx"}}
DROP = {"uses": "docker.remove", "with": {"name": "web"}, "because": "run nginx as web", "needs": ["web"]}


@pytest.fixture
def vendor(monkeypatch: pytest.MonkeyPatch) -> Iterator[Vendor]:
    with Vendor(Anthropic(), [plan(web=WEB, drop=DROP)]) as made:
        monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-x")
        monkeypatch.setenv("REIGN_LLM_BASE_URL", made.url)
        monkeypatch.setenv("REIGN_PLANNER", "auto")
        yield made


@pytest.fixture
def runtime(tmp_path: Path, vendor: Vendor) -> Iterator[Runtime]:
    """A state and no broker: a run is recorded, and waits."""
    made = Runtime(Settings.load(data_dir=tmp_path / "data", socket_timeout=0.5))
    schema.upgrade(made.database)
    yield made
    made.close()


def test_a_yes_to_all_leaves_what_only_the_model_takes_away_waiting(runtime: Runtime, vendor: Vendor) -> None:
    general = ReignGeneral(runtime, planners(runtime))
    run = general.submit(Submission(request="run nginx as web", approve=None))
    assert run.source == "llm:anthropic:claude-sonnet-5-5"
    assert run.request == "run nginx as web"
    with runtime.database.read() as tx:
        tasks = {task.name: task for task in runs.tasks_of(tx, run.id)}
    assert tasks["drop"].approval == "required"
    assert tasks["web"].approval != "required"
    named = general.submit(Submission(request="run nginx as web", approve=["drop"]))
    with runtime.database.read() as tx:
        assert {t.name: t.approval for t in runs.tasks_of(tx, named.id)}["drop"] == "granted"
    assert len(vendor.asked) == 1


def test_the_plan_that_was_shown_is_the_plan_that_runs(runtime: Runtime, vendor: Vendor) -> None:
    told: list[Told] = []
    general = ReignGeneral(runtime, lambda: planner_here(runtime.settings, "llm", told.append))
    shown, about = general.plan(Submission(request="run nginx as web"))
    assert told
    sent = Submission(request="run nginx as web", plan=shown.full.as_file(), planned_by=about["source"], approve=None)
    run = ReignGeneral(runtime, lambda: pytest.fail("planned again")).submit(sent)
    assert (run.source, run.request) == (about["source"], "run nginx as web")
    with runtime.database.read() as tx:
        assert {t.name: t.approval for t in runs.tasks_of(tx, run.id)}["drop"] == "required"


def test_the_api_plans_with_the_model_and_tells_what_it_took(runtime: Runtime, vendor: Vendor) -> None:
    with TestClient(make_api(runtime.settings)) as http:
        found = http.post("/plan", json={"request": "run nginx as web"}).json()
        assert {task["id"]: task.get("proposed_by") for task in found["tasks"]} == {"web": None, "drop": "model"}
        spent = http.get("/usage").json()
        assert spent["today"]["requests"] == 1
        body = {
            "request": "run nginx as web",
            "plan": {"name": "p", "tasks": {"web": {"uses": "docker.run", "with": WEB["with"]}}},
        }
        run = http.post("/runs", json={**body, "planned_by": "llm:x"}).json()
        assert (run["source"], run["request"]) == ("llm:x", "run nginx as web")


def test_the_engine_finds_a_planner_that_repairs(runtime: Runtime, vendor: Vendor) -> None:
    vendor.script = [
        Answer(tool="propose_repair", arguments={"reason": "the image is pulled first", "before": [PULL]}),
    ]
    planner = ReignGeneral(runtime, planners(runtime)).planner()
    assert isinstance(planner, Repairer)
    broken = Plan.model_validate({"name": "p", "tasks": {"web": {"uses": "docker.run", "with": WEB["with"]}}})
    found = planner.repair(RepairRequest(broken, "web", "missing", {"message": "no such image: nginx"}))
    assert found is not None
    assert [step.uses for step in found.before] == ["docker.pull"]
    with runtime.database.read() as tx:
        assert planning.totals(tx, 0).requests == 1
