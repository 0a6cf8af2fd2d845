"""What a model does while one waits for its plan: a line on a terminal that changes, nothing elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from reign.cli.output import errors, escape
from reign.planner.llm.ports import Progress, Told, nobody

_SAYS = {
    "asking": "is asked",
    "thinking": "thinks",
    "arriving": "answers",
    "waiting": "waits",
    "repairing": "repairs its plan",
    "falling_back": "gives no plan",
    "kept": "was asked this before",
}


@contextmanager
def shown() -> Iterator[Progress]:
    """Shows on stderr, while the block runs, what the planner is told to tell."""
    if not errors.is_terminal:
        yield nobody
        return
    with errors.status("planning") as status:
        yield lambda told: status.update(line(told))


def line(told: Told) -> str:
    """``anthropic:claude-... answers: docker.build, docker.run``"""
    text = f"{escape(told.model)} {_SAYS.get(told.kind, told.kind)}"
    more = ", ".join(told.operations) or told.text
    if told.round:
        text += f" (round {told.round + 1})"
    return f"{text}: {escape(more)}" if more else text
