"""DBOS: durable workflows in a library, here on PostgreSQL.

Variants: ``steps`` (a run is one workflow, a task one of its steps: all in one process, on its event loop) and
``queue`` (a task is a child workflow on a queue that two worker processes serve: the shape of a worker pool), with
10 ms polling.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from dbos import DBOS

from benchmarks import measuring
from benchmarks.servers import Servers, until
from benchmarks.workloads import Dag, followers

POLL = 0.01  # seconds
QUEUE = "tasks"
ROOT = str(Path(__file__).resolve().parents[2])


@DBOS.step()
async def step(_name: str) -> int:
    return 1


@DBOS.workflow()
async def task(_name: str) -> int:
    return 1


async def _exactly(graph: Dag, start: Callable[[str], Awaitable[int]]) -> int:
    """Start each task when what it needs is done; returns how many were done."""
    waits = {name: len(needs) for name, needs in graph.items()}
    following, done = followers(graph), 0
    running = {asyncio.ensure_future(start(name)): name for name, count in waits.items() if not count}
    while running:
        finished, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        for future in finished:
            done += future.result()
            for name in following[running.pop(future)]:
                waits[name] -= 1
                if not waits[name]:
                    running[asyncio.ensure_future(start(name))] = name
    return done


@DBOS.workflow()
async def by_steps(graph: Dag) -> int:
    return await _exactly(graph, step)


@DBOS.workflow()
async def by_queue(graph: Dag) -> int:
    async def one(name: str) -> int:
        handle = await DBOS.enqueue_workflow_async(QUEUE, task, name)
        result: int = await handle.get_result(polling_interval_sec=POLL)
        return result

    return await _exactly(graph, one)


def _config(url: str, executor: str) -> Any:
    return {
        "name": "bench",
        "system_database_url": url,
        "application_version": "1",
        "executor_id": executor,
        "log_level": "WARNING",
        "enable_otlp": False,
        "sys_db_pool_size": 20,
    }


def serve(url: str, number: str) -> None:
    DBOS(config=_config(url, f"worker-{number}"))
    DBOS.listen_queues([QUEUE])
    DBOS.launch()
    DBOS.register_queue(QUEUE, polling_interval_sec=POLL)
    print("ready", flush=True)
    threading.Event().wait()


def main() -> None:
    given = measuring.arguments()
    os.environ.setdefault("DBOS__VMID", "bench")
    with Servers() as servers:
        url = servers.postgres()
        DBOS(config=_config(url, "driver"))
        workflow = by_steps
        if given.variant == "queue":
            workflow = by_queue
            DBOS.listen_queues([])
        DBOS.launch()
        if given.variant == "queue":
            DBOS.register_queue(QUEUE, polling_interval_sec=POLL)
            for number in range(2):
                argv = [sys.executable, "-m", "benchmarks.peers.dbos_peer", "--worker", url, str(number)]
                servers.start(f"worker{number}", argv, env={**os.environ, "PYTHONPATH": ROOT})
                log = servers.folder / f"worker{number}.log"
                until(lambda log=log: "ready" in log.read_text())

        def run(_workload: str, graph: Dag, copies: int) -> None:
            async def all_of_them() -> None:
                handles = [await DBOS.start_workflow_async(workflow, graph) for _ in range(copies)]
                for handle in handles:
                    if await handle.get_result(polling_interval_sec=POLL) != len(graph):
                        raise RuntimeError("not all tasks were done")

            asyncio.run(all_of_them())

        try:
            measuring.measure("dbos", given, run, ("dbos", "sqlalchemy", "psycopg"))
        finally:
            DBOS.destroy(workflow_completion_timeout_sec=0)


if __name__ == "__main__":
    if sys.argv[1] == "--worker":
        serve(*sys.argv[2:4])
    else:
        main()
