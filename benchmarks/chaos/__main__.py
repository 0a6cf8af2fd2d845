"""``python -m benchmarks.chaos --runs 300 --kills 1000``: one JSON line with the invariants; exit 1 if one is broken.

The same storm as ``reign drill``, larger, with the tests' own operation (``probe.append``). It ends only processes that
it has started, in a folder of its own, and gives up after ``--within`` seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

from reign.config import Settings
from reign.local.drill import Drill, Size

AGENTS = "tests.agents.probe:AGENT"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chaos", description=__doc__)
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--tasks", type=int, default=8, help="of each run")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--within", type=float, default=3600.0, help="seconds")
    parser.add_argument("--database-url", default=None, help="default: SQLite in the private folder")
    options = parser.parse_args()
    size = Size(options.runs, options.kills, options.tasks, options.workers, within=options.within, seed=options.seed)
    os.environ["REIGN_EXTRA_AGENTS"] = AGENTS
    with tempfile.TemporaryDirectory(prefix="reign-chaos-") as folder:
        settings = Settings.load(
            data_dir=Path(folder),
            database_url=options.database_url,
            heartbeat=0.5,
            lease=3.0,
            max_attempts_lost=100_000,
        )
        drill = Drill(
            settings,
            size,
            uses="probe.append",
            agents=AGENTS,
            say=lambda text: print(text, file=sys.stderr, flush=True),
        )
        report = drill.run()
    print(json.dumps(report.as_dict()))
    for lost in report.lost_runs:
        print(lost, file=sys.stderr)
    return 0 if report.well else 1


if __name__ == "__main__":
    sys.exit(main())
