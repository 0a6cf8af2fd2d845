"""Schedules over HTTP."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Literal

from fastapi import FastAPI
from pydantic import Field

from reign.api.bodies import ActorBody, PlanBody
from reign.core.errors import InvalidInput
from reign.engine.general import ReignGeneral
from reign.engine.schedules import Scheduler, checked_body
from reign.store.schedules import Firing, NewSchedule, Schedule


class ScheduleBody(PlanBody):
    """A schedule: when, and what to submit then. ``approve``: "all" grants in every run what the plan asks for."""

    name: str = Field(max_length=100)
    spec: str = Field(max_length=200, description="five cron fields, @daily and its like, or every DURATION")
    timezone: str = Field(default="UTC", max_length=100)
    action: str = Field(default="run", max_length=50)
    misfire: Literal["once", "skip"] = Field(default="once", description="of due times while no service was there")
    overlap: Literal["skip", "queue"] = Field(default="skip", description="when the run before still goes on")
    approve: Literal["all"] | list[str] = Field(default_factory=list)
    requested_by: str | None = Field(default=None, max_length=100)


def schedule_routes(api: FastAPI, scheduler: Scheduler, general: ReignGeneral) -> None:
    @api.post("/schedules", status_code=201, tags=["schedules"])
    def add(body: ScheduleBody) -> dict[str, Any]:
        """Make a schedule. What it is to submit must make a plan now."""
        held: dict[str, Any] = {
            "request": body.request,
            "plan": body.plan,
            "params": body.params,
            "environment": body.environment,
            "workdir": body.workdir,
            "approve": None if body.approve == "all" else list(body.approve),
        }
        if body.action == "run":
            held = checked_body(general, held)
        elif body.request or body.plan:
            raise InvalidInput(f"a schedule for {body.action!r} takes no request and no plan")
        new = NewSchedule(
            name=body.name,
            spec=body.spec,
            timezone=body.timezone,
            action=body.action,
            body=held,
            misfire=body.misfire,
            overlap=body.overlap,
            created_by=body.requested_by or "unknown",
        )
        return _view(scheduler.add(new))

    @api.get("/schedules", tags=["schedules"])
    def listing() -> list[dict[str, Any]]:
        """All schedules by name."""
        return [_view(found) for found in scheduler.listing()]

    @api.get("/schedules/{name}", tags=["schedules"])
    def show(name: str) -> dict[str, Any]:
        """A schedule with its newest firings, newest first."""
        found, firings = scheduler.show(name)
        return {**_view(found), "body": found.body, "firings": [_firing(firing) for firing in firings]}

    @api.post("/schedules/{name}/pause", tags=["schedules"])
    def pause(name: str, body: ActorBody) -> dict[str, Any]:
        """It is due no more until it is resumed."""
        return _view(scheduler.pause(name, body.requested_by or "unknown"))

    @api.post("/schedules/{name}/resume", tags=["schedules"])
    def resume(name: str, body: ActorBody) -> dict[str, Any]:
        """From now on; what was due meanwhile is not made up for."""
        return _view(scheduler.resume(name, body.requested_by or "unknown"))

    @api.post("/schedules/{name}/remove", tags=["schedules"])
    def remove(name: str, body: ActorBody) -> dict[str, Any]:
        """The schedule goes, its runs stay."""
        return _view(scheduler.remove(name, body.requested_by or "unknown"))

    @api.post("/schedules/{name}/run", status_code=201, tags=["schedules"])
    def run_now(name: str, body: ActorBody) -> dict[str, Any]:
        """One firing out of turn."""
        return _firing(scheduler.run_now(name, body.requested_by or "unknown"))


def _view(schedule: Schedule) -> dict[str, Any]:
    shown = asdict(schedule)
    body = shown.pop("body")
    del shown["id"]
    what = body.get("request") or (body.get("plan") or {}).get("name") or schedule.action
    return {**shown, "what": what, "environment": body.get("environment")}


def _firing(firing: Firing) -> dict[str, Any]:
    shown = asdict(firing)
    del shown["schedule_id"]
    return shown
