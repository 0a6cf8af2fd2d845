"""The algorithms on a plan's DAG, on drawn cases and on random ones."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from reign.core import dag

DIAMOND = {"d": ["b", "c"], "b": ["a"], "c": ["a"], "a": [], "e": ["d"]}


@st.composite
def dags(draw: st.DrawFn) -> dict[str, list[str]]:
    size = draw(st.integers(0, 14))
    names = [f"t{i}" for i in range(size)]
    needs = {
        name: draw(st.lists(st.sampled_from(names[:i]), unique=True, max_size=3)) if i else []
        for i, name in enumerate(names)
    }
    return {name: needs[name] for name in draw(st.permutations(names))}


def test_a_diamond() -> None:
    assert dag.successors(DIAMOND) == {"a": ["b", "c"], "b": ["d"], "c": ["d"], "d": ["e"], "e": []}
    assert dag.order(DIAMOND) == ["a", "b", "c", "d", "e"]
    assert dag.levels(DIAMOND) == [["a"], ["b", "c"], ["d"], ["e"]]
    assert dag.segments(DIAMOND, 8) == [["a"], ["b"], ["c"], ["d", "e"]]
    assert dag.descendants("b", dag.successors(DIAMOND)) == {"d", "e"}
    assert dag.cycle(DIAMOND) is None


def test_nothing() -> None:
    assert (dag.order({}), dag.levels({}), dag.segments({}, 3), dag.cycle({})) == ([], [], [], None)


def test_a_cycle_is_told_without_what_hangs_on_it() -> None:
    needs = {"after": ["x"], "x": ["start", "y"], "y": ["z"], "z": ["x"], "start": []}
    assert dag.order(needs) == ["start"]
    assert dag.cycle(needs) == ["x", "y", "z", "x"]


def test_a_long_chain_does_not_recurse() -> None:
    needs = {f"t{i}": [f"t{i - 1}"] if i else [] for i in range(5000)}
    assert len(dag.order(needs)) == len(dag.levels(needs)) == 5000
    assert [len(segment) for segment in dag.segments(needs, 64)] == [64] * 78 + [8]
    assert len(dag.descendants("t0", dag.successors(needs))) == 4999


@settings(max_examples=60, deadline=None)
@given(dags())
def test_an_order_keeps_every_edge(needs: dict[str, list[str]]) -> None:
    found = dag.order(needs)
    place = {task: i for i, task in enumerate(found)}
    assert sorted(found) == sorted(needs)
    assert all(place[other] < place[task] for task, before in needs.items() for other in before)
    assert dag.cycle(needs) is None


@settings(max_examples=60, deadline=None)
@given(dags(), st.integers(1, 5))
def test_segments_are_linear_short_and_cover_all(needs: dict[str, list[str]], limit: int) -> None:
    cut = dag.segments(needs, limit)
    after = dag.successors(needs)
    assert sorted(task for segment in cut for task in segment) == sorted(needs)
    assert all(1 <= len(segment) <= limit for segment in cut)
    for segment in cut:
        for one, other in pairwise(segment):
            assert after[one] == [other]
            assert needs[other] == [one]
        following = after[segment[-1]]
        # a segment ends only where it must
        assert len(segment) == limit or len(following) != 1 or len(needs[following[0]]) != 1


@settings(max_examples=60, deadline=None)
@given(dags())
def test_levels_are_one_below_the_deepest_need(needs: dict[str, list[str]]) -> None:
    rows = dag.levels(needs)
    level = {task: i for i, row in enumerate(rows) for task in row}
    assert sorted(level) == sorted(needs)
    for task, before in needs.items():
        assert level[task] == 1 + max((level[other] for other in before), default=-1)


@settings(max_examples=60, deadline=None)
@given(dags(), st.data())
def test_closing_a_path_makes_a_cycle(needs: dict[str, list[str]], data: st.DataObject) -> None:
    joined = [(task, other) for task, before in needs.items() for other in before]
    if not joined:
        return
    task, other = data.draw(st.sampled_from(joined))
    broken = {**needs, other: [*needs[other], task]}
    found = dag.cycle(broken)
    assert found is not None
    assert found[0] == found[-1]
    assert all(b in broken[a] for a, b in pairwise(found))
    assert len(set(found)) == len(found) - 1
