"""What the models that plan have taken."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from reign.engine import planning
from reign.engine.runtime import Runtime


def usage_routes(api: FastAPI, runtime: Runtime) -> None:
    @api.get("/usage", tags=["planning"])
    def usage() -> dict[str, Any]:
        """Requests, tokens and dollars of today (UTC) and of 30 days, by model; and what is left of the budgets."""
        return planning.usage(runtime.database, runtime.settings)
