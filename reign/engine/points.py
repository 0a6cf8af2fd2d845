"""Rollback points: made by hand or by each run before its first change, and the way back to one."""

from __future__ import annotations

import time
from typing import Any

from reign.core.errors import Conflict
from reign.engine.general import ReignGeneral
from reign.engine.preview import Preview, preview
from reign.engine.rollback import Rollback, rollback_to
from reign.engine.runtime import Runtime
from reign.executor import registry
from reign.store import audit, points, runs
from reign.store.points import Point
from reign.store.runs import RunRecord


class Points:
    """The points of all environments."""

    def __init__(self, runtime: Runtime, general: ReignGeneral) -> None:
        self._runtime = runtime
        self._general = general

    def checkpoint(self, name: str, environment: str, *, by: str | None = None) -> Point:
        """A point that can be gone back to by name. Raises InvalidInput, Conflict for a name that is taken."""
        with self._runtime.database.write() as tx:
            made = points.make(tx, environment, name, time.time())
            audit.note(tx, "point.make", actor=by or "unknown", environment=environment, subject=name)
            return made

    def listing(self, environment: str | None = None, limit: int = 100) -> list[dict[str, Any]]:
        with self._runtime.database.read() as tx:
            return points.listing(tx, environment, limit)

    def preview(self, name: str, environment: str) -> tuple[Preview | None, Rollback]:
        """The plan that goes back to the point (None: nothing to do), with what it cannot take back and why.

        Raises NotFound, Conflict while a run of the environment moves.
        """
        _, found = self._found(name, environment)
        return preview(found.plan, registry.catalog()) if found.plan else None, found

    def rollback(self, name: str, environment: str, *, requested_by: str | None = None) -> RunRecord:
        """Go back to the point by an ordinary run. Raises NotFound, Conflict if there is nothing to take back."""
        point, found = self._found(name, environment)
        if found.plan is None:
            reasons = "; ".join(found.impossible.values())
            raise Conflict(f"nothing stands that was changed since {point.name}", hint=reasons or None)
        with self._runtime.database.read() as tx:
            latest = runs.by_id(tx, found.runs[0]) if found.runs else runs.find(tx, runs.LATEST)
        return self._general.go_back(found, workdir=latest.workdir, requested_by=requested_by)

    def _found(self, name: str, environment: str) -> tuple[Point, Rollback]:
        with self._runtime.database.read() as tx:
            point = points.find(tx, name, environment)
            return point, rollback_to(tx, point)
