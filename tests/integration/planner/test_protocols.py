"""The LLM planner over the vendors' SDKs, against servers that speak their protocols."""

from __future__ import annotations

import json

import pytest

from reign.core.errors import NotUnderstood
from tests.fakes.llm.script import Answer, BreaksOff, Failure, Raw, Reply, Silence, plan, question
from tests.integration.planner.vendors import KINDS, asking

WORDS = "run nginx as web on port 8088"
WEB = {
    "uses": "docker.run",
    "with": {"image": "nginx", "name": "web", "ports": {"8088": 80}},
    "because": "run nginx as web on port 8088",
}
GOOD = plan(web=WEB)
kinds = pytest.mark.parametrize("kind", sorted(KINDS))


@kinds
def test_a_plan_comes_as_a_stream(kind: str) -> None:
    answer = Answer(arguments=GOOD.arguments, input_tokens=14_000, output_tokens=220, cached_tokens=12_000)
    with asking(kind, [answer]) as asked:
        found = asked.plan(WORDS)
        assert found.plan.tasks["web"].with_ == WEB["with"]
        assert found.source == f"llm:{KINDS[kind].model}"
        (request,) = asked.vendor.asked
        assert request.body["stream"] is True
        assert request.body["model"] == KINDS[kind].model.partition(":")[2]
        assert "docker.run" in request.text
    assert asked.told[0].kind == "asking"
    assert any(told.operations == ("docker.run",) for told in asked.told)


def test_what_is_the_same_for_all_requests_is_cached_by_the_vendor() -> None:
    with asking("anthropic", [GOOD]) as asked:
        asked.plan(WORDS)
        body = asked.vendor.asked[0].body
    assert body["system"][-1]["cache_control"]["type"] == "ephemeral"
    assert body["tools"][-1]["cache_control"]["type"] == "ephemeral"
    assert WORDS not in json.dumps(body["system"])


@kinds
def test_the_model_holds_no_tool_that_acts(kind: str) -> None:
    with asking(kind, [GOOD]) as asked:
        asked.plan(WORDS)
        tools = asked.vendor.asked[0].body["tools"]
    assert sorted(tool.get("name") or tool["function"]["name"] for tool in tools) == ["ask_back", "propose_plan"]


@kinds
@pytest.mark.parametrize(
    "first",
    [
        Failure(429, retry_after="0"),
        Failure(500, retry_after="0"),
        BreaksOff("overloaded_error"),
        Answer(ends="text", text="Sure! Here is your plan."),
        Answer(arguments='{"tasks": {"web": '),
        Answer(arguments='{"tasks": []}'),
        Answer(arguments={"tasks": {}}),
        Answer(arguments={"tasks": {"web": {**WEB, "uses": "docker.rum"}}}),
        Answer(tool="delete_everything", arguments={"now": True}),
    ],
    ids=["429", "500", "breaks-off", "text", "half", "list", "empty", "unknown", "no-such-tool"],
)
def test_after_a_bad_answer_comes_a_good_one(kind: str, first: Reply) -> None:
    with asking(kind, [first, GOOD]) as asked:
        found = asked.plan(WORDS)
        assert len(asked.vendor.asked) == 2
    assert found.source.startswith("llm:")
    assert found.plan.tasks["web"].uses == "docker.run"


@kinds
def test_an_overloaded_vendor_is_asked_again(kind: str) -> None:
    with asking(kind, [Failure(KINDS[kind].overloaded, retry_after="0"), GOOD]) as asked:
        assert asked.plan(WORDS).source.startswith("llm:")
    waits = [told.text for told in asked.told if told.kind == "waiting"]
    assert any(str(KINDS[kind].overloaded) in wait for wait in waits)


@kinds
@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (Answer(ends="refusal"), "refused to answer"),
        (Answer(ends="refusal", text="I cannot\nhelp with that"), "refused to answer: I cannot help with that"),
        (Answer(ends="cut_off", arguments='{"tasks": {"a'), "was cut off at 8192 tokens"),
        (Failure(401), "does not accept the key (HTTP 401)"),
        (Failure(404), "is not known to its vendor"),
        (Failure(429, retry_after="3600"), "was asked too often (HTTP 429)"),
        (Raw(b"rubbish"), ""),
        (Raw(b"data: {]\n\n"), ""),
        (Raw(b"<html>bad gateway</html>", "text/html", 502, retry_after="0"), "HTTP 502"),
        (Raw(b"\xff\xfe" * 50), ""),
    ],
    ids=["refusal", "refusal-in-words", "cut-off", "401", "404", "429-long", "rubbish", "no-json", "html", "bytes"],
)
def test_what_cannot_be_mended_falls_back_and_says_so(kind: str, reply: Reply, says: str) -> None:
    with asking(kind, [reply], rounds=1) as asked:
        found = asked.plan(WORDS)
        assert len(asked.vendor.asked) <= 5
    assert found.source == "keyword"
    assert found.plan.tasks["run"].uses == "docker.run"
    assert found.warnings[0].startswith(KINDS[kind].model)
    assert says in found.warnings[0]
    assert "Traceback" not in found.warnings[0]


@kinds
def test_time_is_limited(kind: str) -> None:
    with asking(kind, [Silence()], timeout=0.5) as asked:
        found = asked.plan(WORDS)
    assert found.source == "keyword"
    assert "did not answer in time (REIGN_LLM_TIMEOUT is 0.5 s)" in found.warnings[0]


def test_nobody_at_the_address() -> None:
    with asking("ollama", [GOOD]) as asked:
        pass
    found = asked.plan(WORDS)
    assert found.source == "keyword"
    assert "cannot be reached" in found.warnings[0]


@kinds
def test_a_question_comes_back(kind: str) -> None:
    script = [question("on which port?", "run nginx on port 80")]
    with asking(kind, script) as asked, pytest.raises(NotUnderstood, match="on which port") as raised:
        asked.plan("run nginx somewhere")
    assert raised.value.details["choices"] == ["run nginx on port 80"]


def test_thinking_is_told() -> None:
    answer = Answer(arguments=GOOD.arguments, thinking="A container is wanted. " * 5)
    with asking("anthropic", [answer]) as asked:
        asked.plan(WORDS)
    assert "thinking" in [told.kind for told in asked.told]


def test_the_next_model_is_asked_over_its_own_protocol() -> None:
    script = [Failure(529, retry_after="3600"), GOOD]
    with asking("anthropic", script, fallback="anthropic:claude-haiku-5-5") as asked:
        found = asked.plan(WORDS)
        assert [request.body["model"] for request in asked.vendor.asked] == ["claude-sonnet-5-5", "claude-haiku-5-5"]
    assert found.source == "llm:anthropic:claude-haiku-5-5"
    assert found.warnings == ("anthropic:claude-sonnet-5-5 is overloaded (HTTP 529)",)
