"""What is not understood runs nothing, and is answered with a question."""

from __future__ import annotations

import pytest

from reign.core.errors import InvalidInput, NotUnderstood
from reign.planner.keyword.planner import MAX_TEXT
from reign.planner.protocol import PlanRequest
from tests.unit.planner.keyword.support import planner, propose, refusal


@pytest.mark.parametrize(
    "text, question",
    [
        ("scale web", "to how many replicas?"),
        ("open an issue on acme/shop", "with which title? put it in quotes"),
        ("expose web", "on which port?"),
        ("create a network", "which network?"),
        ("copy ./a.txt", "where to?"),
        ("tag shop:1", "which further name should the image have?"),
    ],
)
def test_what_is_missing_is_asked(text: str, question: str) -> None:
    error = refusal(text)
    assert error.details["question"] == question
    assert error.details["choices"]
    assert error.hint


@pytest.mark.parametrize(
    "text",
    [
        *("make it nice", "fix everything", "deploy", "do the thing with the stuff", "what's the weather", "hello"),
        *("restart all containers", "restart web or api", "stop everything", "delete web", "build me a house"),
        *("remove all containers except web", "restart web every hour", "delete the deployments but keep one"),
        *("run docker", "delete *.log", "uninstall docker", "restart web, api and the other one", "run the tests"),
        *("scale web to minus three", "run nginx on port 99999", "remove acme/shop", "", "   ", "?!", "\n\n"),
        *("restart the container web delete volume x", "stop web not api", "deploy nginx to the moon"),
    ],
)
def test_refused(text: str) -> None:
    error = refusal(text)
    assert error.exit_code == 3
    assert "\n" not in error.message
    assert error.details.get("choices") or error.details.get("suggestions")


def test_several_meanings() -> None:
    error = refusal("start redis")
    assert set(error.details["operations"]) == {"docker.run", "docker.start"}


def test_unknown_verbs_are_answered_with_what_is_like_them() -> None:
    assert refusal("pullulate a:1").details["suggestions"]
    assert refusal("enlarge the web deployment to 5 replicas")  # "deployment" is no verb here


def test_a_shell_command_is_recognised() -> None:
    assert refusal("ls -la").details["choices"] == ["run `ls -la`"]


def test_a_value_that_the_operation_refuses() -> None:
    error = refusal("run the script ./a.sh with ENV=x")
    assert "makes no valid plan" in error.message


def test_too_long() -> None:
    with pytest.raises(InvalidInput, match="at most"):
        propose("x" * (MAX_TEXT + 1))


def test_errors_are_not_as_long_as_the_request() -> None:
    with pytest.raises(NotUnderstood) as caught:
        propose("frobnicate " * 500)
    assert len(caught.value.message) < 300


@pytest.mark.parametrize(
    "text",
    ["tell me a joke", "what is the capital of france?", "write me a poem", "book a flight to Rome", "show me a cat"],
)
def test_what_no_agent_knows_is_answered_with_what_can_be_asked(text: str) -> None:
    error = refusal(text)
    assert "nothing in it is known to" in error.message
    suggestions = error.details["suggestions"]
    assert isinstance(suggestions, list)
    assert len(suggestions) == len({entry.agent for entry in planner().vocabulary.entries})
    assert all(planner().plan(PlanRequest(example)).plan.tasks for example in suggestions)


def test_a_noun_that_is_known_is_asked_about_with_its_own_operations() -> None:
    error = refusal("tell me a story about containers")
    assert "what should be done?" in error.message
    assert "container" in str(error.details["choices"])
