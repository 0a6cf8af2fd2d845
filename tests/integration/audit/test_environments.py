"""Environments: their parameters, protection, allowed secrets and freezes; and plans that go from one to the next."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from reign.config import Settings, Surroundings
from reign.core.errors import Conflict, InvalidInput, Refused
from reign.engine import environments
from reign.engine.general import Submission
from reign.engine.promote import Promotions
from reign.store import audit, runs
from reign.store.runs import RunRecord
from reign.store.tables import runs as run_table
from tests.integration.audit import scenes
from tests.integration.audit.conftest import Here

PLAN: dict[str, Any] = {
    "name": "shop",
    "params": {"port": 8000, "version": None, "fixed": 1},
    "tasks": {
        "serve": {
            "uses": "probe.append",
            "with": {"ledger": "l", "line": "${{ environment }}-${{ params.port }}-${{ params.version }}"},
        },
        "same": {"uses": "probe.append", "with": {"ledger": "l", "line": "shared"}},
        "look": {"uses": "probe.noop", "needs": ["serve"]},
    },
}


@pytest.fixture
def places(here: Here) -> Here:
    here.runtime.settings.environments = {
        "dev": Surroundings(params={"port": 1001, "unknown": 5}, next="staging"),
        "staging": Surroundings(params={"port": 2002}, next="prod"),
        "prod": Surroundings(
            params={"port": 3003, "version": "stable"}, protected=True, secrets=["secret://env/PROD_"]
        ),
    }
    return here


def plan_of(here: Here, run: RunRecord) -> dict[str, Any]:
    with here.runtime.database.read() as tx:
        return runs.plan_of(tx, run.id)


def succeeded(here: Here, **given: Any) -> RunRecord:
    run = scenes.submit(here.general, PLAN, params={"version": "1.2"}, **given)
    scenes.carry_out(here.runtime, run)
    with here.runtime.database.read() as tx:
        return runs.by_id(tx, run.id)


class TestSurroundings:
    def test_parameters_of_the_environment_stand_above_the_defaults_and_below_those_given(self, places: Here) -> None:
        for given, environment, port in (
            ({}, None, 1001),
            ({}, "staging", 2002),
            ({"port": 7}, "staging", 7),
            ({}, "test", 8000),
        ):
            run = scenes.submit(
                places.general, PLAN, params={"version": "1.2", **given}, environment=environment, approve=()
            )
            assert plan_of(places, run)["params"] == {"port": port, "version": "1.2", "fixed": 1}
        run = scenes.submit(places.general, PLAN, environment="prod", approve=())
        assert plan_of(places, run)["params"]["version"] == "stable"

    def test_a_protected_environment_asks(self, places: Here) -> None:
        shown, _ = places.general.plan(Submission(plan=PLAN, params={"version": "1"}, environment="prod"))
        assert {task.id: task.assessment.asks for task in shown.tasks} == {
            "serve": "prod is protected (protected-prod)",
            "same": "prod is protected (protected-prod)",
            "look": None,
        }
        run = scenes.submit(places.general, PLAN, environment="prod", approve=["same"])
        with places.runtime.database.read() as tx:
            approval = {task.name: task.approval for task in runs.tasks_of(tx, run.id)}
        assert approval == {"serve": "required", "same": "granted", "look": None}

    def test_secrets_that_are_not_allowed(self, places: Here) -> None:
        plan = scenes.plan()
        plan["tasks"]["a"]["with"] = {"value": {"token": "Bearer secret://env/DEV_TOKEN"}}
        scenes.submit(places.general, plan)
        with pytest.raises(Refused, match="secret://env/DEV_TOKEN, which prod does not allow"):
            scenes.submit(places.general, plan, environment="prod")
        plan["tasks"]["a"]["with"] = {"value": "secret://env/PROD_TOKEN"}
        scenes.submit(places.general, plan, environment="prod")

    def test_settings_that_are_wrong(self) -> None:
        with pytest.raises(InvalidInput, match="starts with secret://"):
            Settings.load(environments={"prod": {"secrets": ["env/PROD_"]}})
        with pytest.raises(InvalidInput, match="REIGN_ENVIRONMENTS"):
            Settings.load(environments={"prod": {"protect": True}})

    def test_the_list(self, places: Here) -> None:
        scenes.carry_out(places.runtime, scenes.submit(places.general, environment="qa"))
        found = {item["name"]: item for item in environments.listing(places.runtime)}
        assert list(found) == ["dev", "staging", "prod", "qa"]
        assert (found["qa"]["runs"], found["qa"]["resources"], found["qa"]["frozen"]) == (1, 1, None)
        assert (found["prod"]["protected"], found["dev"]["next"], found["prod"]["runs"]) == (True, "staging", 0)


class TestFreezes:
    def test_nothing_new_starts(self, places: Here) -> None:
        environments.freeze(places.runtime, "prod", " release week ", "ann")
        with pytest.raises(Conflict, match="prod is frozen by ann: release week") as caught:
            scenes.submit(places.general, environment="prod")
        assert caught.value.hint is not None
        assert "thaw prod" in caught.value.hint
        scenes.submit(places.general)
        frozen = {item["name"]: item["frozen"] for item in environments.listing(places.runtime)}
        assert (frozen["dev"], frozen["prod"]["why"]) == (None, "release week")
        environments.freeze(places.runtime, "prod", "longer", "bob")
        environments.thaw(places.runtime, "prod", "bob")
        with pytest.raises(Conflict, match="not frozen"):
            environments.thaw(places.runtime, "prod", "bob")
        scenes.submit(places.general, environment="prod")
        with places.runtime.database.read() as tx:
            acts = [(e.kind, e.actor) for e in audit.listing(tx, kind="environment", limit=9)]
        assert acts == [
            ("environment.thaw", "bob"),
            ("environment.freeze", "bob"),
            ("environment.freeze", "ann"),
        ]

    def test_the_way_back_is_open(self, places: Here) -> None:
        run = scenes.submit(places.general)
        scenes.carry_out(places.runtime, run)
        environments.freeze(places.runtime, "dev", "why", "ann")
        plan = places.general.plan(Submission(plan=scenes.plan()))[0].plan
        assert places.general.start(plan, kind="rollback", workdir="/", requested_by="ann").kind == "rollback"
        with pytest.raises(InvalidInput, match="needs a reason"):
            environments.freeze(places.runtime, "dev", "  ", "ann")


class TestPromotion:
    def test_the_differences_are_shown(self, places: Here) -> None:
        run = succeeded(places)
        found = Promotions(places.runtime, places.general).preview(run.name).as_dict()
        assert (found["from"], found["to"], found["plan"]["environment"]) == ("dev", "staging", "staging")
        assert found["differences"] == [
            {"at": "params.port", "here": 1001, "there": 2002},
            {"at": "tasks.serve.with.line", "here": "dev-1001-1.2", "there": "staging-2002-1.2"},
        ]
        assert len(found["warnings"]) == 2  # and that of `look`, as the scene has every task change something
        assert found["warnings"][0].startswith("probe:thing/same belongs to dev")
        environments.freeze(places.runtime, "staging", "why", "ann")
        assert "staging is frozen" in Promotions(places.runtime, places.general).preview(run.name).warnings[0]

    def test_policy_and_the_values_of_the_environment(self, places: Here) -> None:
        run = succeeded(places)
        found = Promotions(places.runtime, places.general).preview(run.name, "prod", {"fixed": 2}).as_dict()
        changed = {item["at"]: (item["here"], item["there"]) for item in found["differences"]}
        assert changed["params.version"] == ("1.2", "stable")
        assert changed["params.fixed"] == (1, 2)
        assert changed["tasks.serve.asks"] == (None, "prod is protected (protected-prod)")

    def test_it_runs_and_goes_on(self, places: Here) -> None:
        promotions = Promotions(places.runtime, places.general)
        run = succeeded(places)
        second = promotions.start(run.name, requested_by="bob")
        assert (second.environment, second.requested_by, second.of_run) == ("staging", "bob", run.id)
        assert second.source == "promotion"
        scenes.carry_out(places.runtime, second)
        third = promotions.start(second.name, approve=None)
        assert third.environment == "prod"
        assert plan_of(places, third)["tasks"]["serve"]["with"]["line"] == "prod-3003-stable"

    def test_what_is_not_promoted(self, places: Here) -> None:
        promotions = Promotions(places.runtime, places.general)
        waiting = scenes.submit(places.general)
        with pytest.raises(Conflict, match="only what succeeded"):
            promotions.preview(waiting.name)
        run = succeeded(places, environment="prod")
        with pytest.raises(InvalidInput, match="what comes after prod"):
            promotions.preview(run.name)
        with pytest.raises(InvalidInput, match="in prod already"):
            promotions.preview(run.name, "prod")
        with places.runtime.database.write() as tx:
            tx.execute(sa.update(run_table).where(run_table.c.id == run.id).values(kind="rollback"))
        with pytest.raises(Conflict, match="is a rollback"):
            promotions.preview(run.name, "dev")
