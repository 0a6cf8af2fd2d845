"""Names that were typed, against those that are known."""

from __future__ import annotations

from reign.client import Client
from reign.core.errors import did_you_mean


def unknown_environment(client: Client, environment: str | None) -> str | None:
    """The nearest right name of an environment that no setting names and nothing was done in; None for a known one."""
    if environment is None:
        return None
    known = {name for item in client.get("/environments") for name in (item["name"], item["next"]) if name}
    return None if environment in known else did_you_mean(environment, known)
