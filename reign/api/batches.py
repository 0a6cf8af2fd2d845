"""Many runs at a time: started together, waited for together."""

from __future__ import annotations

import asyncio
import time
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

    def moving(names: list[str]) -> list[int]:
        with runtime.database.read() as tx:
            return runs.moving(tx, names)

    @api.post("/runs/batch", status_code=201, tags=["runs"])
    def submit_all(body: BatchBody) -> list[dict[str, Any]]:
        """Plan and start up to 1,000 runs in one go: all, or, if anything is wrong with one of them, none."""
        return [views.run_summary(run) for run in general.submit_all([run.wanted() for run in body.runs])]

    @api.post("/runs/wait", tags=["runs"])
    async def wait(body: WaitBody) -> list[dict[str, Any]]:
        """The runs of these names, when all have ended or need attention, or after ``wait`` seconds as they stand."""
        deadline = time.monotonic() + body.wait
        with wakeups.watching(await run_in_threadpool(moving, body.names)) as watch:
            while await run_in_threadpool(moving, body.names):
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                await watch.changed(min(LOOK_EVERY, left))
                await asyncio.sleep(_PAUSE)
        return await run_in_threadpool(looked, body.names)
