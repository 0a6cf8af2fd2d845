"""When a schedule is due: a cron expression (``0 7 * * MON-FRI``) or an interval (``every 10m``).

Cron arithmetic is cronsim's: small, typed, tested against Debian's cron minute by minute, and right about days of 23
and 25 hours (a time that does not exist runs right after the gap, a time that comes twice runs once). croniter would do
more (seconds, random and hashed fields) that a schedule does not need.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError

from reign.core.duration import seconds
from reign.core.errors import InvalidInput, did_you_mean

SHORTEST = 1.0  # seconds
_NICKNAMES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}


@dataclass(frozen=True)
class Recurrence:
    """Due times: ``after(t)`` is the first one later than ``t``, ``before(t)`` the last one at or before it.

    ``cron``: an expression in a time zone. ``every``: seconds, counted from ``start``.
    """

    cron: str | None
    zone: tzinfo
    every: float | None
    start: float

    def after(self, moment: float) -> float | None:
        """Seconds since 1970; None if it is not due again within the years that cronsim looks ahead."""
        if self.every is not None:
            return self.start + (int((moment - self.start) // self.every) + 1) * self.every
        assert self.cron is not None
        found = next(CronSim(self.cron, datetime.fromtimestamp(moment, self.zone)), None)
        return None if found is None else found.timestamp()

    def before(self, moment: float, since: float) -> float:
        """The last due time that is not later than ``moment``; ``since`` is one that is known."""
        if self.every is not None:
            return max(since, self.start + int((moment - self.start) // self.every) * self.every)
        assert self.cron is not None
        back = CronSim(self.cron, datetime.fromtimestamp(moment + 60, self.zone), reverse=True)
        last = next((found.timestamp() for found in back if found.timestamp() <= moment), since)
        return max(since, last)


def recurrence(spec: str, timezone: str = "UTC", start: float = 0.0) -> Recurrence:
    """Read ``every DURATION``, ``@daily`` and its like, or five cron fields. Raises InvalidInput."""
    zone = _zone(timezone)
    text = " ".join(spec.split())
    if text.lower().startswith("every "):
        try:
            every = seconds(text[6:])
        except ValueError as error:
            raise InvalidInput(f"{spec!r}: {error}", hint="every 10m, every 1h30m") from None
        if every < SHORTEST:
            raise InvalidInput(f"{spec!r} is too often", hint=f"at least every {SHORTEST:g}s")
        return Recurrence(None, zone, every, start)
    cron = _NICKNAMES.get(text.lower(), text)
    try:
        CronSim(cron, datetime.now(UTC))
    except CronSimError as error:
        raise InvalidInput(
            f"{spec!r} is no schedule: {error}", hint="'0 7 * * MON-FRI', '*/10 * * * *', '@daily' or 'every 10m'"
        ) from None
    return Recurrence(cron, zone, None, start)


def _zone(name: str) -> tzinfo:
    if name.upper() == "UTC":
        return UTC
    if name not in available_timezones():
        raise InvalidInput(
            f"there is no time zone {name!r}", hint=did_you_mean(name, available_timezones()) or "Europe/Berlin, UTC"
        )
    return ZoneInfo(name)
