"""validation.policy: the policy's word about a plan, as findings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reign.executor import FailureKind, TaskFailed
from reign.executor.testing import make_context, run_operation
from workers.validation import Policy

PLAN = """\
name: p
params: {port: 80}
tasks:
  check: {uses: validation.tcp, with: {host: localhost, port: "${{ params.port }}"}}
"""
DENY = [{"name": "no-ports", "match": {"uses": "validation.tcp"}, "decision": "deny", "reason": "not today"}]


def check(folder: Path, options: dict[str, Any] | None = None, **inputs: Any) -> Policy.Result:
    context = make_context(folder, options=options or {})
    result = run_operation(Policy(), context, Policy.Inputs.model_validate(inputs))
    assert isinstance(result, Policy.Result)
    return result


def failure(folder: Path, **inputs: Any) -> TaskFailed:
    with pytest.raises(TaskFailed) as caught:
        check(folder, **inputs)
    return caught.value


def test_a_plan_that_nothing_speaks_against(tmp_path: Path) -> None:
    result = check(tmp_path, plan=PLAN)
    assert result.decision == "allow"
    assert [(d.task, d.decision, d.rule) for d in result.decisions] == [("check", "allow", "none")]


def test_what_is_denied_fails(tmp_path: Path) -> None:
    failed = failure(tmp_path, plan=PLAN, rules=DENY)
    assert failed.kind is FailureKind.CHECK_FAILED
    assert failed.message == "plan p: check (validation.tcp): not today [no-ports]"


def test_what_must_be_asked_is_a_remark(tmp_path: Path) -> None:
    result = check(tmp_path, plan=PLAN, rules=[{**DENY[0], "decision": "ask"}])
    assert result.decision == "ask"
    assert [(f.rule, f.severity) for f in result.findings] == [("policy-ask", "low")]


def test_the_environment_may_be_another(tmp_path: Path) -> None:
    rules = [{**DENY[0], "match": {"environment": "prod"}}]
    assert check(tmp_path, plan=PLAN, rules=rules).decision == "allow"
    assert "not today" in failure(tmp_path, plan=PLAN, rules=rules, environment="prod").message


def test_files_and_settings(tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").write_text(PLAN)
    (tmp_path / "policy.yaml").write_text(
        "- {name: no-ports, decision: deny, reason: not today, match: {uses: 'validation.*'}}\n"
    )
    assert check(tmp_path, path="plan.yaml").decision == "allow"
    assert "not today" in failure(tmp_path, path="plan.yaml", rules="policy.yaml").message
    with pytest.raises(TaskFailed):
        check(tmp_path, {"rules": DENY, "plan": PLAN})


def test_a_plan_may_come_as_an_object(tmp_path: Path) -> None:
    content = {"name": "p", "tasks": {"a": {"uses": "bash.run", "with": {"command": "true"}}}}
    assert [d.uses for d in check(tmp_path, plan=content).decisions] == ["bash.run"]


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({}, "there is no plan to judge"),
        ({"path": "nowhere.yaml"}, "nowhere.yaml cannot be read"),
        ({"plan": "name: p\ntasks: {a: {uses: no.such}}\n"}, "there is no operation"),
        ({"plan": {"name": "p"}}, "'tasks' is missing"),
        ({"plan": PLAN, "params": {"ports": 1}}, "no parameter 'ports'"),
        ({"plan": PLAN, "rules": "nowhere.yaml"}, "nowhere.yaml cannot be read"),
        ({"plan": PLAN, "rules": [{"name": "a"}]}, "rule a"),
    ],
)
def test_wrong_inputs_are_said(tmp_path: Path, inputs: dict[str, Any], said: str) -> None:
    failed = failure(tmp_path, **inputs)
    assert failed.kind is FailureKind.WRONG_INPUT
    assert said in failed.message
