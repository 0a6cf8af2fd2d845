"""``python -m benchmarks.pools``: how pools use their slots, and what they weigh. One JSON line each.

- makespan: W3 of tasks that sleep, on 8 processes; as a ratio to list scheduling, which no scheduler of the kind beats
- scaling: sleeping tasks side by side on 1, 2 and 4 processes; how much of the linear speed-up is there
- idle: the memory of an installation with one idle pool, by process; PSS, so that shared pages count once
- crowd: a run of many tasks over ten agents with a pool each; the peak of all memory, and that of the broker
"""

from __future__ import annotations

import argparse
import heapq
import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

import redis

from benchmarks import workloads
from benchmarks.peers.reign_peer import installation, plan
from benchmarks.pools.many import places
from benchmarks.servers import Servers
from benchmarks.workloads import Dag
from reign import Client

_NAP = 0.1  # seconds


def bound(graph: Dag, slots: int) -> float:
    """Naps that list scheduling takes: whenever a slot is free it takes the next task that is ready."""
    waits = {name: len(needs) for name, needs in graph.items()}
    after = workloads.followers(graph)
    ready = [name for name, count in waits.items() if not count]
    running: list[tuple[int, str]] = []
    now = 0
    while ready or running:
        while ready and len(running) < slots:
            heapq.heappush(running, (now + 1, ready.pop(0)))
        now, name = heapq.heappop(running)
        for other in after[name]:
            waits[other] -= 1
            if not waits[other]:
                ready.append(other)
    return float(now)


def seconds(client: Client, wanted: dict[str, Any]) -> float:
    """From the submission to the end, as the run itself records it."""
    ended = client.submit(wanted).wait(timeout=600)
    if ended.state != "succeeded":
        raise RuntimeError(f"{ended.name} is {ended.state}: {ended.cause}")
    return float(ended.data["ended_at"] - ended.data["created_at"])


def sleeping(graph: Dag) -> dict[str, Any]:
    return plan(graph, uses="bench.sleep", **{"with": {"seconds": _NAP}})


def makespan(variant: str, slots: int = 8) -> dict[str, Any]:
    graph = workloads.dag("W3")
    with Servers() as servers, installation(servers, variant, slots) as client:
        seconds(client, sleeping({"warm": []}))
        wall = seconds(client, sleeping(graph))
    best = bound(graph, slots) * _NAP
    return {"slots": slots, "wall_s": round(wall, 2), "bound_s": round(best, 2), "ratio": round(wall / best, 3)}


def scaling(variant: str, naps: int = 100) -> dict[str, Any]:
    walls: dict[int, float] = {}
    for slots in (1, 2, 4):
        with Servers() as servers, installation(servers, variant, slots) as client:
            seconds(client, sleeping({"warm": []}))
            walls[slots] = seconds(client, sleeping({f"n{number}": [] for number in range(naps)}))
    shares = {f"efficiency_{n}": round(walls[1] / (n * wall), 3) for n, wall in walls.items() if n > 1}
    return {"naps": naps, "wall_s": {str(n): round(wall, 2) for n, wall in walls.items()}, **shares}


def idle(variant: str) -> dict[str, Any]:
    with Servers() as servers, installation(servers, variant):
        found = weights(os.getpid())
    pool = [mb for name, mb in found if "workers" in name]
    return {"processes": len(found), "pss_mb": round(sum(mb for _, mb in found)), "pool_pss_mb": round(sum(pool))}


def crowd(variant: str, tasks: int, agents: int = 10) -> dict[str, Any]:
    graph: Dag = {f"t{number}": [] for number in range(tasks)}
    wanted = plan(graph)
    for number, task in enumerate(wanted["tasks"].values()):
        task["uses"] = f"bench{number % agents}.noop"
    with Servers() as servers, installation(servers, variant, 1, places(agents)) as client:
        broker = redis.Redis(unix_socket_path=str(servers.folder / "data" / "valkey.sock"))
        with peak() as highest:
            wall = seconds(client, wanted)
        memory: Any = broker.info("memory")
    mb = {"pss_mb": round(highest[0]), "broker_mb": round(memory["used_memory_peak"] / 2**20, 1)}
    return {"tasks": tasks, "agents": agents, "tasks_per_s": round(tasks / wall, 1), **mb}


@contextmanager
def peak() -> Iterator[list[float]]:
    """The highest sum of PSS below this process, in MB, looked at every second."""
    found, over = [0.0], Event()

    def watch() -> None:
        while not over.wait(1):
            found[0] = max(found[0], sum(mb for _, mb in weights(os.getpid())))

    thread = Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()


def weights(root: int) -> list[tuple[str, float]]:
    """Command line and PSS in MB of each process below ``root``."""
    parents = {pid: parent for pid in _pids() if (parent := _parent(pid)) is not None}
    found = []
    for pid in parents:
        above = pid
        while above in parents and above != root:
            above = parents[above]
        if above == root and pid != root:
            try:
                words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
            except OSError:
                continue
            if size := re.search(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE):
                found.append((words, int(size[1]) / 1024))
    return found


def _pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _parent(pid: int) -> int | None:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return None


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pools", description=__doc__)
    parser.add_argument("--variant", default="sqlite", choices=("sqlite", "postgres"))
    parser.add_argument("--only", default="makespan,scaling,idle,crowd")
    parser.add_argument("--tasks", type=int, default=10_000, help="of the crowd")
    given = parser.parse_args()
    for name in given.only.split(","):
        began = time.monotonic()
        measured = crowd(given.variant, given.tasks) if name == "crowd" else _MEASURES[name](given.variant)
        line = {"measure": name, "variant": given.variant, **measured, "took_s": round(time.monotonic() - began)}
        print(json.dumps(line), flush=True)


_MEASURES = {"makespan": makespan, "scaling": scaling, "idle": idle}

if __name__ == "__main__":
    main()
