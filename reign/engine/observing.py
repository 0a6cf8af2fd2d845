"""What an attempt saw and got, in the form in which it may be recorded: as JSON, with secrets by reference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reign.core.resource import Change, Observation
from reign.executor import Context
from reign.security import secrets


def plain(ctx: Context, result: Any) -> Any:
    """A result as JSON, with secrets masked."""
    value = result.model_dump(mode="json", by_alias=True) if hasattr(result, "model_dump") else result
    return ctx.masker.record(value)


def masked(ctx: Context, observations: Sequence[Observation]) -> list[Observation]:
    """Observations with secrets by reference."""
    return [Observation.model_validate(ctx.masker.record(item.model_dump(mode="json"))) for item in observations]


def resolved(ctx: Context, observations: Sequence[Observation]) -> list[Observation]:
    """Recorded observations with their secrets again, for an undo."""
    return [Observation.model_validate(secrets.resolve(item.model_dump(), ctx.masker)) for item in observations]


def changes(ctx: Context, before: Sequence[Observation], after: Sequence[Observation]) -> tuple[Change, ...]:
    """What differs between two looks, resource by resource."""
    then = {item.resource: item for item in masked(ctx, before)}
    made = []
    for item in masked(ctx, after):
        was = then.get(item.resource, Observation.absent(item.resource))
        if not was.same_as(item):
            made.append(Change(resource=item.resource, before=was, after=item))
    return tuple(made)
