"""REIGN itself: plans are handed in by the client, over HTTP, and every transition is committed.

Variants: ``sqlite`` and ``postgres``; ``:default`` (what `reign up` starts) or ``:solo`` (two single processes).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from benchmarks import measuring
from benchmarks.servers import Servers, free_port, until
from benchmarks.workloads import Dag
from reign import Client
from reign.broker import embedded
from reign.config import Settings

AGENTS = {"bench": "benchmarks.agent:AGENT"}


@contextmanager
def installation(
    servers: Servers, variant: str, workers: int = 2, agents: Mapping[str, str] = AGENTS
) -> Iterator[Client]:
    """A REIGN as `reign up` makes it, with a pool for each of ``agents`` (name to where it is) and no other; yields a
    client of it."""
    store, _, pool = variant.partition(":")
    env = {
        **{name: value for name, value in os.environ.items() if not name.startswith("REIGN_")},
        "REIGN_DATA_DIR": str(servers.folder / "data"),
        "REIGN_API_PORT": str(free_port()),
        "REIGN_FLOWER_PORT": "0",
        "REIGN_EXTRA_AGENTS": ",".join(agents.values()),
    }
    if store == "postgres":
        env["REIGN_DATABASE_URL"] = servers.postgres()
    os.environ.update({name: value for name, value in env.items() if name.startswith("REIGN_")})
    settings = Settings.load()
    settings.writable_data_dir()
    servers.start("valkey", embedded.command(settings), env=env)
    until(settings.socket_path.exists)
    servers.start("api", [sys.executable, "-m", "reign", "api"], env=env)
    client = Client(settings.url)
    until(lambda: _ready(client))
    servers.start("general", [sys.executable, "-m", "reign", "general"], env=env)
    how = ["--pool", "solo" if pool == "solo" else "prefork", "-c", str(workers)]
    for agent in agents:
        servers.start(f"worker-{agent}", [sys.executable, "-m", "workers", agent, *how], env=env)
    wanted = dict.fromkeys(agents, workers)
    until(lambda: wanted.items() <= {p["agent"]: p["workers"] for p in client.get("/pools")}.items())
    try:
        yield client
    finally:
        client.close()


def _ready(client: Client) -> bool:
    try:
        return bool(client.get("/readyz")["status"] == "ok")
    except Exception:
        return False


def plan(graph: Dag, **task: Any) -> dict[str, Any]:
    """A plan file of a DAG of no-ops."""
    one = {"uses": "bench.noop", **task}
    return {"name": "bench", "tasks": {name: {**one, "needs": needs} for name, needs in graph.items()}}


def runner(client: Client) -> measuring.Runner:
    def run(_workload: str, graph: Dag, copies: int) -> None:
        wanted = plan(graph)
        if copies == 1:
            runs = [client.submit(wanted).wait(timeout=300)]
        else:
            runs = client.submit_all([wanted] * copies)
            client.wait_all(runs, timeout=300)
        for ended in runs:
            if ended.state != "succeeded":
                raise RuntimeError(f"{ended.name} is {ended.state}: {ended.cause}")

    return run


def main() -> None:
    given = measuring.arguments()
    with Servers() as servers, installation(servers, given.variant) as client:
        measuring.measure("reign", given, runner(client), ("reign", "celery", "kombu", "redis", "sqlalchemy"))


if __name__ == "__main__":
    main()
