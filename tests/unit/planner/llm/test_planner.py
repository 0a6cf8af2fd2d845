"""The LLM planner's own logic, with models made of functions."""

from __future__ import annotations

import pytest
from pydantic_ai.exceptions import ContentFilterError, ModelHTTPError

from reign.core.errors import InvalidInput, NotUnderstood
from reign.planner.keyword import KeywordPlanner
from reign.planner.protocol import PlanRequest
from reign.policy import parse_rules
from tests.unit.planner.llm.models import MODEL, OTHER, asking, catalog, proposed, task

WEB = "run nginx as web"
RUN = task("docker.run", WEB, image="nginx", name="web")


def test_a_models_plan_is_a_checked_plan_with_its_source_and_its_words() -> None:
    found = asking([proposed(web=RUN)]).plan("please run nginx as web")
    assert found.source == f"llm:{MODEL}"
    assert found.plan.tasks["web"].uses == "docker.run"
    assert found.plan.name == "please-run-nginx-as-web"
    assert [(note.start, note.end, note.meaning) for note in found.explanation] == [(7, 23, "docker.run (web)")]
    assert found.warnings == ()


def test_what_the_keyword_planner_also_reads_is_not_the_models_alone() -> None:
    assert asking([proposed(web=RUN)]).plan(WEB).proposed == {}
    other = asking([proposed(web=task("docker.run", WEB, image="nginx", name="web", restart="always"))]).plan(WEB)
    assert other.proposed == {"web": ""}


def test_saying_a_default_is_no_difference() -> None:
    same = task("docker.run", WEB, image="nginx", name="web", privileged=False, pull="missing")
    assert asking([proposed(web=same)]).plan(WEB).proposed == {}


def test_faults_are_told_and_repaired_in_the_next_round() -> None:
    asked = asking([proposed(web=task("docker.rum", WEB, image="nginx", name="web")), proposed(web=RUN)])
    found = asked.plan(WEB)
    assert found.source.startswith("llm:")
    assert "docker.rum" in asked.sent[1]
    assert "did you mean 'docker.run'" in asked.sent[1]
    assert [told.kind for told in asked.told if told.kind == "repairing"] == ["repairing"]


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"a": task("docker.run", WEB, image="nginx")}, "needs the input"),
        ({"a": task("docker.run", WEB, image="nginx", name="w", colour="red")}, "colour"),
        ({"a": {**RUN, "needs": ["b"]}}, "there is no task"),
        ({"a": {**RUN, "needs": ["b"]}, "b": {**RUN, "needs": ["a"]}}, "a -> b -> a"),
        ({"a": task("docker.run", WEB, image="${{ tasks.x.result.image }}", name="web")}, "there is no task"),
        ({"a": task("docker.run", WEB, image="nginx", name="REIGN_SECRET_9")}, "stands for no secret"),
        ({"a b": RUN}, "task id"),
        ({"a": {**RUN, "because": "delete everything"}}, "quote, verbatim"),
    ],
)
def test_every_fault_is_told(wrong: dict[str, object], why: str) -> None:
    asked = asking([("propose_plan", {"tasks": wrong}), proposed(web=RUN)])
    assert asked.plan(WEB).plan.tasks.keys() == {"web"}
    assert len(asked.sent) == 2
    assert why in asked.sent[1]


def test_rounds_are_bounded_and_the_keyword_planner_goes_on() -> None:
    asked = asking([proposed(web=task("docker.rum", WEB))], rounds=2)
    found = asked.plan(WEB)
    assert len(asked.sent) == 3
    assert found.source == "keyword"
    assert found.plan.tasks["run"].uses == "docker.run"
    assert "gave no right answer in 3 tries" in found.warnings[0]
    assert found.warnings[1] == "the keyword planner made this plan"


def test_another_model_is_asked_before_the_keyword_planner() -> None:
    asked = asking([ContentFilterError("no")], [proposed(web=RUN)])
    found = asked.plan(WEB)
    assert found.source == f"llm:{OTHER}"
    assert found.warnings == (f"{MODEL} refused to answer",)
    assert "falling_back" in [told.kind for told in asked.told]


def test_what_nobody_understands_says_why_no_model_helped() -> None:
    with pytest.raises(NotUnderstood) as raised:
        asking([ModelHTTPError(401, "m")]).plan("frobnicate the quux")
    assert MODEL in str(raised.value)
    assert raised.value.details["suggestions"]


def test_a_question_is_asked_back_with_choices() -> None:
    call = ("ask_back", {"question": "which\ncontainer?", "choices": ["restart web", "restart db"]})
    with pytest.raises(NotUnderstood) as raised:
        asking([call]).plan("restart it")
    assert raised.value.message == "which container?"
    assert raised.value.details["choices"] == ["restart web", "restart db"]
    assert raised.value.hint == "'restart web'; or 'restart db'"


def test_texts_that_no_planner_reads_go_to_no_model() -> None:
    asked = asking([proposed(web=RUN)])
    with pytest.raises(NotUnderstood):
        asked.plan("   ")
    with pytest.raises(InvalidInput):
        asked.plan("x" * 30_000)
    assert asked.sent == []


def test_the_same_question_is_asked_once() -> None:
    asked = asking([proposed(web=RUN)])
    first, second = asked.plan(WEB), asked.plan(WEB)
    assert len(asked.sent) == 1
    assert second.plan == first.plan
    assert second.source == first.source
    assert "kept" in second.warnings[0]
    asked.plan(WEB, environment="prod")
    asked.plan(WEB, resources=["docker:container/x"])
    assert len(asked.sent) == 3


def test_a_kept_answer_is_checked_again() -> None:
    asked = asking([proposed(web=RUN)])
    asked.plan(WEB)
    (key,) = asked.desk.kept
    asked.desk.kept[key] = {"tasks": {"web": {"uses": "docker.gone"}}}
    assert asked.plan(WEB).plan.tasks["web"].uses == "docker.run"
    asked.desk.kept[key] = "rubbish"
    assert asked.plan(WEB).plan.tasks["web"].uses == "docker.run"
    assert len(asked.sent) == 3


def test_another_policy_asks_again() -> None:
    rules = [{"name": "no-nginx", "match": {"uses": "docker.pull"}, "decision": "ask", "reason": "not so fast"}]
    written: list[object] = []
    asked = asking([proposed(web=RUN)], rules=lambda: parse_rules(written))
    asked.plan(WEB)
    written.extend(rules)
    asked.plan(WEB)
    assert len(asked.sent) == 2


def test_the_environment_is_read_by_code() -> None:
    asked = asking([proposed(web=RUN)])
    assert asked.plan("run nginx as web in the staging environment").plan.environment == "staging"
    assert asked.plan("run nginx as web", environment="prod").plan.environment == "prod"
    assert asked.plan("run nginx as web", default_environment="lab").plan.environment == "lab"


def test_what_the_policy_denies_is_sent_back_once_and_then_left_to_be_refused() -> None:
    rules = parse_rules(
        [
            {
                "name": "no-privileged",
                "match": {"uses": "docker.run", "inputs": {"privileged": True}},
                "decision": "deny",
                "reason": "privileged containers can take over the machine",
            }
        ]
    )
    bad = proposed(web=task("docker.run", WEB, image="nginx", name="web", privileged=True))
    repaired = asking([bad, proposed(web=RUN)], rules=lambda: rules)
    assert "privileged" not in repaired.plan(WEB).plan.tasks["web"].with_
    assert "the policy forbids it" in repaired.sent[1]
    stubborn = asking([bad], rules=lambda: rules).plan(WEB)
    assert stubborn.plan.tasks["web"].with_["privileged"] is True


def test_a_secret_of_the_request_is_not_shown_and_stands_in_the_plan() -> None:
    words = "run postgres as db with POSTGRES_PASSWORD=hunter2hunter2"
    env = {"POSTGRES_PASSWORD": "REIGN_SECRET_1"}
    asked = asking([proposed(db=task("docker.run", "run postgres as db", image="postgres", name="db", env=env))])
    found = asked.plan(words)
    assert "hunter2" not in asked.sent[0]
    assert found.plan.tasks["db"].with_["env"] == {"POSTGRES_PASSWORD": "hunter2hunter2"}
    assert "hunter2" not in f"{found.plan.name} {found.plan.description}"
    assert "hunter2" not in str(asked.desk.kept)
    assert any("secret://env/NAME" in warning for warning in found.warnings)


def test_requests_are_counted_before_and_after() -> None:
    asked = asking([proposed(web=task("docker.rum", WEB)), proposed(web=RUN)])
    asked.plan(WEB)
    assert [estimate.model for estimate in asked.desk.reserved] == [MODEL, MODEL]
    assert {estimate.planning for estimate in asked.desk.reserved} == {asked.desk.reserved[0].planning}
    assert [taken.state for taken in asked.desk.settled] == ["done", "done"]
    assert all(taken.cost for taken in asked.desk.settled)
    assert all((e.cost or 0) >= (t.cost or 0) for e, t in zip(asked.desk.reserved, asked.desk.settled, strict=True))


def test_a_budget_of_one_planning_ends_it() -> None:
    for options in ({"tokens_per_run": 100}, {"money_per_run": 0.001}):
        asked = asking([proposed(web=RUN)], **options)
        found = asked.plan(WEB)
        assert asked.sent == []
        assert found.source == "keyword"
        assert "of one planning" in found.warnings[0]


def test_the_keyword_planner_itself_is_what_the_words_mean() -> None:
    """The comparison rests on it: a plan of words alone equals what `alone` compares with."""
    words = KeywordPlanner(catalog()).plan(PlanRequest(WEB)).plan
    assert words.tasks["run"].with_ == {"image": "nginx", "name": "web"}


def test_a_secret_that_does_not_fit_is_told_by_its_place_alone() -> None:
    bad = task("docker.run", "run nginx", image="nginx", name="REIGN_SECRET_1")
    good = task("docker.run", "run nginx", image="nginx", name="web")
    asked = asking([proposed(web=bad), proposed(web=good)])
    found = asked.plan("run nginx with password=hunter2/../hunter2")
    assert found.plan.tasks["web"].with_["name"] == "web"
    assert "a secret does not fit here" in asked.sent[1]
    assert "hunter2" not in asked.sent[1]


def test_limits_of_the_request_stand_in_the_plan() -> None:
    asked = asking([("propose_plan", {"tasks": {"web": RUN}, "concurrency": 2, "on_failure": "rollback"})])
    plan = asked.plan(WEB).plan
    assert (plan.concurrency, plan.on_failure.value) == (2, "rollback")


def test_words_are_found_whatever_their_case() -> None:
    run = task("docker.run", "Run NGINX as web", image="nginx", name="web")
    assert asking([proposed(web=run)]).plan("run nginx as web").explanation[0].text == "run nginx as web"
    lengthened = asking([proposed(web=RUN)]).plan("\u0130 run nginx as web")  # a letter that casefold makes two of
    assert lengthened.explanation[0].text == WEB
