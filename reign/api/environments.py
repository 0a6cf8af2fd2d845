"""Environments, freezes and promotions over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from fastapi import FastAPI
from pydantic import Field

from reign.api.bodies import ActorBody, Body
from reign.core.plan import EnvironmentName
from reign.engine import environments, views
from reign.engine.general import ReignGeneral
from reign.engine.promote import Promotions
from reign.engine.runtime import Runtime


class FreezeBody(Body):
    why: str = Field(min_length=1, max_length=500)
    by: str = Field(max_length=100)


class PromotionBody(Body):
    """``to``: default is what the settings name as next."""

    to: EnvironmentName | None = None
    params: dict[str, Any] = Field(default_factory=dict)


class PromoteBody(PromotionBody):
    """``approve``: "all" for everything that was shown to ask, or the ids of the tasks approved."""

    approve: Literal["all"] | list[str] = Field(default_factory=list)
    requested_by: str | None = Field(default=None, max_length=100)


def environment_routes(api: FastAPI, runtime: Runtime, general: ReignGeneral) -> None:
    """``/environments`` with freeze and thaw, ``/runs/NAME/promotion`` and ``promote``."""
    promotions = Promotions(runtime, general)

    @api.get("/environments", tags=["environments"])
    def listing() -> list[dict[str, Any]]:
        """Every environment that the settings name or that something was done in."""
        return environments.listing(runtime)

    @api.post("/environments/{name}/freeze", tags=["environments"])
    def freeze(name: EnvironmentName, body: FreezeBody) -> dict[str, Any]:
        """Start nothing new there, rollbacks aside. Runs under way go on."""
        environments.freeze(runtime, name, body.why, body.by)
        return next(found for found in environments.listing(runtime) if found["name"] == name)

    @api.post("/environments/{name}/thaw", tags=["environments"])
    def thaw(name: EnvironmentName, body: ActorBody) -> dict[str, str]:
        """End a freeze."""
        environments.thaw(runtime, name, body.requested_by or "unknown")
        return {"name": name}

    @api.post("/runs/{name}/promotion", tags=["environments"])
    def preview(name: str, body: PromotionBody) -> dict[str, Any]:
        """The plan of a run as it would run in the next environment, with the differences; runs nothing."""
        return promotions.preview(name, body.to, body.params).as_dict()

    @api.post("/runs/{name}/promote", status_code=201, tags=["environments"])
    def promote(name: str, body: PromoteBody) -> dict[str, Any]:
        """Run the plan of a run in the next environment."""
        approve: Sequence[str] | None = None if body.approve == "all" else body.approve
        run = promotions.start(name, body.to, body.params, approve=approve, requested_by=body.requested_by)
        return views.run_summary(run)
