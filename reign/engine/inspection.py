"""A look at the resources of an earlier task, beside what is recorded of them; changes nothing outside."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from reign.core import outcome
from reign.core.drift import Standing, standing
from reign.core.resource import Observation
from reign.engine import observing
from reign.executor import Cancelled, Context, FailureKind, Operation, TaskFailed
from reign.store import history, inspections
from reign.store.claims import Claim
from reign.store.database import Database


def look(
    database: Database,
    ctx: Context,
    claim: Claim,
    operation: Operation[Any, Any],
    inputs: Any,
    addresses: Sequence[str],
) -> outcome.Outcome:
    """Inspect, compare, and keep what was found. An engine that does not answer leaves the resources unknown, which is
    a finding and no failure. Takes no locks: what a run is changing meanwhile is told as such."""
    with database.read() as tx:
        earlier = {
            item.address: item.change_id for item in history.listing(tx, ctx.environment, addresses, removed=True)
        }
    seen: dict[str, Observation] = {}
    unknown: str | None = None
    try:
        seen = {item.resource: item for item in observing.masked(ctx, operation.inspect(ctx, inputs))}
    except Cancelled:
        raise
    except TaskFailed as error:
        if error.kind is FailureKind.CONFLICT:
            seen = {address: Observation.damaged(address, error.message) for address in addresses}
        else:
            unknown = error.message
    found: dict[str, str] = {}
    now = time.time()
    with database.write() as tx:
        busy = inspections.busy(tx, addresses)
        for record in history.listing(tx, ctx.environment, addresses, removed=True):
            live = seen.get(record.address)
            detail: str | None
            if record.address in busy or record.change_id != earlier.get(record.address):
                verdict, detail = Standing.MOVING, "a run is changing it"
            elif live is None:
                verdict, detail = Standing.UNKNOWN, unknown or f"{claim.uses} does not see it any more"
            else:
                verdict = standing(record.observation, live)
                detail = str(live.state["damaged"]) if live.is_damaged else None
            found[record.address] = verdict.value
            inspections.note(tx, record, verdict, live, detail, run_id=claim.run_id, task_id=claim.task_id, now=now)
    return outcome.Succeeded(found, unchanged=True)
