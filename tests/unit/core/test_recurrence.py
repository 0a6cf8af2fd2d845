"""Due times: cron expressions in their time zone, intervals from their start."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reign.core.errors import InvalidInput
from reign.core.recurrence import recurrence

BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str, zone: ZoneInfo = BERLIN) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


@pytest.mark.parametrize(
    ("spec", "now", "then"),
    [
        ("*/10 * * * *", "2026-03-02 10:05:30", "2026-03-02 10:10:00"),
        ("0 7 * * MON-FRI", "2026-03-06 07:00:00", "2026-03-09 07:00:00"),
        ("@daily", "2026-03-02 23:59:59", "2026-03-03 00:00:00"),
        ("30 2 * * *", "2026-03-29 00:00:00", "2026-03-29 03:00:00"),  # 02:30 is not there: right after the gap
        ("30 2 * * *", "2026-10-25 00:00:00", "2026-10-25 02:30:00"),  # comes twice
    ],
)
def test_cron_in_a_time_zone(spec: str, now: str, then: str) -> None:
    assert recurrence(spec, "Europe/Berlin").after(at(now)) == at(then)


def test_a_time_that_comes_twice_runs_once() -> None:
    found = recurrence("30 2 * * *", "Europe/Berlin")
    first = found.after(at("2026-10-25 00:00:00"))
    assert first is not None
    assert found.after(first) == at("2026-10-26 02:30:00")


def test_an_interval_counts_from_its_start() -> None:
    found = recurrence("every 10m", start=100.0)
    assert found.after(100.0) == 700.0
    assert found.after(699.9) == 700.0
    assert found.before(1999.0, since=700.0) == 1900.0
    assert found.before(750.0, since=700.0) == 700.0


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(["*/7 * * * *", "0 */3 * * *", "every 90s", "@daily"]), st.integers(10**9, 2 * 10**9))
def test_before_and_after_agree(spec: str, moment: int) -> None:
    found = recurrence(spec, "Europe/Berlin", 1000.0)
    later = found.after(moment)
    assert later is not None
    assert later > moment
    assert found.before(later, since=0.0) == later
    assert found.before(later - 0.5, since=0.0) <= moment


@pytest.mark.parametrize(
    ("spec", "zone", "words"),
    [
        ("every 10 parsecs", "UTC", "is not a duration"),
        ("every 0.1s", "UTC", "too often"),
        ("* * *", "UTC", "is no schedule"),
        ("61 * * * *", "UTC", "is no schedule"),
        ("0 0 30 2 *", "UTC", "is no schedule"),
        ("@daily", "Europe/Berln", "there is no time zone"),
    ],
)
def test_what_is_wrong_is_said(spec: str, zone: str, words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        recurrence(spec, zone)
    assert words in caught.value.message
    assert caught.value.hint
