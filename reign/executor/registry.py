"""The installed agents, found by entry point (`reign.agents`), so that a new agent needs no change here."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from reign.core.catalog import Catalog
from reign.core.errors import NotFound, Unavailable, did_you_mean
from reign.executor.contract import Agent, CommandJudge, Operation

GROUP = "reign.agents"
log = logging.getLogger(__name__)


@cache
def broken() -> dict[str, str]:
    """Agents that could not be loaded, with the reason; one broken agent must not take the others down."""
    return {}


@cache
def agents() -> dict[str, Agent]:
    """All agents that load, by name."""
    found: dict[str, Agent] = {}
    for point in [*entry_points(group=GROUP), *_extra()]:
        try:
            agent = point.load()
        except Exception as error:
            log.exception("agent %s cannot be loaded", point.name)
            broken()[point.name] = f"{type(error).__name__}: {error}"
            continue
        found[agent.name] = agent
    return dict(sorted(found.items()))


def _extra() -> list[EntryPoint]:
    """Agents that are not installed but named: ``REIGN_EXTRA_AGENTS=package.module:AGENT,...``."""
    named = os.environ.get("REIGN_EXTRA_AGENTS", "")
    return [EntryPoint(value, value, GROUP) for value in named.split(",") if value]


@cache
def catalog() -> Catalog:
    """The operations of all agents."""
    return Catalog(spec for agent in agents().values() for spec in agent.specs())


@cache
def _operations() -> dict[str, Operation[Any, Any]]:
    return {op.name: op() for agent in agents().values() for op in agent.operations}


def operation(name: str) -> Operation[Any, Any]:
    """The operation of that name, ready to run. Raises NotFound, or Unavailable if its agent cannot be loaded."""
    found = _operations().get(name)
    if found is None:
        agent = name.partition(".")[0]
        if agent in broken():
            raise Unavailable(f"the {agent} agent cannot be loaded: {broken()[agent]}", hint="reign doctor")
        catalog().find(name)
        raise NotFound(f"there is no operation {name!r}")
    return found


@cache
def sealing() -> Mapping[str, frozenset[str]]:
    """The operations whose inputs may hold secrets that are to be sealed, and which inputs these are."""
    found = {name: frozenset((*op.variables, *op.secrets)) for name, op in _operations().items()}
    return {name: inputs for name, inputs in found.items() if inputs}


def is_pure(name: str) -> bool:
    """Whether the operation is known to change nothing."""
    found = _operations().get(name)
    return found is not None and found.pure


def command_judge() -> CommandJudge:
    """What judges shell commands. Raises NotFound if no installed agent runs any."""
    found = next((agent.judge for agent in agents().values() if agent.judge is not None), None)
    if found is None:
        raise NotFound("no installed agent runs shell commands, so there is none that judges them", hint="reign doctor")
    return found


def agent(name: str) -> Agent:
    """The agent of that name. Raises NotFound with the nearest right name."""
    if name not in agents():
        raise NotFound(f"there is no agent {name!r}", hint=did_you_mean(name, agents()))
    return agents()[name]
