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
    """Agents that could not be loaded so far, with the reason; one broken agent must not take the others down."""
    return {}


@cache
def _installed() -> dict[str, EntryPoint]:
    """Where each installed agent is. It is named as its operations begin."""
    return {point.name: point for point in sorted(entry_points(group=GROUP), key=lambda point: point.name)}


@cache
def _extra() -> dict[str, Agent]:
    """Agents that are not installed but named: ``REIGN_EXTRA_AGENTS=package.module:AGENT,...``."""
    named = filter(None, os.environ.get("REIGN_EXTRA_AGENTS", "").split(","))
    found = [_load(EntryPoint(value, value, GROUP)) for value in named]
    return {agent.name: agent for agent in found if agent is not None}


def _load(point: EntryPoint) -> Agent | None:
    try:
        agent: Agent = point.load()
    except Exception as error:
        log.exception("agent %s cannot be loaded", point.name)
        broken()[point.name] = f"{type(error).__name__}: {error}"
        return None
    return agent


@cache
def _loaded(name: str) -> Agent | None:
    """One agent, without the others: a worker of one pool does not need the clients of all."""
    if name in _extra():
        return _extra()[name]
    return _load(_installed()[name]) if name in _installed() else None


@cache
def agents() -> dict[str, Agent]:
    """All agents that load, by name."""
    found = {name: _loaded(name) for name in names()}
    return {name: agent for name, agent in found.items() if agent is not None}


@cache
def names() -> list[str]:
    """The names of all agents, loaded or not, and whether or not they can be."""
    return sorted({*_installed(), *_extra()})


@cache
def catalog() -> Catalog:
    """The operations of all agents."""
    return Catalog(spec for agent in agents().values() for spec in agent.specs())


def catalog_of(name: str) -> Catalog:
    """The operations of one agent, named itself or by one of them; none if it is not there."""
    return _catalog(name.partition(".")[0])


@cache
def _catalog(agent: str) -> Catalog:
    found = _loaded(agent)
    return Catalog(found.specs() if found else ())


@cache
def _operations(agent: str) -> dict[str, Operation[Any, Any]]:
    found = _loaded(agent)
    return {op.name: op() for op in found.operations} if found else {}


def operation(name: str) -> Operation[Any, Any]:
    """The operation of that name, ready to run. Raises NotFound, or Unavailable if its agent cannot be loaded."""
    agent = name.partition(".")[0]
    found = _operations(agent).get(name)
    if found is None:
        if agent in broken():
            raise Unavailable(f"the {agent} agent cannot be loaded: {broken()[agent]}", hint="reign doctor")
        catalog().find(name)
        raise NotFound(f"there is no operation {name!r}")
    return found


@cache
def sealing() -> Mapping[str, frozenset[str]]:
    """The operations whose inputs may hold secrets that are to be sealed, and which inputs these are."""
    operations = [operation for agent in agents() for operation in _operations(agent).values()]
    found = {op.name: frozenset((*op.variables, *op.secrets)) for op in operations}
    return {name: inputs for name, inputs in found.items() if inputs}


def is_pure(name: str) -> bool:
    """Whether the operation is known to change nothing."""
    found = _operations(name.partition(".")[0]).get(name)
    return found is not None and found.pure


def command_judge() -> CommandJudge:
    """What judges shell commands. Raises NotFound if no installed agent runs any."""
    loaded = filter(None, map(_loaded, names()))
    found = next((agent.judge for agent in loaded if agent.judge is not None), None)
    if found is None:
        raise NotFound("no installed agent runs shell commands, so there is none that judges them", hint="reign doctor")
    return found


def agent(name: str) -> Agent:
    """The agent of that name. Raises NotFound with the nearest right name."""
    found = _loaded(name)
    if found is None:
        raise NotFound(f"there is no agent {name!r}", hint=did_you_mean(name, names()))
    return found
