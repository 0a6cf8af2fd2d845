"""The requests, as their files hold them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent
SETS = ("specified", "requests", "heldout", "varied", "blind")


@dataclass(frozen=True)
class Expected:
    """A task that the plan must hold: its operation, and the inputs that must be there and equal."""

    uses: str
    inputs: dict[str, Any]


@dataclass(frozen=True)
class Case:
    """A request and what must come of it: tasks in an order, or a refusal."""

    text: str
    tasks: tuple[Expected, ...] = ()
    order: tuple[tuple[int, int], ...] = ()  # indexes of tasks: the first before the second
    refuse: bool = False


def load(name: str) -> list[Case]:
    """The cases of one set."""
    rows = yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    return [
        Case(
            text=row["text"],
            tasks=tuple(Expected(task["uses"], task.get("with", {})) for task in row.get("tasks", ())),
            order=tuple((first, second) for first, second in row.get("order", ())),
            refuse=bool(row.get("refuse")),
        )
        for row in rows
    ]
