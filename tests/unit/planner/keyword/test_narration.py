"""What somebody tells of themselves is background: it names things, and makes no task."""

from __future__ import annotations

from tests.unit.planner.keyword.support import propose, refusal, tasks


def test_what_happened_is_background() -> None:
    found = propose("I wrote a script, ./bin/rotate.sh. mind checking it before I run it?")
    assert [(t.uses, t.with_) for t in found.plan.tasks.values()] == [
        ("validation.script", {"path": "./bin/rotate.sh"})
    ]
    assert any("background" in warning for warning in found.warnings)
    assert tasks("we have a release tonight. restart web.") == [("docker.restart", {"name": "web"})]


def test_no_wish_is_background() -> None:
    assert refusal("stop web1 and web2; the last one shall be removed too")
    assert refusal("I promised Tom a container with python:3.12, named sandbox, could you start one?")


def test_reports_and_agreements_say_nothing() -> None:
    said = "as agreed in the meeting, restart the container web. Let me know if anything fails."
    assert tasks(said) == [("docker.restart", {"name": "web"})]
    assert tasks("looks good, restart the container web") == [("docker.restart", {"name": "web"})]


def test_a_pull_request_is_asked_for() -> None:
    assert "which pull request" in refusal("merge the pull request").message
