"""What a look at a resource says about it, beside what is recorded."""

from __future__ import annotations

from enum import StrEnum

from reign.core.resource import Observation


class Standing(StrEnum):
    """How a resource stands to what is recorded of it."""

    SAME = "same"
    CHANGED = "changed"
    MISSING = "missing"  # it was removed
    REPLACED = "replaced"  # one of that name is there, and it is another one: a look-alike
    DAMAGED = "damaged"  # it is there and cannot be read
    UNMANAGED = "unmanaged"  # recorded as removed, and somebody else has made one of that name
    MOVING = "moving"  # a run is at it just now
    UNKNOWN = "unknown"  # its engine could not be asked


#: What counts as drift: the engine answered, and the resource is not as recorded.
DRIFTED = frozenset({Standing.CHANGED, Standing.MISSING, Standing.REPLACED, Standing.DAMAGED})


def standing(recorded: Observation, live: Observation) -> Standing:
    """How what was seen stands to what is recorded."""
    if live.is_damaged:
        return Standing.DAMAGED
    if recorded.exists != live.exists:
        return Standing.MISSING if recorded.exists else Standing.UNMANAGED
    if not live.exists or recorded.same_as(live):
        return Standing.SAME
    known = recorded.identity is not None and live.identity is not None
    return Standing.REPLACED if known and recorded.identity != live.identity else Standing.CHANGED
