"""Prefect 3 with a server of its own on SQLite: a run is a flow, its tasks run on threads of the flow's process."""

from __future__ import annotations

import os
import sys
from typing import Any
from urllib.request import urlopen

from benchmarks import measuring
from benchmarks.servers import Servers, free_port, until
from benchmarks.workloads import Dag


def _answers(url: str) -> bool:
    try:
        with urlopen(url + "/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _runner() -> measuring.Runner:
    from prefect import flow, task
    from prefect.futures import wait
    from prefect.task_runners import ThreadPoolTaskRunner

    @task(name="noop")
    def noop() -> int:
        return 1

    @flow(name="dag", task_runner=ThreadPoolTaskRunner(max_workers=8))  # type: ignore[arg-type]
    def dag(graph: Dag) -> int:
        futures: dict[str, Any] = {}
        for name, needs in graph.items():
            futures[name] = noop.submit(wait_for=[futures[other] for other in needs])
        wait(list(futures.values()))
        return sum(future.result() for future in futures.values())

    def run(_workload: str, graph: Dag, copies: int) -> None:
        for _ in range(copies):
            if dag(graph) != len(graph):
                raise RuntimeError("not all tasks were done")

    return run


def main() -> None:
    given = measuring.arguments()
    with Servers() as servers:
        port = free_port()
        url = f"http://127.0.0.1:{port}/api"
        os.environ |= {
            "PREFECT_HOME": str(servers.folder / "prefect"),
            "PREFECT_API_URL": url,
            "PREFECT_LOGGING_LEVEL": "ERROR",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
        }
        argv = [
            sys.executable,
            "-m",
            "prefect",
            "server",
            "start",
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
            "--no-ui",
        ]
        servers.start("server", argv)
        until(lambda: _answers(url), 120)
        measuring.measure("prefect", given, _runner(), ("prefect",), "W4's runs one after another")


if __name__ == "__main__":
    main()
