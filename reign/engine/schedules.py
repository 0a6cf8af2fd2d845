"""The scheduler: makes runs (or whatever a schedule is for) of due times, each exactly once.

In one transaction a due time becomes a firing (unique for schedule and time) and the schedule moves on to the next.
Then the firing is acted on under a key of its own, and says what came of it. A service that dies between the two leaves
a firing that is still due: the next one acts on it under the same key, so the run is not made twice.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reign.core.duration import readable
from reign.core.errors import Conflict, InvalidInput, NotFound, ReignError, Unavailable, did_you_mean
from reign.core.recurrence import Recurrence, recurrence
from reign.engine.drift import DriftCheck
from reign.engine.general import ReignGeneral, Submission
from reign.engine.runtime import Runtime
from reign.store import audit
from reign.store import schedules as store
from reign.store.schedules import DUE, FAILED, SKIPPED, SUBMITTED, Firing, NewSchedule, Schedule

log = logging.getLogger(__name__)

#: Seconds after its due time up to which a firing is in time; later it was missed, and ``misfire`` decides.
IN_TIME = 60.0
#: Firings of one schedule that wait for its run to end (``overlap: queue``); more are skipped.
MOST_WAITING = 10

MISFIRE = ("once", "skip")
OVERLAP = ("skip", "queue")


@dataclass(frozen=True)
class Call:
    """What an action is told: the key under which it must do its work at most once, and who asks."""

    key: str
    by: str


#: Does what a schedule is for and returns the name of the run that it made, if it made one.
Action = Callable[[Mapping[str, Any], Call], str | None]


def submission(general: ReignGeneral) -> Action:
    """The action "run": a schedule's body is a submission (``request`` or ``plan``, ``params``, ``environment``,
    ``workdir``, ``approve``: the ids of tasks that are granted, or null for all that ask)."""

    def submit(body: Mapping[str, Any], firing: Call) -> str:
        made = general.submit(
            Submission(
                request=body.get("request"),
                plan=body.get("plan"),
                params=body.get("params") or {},
                environment=body.get("environment"),
                workdir=body.get("workdir"),
                approve=body.get("approve", ()),
                idempotency_key=firing.key,
                requested_by=firing.by,
            )
        )
        return made.name

    return submit


def actions(runtime: Runtime, general: ReignGeneral) -> dict[str, Action]:
    """What schedules may be for. "drift" looks at all that is recorded in the body's ``environment``."""
    drift = DriftCheck(runtime, general)

    def look(body: Mapping[str, Any], call: Call) -> str:
        environment = body.get("environment") or runtime.settings.environment
        return drift.start(environment, requested_by=call.by, idempotency_key=call.key).name

    return {"run": submission(general), "drift": look}


class Scheduler:
    """Schedules of one installation. :meth:`tick` is called by the leading service, the rest by the API."""

    def __init__(self, runtime: Runtime, actions: Mapping[str, Action]) -> None:
        self._runtime = runtime
        self._actions = actions

    # --- what a person does -----------------------------------------------------------------------------------------

    def add(self, new: NewSchedule) -> Schedule:
        """Raises InvalidInput for a wrong time, zone, action or policy, Conflict for a name that is taken."""
        if not new.name or new.name != new.name.strip() or "/" in new.name or len(new.name) > 100:
            raise InvalidInput(f"{new.name!r} is no name for a schedule", hint="letters, digits and dashes")
        for what, value, known in (
            ("misfire", new.misfire, MISFIRE),
            ("overlap", new.overlap, OVERLAP),
            ("action", new.action, tuple(self._actions)),
        ):
            if value not in known:
                raise InvalidInput(f"there is no {what} {value!r}", hint=did_you_mean(value, known))
        now = time.time()
        times = recurrence(new.spec, new.timezone, now)
        with self._runtime.database.write() as tx:
            made = store.add(tx, new, times.after(now), now)
            self._note(tx, "add", made, new.created_by, {"spec": made.spec, "timezone": made.timezone})
        return made

    def listing(self) -> list[Schedule]:
        with self._runtime.database.read() as tx:
            return store.listing(tx)

    def show(self, name: str) -> tuple[Schedule, list[Firing]]:
        """A schedule and its newest firings. Raises NotFound."""
        with self._runtime.database.read() as tx:
            found = store.find(tx, name)
            return found, store.firings_of(tx, found.id)

    def pause(self, name: str, by: str) -> Schedule:
        """Raises NotFound, Conflict if it is paused already."""
        with self._runtime.database.write() as tx:
            found = store.find(tx, name)
            if found.paused:
                raise Conflict(f"schedule {name} is paused already")
            store.pause(tx, found)
            self._note(tx, "pause", found, by)
            return store.find(tx, name)

    def resume(self, name: str, by: str) -> Schedule:
        """From now on; what was due meanwhile is not made up for. Raises NotFound, Conflict."""
        with self._runtime.database.write() as tx:
            found = store.find(tx, name)
            if not found.paused:
                raise Conflict(f"schedule {name} is not paused")
            store.resume(tx, found, _times(found).after(time.time()))
            self._note(tx, "resume", found, by)
            return store.find(tx, name)

    def remove(self, name: str, by: str) -> Schedule:
        """Its runs stay. Raises NotFound."""
        with self._runtime.database.write() as tx:
            found = store.find(tx, name)
            store.remove(tx, found)
            self._note(tx, "remove", found, by)
        return found

    def run_now(self, name: str, by: str) -> Firing:
        """One firing out of turn, whatever the overlap policy says. Raises NotFound, and what the action raises."""
        now = time.time()
        with self._runtime.database.write() as tx:
            found = store.find(tx, name)
            store.fire(tx, found.id, now, DUE, None, now)
            self._note(tx, "run", found, by)
        firing = Firing(found.id, now, DUE, None, None, now)
        try:
            return self._carry_out(found, firing)
        except Unavailable:
            raise
        except ReignError as error:
            self._settle(firing, FAILED, None, str(error))
            raise

    @staticmethod
    def _note(tx: Any, verb: str, found: Schedule, by: str, data: Any = None) -> None:
        environment = found.body.get("environment") if isinstance(found.body, dict) else None
        audit.note(tx, f"schedule.{verb}", actor=by, environment=environment, subject=found.name, data=data)

    # --- what happens by itself -------------------------------------------------------------------------------------

    def tick(self) -> list[str]:
        """Notice what is due and act on it; returns the runs that were made. Raises Unavailable."""
        now = time.time()
        with self._runtime.database.read() as tx:
            due = store.due(tx, now)
            waiting = store.waiting(tx)
        for schedule in due:
            self._notice(schedule, now)
        if due:
            with self._runtime.database.read() as tx:
                waiting = store.waiting(tx)
        return [run for firing in waiting if (run := self._act(firing))]

    def _notice(self, schedule: Schedule, now: float) -> None:
        """The due time becomes a firing. Of several that have passed the last one counts."""
        assert schedule.next_due is not None
        times = _times(schedule)
        latest = times.before(now, schedule.next_due)
        state, note = DUE, None
        if now - latest > IN_TIME and schedule.misfire == "skip":
            state, note = SKIPPED, f"missed: nobody looked at the clock for {readable(now - latest)}"
        with self._runtime.database.write() as tx:
            if not store.advance(tx, schedule, times.after(now)):
                return
            ahead = [firing for firing in store.waiting(tx) if firing.schedule_id == schedule.id]
            if len(ahead) >= MOST_WAITING:
                state, note = SKIPPED, f"{len(ahead)} earlier ones wait already"
            store.fire(tx, schedule.id, latest, state, note, now)

    def _act(self, firing: Firing) -> str | None:
        with self._runtime.database.read() as tx:
            schedule = store.by_id(tx, firing.schedule_id)
            busy = store.under_way(tx, firing.schedule_id)
        if schedule is None:
            return None
        if busy and schedule.overlap == "queue":
            return None
        if busy:
            self._settle(firing, SKIPPED, None, f"run {busy} still goes on")
            return None
        try:
            return self._carry_out(schedule, firing).run
        except Unavailable:
            raise
        except ReignError as error:
            log.warning("schedule %s: %s", schedule.name, error)
            self._settle(firing, FAILED, None, str(error))
            return None

    def _carry_out(self, schedule: Schedule, firing: Firing) -> Firing:
        action = self._actions.get(schedule.action)
        if action is None:
            raise NotFound(f"nothing here carries out a schedule for {schedule.action!r}", hint="upgrade reign")
        key = f"schedule-{schedule.id}-{firing.due_at!r}"
        run = action(schedule.body, Call(key, f"schedule {schedule.name}"))
        self._settle(firing, SUBMITTED, run, None)
        return Firing(firing.schedule_id, firing.due_at, SUBMITTED, run, None, time.time())

    def _settle(self, firing: Firing, state: str, run: str | None, note: str | None) -> None:
        with self._runtime.database.write() as tx:
            store.settle(tx, firing, state, run, note, time.time())


def _times(schedule: Schedule) -> Recurrence:
    return recurrence(schedule.spec, schedule.timezone, schedule.created_at)


def checked_body(general: ReignGeneral, body: Mapping[str, Any]) -> dict[str, Any]:
    """A submission body that makes a plan now, with its folder made absolute and its secrets sealed. Raises what
    planning raises."""
    asked = general.to_keep(
        Submission(
            request=body.get("request"),
            plan=body.get("plan"),
            params=body.get("params") or {},
            environment=body.get("environment"),
        )
    )
    known = {"request": asked.request, "plan": asked.plan, "params": dict(asked.params)}
    kept = {name: value for name, value in known.items() if value or name in body}
    return {**body, **kept, "workdir": str(Path(body.get("workdir") or Path.cwd()).absolute())}
