"""Routes of the feedback loop: what would repair a failed run, and repairing it."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from pydantic import Field

from reign.api.bodies import Body
from reign.engine import views
from reign.engine.repair import Repairs


class RepairBody(Body):
    """``digest`` names the repair as it was shown; another one is not applied."""

    digest: str = Field(max_length=64)
    requested_by: str = Field(default="unknown", max_length=100)
    approve: bool = Field(default=True, description="what the repair asks for has been seen and is granted")


def repair_routes(api: FastAPI, repairs: Repairs) -> None:
    @api.get("/runs/{name}/repair", tags=["control"])
    def look(name: str) -> dict[str, Any]:
        """What would repair a failed run, with its diff against the plan as it is. Changes nothing, asks no model."""
        found = repairs.look(name)
        return {**found.as_dict(), "on_its_own": repairs.on_its_own(found)}

    @api.post("/runs/{name}/repair/proposal", tags=["control"])
    def ask(name: str) -> dict[str, Any]:
        """The same; where no rule knows a way out the planner's model is asked, if there is one."""
        return repairs.look(name, ask_model=True).as_dict()

    @api.post("/runs/{name}/repair", tags=["control"])
    def apply(name: str, body: RepairBody) -> dict[str, Any]:
        """Change the plan of a failed run as was shown, and go on with what remains; results that stand are kept."""
        return views.run_summary(repairs.apply(name, body.digest, by=body.requested_by, approved=body.approve))
