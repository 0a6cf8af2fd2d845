"""The workloads: the same DAGs for every peer, made anew from their names. Standard library only: peers live in venvs.

A DAG is ``{task: [tasks that it needs]}``, each task after what it needs.

- W1: wide, one task, then 1,000 side by side, then one that joins them
- W2: a chain of 200
- W3: 20 layers of 50; each task needs three of the layer before, picked at random with a seed (not series-parallel)
- W4: 200 separate runs of A->B, A->C, B->D, C->D, A->E, submitted together
- W5: one run of one task, from the submission to its end, 20 times
"""

from __future__ import annotations

import random

Dag = dict[str, list[str]]

NAMES = ("W1", "W2", "W3", "W4", "W5")
_SEED = 20240601


def dag(workload: str, scale: float = 1.0) -> Dag:
    """The DAG of one run of ``workload``. ``scale`` below 1 shrinks it for peers too slow for the whole."""
    if workload == "W1":
        return _wide(max(1, round(1000 * scale)))
    if workload == "W2":
        return _chain(max(1, round(200 * scale)))
    if workload == "W3":
        return layered(max(2, round(20 * scale**0.5)), max(3, round(50 * scale**0.5)))
    if workload == "W4":
        return {"A": [], "B": ["A"], "C": ["A"], "D": ["B", "C"], "E": ["A"]}
    if workload == "W5":
        return {"A": []}
    raise KeyError(workload)


def copies(workload: str, scale: float = 1.0) -> int:
    """How many runs of :func:`dag` belong to ``workload``."""
    if workload == "W4":
        return max(1, round(200 * scale))
    if workload == "W5":
        return max(5, round(20 * min(1.0, scale)))
    return 1


def _wide(width: int) -> Dag:
    middle = [f"m{number:04d}" for number in range(width)]
    return {"root": [], **{name: ["root"] for name in middle}, "join": middle}


def _chain(length: int) -> Dag:
    return {f"c{number:04d}": [f"c{number - 1:04d}"] if number else [] for number in range(length)}


def layered(layers: int = 20, width: int = 50, needs: int = 3) -> Dag:
    """Layers in which each task needs ``needs`` random tasks of the layer before."""
    pick = random.Random(_SEED)
    found: Dag = {}
    above: list[str] = []
    for layer in range(layers):
        now = [f"l{layer:02d}_{number:02d}" for number in range(width)]
        for name in now:
            found[name] = sorted(pick.sample(above, min(needs, len(above)))) if above else []
        above = now
    return found


def followers(graph: Dag) -> Dag:
    """For each task those that need it."""
    found: Dag = {name: [] for name in graph}
    for name, needs in graph.items():
        for other in needs:
            found[other].append(name)
    return found


def levels(graph: Dag) -> list[list[str]]:
    """Tasks by the length of the longest way to them: what a scheduler with layer barriers runs together."""
    depth: dict[str, int] = {}
    for name, needs in graph.items():
        depth[name] = 1 + max((depth[other] for other in needs), default=-1)
    found: list[list[str]] = [[] for _ in range(max(depth.values()) + 1)]
    for name, level in depth.items():
        found[level].append(name)
    return found
