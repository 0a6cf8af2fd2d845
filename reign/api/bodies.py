"""What clients send. What they get back is described in ``engine.views`` and ``engine.preview``."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from reign.engine.general import Submission


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PlanBody(Body):
    """A request in words (``request``) or a plan as a plan file has it (``plan``)."""

    request: str | None = Field(default=None, max_length=20_000)
    plan: dict[str, Any] | None = None
    params: dict[str, Any] = Field(default_factory=dict)
    environment: str | None = None
    workdir: str | None = Field(default=None, description="where relative paths of the plan start, on the workers")

    def submission(self, **more: Any) -> Submission:
        return Submission(
            request=self.request,
            plan=self.plan,
            params=self.params,
            environment=self.environment,
            workdir=self.workdir,
            **more,
        )


class PreviewBody(PlanBody):
    """A plan to look at. ``preview``: ask the engines that can be reached what would change."""

    preview: bool = True


class RunBody(PlanBody):
    """A submission. ``approve``: "all" for everything that was shown to ask, or the ids of the tasks approved."""

    pins: dict[str, dict[str, Any]] | None = Field(
        default=None, description="task to its `pins`, as the plan that was shown has them"
    )

    approve: Literal["all"] | list[str] = Field(default_factory=list)
    idempotency_key: str | None = Field(default=None, max_length=200)
    requested_by: str | None = Field(default=None, max_length=100)
    planned_by: str | None = Field(
        default=None, max_length=200, description="who made `plan` out of `request`; then both are given"
    )

    def wanted(self) -> Submission:
        return self.submission(
            approve=None if self.approve == "all" else self.approve,
            idempotency_key=self.idempotency_key,
            requested_by=self.requested_by,
            planned_by=self.planned_by,
            pins=self.pins,
        )


class BatchBody(Body):
    """Submissions that are started together: all of them, or none."""

    runs: list[RunBody] = Field(min_length=1, max_length=1000)


class WaitBody(Body):
    """``wait``: seconds after which the answer comes in any case."""

    names: list[str] = Field(min_length=1, max_length=1000)
    wait: float = Field(default=0, ge=0, le=60)


class ApprovalBody(Body):
    by: str = Field(max_length=100)
    yes: bool = True
    note: str | None = Field(default=None, max_length=500)


class ResolveBody(Body):
    verdict: Literal["done", "retry", "fail"]
    by: str = Field(max_length=100)
    result: dict[str, Any] | None = None


class ActorBody(Body):
    requested_by: str | None = Field(default=None, max_length=100)
