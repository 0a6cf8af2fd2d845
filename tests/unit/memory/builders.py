"""Episodes for tests."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, settings

from reign.memory.episodes import Episode

#: On a machine that is busy examples are slow to make, which is no fault.
PATIENT = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
NOW = 1_800_000_000.0
DAY = 86_400.0
GOOD = Episode(
    operation="docker.build", pattern="a" * 16, same="", environment="dev", ok=True, sort=None, signature=None,
    message=None, seconds=10.0, worked=True, recovered=None, run="calm-otter", task="build", by="ada", at=NOW,
)  # fmt: skip


def good(n: int = 1, **given: object) -> list[Episode]:
    """Successes, one a day backwards, each of a run of its own."""
    return [replace(GOOD, **{"at": NOW - i * DAY, "run": f"good-{i}", **given}) for i in range(n)]  # type: ignore[arg-type]


def bad(n: int = 1, **given: object) -> list[Episode]:
    """Failures, one a day backwards."""
    about = {"ok": False, "sort": "transient", "signature": "f" * 16, "message": "the registry is away"}
    return [
        replace(GOOD, **{"at": NOW - i * DAY, "run": f"bad-{i}", **about, **given})  # type: ignore[arg-type]
        for i in range(n)
    ]
