"""If, unless, otherwise, stop if, once: checks are added, outcomes gate, failures branch."""

from __future__ import annotations

import pytest

from reign.core.plan import OnFailure
from tests.unit.planner.keyword.support import edges, plan, propose, refusal, tasks


@pytest.mark.parametrize(
    "text",
    [
        "run `a`, and if it works run `b`",
        "run `a`, and if that succeeds, run `b`",
        "run `a`. If it is ok, run `b`",
        "run `a` and, unless it fails, run `b`",
        "run `a`; stop if it fails; run `b`",
        "run `a`, abort if it does not work, otherwise run `b`",
        "run `a` and run `b` if everything went well",
    ],
)
def test_success_is_plain_order(text: str) -> None:
    assert edges(text) == {("run", "run-b")}
    assert plan(text).tasks["run-b"].if_ is None


@pytest.mark.parametrize(
    "text",
    [
        "run `a`; if it fails, run `b`",
        "run `a`. If that goes wrong, run `b`",
        "run `a`, otherwise run `b`",
        "run `a`, and stop if it works; run `b`",
        "run `a` and, unless it works, run `b`",
    ],
)
def test_failure_branches(text: str) -> None:
    task = plan(text).tasks["run-b"]
    assert (task.if_, task.needs) == ("failure()", ("run",))


def test_both_branches() -> None:
    tasks = plan("check http://a.org; if it fails restart web, otherwise stop web").tasks
    assert (tasks["restart"].if_, tasks["stop"].if_) == ("failure()", None)
    assert tasks["restart"].needs == tasks["stop"].needs == ("http",)


def test_what_follows_a_failure_branch_does_not_wait_for_it() -> None:
    tasks = plan("run `a`; if it fails, run `b`. Then run `c`").tasks
    assert tasks["run-c"].needs == ("run",)


@pytest.mark.parametrize(
    "text, check",
    [
        ("if http://a.org answers, restart web", "http"),
        ("restart web if http://a.org answers", "http"),
        ("if no secrets are found in ./src, restart web", "scan-secrets"),
        ("restart web unless secrets are found in ./src", "scan-secrets"),
        ("restart web if ./src contains no secrets", "scan-secrets"),
        ("if port 80 is free, restart web", "scan-ports"),
        ("if port 80 is not open, restart web", "scan-ports"),
        ("once http://a.org answers, restart web", "http"),
        ("restart web as soon as http://a.org answers", "http"),
        ("if ./infra is valid, restart web", "validate"),
    ],
)
def test_a_check_is_added(text: str, check: str) -> None:
    assert edges(text) == {(check, "restart")}


def test_a_check_that_must_fail() -> None:
    task = plan("restart web if http://a.org does not answer").tasks["restart"]
    assert (task.if_, task.needs) == ("failure()", ("http",))


def test_a_check_that_was_said_is_not_said_twice() -> None:
    text = "check the manifest k8s/app.yaml and apply it if it is valid"
    assert edges(text) == {("manifest", "apply")}


def test_the_end_of_a_scan() -> None:
    assert edges("scan ./src for secrets and stop if any are found; otherwise run `x`") == {("scan-secrets", "run")}
    assert edges("scan ./src for secrets; if there are none, run `x`") == {("scan-secrets", "run")}
    found = plan("scan ./src for secrets; if any are found, run `x`").tasks["run"]
    assert found.if_ == "failure()"


def test_a_condition_is_never_passed_over() -> None:
    for text in ("restart web if it is Tuesday", "if it is slow, restart web", "restart web unless the moon is full"):
        assert "condition" in refusal(text).message


def test_a_condition_about_nothing_said() -> None:
    assert "nothing was said before" in refusal("if it works, restart web").message
    assert refusal("restart web if it fails")
    assert refusal("if it works")


def test_once_it_has_been_done_is_an_order_to_do_it() -> None:
    assert edges("once redis:7 has been pulled, run it") == {("pull", "run")}
    assert edges("pull redis:7. Once redis:7 has been pulled, run it") == {("pull", "run")}


def test_after_what_was_said_is_only_order() -> None:
    assert edges("build ./a as a:1. After building it, push it") == {("build", "push")}


def test_rolling_back_and_going_on() -> None:
    assert plan("run `a` and roll everything back if it fails").on_failure is OnFailure.ROLLBACK
    assert plan("run `a`. If something fails, undo it all").on_failure is OnFailure.ROLLBACK
    assert plan("run `a` and `b`. If one fails, continue").on_failure is OnFailure.CONTINUE
    assert plan("run `a`, and if it works, go on").on_failure is OnFailure.STOP


@pytest.mark.parametrize(
    "text",
    [
        "apply k8s/app.yaml but ask me first",
        "apply k8s/app.yaml after my approval",
        "after I approve, apply k8s/app.yaml",
        "ask me, then apply k8s/app.yaml",
        "apply k8s/app.yaml with approval",
        "apply k8s/app.yaml and ask me",
    ],
)
def test_approval(text: str) -> None:
    [task] = plan(text).tasks.values()
    assert task.approval == "required"


@pytest.mark.parametrize(
    "text, attempts",
    [
        ("run `a` and retry twice", 3),
        ("run `a` and retry it 5 times if it fails", 6),
        ("run `a`, then retry", 4),
        ("run `a` with 3 retries", 4),
        ("run `a` with 3 attempts", 3),
    ],
)
def test_retries(text: str, attempts: int) -> None:
    [task] = plan(text).tasks.values()
    assert task.retry is not None
    assert task.retry.attempts == attempts


def test_limits() -> None:
    [task] = plan("run `a` with a timeout of 20 seconds").tasks.values()
    assert task.timeout == 20
    [task] = plan("run `a` and wait at most 5 minutes").tasks.values()
    assert task.timeout == 300
    [task] = plan("install ./charts/mail as mail and wait up to a minute").tasks.values()
    assert task.with_["timeout"] == 60


def test_environments() -> None:
    assert plan("restart web in the staging environment").environment == "staging"
    assert plan("restart web, environment prod").environment == "prod"
    assert propose("restart web", environment="prod").plan.environment == "prod"
    assert plan("run redis:7 with environment variable A=1").environment == "dev"


def test_reasons_are_passed_over() -> None:
    assert list(plan("restart web because it hangs").tasks) == ["restart"]
    assert list(plan("restart web although it is running").tasks) == ["restart"]


def test_what_is_left_out_is_told() -> None:
    proposal = propose("build ./a as a:1 but do not push it")
    assert [task.uses for task in proposal.plan.tasks.values()] == ["docker.build"]
    assert any("not done, as asked" in line for line in proposal.warnings)
    assert refusal("don't do anything")


def test_what_is_spared_must_be_understood() -> None:
    assert refusal("destroy ./infra without hurting the database").details["question"] == "what should be spared?"


@pytest.mark.parametrize(
    "text",
    ["merge PR 12 of acme/shop once its checks have passed", "merge PR 12 of acme/shop when the checks are green"],
)
def test_a_time_that_names_a_check_of_the_thing_is_that_check(text: str) -> None:
    assert tasks(text) == [
        ("github.wait_for_checks", {"number": 12, "repo": "acme/shop"}),
        ("github.merge_pull_request", {"number": 12, "repo": "acme/shop"}),
    ]


def test_a_time_that_hangs_on_nothing_that_was_said_is_not_passed_over() -> None:
    assert "nothing was said before it" in refusal("restart web once it is up").details["question"]


def test_a_command_as_a_condition_is_run_first() -> None:
    tasks = propose("after `npm test` succeeds build . as ui:3").plan.tasks
    assert [(t.uses, t.needs, t.if_) for t in tasks.values()] == [
        ("bash.run", (), None),
        ("docker.build", ("run",), None),
    ]
    tasks = propose("restart the container web unless `test -f lock` succeeds").plan.tasks
    assert [(t.uses, t.if_) for t in tasks.values()] == [("bash.run", None), ("docker.restart", "failure()")]
    tasks = propose("run `a`; if `a` fails run `b`").plan.tasks
    assert [t.with_["command"] for t in tasks.values()] == ["a", "b"], "the one that was spoken of"
    tasks = propose("`pytest -q` then `python -m build`").plan.tasks
    assert [t.with_["command"] for t in tasks.values()] == ["pytest -q", "python -m build"]
