"""In the same flaky world memory makes fewer attempts fail and estimates better; a seed gives the same again."""

from __future__ import annotations

from benchmarks.memory_bench.replay import replay


def test_memory_learns() -> None:
    runs = 36
    without, learned = replay(7, runs, with_memory=False), replay(7, runs, with_memory=True)
    assert without.runs == learned.runs == runs
    assert learned.failed_attempts < 0.8 * without.failed_attempts
    assert learned.interventions < 0.6 * without.interventions
    assert learned.as_dict()["estimate_error"] < without.as_dict()["estimate_error"]
    assert replay(7, runs, with_memory=False).as_dict() == without.as_dict()
