"""``python -m benchmarks``: REIGN and its peers on the same DAGs; a JSON line a cell, then the table of ratios."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import table, workloads

ROOT = Path(__file__).parent.parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "reign" / "benchmarks"


@dataclass(frozen=True)
class Peer:
    """``packages``: what its own virtual environment holds; empty: it runs in this one."""

    variants: tuple[str, ...]
    packages: tuple[str, ...] = ()
    scale: float = 1.0


PEERS = {
    "reign": Peer(("sqlite", "sqlite:solo", "postgres", "postgres:solo")),
    "celery": Peer(("canvas", "exact", "exact:noack")),
    "dbos": Peer(("steps", "queue"), ("dbos>=2", "psycopg[binary]>=3.2")),
    "prefect": Peer(("server",), ("prefect==3.8.*", "fastapi==0.139.*"), scale=0.1),
}


def main() -> int:
    given = _arguments()
    if given.table:
        print(table.markdown([json.loads(line) for line in given.table.read_text().splitlines()]))
        return 0
    rows: list[dict[str, Any]] = []
    for name in given.peers.split(","):
        peer = PEERS[name]
        chosen = given.variants.split(",") if given.variants else peer.variants
        for variant in (v for v in chosen if v in peer.variants):
            for line in _cells(name, peer, variant, given):
                print(line, flush=True)
                rows.append(json.loads(line))
    if given.out:
        given.out.write_text("".join(json.dumps(row) + "\n" for row in rows))
    print(table.markdown(rows), file=sys.stderr)
    return 1 if any("error" in row for row in rows) else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--peers", default="reign,celery,dbos,prefect")
    parser.add_argument("--variants", help="of the chosen peers; default: all")
    parser.add_argument("--workloads", default=",".join(workloads.NAMES))
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--timeout", type=float, default=900, help="seconds for one variant")
    parser.add_argument("--out", type=Path, help="also write the lines to this file")
    parser.add_argument("--table", type=Path, help="print the table of lines that were written before, and run nothing")
    return parser.parse_args()


def _cells(name: str, peer: Peer, variant: str, given: argparse.Namespace) -> list[str]:
    """The lines of one variant. What it did not get to is there as a line that says why."""
    argv = [_python(name, peer), "-m", f"benchmarks.peers.{name}_peer", "--variant", variant]
    argv += ["--workloads", given.workloads, "--repetitions", str(given.repetitions)]
    argv += ["--scale", str(min(given.scale, peer.scale))]
    process = subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        out, err = process.communicate(timeout=given.timeout)
        why = err.strip().splitlines()[-1:] or [f"it ended with {process.returncode}"]
    except subprocess.TimeoutExpired:
        process.terminate()  # it ends its own children
        out, _ = process.communicate()
        why = [f"not done after {given.timeout:g} s"]
    lines = [line for line in out.splitlines() if line.startswith("{")]
    done = {json.loads(line)["workload"] for line in lines}
    missing = [workload for workload in given.workloads.split(",") if workload not in done]
    return lines + [json.dumps({"peer": name, "variant": variant, "workload": w, "error": why[0]}) for w in missing]


def _python(name: str, peer: Peer) -> str:
    """The Python that runs a peer; its virtual environment is made once a machine, outside of the project."""
    if not peer.packages:
        return sys.executable
    folder = CACHE / name
    python = folder / "bin" / "python"
    made, wanted = folder / "made", "\n".join(peer.packages)
    if not made.is_file() or made.read_text() != wanted:
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *peer.packages], check=True, stdout=sys.stderr)
        made.write_text(wanted)
    return str(python)


if __name__ == "__main__":
    sys.exit(main())
