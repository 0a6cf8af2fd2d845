"""Findings of runs over HTTP."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from reign.engine import findings
from reign.engine.runtime import Runtime
from reign.store import runs


def findings_routes(api: FastAPI, runtime: Runtime) -> None:
    """``GET /runs/NAME/findings``."""

    @api.get("/runs/{name}/findings", tags=["runs"])
    def of_run(name: str) -> dict[str, Any]:
        """What the run's checks found and what was dangerous about its plan: ``{run, findings, thresholds}``.

        ``thresholds``: from which severity on each check failed, by task.
        """
        with runtime.database.read() as tx:
            run = runs.find(tx, name)
            found = findings.of_run(tx, run)
            return {"run": run.name, "findings": found, "thresholds": findings.thresholds(tx, run)}
