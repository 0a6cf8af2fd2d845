"""A world that fails in known ways, the same for every arm: what happens depends on seed, run and task alone.

Registries go away for a while, commands need something that nobody told the plan, applies hang now and then, and
everything takes as long as its inputs say, give or take. Time is simulated; nothing sleeps.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from typing import Any

PROJECTS = {"shop": 1.0, "billing": 4.0, "search": 15.0}  # how large; durations follow
DAYS_APART = 0.25  # between two runs

#: operation: (middle of its seconds for the smallest project, spread of the logarithm)
_TAKES = {
    "docker.pull": (6.0, 0.2),
    "docker.build": (20.0, 0.3),
    "bash.run": (3.0, 0.2),
    "terraform.apply": (30.0, 0.3),
}
OUTAGE = 0.25  # share of pulls that begin while the registry is away
OUTAGE_LASTS = 25.0  # seconds, mean of what is left of it
NEEDS = 0.35  # share of commands whose folder is not there
HANGS = 0.04  # share of applies that never come to an end
MISSING = "mkdir: there is no folder for the cache of the tool"
AWAY = "the registry does not answer"
HUNG = "not done in time"


@dataclass(frozen=True)
class Fate:
    """What the world has decided about one task of one run."""

    seconds: float
    away_for: float  # seconds from the task's first try
    needs: bool
    hangs: bool


def fate(seed: int, run: int, uses: str, project: str) -> Fate:
    """The fate of a task; equal arguments give equal fates."""
    rng = random.Random(f"{seed}/{run}/{uses}/{project}")
    middle, spread = _TAKES[uses]
    seconds = middle * PROJECTS[project] * math.exp(rng.gauss(0, spread))
    away = rng.expovariate(1 / OUTAGE_LASTS) if uses == "docker.pull" and rng.random() < OUTAGE else 0.0
    needs = uses == "bash.run" and rng.random() < NEEDS
    hangs = uses == "terraform.apply" and rng.random() < HANGS
    return Fate(seconds, away, needs, hangs)


def tasks(project: str) -> dict[str, dict[str, Any]]:
    """The plan that everybody runs, for one of the projects."""
    return {
        "pull": {"uses": "docker.pull", "with": {"image": f"{project}-base:1"}, "retry": {"attempts": 3, "delay": 2}},
        "build": {
            "uses": "docker.build",
            "with": {"context": f"./{project}", "tag": f"{project}:1"},
            "needs": ["pull"],
        },
        "prepare": {"uses": "bash.run", "with": {"command": f"./tool {project}"}, "needs": ["build"]},
        "apply": {"uses": "terraform.apply", "with": {"directory": f"./infra/{project}"}, "needs": ["prepare"]},
    }
