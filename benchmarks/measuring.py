"""The measuring loop, and the JSON line of a cell. Standard library only: peers live in venvs of their own."""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import sys
import threading
import time
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks import workloads
from benchmarks.workloads import Dag

#: Runs so many copies of a DAG, submitted together; returns when all have ended. May return the seconds that count.
Runner = Callable[[str, Dag, int], float | None]


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """What each peer understands; on SIGTERM it leaves by SystemExit, so that its children are ended."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--variant", required=True)
    parser.add_argument("--workloads", default=",".join(workloads.NAMES))
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    return parser.parse_args(argv)


def measure(peer: str, given: argparse.Namespace, runner: Runner, packages: Sequence[str], note: str = "") -> None:
    """Warm up, run each workload ``repetitions`` times, print a JSON line for each. A cell that fails says why."""
    for workload in given.workloads.split(","):
        row = _row(peer, given, workload, packages, note)
        try:
            runner("W5", workloads.dag("W5"), 1)
            row |= _cell(runner, workload, given)
        except Exception as error:
            row["error"] = f"{type(error).__name__}: {error}"[:300]
        print(json.dumps(row), flush=True)


def _row(peer: str, given: argparse.Namespace, workload: str, packages: Sequence[str], note: str) -> dict[str, Any]:
    copies = workloads.copies(workload, given.scale)
    return {
        "peer": peer,
        "variant": given.variant,
        "workload": workload,
        "tasks": len(workloads.dag(workload, given.scale)) * copies,
        "runs": copies,
        "scale": given.scale,
        "reps": given.repetitions,
        "versions": {"python": sys.version.split()[0], **{name: _version(name) for name in packages}},
        **({"note": note} if note else {}),
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _cell(runner: Runner, workload: str, given: argparse.Namespace) -> dict[str, Any]:
    graph, copies = workloads.dag(workload, given.scale), workloads.copies(workload, given.scale)
    walls: list[float] = []
    latencies: list[float] = []
    with Memory() as memory:
        for _ in range(given.repetitions):
            if workload == "W5":
                each = [_timed(runner, workload, graph, 1) for _ in range(copies)]
                latencies += each
                walls.append(sum(each))
            else:
                walls.append(_timed(runner, workload, graph, copies))
    wall = statistics.median(walls)
    cell: dict[str, Any] = {
        "wall_s": round(wall, 4),
        "wall_all": [round(seconds, 4) for seconds in walls],
        "tasks_per_s": round(len(graph) * copies / wall, 1),
    }
    if workload == "W2":
        cell["hop_ms"] = round(1000 * wall / len(graph), 3)
    if latencies:
        cell["lat_median_ms"] = round(1000 * statistics.median(latencies), 2)
        cell["lat_p95_ms"] = round(1000 * sorted(latencies)[round(0.95 * (len(latencies) - 1))], 2)
    return cell | {"peak_rss_mb": round(memory.peak / 2**20), "procs": memory.processes}


def _timed(runner: Runner, workload: str, graph: Dag, copies: int) -> float:
    started = time.perf_counter()
    own = runner(workload, graph, copies)
    return own if own is not None else time.perf_counter() - started


class Memory:
    """The highest sum of the resident memory of this process and all below it, in bytes, looked at twice a second.

    Pages that forked processes share are counted for each of them: an upper bound.
    """

    def __init__(self) -> None:
        self.peak = 0
        self.processes = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            found = resident(os.getpid())
            if sum(found) > self.peak:
                self.peak, self.processes = sum(found), len(found)
            if self._stop.wait(0.5):
                return


def resident(root: int) -> list[int]:
    """Resident bytes of a process and of each process below it."""
    children: dict[int, list[int]] = {}
    sizes: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            sizes[int(folder.name)] = int((folder / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except OSError:
            continue
        children.setdefault(parent, []).append(int(folder.name))
    found, open_ = [], [root]
    while open_:
        pid = open_.pop()
        if pid in sizes:
            found.append(sizes[pid])
            open_ += children.get(pid, [])
    return found
