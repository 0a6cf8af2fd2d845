"""Routes of what is deployed: resources, their history and dependants, points, drift, rehearsals."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import FastAPI, Query
from pydantic import Field

from reign.api.bodies import ActorBody, Body, PlanBody
from reign.core.drift import DRIFTED
from reign.core.resource import Observation, differences
from reign.engine import views
from reign.engine.drift import DriftCheck
from reign.engine.general import ReignGeneral
from reign.engine.points import Points
from reign.engine.references import blast
from reign.engine.rehearse import Rehearsals
from reign.engine.runtime import Runtime
from reign.store import history, inspections
from reign.store.history import ResourceRecord
from reign.store.inspections import Inspection

Addresses = Annotated[list[str], Query()]


class PointBody(ActorBody):
    """A checkpoint of an environment."""

    name: str = Field(max_length=64)
    environment: str


class WayBackBody(ActorBody):
    environment: str


class DriftBody(ActorBody):
    """A look at an environment; ``resources``: only these, ``removed``: also what was taken away again."""

    environment: str
    resources: list[str] = Field(default_factory=list)
    removed: bool = False


class RepairBody(ActorBody):
    """``replace``: put also that right where another one stands in the place of what was made."""

    environment: str
    resources: list[str] = Field(default_factory=list)
    replace: bool = False


class AcceptBody(Body):
    environment: str
    resources: list[str] = Field(default_factory=list)
    by: str = Field(max_length=100)


class RehearsalBody(PlanBody):
    requested_by: str | None = Field(default=None, max_length=100)


def routes(api: FastAPI, runtime: Runtime, general: ReignGeneral) -> None:
    _resources(api, runtime)
    _points(api, Points(runtime, general))
    _drift(api, DriftCheck(runtime, general))
    _rehearsals(api, Rehearsals(runtime, general))


def _resource(record: ResourceRecord, last: Inspection | None) -> dict[str, Any]:
    current = last if last is not None and last.change_id == record.change_id else None
    return {
        "address": record.address,
        "environment": record.environment,
        "exists": record.observation.exists,
        "state": record.observation.state,
        "facts": record.observation.facts,
        "run": record.run,
        "task": record.task,
        "uses": record.uses,
        "changed_at": record.updated_at,
        "standing": current.standing.value if current else None,
        "drifted": current is not None and current.standing in DRIFTED,
        "looked_at": current.at if current else None,
    }


def _resources(api: FastAPI, runtime: Runtime) -> None:
    @api.get("/resources", tags=["state"])
    def resources(environment: str | None = None, removed: bool = False) -> list[dict[str, Any]]:
        """What runs have made and changed, with what the last look for drift said."""
        with runtime.database.read() as tx:
            found = history.listing(tx, environment, removed=removed)
            last = {(item.environment, item.address): item for item in inspections.listing(tx, environment)}
        return [_resource(record, last.get((record.environment, record.address))) for record in found]

    @api.get("/resources/history", tags=["state"])
    def versions(address: str, environment: str | None = None) -> dict[str, Any]:
        """Every configuration that was recorded of a resource, oldest first, with what changed from each to the next:
        ``{address, environment, exists, versions: [{version, kind, run, task, uses, by, at, inputs, asked, differences,
        ...}]}``; ``asked``: how the inputs differ from those that it was made with before."""
        with runtime.database.read() as tx:
            record = history.find(tx, address, environment)
            found = history.versions(tx, record.environment, record.address)
        given: dict[str, Any] = {}
        for version in found:
            asked = version["inputs"] or {}
            version["asked"] = _differences(given, asked) if version["inputs"] is not None else []
            given = asked
            before, after = (Observation.model_validate(version[key]) for key in ("before", "after"))
            version["differences"] = _differences(before.state, after.state)
        return {
            "address": record.address,
            "environment": record.environment,
            "exists": record.observation.exists,
            "versions": found,
        }

    @api.get("/resources/blast", tags=["state"])
    def dependants(address: str, environment: str | None = None) -> dict[str, Any]:
        """What depends on a resource: ``{address, environment, dependants: [{address, needs, why, distance}]}``."""
        with runtime.database.read() as tx:
            record = history.find(tx, address, environment)
            found = blast(tx, record.environment, record.address)
        return {"address": record.address, "environment": record.environment, "dependants": found}


def _differences(was: Any, now: Any) -> list[dict[str, Any]]:
    return [{"path": path, "before": old, "after": new} for path, old, new in differences(was, now)]


def _points(api: FastAPI, points: Points) -> None:
    @api.get("/points", tags=["state"])
    def listing(environment: str | None = None, limit: int = Query(default=100, ge=1, le=1000)) -> list[dict[str, Any]]:
        """Rollback points, newest first."""
        return points.listing(environment, limit)

    @api.post("/points", status_code=201, tags=["state"])
    def checkpoint(body: PointBody) -> dict[str, Any]:
        """Name the present state of an environment, to come back to it."""
        made = points.checkpoint(body.name, body.environment, by=body.requested_by)
        return {"name": made.name, "environment": made.environment, "at": made.at}

    @api.get("/points/{name}/rollback", tags=["state"])
    def rollback_preview(name: str, environment: str) -> dict[str, Any]:
        """The plan that goes back to a point, what it cannot take back, and what is worth knowing."""
        return views.rollback_view(*points.preview(name, environment))

    @api.post("/points/{name}/rollback", status_code=201, tags=["state"])
    def rollback(name: str, body: WayBackBody) -> dict[str, Any]:
        """Go back to a point by an ordinary run, and return that."""
        return views.run_summary(points.rollback(name, body.environment, requested_by=body.requested_by))


def _drift(api: FastAPI, drift: DriftCheck) -> None:
    @api.post("/drift", status_code=201, tags=["state"])
    def look(body: DriftBody) -> dict[str, Any]:
        """Look at what is recorded, by a run of looks; its findings are at ``/drift/RUN``."""
        run = drift.start(body.environment, body.resources, removed=body.removed, requested_by=body.requested_by)
        return views.run_summary(run)

    @api.get("/drift/repair", tags=["state"])
    def repair_preview(environment: str, resources: Addresses = [], replace: bool = False) -> dict[str, Any]:  # noqa: B006
        """The plan that restores what the last look found to differ: ``{plan, left: {address: reason}}``."""
        shown, repair = drift.repair_preview(environment, resources, replace=replace)
        return {"plan": shown.as_dict() if shown else None, "left": repair.left}

    @api.post("/drift/repair", status_code=201, tags=["state"])
    def repair(body: RepairBody) -> dict[str, Any]:
        """Restore by an ordinary run, and return that."""
        run = drift.repair(body.environment, body.resources, replace=body.replace, requested_by=body.requested_by)
        return views.run_summary(run)

    @api.post("/drift/accept", tags=["state"])
    def accept(body: AcceptBody) -> dict[str, Any]:
        """Let what the last look saw be what is recorded from now on."""
        return {"accepted": drift.accept(body.environment, body.resources, by=body.by)}

    @api.get("/drift/{run}", tags=["state"])
    def report(run: str) -> dict[str, Any]:
        """What a look found, worst first."""
        return drift.report(run)


def _rehearsals(api: FastAPI, rehearsals: Rehearsals) -> None:
    @api.post("/rehearsals/plan", tags=["state"])
    def plan(body: PlanBody) -> dict[str, Any]:
        """The plan as it would be rehearsed: with other names, ports and places. Runs nothing."""
        return rehearsals.preview(body.submission())[0].as_dict()

    @api.post("/rehearsals", status_code=201, tags=["state"])
    def start(body: RehearsalBody) -> dict[str, Any]:
        """Rehearse a plan by a run in a scope of its own; it is undone by itself. See ``/rehearsals/RUN``."""
        return views.run_summary(rehearsals.start(body.submission(requested_by=body.requested_by)))

    @api.get("/rehearsals/{run}", tags=["state"])
    def report(run: str) -> dict[str, Any]:
        """How a rehearsal stands, and the proof that what it made was taken back."""
        return rehearsals.report(run)
