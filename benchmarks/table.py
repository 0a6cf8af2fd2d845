"""The table of ratios: how many times as fast a peer is as Celery's own canvas, in the same run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from benchmarks.workloads import NAMES

_BASE = ("celery", "canvas")
_LIMIT = ("celery", "exact")
Row = Mapping[str, Any]


def markdown(rows: Iterable[Row]) -> str:
    """A line a variant. W2 by hop, W5 by the median and 95th percentile; other workloads by tasks a second.

    A shrunken workload is compared by tasks a second (or by hop) too, which flatters neither side by much.
    """
    cells = {(row["peer"], row["variant"], row["workload"]): row for row in rows}
    lines = ["| | " + " | ".join(NAMES) + " |", "|---" * (len(NAMES) + 1) + "|"]
    for peer, variant in dict.fromkeys(key[:2] for key in cells):
        found = [_cell(cells, (peer, variant, workload)) for workload in NAMES]
        lines.append(f"| {peer} {variant} | " + " | ".join(found) + " |")
    return "\n".join([*lines, "", "In brackets: times as fast as Celery's canvas / as the exact scheduler in Redis."])


def _cell(cells: Mapping[tuple[str, str, str], Row], key: tuple[str, str, str]) -> str:
    row = cells.get(key)
    if row is None:
        return "-"
    if "error" in row:
        return "failed"
    if key[2] == "W2":
        shown = f"{row['hop_ms']:.2f} ms/hop"
    elif key[2] == "W5":
        shown = f"{row['lat_median_ms']:.1f} (95 %: {row['lat_p95_ms']:.1f}) ms"
    else:
        shown = f"{row['tasks_per_s']:,.0f}/s"
    return f"{shown} ({_ratio(cells, row, _BASE)} / {_ratio(cells, row, _LIMIT)})"


def _ratio(cells: Mapping[tuple[str, str, str], Row], row: Row, base: tuple[str, str]) -> str:
    other = cells.get((*base, row["workload"]))
    if other is None or "error" in other:
        return "-"
    return f"{_speed(row) / _speed(other):.2f}"


def _speed(row: Row) -> float:
    """Greater is faster."""
    return 1000 / float(row["lat_median_ms"]) if row["workload"] == "W5" else float(row["tasks_per_s"])
