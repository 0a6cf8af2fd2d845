"""Rates, weights and quantiles: what must hold whatever happened."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reign.memory.statistics import HALF_LIFE, PER_DAY, quantile, weights, wilson
from tests.unit.memory.builders import PATIENT

NOW = 1_800_000_000.0
DAY = 86_400.0
totals = st.floats(min_value=0.01, max_value=1e6)
shares = st.floats(min_value=0, max_value=1)


@PATIENT
@given(totals, shares)
def test_an_interval_holds_its_value_and_stays_within_bounds(total: float, share: float) -> None:
    rate = wilson(total * share, total)
    assert 0 <= rate.low <= rate.value <= rate.high <= 1
    assert 0 <= rate.confidence < 1


@PATIENT
@given(totals, shares, st.floats(min_value=1.01, max_value=100))
def test_more_of_the_same_evidence_narrows_the_interval_and_raises_confidence(
    total: float, share: float, more: float
) -> None:
    few, many = wilson(total * share, total), wilson(total * share * more, total * more)
    assert many.high - many.low <= few.high - few.low + 1e-12
    assert many.confidence >= few.confidence


def test_the_interval_is_wilsons() -> None:
    # 8 of 10 at 95 %: 0.490 to 0.943 (Wilson, as in Brown, Cai and DasGupta, 2001)
    rate = wilson(8, 10)
    assert (round(rate.low, 3), round(rate.high, 3)) == (0.490, 0.943)
    nothing = wilson(0, 0)
    assert (nothing.low, nothing.high, nothing.weight, nothing.confidence) == (0, 1, 0, 0)


seen = st.lists(
    st.tuples(st.floats(min_value=NOW - 400 * DAY, max_value=NOW + DAY), st.sampled_from("abc")), max_size=60
)


@PATIENT
@given(seen)
def test_weights_are_bounded_and_a_requesters_day_counts_for_little(rows: list[tuple[float, str]]) -> None:
    found = weights(rows, NOW)
    assert all(0 <= weight <= 1 for weight in found)
    days: dict[tuple[str, int], float] = {}
    for (at, who), weight in zip(rows, found, strict=True):
        days[who, int(at // DAY)] = days.get((who, int(at // DAY)), 0) + weight
    assert all(total <= PER_DAY + 1e-9 for total in days.values())


def test_evidence_fades_by_half_in_a_half_life() -> None:
    new, old = weights([(NOW, "a"), (NOW - HALF_LIFE, "b")], NOW)
    assert (new, round(old, 6)) == (1.0, 0.5)


def test_thousands_of_attempts_of_one_requester_weigh_less_than_a_week_of_another() -> None:
    flood = [(NOW, "mallory")] * 5000
    honest = [(NOW - day * DAY, "alice") for day in range(1, 8)]
    found = weights([*flood, *honest], NOW)
    assert sum(found[:5000]) == pytest.approx(PER_DAY)
    assert sum(found[5000:]) > PER_DAY


values = st.lists(st.tuples(st.floats(0, 1e6), st.floats(0.01, 1)), min_size=1, max_size=50)


@PATIENT
@given(values, shares, shares)
def test_a_quantile_is_one_of_the_values_and_grows_with_q(
    pairs: list[tuple[float, float]], one: float, other: float
) -> None:
    low, high = quantile(pairs, min(one, other)), quantile(pairs, max(one, other))
    assert low <= high
    assert {low, high} <= {value for value, _ in pairs}


def test_one_wild_value_does_not_move_the_middle() -> None:
    assert quantile([(10.0, 1.0)] * 9 + [(1e6, 1.0)], 0.5) == 10.0
    with pytest.raises(ValueError, match="no values"):
        quantile([(1.0, 0.0)], 0.5)
