"""Gates, thresholds, policy and waivers: what a place says of a plan before it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reign.config import Settings
from reign.core.errors import InvalidInput, Refused
from reign.core.plan import Plan, Task
from reign.engine import policing
from reign.engine.general import ReignGeneral, Submission
from reign.engine.preview import Preview
from reign.engine.runtime import Runtime
from reign.planner.choose import make_planner
from reign.policy import Effective

BUILD = "build ./shop as shop:1"
DANGEROUS = {
    "uses": "docker.run",
    "with": {"image": "web:latest", "name": "web", "privileged": True, "networks": ["host"]},
}


def shown(tmp_path: Path, given: str | dict[str, Any], **settings: Any) -> tuple[Preview, dict[str, Any]]:
    made = Settings(data_dir=tmp_path / "data", **settings)
    runtime = Runtime(made)
    general = ReignGeneral(runtime, make_planner)
    what: dict[str, Any] = {"request": given} if isinstance(given, str) else {"plan": {"name": "web", **given}}
    found, _ = general.plan(Submission(**what, workdir=str(tmp_path), environment="prod"))
    return found, found.as_dict()


def policy(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "policy.yaml"
    file.write_text(text)
    return file


RULES = """
rules:
  - {name: no-privileged, match: {findings: docker.privileged}, decision: deny, reason: it can take over the machine}
  - {name: host-network, match: {uses: docker.run, environment: prod, findings: docker.host-network},
     decision: ask, reason: it hears everything}
  - {name: restarts-are-fine, match: {uses: docker.restart}, decision: allow, reason: taken back in seconds}
  - {name: no-evil, match: {uses: "probe.*", inputs: {line: "evil*"}}, decision: deny, reason: it is evil}
  - {name: odd, match: {uses: "probe.*", inputs: {line: "odd*"}}, decision: ask, reason: it is odd}
"""


class TestGates:
    def test_a_plan_from_words_is_submitted_with_its_gates_and_shown_without(self, tmp_path: Path) -> None:
        found, data = shown(tmp_path, BUILD)
        assert [task["uses"] for task in data["tasks"]] == ["docker.build"]
        assert data["tasks"][0]["needs"] == []
        assert [(gate["uses"], gate["before"]) for gate in data["gates"]] == [
            ("validation.scan_secrets", ["build"]),
            ("validation.dockerfile", ["build"]),
        ]
        assert set(found.full.tasks["build"].needs) == {gate["id"] for gate in data["gates"]}
        assert list(found.plan.tasks) == ["build"]

    def test_a_file_says_itself_what_is_checked_unless_the_setting_says_all(self, tmp_path: Path) -> None:
        plan = {"tasks": {"build": {"uses": "docker.build", "with": {"context": "./shop", "tag": "shop:1"}}}}
        assert shown(tmp_path, plan)[1]["gates"] == []
        assert len(shown(tmp_path, plan, gates="all")[1]["gates"]) == 2
        assert shown(tmp_path, BUILD, gates="none")[1]["gates"] == []

    def test_the_plans_threshold_holds_for_checks_that_give_none(self, tmp_path: Path) -> None:
        own = {"uses": "validation.scan_secrets", "with": {"path": ".", "fail_on": "never"}}
        plan = {
            "fail_on": "low",
            "tasks": {
                "a": {"uses": "validation.scan_secrets", "with": {"path": "."}},
                "b": own,
                "c": {"uses": "probe.noop"},
            },
        }
        tasks = shown(tmp_path, plan)[0].full.tasks
        assert [tasks[name].with_.get("fail_on") for name in "abc"] == ["low", "never", None]


class TestPolicy:
    def test_findings_have_severity_place_remedy_and_id(self, tmp_path: Path) -> None:
        _, data = shown(tmp_path, {"tasks": {"run": DANGEROUS}})
        by_rule = {finding["rule"]: finding for finding in data["findings"]}
        assert by_rule["docker.privileged"]["severity"] == "critical"
        assert {"docker.host-network", "docker.latest"} <= set(by_rule)
        assert all(f["id"] and f["remedy"] and f["place"] == "task run" for f in data["findings"])
        assert data["findings"][0]["severity"] == "critical"

    def test_a_written_rule_refuses(self, tmp_path: Path) -> None:
        found, data = shown(tmp_path, {"tasks": {"run": DANGEROUS}}, policy=policy(tmp_path, RULES))
        assert data["tasks"][0]["policy"]["decision"] == "deny"
        assert "take over the machine (no-privileged)" in data["tasks"][0]["refuses"]
        with pytest.raises(Refused, match="no-privileged"):
            found.refusals()

    def test_a_written_ask_waits_even_for_who_said_yes_to_the_whole_plan(self, tmp_path: Path) -> None:
        task = {**DANGEROUS, "with": {**DANGEROUS["with"], "privileged": False}}
        found, data = shown(tmp_path, {"tasks": {"run": task}}, policy=policy(tmp_path, RULES))
        assert data["tasks"][0]["asks"] == "it hears everything (host-network)"
        assert found.approvals(None) == {"run": "required"}
        assert found.approvals(frozenset({"run"})) == {"run": "granted"}
        unruled, _ = shown(tmp_path, {"tasks": {"run": task}})
        assert unruled.approvals(None) == {"run": "granted"}
        assert unruled.approvals(frozenset()) == {"run": "required"}

    def test_a_written_allow_settles_what_the_operation_asks(self, tmp_path: Path) -> None:
        plan = {"tasks": {"again": {"uses": "probe.irreversible", "with": {"ledger": "l", "line": "x"}}}}
        assert shown(tmp_path, plan)[0].approvals(frozenset()) == {"again": "required"}
        allow = "rules: [{name: fine, match: {uses: probe.irreversible}, decision: allow, reason: it is fine}]"
        found, data = shown(tmp_path, plan, policy=policy(tmp_path, allow))
        assert found.approvals(frozenset()) == {"again": "granted"}
        assert data["tasks"][0]["asks"] is None

    def test_what_a_model_proposed_is_approved_by_name(self, tmp_path: Path) -> None:
        found, _ = shown(tmp_path, {"tasks": {"a": {"uses": "probe.noop"}, "b": {"uses": "probe.noop"}}})
        judged = policing.judged(
            found, Settings(data_dir=tmp_path), str(tmp_path), {"a": "a model proposed it", "b": ""}
        )
        assert judged.approvals(None) == {"a": "required", "b": "granted"}
        assert judged.as_dict()["tasks"][0]["asks"] == "a model proposed it"

    @pytest.mark.parametrize(
        ("line", "expected"), [("evil one", Effective.DENY), ("odd one", Effective.ASK), ("fine", Effective.ALLOW)]
    )
    def test_what_only_the_run_shows_is_judged_then(self, tmp_path: Path, line: str, expected: Effective) -> None:
        settings = Settings(data_dir=tmp_path, policy=policy(tmp_path, RULES))
        task = Task.model_validate(
            {"uses": "probe.append", "needs": ["x"], "with": {"ledger": "l", "line": "${{ tasks.x.result.value }}"}}
        )
        decision = policing.during_the_run(task, "prod", {"ledger": "l", "line": line}, settings, tmp_path)
        assert decision is not None
        assert decision.decision is expected
        assert policing.during_the_run(task, "prod", {}, Settings(data_dir=tmp_path), tmp_path) is None

    def test_a_file_that_was_written_during_the_run_is_judged_too(self, tmp_path: Path) -> None:
        rule = "rules: [{name: n, match: {findings: docker.privileged}, decision: deny, reason: never here}]"
        settings = Settings(data_dir=tmp_path, policy=policy(tmp_path, rule))
        inputs = {"file": "compose.yaml", "project": "shop"}
        task = Task.model_validate({"uses": "docker.compose_up", "with": inputs})

        def ruled() -> Effective:
            decision = policing.during_the_run(task, "dev", inputs, settings, tmp_path)
            assert decision is not None
            return decision.decision

        assert ruled() is not Effective.DENY
        (tmp_path / "compose.yaml").write_text("services: {web: {image: 'web:1', privileged: true}}")
        assert ruled() is Effective.DENY

    def test_inputs_that_are_no_inputs_before_a_secret_is_known_are_judged_too(self, tmp_path: Path) -> None:
        rule = "rules: [{name: n, match: {uses: probe.sleep}, decision: ask, reason: it is slow}]"
        settings = Settings(data_dir=tmp_path, policy=policy(tmp_path, rule))
        task = Task.model_validate({"uses": "probe.sleep", "with": {"seconds": "${{ params.x }}"}})
        decision = policing.during_the_run(task, "dev", {"seconds": "secret://env/X"}, settings, tmp_path)
        assert decision is not None
        assert decision.decision is Effective.ASK

    @pytest.mark.parametrize("text", ["rules: [", "rules: [{name: x}]", "[]: x"])
    def test_a_faulty_policy_lets_nothing_through(self, tmp_path: Path, text: str) -> None:
        with pytest.raises(InvalidInput, match=r"policy\.yaml"):
            shown(tmp_path, BUILD, policy=policy(tmp_path, text))

    def test_a_missing_policy_neither(self, tmp_path: Path) -> None:
        with pytest.raises(InvalidInput, match="cannot be read"):
            shown(tmp_path, BUILD, policy=tmp_path / "none.yaml")


class TestWaivers:
    def test_a_waiver_beside_the_plan_covers_a_finding_and_nothing_else(self, tmp_path: Path) -> None:
        waiver = "waivers: [{rule: docker.latest, reason: rebuilt every night, until: 2999-01-01}]"
        (tmp_path / ".reign-waivers.yaml").write_text(waiver)
        _, data = shown(tmp_path, {"tasks": {"run": DANGEROUS}})
        waived = {finding["rule"]: finding["waived"] for finding in data["findings"]}
        assert waived["docker.latest"] == {"reason": "rebuilt every night", "until": "2999-01-01"}
        assert waived["docker.privileged"] is None

    def test_a_waiver_past_its_date_is_said(self, tmp_path: Path) -> None:
        waiver = "waivers: [{rule: docker.latest, reason: it was fine once, until: 2020-01-01}]"
        (tmp_path / ".reign-waivers.yaml").write_text(waiver)
        rules = {finding["rule"] for finding in shown(tmp_path, {"tasks": {"run": DANGEROUS}})[1]["findings"]}
        assert "waiver-expired" in rules

    def test_a_faulty_file_is_said(self, tmp_path: Path) -> None:
        (tmp_path / ".reign-waivers.yaml").write_text("waivers: [{rule: x}]")
        with pytest.raises(InvalidInput, match=r"\.reign-waivers\.yaml"):
            shown(tmp_path, {"tasks": {"run": DANGEROUS}})


def test_a_plan_has_the_same_digest_with_and_without_its_threshold_unless_it_has_one() -> None:
    bare = {"name": "x", "tasks": {"a": {"uses": "probe.noop"}}}
    assert "fail_on" not in Plan.model_validate(bare).as_file()
    assert Plan.model_validate({**bare, "fail_on": "low"}).as_file()["fail_on"] == "low"
