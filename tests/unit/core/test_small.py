"""Resources, durations, names, errors and outcomes."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from reign.core import errors, outcome
from reign.core.duration import Duration, readable, seconds
from reign.core.names import run_name
from reign.core.resource import Change, Observation, canonical, differences, digest, same

WEB = Observation(resource="docker:container/web", exists=True, state={"a": 1, "b": [2]}, facts={"up": 5})


def test_equal_values_have_equal_digests() -> None:
    assert canonical({"b": 1, "a": "é"}) == '{"a":"é","b":1}'
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    assert digest({"a": 1}) != digest({"a": 2})
    assert len(digest(None)) == 64


def test_facts_are_not_compared() -> None:
    later = WEB.model_copy(update={"facts": {"up": 6}})
    gone = Observation.absent(WEB.resource)
    changed = WEB.model_copy(update={"state": {"a": 2}})
    assert WEB.same_as(later)
    assert same([WEB], [later])
    assert not same([WEB], [])
    assert not same([WEB], [changed])
    assert [
        Change(resource=WEB.resource, before=before, after=after).kind
        for before, after in [(WEB, later), (gone, WEB), (WEB, changed), (WEB, gone)]
    ] == ["unchanged", "created", "changed", "deleted"]


def test_differences_are_leaves() -> None:
    before: dict[str, Any] = {"a": {"x": 1, "y": 2}, "l": [1, {"k": 1}], "m": [1], "s": 1}
    after: dict[str, Any] = {"a": {"x": 1, "y": 3}, "l": [1, {"k": 2}], "m": [1, 2], "n": 0, "s": 1}
    assert differences(before, after) == [
        ("a.y", 2, 3), ("l[1].k", 1, 2), ("m", [1], [1, 2]), ("n", None, 0),
    ]  # fmt: skip
    assert differences(1, 1) == []
    assert differences(1, 2) == [("", 1, 2)]


@pytest.mark.parametrize(
    ("written", "expected"),
    [("30s", 30), ("5m", 300), ("1h30m", 5400), ("250ms", 0.25), ("1d", 86400), (" 1.5M ", 90), ("7", 7), (2, 2),
     (0.5, 0.5)],
)  # fmt: skip
def test_durations(written: Any, expected: float) -> None:
    assert seconds(written) == pytest.approx(expected)


@pytest.mark.parametrize("written", ["", "soon", "5 m", "5x", "m5", "5m!", True, None, [1], 10**400])
def test_what_is_no_duration(written: Any) -> None:
    with pytest.raises(ValueError, match="duration"):
        seconds(written)


def test_a_duration_field_has_bounds() -> None:
    field = TypeAdapter(Duration)
    assert field.validate_python("1m") == 60
    for wrong in (-1, "31d", "x", float("nan")):
        with pytest.raises(ValidationError):
            field.validate_python(wrong)


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.25, "250ms"), (5, "5s"), (5.25, "5.2s"), (95, "1m35s"), (120, "2m"), (3600, "1h"), (5400, "1h30m")],
)
def test_readable(value: float, shown: str) -> None:
    assert readable(value) == shown


def test_names_of_runs_can_be_said() -> None:
    assert re.fullmatch(r"[a-z]+-[a-z]+-\d\d", run_name())
    assert run_name(random.Random(1)) == run_name(random.Random(1))
    assert len({run_name() for _ in range(50)}) > 40


@pytest.mark.parametrize(
    ("cls", "exit_code", "status"),
    [
        (errors.ReignError, 1, 500),
        (errors.InvalidInput, 2, 422),
        (errors.NotUnderstood, 3, 422),
        (errors.Refused, 4, 403),
        (errors.NotFound, 5, 404),
        (errors.Conflict, 6, 409),
        (errors.Unavailable, 7, 503),
        (errors.RunFailed, 1, 200),
    ],
)
def test_an_error_comes_back_as_itself(cls: type[errors.ReignError], exit_code: int, status: int) -> None:
    error = cls("what and where", hint="do this", details={"n": 1})
    assert (cls.exit_code, cls.http_status) == (exit_code, status)
    assert str(error) == "what and where (do this)"
    assert str(cls("what")) == "what"
    again = errors.from_dict(error.as_dict())
    assert type(again) is cls
    assert again.as_dict() == error.as_dict()
    if cls is not errors.ReignError:
        assert f"| {cls.__name__:<14} | {exit_code} " in (errors.__doc__ or "")


def test_an_unknown_error_is_still_one() -> None:
    assert errors.from_dict({}).message == "unknown error"
    assert type(errors.from_dict({"error": {"code": "new", "message": "m"}})) is errors.ReignError


def test_the_nearest_name() -> None:
    assert errors.nearest("dokcer", ["docker", "bash"]) == "docker"
    assert errors.nearest("zzz", ["docker"]) is None
    assert errors.nearest("biuld", ["b", "build"]) == "build"  # not the one that is a part of anything
    assert errors.nearest("run", ["b", "bash.run"]) == "bash.run"
    assert errors.nearest("Bash.Run", ["bash.run"]) == "bash.run"
    assert errors.nearest("xb", ["b"]) is not None
    assert errors.nearest("qb", ["bcd"]) is None
    assert errors.did_you_mean("dokcer", ["docker"]) == "did you mean 'docker'?"
    assert errors.did_you_mean("zzz", ["bb", "aa"]) == "known: aa, bb"
    assert errors.did_you_mean("zzz", []) is None
    assert errors.did_you_mean("zzz", [f"name{i}" for i in range(13)]) is None


def test_outcomes_are_values() -> None:
    assert outcome.Succeeded(1) == outcome.Succeeded(1, (), False)
    assert outcome.Back("full").seconds == 0
    assert outcome.Expanded().items == []
    with pytest.raises(AttributeError):
        outcome.Skipped("no").reason = "yes"  # type: ignore[misc]
