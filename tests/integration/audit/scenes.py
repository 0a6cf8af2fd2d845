"""What the tests of the state have happen: runs that are submitted and carried out in this very process."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from reign.core.outcome import Succeeded
from reign.core.plan import OnFailure
from reign.core.resource import Change, Observation
from reign.engine.general import ReignGeneral, Submission
from reign.engine.runtime import Runtime
from reign.store import claims, recording
from reign.store.database import Transaction
from reign.store.runs import RunRecord
from reign.store.tables import tasks


def plan(*names: str, **more: Any) -> dict[str, Any]:
    return {"name": "scene", "tasks": {name: {"uses": "probe.noop"} for name in names or ("a",)}, **more}


def submit(general: ReignGeneral, given: Mapping[str, Any] | None = None, **more: Any) -> RunRecord:
    """A run without a broker: nobody but the test carries it out."""
    more.setdefault("approve", None)
    return general.submit(Submission(plan=given or plan(), workdir="/", requested_by="ann", **more))


def change(name: str, to: str = "new") -> Change:
    address = f"probe:thing/{name}"
    after = Observation(resource=address, exists=True, state={"is": to})
    return Change(resource=address, before=Observation.absent(address), after=after)


def carry_out(runtime: Runtime, run: RunRecord, *, changing: bool = True) -> None:
    """Claim and record every task that is ready, each with one change, until none is."""
    while True:
        with runtime.database.write() as tx:
            query = sa.select(tasks.c.id).where(tasks.c.run_id == run.id, tasks.c.state == "ready").limit(1)
            found = tx.execute(query).scalar_one_or_none()
            if found is None:
                return
            _one(tx, found, run, changing)


def _one(tx: Transaction, task_id: int, run: RunRecord, changing: bool) -> None:
    claim = claims.claim(tx, task_id, "w1", time.time())
    assert claim is not None
    made = (change(claim.task),) if changing else ()
    before = [item.before for item in made]
    recording.intend(tx, claim, {"line": claim.task}, before, run.environment, run.name, time.time())
    recording.record(
        tx,
        claim,
        Succeeded({"value": claim.task}, made),
        time.time(),
        on_failure=OnFailure.STOP,
        environment=run.environment,
        intended=True,
        after=[item.after for item in made],
    )
