"""Resource, Observation, Change: what is touched outside, what was seen of it, and what a task did to it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


def canonical(value: Any) -> str:
    """JSON with sorted keys and no spaces: equal values give equal texts, so digests can be compared."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)


def digest(value: Any) -> str:
    """SHA-256 (hex) of the canonical JSON of ``value``."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


class Undo(StrEnum):
    """What an operation can take back."""

    EXACT = "exact"  # restores what was there
    COMPENSATING = "compensating"  # a best effort, named as such
    NONE = "none"  # irreversible: needs approval
    UNNEEDED = "unneeded"  # changes nothing outside


class Observation(BaseModel):
    """What ``inspect`` saw of one resource.

    ``exists`` says whether it is there; ``state`` holds what an undo needs to bring it back and what drift compares, as
    JSON without secrets. Volatile facts (uptime, counters, addresses given by the engine) belong in ``facts``,
    which is shown and never compared. ``facts["id"]`` (or ``"uid"``) is the engine's own name of this very object,
    where it has one: another object in its place has another.
    """

    model_config = ConfigDict(frozen=True)

    resource: str = Field(description="agent:kind/name, e.g. docker:container/web")
    exists: bool
    state: dict[str, Any] = Field(default_factory=dict)
    facts: dict[str, Any] = Field(default_factory=dict)

    def same_as(self, other: Observation) -> bool:
        """Whether both show the same resource in the same state (facts aside)."""
        return (self.resource, self.exists) == (other.resource, other.exists) and canonical(self.state) == canonical(
            other.state
        )

    @property
    def identity(self) -> str | None:
        """What tells this object from another one of the same name; None if the engine has nothing of the kind."""
        found = self.facts.get("id") or self.facts.get("uid")
        return str(found) if found else None

    @property
    def is_damaged(self) -> bool:
        return self.exists and set(self.state) == {"damaged"}

    @classmethod
    def absent(cls, resource: str) -> Observation:
        return cls(resource=resource, exists=False)

    @classmethod
    def damaged(cls, resource: str, why: str) -> Observation:
        """It is there, and what it is cannot be told: ``why`` in a sentence. Nothing can be brought back to this."""
        return cls(resource=resource, exists=True, state={"damaged": why})


def same(before: Sequence[Observation], after: Sequence[Observation]) -> bool:
    """Whether two rounds of observations show the same resources in the same states."""
    return len(before) == len(after) and all(a.same_as(b) for a, b in zip(before, after, strict=True))


class Change(BaseModel):
    """Before -> after of one resource, made by one task."""

    model_config = ConfigDict(frozen=True)

    resource: str
    before: Observation
    after: Observation

    @property
    def kind(self) -> str:
        """created, changed, deleted or unchanged."""
        if self.before.same_as(self.after):
            return "unchanged"
        if not self.before.exists:
            return "created"
        return "changed" if self.after.exists else "deleted"


def differences(before: Any, after: Any, at: str = "") -> list[tuple[str, Any, Any]]:
    """``(path, before, after)`` for each leaf that differs between two JSON-like values, in key order."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        found = []
        for key in sorted({*before, *after}, key=str):
            place = f"{at}.{key}" if at else str(key)
            found += differences(before.get(key), after.get(key), place)
        return found
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        pairs = enumerate(zip(before, after, strict=True))
        return [found for i, (a, b) in pairs for found in differences(a, b, f"{at}[{i}]")]
    return [] if canonical(before) == canonical(after) else [(at, before, after)]
