"""The policy: which rule decides about a task, and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reign.core.catalog import Effect
from reign.core.check import parse_plan
from reign.core.errors import InvalidInput
from reign.core.findings import Finding, Severity
from reign.core.plan import Plan
from reign.core.resource import Undo
from reign.policy import Condition, Decision, Effective, Match, Rule, evaluate, load_rules, parse_rules, strictest


@dataclass(frozen=True)
class Said:
    effect: Effect = Effect.CHANGE
    undo: Undo = Undo.EXACT
    asks: str | None = None
    refuses: str | None = None
    findings: tuple[Finding, ...] = field(default=())


def plan(uses: str = "docker.run", environment: str = "dev", **inputs: Any) -> Plan:
    return parse_plan({"name": "p", "environment": environment, "tasks": {"t": {"uses": uses, "with": inputs}}})


def rule(decision: str, name: str = "mine", **match: Any) -> Rule:
    return Rule.model_validate({"name": name, "decision": decision, "reason": f"because {name}", "match": match})


def decide(what: Plan, said: Said | None = None, *rules: Rule, defaults: tuple[Rule, ...] | None = None) -> Decision:
    more = {} if defaults is None else {"defaults": defaults}
    return evaluate(what, {"t": said or Said()}, rules, **more)[0]


def danger(name: str) -> Finding:
    return Finding(rule=name, severity=Severity.LOW, message="m")


def test_what_no_rule_speaks_of_is_allowed() -> None:
    decision = decide(plan())
    assert (decision.decision, decision.rule, decision.reason) == (Effective.ALLOW, "none", "no rule speaks against it")
    assert (decision.task, decision.uses) == ("t", "docker.run")


def test_what_the_operation_asks_is_asked_and_what_it_refuses_is_denied() -> None:
    asked = decide(plan(), Said(asks="it destroys"))
    assert (asked.decision, asked.rule, asked.reason) == (Effective.ASK, "operation", "it destroys")
    refused = decide(plan(), Said(asks="it destroys", refuses="never"), rule("allow"))
    assert (refused.decision, refused.reason) == (Effective.DENY, "never")
    assert refused.also == ("mine: allow: because mine", "operation: ask: it destroys")


def test_a_written_rule_settles_what_would_be_asked() -> None:
    assert decide(plan(), Said(asks="it destroys"), rule("allow", uses="docker.*")).decision is Effective.ALLOW
    assert decide(plan(), Said(asks="it destroys"), rule("allow", uses="bash.*")).decision is Effective.ASK


def test_the_strictest_of_the_written_rules_decides() -> None:
    decision = decide(plan(), None, rule("allow", "a"), rule("deny", "b"), rule("ask", "c"))
    assert (decision.decision, decision.rule) == (Effective.DENY, "b")
    assert decision.also == ("a: allow: because a", "c: ask: because c")


@pytest.mark.parametrize(
    ("match", "speaks"),
    [
        ({}, True),
        ({"uses": "docker.run"}, True),
        ({"uses": ["bash.*", "docker.*"]}, True),
        ({"uses": "bash.*"}, False),
        ({"environment": "prod"}, False),
        ({"environment": ["d*"]}, True),
        ({"effect": "change"}, True),
        ({"effect": ["read", "destroy"]}, False),
        ({"undo": "exact"}, True),
        ({"undo": "none"}, False),
        ({"findings": "docker.latest"}, True),
        ({"findings": ["docker.priv*"]}, False),
        ({"inputs": {"privileged": True}}, True),
        ({"inputs": {"privileged": False}}, False),
        ({"inputs": {"replicas": 3}}, True),
        ({"inputs": {"replicas": True}}, False),
        ({"inputs": {"one": True}}, False),
        ({"inputs": {"replicas": {"at_least": 2, "at_most": 3}}}, True),
        ({"inputs": {"replicas": {"at_least": 4}}}, False),
        ({"inputs": {"image": {"at_least": 4}}}, False),
        ({"inputs": {"image": "nginx*"}}, True),
        ({"inputs": {"image": "redis*"}}, False),
        ({"inputs": {"image": ["redis*", "nginx*"]}}, True),
        ({"inputs": {"image": {"one_of": ["redis:7"]}}}, False),
        ({"inputs": {"image": {"matches": ":1[.]"}}}, True),
        ({"inputs": {"image": {"matches": "^1"}}}, False),
        ({"inputs": {"volumes": {"contains": "*docker.sock"}}}, True),
        ({"inputs": {"volumes": {"contains": "*podman.sock"}}}, False),
        ({"inputs": {"volumes": "x"}}, False),
        ({"inputs": {"labels.team": "pay*"}}, True),
        ({"inputs": {"labels.team.x": "pay*"}}, False),
        ({"inputs": {"image": {"given": True}}}, True),
        ({"inputs": {"image": {"given": False}}}, False),
        ({"inputs": {"command": {"given": False}}}, True),
        ({"inputs": {"command": {"given": True}}}, False),
        ({"inputs": {"command": "x"}}, False),
        ({"uses": "docker.*", "inputs": {"replicas": 3, "privileged": False}}, False),
    ],
)
def test_a_match(match: dict[str, Any], speaks: bool) -> None:
    task = plan(
        image="nginx:1.27", privileged=True, replicas=3, one=1, labels={"team": "payments"},
        volumes=["a:/a", {"source": "/run/docker.sock"}],
    )  # fmt: skip
    decision = decide(task, Said(findings=(danger("docker.latest"),)), rule("deny", **match))
    assert decision.decision is (Effective.DENY if speaks else Effective.ALLOW)


def test_an_input_that_is_not_known_yet_is_asked_about_and_never_allowed() -> None:
    open_plan = parse_plan(
        {
            "name": "p",
            "tasks": {
                "a": {"uses": "docker.pull", "with": {"image": "x"}},
                "t": {"uses": "docker.run", "with": {"image": "${{ tasks.a.result.image }}", "name": "n"}},
            },
        }
    )
    latest = {"inputs": {"image": "*:latest"}}
    decisions = evaluate(open_plan, {"t": Said(), "a": Said()}, [rule("deny", uses="docker.run", **latest)])
    assert decisions[1].decision is Effective.ASK
    assert "known only during the run" in decisions[1].reason
    allowed = evaluate(open_plan, {"t": Said(asks="hm"), "a": Said()}, [rule("allow", **latest)])
    assert allowed[1].decision is Effective.ASK
    other_input = evaluate(
        open_plan, {"t": Said(), "a": Said()}, [rule("deny", inputs={"image": "*:latest", "name": "other"})]
    )
    assert other_input[1].decision is Effective.ALLOW, "the part that is known does not fit"


def test_a_task_that_nobody_assessed_is_taken_for_the_worst() -> None:
    decision = evaluate(plan(), {}, [rule("deny", undo="none", effect="change")])[0]
    assert decision.decision is Effective.DENY


@pytest.mark.parametrize(
    ("what", "said", "wanted"),
    [
        (plan(environment="prod"), Said(findings=(danger("docker.latest"),)), "latest-in-production"),
        (plan(), Said(findings=(danger("docker.latest"),)), "none"),
        (plan(), Said(findings=(danger("docker.secret-in-clear"),)), "secret-in-clear"),
        (plan("validation.http", "prod", url="http://x/", fail_on="never"), Said(), "gate-switched-off"),
        (plan("validation.http", "dev", url="http://x/", fail_on="never"), Said(), "none"),
    ],
)
def test_the_built_in_rules(what: Plan, said: Said, wanted: str) -> None:
    assert decide(what, said).rule == wanted
    assert decide(what, said, defaults=()).rule == "none"


def test_the_strictest_of_all() -> None:
    assert strictest([]) is Effective.ALLOW
    decisions = [decide(plan()), decide(plan(), Said(asks="x"))]
    assert strictest(decisions) is Effective.ASK
    assert strictest([*decisions, decide(plan(), Said(refuses="x"))]) is Effective.DENY


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(st.sampled_from(["allow", "ask", "deny"]), max_size=6))
def test_more_rules_never_make_a_denied_task_allowed(decisions: list[str]) -> None:
    rules = [rule(decision, f"r{number}") for number, decision in enumerate(decisions)]
    decision = decide(plan(), None, *rules, rule("deny", "no"))
    assert decision.decision is Effective.DENY


def test_rules_are_read_from_yaml() -> None:
    text = """
    rules:
      - name: no-privileged
        match: {uses: docker.run, inputs: {privileged: true, replicas: {at_most: 3}}}
        decision: deny
        reason: too dangerous
    """
    rules = load_rules(text)
    assert rules == [
        Rule(
            name="no-privileged",
            decision=Effective.DENY,
            reason="too dangerous",
            match=Match(
                uses=("docker.run",), inputs={"privileged": Condition(is_=True), "replicas": Condition(at_most=3)}
            ),
        )
    ]
    assert load_rules("- {name: a, decision: ask, reason: because}")[0].match == Match()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rules: [", "is not YAML (line 1)"),
        ("rules: 3", "no list of `rules`"),
        ("", "no list of `rules`"),
        ("- {name: a, decision: maybe, reason: because}", "rule a: decision"),
        ("- {decision: ask, reason: because}", "rule 1: name"),
        ("- {name: a, decision: ask}", "rule a: reason"),
        ("- {name: a, decision: ask, reason: because, when: x}", "rule a: when"),
        ("- {name: a, decision: ask, reason: because, match: {inputs: {x: {matches: '('}}}}", "no regular expression"),
        ("- 3", "rule 1"),
        ("- &a {name: a, decision: ask, reason: because}\n- *a", "two rules called 'a'"),
    ],
)
def test_wrong_rules_are_said(text: str, said: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        load_rules(text, "policy.yaml")
    assert said in caught.value.message
    assert caught.value.message.startswith("policy.yaml")


def test_rules_may_come_as_objects() -> None:
    assert parse_rules([{"name": "a", "decision": "ask", "reason": "because"}])[0].name == "a"


@pytest.mark.parametrize(
    ("entry", "where", "hint"),
    [
        (
            {"match": {"enviroment": "prod"}},
            "rule a: match.enviroment: there is no such key",
            "did you mean 'environment'?",
        ),
        ({"reasons": "x"}, "rule a: reasons: there is no such key", "did you mean 'reason'?"),
    ],
)
def test_a_mistyped_key_is_told_with_the_nearest_right_one(entry: dict[str, object], where: str, hint: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_rules([{"name": "a", "decision": "ask", "reason": "because", **entry}])
    assert where in caught.value.message
    assert caught.value.hint == hint
