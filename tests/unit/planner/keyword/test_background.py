"""Greetings, thanks and statements around a request, and what they leave for it."""

from __future__ import annotations

import pytest

from tests.unit.planner.keyword.support import only, propose, refusal, tasks


@pytest.mark.parametrize(
    "text",
    [
        *("hi team, restart web", "Good morning, restart web.", "restart web, thx", "restart web. Best regards, Anna"),
        *("Ticket OPS-311: restart web", "[OPS-311] restart web", "Hotfix: restart web", "To do:\n- restart web"),
        *("Dear all,\nplease restart web\n\nMany thanks\nJana", "restart web please, cheers"),
    ],
)
def test_what_frames_a_request_asks_for_nothing(text: str) -> None:
    assert only(text) == ("docker.restart", {"name": "web"})


@pytest.mark.parametrize("text", ["restart the container best", "run nginx:1.27 as cheers"])
def test_names_are_no_thanks(text: str) -> None:
    assert only(text)[1]["name"] == text.rpartition(" ")[2]


@pytest.mark.parametrize(
    "text, expected",
    [
        ("the container 'gateway' hangs. restart it", ("docker.restart", {"name": "gateway"})),
        ("The api container is not responding. Please restart it.", ("docker.restart", {"name": "api"})),
        (
            "The deployment web in namespace shop is overloaded. Scale it to 8 replicas.",
            ("kubernetes.scale", {"name": "web", "replicas": 8, "namespace": "shop"}),
        ),
        ("We have a demo at noon. pull redis:7", ("docker.pull", {"image": "redis:7"})),
        ("Our build agent is full; remove the container junk", ("docker.remove", {"name": "junk"})),
    ],
)
def test_a_statement_names_what_later_words_mean(text: str, expected: tuple[str, dict[str, object]]) -> None:
    assert only(text) == expected
    assert any("taken as background" in warning for warning in propose(text).warnings)


@pytest.mark.parametrize(
    "text",
    [
        "the container db must not be touched. restart web",
        "it is forbidden to stop db. restart web",
        "the port is 8080. run nginx as web",
        "everything is broken",
        "something is wrong with web",
    ],
)
def test_a_wish_or_a_value_is_no_background(text: str) -> None:
    refusal(text)


def test_what_is_not_to_be_done_names_things_all_the_same() -> None:
    assert only("do not stop worker, just restart it") == ("docker.restart", {"name": "worker"})


def test_a_verb_that_nobody_read_is_not_passed_over() -> None:
    assert tasks("Please to stop container mailer and after that delete it") == [
        ("docker.stop", {"name": "mailer"}),
        ("docker.remove", {"name": "mailer"}),
    ]


def test_a_place_that_is_introduced_holds() -> None:
    found = tasks("using the compose file './my stack/x.yml', bring up project demo")
    assert found == [("docker.compose_up", {"file": "./my stack/x.yml", "project": "demo"})]


def test_participles_of_a_wish_are_what_is_to_be_done() -> None:
    assert tasks("I want the container web stopped and removed") == [
        ("docker.stop", {"name": "web"}),
        ("docker.remove", {"name": "web"}),
    ]
