"""Many runs at a time: started together, waited for together."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection
from typing import Any

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from reign.api.bodies import BatchBody, WaitBody
from reign.api.wakeups import LOOK_EVERY, Wakeups
from reign.engine import views
from reign.engine.general import ReignGeneral
from reign.engine.runtime import Runtime
from reign.store import runs

#: Seconds between two looks at least: hints of many runs come all at once.
_PAUSE = 0.05


def batch_routes(api: FastAPI, runtime: Runtime, general: ReignGeneral, wakeups: Wakeups) -> None:
    def looked(names: list[str]) -> list[dict[str, Any]]:
        with runtime.database.read() as tx:
            found = runs.of_names(tx, names)
            counts = runs.counts(tx, [run.id for run in found])
        return [views.run_summary(run, counts[run.id]) for run in found]

    def found(names: list[str]) -> set[int]:
        with runtime.database.read() as tx:
            return {run.id for run in runs.of_names(tx, names)}

    def moving(ids: Collection[int]) -> set[int]:
        with runtime.database.read() as tx:
            return runs.moving(tx, ids)

    @api.post("/runs/batch", status_code=201, tags=["runs"])
    def submit_all(body: BatchBody) -> list[dict[str, Any]]:
        """Plan and start up to 1,000 runs in one go: all, or, if anything is wrong with one of them, none."""
        return [views.run_summary(run) for run in general.submit_all([run.wanted() for run in body.runs])]

    @api.post("/runs/wait", tags=["runs"])
    async def wait(body: WaitBody) -> list[dict[str, Any]]:
        """The runs of these names, when all have ended or need attention, or after ``wait`` seconds as they stand."""
        deadline = time.monotonic() + body.wait
        left = await run_in_threadpool(found, body.names)
        with wakeups.watching(left) as watch:
            left = await run_in_threadpool(moving, left)
            looked_at = time.monotonic()
            while left and time.monotonic() < deadline:
                asked = await watch.changed(min(LOOK_EVERY, deadline - time.monotonic())) & left
                if time.monotonic() - looked_at > LOOK_EVERY:  # hints may be lost
                    asked, looked_at = left, time.monotonic()
                left = left - asked | await run_in_threadpool(moving, asked)
                await asyncio.sleep(_PAUSE if left else 0)
        return await run_in_threadpool(looked, body.names)
