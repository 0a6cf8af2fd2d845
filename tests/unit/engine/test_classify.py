"""What sort of failure it was: the agent's own word first, then words that mean the same everywhere."""

from __future__ import annotations

import pytest

from reign.engine.classify import FailureClass, classify

F = FailureClass


@pytest.mark.parametrize(
    "kind, expected",
    [
        ("transient", F.TRANSIENT),
        ("timed_out", F.TRANSIENT),
        ("wrong_input", F.WRONG_INPUT),
        ("missing_prerequisite", F.MISSING_PREREQUISITE),
        ("permission", F.PERMISSION),
        ("conflict", F.CONFLICT),
        ("check_failed", F.UNKNOWN),
    ],
)
def test_the_agents_word_counts(kind: str, expected: FailureClass) -> None:
    assert classify({"kind": kind, "message": "permission denied, timed out, invalid"}) is expected


@pytest.mark.parametrize(
    "message, expected",
    [
        ("curl: (7) Failed to connect: Connection refused", F.TRANSIENT),
        ("HTTP 503 from the server", F.TRANSIENT),
        ("bind: Address already in use", F.CONFLICT),
        ("open /etc/x: Permission denied", F.PERMISSION),
        ("bash: helm: command not found", F.MISSING_PREREQUISITE),
        ('Backend initialization required, please run "terraform init"', F.MISSING_PREREQUISITE),
        ("cat: x: No such file or directory", F.WRONG_INPUT),
        ("exit code 1", F.UNKNOWN),
    ],
)
def test_words_count_where_the_agent_could_not_tell(message: str, expected: FailureClass) -> None:
    assert classify({"kind": "unknown", "message": message}) is expected
    assert classify({"kind": "a kind of tomorrow", "message": message}) is expected


def test_nothing_said_is_unknown() -> None:
    assert classify({}) is F.UNKNOWN
