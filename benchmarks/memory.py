"""``python -m benchmarks.memory``: one JSON line a cell (seed and arm), and one with what memory changed."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence

from benchmarks.memory_bench.replay import replay


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=120)
    parser.add_argument("--seeds", default="1,2,3")
    given = parser.parse_args(argv)
    totals: dict[str, dict[str, float]] = {"without": {}, "with": {}}
    seeds = [int(seed) for seed in given.seeds.split(",")]
    for seed in seeds:
        for arm in ("without", "with"):
            score = replay(seed, given.runs, with_memory=arm == "with").as_dict()
            print(json.dumps({"benchmark": "memory", "seed": seed, "arm": arm, **score}), flush=True)
            for key, value in score.items():
                totals[arm][key] = totals[arm].get(key, 0) + value / len(seeds)
    change = {
        key: round(totals["with"][key] / totals["without"][key], 3)
        for key in ("failed_attempts", "interventions", "hours", "estimate_error")
    }
    print(json.dumps({"benchmark": "memory", "arm": "with / without", **change}))


if __name__ == "__main__":
    main()
