"""Algorithms on the DAG of a plan; each is linear in tasks plus edges, and none recurses (chains are long)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence

#: A task's id to the ids of the tasks that it needs.
Needs = Mapping[str, Sequence[str]]


def successors(needs: Needs) -> dict[str, list[str]]:
    """Each task's id to the ids of those that need it, in plan order."""
    after: dict[str, list[str]] = {task: [] for task in needs}
    for task, before in needs.items():
        for other in before:
            after[other].append(task)
    return after


def order(needs: Needs) -> list[str]:
    """A topological order, stable with regard to plan order. Tasks on a cycle, and what needs them, are left out."""
    after = successors(needs)
    open_edges = {task: len(before) for task, before in needs.items()}
    ready = deque(task for task, count in open_edges.items() if count == 0)
    done: list[str] = []
    while ready:
        task = ready.popleft()
        done.append(task)
        for following in after[task]:
            open_edges[following] -= 1
            if open_edges[following] == 0:
                ready.append(following)
    return done


def cycle(needs: Needs) -> list[str] | None:
    """The tasks of one cycle, each needing the next, the first repeated at the end; None if there is no cycle."""
    left = set(needs) - set(order(needs))
    if not left:
        return None
    # Each task left needs another one left (else it would have been ordered), so walking `needs` must come round.
    path: list[str] = []
    seen: dict[str, int] = {}
    task = next(task for task in needs if task in left)
    while task not in seen:
        seen[task] = len(path)
        path.append(task)
        task = next(other for other in needs[task] if other in left)
    return [*path[seen[task] :], task]


def levels(needs: Needs) -> list[list[str]]:
    """Tasks by the length of the longest path that leads to them: for drawing, never for scheduling."""
    depth: dict[str, int] = {}
    for task in order(needs):
        depth[task] = 1 + max((depth[other] for other in needs[task]), default=-1)
    rows: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for task in needs:
        rows[depth[task]].append(task)
    return rows


def descendants(task: str, after: Mapping[str, Iterable[str]]) -> set[str]:
    """All that need ``task``, directly or through others."""
    found: set[str] = set()
    stack = list(after[task])
    while stack:
        other = stack.pop()
        if other not in found:
            found.add(other)
            stack.extend(after[other])
    return found


def segments(needs: Needs, limit: int) -> list[list[str]]:
    """The DAG cut into linear segments of at most ``limit`` tasks.

    Within a segment each task is the only successor of the one before it and needs nothing else, so a segment can be
    sent as one Celery chain. Every task is in exactly one segment; between segments the state decides what is released.
    """
    after = successors(needs)
    result: list[list[str]] = []
    placed: set[str] = set()
    for head in order(needs):
        if head in placed:
            continue
        segment = [head]
        while len(segment) < limit:
            following = after[segment[-1]]
            if len(following) != 1 or len(needs[following[0]]) != 1:
                break
            segment.append(following[0])
        placed.update(segment)
        result.append(segment)
    return result
