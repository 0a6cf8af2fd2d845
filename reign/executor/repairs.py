"""What an operation (or a planner's model) proposes after a failure: how the plan for what remains may be changed."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

MAX_STEPS = 5  # tasks that one proposal may add
_TEXT = 500  # characters of a reason


class Step(BaseModel):
    """A task that would make the failed one possible. ``id`` is a wish: it is numbered where it is taken."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    id: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_-]{0,40}$")
    uses: str = Field(pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$")
    with_: dict[str, Any] = Field(default_factory=dict, alias="with")


class PortMoved(BaseModel):
    """A port of this machine that another one takes the place of; what refers to it on the way after follows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    was: int = Field(ge=1, le=65535)
    now: int = Field(ge=1, le=65535)


class Proposal(BaseModel):
    """A repair of one failed task: other inputs, tasks before it, another operation instead, or simply once more.

    ``inputs`` are merged over the task's own, key by key. ``sure`` says that it rests on what was seen outside, not on
    a guess: only then may it be applied without a person, and only if the engine finds that it adds no risk.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: str = Field(max_length=_TEXT, description="one sentence for people: what is changed, and why")
    inputs: dict[str, Any] = Field(default_factory=dict)
    before: tuple[Step, ...] = Field(default=(), max_length=MAX_STEPS)
    instead: Step | None = None
    moved: PortMoved | None = None
    retry_attempts: int | None = Field(default=None, ge=1, le=10, description="tries in all, from now on")
    timeout: float | None = Field(default=None, gt=0, le=86_400, description="seconds, from now on")
    sure: bool = False

    @property
    def empty(self) -> bool:
        """Whether it changes nothing of the task: it is tried again as it is."""
        return not (self.inputs or self.before or self.instead or self.retry_attempts or self.timeout)
