"""Environments: what is special to each (parameters, protection, allowed secrets), and freezes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from reign.config import Settings
from reign.core.catalog import Effect
from reign.core.errors import InvalidInput, Refused, nearest
from reign.core.plan import Plan
from reign.engine.runtime import Runtime
from reign.policy import Effective, Match, Rule
from reign.security import secrets
from reign.store import freezes

#: Kinds of runs that a frozen environment takes: they go back, or leave it alone.
IN_A_FREEZE = frozenset({"rollback", "rehearsal", "drift"})


def params(settings: Settings, plan: Plan, given: Mapping[str, Any], environment: str | None) -> dict[str, Any]:
    """Values for the plan's parameters: those given, above those of the environment (of which only the ones that the
    plan has are taken), above the plan's own defaults."""
    own = settings.surroundings(environment or plan.environment).params
    return {**{name: value for name, value in own.items() if name in plan.params}, **given}


def check_secrets(settings: Settings, plan: Plan) -> None:
    """Raises Refused if a bound plan refers to a secret that its environment does not allow, InvalidInput for a
    reference that cannot lead anywhere."""
    allowed = settings.allowed_secrets(plan.environment)
    for name, task in plan.tasks.items():
        for reference in secrets.references([task.with_, task.for_each]):
            try:
                secrets.check(reference)
            except InvalidInput as error:
                raise InvalidInput(f"task {name}: {error.message}", hint=error.hint) from None
            if allowed != secrets.EVERYTHING and not secrets.permitted(reference, allowed):
                raise Refused(
                    f"task {name} uses {reference}, which {plan.environment} does not allow",
                    hint="allowed: " + (", ".join(allowed) or "none"),
                )


def protecting(settings: Settings) -> tuple[Rule, ...]:
    """The rules that protected environments add to the built-in ones; a written rule may settle what they ask."""
    return tuple(
        Rule(
            name=f"protected-{name}",
            match=Match(environment=(name,), effect=tuple(e for e in Effect if e is not Effect.READ)),
            decision=Effective.ASK,
            reason=f"{name} is protected",
        )
        for name, surroundings in settings.environments.items()
        if surroundings.protected
    )


def unfamiliar(settings: Settings, name: str) -> str | None:
    """What to say of an environment that the settings do not name though they name one that is written alike."""
    meant = nearest(name, settings.environments) if name not in settings.environments else None
    if meant is None or name == settings.environment:
        return None
    return f"{name} is an environment that reign.toml does not name; did you mean {meant!r}?"


def listing(runtime: Runtime) -> list[dict[str, Any]]:
    """Every environment that the settings name or that something was done in."""
    settings = runtime.settings
    with runtime.database.read() as tx:
        frozen, used = freezes.listing(tx), freezes.used(tx)
    names = dict.fromkeys([settings.environment, *settings.environments, *sorted({*used, *frozen})])
    return [_shown(settings, name, frozen.get(name), used.get(name)) for name in names]


def _shown(
    settings: Settings, name: str, freeze: freezes.Freeze | None, used: Mapping[str, int] | None
) -> dict[str, Any]:
    own = settings.surroundings(name)
    frozen = {"why": freeze.why, "by": freeze.by, "at": freeze.at} if freeze else None
    return {
        "name": name,
        "params": own.params,
        "protected": own.protected,
        "secrets": own.secrets,
        "next": own.next,
        "frozen": frozen,
        "runs": 0,
        "resources": 0,
        **(used or {}),
    }


def freeze(runtime: Runtime, environment: str, why: str, by: str) -> None:
    """Start nothing new there. Runs under way go on. Raises InvalidInput without a reason."""
    if not why.strip():
        raise InvalidInput("a freeze needs a reason", hint="--why 'release week'")
    with runtime.database.write() as tx:
        freezes.freeze(tx, environment, why.strip(), by, time.time())


def thaw(runtime: Runtime, environment: str, by: str) -> None:
    """Raises Conflict if it is not frozen."""
    with runtime.database.write() as tx:
        freezes.thaw(tx, environment, by, time.time())
