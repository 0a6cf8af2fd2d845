"""A failed run that REIGN repairs without asking: waiting until it goes on."""

from __future__ import annotations

import time

from reign.cli.output import console, escape
from reign.client import Client, Run
from reign.core.errors import ReignError

_PATIENCE = 60.0  # seconds until a repair that was announced should have been applied
_LOOK_EVERY = 1.0  # seconds


def is_repaired(client: Client, run: Run, quiet: bool = False) -> bool:
    """Whether a failed run goes on by itself, because ``REIGN_REPAIR=auto`` repairs it; waits until it does."""
    deadline = time.monotonic() + _PATIENCE
    said = quiet
    while time.monotonic() < deadline:
        try:
            found = client.get(f"/runs/{run.name}/repair")
            if found["state"] == "failed" and not found.get("on_its_own"):
                followed = run.data.get("ended_at")
                run.refresh()
                # Between two looks it may have been repaired, gone on, and failed again.
                return bool(run.data.get("ended_at") != followed)
        except ReignError:
            return False
        if found["state"] != "failed":
            run.refresh()
            return True
        if not said:
            reasons = [failure["proposal"] for failure in found["failures"] if failure["proposal"]]
            console.print(f"  [green]it is repaired on its own:[/green] {escape('; '.join(reasons))}", soft_wrap=True)
            said = True
        time.sleep(_LOOK_EVERY)
    return False
