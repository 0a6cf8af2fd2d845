"""What many attempts say together."""

from __future__ import annotations

from dataclasses import replace

from reign.memory.episodes import evidence
from tests.unit.memory.builders import NOW, bad, good


def test_the_closest_level_with_enough_evidence_counts() -> None:
    near = good(4, same="c" * 16, seconds=3.0)
    shaped = good(5, seconds=30.0)
    others = good(6, pattern="b" * 16, seconds=300.0)
    everything = [*near, *shaped, *others]
    found = evidence("docker.build", everything, "a" * 16, "c" * 16, NOW)
    assert found is not None
    assert (found.level, found.estimate and found.estimate.median) == ("same", 3.0)
    found = evidence("docker.build", [*near[:1], *shaped], "a" * 16, "c" * 16, NOW)
    assert found is not None
    assert found.level == "shape"
    found = evidence("docker.build", [*shaped[:1], *others], "a" * 16, "", NOW)
    assert found is not None
    assert found.level == "operation"
    assert evidence("docker.pull", everything, "a" * 16, "", NOW) is None


def test_durations_come_from_attempts_that_had_something_to_do() -> None:
    seen = good(5, seconds=20.0) + [replace(e, seconds=0.01, worked=False) for e in good(20)] + bad(3, seconds=999.0)
    found = evidence("docker.build", seen, "a" * 16, "", NOW)
    assert found is not None
    assert found.estimate is not None
    assert (found.estimate.median, found.estimate.count) == (20.0, 5)


def test_how_long_it_takes_here_counts_before_what_was_imported() -> None:
    imported = good(50, seconds=2_000_000.0, by="import:mallory")
    for own, median in ((2, 2_000_000.0), (3, 4.0)):
        found = evidence("docker.build", [*imported, *good(own, seconds=4.0, run="own")], "a" * 16, "", NOW)
        assert found is not None
        assert found.estimate is not None
        assert found.estimate.median == median


def test_failures_are_grouped_and_cite_their_runs() -> None:
    seen = good(6) + bad(3) + bad(1, signature="e" * 16, sort="conflict", message="taken")
    found = evidence("docker.build", seen, "a" * 16, "", NOW)
    assert found is not None
    first, second = found.failures
    assert (first.count, first.of, first.message) == (3, 10, "the registry is away")
    assert first.runs == ("bad-0", "bad-1", "bad-2")
    assert (second.sort, second.count) == ("conflict", 1)
    assert found.transient.value > 0.2


def test_recovery_is_how_long_failures_took_to_pass() -> None:
    seen = good(4, recovered=8.0) + good(1, recovered=1000.0)
    found = evidence("docker.build", seen, "a" * 16, "", NOW)
    assert found is not None
    assert found.recovery == 8.0


def test_what_lies_in_the_future_is_not_believed() -> None:
    assert evidence("docker.build", good(3, at=NOW + 99), "a" * 16, "", NOW) is None
