"""Agents ``bench0``, ``bench1``, ...: ``benchmarks.pools.many:AGENT3`` is ``bench3``, with one operation that does
nothing."""

from __future__ import annotations

from benchmarks.agent import Noop
from reign.executor import Agent


def __getattr__(name: str) -> Agent:
    number = name.removeprefix("AGENT")
    if not number.isdecimal():
        raise AttributeError(name)
    noop = type(f"Noop{number}", (Noop,), {"name": f"bench{number}.noop"})
    return Agent(f"bench{number}", f"Number {number} of the agents of a benchmark", operations=(noop,))


def places(count: int) -> dict[str, str]:
    """Name to place of the first ``count``."""
    return {f"bench{number}": f"{__name__}:AGENT{number}" for number in range(count)}
